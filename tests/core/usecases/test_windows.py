"""Every verb with a window, at one second before, at, and one second after each edge; both edges are inside.

The guard at write time is the law: nothing here runs a job first, so a late job can never let anybody through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.db import transaction
from core.errors import IllegalMove, Refusal, ValueRefused, WindowClosed, WindowNotOpen
from core.models.plans import ExamPlan
from core.models.registrations import Registration
from core.rules.certificates import Party
from core.usecases import (
    accounts,
    applications,
    arrangement,
    bindings,
    declarations,
    plans,
    registrations,
    results,
    scores,
    signing,
    sites,
)
from tests.factories import (
    DECLARATION,
    PRACTICE,
    SECOND,
    THEORY,
    WINDOWS,
    Year,
    Years,
    application_values,
    census,
    count,
    moment,
    on,
    plan_values,
    planned,
    register,
    room_values,
    score_sheet,
)

At = Callable[[datetime | str], datetime]


def _save(year: Year) -> Any:
    return year.do("coordinator", applications.save_application, **application_values(year))


def _submit(year: Year) -> Any:
    return year.do("coordinator", applications.submit_application, application_id=year["draft_application"])


def _register(year: Year) -> Any:
    outcome = register(year, [3])
    assert outcome.accepted == 1, outcome.refused
    return outcome


def _unregister(year: Year) -> Any:
    return year.do("coordinator", registrations.delete_registration, registration_id=year["registration:0"])


def _arrange(year: Year) -> Any:
    return year.do("teo", arrangement.arrange_seats, plan_id=year["plan"])


def _clear(year: Year) -> Any:
    return year.do("teo", arrangement.clear_arrangement, plan_id=year["plan"])


def _create_room(year: Year) -> Any:
    return year.do("coordinator", sites.create_room, **room_values(year, name="新考场"))


def _edit_room(year: Year) -> Any:
    return year.do("coordinator", sites.edit_room, room_id=year["room:theory"], name="改名", seat_count=12, address="")


def _delete_room(year: Year) -> Any:
    return year.do("coordinator", sites.delete_room, room_id=year["room:theory"])


def _enter(year: Year) -> Any:
    outcome = year.do("teo", scores.enter_scores, plan_id=year["plan"], rows=score_sheet(year))
    assert not outcome.refused, outcome.refused
    return outcome


def _correct(year: Year) -> Any:
    return year.do(
        "teo", scores.correct_score, score_id=year["score:0"], score_tenths=610, is_absent=False, reason="登分有误"
    )


@dataclass(frozen=True)
class Guarded:
    """A verb, the stage at which it makes sense, its window (None: no such edge) and the rule its refusal names."""

    verb: Callable[[Year], Any]
    stage: str
    opens_at: datetime | None
    closes_at: datetime
    rule: str


GUARDED = {
    "save an application": Guarded(_save, "declared", *DECLARATION, "R-025"),
    "submit an application": Guarded(_submit, "declared", *DECLARATION, "R-025"),
    "register": Guarded(_register, "registered", *WINDOWS["registration"], "R-135"),
    "delete a registration": Guarded(_unregister, "registered", *WINDOWS["registration"], "R-135"),
    "arrange seats": Guarded(_arrange, "registered", *WINDOWS["arrangement"], "R-170"),
    "clear the arrangement": Guarded(_clear, "arranged", *WINDOWS["arrangement"], "R-170"),
    "create a room": Guarded(_create_room, "registered", None, WINDOWS["arrangement"][1], "R-131"),
    "edit a room": Guarded(_edit_room, "registered", None, WINDOWS["arrangement"][1], "R-131"),
    "delete a room": Guarded(_delete_room, "registered", None, WINDOWS["arrangement"][1], "R-131"),
    "enter scores": Guarded(_enter, "arranged", *WINDOWS["score_entry"], "R-199"),
    "correct a score": Guarded(_correct, "scored", *WINDOWS["publication"], "R-204"),
}


def _moments() -> list[Any]:
    found = []
    for name, guarded in GUARDED.items():
        edges: list[tuple[str, datetime, type[Refusal] | None]] = [
            ("a second before the end", guarded.closes_at - SECOND, None),
            ("at the end", guarded.closes_at, None),
            ("a second after the end", guarded.closes_at + SECOND, WindowClosed),
        ]
        if guarded.opens_at is not None:
            edges += [
                ("a second before the start", guarded.opens_at - SECOND, WindowNotOpen),
                ("at the start", guarded.opens_at, None),
                ("a second after the start", guarded.opens_at + SECOND, None),
            ]
        found += [pytest.param(guarded, now, verdict, id=f"{name}-{when}") for when, now, verdict in edges]
    return found


def _put(guarded: Guarded, years: Years, at: At) -> Year:
    year = years(guarded.stage)
    if guarded.verb is _submit:
        at(DECLARATION[0])
        year.ids["draft_application"] = _save(year).id
    return year


@pytest.mark.parametrize(("guarded", "now", "verdict"), _moments())
def test_a_verb_works_inside_its_window_edges_included_and_is_refused_outside(
    guarded: Guarded, now: datetime, verdict: type[Refusal] | None, years: Years, at: At
) -> None:
    year = _put(guarded, years, at)
    at(now)
    if verdict is None:
        guarded.verb(year)
        return
    before = census()
    with pytest.raises(verdict) as refused:
        guarded.verb(year)
    assert refused.value.rule == guarded.rule
    assert refused.value.facts["closes_at"] == guarded.closes_at
    assert census() == before


# -- the first session ends arranging, wherever the window ends ------------------------------------------------------


@pytest.mark.parametrize("verb", [_arrange, _clear])
@pytest.mark.parametrize(
    ("now", "is_open"), [(THEORY[0] - SECOND, True), (THEORY[0], False), (THEORY[0] + SECOND, False)]
)
def test_seats_stand_from_the_start_of_the_first_session_though_the_window_goes_on_R183(
    verb: Callable[[Year], Any], now: datetime, is_open: bool, years: Years, at: At
) -> None:
    year = years("arranged")
    at(moment("arranged"))
    year.do("teo", plans.extend_window, plan_id=year["plan"], window="arrangement", closes_at=on("2026-05-21 18:00"))
    at(now)
    if is_open:
        verb(year)
        return
    with pytest.raises(IllegalMove) as refused:
        verb(year)
    assert (refused.value.sentence_code, refused.value.rule) == ("exam_has_begun", "R-183")


@pytest.mark.parametrize(("now", "taken"), [(PRACTICE[1] - SECOND, 4), (PRACTICE[1], 8), (PRACTICE[1] + SECOND, 8)])
def test_a_score_is_taken_only_when_its_own_session_is_over(now: datetime, taken: int, years: Years, at: At) -> None:
    year = years("planned")
    at(moment("planned"))
    at(WINDOWS["registration"][0])
    register(year, [0, 1, 2], [0])
    at(WINDOWS["arrangement"][0])
    _arrange(year)
    with transaction(year.actor("system")) as tx:  # nobody may move a window that has begun; this plan is born with it
        plan = tx.get(ExamPlan, year["plan"])
        plan.score_entry_opens_at = THEORY[1]
    at(now)
    outcome = year.do("teo", scores.enter_scores, plan_id=year["plan"], rows=score_sheet(year))
    assert outcome.accepted == taken
    assert {fault.refusal.sentence_code for fault in outcome.refused} == (set() if taken == 8 else {"exam_not_over"})


# -- the end of publication ------------------------------------------------------------------------------------------

PUBLICATION_END = WINDOWS["publication"][1]


@pytest.mark.parametrize("now", [PUBLICATION_END - SECOND, PUBLICATION_END])
def test_scores_are_not_locked_before_publication_is_over_R205(now: datetime, years: Years, at: At) -> None:
    year = years("scored")
    at(now)
    with pytest.raises(IllegalMove) as refused, transaction(year.actor("system")) as tx:
        results.conclude_scores(tx, plan=tx.get(ExamPlan, year["plan"]))
    assert (refused.value.sentence_code, refused.value.rule) == ("publication_not_over", "R-205")


def test_scores_are_locked_a_second_after_publication_R205_T16(years: Years, at: At) -> None:
    year = years("scored")
    at(PUBLICATION_END + SECOND)
    with transaction(year.actor("system")) as tx:
        assert results.conclude_scores(tx, plan=tx.get(ExamPlan, year["plan"])) == 2


@pytest.mark.parametrize("days", [0, 30])
def test_nobody_enters_a_score_after_publication_though_entry_goes_on_and_the_job_is_late_R205(
    days: int, years: Years, at: At
) -> None:
    year = years("arranged")
    at(moment("arranged"))
    year.do("teo", plans.extend_window, plan_id=year["plan"], window="score_entry", closes_at=on("2026-08-01 18:00"))
    at(PUBLICATION_END + SECOND + timedelta(days=days))
    before = census()
    with pytest.raises(Refusal) as refused:
        year.do("teo", scores.enter_scores, plan_id=year["plan"], rows=score_sheet(year))
    assert refused.value.rule == "R-205"
    assert census() == before


# -- five minutes, fifteen minutes, three days -----------------------------------------------------------------------


@pytest.mark.parametrize("act", ["look", "sign", "cancel"])
@pytest.mark.parametrize(("late", "is_open"), [(-SECOND, True), (timedelta(), True), (SECOND, False)])
def test_a_signing_page_can_be_used_for_five_minutes_T19(
    act: str, late: timedelta, is_open: bool, years: Years, at: At
) -> None:
    year = years("concluded")
    opened = at("2026-06-16 09:00")
    ceremony = year.open_signing("teo", Party.TEO)
    at(opened + timedelta(minutes=5) + late)
    verb = {
        "look": lambda: year.do("teo", signing.look_at_signing, token=ceremony.token),
        "sign": lambda: year.sign("teo", ceremony),
        "cancel": lambda: year.do("teo", signing.cancel_signing, token=ceremony.token),
    }[act]
    if is_open:
        verb()
        return
    before = census()
    with pytest.raises(WindowClosed) as refused:
        verb()
    assert (refused.value.sentence_code, refused.value.rule) == ("signing_expired", "T-19")
    assert census() == before


@pytest.mark.parametrize(("late", "is_open"), [(-SECOND, True), (timedelta(), True), (SECOND, False)])
def test_a_binding_code_works_for_fifteen_minutes(late: timedelta, is_open: bool, years: Years, at: At) -> None:
    year = years("set_up")
    issued = at("2026-03-01 10:00")
    code = year.do("reviewer", bindings.issue_binding_code)
    year.do("reviewer", bindings.end_binding, account_id=year["account:reviewer"])
    at(issued + timedelta(minutes=15) + late)
    if is_open:
        assert year.do("public", bindings.bind_chat, code=code, telegram_user_id=77).login == "reviewer"
        return
    with pytest.raises(ValueRefused) as refused:
        year.do("public", bindings.bind_chat, code=code, telegram_user_id=77)
    assert refused.value.sentence_code == "code_invalid"


@pytest.mark.parametrize(("late", "is_open"), [(-SECOND, True), (timedelta(), True), (SECOND, False)])
def test_an_activation_code_works_for_three_days(late: timedelta, is_open: bool, years: Years, at: At) -> None:
    year = years("set_up")
    issued = at("2026-03-01 10:00")
    code = year.do("admin", accounts.issue_activation_code, account_id=year["account:reviewer"])
    at(issued + timedelta(days=3) + late)
    if is_open:
        assert year.do("public", accounts.activate, code=code, password="yanshi-2026").login == "reviewer"
        return
    with pytest.raises(ValueRefused):
        year.do("public", accounts.activate, code=code, password="yanshi-2026")


@pytest.mark.parametrize(("late", "is_locked"), [(-SECOND, True), (timedelta(), False), (SECOND, False)])
def test_five_wrong_passwords_lock_an_account_for_a_quarter_of_an_hour(
    late: timedelta, is_locked: bool, years: Years, at: At
) -> None:
    year = years("set_up")
    start = at("2026-03-01 10:00")
    year.do("system", accounts.set_password, account_id=year["account:teo"], password="yanshi-2026")
    for attempt in range(1, 6):
        answer = year.do("public", accounts.log_in, login="teo", password="wrong")
        assert answer.sentence_code == ("account_locked" if attempt == 5 else "wrong_login")
    at(start + timedelta(minutes=15) + late)
    answer = year.do("public", accounts.log_in, login="teo", password="yanshi-2026")
    assert isinstance(answer, Refusal) is is_locked


# -- the year of the quota -------------------------------------------------------------------------------------------

NEW_YEAR = on("2027-01-01 00:00")


@pytest.mark.parametrize(("now", "accepted"), [(NEW_YEAR - SECOND, 1), (NEW_YEAR, 0), (NEW_YEAR + SECOND, 0)])
def test_quota_is_void_from_the_first_instant_of_the_new_year_though_no_job_has_run_R019_T03(
    now: datetime, accepted: int, years: Years, at: At
) -> None:
    year = years("peopled")
    at("2026-04-01 09:00")
    _publish_over_new_year(year)
    at(now)
    outcome = register(year, [0], [0])
    assert outcome.accepted == accepted + 1  # social candidates need no place
    assert [fault.refusal.rule for fault in outcome.refused] == ["R-139"] * (1 - accepted)
    assert count(Registration) == accepted + 1


def _publish_over_new_year(year: Year) -> None:
    """Registration from December to January, exam year 2026 (G-40)."""
    windows = {
        "registration": (on("2026-12-16 09:00"), on("2027-01-07 18:00")),
        "arrangement": (on("2027-01-08 09:00"), on("2027-01-09 18:00")),
        "exam": (on("2027-01-10 08:00"), on("2027-01-10 18:00")),
        "score_entry": (on("2027-01-11 08:00"), on("2027-01-12 18:00")),
        "publication": (on("2027-01-13 08:00"), on("2027-01-30 18:00")),
    }
    session = (on("2027-01-10 09:00"), on("2027-01-10 10:00"))
    later = (on("2027-01-10 11:00"), on("2027-01-10 12:00"))
    subjects = [
        plans.PlannedSubject(year["subject:theory"], [session], weight_percent=30),
        plans.PlannedSubject(year["subject:practice"], [later], weight_percent=70),
    ]
    with year.acting("teo") as tx:
        plan = plans.draft_plan(tx, **plan_values(year, windows=windows))
        plans.put_certificate(tx, plan_id=plan.id, planned=planned(year, subjects=subjects))
        plans.publish_plan(tx, plan_id=plan.id)
        year.ids["plan"] = plan.id


# -- publishing and extending ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "is_open"), [(-SECOND, True), (timedelta(), True), (SECOND, False)])
def test_a_declaration_plan_is_published_only_while_its_end_lies_ahead(
    late: timedelta, is_open: bool, years: Years, at: At
) -> None:
    year = years("set_up")
    at("2026-03-01 10:00")
    plan = year.do(
        "province",
        declarations.draft_declaration_plan,
        authority_id=year["province"],
        year=2026,
        batch_name="第一批",
        opens_at=DECLARATION[0],
        closes_at=DECLARATION[1],
    )
    at(DECLARATION[1] + late)
    if is_open:
        year.do("province", declarations.publish_declaration_plan, plan_id=plan.id)
        return
    with pytest.raises(ValueRefused) as refused:
        year.do("province", declarations.publish_declaration_plan, plan_id=plan.id)
    assert refused.value.sentence_code == "window_already_over"


@pytest.mark.parametrize(("late", "is_open"), [(-SECOND, True), (timedelta(), True), (SECOND, False)])
def test_a_window_is_extended_only_while_it_is_not_over_R069(
    late: timedelta, is_open: bool, years: Years, at: At
) -> None:
    year = years("planned")
    closes = WINDOWS["registration"][1]
    at(closes + late)
    given = {"plan_id": year["plan"], "window": "registration", "closes_at": closes + timedelta(hours=2)}
    if is_open:
        year.do("teo", plans.extend_window, **given)
        at(closes + timedelta(hours=2))
        _register(year)
        return
    with pytest.raises(ValueRefused) as refused:
        year.do("teo", plans.extend_window, **given)
    assert refused.value.rule == "R-069"


def test_a_window_is_never_made_shorter_R069(years: Years, at: At) -> None:
    year = years("planned")
    at(moment("planned"))
    for closes_at in (WINDOWS["registration"][1], WINDOWS["registration"][1] - SECOND):
        with pytest.raises(ValueRefused) as refused:
            year.do("teo", plans.extend_window, plan_id=year["plan"], window="registration", closes_at=closes_at)
        assert refused.value.sentence_code == "only_extend"
