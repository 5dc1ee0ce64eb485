"""Counts that are kept say what counting says: for every reader, through a whole life of applications (R-039)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from core.db import Tx, reading, transaction
from core.errors import Refusal
from core.models.pilots import PilotApplication
from core.queries.scoping import visible
from core.queries.standing import applications_by_state
from core.queries.tallies import counted, kept
from core.usecases import applications, reviews
from core.usecases.tallies import rebuild_tallies
from tests.factories import CAST, DECLARATION, SECOND, Year, Years, application_values, at_once, on

At = Callable[[datetime | str], datetime]


def agree(year: Year) -> None:
    """Every one of the cast sees the same numbers whether they are kept or counted."""
    with reading() as session:
        assert kept(session, PilotApplication) == counted(session, PilotApplication)
        for login in CAST:
            actor = year.actor(login)
            found = applications_by_state(session, actor)
            query = select(PilotApplication.state, func.count()).where(visible(PilotApplication, actor))
            true = dict(session.execute(query.group_by(PilotApplication.state)).all())
            assert found is None or {state: n for state, n in found.items() if n} == true, login


def deeds(year: Year, dice: random.Random) -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Whatever people of two provinces may try on the applications there are, in any order."""
    with reading() as session:
        rows = list(session.execute(select(PilotApplication.id, PilotApplication.college_id)))
    certificates = ["certificate", "certificate:2", "other_certificate"]
    for college, login, plan in (
        ("college", "coordinator", "declaration"),
        ("other_college", "other_coordinator", "other_declaration"),
    ):
        values = application_values(
            year,
            college_id=year[college],
            plan_id=year[plan],
            certificate_id=year[dice.choice(certificates)],
        )
        yield login, applications.save_application, values
    for ident, college_id in rows:
        ours = college_id == year["college"]
        clerk, province = ("coordinator", "province") if ours else ("other_coordinator", "other_province")
        yield clerk, applications.submit_application, {"application_id": ident}
        yield clerk, applications.delete_application, {"application_id": ident}
        yield "city", reviews.pass_as_city, {"application_id": ident}
        yield province, reviews.approve_application, {"application_id": ident, "approved_count": 4}
        yield dice.choice(["city", province]), reviews.return_application, {"application_id": ident, "reason": "补充"}


@pytest.mark.parametrize("seed", range(3))
def test_kept_counts_are_true_after_any_sequence_of_deeds(seed: int, years: Years, at: At) -> None:
    year = years("declared")
    at(DECLARATION[1] - SECOND)
    dice = random.Random(seed)
    done = 0
    for _ in range(40):
        login, verb, given = dice.choice(list(deeds(year, dice)))
        try:
            year.do(login, verb, **given)
            done += 1
        except Refusal:
            continue
    assert done > 8
    agree(year)


def test_moving_a_draft_to_another_organisations_certificate_moves_its_count(years: Years, at: At) -> None:
    year = years("declared")
    at("2026-03-03 09:00")
    row = year.do("coordinator", applications.save_application, **application_values(year))
    other = application_values(year, certificate_id=year["other_certificate"])
    year.do("coordinator", applications.save_application, application_id=row.id, **other)
    agree(year)


def test_a_unit_that_is_taken_back_counts_nothing(years: Years, at: At) -> None:
    year = years("declared")
    at("2026-03-03 09:00")

    def regret(tx: Tx) -> None:
        applications.save_application(tx, **application_values(year))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        year.do("coordinator", regret)
    agree(year)


def test_counts_stand_when_many_submit_and_review_at_once(any_years: Years, at: At) -> None:
    year = any_years("declared")
    at("2026-03-03 09:00")
    idents = []
    for key in ("certificate", "certificate:2", "other_certificate"):
        values = application_values(year, certificate_id=year[key])
        idents.append(year.do("coordinator", applications.save_application, **values).id)

    def submit(ident: int) -> Callable[[], Any]:
        return lambda: year.do("coordinator", applications.submit_application, application_id=ident)

    def look(ident: int) -> Callable[[], Any]:
        return lambda: year.do("city", reviews.pass_as_city, application_id=ident)

    at_once(*[deed(ident) for ident in idents for deed in (submit, look, submit)])
    agree(year)


def test_counting_anew_while_others_work_counts_them_once(any_years: Years, at: At) -> None:
    year = any_years("declared")
    at("2026-03-03 09:00")
    with transaction(year.actor("system")) as tx:
        tx.session.connection().exec_driver_sql("UPDATE tallies SET count = count + 7")

    def save(key: str) -> Callable[[], Any]:
        values = application_values(year, certificate_id=year[key])
        return lambda: year.do("coordinator", applications.save_application, **values)

    def rebuild() -> None:
        with transaction(year.actor("system")) as tx:
            rebuild_tallies(tx)

    at_once(rebuild, *map(save, ("certificate", "certificate:2", "other_certificate")), rebuild)
    agree(year)


def test_lost_tallies_are_counted_anew(years: Years, at: At) -> None:
    """`kaowu reconcile --rebuild`."""
    year = years("applied")
    at(on("2026-03-06 09:00"))
    with transaction(year.actor("system")) as tx:
        assert rebuild_tallies(tx) == 0
    with transaction(year.actor("system")) as tx:
        tx.session.connection().exec_driver_sql("UPDATE tallies SET count = count + 7")
    with transaction(year.actor("system")) as tx:
        assert rebuild_tallies(tx) == 1
    agree(year)
