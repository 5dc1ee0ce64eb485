"""What a person may ask the bot: what waits for a reply, and how one plan stands. Numbers only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.errors import NotFound
from core.models.accounts import UserAccount
from core.models.plans import ExamPlan
from core.models.records import Notification
from core.models.registrations import Registration
from core.queries.desk import urgency_of
from core.queries.plans import registration_standing
from core.queries.scoping import visible
from core.rules.notices import ReplyState
from core.rules.plans import PlanPhase, PlanState, plan_phase
from core.rules.windows import Window


@dataclass(frozen=True, slots=True)
class PlanStanding:
    """One plan for one person; registered and quota_left are their college's, quota_left None for everybody else.

    window: the one that is open or comes next, None when the plan is over.
    """

    id: int
    plan_no: str
    name: str
    phase: PlanPhase
    registered: int
    quota_left: int | None
    window: Window | None


def open_requests(session: Session, account_id: int, now: datetime) -> list[Notification]:
    """Messages waiting for this person's word: the urgent, then what nobody else can do, then by deadline.

    Without a deadline of its own a request counts by the end of its usefulness.
    """
    rows = session.scalars(
        select(Notification).where(
            Notification.account_id == account_id,
            Notification.reply_state == ReplyState.OPEN,
            Notification.useful_until >= now,
        )
    )

    def rank(row: Notification) -> tuple[int, bool, datetime]:
        due_at = row.due_at or row.useful_until
        return -urgency_of(due_at, now), not row.thing_version, due_at

    return sorted(rows, key=rank)


def organisation_of(account: UserAccount) -> str:
    """The name of the one organisation an account belongs to; empty for platform administrators."""
    home = account.college or account.org or account.authority
    return home.name if home else ""


def plans_of(session: Session, actor: Actor, now: datetime) -> list[ExamPlan]:
    """Published plans this person may see that have not ended, the one that ends first in front."""
    rows = session.scalars(
        select(ExamPlan)
        .where(
            visible(ExamPlan, actor, now), ExamPlan.state == PlanState.PUBLISHED, ExamPlan.publication_closes_at >= now
        )
        .order_by(ExamPlan.publication_closes_at, ExamPlan.plan_no)
    )
    return list(rows)


def plan_standing(session: Session, actor: Actor, plan_no: str, now: datetime) -> PlanStanding:
    """NotFound for plans that do not exist and for those of others alike."""
    plan = session.scalar(select(ExamPlan).where(ExamPlan.plan_no == plan_no, visible(ExamPlan, actor, now)))
    if plan is None:
        raise NotFound("plan_not_yours", rule="R-060", plan=plan_no)
    registered, quota_left = _registered(session, plan, actor)
    return PlanStanding(
        id=plan.id,
        plan_no=plan.plan_no,
        name=plan.name,
        phase=plan_phase(plan.state, plan.windows, now),
        registered=registered,
        quota_left=quota_left,
        window=next((window for window in plan.windows if not window.over(now)), None),
    )


def _registered(session: Session, plan: ExamPlan, actor: Actor) -> tuple[int, int | None]:
    if actor.college_id is not None:
        standing = registration_standing(session, plan, actor.college_id)
        return standing.registered, standing.quota_left
    every = session.scalar(select(func.count(Registration.id)).where(Registration.plan_id == plan.id))
    return every or 0, None
