"""证书试点申报 by a college: saved as often as it likes, submitted once, then out of its hands (R-025…R-038).

Whoever saves or submits holds the plan with a shared lock: no window, scope or switch changes under their hands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from core.db import Tx
from core.errors import AlreadyThere, IllegalMove, Incomplete, NotFound, NotPermitted, StaleState, ValueRefused
from core.models.catalogue import CertificateType
from core.models.files import Attachment
from core.models.organisations import College
from core.models.pilots import (
    DeclarationPlan,
    PilotApplication,
    PilotApplicationMajor,
    PilotSubmission,
    ReviewRecord,
)
from core.notifications.pilots import ApplicationWaiting
from core.queries.applications import as_submitted, fingerprint_of, missing_parts
from core.queries.attachments import attachments_of
from core.rules import richtext
from core.rules.catalogue import AttachmentKind
from core.rules.permissions import permit
from core.rules.pilots import (
    EDITABLE_APPLICATION,
    PILOT_APPLICATION,
    CertificateScope,
    DeclarationState,
    ReviewDecision,
    ReviewStep,
)
from core.usecases.attachments import attach, detach
from core.usecases.catalogue import require_offered


@dataclass(frozen=True, slots=True)
class DeclaredMajor:
    """拟申报专业 as a college fills it in."""

    major_id: int
    requested_count: int
    students_enrolled: int = 0
    full_time_teachers: int = 0


@dataclass(frozen=True, slots=True)
class GivenFile:
    """其他佐证材料 as it came."""

    file_name: str
    data: bytes


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
    new_files: Sequence[GivenFile] = (),
    dropped_ids: Sequence[int] = (),
) -> PilotApplication:
    """保存: a draft that may be changed any number of times while the plan is open (R-025…R-034).

    The descriptions are markup or plain lines. new_files are added to 其他佐证材料, dropped_ids taken off.
    """
    college = tx.get(College, college_id)
    permit(tx.actor, "apply_for_pilot", college)
    plan = _open_plan(tx, plan_id, college)
    if requested_count < 1:
        raise ValueRefused("requested_count", rule="R-033", value=requested_count)
    certificate = tx.get(CertificateType, certificate_id)
    _require_open_certificate(plan, certificate)
    application = _editable(tx, application_id, college, plan, certificate)
    application.requested_count = requested_count
    application.faculty_description = richtext.clean(faculty_description)
    application.venue_description = richtext.clean(venue_description)
    _set_majors(application, certificate, requested_count, majors)
    tx.add(application)
    _set_files(tx, application, new_files, dropped_ids)
    return application


def _open_plan(tx: Tx, plan_id: int, college: College) -> DeclarationPlan:
    """A published plan of the college's province, within its window (R-023, R-024, R-025)."""
    plan = _held_plan(tx, plan_id)
    if plan.province_code != college.province_code or plan.state is DeclarationState.DRAFT:
        raise NotPermitted("not_your_province", rule="R-023")
    plan.apply_window.require(tx.now, rule="R-025")
    return plan


def _held_plan(tx: Tx, plan_id: int) -> DeclarationPlan:
    plan = tx.session.get(DeclarationPlan, plan_id, with_for_update={"read": True}, populate_existing=True)
    if plan is None:
        raise NotFound(thing=DeclarationPlan.__tablename__)
    return plan


def _require_open_certificate(plan: DeclarationPlan, certificate: CertificateType) -> None:
    require_offered(certificate)
    if plan.scope is CertificateScope.PART and certificate not in plan.certificates:
        raise ValueRefused("certificate_not_open", rule="R-028", certificate=certificate.full_name)


def _editable(
    tx: Tx, application_id: int | None, college: College, plan: DeclarationPlan, certificate: CertificateType
) -> PilotApplication:
    if application_id is None:
        return _fresh(tx, college, plan, certificate)
    application = tx.get(PilotApplication, application_id)
    permit(tx.actor, "apply_for_pilot", application)
    if application.plan_id != plan.id:
        raise NotFound(rule="R-027", thing=PILOT_APPLICATION.name)  # another batch has a window of its own
    _hold(tx, application)
    _require_editable(application)
    application.certificate_id, application.org_id = certificate.id, certificate.org_id
    return application


def _fresh(tx: Tx, college: College, plan: DeclarationPlan, certificate: CertificateType) -> PilotApplication:
    """A new draft; one per college, batch and certificate (R-027)."""
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


def _hold(tx: Tx, application: PilotApplication) -> None:
    """Nobody else moves it until the end of this unit, files included; StaleState where somebody just has."""
    row = select(PilotApplication.version).where(PilotApplication.id == application.id)
    if tx.session.scalar(row.with_for_update()) != application.version:
        raise StaleState("row_changed")


def _require_editable(application: PilotApplication) -> None:
    if application.state not in EDITABLE_APPLICATION:
        raise IllegalMove("not_editable", rule="R-038", thing=PILOT_APPLICATION.name, state=application.state.label)


def _set_majors(
    application: PilotApplication, certificate: CertificateType, total: int, majors: Sequence[DeclaredMajor]
) -> None:
    allowed = {major.id for major in certificate.majors}
    if len({row.major_id for row in majors}) < len(majors):
        raise ValueRefused("major_twice", rule="R-032")
    for row in majors:
        if row.major_id not in allowed:
            raise ValueRefused("major_not_of_certificate", rule="R-031", certificate=certificate.full_name)
        if min(row.requested_count, row.students_enrolled, row.full_time_teachers) < 0:
            raise ValueRefused("number_negative", rule="R-032")
    if majors and sum(row.requested_count for row in majors) != total:
        raise ValueRefused("majors_sum", rule="R-032", total=total, rows=sum(row.requested_count for row in majors))
    held = {row.major_id: row for row in application.majors}
    application.majors = [_declared(held.get(row.major_id), row) for row in majors]


def _declared(held: PilotApplicationMajor | None, row: DeclaredMajor) -> PilotApplicationMajor:
    """The major's own line, mended in place: it may be there only once."""
    line = held or PilotApplicationMajor(major_id=row.major_id)
    line.requested_count = row.requested_count
    line.students_enrolled, line.full_time_teachers = row.students_enrolled, row.full_time_teachers
    return line


def _set_files(
    tx: Tx, application: PilotApplication, new_files: Sequence[GivenFile], dropped_ids: Sequence[int]
) -> None:
    """Evidence as asked for; pictures are kept while a description shows them."""
    held = {row.id: row for row in attachments_of(tx.session, application_id=application.id)}
    pictured = {row.id for row in held.values() if row.kind is AttachmentKind.PICTURE}
    wanted = richtext.pictures(application.faculty_description) | richtext.pictures(application.venue_description)
    if not wanted <= pictured:
        raise ValueRefused("picture_unknown", rule="R-033")
    if not set(dropped_ids) <= held.keys() - pictured:
        raise ValueRefused("attachment_not_here", rule="R-033")
    for ident in (*sorted(pictured - wanted), *dict.fromkeys(dropped_ids)):
        detach(tx, attachment_id=ident)
    for file in new_files:
        _attach(tx, application, AttachmentKind.EVIDENCE, file)


def _attach(tx: Tx, application: PilotApplication, kind: AttachmentKind, file: GivenFile) -> Attachment:
    return attach(tx, kind=kind, file_name=file.file_name, data=file.data, application_id=application.id)


def attach_picture(tx: Tx, *, application_id: int, file: GivenFile) -> Attachment:
    """A picture for a description that is being written; the next 保存 keeps it where a description shows it."""
    application = tx.get(PilotApplication, application_id)
    permit(tx.actor, "apply_for_pilot", application)
    _held_plan(tx, application.plan_id).apply_window.require(tx.now, rule="R-025")
    _hold(tx, application)
    _require_editable(application)
    return _attach(tx, application, AttachmentKind.PICTURE, file)


def copy_application(tx: Tx, *, application_id: int, plan_id: int) -> PilotApplication:
    """沿用: an earlier application as a new draft of an open plan, files and counts included (R-017, R-027, R-028).

    Majors that no longer belong to the certificate are left out and the total follows (R-031).
    """
    earlier = tx.get(PilotApplication, application_id)
    permit(tx.actor, "apply_for_pilot", earlier)
    plan = _open_plan(tx, plan_id, earlier.college)
    _require_open_certificate(plan, earlier.certificate)
    application = _fresh(tx, earlier.college, plan, earlier.certificate)
    allowed = {major.id for major in earlier.certificate.majors}
    majors = [
        DeclaredMajor(row.major_id, row.requested_count, row.students_enrolled, row.full_time_teachers)
        for row in earlier.majors
        if row.major_id in allowed
    ]
    application.requested_count = sum(row.requested_count for row in majors) or earlier.requested_count
    _set_majors(application, earlier.certificate, application.requested_count, majors)
    tx.because(application, "copy")
    tx.add(application)
    renumbered = {
        row.id: _same_file(tx, application, row) for row in attachments_of(tx.session, application_id=earlier.id)
    }
    application.faculty_description = richtext.with_pictures(earlier.faculty_description, renumbered)
    application.venue_description = richtext.with_pictures(earlier.venue_description, renumbered)
    tx.session.flush()
    return application


def _same_file(tx: Tx, application: PilotApplication, file: Attachment) -> int:
    """The stored bytes are shared; the row says whose they are."""
    names = ("kind", "file_name", "media_type", "storage_key", "sha256", "size")
    return tx.add(Attachment(application_id=application.id, **{name: getattr(file, name) for name in names})).id


def submit_application(tx: Tx, *, application_id: int, fingerprint: str = "") -> PilotApplication:
    """保存并提交: no edit or delete any more until the result (R-033, R-035, R-036); what was said is kept.

    fingerprint: of what the person has just looked at; StaleState where the content is another by now.
    """
    application = tx.get(PilotApplication, application_id)
    permit(tx.actor, "apply_for_pilot", application)
    _held_plan(tx, application.plan_id).apply_window.require(tx.now, rule="R-025")
    _require_complete(application)
    _hold(tx, application)
    if fingerprint and fingerprint != fingerprint_of(as_submitted(tx.session, application)):
        raise StaleState("content_changed", rule="R-035")
    tx.advance(application, PILOT_APPLICATION, "submit", submitted_at=tx.now, decided_at=None)
    _keep_submission(tx, application)
    round_ = record_review(tx, application, ReviewStep.SUBMIT, ReviewDecision.SUBMIT)
    step = ReviewStep.CITY if application.has_city_review else ReviewStep.PRELIMINARY
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
    missing = missing_parts(application)
    if missing:
        raise Incomplete(rule="R-033", fields="、".join(missing))


def delete_application(tx: Tx, *, application_id: int) -> None:
    """Only what was never reviewed: a returned one keeps its 审核记录 and is mended instead (R-038)."""
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
