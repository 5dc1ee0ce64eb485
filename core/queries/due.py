"""Whose turn it is, and what the clock will do next: counts and plan names, nothing personal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.candidates import Candidate
from core.models.certificates import CertificateIssuance
from core.models.pilots import DeclarationPlan
from core.models.plans import ExamPlan, ExamPlanSubject
from core.models.records import Notification
from core.models.registrations import Registration, SubjectRegistration
from core.models.sites import ExamRoom, ExamSite
from core.queries import announcements
from core.queries.certificates import signing_batches
from core.queries.desk import Desk, DueItem
from core.queries.pilot_tasks import (
    city_reviews,
    declaration_drafts,
    lapsing_quota,
    missing_deputy,
    open_declarations,
    province_reviews,
    single_coordinator,
)
from core.queries.plans import scores_missing
from core.queries.scoping import visible
from core.queries.verifications import next_asking_at
from core.rules.arrangement import ArrangementState
from core.rules.candidates import CandidateState
from core.rules.certificates import IssuanceState, Party
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import Role
from core.rules.pilots import DeclarationState
from core.rules.plans import PlanState, plan_phase
from core.rules.registrations import SittingState
from core.rules.sites import SiteReview
from core.rules.windows import Window


@dataclass(frozen=True, slots=True)
class Edge:
    """An instant at which the clock changes what is possible in a plan."""

    at: datetime
    plan: str
    what: str
    is_end: bool
    url: str


def tasks_for(session: Session, actor: Actor, now: datetime) -> list[DueItem]:
    """Everything that waits for this person, the most urgent first."""
    desk = Desk(session, actor, now)
    sources = dict.fromkeys(source for role, mine in _SOURCES.items() if role in actor.roles for source in mine)
    found = [item for source in (*sources, announcements.unread) for item in source(desk)]
    unique = {(item.kind, item.title, item.detail): item for item in found if item.count}
    return sorted(unique.values(), key=lambda item: (-item.urgency, item.due_at is None, item.due_at or now, item.kind))


# -- colleges ----------------------------------------------------------------------------------------------------------


def _own_sites(desk: Desk) -> Iterator[DueItem]:
    own = ExamSite.college_id == desk.actor.college_id
    for state, title, tab in ((SiteReview.RETURNED, "被退回的考核站点", 4), (SiteReview.DRAFT, "未提交的考核站点", 1)):
        count = desk.count(ExamSite, own, ExamSite.review_state == state)
        yield desk.item(f"sites.{state.value}", title, count, f"/admin/sites/?tab={tab}")


def _candidates(desk: Desk) -> Iterator[DueItem]:
    wanted = select(Candidate.state, func.count(Candidate.id)).where(visible(Candidate, desk.actor, desk.now))
    numbers = {row[0]: row[1] for row in desk.session.execute(wanted.group_by(Candidate.state))}
    for tab, state in enumerate(CandidateState, start=1):
        if state is not CandidateState.VERIFIED:
            url = f"/admin/candidates/?tab={tab}"
            yield desk.item(f"candidates.{state.value}", f"考生{state.label}", numbers.get(state, 0), url)


def _open_registrations(desk: Desk) -> Iterator[DueItem]:
    for plan in desk.plans(ExamPlan.registration_opens_at <= desk.now, ExamPlan.registration_closes_at >= desk.now):
        mine = desk.count(
            Registration, Registration.plan_id == plan.id, Registration.college_id == desk.actor.college_id
        )
        yield desk.item(
            "registrations.open",
            "正在报考",
            1,
            "/admin/registrations/",
            detail=f"{plan.name} · 已报考 {mine} 人",
            due_at=plan.registration_closes_at,
        )


def _rooms(desk: Desk) -> Iterator[DueItem]:
    """Plans in which candidates sit at one's own site while no room has been set up there."""
    for plan in desk.plans(ExamPlan.arrangement_closes_at >= desk.now):
        sites = select(ExamSite.id).where(ExamSite.college_id == desk.actor.college_id)
        held = select(ExamRoom.site_id).where(ExamRoom.plan_id == plan.id)
        without = select(func.count(Registration.id)).where(
            Registration.plan_id == plan.id, Registration.site_id.in_(sites), Registration.site_id.not_in(held)
        )
        count = desk.session.scalar(without) or 0
        yield desk.item(
            "rooms.missing",
            "还没有设置考场的考生",
            count,
            "/admin/rooms/",
            detail=plan.name,
            due_at=plan.arrangement_closes_at,
        )


# -- training evaluation organisations ---------------------------------------------------------------------------------


def _plan_drafts(desk: Desk) -> Iterator[DueItem]:
    drafts = desk.count(ExamPlan, ExamPlan.state == PlanState.DRAFT)
    yield desk.item("plans.draft", "未发布的考试计划", drafts, "/admin/plans/?tab=1")


def _site_reviews(desk: Desk) -> Iterator[DueItem]:
    waiting = desk.count(ExamSite, ExamSite.review_state == SiteReview.PENDING)
    yield desk.item("sites.pending", "待审核的考核站点", waiting, "/admin/sites/?tab=2")


def _arrangements(desk: Desk) -> Iterator[DueItem]:
    inside = (ExamPlan.state == PlanState.PUBLISHED, ExamPlan.arrangement_opens_at <= desk.now)
    for plan in desk.plans(*inside, ExamPlan.arrangement_closes_at >= desk.now):
        subjects = select(ExamPlanSubject.id).where(ExamPlanSubject.plan_id == plan.id)
        missing = select(func.count(SubjectRegistration.id)).where(
            SubjectRegistration.plan_subject_id.in_(subjects), SubjectRegistration.state == SittingState.NOT_ARRANGED
        )
        unseated = desk.session.scalar(missing) or 0
        unpublished = desk.session.scalar(
            select(func.count(ExamPlanSubject.id)).where(
                ExamPlanSubject.plan_id == plan.id, ExamPlanSubject.arrangement_state == ArrangementState.ARRANGED
            )
        )
        url, due = "/admin/arrangements/", plan.arrangement_closes_at
        yield desk.item("arrangement.unseated", "未排考的科目报考", unseated, url, detail=plan.name, due_at=due)
        yield desk.item(
            "arrangement.unpublished", "已编排未发布的科目", unpublished or 0, url, detail=plan.name, due_at=due
        )


def _scores(desk: Desk) -> Iterator[DueItem]:
    inside = (ExamPlan.state == PlanState.PUBLISHED, ExamPlan.score_entry_opens_at <= desk.now)
    for plan in desk.plans(*inside, ExamPlan.score_entry_closes_at >= desk.now):
        yield desk.item(
            "scores.missing",
            "未登记的科目成绩",
            scores_missing(desk.session, plan.id),
            "/admin/scores/",
            detail=plan.name,
            due_at=plan.score_entry_closes_at,
        )


def _after_signing(desk: Desk) -> Iterator[DueItem]:
    rejected = and_(
        CertificateIssuance.state == IssuanceState.SITE_REJECTED, CertificateIssuance.is_rejection_handled.is_(False)
    )
    unordered = and_(
        CertificateIssuance.state == IssuanceState.READY, CertificateIssuance.is_generation_ordered.is_(False)
    )
    failed = CertificateIssuance.state == IssuanceState.STAMP_FAILED
    tabs = {state: index for index, state in enumerate(IssuanceState, start=1)}
    for kind, title, where, state in (
        ("issuances.rejected", "待处理的拒绝签发", rejected, IssuanceState.SITE_REJECTED),
        ("issuances.ready", "待发放的证书", unordered, IssuanceState.READY),
        ("issuances.failed", "盖章失败的证书", failed, IssuanceState.STAMP_FAILED),
    ):
        yield desk.item(kind, title, desk.count(CertificateIssuance, where), f"/admin/issuances/?tab={tabs[state]}")


# -- everybody who signs -----------------------------------------------------------------------------------------------


def _signatures(desk: Desk) -> Iterator[DueItem]:
    state = {Party.TEO: IssuanceState.TEO_PENDING, Party.COLLEGE: IssuanceState.SITE_PENDING}
    tabs = {member: index for index, member in enumerate(IssuanceState, start=1)}
    for batch in signing_batches(desk.session, desk.actor):
        yield desk.item(
            f"signing.{batch.party.value}.{batch.plan_id}",
            "待签发的证书",
            batch.count,
            f"/admin/issuances/?tab={tabs[state[batch.party]]}",
            detail=batch.plan_name,
        )


Source = Callable[[Desk], Iterator[DueItem]]
_COLLEGE: tuple[Source, ...] = (
    open_declarations,
    lapsing_quota,
    _own_sites,
    _candidates,
    _open_registrations,
    single_coordinator,
    missing_deputy,
)
_SOURCES: dict[Role, tuple[Source, ...]] = {
    Role.PROVINCE: (declaration_drafts, province_reviews),
    Role.CITY: (city_reviews,),
    Role.TEO: (_plan_drafts, _site_reviews, _arrangements, _scores, _signatures, _after_signing),
    Role.COORDINATOR: (*_COLLEGE, _rooms),
    Role.SIGNATORY: (*_COLLEGE, _signatures),
    Role.SIGN_REVIEWER: (_signatures,),
}


# -- the clock ---------------------------------------------------------------------------------------------------------


def timeline(session: Session, actor: Actor, now: datetime, *, limit: int = 12) -> list[Edge]:
    """The next openings and ends of the windows of all plans this person sees, in time."""
    return sorted(_edges(Desk(session, actor, now)), key=lambda edge: edge.at)[:limit]


def _edges(desk: Desk) -> Iterator[Edge]:
    declarations = select(DeclarationPlan).where(
        visible(DeclarationPlan, desk.actor, desk.now),
        DeclarationPlan.state == DeclarationState.PUBLISHED,
        DeclarationPlan.apply_closes_at >= desk.now,
    )
    for declaration in desk.session.scalars(declarations):
        name = f"{declaration.year} 年 {declaration.batch_name}"
        yield from _of(declaration.apply_window, name, "/admin/declarations/", desk.now)
    yield from _year_end(desk)
    for plan in desk.plans(ExamPlan.state == PlanState.PUBLISHED, ExamPlan.publication_closes_at >= desk.now):
        for window in plan.windows:
            yield from _of(window, plan.name, f"/admin/plans/details/?id={plan.id}", desk.now)


def _year_end(desk: Desk) -> Iterator[Edge]:
    """R-019, T-03: in December, for colleges that would lose something."""
    for item in lapsing_quota(desk):
        if item.count and item.due_at is not None:
            yield Edge(item.due_at, f"{item.title} {item.count} 人", "指标作废", True, item.url)


def _of(window: Window, plan: str, url: str, now: datetime) -> Iterator[Edge]:
    subject = window.name.removesuffix("时间")
    if window.opens_at > now:
        yield Edge(window.opens_at, plan, f"{subject}开始", False, url)
    if window.closes_at >= now:
        yield Edge(window.closes_at, plan, f"{subject}截止", True, url)


@dataclass(frozen=True, slots=True)
class Leg:
    """One window of a plan's way: place is -1 when it is over, 0 while it is open, 1 when it lies ahead."""

    name: str
    opens_at: datetime
    closes_at: datetime
    place: int


@dataclass(frozen=True, slots=True)
class Way:
    """How far a plan has come: its phase in words, and its five windows."""

    plan: str
    url: str
    phase: str
    legs: tuple[Leg, ...]


def ways(session: Session, actor: Actor, now: datetime, *, limit: int = 6) -> list[Way]:
    """Published plans this person sees whose year is not over, the one that moves next first."""
    desk = Desk(session, actor, now)
    running = desk.plans(ExamPlan.state == PlanState.PUBLISHED, ExamPlan.publication_closes_at >= now)
    running.sort(key=lambda plan: plan.windows.next_edge(now) or plan.publication_closes_at)
    return [
        Way(
            plan.name,
            f"/admin/plans/details/?id={plan.id}",
            plan_phase(plan.state, plan.windows, now).label,
            tuple(_leg(window, now) for window in plan.windows),
        )
        for plan in running[:limit]
    ]


def _leg(window: Window, now: datetime) -> Leg:
    place = -1 if window.over(now) else 0 if window.started(now) else 1
    return Leg(window.name.removesuffix("时间"), window.opens_at, window.closes_at, place)


def next_event(session: Session, now: datetime) -> datetime | None:
    """The next instant at which a job or the outbox has something to do; None when nothing is ahead."""
    unsent = and_(Notification.delivery_state == DeliveryState.PENDING, Notification.next_attempt_at > now)
    open_ = Notification.reply_state == ReplyState.OPEN
    candidates = [
        session.scalar(select(func.min(ExamPlan.next_edge_at)).where(ExamPlan.next_edge_at > now)),
        session.scalar(select(func.min(DeclarationPlan.next_edge_at)).where(DeclarationPlan.next_edge_at > now)),
        session.scalar(select(func.min(Notification.next_attempt_at)).where(unsent)),
        session.scalar(
            select(func.min(Notification.next_reminder_at)).where(open_, Notification.next_reminder_at > now)
        ),
        session.scalar(
            select(func.min(Notification.next_escalation_at)).where(open_, Notification.next_escalation_at > now)
        ),
        next_asking_at(session, now),
    ]
    return min((instant for instant in candidates if instant is not None), default=None)
