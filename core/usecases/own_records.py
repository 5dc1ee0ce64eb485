"""What organisations keep up themselves: a college its address and logo (R-014), a TEO and an authority theirs.

Whatever is not named here they cannot reach: name, code, type, credit code, place and state are the platform's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core.db import Tx
from core.errors import AlreadyThere, Incomplete, NotReady, ValueRefused
from core.models.catalogue import CertificateType
from core.models.organisations import CertificateOfficer, College, EducationAuthority, EvaluationOrg
from core.queries.catalogue import has_piloted
from core.rules.permissions import permit
from core.rules.pictures import require_logo
from core.usecases.edits import set_only

_COLLEGE = frozenset(
    {"district_code", "address", "website", "intro", "contact_name", "contact_mobile", "contact_email"}
)
_ORG = frozenset(
    {
        "contact_name", "contact_mobile", "contact_email", "website", "address", "intro", "is_platform_payment",
        "invigilator_mode", "review_mailbox", "review_phone", "site_material_required", "site_material_note",
    }
)  # fmt: skip
_AUTHORITY = frozenset({"contact_name", "contact_phone"})


def edit_own_college(tx: Tx, *, college_id: int, logo: bytes | None = None, **changes: Any) -> College:
    """R-014: a college's own record. logo: R-015, wanted once; without a new one the old one stays."""
    college = tx.get(College, college_id)
    permit(tx.actor, "edit_own_college", college)
    if logo:
        require_logo(logo)
        college.logo = logo
    elif college.logo is None:
        raise Incomplete("logo_missing", rule="R-015")
    district = changes.get("district_code", "")
    if district and district[:4] != college.city_code[:4]:
        raise ValueRefused("district_elsewhere", rule="R-014", value=district, suggestion=None)
    set_only(college, _COLLEGE, changes)
    tx.because(college, "edit_own")
    tx.session.flush()
    return college


def edit_own_org(tx: Tx, *, org_id: int, **changes: Any) -> EvaluationOrg:
    """§2.4: contacts, address and how the organisation works; a required site material needs to be described."""
    org = tx.get(EvaluationOrg, org_id)
    permit(tx.actor, "edit_own_org", org)
    set_only(org, _ORG, changes)
    if org.site_material_required and not org.site_material_note.strip():
        raise Incomplete(rule="§2.4", fields=["佐证材料说明"])
    tx.because(org, "edit_own")
    tx.session.flush()
    return org


def edit_own_authority(tx: Tx, *, authority_id: int, contact_name: str, contact_phone: str) -> EducationAuthority:
    """§2.3: the 1+X contact that colleges are sent to (R-002, R-021)."""
    authority = tx.get(EducationAuthority, authority_id)
    permit(tx.actor, "edit_own_authority", authority)
    set_only(authority, _AUTHORITY, {"contact_name": contact_name, "contact_phone": contact_phone})
    tx.because(authority, "edit_own")
    tx.session.flush()
    return authority


def name_certificate_officer(
    tx: Tx, *, college_id: int, certificate_id: int, name: str, mobile: str = "", email: str = ""
) -> CertificateOfficer:
    """证书负责人 (§2.1): whom to ask about one certificate the college is a pilot for; one each."""
    college = tx.get(College, college_id)
    permit(tx.actor, "edit_own_college", college)
    certificate = tx.get(CertificateType, certificate_id)
    if not has_piloted(tx.session, college.id, certificate.id):
        raise NotReady("officer_without_pilot", rule="§2.1", certificate=certificate.full_name)
    taken = select(CertificateOfficer).where(
        CertificateOfficer.college_id == college.id, CertificateOfficer.certificate_id == certificate.id
    )
    there: CertificateOfficer | None = tx.first(taken)
    if there is not None:
        raise AlreadyThere("officer_there", rule="§2.1", certificate=certificate.full_name, name=there.name)
    return tx.add(
        CertificateOfficer(college_id=college.id, certificate_id=certificate.id, name=name, mobile=mobile, email=email)
    )


def edit_certificate_officer(
    tx: Tx, *, officer_id: int, name: str, mobile: str = "", email: str = ""
) -> CertificateOfficer:
    """Somebody else, or another number."""
    officer = tx.get(CertificateOfficer, officer_id)
    permit(tx.actor, "edit_own_college", officer)
    changes = {"name": name, "mobile": mobile, "email": email}
    set_only(officer, frozenset(changes), changes)
    tx.session.flush()
    return officer


def remove_certificate_officer(tx: Tx, *, officer_id: int) -> None:
    """Nobody for this certificate any more."""
    officer = tx.get(CertificateOfficer, officer_id)
    permit(tx.actor, "edit_own_college", officer)
    tx.delete(officer)
