"""Standards of an organisation: what it asks of people (§2.7), and of the sites they are examined at (§2.8)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from core import clock
from core.db import Tx
from core.errors import AlreadyThere, Incomplete, NotFound, ValueRefused
from core.models.catalogue import CertificateType, SiteStandard, SiteStandardItem, SkillStandard
from core.models.files import Attachment
from core.rules.catalogue import AttachmentKind, RequirementKind
from core.rules.numbering import site_standard_code
from core.rules.organisations import SWITCH, Switch
from core.rules.permissions import permit
from core.rules.site_requirements import REQUIREMENTS
from core.usecases.attachments import attach, detach
from core.usecases.edits import set_only

ACT = "manage_catalogue"
SHORTEST_CODE = 6  # N11

# -- skill standards ---------------------------------------------------------------------------------------------------


def create_skill_standard(
    tx: Tx, *, org_id: int, code: str, name: str, edition: str, major_categories: str = ""
) -> SkillStandard:
    """职业技能等级标准; its code is assigned nationally and typed (N11)."""
    standard = SkillStandard(org_id=org_id, code=code, name=name, edition=edition, major_categories=major_categories)
    permit(tx.actor, ACT, standard)
    if len(code) < SHORTEST_CODE:
        raise ValueRefused("standard_code_short", rule="N11", value=code, suggestion=None, shortest=SHORTEST_CODE)
    if tx.first(select(SkillStandard.id).where(SkillStandard.code == code)) is not None:
        raise AlreadyThere("standard_code_taken", rule="N11", value=code)
    return tx.add(standard)


def edit_skill_standard(
    tx: Tx, *, standard_id: int, name: str, edition: str, major_categories: str = ""
) -> SkillStandard:
    """Its words; the code is in certificate numbers already and stays (N17)."""
    standard = tx.get(SkillStandard, standard_id)
    permit(tx.actor, ACT, standard)
    changes = {"name": name, "edition": edition, "major_categories": major_categories}
    set_only(standard, frozenset(changes), changes)
    return standard


def switch_skill_standard(tx: Tx, *, standard_id: int, action: str) -> None:
    """action: enable or disable; certificates that have it keep it, new ones cannot choose it (R-054)."""
    standard = tx.get(SkillStandard, standard_id)
    permit(tx.actor, ACT, standard)
    tx.advance(standard, SWITCH, action)


def attach_to_skill_standard(tx: Tx, *, standard_id: int, file_name: str, data: bytes) -> Attachment:
    """The text of the standard as a PDF (§2.7)."""
    standard = tx.get(SkillStandard, standard_id)
    permit(tx.actor, ACT, standard)
    return attach(tx, kind=AttachmentKind.STANDARD, file_name=file_name, data=data, standard_id=standard.id)


# -- site standards ----------------------------------------------------------------------------------------------------


def create_site_standard(
    tx: Tx,
    *,
    org_id: int,
    name: str,
    edition: str,
    certificate_ids: Sequence[int],
    takes_over: bool = False,
) -> SiteStandard:
    """考核站点建设标准 with a number of its own (N12); takes_over: the items of §9.7 come with it."""
    standard = SiteStandard(org_id=org_id, name=name, edition=edition, code="")
    permit(tx.actor, ACT, standard)
    standard.certificates = _own_certificates(tx, standard, certificate_ids)
    running = tx.next_number("site_standard")
    standard.code = site_standard_code(clock.local(tx.now).date(), running)
    tx.add(standard)
    if takes_over:
        take_over_requirements(tx, standard_id=standard.id)
    return standard


def edit_site_standard(
    tx: Tx, *, standard_id: int, name: str, edition: str, certificate_ids: Sequence[int]
) -> SiteStandard:
    """Its words and the certificates it is for; the number stays (N12)."""
    standard = tx.get(SiteStandard, standard_id)
    permit(tx.actor, ACT, standard)
    standard.certificates = _own_certificates(tx, standard, certificate_ids)
    set_only(standard, frozenset({"name", "edition"}), {"name": name, "edition": edition})
    tx.session.flush()
    return standard


def switch_site_standard(tx: Tx, *, standard_id: int, action: str) -> None:
    """action: enable or disable (R-054)."""
    standard = tx.get(SiteStandard, standard_id)
    permit(tx.actor, ACT, standard)
    tx.advance(standard, SWITCH, action)


def attach_to_site_standard(tx: Tx, *, standard_id: int, file_name: str, data: bytes) -> Attachment:
    """The text of the standard as a PDF (§2.8)."""
    standard = tx.get(SiteStandard, standard_id)
    permit(tx.actor, ACT, standard)
    return attach(tx, kind=AttachmentKind.STANDARD, file_name=file_name, data=data, site_standard_id=standard.id)


def detach_from_standard(tx: Tx, *, attachment_id: int) -> None:
    """Take a file off a standard of either kind."""
    file = tx.get(Attachment, attachment_id)
    owner: SkillStandard | SiteStandard
    if file.standard_id is not None:
        owner = tx.get(SkillStandard, file.standard_id)
    elif file.site_standard_id is not None:
        owner = tx.get(SiteStandard, file.site_standard_id)
    else:
        raise NotFound(thing=Attachment.__tablename__)
    permit(tx.actor, ACT, owner)
    detach(tx, attachment_id=file.id)


def _own_certificates(tx: Tx, standard: SiteStandard, ids: Sequence[int]) -> list[CertificateType]:
    """§2.8: at least one, of the same organisation; R-054: none that is disabled and not there already."""
    if not ids:
        raise Incomplete(rule="§2.8", fields=["对应证书"])
    held = {certificate.id for certificate in standard.certificates}
    chosen = [tx.get(CertificateType, ident) for ident in dict.fromkeys(ids)]
    for certificate in chosen:
        if certificate.org_id != standard.org_id:
            raise ValueRefused("certificates_of_two_orgs", rule="§2.8")
        if certificate.state is not Switch.ENABLED and certificate.id not in held:
            raise ValueRefused("certificate_disabled", rule="R-054", certificate=certificate.full_name)
    return chosen


# -- items -------------------------------------------------------------------------------------------------------------


def take_over_requirements(tx: Tx, *, standard_id: int) -> int:
    """The items of §9.7 that the standard does not have yet (by code); returns how many came."""
    standard = tx.lock(SiteStandard, standard_id)
    permit(tx.actor, ACT, standard)
    held = {item.code for item in standard.items}
    fresh = [wanted for wanted in REQUIREMENTS if wanted.code not in held]
    start = _last_position(tx, standard_id)
    for place, wanted in enumerate(fresh, start=start + 1):
        standard.items.append(
            SiteStandardItem(
                position=place,
                code=wanted.code,
                title=wanted.title,
                kind=wanted.kind,
                minimum=wanted.minimum,
                minimum_words=wanted.minimum_words,
                recommended=wanted.recommended,
                is_mandatory=wanted.is_mandatory,
            )
        )
    tx.session.flush()
    return len(fresh)


def add_item(
    tx: Tx,
    *,
    standard_id: int,
    code: str,
    title: str,
    kind: RequirementKind,
    minimum: int | None = None,
    minimum_words: str = "",
    recommended: str = "",
    is_mandatory: bool = True,
) -> SiteStandardItem:
    """One further item at the end; its code is its name within the standard."""
    standard = tx.lock(SiteStandard, standard_id)
    permit(tx.actor, ACT, standard)
    if any(item.code == code for item in standard.items):
        raise AlreadyThere("item_there", rule="§2.8", value=code)
    item = SiteStandardItem(
        standard_id=standard_id,
        position=_last_position(tx, standard_id) + 1,
        code=code,
        title=title,
        kind=kind,
        minimum=_minimum(kind, minimum),
        minimum_words=minimum_words,
        recommended=recommended,
        is_mandatory=is_mandatory,
    )
    return tx.add(item)


def edit_item(
    tx: Tx,
    *,
    item_id: int,
    title: str,
    kind: RequirementKind,
    minimum: int | None = None,
    minimum_words: str = "",
    recommended: str = "",
    is_mandatory: bool = True,
) -> SiteStandardItem:
    """Everything but its code and place."""
    item = tx.get(SiteStandardItem, item_id)
    permit(tx.actor, ACT, item.standard)
    changes = {
        "title": title,
        "kind": kind,
        "minimum": _minimum(kind, minimum),
        "minimum_words": minimum_words,
        "recommended": recommended,
        "is_mandatory": is_mandatory,
    }
    set_only(item, frozenset(changes), changes)
    tx.session.flush()
    return item


def remove_item(tx: Tx, *, item_id: int) -> None:
    """An item this standard does not ask for; §9.7 can be taken over again."""
    item = tx.get(SiteStandardItem, item_id)
    permit(tx.actor, ACT, item.standard)
    tx.delete(item)


def _minimum(kind: RequirementKind, minimum: int | None) -> int | None:
    """Only what is counted has a least number."""
    if kind is not RequirementKind.NUMBER:
        return None
    if minimum is None or minimum < 0:
        raise Incomplete(rule="§2.8", fields=["最低数量"])
    return minimum


def _last_position(tx: Tx, standard_id: int) -> int:
    last = select(func.max(SiteStandardItem.position)).where(SiteStandardItem.standard_id == standard_id)
    return int(tx.session.scalar(last) or 0)
