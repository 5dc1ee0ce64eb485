"""The opening of the year: declaration plans, applications, reviews, quota."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from core.db import Tx
from core.errors import AlreadyThere, IllegalMove, Incomplete, NotFound, NotPermitted, ReasonMissing, ValueRefused
from core.models.catalogue import CertificateType
from core.models.organisations import College, EducationAuthority
from core.models.pilots import DeclarationPlan, PilotApplication, PilotApplicationMajor, ReviewRecord
from core.notifications.pilots import ApplicationDecided, ApplicationWaiting, DeclarationClosed, DeclarationOpened
from core.rules.organisations import Switch
from core.rules.permissions import permit
from core.rules.pilots import (
    DECLARATION_PLAN,
    EDITABLE_APPLICATION,
    PILOT_APPLICATION,
    ApplicationState,
    CertificateScope,
    DeclarationState,
    ReviewDecision,
    ReviewStep,
    require_counts,
)
from core.usecases.edits import set_only
from core.usecases.notices import close_tasks
from core.usecases.quotas import grant_quota

A = ApplicationState
EDITABLE_DECLARATION = frozenset({
    "year", "batch_name", "apply_opens_at", "apply_closes_at", "notes",
    "by_major_required", "city_review_required", "final_review_required",
})  # fmt: skip
STILL_NEWS = timedelta(days=2)  # an edge noticed later than this is recorded, but nobody needs telling


@dataclass(frozen=True, slots=True)
class DeclaredMajor:
    """拟申报专业 as a college fills it in."""

    major_id: int
    requested_count: int
    students_enrolled: int = 0
    full_time_teachers: int = 0


# -- declaration plans ---------------------------------------------------------------------------------------------


def draft_declaration_plan(
    tx: Tx,
    *,
    authority_id: int,
    year: int,
    batch_name: str,
    opens_at: datetime,
    closes_at: datetime,
    by_major_required: bool = False,
    city_review_required: bool = False,
    final_review_required: bool = False,
    certificate_ids: Sequence[int] | None = None,
    notes: str = "",
) -> DeclarationPlan:
    """A province's plan, not yet seen by colleges; certificate_ids None opens all certificates (R-028)."""
    authority = tx.get(EducationAuthority, authority_id)
    plan = DeclarationPlan(
        authority_id=authority_id,
        authority=authority,
        year=year,
        batch_name=batch_name.strip(),
        apply_opens_at=opens_at,
        apply_closes_at=closes_at,
        by_major_required=by_major_required,
        city_review_required=city_review_required,
        final_review_required=final_review_required,
        notes=notes,
    )
    permit(tx.actor, "edit_declaration_plan", plan)
    plan.apply_window.require_order(rule="R-026")
    _set_scope(tx, plan, certificate_ids)
    return tx.add(plan)


def edit_declaration_plan(
    tx: Tx, *, plan_id: int, certificate_ids: Sequence[int] | None = None, **changes: object
) -> DeclarationPlan:
    """Change a draft; a published plan has been read by colleges and stays as it is."""
    plan = tx.get(DeclarationPlan, plan_id)
    permit(tx.actor, "edit_declaration_plan", plan)
    if plan.state is not DeclarationState.DRAFT:
        raise IllegalMove(thing=DECLARATION_PLAN.name, state=plan.state.label, action="edit")
    set_only(plan, EDITABLE_DECLARATION, changes)
    plan.apply_window.require_order(rule="R-026")
    _set_scope(tx, plan, certificate_ids)
    tx.session.flush()
    return plan


def _set_scope(tx: Tx, plan: DeclarationPlan, certificate_ids: Sequence[int] | None) -> None:
    chosen = certificate_ids or []
    plan.scope = CertificateScope.PART if chosen else CertificateScope.ALL
    plan.certificates = [tx.get(CertificateType, ident) for ident in chosen]


def publish_declaration_plan(tx: Tx, *, plan_id: int) -> DeclarationPlan:
    """Colleges see it from now on; its end must still lie ahead (§3.1)."""
    plan = tx.get(DeclarationPlan, plan_id)
    permit(tx.actor, "edit_declaration_plan", plan)
    plan.apply_window.require_order(rule="R-026")
    if plan.apply_window.over(tx.now):
        raise ValueRefused("window_already_over", rule="§3.1", window=plan.apply_window.name)
    tx.advance(plan, DECLARATION_PLAN, "publish", announced_until=tx.now, next_edge_at=max(plan.apply_opens_at, tx.now))
    return plan


def pass_declaration_edge(tx: Tx, *, plan_id: int) -> None:
    """T-01, T-02: tell the province's colleges what the clock has made true, and note when to look again."""
    plan = tx.lock(DeclarationPlan, plan_id)
    if plan.next_edge_at is None or plan.next_edge_at > tx.now:
        return
    window = plan.apply_window
    if window.contains(tx.now):
        tx.notify(DeclarationOpened(plan.id))
        plan.next_edge_at = window.closed_from
    elif window.over(tx.now):
        if tx.now - window.closes_at < STILL_NEWS:
            tx.notify(DeclarationClosed(plan.id))
        plan.next_edge_at = None
    else:
        plan.next_edge_at = window.opens_at
    plan.announced_until = tx.now
    tx.because(plan, "pass_edge")
    tx.session.flush()


# -- applications --------------------------------------------------------------------------------------------------


def save_application(
    tx: Tx,
    *,
    college_id: int,
    plan_id: int,
    certificate_id: int,
    requested_count: int,
    faculty_description: str = "",
    venue_description: str = "",
    majors: Sequence[DeclaredMajor] = (),
    application_id: int | None = None,
) -> PilotApplication:
    """保存: a draft that may be changed any number of times while the plan is open (R-025…R-034)."""
    plan = tx.get(DeclarationPlan, plan_id)
    college = tx.get(College, college_id)
    permit(tx.actor, "apply_for_pilot", college)
    if plan.province_code != college.province_code or plan.state is DeclarationState.DRAFT:
        raise NotPermitted("not_your_province", rule="R-023")
    plan.apply_window.require(tx.now, rule="R-025")
    if requested_count < 1:
        raise ValueRefused("requested_count", rule="R-033", value=requested_count)
    certificate = tx.get(CertificateType, certificate_id)
    _require_open_certificate(plan, certificate)
    application = _editable(tx, application_id, college, plan, certificate)
    application.requested_count = requested_count
    application.faculty_description = faculty_description.strip()
    application.venue_description = venue_description.strip()
    _set_majors(application, certificate, requested_count, majors)
    return tx.add(application)


def _require_open_certificate(plan: DeclarationPlan, certificate: CertificateType) -> None:
    if certificate.state is not Switch.ENABLED:
        raise ValueRefused("certificate_disabled", rule="R-054", certificate=certificate.full_name)
    if plan.scope is CertificateScope.PART and certificate not in plan.certificates:
        raise ValueRefused("certificate_not_open", rule="R-028", certificate=certificate.full_name)


def _editable(
    tx: Tx, application_id: int | None, college: College, plan: DeclarationPlan, certificate: CertificateType
) -> PilotApplication:
    if application_id is None:
        twin = tx.first(
            select(PilotApplication).where(
                PilotApplication.college_id == college.id,
                PilotApplication.plan_id == plan.id,
                PilotApplication.certificate_id == certificate.id,
            )
        )
        if twin is not None:
            raise AlreadyThere("application_exists", rule="R-027", certificate=certificate.full_name)
        return PilotApplication(
            college_id=college.id,
            plan_id=plan.id,
            certificate_id=certificate.id,
            province_code=college.province_code,
            city_code=college.city_code,
        )
    application = tx.get(PilotApplication, application_id)
    permit(tx.actor, "apply_for_pilot", application)
    if application.plan_id != plan.id:
        raise NotFound(rule="R-027", thing=PILOT_APPLICATION.name)  # another batch has a window of its own
    _require_editable(application)
    application.certificate_id = certificate.id
    return application


def _require_editable(application: PilotApplication) -> None:
    if application.state not in EDITABLE_APPLICATION:
        raise IllegalMove("not_editable", rule="R-038", thing=PILOT_APPLICATION.name, state=application.state.label)


def _set_majors(
    application: PilotApplication, certificate: CertificateType, total: int, majors: Sequence[DeclaredMajor]
) -> None:
    allowed = {major.id for major in certificate.majors}
    for row in majors:
        if row.major_id not in allowed:
            raise ValueRefused("major_not_of_certificate", rule="R-031", certificate=certificate.full_name)
        if min(row.requested_count, row.students_enrolled, row.full_time_teachers) < 0:
            raise ValueRefused("number_negative", rule="R-032")
    if majors and sum(row.requested_count for row in majors) != total:
        raise ValueRefused("majors_sum", rule="R-032", total=total, rows=sum(row.requested_count for row in majors))
    application.majors = [
        PilotApplicationMajor(
            major_id=row.major_id,
            requested_count=row.requested_count,
            students_enrolled=row.students_enrolled,
            full_time_teachers=row.full_time_teachers,
        )
        for row in majors
    ]


def submit_application(tx: Tx, *, application_id: int) -> PilotApplication:
    """保存并提交: no edit or delete any more until the result (R-033, R-035, R-036)."""
    application = tx.get(PilotApplication, application_id)
    permit(tx.actor, "apply_for_pilot", application)
    application.plan.apply_window.require(tx.now, rule="R-025")
    _require_complete(application)
    tx.advance(application, PILOT_APPLICATION, "submit", submitted_at=tx.now)
    round_ = _review(tx, application, ReviewStep.SUBMIT, ReviewDecision.SUBMIT)
    step = ReviewStep.CITY if application.plan.city_review_required else ReviewStep.PRELIMINARY
    tx.notify(ApplicationWaiting(application.id, step.value, round_))
    return application


def _require_complete(application: PilotApplication) -> None:
    missing = []
    if not application.faculty_description:
        missing.append("师资情况")
    if not application.venue_description:
        missing.append("场地情况")
    if application.plan.by_major_required and not application.majors:
        missing.append("拟申报专业")
    if missing:
        raise Incomplete(rule="R-033", fields="、".join(missing))


def delete_application(tx: Tx, *, application_id: int) -> None:
    """Only drafts and returned ones (R-038)."""
    application = tx.get(PilotApplication, application_id)
    permit(tx.actor, "apply_for_pilot", application)
    _require_editable(application)
    if tx.first(select(ReviewRecord.id).where(ReviewRecord.application_id == application.id)):
        raise IllegalMove("reviewed_not_deletable", rule="R-038", thing=PILOT_APPLICATION.name)
    tx.delete(application)


# -- reviews -------------------------------------------------------------------------------------------------------


def pass_as_city(tx: Tx, *, application_id: int, comment: str = "") -> PilotApplication:
    """The city passes it on to the province (R-039)."""
    application = _taken_up(tx, application_id)
    permit(tx.actor, "review_as_city", application)
    tx.advance(application, PILOT_APPLICATION, "pass_city")
    round_ = _review(tx, application, ReviewStep.CITY, ReviewDecision.PASS, comment)
    _close(tx, application)
    tx.notify(ApplicationWaiting(application.id, ReviewStep.PRELIMINARY.value, round_))
    return application


def pass_preliminary(tx: Tx, *, application_id: int, comment: str = "") -> PilotApplication:
    """The province's first look, where the plan wants a second one (D-19)."""
    application = _taken_up(tx, application_id)
    permit(tx.actor, "review_as_province", application)
    if not application.plan.final_review_required:
        raise IllegalMove(thing=PILOT_APPLICATION.name, state=application.state.label, action="pass_preliminary")
    tx.advance(application, PILOT_APPLICATION, "pass_preliminary")
    _review(tx, application, ReviewStep.PRELIMINARY, ReviewDecision.PASS, comment)
    return application


def approve_application(
    tx: Tx, *, application_id: int, approved_count: int, by_major: Mapping[int, int] | None = None
) -> PilotApplication:
    """The province's last step: a count not above the request (R-040, R-041), and the quota it grants.

    by_major: PilotApplicationMajor id to its approved count, summing to approved_count; without it a reduced total
    leaves the majors' own counts open.
    """
    application = _taken_up(tx, application_id)
    permit(tx.actor, "review_as_province", application)
    _require_last_step(application)
    require_counts(requested=application.requested_count, approved=approved_count)
    step = ReviewStep.FINAL if application.state is A.FINAL_REVIEW else ReviewStep.PRELIMINARY
    _approve_majors(application, approved_count, by_major or {})
    tx.advance(application, PILOT_APPLICATION, "approve", approved_count=approved_count, decided_at=tx.now)
    round_ = _review(tx, application, step, ReviewDecision.PASS, approved_count=approved_count)
    grant_quota(tx, application, approved_count)
    _close(tx, application)
    tx.notify(ApplicationDecided(application.id, True, "", round_))
    return application


def _require_last_step(application: PilotApplication) -> None:
    if application.plan.final_review_required and application.state is A.PRELIMINARY_REVIEW:
        raise IllegalMove(thing=PILOT_APPLICATION.name, state=application.state.label, action="approve")


def _approve_majors(application: PilotApplication, total: int, by_major: Mapping[int, int]) -> None:
    if not by_major:
        if total == application.requested_count:
            for row in application.majors:
                row.approved_count = row.requested_count
        return
    for row in application.majors:
        row.approved_count = by_major.get(row.id, 0)
        if not 0 <= row.approved_count <= row.requested_count:
            raise ValueRefused(
                "approved_count", rule="R-041", approved=row.approved_count, requested=row.requested_count
            )
    if sum(row.approved_count or 0 for row in application.majors) != total:
        raise ValueRefused("majors_sum", rule="R-041", total=total, rows=sum(by_major.values()))


def return_application(tx: Tx, *, application_id: int, reason: str) -> PilotApplication:
    """City or province sends it back with a reason (R-042); while the plan is open it may be mended and sent again."""
    if not reason.strip():
        raise ReasonMissing(rule="R-042")
    application = _taken_up(tx, application_id)
    is_city = application.state is A.CITY_REVIEW
    permit(tx.actor, "review_as_city" if is_city else "review_as_province", application)
    step = {A.CITY_REVIEW: ReviewStep.CITY, A.FINAL_REVIEW: ReviewStep.FINAL}.get(
        application.state, ReviewStep.PRELIMINARY
    )
    tx.advance(application, PILOT_APPLICATION, "return", reason=reason.strip(), decided_at=tx.now)
    round_ = _review(tx, application, step, ReviewDecision.RETURN, reason.strip())
    _close(tx, application)
    tx.notify(ApplicationDecided(application.id, False, reason.strip(), round_))
    return application


def _taken_up(tx: Tx, application_id: int) -> PilotApplication:
    """The application, opened by whoever reviews first: the city where the plan wants it, else the province."""
    application = tx.get(PilotApplication, application_id)
    if application.state is A.PENDING_INITIAL:
        by_city = application.plan.city_review_required
        permit(tx.actor, "review_as_city" if by_city else "review_as_province", application)
        tx.advance(application, PILOT_APPLICATION, "take_up_city" if by_city else "take_up_province")
    return application


def _review(
    tx: Tx,
    application: PilotApplication,
    step: ReviewStep,
    decision: ReviewDecision,
    reason: str = "",
    approved_count: int | None = None,
) -> int:
    """Write the record and return how many there are now: it numbers the messages."""
    tx.add(
        ReviewRecord(
            application_id=application.id,
            step=step,
            decision=decision,
            reason=reason.strip(),
            approved_count=approved_count,
            actor_id=tx.actor.account_id,
            channel=tx.actor.channel,
            at=tx.now,
        )
    )
    counted = select(func.count(ReviewRecord.id)).where(ReviewRecord.application_id == application.id)
    return int(tx.session.scalar(counted) or 0)


def _close(tx: Tx, application: PilotApplication) -> None:
    close_tasks(tx, thing_type=PilotApplication.__tablename__, thing_id=application.id)
