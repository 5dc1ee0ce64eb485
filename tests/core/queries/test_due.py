"""Whose turn it is at each stage of the year, and what the clock does next."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core import clock
from core.db import reading
from core.demo.people import people
from core.models.accounts import UserAccount
from core.models.pilots import PilotApplication
from core.queries.desk import DueItem, urgency_of
from core.queries.due import next_event, tasks_for, timeline, ways
from core.rules.candidates import CandidateKind
from core.rules.certificates import Party
from core.rules.organisations import AccountState
from core.rules.values import Gender
from core.usecases import applications, candidates, reviews, signing
from tests.factories import (
    DECLARATION,
    WINDOWS,
    Year,
    Years,
    application_values,
    candidate_values,
    moment,
    on,
)

# Who has what to do at each stage, as kind: count; whoever is not listed has nothing.
TURNS: dict[str, dict[str, dict[str, int]]] = {
    "declared": {
        "coordinator": {"declarations.open": 1},
        "signatory": {"declarations.open": 1},
        "other_coordinator": {"declarations.open": 1},
    },
    "applied": {"city": {"applications.city": 1}, "other_province": {"applications.preliminary": 1}},
    "planned": {"teo": {"plans.draft": 1}},
    "registered": {
        "coordinator": {"registrations.open": 1},
        "signatory": {"registrations.open": 1},
        "other_coordinator": {"registrations.open": 1},
        "teo": {"plans.draft": 1},
    },
    "arranged": {"teo": {"plans.draft": 1, "arrangement.unpublished": 2}},
    "concluded": {"teo": {"plans.draft": 1, f"signing.{Party.TEO.value}.1": 2}},
    "signed_by_teo": {
        "teo": {"plans.draft": 1},
        "signatory": {"signing.college.1": 2},
        "reviewer": {"signing.college.1": 2},
    },
    "signed": {"teo": {"plans.draft": 1, "issuances.ready": 2}},
    "issued": {"teo": {"plans.draft": 1}},
}
EVERYBODY = ("admin", "province", "other_province", "city", "teo", "other_teo", "coordinator", "signatory", "reviewer",
             "invigilator", "other_coordinator")  # fmt: skip


NO_DEPUTY = "delegations.missing"  # nobody in the small year has named one; said at every stage, see test_delegations


def turn(year: Year, login: str, now: datetime) -> list[DueItem]:
    """What waits for this person."""
    with reading() as session:
        return tasks_for(session, year.actor(login), now)


def work(year: Year, login: str, now: datetime) -> list[DueItem]:
    """The same without the deputy everybody lacks."""
    return [item for item in turn(year, login, now) if item.kind != NO_DEPUTY]


@pytest.mark.parametrize("stage", list(TURNS))
def test_at_every_stage_exactly_those_whose_turn_it_is_are_asked(years: Years, stage: str) -> None:
    year = years(stage)
    found = {login: {i.kind: i.count for i in turn(year, login, moment(stage))} for login in EVERYBODY}
    wanted = {login: TURNS[stage].get(login, {}) for login in EVERYBODY}
    wanted["other_coordinator"] = wanted["other_coordinator"] | {"accounts.single_coordinator": 1}
    for login in ("coordinator", "signatory", "other_coordinator"):
        wanted[login] = wanted[login] | {NO_DEPUTY: 1}
    assert found == wanted


def test_a_returned_application_comes_back_to_its_college_with_the_deadline(years: Years) -> None:
    year = years("applied")
    year.do("city", reviews.return_application, application_id=year["application"], reason="请补充")
    (item,) = work(year, "coordinator", moment("applied"))
    assert (item.kind, item.due_at, item.count) == ("applications.returned", DECLARATION[1], 1)
    assert item.url.startswith("/admin/applications/")
    assert work(year, "coordinator", DECLARATION[1] + timedelta(seconds=1)) == [], "nothing can be done any more"


def test_drafts_wait_for_whoever_wrote_them(years: Years) -> None:
    year = years("declared")
    with clock.pinned(moment("declared")):
        year.do("coordinator", applications.save_application, **application_values(year))
    assert [item.kind for item in work(year, "coordinator", moment("declared"))] == ["applications.draft"]


def test_candidates_without_a_photo_wait_for_their_college(years: Years) -> None:
    year = years("peopled")
    newcomer = people(99, 1)[0]
    values = candidate_values(newcomer, gender=Gender(newcomer.gender))
    with year.acting("coordinator") as tx:
        candidates.create_candidate(tx, college_id=year["college"], kind=CandidateKind.COLLEGE, values=values)
    kinds = {item.kind: item.count for item in turn(year, "coordinator", moment("peopled"))}
    assert kinds["candidates.no_photo"] == 1


def test_a_refused_batch_waits_for_the_teo(years: Years) -> None:
    year = years("signed_by_teo")
    year.do("signatory", signing.reject_batch, plan_id=year["plan"], party=Party.COLLEGE, reason="姓名有误，请核对")
    kinds = {item.kind: item.count for item in turn(year, "teo", moment("signed_by_teo"))}
    assert kinds["issuances.rejected"] == 2


@pytest.mark.parametrize(
    ("left", "urgency"),
    [
        (timedelta(hours=-1), 3),
        (timedelta(days=1), 3),
        (timedelta(days=1, seconds=1), 2),
        (timedelta(days=3), 2),
        (timedelta(days=3, seconds=1), 1),
    ],
)
def test_urgency_grows_as_the_deadline_nears(left: timedelta, urgency: int) -> None:
    now = on("2026-05-01 09:00")
    assert urgency_of(now + left, now) == urgency
    assert urgency_of(None, now) == 1


def test_the_timeline_tells_openings_and_ends_in_order(years: Years) -> None:
    year = years("planned")
    with reading() as session:
        edges = timeline(session, year.actor("coordinator"), moment("planned"))
        nobody = timeline(session, year.actor("invigilator"), moment("planned"))
    assert [edge.what for edge in edges[:3]] == ["报考开始", "报考截止", "排考开始"]
    assert [edge.at for edge in edges] == sorted(edge.at for edge in edges)
    assert edges[0].at == WINDOWS["registration"][0]
    assert nobody == []


def test_the_next_event_is_the_next_instant_at_which_anything_happens(years: Years) -> None:
    year = years("planned")
    with reading() as session:
        assert next_event(session, moment("planned")) == on("2026-04-02 08:30")  # the digest with the plan's news
        assert next_event(session, on("2026-04-02 08:30")) == WINDOWS["registration"][0]
        assert next_event(session, on("2031-01-01 00:00")) is None
    assert year["plan"]


def test_nothing_personal_is_in_what_is_due(years: Years) -> None:
    year = years("signed_by_teo")
    said = " ".join(f"{item.title} {item.detail}" for item in turn(year, "signatory", moment("signed_by_teo")))
    assert said
    assert not any(person.name in said or person.id_number in said for person in year.students)


@pytest.mark.parametrize(
    ("at", "phase", "places"),
    [
        ("2026-04-20 09:00", "未开始", (1, 1, 1, 1, 1)),
        ("2026-05-02 09:00", "报考中", (0, 1, 1, 1, 1)),
        ("2026-05-10 19:00", "待排考", (-1, 1, 1, 1, 1)),
        ("2026-06-02 09:00", "公示中", (-1, -1, -1, -1, 0)),
    ],
)
def test_a_plans_way_shows_which_windows_are_over_open_and_ahead(
    years: Years, at: str, phase: str, places: tuple[int, ...]
) -> None:
    year = years("planned")
    with reading() as session:
        (way,) = ways(session, year.actor("teo"), on(at))
        assert ways(session, year.actor("other_teo"), on(at)) == []
        assert ways(session, year.actor("teo"), WINDOWS["publication"][1] + timedelta(seconds=1)) == []
    assert way.phase == phase
    assert tuple(leg.place for leg in way.legs) == places


# -- the pilot year ----------------------------------------------------------------------------------------------------


def test_reviewers_see_how_many_wait_per_batch_until_when_a_return_can_be_mended_R039(years: Years) -> None:
    year = years("applied")
    (city,) = turn(year, "city", moment("applied"))
    assert (city.kind, city.count, city.due_at) == ("applications.city", 1, DECLARATION[1])
    assert city.detail == "地市级审核 · 2026 年 第一批"
    (late,) = turn(year, "city", DECLARATION[1] + timedelta(seconds=1))
    assert (late.count, late.due_at) == (1, None), "it still waits, but nothing can be mended any more"
    assert work(year, "province", moment("applied")) == [], "not before the city has passed it"


def test_the_final_review_is_an_item_of_its_own_D19(years: Years) -> None:
    year = years("applied")
    with year.acting("system") as tx:
        tx.get(PilotApplication, year["other_application"]).plan.final_review_required = True
    year.do("other_province", reviews.pass_preliminary, application_id=year["other_application"])
    (item,) = work(year, "other_province", moment("applied"))
    assert (item.kind, item.title, item.detail) == (
        "applications.final",
        "待复审的试点申报",
        "省厅复审 · 2026 年 第一批",
    )


@pytest.mark.parametrize(
    ("now", "is_due"),
    [
        ("2026-11-30 23:59:59", False),
        ("2026-12-01 00:00:00", True),
        ("2026-12-31 23:59:59", True),
        ("2027-01-01 00:00:00", False),
    ],
)
def test_in_december_a_college_sees_what_the_years_end_will_take_R019(years: Years, now: str, is_due: bool) -> None:
    year = years("approved")
    found = [item for item in turn(year, "coordinator", on(now)) if item.kind == "quotas.lapsing"]
    assert [(item.count, item.due_at) for item in found] == [(4, on("2026-12-31 23:59"))] * is_due
    with reading() as session:
        edges = [edge for edge in timeline(session, year.actor("signatory"), on(now)) if edge.what == "指标作废"]
    assert [edge.plan for edge in edges] == ["未使用的指标 4 人"] * is_due
    assert not [item for item in turn(year, "province", on(now)) if item.kind == "quotas.lapsing"]


def test_a_college_with_one_coordinator_is_warned_and_told_the_way_out(years: Years) -> None:
    year = years("approved")
    for login in ("other_coordinator", "other_signatory"):
        (item,) = work(year, login, moment("approved"))
        assert (item.kind, item.title, item.detail) == (
            "accounts.single_coordinator",
            "只有一位院校管理员",
            "请在账号页再建一位",
        )
        assert item.url == "/admin/accounts/"
    assert work(year, "coordinator", moment("approved")) == []
    with year.acting("system") as tx:
        tx.get(UserAccount, year["account:second_coordinator"]).state = AccountState.DISABLED
    assert [item.kind for item in work(year, "coordinator", moment("approved"))] == ["accounts.single_coordinator"]
