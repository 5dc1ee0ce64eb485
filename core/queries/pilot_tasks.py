"""What the pilot year asks of authorities and colleges: reviews, drafts, returned applications, quota that runs out."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, and_, func, select

from core import clock
from core.models.accounts import UserAccount
from core.models.pilots import DeclarationPlan, PilotApplication
from core.queries.accounts import people
from core.queries.delegations import officers_without_deputy
from core.queries.desk import Desk, DueItem
from core.queries.lapses import last_minute_of, unused_places
from core.queries.scoping import visible
from core.rules.organisations import Role
from core.rules.pilots import WITH_CITY, ApplicationState, DeclarationState, ReviewStep

LAPSE_MONTH = 12

# -- authorities -------------------------------------------------------------------------------------------------------


def city_reviews(desk: Desk) -> Iterator[DueItem]:
    """R-039: what the city reviews first, per batch."""
    yield from _reviews(desk, "applications.city", "待审核的试点申报", _at_city(), ReviewStep.CITY)


def _at_city() -> ColumnElement[bool]:
    return and_(PilotApplication.has_city_review, PilotApplication.state.in_(WITH_CITY))


def province_reviews(desk: Desk) -> Iterator[DueItem]:
    """R-039, D-19: what the province reviews, for the first time and for the last."""
    first = PilotApplication.state.in_([ApplicationState.PENDING_INITIAL, ApplicationState.PRELIMINARY_REVIEW])
    preliminary, final = ReviewStep.PRELIMINARY, ReviewStep.FINAL
    yield from _reviews(desk, "applications.preliminary", "待审核的试点申报", and_(first, ~_at_city()), preliminary)
    waits_again = PilotApplication.state == ApplicationState.FINAL_REVIEW
    yield from _reviews(desk, "applications.final", "待复审的试点申报", waits_again, final)


def _reviews(desk: Desk, kind: str, title: str, where: ColumnElement[bool], step: ReviewStep) -> Iterator[DueItem]:
    """One item per batch; while the batch is open, its end is the last moment for a return that can be mended."""
    waiting = (
        select(PilotApplication.plan_id, func.count(PilotApplication.id))
        .where(visible(PilotApplication, desk.actor, desk.now), where)
        .group_by(PilotApplication.plan_id)
        .order_by(PilotApplication.plan_id)
    )
    for plan_id, count in desk.session.execute(waiting).all():
        plan = desk.session.get_one(DeclarationPlan, plan_id)
        due = None if plan.apply_window.over(desk.now) else plan.apply_closes_at
        detail = f"{step.label} · {plan.year} 年 {plan.batch_name}"
        yield desk.item(kind, title, count, "/admin/applications/?tab=2", detail=detail, due_at=due)


def declaration_drafts(desk: Desk) -> Iterator[DueItem]:
    """Plans nobody can apply under before they are published (R-024)."""
    drafts = desk.count(DeclarationPlan, DeclarationPlan.state == DeclarationState.DRAFT)
    yield desk.item("declarations.draft", "未发布的申报计划", drafts, "/admin/declarations/?tab=1")


# -- colleges ----------------------------------------------------------------------------------------------------------


def open_declarations(desk: Desk) -> Iterator[DueItem]:
    """R-025, R-038: what a college can still declare, submit or mend, with the end of each open batch."""
    wanted = select(DeclarationPlan).where(
        visible(DeclarationPlan, desk.actor, desk.now),
        DeclarationPlan.apply_opens_at <= desk.now,
        DeclarationPlan.apply_closes_at >= desk.now,
    )
    for plan in desk.session.scalars(wanted):
        yield from _own_applications(desk, plan)


def _own_applications(desk: Desk, plan: DeclarationPlan) -> Iterator[DueItem]:
    name, due = f"{plan.year} 年 {plan.batch_name}", plan.apply_closes_at
    mine = PilotApplication.plan_id == plan.id
    for state, title, tab in (
        (ApplicationState.RETURNED, "被退回的试点申报", 4),
        (ApplicationState.DRAFT, "未提交的试点申报", 1),
    ):
        count = desk.count(PilotApplication, mine, PilotApplication.state == state)
        url = f"/admin/applications/?tab={tab}"
        yield desk.item(f"applications.{state.value}", title, count, url, detail=name, due_at=due)
    if not desk.count(PilotApplication, mine):
        yield desk.item("declarations.open", "可以申报的计划", 1, "/admin/declarations/", detail=name, due_at=due)


def lapsing_quota(desk: Desk) -> Iterator[DueItem]:
    """R-019: in December, places that end with the year."""
    today = clock.local(desk.now)
    if today.month == LAPSE_MONTH and desk.actor.college_id is not None:
        count = unused_places(desk.session, desk.actor.college_id, today.year)
        detail = f"{today.year} 年 · 年底前不报考即作废"
        due = last_minute_of(today.year)
        yield desk.item("quotas.lapsing", "未使用的指标", count, "/admin/quotas/", detail=detail, due_at=due)


def missing_deputy(desk: Desk) -> Iterator[DueItem]:
    """chat.md: a college names a default deputy for its signing officer when it comes on board."""
    college_id = desk.actor.college_id
    count = len(officers_without_deputy(desk.session, college_id)) if college_id is not None else 0
    way_out = "提出后由考核站点负责人接受"
    yield desk.item("delegations.missing", "还没有默认代办人", count, "/admin/delegations/", detail=way_out)


def single_coordinator(desk: Desk) -> Iterator[DueItem]:
    """chat.md law 2: work that only one person can do stands still when that person is away."""
    here = people(Role.COORDINATOR).where(UserAccount.college_id == desk.actor.college_id)
    if len(desk.session.scalars(here.limit(2)).all()) == 1:
        way_out = "请在账号页再建一位"
        yield desk.item("accounts.single_coordinator", "只有一位院校管理员", 1, "/admin/accounts/", detail=way_out)
