"""Exam plans: drafted, filled, published, extended, carried along by the clock (R-055…R-070, T-04…T-16)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import IllegalMove, Incomplete, NotPermitted, Refusal, ValueRefused
from core.models.catalogue import Subject
from core.models.organisations import College
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanSubject, ExamSession
from core.models.records import Notification
from core.rules.catalogue import PassRule
from core.rules.plans import PlanEdge
from core.usecases import catalogue, plans
from core.usecases.plans import PlannedSubject
from tests.factories import (
    PRACTICE,
    SECOND,
    THEORY,
    WINDOWS,
    Year,
    Years,
    count,
    moment,
    notices,
    on,
    one,
    pass_edges,
    plan_values,
    planned,
    rows,
)

DAY = timedelta(days=1)
At = Callable[[datetime | str], datetime]


@pytest.fixture
def sited(years: Years, at: At) -> Year:
    year = years("sited")
    at(moment("planned"))
    return year


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("planned")
    at(moment("planned"))
    return found


def draft(year: Year, **other: Any) -> ExamPlan:
    found: ExamPlan = year.do("teo", plans.draft_plan, **plan_values(year, **other))
    return found


def fill(year: Year, plan_id: int, **other: Any) -> Any:
    return year.do("teo", plans.put_certificate, plan_id=plan_id, planned=planned(year, **other))


def refused(verb: Callable[[], Any], kind: type[Refusal], code: str, rule: str) -> Refusal:
    with pytest.raises(kind) as caught:
        verb()
    assert (caught.value.sentence_code, caught.value.rule) == (code, rule)
    return caught.value


# -- drafting --------------------------------------------------------------------------------------------------------


def test_a_plan_number_is_the_day_and_a_number_that_runs_on_over_days_R058(sited: Year, at: At) -> None:
    numbers = []
    for day in ("2026-04-01 09:00", "2026-04-01 23:59", "2026-04-02 00:00"):
        at(day)
        numbers.append(draft(sited).plan_no)
    assert numbers == ["202604010001", "202604010002", "202604020003"]


@pytest.mark.parametrize("name", list(WINDOWS))
def test_each_window_starts_before_it_ends_R055(sited: Year, name: str) -> None:
    turned = dict(WINDOWS) | {name: (WINDOWS[name][1], WINDOWS[name][1])}
    refused(lambda: draft(sited, windows=turned), ValueRefused, "window_order", "R-055")


def test_windows_that_overlap_are_accepted_windows_that_start_out_of_order_are_not_R056(sited: Year) -> None:
    overlapping = dict(WINDOWS) | {"arrangement": (on("2026-05-05 09:00"), WINDOWS["arrangement"][1])}
    assert draft(sited, windows=overlapping).plan_no
    early = dict(WINDOWS) | {"arrangement": (on("2026-04-30 09:00"), WINDOWS["arrangement"][1])}
    refused(lambda: draft(sited, windows=early), ValueRefused, "windows_out_of_order", "R-056")


def test_a_plan_holds_certificates_of_its_own_organisation_only_R059(year: Year) -> None:
    refused(
        lambda: fill(year, year["draft_plan"], certificate_id=year["other_certificate"]),
        NotPermitted,
        "certificate_of_another",
        "R-059",
    )


def test_disabled_certificates_and_subjects_are_not_chosen_R054(year: Year) -> None:
    year.do("teo", catalogue.switch_subject, subject_id=year["subject:theory"], action="disable")
    refused(lambda: fill(year, year["draft_plan"]), ValueRefused, "subject_not_of_certificate", "R-054")
    year.do("teo", catalogue.switch_subject, subject_id=year["subject:theory"], action="enable")
    year.do("teo", catalogue.switch_certificate, certificate_id=year["certificate"], action="disable")
    refused(lambda: fill(year, year["draft_plan"]), ValueRefused, "certificate_disabled", "R-054")


def test_a_subject_of_another_certificate_is_not_chosen(year: Year) -> None:
    strange = [PlannedSubject(year["subject:theory:certificate:2"], [THEORY], weight_percent=100)]
    refused(
        lambda: fill(year, year["draft_plan"], subjects=strange), ValueRefused, "subject_not_of_certificate", "R-054"
    )


@pytest.mark.parametrize("weights", [(30, 60), (50, 51), (100, 100), (None, None)])
def test_weights_of_a_composite_add_up_to_100_R065(year: Year, weights: tuple[int | None, int | None]) -> None:
    subjects = [
        PlannedSubject(year["subject:theory"], [THEORY], weight_percent=weights[0]),
        PlannedSubject(year["subject:practice"], [PRACTICE], weight_percent=weights[1]),
    ]
    refused(lambda: fill(year, year["draft_plan"], subjects=subjects), ValueRefused, "weights_sum", "R-065")


def test_weights_do_not_matter_where_every_subject_has_to_be_passed_R064(year: Year) -> None:
    subjects = [
        PlannedSubject(year["subject:theory"], [THEORY]),
        PlannedSubject(year["subject:practice"], [PRACTICE]),
    ]
    row = fill(year, year["draft_plan"], subjects=subjects, pass_rule=PassRule.ALL_SUBJECTS)
    assert (row.pass_rule, row.composite_pass_tenths) == (PassRule.ALL_SUBJECTS, None)


@pytest.mark.parametrize(
    "session",
    [
        (WINDOWS["exam"][0] - SECOND, THEORY[1]),
        (THEORY[0], WINDOWS["exam"][1] + SECOND),
        (THEORY[1], THEORY[0]),
        (THEORY[0], THEORY[0]),
    ],
)
def test_sessions_lie_inside_the_exam_window_R068(year: Year, session: tuple[datetime, datetime]) -> None:
    subjects = [PlannedSubject(year["subject:theory"], [session], weight_percent=100)]
    refused(lambda: fill(year, year["draft_plan"], subjects=subjects), ValueRefused, "session_outside_exam", "R-068")


def test_a_session_may_fill_the_whole_exam_window(year: Year) -> None:
    subjects = [PlannedSubject(year["subject:theory"], [WINDOWS["exam"]], weight_percent=100)]
    assert fill(year, year["draft_plan"], subjects=subjects).subjects


def test_putting_a_certificate_again_replaces_it_with_its_sessions(year: Year) -> None:
    fill(year, year["draft_plan"])
    again = [PlannedSubject(year["subject:theory"], [THEORY, PRACTICE], weight_percent=100)]
    fill(year, year["draft_plan"], subjects=again)
    mine = ExamPlanSubject.plan_id == year["draft_plan"]
    assert count(ExamPlanCertificate, ExamPlanCertificate.plan_id == year["draft_plan"]) == 1
    assert count(ExamPlanSubject, mine) == 1
    assert len(rows(select(ExamSession.id).join(ExamPlanSubject).where(mine))) == 2


def test_a_plan_keeps_names_and_modes_as_they_were_G19(year: Year) -> None:
    with year.acting("teo") as tx:
        tx.get(Subject, year["subject:theory"]).name = "改名"
    assert one(ExamPlanSubject, year["plan_subject:theory"]).name == "理论考核"


# -- publishing ------------------------------------------------------------------------------------------------------


def test_everything_a_plan_lacks_is_named_at_once_R055(sited: Year) -> None:
    plan = draft(sited, college_ids=[])
    caught = refused(lambda: sited.do("teo", plans.publish_plan, plan_id=plan.id), Incomplete, "incomplete", "R-055")
    assert caught.facts["fields"] == "考核证书、参考院校"
    fill(sited, plan.id, subjects=[], pass_rule=PassRule.ALL_SUBJECTS)
    sited.do("teo", plans.edit_plan, plan_id=plan.id, is_open_to_all=True)
    caught = refused(lambda: sited.do("teo", plans.publish_plan, plan_id=plan.id), Incomplete, "incomplete", "R-055")
    assert caught.facts["fields"] == "考试科目"
    fill(sited, plan.id, subjects=[PlannedSubject(sited["subject:theory"], [], weight_percent=100)])
    caught = refused(lambda: sited.do("teo", plans.publish_plan, plan_id=plan.id), Incomplete, "incomplete", "R-055")
    assert caught.facts["fields"] == "考试场次"


def test_a_plan_whose_registration_is_over_is_not_published(year: Year, at: At) -> None:
    fill(year, year["draft_plan"])
    at(WINDOWS["registration"][1] + SECOND)
    refused(
        lambda: year.do("teo", plans.publish_plan, plan_id=year["draft_plan"]),
        ValueRefused,
        "window_already_over",
        "R-055",
    )


def test_the_colleges_of_a_plan_are_told_when_it_is_published_M10(year: Year) -> None:
    told = {n.account_id for n in notices("plans.published")}
    assert told == {year[f"account:{who}"] for who in ("coordinator", "second_coordinator", "other_coordinator")}


def test_a_plan_open_to_all_tells_every_college(sited: Year) -> None:
    plan = draft(sited, college_ids=[], is_open_to_all=True)
    fill(sited, plan.id)
    sited.do("teo", plans.publish_plan, plan_id=plan.id)
    assert len(notices("plans.published")) == 3
    assert count(College) == 2


def test_a_published_plan_is_neither_edited_nor_emptied_nor_deleted_R069(year: Year) -> None:
    for verb, given in (
        (plans.edit_plan, {"name": "改名"}),
        (plans.put_certificate, {"planned": planned(year)}),
        (plans.remove_certificate, {"certificate_id": year["certificate"]}),
        (plans.delete_plan, {}),
    ):
        refused(
            lambda v=verb, g=given: year.do("teo", v, plan_id=year["plan"], **g), IllegalMove, "plan_published", "R-069"
        )


def test_a_draft_is_edited_and_thrown_away(year: Year) -> None:
    fill(year, year["draft_plan"])
    later = {name: (a + timedelta(days=1), b + timedelta(days=1)) for name, (a, b) in WINDOWS.items()}
    plan = year.do("teo", plans.edit_plan, plan_id=year["draft_plan"], name="改名", windows=later, college_ids=[])
    assert (plan.name, plan.exam_opens_at, plan.colleges) == ("改名", later["exam"][0], [])
    year.do("teo", plans.delete_plan, plan_id=year["draft_plan"])
    assert count(ExamPlan) == 1


# -- the clock -------------------------------------------------------------------------------------------------------


def edges_told() -> list[str]:
    return sorted({json.loads(n.facts)["edge"] for n in notices("plans.edge_passed")})


def test_every_edge_is_passed_once_at_its_instant(year: Year, at: At) -> None:
    seen: list[PlanEdge] = []
    plan = one(ExamPlan, year["plan"])
    for instant, _ in plan.windows.edges():
        at(instant - timedelta(microseconds=1))
        assert pass_edges(year) == []
        at(instant)
        seen += pass_edges(year)
        assert pass_edges(year) == []
    assert seen == [edge for _, edge in plan.windows.edges()]
    assert one(ExamPlan, year["plan"]).next_edge_at is None


def test_edges_that_passed_while_no_job_ran_take_effect_but_only_news_is_told(year: Year, at: At) -> None:
    at(on("2026-05-24 18:00"))  # three weeks of ticks were missed; registration, arrangement and exam are over
    passed = pass_edges(year)
    assert [edge.value for edge in passed] == [
        "registration_opens",
        "registration_closes",
        "arrangement_opens",
        "arrangement_closes",
        "exam_opens",
        "exam_closes",
        "entry_opens",
    ]
    assert edges_told() == []  # the newest, entry_opens, is two days and nine hours old
    at(WINDOWS["score_entry"][1] + SECOND)
    pass_edges(year)
    assert edges_told() == ["entry_closes"]


def test_a_long_missed_end_of_publication_still_locks_everything_T16(years: Years, at: At) -> None:
    year = years("scored")
    at(on("2026-12-01 09:00"))
    assert PlanEdge.PUBLICATION_CLOSES in pass_edges(year)
    assert one(ExamPlan, year["plan"]).locked_at == on("2026-12-01 09:00")
    assert edges_told() == ["arrangement_closes", "arrangement_opens", "entry_opens"] or edges_told()
    assert "publication_closes" not in edges_told()


def test_a_plan_published_after_its_registration_began_announces_the_beginning(sited: Year, at: At) -> None:
    at(on("2026-05-03 09:00"))
    plan = draft(sited)
    fill(sited, plan.id)
    sited.do("teo", plans.publish_plan, plan_id=plan.id)
    sited.ids["plan"] = plan.id
    assert pass_edges(sited) == [PlanEdge.REGISTRATION_OPENS]


def test_an_extended_window_moves_its_edge(year: Year, at: At) -> None:
    at(WINDOWS["registration"][0])
    pass_edges(year)
    longer = WINDOWS["registration"][1] + timedelta(hours=3)
    year.do("teo", plans.extend_window, plan_id=year["plan"], window="registration", closes_at=longer)
    at(WINDOWS["registration"][1] + SECOND)
    assert pass_edges(year) == []
    at(longer + SECOND)
    assert pass_edges(year) == [PlanEdge.REGISTRATION_CLOSES]


# -- reminders -------------------------------------------------------------------------------------------------------


def remind(year: Year) -> int:
    return int(year.do("system", plans.remind_of_registration, plan_id=year["plan"]))


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (timedelta(hours=72) + SECOND, 0),
        (timedelta(hours=72), 3),
        (timedelta(hours=24), 3),
        (timedelta(hours=2), 3),
        (timedelta(), 3),
        (-SECOND, 0),
    ],
)
def test_colleges_are_reminded_three_days_one_day_and_two_hours_before_registration_ends_M11(
    year: Year, at: At, left: timedelta, told: int
) -> None:
    at(WINDOWS["registration"][1] - left)
    assert remind(year) == told
    assert remind(year) == 0


def test_each_rung_is_told_once_however_often_the_job_runs(year: Year, at: At) -> None:
    end = WINDOWS["registration"][1]
    told = []
    for hours in (71, 50, 25, 24, 12, 2, 1):
        at(end - timedelta(hours=hours))
        told.append(remind(year))
    assert told == [3, 0, 0, 3, 0, 3, 0]
    assert count(Notification, Notification.kind == "plans.registration_closing") == 9


def remind_of(year: Year, verb: str) -> int:
    return int(year.do("system", getattr(plans, verb), plan_id=year["plan"]))


@pytest.mark.parametrize(
    ("left", "told"), [(DAY + SECOND, 0), (DAY, 1), (timedelta(hours=1), 1), (timedelta(), 1), (-SECOND, 0)]
)
def test_a_day_before_score_entry_ends_missing_scores_are_told_M21(
    years: Years, at: At, left: timedelta, told: int
) -> None:
    """Once per end, and only while some are missing."""
    year = years("arranged")
    at(WINDOWS["score_entry"][1] - left)
    assert remind_of(year, "remind_of_scores") == told
    assert remind_of(year, "remind_of_scores") == 0


def test_where_no_score_is_missing_nobody_is_told(years: Years, at: At) -> None:
    year = years("scored")
    at(WINDOWS["score_entry"][1] - timedelta(hours=1))
    assert remind_of(year, "remind_of_scores") == 0


@pytest.mark.parametrize(("left", "told"), [(2 * DAY + SECOND, 0), (2 * DAY, 2), (timedelta(), 2), (-SECOND, 0)])
def test_two_days_before_reviews_end_the_colleges_hear_M23(years: Years, at: At, left: timedelta, told: int) -> None:
    """Coordinators of the colleges that have somebody in the plan."""
    year = years("scored")
    at(one(ExamPlan, year["plan"]).windows.review.closes_at - left)
    assert remind_of(year, "remind_of_review") == told
    assert remind_of(year, "remind_of_review") == 0


def test_a_longer_window_is_told_M39(year: Year, at: At) -> None:
    at(WINDOWS["registration"][0])
    longer = WINDOWS["registration"][1] + DAY
    year.do("teo", plans.extend_window, plan_id=year["plan"], window="registration", closes_at=longer)
    assert count(Notification, Notification.kind == "plans.window_extended") == 4
