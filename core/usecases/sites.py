"""Exam sites and their rooms: applied for, decided, lent, set up."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from core.db import Tx
from core.errors import AlreadyThere, IllegalMove, Incomplete, NotPermitted, ReasonMissing, ValueRefused
from core.gateways import storage
from core.models.catalogue import CertificateType
from core.models.organisations import College, EvaluationOrg
from core.models.pilots import ReviewRecord
from core.models.plans import ExamPlan, ExamPlanSubject
from core.models.registrations import Registration, RoomArrangement, SeatAssignment
from core.models.sites import ExamRoom, ExamSite, ExamSiteCertificate, SiteAllocation
from core.notifications.sites import SiteAllocated, SiteDecided, SiteSubmitted
from core.queries.plans import takes_part
from core.rules.catalogue import CertificateLevel
from core.rules.numbering import site_no
from core.rules.permissions import permit
from core.rules.pilots import ReviewDecision, ReviewStep
from core.rules.plans import PlanState
from core.rules.reasons import require_tellable
from core.rules.sites import (
    ALLOCATION,
    EDITABLE_SITE,
    EXAM_SITE,
    SITE_STATUS,
    SiteReview,
    SiteStatus,
    material_suffix,
)
from core.usecases.catalogue import require_offered
from core.usecases.edits import set_only
from core.usecases.notices import close_tasks
from core.usecases.pilots import require_pilot

SITE_FIELDS = ("region_code", "address", "intro", "contact_name", "contact_mobile", "contact_email")
_WORDS = {
    "region_code": "所在区域",
    "address": "详细地址",
    "intro": "考点简介",
    "contact_name": "联系人姓名",
    "contact_mobile": "联系人手机",
    "contact_email": "联系人邮箱",
}


def draft_site(tx: Tx, *, college_id: int, org_id: int, certificate_ids: Sequence[int], **details: str) -> ExamSite:
    """保存: a pilot college's application; the name is made, not typed (R-099, R-102…R-104, R-111)."""
    college = tx.get(College, college_id)
    permit(tx.actor, "edit_site", college)
    require_pilot(tx, college, rule="R-099")
    certificates = _certificates(tx, org_id, certificate_ids)
    site = ExamSite(
        college_id=college_id,
        org_id=org_id,
        site_no=site_no(college.province_code, tx.next_number(f"site:{college.province_code}")),
        name=_site_name(college, certificates),
        **{name: details.get(name, "") for name in SITE_FIELDS},
    )
    _link(tx, site, certificates)
    return tx.add(site)


def edit_site(tx: Tx, *, site_id: int, certificate_ids: Sequence[int] | None = None, **details: str) -> ExamSite:
    """Only 未提交 and 审核退回 (R-107)."""
    site = _own_editable(tx, site_id)
    set_only(site, frozenset(SITE_FIELDS), details)
    if certificate_ids is not None:
        certificates = _certificates(tx, site.org_id, certificate_ids)
        site.certificate_links.clear()
        tx.session.flush()
        _link(tx, site, certificates)
        site.name = _site_name(tx.get(College, site.college_id), certificates)
    tx.session.flush()
    return site


def _own_editable(tx: Tx, site_id: int) -> ExamSite:
    site = tx.get(ExamSite, site_id)
    permit(tx.actor, "edit_site", site)
    if site.review_state not in EDITABLE_SITE:
        raise IllegalMove("not_editable", rule="R-107", thing=EXAM_SITE.name, state=site.review_state.label)
    return site


def _certificates(tx: Tx, org_id: int, ids: Sequence[int]) -> list[CertificateType]:
    if not ids:
        raise Incomplete(rule="R-101", fields="考试证书")
    certificates = [tx.get(CertificateType, ident) for ident in ids]
    if any(certificate.org_id != org_id for certificate in certificates):
        raise ValueRefused("certificates_of_two_orgs", rule="R-103")
    for certificate in certificates:
        require_offered(certificate)
    return certificates


def _site_name(college: College, certificates: Sequence[CertificateType]) -> str:
    levels = "、".join(level.label for level in CertificateLevel if any(c.level is level for c in certificates))
    return f"{college.name}{certificates[0].short_name}职业技能等级证书({levels})考核站点"


def _link(tx: Tx, site: ExamSite, certificates: Sequence[CertificateType]) -> None:
    is_living = site.review_state is not SiteReview.RETURNED  # D-29: it stands in nobody's way until sent again
    for certificate in certificates:
        _require_free(tx, site.college_id, certificate, site.id)
        site.certificate_links.append(
            ExamSiteCertificate(certificate_id=certificate.id, college_id=site.college_id, is_living=is_living)
        )


def _require_free(tx: Tx, college_id: int, certificate: CertificateType, but_for: int | None) -> None:
    twin = select(ExamSiteCertificate.id).where(
        ExamSiteCertificate.college_id == college_id,
        ExamSiteCertificate.certificate_id == certificate.id,
        ExamSiteCertificate.is_living,
        ExamSiteCertificate.site_id != (but_for or 0),
    )
    if tx.first(twin) is not None:
        raise AlreadyThere("site_exists", rule="R-104", certificate=certificate.full_name)


def attach_material(tx: Tx, *, site_id: int, data: bytes, file_name: str) -> ExamSite:
    """其他材料: one PDF or Word file, replaced by the next; kept as long as the trail names it (R-105, R-106)."""
    site = _own_editable(tx, site_id)
    suffix = material_suffix(data)
    site.material_key = storage.put(data, suffix=suffix).key
    stem = "".join(sign for sign in file_name.rsplit(".", 1)[0] if sign.isprintable() and sign not in '/\\"')
    site.material_name = f"{stem.strip()[:120] or '其他材料'}.{suffix}"
    tx.because(site, "attach_material")
    tx.session.flush()
    return site


def submit_site(tx: Tx, *, site_id: int) -> ExamSite:
    """提交并保存: complete, and with the material the TEO demands (R-101, R-105)."""
    site = _own_editable(tx, site_id)
    require_pilot(tx, tx.get(College, site.college_id), rule="R-099")
    missing = [_WORDS[name] for name in SITE_FIELDS if not getattr(site, name)]
    if tx.get(EvaluationOrg, site.org_id).site_material_required and not site.material_key:
        missing.append("其他材料")
    if missing:
        raise Incomplete(rule="R-101", fields="、".join(missing))
    for link in site.certificate_links:
        _require_free(tx, site.college_id, link.certificate, site.id)
        link.is_living = True
    tx.advance(site, EXAM_SITE, "submit")
    tx.notify(SiteSubmitted(site.id, _review(tx, site, ReviewDecision.SUBMIT)))
    return site


def withdraw_site(tx: Tx, *, site_id: int) -> ExamSite:
    """撤销, while the TEO has not decided (R-108)."""
    site = tx.get(ExamSite, site_id)
    permit(tx.actor, "edit_site", site)
    tx.advance(site, EXAM_SITE, "withdraw")
    _review(tx, site, ReviewDecision.WITHDRAW)
    close_tasks(tx, thing_type=ExamSite.__tablename__, thing_id=site.id)
    return site


def approve_site(tx: Tx, *, site_id: int) -> ExamSite:
    """The TEO it is addressed to; the site is in use from this moment (R-109, R-110)."""
    site = tx.get(ExamSite, site_id)
    permit(tx.actor, "review_site", site)
    tx.advance(site, EXAM_SITE, "approve", site_state=SiteStatus.ENABLED)
    round_ = _review(tx, site, ReviewDecision.PASS)
    close_tasks(tx, thing_type=ExamSite.__tablename__, thing_id=site.id)
    tx.notify(SiteDecided(site.id, True, "", round_))
    return site


def return_site(tx: Tx, *, site_id: int, reason: str) -> ExamSite:
    """With a reason; its certificates may then be applied for elsewhere (D-29)."""
    words = require_tellable(reason, rule="§3.8")
    site = tx.get(ExamSite, site_id)
    permit(tx.actor, "review_site", site)
    tx.advance(site, EXAM_SITE, "return", reason=words)
    for link in site.certificate_links:
        link.is_living = False
    round_ = _review(tx, site, ReviewDecision.RETURN, words)
    close_tasks(tx, thing_type=ExamSite.__tablename__, thing_id=site.id)
    tx.notify(SiteDecided(site.id, False, words, round_))
    return site


def disqualify_site(tx: Tx, *, site_id: int, reason: str) -> ExamSite:
    """R-112: no new rooms or registrations; what is arranged stays."""
    if not reason.strip():
        raise ReasonMissing(rule="R-112")
    site = tx.get(ExamSite, site_id)
    permit(tx.actor, "review_site", site)
    tx.advance(site, SITE_STATUS, "disqualify", reason=reason.strip())
    return site


def delete_site(tx: Tx, *, site_id: int) -> None:
    """Only 未提交 and 审核退回 that nobody has reviewed (R-107)."""
    site = _own_editable(tx, site_id)
    if tx.first(select(ReviewRecord.id).where(ReviewRecord.site_id == site.id)):
        raise IllegalMove("reviewed_not_deletable", rule="R-107", thing=EXAM_SITE.name)
    tx.delete(site)


def _review(tx: Tx, site: ExamSite, decision: ReviewDecision, reason: str = "") -> int:
    step = ReviewStep.SUBMIT if decision in (ReviewDecision.SUBMIT, ReviewDecision.WITHDRAW) else ReviewStep.TEO
    tx.add(
        ReviewRecord(
            site_id=site.id,
            step=step,
            decision=decision,
            reason=reason,
            actor_id=tx.actor.account_id,
            channel=tx.actor.channel,
            at=tx.now,
        )
    )
    return int(tx.session.scalar(select(func.count(ReviewRecord.id)).where(ReviewRecord.site_id == site.id)) or 0)


def allocate_site(
    tx: Tx, *, plan_id: int, site_id: int, certificate_id: int, borrowing_college_id: int
) -> SiteAllocation:
    """借考: the TEO lends a site to a college for one plan and certificate (R-118, R-121)."""
    plan = tx.get(ExamPlan, plan_id)
    permit(tx.actor, "allocate_site", plan)
    site = tx.get(ExamSite, site_id)
    require_usable(site, certificate_id)
    if certificate_id not in {row.certificate_id for row in plan.certificates}:
        raise ValueRefused("certificate_not_in_plan", rule="R-121", plan=plan.plan_no)
    if borrowing_college_id == site.college_id or not takes_part(tx.session, plan, borrowing_college_id):
        raise ValueRefused("borrower_not_fit", rule="R-118", plan=plan.plan_no)
    row = tx.add(
        SiteAllocation(
            plan_id=plan_id,
            site_id=site_id,
            certificate_id=certificate_id,
            borrowing_college_id=tx.get(College, borrowing_college_id).id,
        )
    )
    tx.notify(SiteAllocated(row.id, is_cancelled=False))
    return row


def cancel_allocation(tx: Tx, *, allocation_id: int) -> SiteAllocation:
    """Take a lent site back, while the borrower has registered nobody there."""
    row = tx.lock(SiteAllocation, allocation_id)
    permit(tx.actor, "allocate_site", row.plan)
    used = select(Registration.id).where(
        Registration.plan_id == row.plan_id,
        Registration.site_id == row.site_id,
        Registration.certificate_id == row.certificate_id,
        Registration.college_id == row.borrowing_college_id,
    )
    if tx.first(used) is not None:
        raise IllegalMove("allocation_in_use", rule="R-121", thing=ALLOCATION.name)
    tx.advance(row, ALLOCATION, "cancel")
    tx.notify(SiteAllocated(row.id, is_cancelled=True))
    return row


def require_usable(site: ExamSite, certificate_id: int) -> None:
    """R-134, R-149: enabled, and for this certificate."""
    if site.site_state is not SiteStatus.ENABLED or site.review_state is not SiteReview.APPROVED:
        raise ValueRefused("site_not_enabled", rule="R-134", site=site.site_no)
    if certificate_id not in {link.certificate_id for link in site.certificate_links}:
        raise ValueRefused("site_not_for_certificate", rule="R-149", site=site.site_no)


# -- rooms ---------------------------------------------------------------------------------------------------------


def create_room(
    tx: Tx,
    *,
    plan_id: int,
    site_id: int,
    certificate_id: int,
    plan_subject_ids: Sequence[int],
    name: str,
    seat_count: int,
    region_code: str = "",
    address: str = "",
) -> ExamRoom:
    """设置考场 of a plan at one's own site, until the arrangement window ends (R-122…R-134)."""
    site = tx.get(ExamSite, site_id)
    permit(tx.actor, "edit_room", site)
    plan = _plan_taking_rooms(tx, plan_id, site.college_id)
    require_pilot(tx, tx.get(College, site.college_id), rule="R-018", year=plan.exam_year)
    require_usable(site, certificate_id)
    subjects = _subjects(tx, plan, certificate_id, plan_subject_ids)
    _require_room_words(name, seat_count)
    if tx.first(
        select(ExamRoom.id).where(
            ExamRoom.plan_id == plan.id,
            ExamRoom.site_id == site.id,
            ExamRoom.certificate_id == certificate_id,
            ExamRoom.name == name.strip(),
        )
    ):
        raise AlreadyThere("room_exists", rule="R-125", room=name.strip())
    room = ExamRoom(
        plan_id=plan.id,
        site_id=site.id,
        certificate_id=certificate_id,
        college_id=site.college_id,
        name=name.strip(),
        seat_count=seat_count,
        region_code=region_code or site.region_code,
        address=address.strip() or site.address,
        room_type=frozenset().union(*(subject.exam_modes for subject in subjects)),
        subjects=subjects,
    )
    return tx.add(room)


def edit_room(tx: Tx, *, room_id: int, name: str, seat_count: int, address: str) -> ExamRoom:
    """Until arrangement ends, and never fewer seats than are taken (R-131, §3.9)."""
    room = tx.lock(ExamRoom, room_id)
    permit(tx.actor, "edit_room", room)
    _plan_taking_rooms(tx, room.plan_id, room.college_id)
    _require_room_words(name, seat_count)
    highest = _highest_seat(tx, room.id)
    if seat_count < highest:
        raise ValueRefused("seats_taken", rule="R-131", seat_count=seat_count, taken=highest)
    room.name, room.seat_count, room.address = name.strip(), seat_count, address.strip() or room.address
    tx.session.flush()
    return room


def delete_room(tx: Tx, *, room_id: int) -> None:
    """Only while nobody sits there (R-131)."""
    room = tx.lock(ExamRoom, room_id)
    permit(tx.actor, "edit_room", room)
    _plan_taking_rooms(tx, room.plan_id, room.college_id)
    highest = _highest_seat(tx, room.id)
    if highest:
        raise ValueRefused("seats_taken", rule="R-131", seat_count=0, taken=highest)
    for arrangement in tx.all(select(RoomArrangement).where(RoomArrangement.room_id == room.id)):
        tx.delete(arrangement)
    tx.delete(room)


def _plan_taking_rooms(tx: Tx, plan_id: int, college_id: int) -> ExamPlan:
    plan = tx.get(ExamPlan, plan_id)
    if plan.state is not PlanState.PUBLISHED or not takes_part(tx.session, plan, college_id):
        raise NotPermitted("not_taking_part", rule="R-061")
    if plan.windows.arrangement.over(tx.now):
        plan.windows.arrangement.require(tx.now, rule="R-131")
    return plan


def _subjects(tx: Tx, plan: ExamPlan, certificate_id: int, ids: Sequence[int]) -> list[ExamPlanSubject]:
    if not ids:
        raise Incomplete(rule="R-123", fields="考试科目")
    subjects = [tx.get(ExamPlanSubject, ident) for ident in ids]
    for subject in subjects:
        if subject.plan_id != plan.id or subject.plan_certificate.certificate_id != certificate_id:
            raise ValueRefused("subject_not_of_certificate", rule="R-124", subject=subject.name)
    return subjects


def _require_room_words(name: str, seat_count: int) -> None:
    if not name.strip():
        raise Incomplete(rule="R-125", fields="考场名称")
    if seat_count < 1:
        raise ValueRefused("seat_count", rule="R-128", value=seat_count)


def _highest_seat(tx: Tx, room_id: int) -> int:
    taken = (
        select(func.max(SeatAssignment.seat_no))
        .join(RoomArrangement, RoomArrangement.id == SeatAssignment.room_arrangement_id)
        .where(RoomArrangement.room_id == room_id)
    )
    return tx.session.scalar(taken) or 0
