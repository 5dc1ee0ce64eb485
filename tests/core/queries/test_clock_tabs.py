"""The clock's words in SQL agree with the rules at every edge, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from core.db import reading
from core.models.plans import ExamPlan
from core.models.sites import ExamRoom
from core.queries.plans import room_phase_at, status_at
from core.rules.plans import PlanState, plan_phase, plan_status, room_phase
from tests.factories import WINDOWS, Years

EDGES = sorted(
    {edge + step for pair in WINDOWS.values() for edge in pair for step in (timedelta(seconds=n) for n in (-1, 0, 1))}
)


def test_the_status_of_a_plan_is_the_same_in_sql_as_in_the_rules(any_years: Years) -> None:
    any_years("planned")
    with reading() as session:
        for now in EDGES:
            column = status_at(now)
            found = dict(session.execute(select(ExamPlan.id, column)).all())
            wanted = {
                plan.id: plan_status(plan_phase(plan.state, plan.windows, now))
                for plan in session.scalars(select(ExamPlan))
            }
            assert found == wanted, now
            counted = dict(session.execute(select(column, func.count(ExamPlan.id)).group_by(column)).all())
            assert sum(counted.values()) == len(wanted)
            assert PlanState.DRAFT in {plan.state for plan in session.scalars(select(ExamPlan))}


def test_the_phase_of_a_room_is_the_same_in_sql_as_in_the_rules(any_years: Years) -> None:
    any_years("planned")
    with reading() as session:
        for now in EDGES:
            column = room_phase_at(now)
            found = dict(session.execute(select(ExamRoom.id, column)).all())
            rooms = list(session.scalars(select(ExamRoom)))
            assert found == {room.id: room_phase(room.plan.windows.arrangement, now) for room in rooms}, now
            counted = dict(session.execute(select(column, func.count(ExamRoom.id)).group_by(column)).all())
            assert sum(counted.values()) == len(rooms)
