"""Exam plans: drafted, filled with certificates and sessions, published, and carried along by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core import clock
from core.db import Tx
from core.errors import IllegalMove, Incomplete, NotFound, NotPermitted, ValueRefused
from core.models.catalogue import CertificateType, Subject
from core.models.organisations import College
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanSubject, ExamSession
from core.notifications.plans import (
    PlanEdgePassed,
    PlanPublished,
    PlanWindowExtended,
    RegistrationClosing,
    ReviewClosing,
    ScoresMissing,
)
from core.queries.plans import EDGE_WORDS, participating_colleges
from core.rules.arrangement import ARRANGEMENT
from core.rules.catalogue import PassRule
from core.rules.numbering import plan_no
from core.rules.organisations import Switch
from core.rules.permissions import permit
from core.rules.plans import ENTRY_NOTICE, EXAM_PLAN, REVIEW_NOTICE, PlanEdge, PlanState, require_weights
from core.usecases.catalogue import require_offered
from core.usecases.edits import set_only
from core.usecases.results import conclude_scores

RUNGS = (72, 24, 2)  # hours before registration closes (chat.md, M-11)
EDITABLE = frozenset({"name", "exam_year", "is_open_to_all", "rules_text"})
WINDOWS = ("registration", "arrangement", "exam", "score_entry", "publication")


@dataclass(frozen=True, slots=True)
class PlannedSubject:
    """A subject in a plan: scores in tenths, sessions as (start, end) pairs."""

    subject_id: int
    sessions: Sequence[tuple[datetime, datetime]]
    pass_tenths: int = 600
    weight_percent: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedCertificate:
    """A certificate in a plan; composite_pass_tenths only under 综合成绩合格."""

    certificate_id: int
    pass_rule: PassRule
    subjects: Sequence[PlannedSubject] = field(default_factory=tuple)
    composite_pass_tenths: int | None = None


def draft_plan(
    tx: Tx,
    *,
    org_id: int,
    name: str,
    exam_year: int,
    windows: dict[str, tuple[datetime, datetime]],
    is_open_to_all: bool = False,
    college_ids: Sequence[int] = (),
    rules_text: str = "",
) -> ExamPlan:
    """A TEO's plan, unseen by colleges; windows by the names in WINDOWS (R-055, R-056, R-058, R-059)."""
    plan = ExamPlan(
        org_id=org_id,
        name=name.strip(),
        exam_year=exam_year,
        plan_no="",
        is_open_to_all=is_open_to_all,
        rules_text=rules_text,
    )
    permit(tx.actor, "edit_plan", plan)
    _set_windows(plan, windows)
    plan.colleges = [tx.get(College, ident) for ident in college_ids]
    plan.plan_no = plan_no(clock.local(tx.now).date(), tx.next_number("exam_plan"))
    return tx.add(plan)


def edit_plan(
    tx: Tx,
    *,
    plan_id: int,
    windows: dict[str, tuple[datetime, datetime]] | None = None,
    college_ids: Sequence[int] | None = None,
    **changes: object,
) -> ExamPlan:
    """Change a draft; a published plan is changed by extend_window only (R-069)."""
    plan = _own_draft(tx, plan_id)
    set_only(plan, EDITABLE, changes)
    if windows is not None:
        _set_windows(plan, windows)
    if college_ids is not None:
        plan.colleges = [tx.get(College, ident) for ident in college_ids]
    tx.session.flush()
    return plan


def _set_windows(plan: ExamPlan, windows: dict[str, tuple[datetime, datetime]]) -> None:
    for name in WINDOWS:
        opens_at, closes_at = windows[name]
        setattr(plan, f"{name}_opens_at", opens_at)
        setattr(plan, f"{name}_closes_at", closes_at)
    plan.windows.require_sensible()


def _own_draft(tx: Tx, plan_id: int) -> ExamPlan:
    plan = tx.get(ExamPlan, plan_id)
    permit(tx.actor, "edit_plan", plan)
    if plan.state is not PlanState.DRAFT:
        raise IllegalMove("plan_published", rule="R-069", thing=EXAM_PLAN.name, state=plan.state.label)
    return plan


def put_certificate(tx: Tx, *, plan_id: int, planned: PlannedCertificate) -> ExamPlanCertificate:
    """Add or replace one certificate of a draft, with subjects, weights and sessions (R-064…R-068)."""
    plan = _own_draft(tx, plan_id)
    certificate = tx.get(CertificateType, planned.certificate_id)
    if certificate.org_id != plan.org_id:
        raise NotPermitted("certificate_of_another", rule="R-059")
    require_offered(certificate)
    if planned.pass_rule is PassRule.COMPOSITE:
        require_weights([subject.weight_percent or 0 for subject in planned.subjects])
    for old in [row for row in plan.certificates if row.certificate_id == certificate.id]:
        plan.certificates.remove(old)
    tx.session.flush()
    row = ExamPlanCertificate(
        plan_id=plan.id,
        certificate_id=certificate.id,
        pass_rule=planned.pass_rule,
        composite_pass_tenths=planned.composite_pass_tenths if planned.pass_rule is PassRule.COMPOSITE else None,
        subjects=[_planned_subject(tx, plan, certificate, subject) for subject in planned.subjects],
    )
    plan.certificates.append(row)
    tx.session.flush()
    return row


def remove_certificate(tx: Tx, *, plan_id: int, certificate_id: int) -> ExamPlan:
    """Take a certificate out of a draft again, with its subjects and sessions."""
    plan = _own_draft(tx, plan_id)
    for row in [row for row in plan.certificates if row.certificate_id == certificate_id]:
        plan.certificates.remove(row)
    tx.session.flush()
    return plan


def delete_plan(tx: Tx, *, plan_id: int) -> None:
    """Throw a draft away; a published plan stays (R-069)."""
    tx.delete(_own_draft(tx, plan_id))


def _planned_subject(tx: Tx, plan: ExamPlan, certificate: CertificateType, planned: PlannedSubject) -> ExamPlanSubject:
    subject = tx.get(Subject, planned.subject_id)
    if subject.certificate_id != certificate.id or subject.state is not Switch.ENABLED:
        raise ValueRefused("subject_not_of_certificate", rule="R-054", subject=subject.name)
    for starts_at, ends_at in planned.sessions:
        if not (starts_at < ends_at and plan.windows.exam.contains(starts_at) and plan.windows.exam.contains(ends_at)):
            raise ValueRefused("session_outside_exam", rule="R-068", subject=subject.name)
    return ExamPlanSubject(
        plan_id=plan.id,
        subject_id=subject.id,
        code=subject.code,
        name=subject.name,
        exam_modes=subject.exam_modes,
        examinee_category=subject.examinee_category,
        full_tenths=subject.full_score * 10,
        pass_tenths=planned.pass_tenths,
        weight_percent=planned.weight_percent,
        sessions=[ExamSession(starts_at=starts_at, ends_at=ends_at) for starts_at, ends_at in planned.sessions],
    )


def publish_plan(tx: Tx, *, plan_id: int) -> ExamPlan:
    """Colleges see it and are told (R-063, M-10); it must hold certificates, subjects, sessions and colleges."""
    plan = tx.get(ExamPlan, plan_id)
    permit(tx.actor, "edit_plan", plan)
    plan.windows.require_sensible()
    _require_whole(plan)
    if plan.windows.registration.over(tx.now):
        raise ValueRefused("window_already_over", rule="R-055", window=plan.windows.registration.name)
    edge = tx.now if plan.windows.registration.started(tx.now) else plan.windows.next_edge(tx.now)
    before = min(tx.now, plan.registration_opens_at) - timedelta(microseconds=1)
    tx.advance(plan, EXAM_PLAN, "publish", announced_until=before, next_edge_at=edge)
    tx.notify(PlanPublished(plan.id))
    return plan


def _require_whole(plan: ExamPlan) -> None:
    missing = []
    if not plan.certificates:
        missing.append("考核证书")
    if any(not row.subjects for row in plan.certificates):
        missing.append("考试科目")
    if any(not subject.sessions for row in plan.certificates for subject in row.subjects):
        missing.append("考试场次")
    if not plan.is_open_to_all and not plan.colleges:
        missing.append("参考院校")
    if missing:
        raise Incomplete(rule="R-055", fields="、".join(missing))


def extend_window(tx: Tx, *, plan_id: int, window: str, closes_at: datetime) -> ExamPlan:
    """A published plan's window may only be made longer, and only while it is not over (R-069)."""
    plan = tx.lock(ExamPlan, plan_id)
    permit(tx.actor, "edit_plan", plan)
    if window not in WINDOWS:
        raise NotFound(thing=window)
    held = getattr(plan.windows, window)
    if held.over(tx.now) or closes_at <= held.closes_at:
        raise ValueRefused("only_extend", rule="R-069", window=held.name, closes_at=held.closes_at)
    setattr(plan, f"{window}_closes_at", closes_at)
    plan.windows.require_sensible()
    plan.next_edge_at = plan.windows.next_edge(plan.announced_until or tx.now)
    tx.because(plan, "extend_window")
    tx.session.flush()
    tx.notify(PlanWindowExtended(plan.id, window, closes_at.isoformat()))
    return plan


def pass_plan_edges(tx: Tx, *, plan_id: int) -> list[PlanEdge]:
    """T-04…T-07, T-12…T-16: record and announce every edge the clock has passed since the last look.

    What an edge forbids was forbidden by the guards at that very instant; this only says so. An edge that is long
    past when the jobs come back is recorded but announced only while it is news (two days).
    """
    plan = tx.lock(ExamPlan, plan_id)
    if plan.next_edge_at is None or plan.next_edge_at > tx.now:
        return []
    passed = plan.windows.edges_between(plan.announced_until or plan.registration_opens_at, tx.now)
    for instant, edge in passed:
        _take_effect(tx, plan, edge)
        if tx.now - instant < PlanEdgePassed.useful_for:
            tx.notify(PlanEdgePassed(plan.id, edge.value))
    plan.announced_until = tx.now
    plan.next_edge_at = plan.windows.next_edge(tx.now)
    tx.because(plan, "pass_edge", "、".join(EDGE_WORDS[edge] for _, edge in passed))
    tx.session.flush()
    return [edge for _, edge in passed]


def _take_effect(tx: Tx, plan: ExamPlan, edge: PlanEdge) -> None:
    if edge is PlanEdge.ARRANGEMENT_CLOSES:
        tx.advance_all(ExamPlanSubject, ARRANGEMENT, "publish", ExamPlanSubject.plan_id == plan.id)
    if edge is PlanEdge.PUBLICATION_CLOSES:
        conclude_scores(tx, plan=plan)


def remind_of_scores(tx: Tx, *, plan_id: int) -> int:
    """M-21: a day before score entry closes, where scores are missing; once per end. Returns new messages."""
    closes_at = tx.get(ExamPlan, plan_id).score_entry_closes_at
    message = ScoresMissing(plan_id, closes_at.isoformat())
    return tx.notify(message) if closes_at - tx.now <= ENTRY_NOTICE and message.is_still_true(tx.session, tx.now) else 0


def remind_of_review(tx: Tx, *, plan_id: int) -> int:
    """M-23: two days before a review can be asked for no longer; once per end. Returns new messages."""
    review = tx.get(ExamPlan, plan_id).windows.review
    is_near = review.contains(tx.now) and review.closes_at - tx.now <= REVIEW_NOTICE
    return tx.notify(ReviewClosing(plan_id, review.closes_at.isoformat())) if is_near else 0


def remind_of_registration(tx: Tx, *, plan_id: int) -> int:
    """M-11: the rung of the ladder a plan has reached, told to each college once; returns new messages."""
    plan = tx.get(ExamPlan, plan_id)
    left = plan.registration_closes_at - tx.now
    reached = [rung for rung in RUNGS if left <= timedelta(hours=rung)]
    if not reached or not plan.windows.registration.contains(tx.now):
        return 0
    rung = min(reached)
    return sum(
        tx.notify(RegistrationClosing(plan.id, college_id, rung))
        for college_id in participating_colleges(tx.session, plan)
    )
