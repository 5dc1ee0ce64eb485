"""证书试点申报 by a college: saved as often as it likes, submitted once, then out of its hands (R-025…R-038)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from core.db import Tx
from core.errors import AlreadyThere, IllegalMove, Incomplete, NotFound, NotPermitted, ValueRefused
from core.models.catalogue import CertificateType
from core.models.organisations import College
from core.models.pilots import (
    DeclarationPlan,
    PilotApplication,
    PilotApplicationMajor,
    PilotSubmission,
    ReviewRecord,
)
from core.notifications.pilots import ApplicationWaiting
from core.queries.applications import as_submitted, fingerprint_of
from core.rules.organisations import Switch
from core.rules.permissions import permit
from core.rules.pilots import (
    EDITABLE_APPLICATION,
    PILOT_APPLICATION,
    CertificateScope,
    DeclarationState,
    ReviewDecision,
    ReviewStep,
)


@dataclass(frozen=True, slots=True)
class DeclaredMajor:
    """拟申报专业 as a college fills it in."""

    major_id: int
    requested_count: int
    students_enrolled: int = 0
    full_time_teachers: int = 0


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
            org_id=certificate.org_id,
            province_code=college.province_code,
            city_code=college.city_code,
            has_city_review=plan.city_review_required,
        )
    application = tx.get(PilotApplication, application_id)
    permit(tx.actor, "apply_for_pilot", application)
    if application.plan_id != plan.id:
        raise NotFound(rule="R-027", thing=PILOT_APPLICATION.name)  # another batch has a window of its own
    _require_editable(application)
    application.certificate_id, application.org_id = certificate.id, certificate.org_id
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
    """保存并提交: no edit or delete any more until the result (R-033, R-035, R-036); what was said is kept."""
    application = tx.get(PilotApplication, application_id)
    permit(tx.actor, "apply_for_pilot", application)
    application.plan.apply_window.require(tx.now, rule="R-025")
    _require_complete(application)
    tx.advance(application, PILOT_APPLICATION, "submit", submitted_at=tx.now)
    _keep_submission(tx, application)
    round_ = record_review(tx, application, ReviewStep.SUBMIT, ReviewDecision.SUBMIT)
    step = ReviewStep.CITY if application.plan.city_review_required else ReviewStep.PRELIMINARY
    tx.notify(ApplicationWaiting(application.id, step.value, round_))
    return application


def _keep_submission(tx: Tx, application: PilotApplication) -> None:
    earlier = select(func.count(PilotSubmission.id)).where(PilotSubmission.application_id == application.id)
    content = as_submitted(tx.session, application)
    tx.add(
        PilotSubmission(
            application_id=application.id,
            round=(tx.session.scalar(earlier) or 0) + 1,
            content=content,
            fingerprint=fingerprint_of(content),
            at=tx.now,
            by=tx.actor.account_id,
        )
    )


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


def record_review(
    tx: Tx,
    application: PilotApplication,
    step: ReviewStep,
    decision: ReviewDecision,
    reason: str = "",
    approved_count: int | None = None,
) -> int:
    """Write 审核记录 (R-046) and return how many there are now: it numbers the messages."""
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
