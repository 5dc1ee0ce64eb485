"""Setting up who takes part: regions, authorities, TEOs, colleges and their seals; what only the platform may set."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError
from sqlalchemy import Select, select

from core.db import Tx
from core.errors import NotReady, ValueRefused
from core.models.organisations import (
    College,
    EducationAuthority,
    ElectronicSeal,
    EvaluationOrg,
    InstitutionDirectoryEntry,
    RegionName,
)
from core.rules.organisations import SEAL, SWITCH, AuthorityLevel, CollegeType, SealState
from core.rules.permissions import permit
from core.usecases.edits import set_only

SEAL_MAX_BYTES = 1_048_576
AUTHORIZATION_VERSION = "2026-1"
_ORG_FIXED = frozenset({"name", "uscc"})
_COLLEGE_FIXED = frozenset({"name", "college_type", "uscc", "province_code", "city_code", "district_code"})


def name_region(tx: Tx, *, code: str, name: str) -> None:
    """Add a region code to the dictionary; one already there stays."""
    permit(tx.actor, "manage_organisations")
    tx.upsert(RegionName, {"code": code, "name": name}, conflict=["code"])


def create_authority(
    tx: Tx,
    *,
    name: str,
    province_code: str,
    city_code: str | None = None,
    contact_name: str = "",
    contact_phone: str = "",
) -> EducationAuthority:
    """An education authority: of a city when a city code is given, else of the province."""
    permit(tx.actor, "manage_organisations")
    level = AuthorityLevel.CITY if city_code else AuthorityLevel.PROVINCE
    return tx.add(
        EducationAuthority(
            name=name,
            level=level,
            province_code=province_code,
            city_code=city_code,
            contact_name=contact_name,
            contact_phone=contact_phone,
        )
    )


def edit_authority(
    tx: Tx, *, authority_id: int, name: str, contact_name: str = "", contact_phone: str = ""
) -> EducationAuthority:
    """Its name and whom colleges call; level and region stay, applications have found their way by them."""
    permit(tx.actor, "manage_organisations")
    authority = tx.get(EducationAuthority, authority_id)
    changes = {"name": name, "contact_name": contact_name, "contact_phone": contact_phone}
    set_only(authority, frozenset(changes), changes)
    return authority


def create_org(tx: Tx, *, org_code: str, name: str, **details: object) -> EvaluationOrg:
    """A training evaluation organisation; details are further columns of it."""
    permit(tx.actor, "manage_organisations")
    return tx.add(EvaluationOrg(org_code=org_code, name=name, **details))


def edit_org(tx: Tx, *, org_id: int, **changes: Any) -> EvaluationOrg:
    """What an organisation cannot change itself: name, credit code; the code is in certificate numbers and stays."""
    permit(tx.actor, "manage_organisations")
    org = tx.get(EvaluationOrg, org_id)
    set_only(org, _ORG_FIXED, changes)
    tx.session.flush()
    return org


def create_college(tx: Tx, *, college_code: str, name: str, college_type: CollegeType, **details: object) -> College:
    """A college of the official directory; details are further columns of it. Its entry is taken by it (R-004)."""
    permit(tx.actor, "manage_organisations")
    college = tx.add(College(college_code=college_code, name=name, college_type=college_type, **details))
    entry = tx.first(select(InstitutionDirectoryEntry).where(InstitutionDirectoryEntry.code == college_code))
    if entry is not None and entry.college_id is None:
        entry.college_id = college.id
    return college


def edit_college(tx: Tx, *, college_id: int, **changes: Any) -> College:
    """What a college cannot change itself (R-014): name, type, credit code, place; the code stays (N14)."""
    permit(tx.actor, "manage_organisations")
    college = tx.get(College, college_id)
    set_only(college, _COLLEGE_FIXED, changes)
    tx.session.flush()
    return college


def switch_college(tx: Tx, *, college_id: int, action: str) -> None:
    """action: enable or disable (§3.4); a disabled college's people are out at once, what they did stays."""
    permit(tx.actor, "manage_organisations")
    tx.advance(tx.get(College, college_id), SWITCH, action)


def switch_org(tx: Tx, *, org_id: int, action: str) -> None:
    """action: enable or disable (§3.4), with the same effect on its people."""
    permit(tx.actor, "manage_organisations")
    tx.advance(tx.get(EvaluationOrg, org_id), SWITCH, action)


def set_org_seal(tx: Tx, *, org_id: int, image: bytes) -> None:
    """The TEO's electronic seal, stamped on every certificate it issues from now on (R-244)."""
    org = tx.get(EvaluationOrg, org_id)
    permit(tx.actor, "manage_seal", org)
    require_seal_image(image)
    org.seal_image = image
    tx.because(org, "set_seal")
    tx.session.flush()


def activate_seal(tx: Tx, *, college_id: int, officer_name: str, image: bytes, has_accepted: bool) -> ElectronicSeal:
    """The signing officer's seal with its authorisation; an earlier one is replaced (R-254…R-258)."""
    college = tx.get(College, college_id)
    permit(tx.actor, "manage_seal", college)
    if not has_accepted:
        raise NotReady("authorization_not_accepted", rule="R-258")
    require_seal_image(image)
    for old in tx.all(_active_seal(college_id)):
        tx.advance(old, SEAL, "replace")
    return tx.add(
        ElectronicSeal(
            college_id=college_id,
            officer_name=officer_name,
            image=image,
            image_hash=hashlib.sha256(image).hexdigest(),
            authorization_version=AUTHORIZATION_VERSION,
            authorized_at=tx.now,
        )
    )


def require_active_seal(tx: Tx, *, college_id: int) -> ElectronicSeal:
    """R-260: NotReady while the college has no seal in use."""
    seal: ElectronicSeal | None = tx.first(_active_seal(college_id))
    if seal is None:
        raise NotReady("seal_missing", rule="R-260")
    return seal


def require_seal_image(image: bytes) -> None:
    """R-256: a transparent, square PNG of at most 1 MB."""
    if len(image) > SEAL_MAX_BYTES:
        raise ValueRefused("seal_too_large", rule="R-256", megabytes=round(len(image) / 1_048_576, 1))
    try:
        with Image.open(BytesIO(image)) as picture:
            picture.load()
            is_fit = picture.format == "PNG" and picture.width == picture.height and _is_transparent(picture)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        is_fit = False
    if not is_fit:
        raise ValueRefused("seal_image", rule="R-256")


def _is_transparent(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA") or "transparency" in picture.info


def _active_seal(college_id: int) -> Select[ElectronicSeal]:
    return select(ElectronicSeal).where(
        ElectronicSeal.college_id == college_id, ElectronicSeal.state == SealState.ACTIVE
    )
