"""排考: seats, tickets and their publication (R-170…R-184, §3.13)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import IllegalMove, NotPermitted, NotReady
from core.models.plans import ExamPlan, ExamPlanSubject
from core.models.registrations import CandidateSnapshot, RoomArrangement, SeatAssignment, SubjectRegistration
from core.models.sites import ExamSite
from core.rules.registrations import SittingState
from core.usecases import arrangement, sites
from tests.factories import (
    Year,
    Years,
    census,
    count,
    moment,
    one,
    pass_edges,
    register,
    rows,
)

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(years: Years, at: At) -> Year:
    """Everybody is registered, the arrangement window is open."""
    found = years("registered")
    at(moment("arranged"))
    return found


def arrange(year: Year) -> Any:
    return year.do("teo", arrangement.arrange_seats, plan_id=year["plan"])


def tickets() -> dict[int, str | None]:
    return {s.candidate_id: s.ticket_no for s in rows(select(CandidateSnapshot))}


def states() -> list[str]:
    return [s.arrangement_state.value for s in rows(select(ExamPlanSubject).order_by(ExamPlanSubject.id))]


def test_everybody_gets_a_seat_of_their_own_and_the_subjects_are_done_R171_R175(year: Year) -> None:
    done = arrange(year)
    assert (done.seated, done.unseated, done.unseated_by_subject) == (8, 0, {})
    assert set(rows(select(SubjectRegistration.state))) == {"seated"}
    assert states() == ["arranged", "arranged"]
    places = [(s.room_arrangement_id, s.seat_no) for s in rows(select(SeatAssignment))]
    assert len(set(places)) == 8
    assert {seat for _, seat in places} == {1, 2, 3, 4}


def test_a_subject_sits_only_in_a_room_made_for_it_R172(year: Year) -> None:
    arrange(year)
    used = {(r.plan_subject_id, r.room_id) for r in rows(select(RoomArrangement))}
    assert used == {
        (year["plan_subject:theory"], year["room:theory"]),
        (year["plan_subject:practice"], year["room:practice"]),
    }


def test_everybody_has_one_ticket_number_of_plan_site_and_running_number_R177_R178(year: Year) -> None:
    arrange(year)
    plan, site = one(ExamPlan, year["plan"]), one(ExamSite, year["site"])
    assert sorted(tickets().values()) == [f"{plan.plan_no}{site.site_no}{n:05d}" for n in (1, 2, 3, 4)]


def test_arranging_again_keeps_every_ticket_number_R183(year: Year) -> None:
    arrange(year)
    before = tickets()
    year.do("coordinator", sites.edit_room, room_id=year["room:theory"], name="大机房", seat_count=40, address="")
    arrange(year)
    assert tickets() == before
    year.do("teo", arrangement.clear_arrangement, plan_id=year["plan"])
    assert count(SeatAssignment) == count(RoomArrangement) == 0
    assert states() == ["not_arranged", "not_arranged"]
    assert set(rows(select(SubjectRegistration.state))) == {"not_arranged"}
    assert tickets() == before
    arrange(year)
    assert tickets() == before


def test_a_subject_with_too_few_seats_is_not_done_and_says_how_many_are_left_R175(year: Year) -> None:
    year.do("coordinator", sites.edit_room, room_id=year["room:practice"], name="小", seat_count=3, address="")
    done = arrange(year)
    code = one(ExamPlanSubject, year["plan_subject:practice"]).code
    assert (done.seated, done.unseated, done.unseated_by_subject) == (7, 1, {code: 1})
    assert states() == ["arranged", "not_arranged"]
    assert count(SubjectRegistration, SubjectRegistration.state == "not_arranged") == 1


def test_without_rooms_nobody_is_seated(year: Year) -> None:
    for room in ("theory", "practice"):
        year.do("coordinator", sites.delete_room, room_id=year[f"room:{room}"])
    done = arrange(year)
    assert (done.seated, done.unseated) == (0, 8)
    assert set(tickets().values()) == {None}


def test_subjects_that_need_not_be_sat_get_no_seat_R184(year: Year) -> None:
    exempt = rows(select(SubjectRegistration.id))[0]
    with year.acting("system") as tx:
        tx.get(SubjectRegistration, exempt).state = SittingState.NOT_REQUIRED
    assert arrange(year).seated == 7
    assert one(SubjectRegistration, exempt).state == "not_required"


def test_a_trial_says_what_would_happen_and_changes_nothing(year: Year) -> None:
    before = census()
    tried = arrangement.try_arrangement(year.actor("teo"), plan_id=year["plan"])
    assert tried.seated == 8
    assert census() == before
    with pytest.raises(NotPermitted):
        arrangement.try_arrangement(year.actor("other_teo"), plan_id=year["plan"])


def test_an_unpublished_plan_is_not_arranged(year: Year) -> None:
    year.ids["plan"] = year["draft_plan"]
    with pytest.raises(NotReady) as caught:
        arrange(year)
    assert caught.value.sentence_code == "plan_not_published"


def test_published_seats_stand(year: Year) -> None:
    arrange(year)
    assert year.do("teo", arrangement.publish_arrangement, plan_id=year["plan"]) == 2
    assert year.do("teo", arrangement.publish_arrangement, plan_id=year["plan"]) == 0
    for verb in (arrangement.arrange_seats, arrangement.clear_arrangement):
        with pytest.raises(IllegalMove) as caught:
            year.do("teo", verb, plan_id=year["plan"])
        assert caught.value.sentence_code == "arrangement_published"
    assert count(SeatAssignment) == 8


def test_the_end_of_the_window_publishes_what_is_arranged_and_nothing_else_T07(year: Year, at: At) -> None:
    year.do("coordinator", sites.edit_room, room_id=year["room:practice"], name="小", seat_count=3, address="")
    arrange(year)
    at("2026-05-15 18:00:01")
    pass_edges(year)
    assert states() == ["published", "not_arranged"]


def test_those_who_are_registered_later_get_the_next_ticket_numbers(year: Year, at: At) -> None:
    arrange(year)
    before = tickets()
    at("2026-05-09 09:00")
    assert register(year, [3]).accepted == 1
    at(moment("arranged"))
    assert arrange(year).seated == 10
    after = tickets()
    assert {who: after[who] for who in before} == before
    assert str(after[year["student:3"]]).endswith("00005")
