"""A year of plans as colleges live with it: announced early, prepared step by step, sat once (R-062, R-063, R-067)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core.db import reading
from core.models.plans import ExamPlan
from core.models.registrations import RoomArrangement, SeatAssignment
from core.queries.preparation import Preparation, preparation
from core.usecases import arrangement, plans, sites
from tests.factories import (
    PRACTICE,
    THEORY,
    WINDOWS,
    Year,
    Years,
    moment,
    notices,
    on,
    plan_values,
    planned,
    register,
    room_values,
    rows,
)

At = Callable[[datetime | str], datetime]
TWO_DAYS = (on("2026-05-20 08:00"), on("2026-05-21 18:00"))


def done(year: Year) -> Preparation:
    with reading() as session:
        return preparation(session, session.get_one(ExamPlan, year["plan"]), year["college"])


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("planned", {"certificates_with_site": 1, "candidates_verified": 6, "registered": 0, "published": 0}),
        ("registered", {"registered": 4, "sittings": 8, "seats_missing": 0, "published": 0}),
        ("arranged", {"registered": 4, "rooms": 2, "sittings": 8, "published": 0}),
        ("scored", {"sittings": 8, "published": 8}),
    ],
)
def test_the_plan_says_what_a_college_has_done_and_what_is_open_R062(
    years: Years, at: At, stage: str, expected: dict[str, int]
) -> None:
    year = years(stage)
    at(moment(stage))
    found = done(year)
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_years_plans_are_published_at_its_beginning_and_each_college_hears_of_each_R063(years: Years, at: At) -> None:
    """Months ahead, several at once: windows may lie anywhere in the year."""
    year = years("sited")
    at(moment("sited"))
    made = []
    for number, shift in enumerate((0, 60, 120), start=1):
        later = {name: tuple(edge + timedelta(days=shift) for edge in window) for name, window in WINDOWS.items()}
        with year.acting("teo") as tx:
            plan = plans.draft_plan(tx, **plan_values(year, name=f"2026年第{number}次考核", windows=later))
            sessions = [
                (start + timedelta(days=shift), end + timedelta(days=shift)) for start, end in (THEORY, PRACTICE)
            ]
            subjects = [
                plans.PlannedSubject(year["subject:theory"], [sessions[0]], weight_percent=30),
                plans.PlannedSubject(year["subject:practice"], [sessions[1]], weight_percent=70),
            ]
            plans.put_certificate(tx, plan_id=plan.id, planned=planned(year, subjects=subjects))
            plans.publish_plan(tx, plan_id=plan.id)
            made.append(plan.id)
    told = [json.loads(row.facts)["plan_id"] for row in notices("plans.published", year["account:coordinator"])]
    assert sorted(told) == made
    assert {row.state.value for row in rows(select(ExamPlan).where(ExamPlan.id.in_(made)))} == {"published"}


def test_of_a_subjects_sessions_everybody_sits_exactly_one_R067(years: Years, at: At) -> None:
    """Theory on two days in a room of two: four people, two on each day, nobody twice."""
    year = years("peopled")
    at(moment("planned"))
    second = (THEORY[0] + timedelta(days=1), THEORY[1] + timedelta(days=1))
    subjects = [
        plans.PlannedSubject(year["subject:theory"], [THEORY, second], weight_percent=30),
        plans.PlannedSubject(year["subject:practice"], [PRACTICE], weight_percent=70),
    ]
    with year.acting("teo") as tx:
        plan = plans.draft_plan(tx, **plan_values(year, windows=WINDOWS | {"exam": TWO_DAYS}))
        row = plans.put_certificate(tx, plan_id=plan.id, planned=planned(year, subjects=subjects))
        year.ids |= {
            "plan": plan.id,
            "plan_subject:theory": row.subjects[0].id,
            "plan_subject:practice": row.subjects[1].id,
        }
        plans.publish_plan(tx, plan_id=plan.id)
    year.do("coordinator", sites.create_room, **room_values(year, "theory", seat_count=2))
    year.do("coordinator", sites.create_room, **room_values(year, "practice"))
    at(moment("registered"))
    assert register(year, [0, 1, 2, 3]).accepted == 4
    at(moment("arranged"))
    assert year.do("teo", arrangement.arrange_seats, plan_id=plan.id).unseated == 0
    theory = select(RoomArrangement).where(RoomArrangement.plan_subject_id == year["plan_subject:theory"])
    session_of = {room.id: room.session_id for room in rows(theory)}
    seats = [seat for seat in rows(select(SeatAssignment)) if seat.room_arrangement_id in session_of]
    assert sorted(Counter(session_of[seat.room_arrangement_id] for seat in seats).values()) == [2, 2]
    assert len({seat.subject_registration_id for seat in seats}) == 4
