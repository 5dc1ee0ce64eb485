"""Exam plans as people need to see them: who takes part, how far a college is, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.errors import NotFound
from core.models.candidates import Candidate
from core.models.organisations import College
from core.models.pilots import Quota
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanCollege, ExamPlanSubject
from core.models.registrations import Registration, SubjectRegistration
from core.models.scores import SubjectScore
from core.models.sites import ExamRoom, ExamSite
from core.queries.moments import moment as clock_at
from core.queries.moments import word
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.permissions import has_role
from core.rules.pilots import QuotaState
from core.rules.plans import ENTRY_NOTICE, PlanEdge, PlanState, PlanStatus, RoomPhase
from core.rules.registrations import SittingState
from core.rules.scores import ScoreState


@dataclass(frozen=True, slots=True)
class RegistrationStanding:
    """How far one college is with one plan: numbers only, fit for chat."""

    registered: int
    quota_left: int
    waiting_for_photo: int
    waiting_for_verification: int


def takes_part(session: Session, plan: ExamPlan, college_id: int) -> bool:
    """R-061: the college is among the plan's 参考院校."""
    if plan.is_open_to_all:
        return True
    listed = select(ExamPlanCollege.id).where(
        ExamPlanCollege.plan_id == plan.id, ExamPlanCollege.college_id == college_id
    )
    return session.scalar(listed) is not None


def plans_open_to(college_id: int) -> Select[ExamPlan]:
    """Published plans a college takes part in."""
    listed = select(ExamPlanCollege.plan_id).where(ExamPlanCollege.college_id == college_id)
    return select(ExamPlan).where(
        ExamPlan.state == PlanState.PUBLISHED, or_(ExamPlan.is_open_to_all, ExamPlan.id.in_(listed))
    )


def plans_taking_registrations(session: Session, actor: Actor, now: datetime) -> list[ExamPlan]:
    """Plans whose registration is open now and in which the actor's college takes part (R-136, R-137)."""
    if actor.college_id is None or not has_role(actor, "register"):
        return []
    query = plans_open_to(actor.college_id).where(
        ExamPlan.registration_opens_at <= now, ExamPlan.registration_closes_at >= now
    )
    return list(session.scalars(query.order_by(ExamPlan.registration_closes_at, ExamPlan.id)))


def plans_taking_scores(session: Session, actor: Actor, now: datetime) -> list[ExamPlan]:
    """The actor's own plans in their entry window (R-199)."""
    if actor.org_id is None or not has_role(actor, "enter_scores"):
        return []
    query = select(ExamPlan).where(
        ExamPlan.org_id == actor.org_id,
        ExamPlan.state == PlanState.PUBLISHED,
        ExamPlan.score_entry_opens_at <= now,
        ExamPlan.score_entry_closes_at >= now,
    )
    return list(session.scalars(query.order_by(ExamPlan.score_entry_closes_at, ExamPlan.id)))


def participating_colleges(session: Session, plan: ExamPlan) -> list[int]:
    """Ids of the colleges of a plan."""
    if plan.is_open_to_all:
        return list(session.scalars(select(College.id)))
    return list(session.scalars(select(ExamPlanCollege.college_id).where(ExamPlanCollege.plan_id == plan.id)))


def registration_standing(session: Session, plan: ExamPlan, college_id: int) -> RegistrationStanding:
    """Registered in this plan, places left for its certificates this year, candidates not yet fit to register."""
    registered = session.scalar(
        select(func.count(Registration.id)).where(
            Registration.plan_id == plan.id, Registration.college_id == college_id
        )
    )
    certificates = select(ExamPlanCertificate.certificate_id).where(ExamPlanCertificate.plan_id == plan.id)
    left = session.scalar(
        select(func.coalesce(func.sum(Quota.granted - Quota.used - Quota.lapsed), 0)).where(
            Quota.college_id == college_id,
            Quota.year == plan.exam_year,
            Quota.state == QuotaState.ACTIVE,
            Quota.certificate_id.in_(certificates),
        )
    )
    waiting = dict(
        session.execute(
            select(Candidate.state, func.count(Candidate.id))
            .where(Candidate.college_id == college_id, Candidate.kind == CandidateKind.COLLEGE)
            .group_by(Candidate.state)
        ).all()
    )
    return RegistrationStanding(
        registered=registered or 0,
        quota_left=int(left or 0),
        waiting_for_photo=waiting.get(CandidateState.NO_PHOTO, 0) + waiting.get(CandidateState.INCOMPLETE, 0),
        waiting_for_verification=waiting.get(CandidateState.PENDING_VERIFICATION, 0)
        + waiting.get(CandidateState.NEEDS_MANUAL, 0),
    )


def status_at(now: datetime) -> ColumnElement[Any]:
    """core.rules.plans.plan_status as a column of ExamPlan, so that the database can count tabs (R-060)."""
    moment = clock_at(now)
    return case(
        (ExamPlan.state == PlanState.DRAFT, word(PlanStatus.DRAFT)),
        (ExamPlan.registration_opens_at > moment, word(PlanStatus.NOT_STARTED)),
        (ExamPlan.publication_closes_at < moment, word(PlanStatus.ENDED)),
        else_=word(PlanStatus.IN_PROGRESS),
    )


def room_phase_at(now: datetime) -> ColumnElement[Any]:
    """core.rules.plans.room_phase as a column of ExamRoom (R-130)."""
    moment = clock_at(now)
    phase = case(
        (ExamPlan.arrangement_opens_at > moment, word(RoomPhase.NOT_ARRANGED)),
        (ExamPlan.arrangement_closes_at < moment, word(RoomPhase.CLOSED)),
        else_=word(RoomPhase.ARRANGING),
    )
    return select(phase).where(ExamPlan.id == ExamRoom.plan_id).correlate(ExamRoom).scalar_subquery()


def plans_due(now: datetime) -> Select[int]:
    """Ids of published plans at which the clock has passed an edge nobody has announced."""
    return select(ExamPlan.id).where(ExamPlan.next_edge_at <= now).order_by(ExamPlan.next_edge_at)


def plans_closing_registration(now: datetime, until: datetime) -> Select[int]:
    """Ids of published plans whose registration is open now and closes before until."""
    return select(ExamPlan.id).where(
        ExamPlan.state == PlanState.PUBLISHED,
        ExamPlan.registration_opens_at <= now,
        ExamPlan.registration_closes_at >= now,
        ExamPlan.registration_closes_at <= until,
    )


def plans_closing_entry(now: datetime) -> Select[int]:
    """Ids of published plans whose score entry is open and closes within a day (M-21)."""
    return select(ExamPlan.id).where(
        ExamPlan.state == PlanState.PUBLISHED,
        ExamPlan.score_entry_opens_at <= now,
        ExamPlan.score_entry_closes_at >= now,
        ExamPlan.score_entry_closes_at <= now + ENTRY_NOTICE,
    )


def plans_in_publication(now: datetime) -> Select[int]:
    """Ids of published plans whose scores are public at this moment."""
    return select(ExamPlan.id).where(
        ExamPlan.state == PlanState.PUBLISHED,
        ExamPlan.publication_opens_at <= now,
        ExamPlan.publication_closes_at >= now,
    )


def scores_missing(session: Session, plan_id: int) -> int:
    """Seats of a plan without a score (R-199, M-21)."""
    subjects = select(ExamPlanSubject.id).where(ExamPlanSubject.plan_id == plan_id)
    entered = select(SubjectScore.subject_registration_id).where(SubjectScore.state != ScoreState.NOT_ENTERED)
    missing = select(func.count(SubjectRegistration.id)).where(
        SubjectRegistration.plan_subject_id.in_(subjects),
        SubjectRegistration.state == SittingState.SEATED,
        SubjectRegistration.id.not_in(entered),
    )
    return session.scalar(missing) or 0


EDGE_WORDS = {
    PlanEdge.REGISTRATION_OPENS: "报考开始",
    PlanEdge.REGISTRATION_CLOSES: "报考截止",
    PlanEdge.ARRANGEMENT_OPENS: "排考开始",
    PlanEdge.ARRANGEMENT_CLOSES: "排考结束",
    PlanEdge.EXAM_OPENS: "考试开始",
    PlanEdge.EXAM_CLOSES: "考试结束",
    PlanEdge.ENTRY_OPENS: "成绩登记开始",
    PlanEdge.ENTRY_CLOSES: "成绩登记结束",
    PlanEdge.PUBLICATION_OPENS: "成绩公示开始",
    PlanEdge.REVIEW_CLOSES: "复查申请截止",
    PlanEdge.PUBLICATION_CLOSES: "公示结束并锁定成绩",
}


def coming_edges(
    session: Session, now: datetime, *, plan_no: str | None = None, until: datetime | None = None
) -> list[tuple[datetime, str, str]]:
    """(instant, plan's name, what happens) of everything the clock will still do to published plans, in time."""
    query = select(ExamPlan).where(ExamPlan.state == PlanState.PUBLISHED)
    if plan_no is not None:
        query = query.where(ExamPlan.plan_no == plan_no)
    found = [
        (instant, f"{plan.plan_no} {plan.name}", EDGE_WORDS[edge])
        for plan in session.scalars(query)
        for instant, edge in plan.windows.edges()
        if instant > now and (until is None or instant <= until)
    ]
    return sorted(found)


def site_by_number(session: Session, site_no: str) -> int:
    """The id of a site, or NotFound."""
    ident = session.scalar(select(ExamSite.id).where(ExamSite.site_no == site_no))
    if ident is None:
        raise NotFound("site_unknown", rule="R-111", site=site_no)
    return ident
