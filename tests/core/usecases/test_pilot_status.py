"""Whether a college is a pilot: by the clock alone, with its consequences everywhere (§3.4, R-017, R-018, R-044)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.actors import SYSTEM
from core.db import reading, transaction
from core.demo.people import people
from core.errors import NotPermitted
from core.models.organisations import College
from core.models.pilots import DeclarationPlan
from core.queries.pilot_status import pilot_status
from core.rules.candidates import CandidateKind
from core.usecases import applications, candidates, declarations, reviews, sites
from tests.factories import (
    DECLARATION,
    SECOND,
    WINDOWS,
    Year,
    Years,
    application_values,
    candidate_values,
    census,
    on,
    register,
    room_values,
    site_values,
)

At = Callable[[datetime | str], datetime]
END = DECLARATION[1]
NEW_YEAR = on("2027-01-01 00:00")
AFTER = END + timedelta(days=2)


def status(year: Year, now: datetime) -> str:
    with reading() as session:
        return pilot_status(session, session.get_one(College, year["college"]), now).value


@pytest.mark.parametrize(
    ("stage", "now", "expected"),
    [
        ("set_up", DECLARATION[0] - SECOND, "registered"),
        ("declared", END, "registered"),
        ("declared", END + SECOND, "not_pilot"),
        ("applied", END + SECOND, "not_pilot"),
        ("approved", END - SECOND, "registered"),
        ("approved", END, "registered"),
        ("approved", END + SECOND, "pilot"),
        ("approved", NEW_YEAR - SECOND, "pilot"),
        ("approved", NEW_YEAR, "registered"),
    ],
)
def test_the_clock_makes_a_college_a_pilot_and_ends_it(years: Years, stage: str, now: datetime, expected: str) -> None:
    """R-044 after the batch's end, T-03 at the year's."""
    assert status(years(stage), now) == expected


def test_an_approval_after_the_end_makes_a_pilot_at_once(years: Years, at: At) -> None:
    """T-02: pending results are looked at again when they are decided."""
    year = years("applied")
    at(AFTER)
    year.do("city", reviews.pass_as_city, application_id=year["application"])
    assert status(year, AFTER) == "not_pilot"
    year.do("province", reviews.approve_application, application_id=year["application"], approved_count=4)
    assert status(year, AFTER) == "pilot"


def test_a_later_batch_that_is_open_takes_nothing_from_a_pilot(years: Years, at: At) -> None:
    year = years("approved")
    at(AFTER)
    given = {"authority_id": year["province"], "year": 2026, "batch_name": "第二批"}
    window = {"opens_at": AFTER, "closes_at": AFTER + timedelta(days=9)}
    plan = year.do("province", declarations.draft_declaration_plan, **given, **window)
    year.do("province", declarations.publish_declaration_plan, plan_id=plan.id)
    assert status(year, AFTER + SECOND) == "pilot"


def test_a_batch_that_is_opened_again_takes_nothing_from_those_it_made_pilots(years: Years, at: At) -> None:
    """§3.1, R-044: the college goes on working while others mend what was returned."""
    year = years("approved")
    at(AFTER)
    later = {"closes_at": AFTER + timedelta(days=9), "reason": "补报"}
    year.do("province", declarations.extend_declaration_plan, plan_id=year["declaration"], **later)
    assert status(year, AFTER + SECOND) == "pilot"
    assert _draft_a_site(year).id


def test_last_years_approval_counts_for_nothing_this_year(years: Years, at: At) -> None:
    """R-017, R-022: one application a year and level; 2026's says nothing of 2027."""
    year = years("approved")
    assert status(year, NEW_YEAR + timedelta(days=40)) == "registered"


def _draft_a_site(year: Year) -> Any:
    return year.do("coordinator", sites.draft_site, **site_values(year, certificate_ids=[year["certificate:2"]]))


def _type_a_candidate(year: Year) -> Any:
    values = candidate_values(year.students[0])
    return year.do(
        "coordinator",
        candidates.create_candidate,
        college_id=year["college"],
        kind=CandidateKind.COLLEGE,
        values=values,
    )


def _import_social(year: Year) -> Any:
    rows = [(3, candidate_values(year.students[1]))]
    return year.do(
        "coordinator",
        candidates.import_candidates,
        college_id=year["college"],
        kind=CandidateKind.SOCIAL,
        rows=rows,
    )


@pytest.mark.parametrize("deed", [_draft_a_site, _type_a_candidate, _import_social])
def test_whoever_is_not_a_pilot_may_declare_and_nothing_else(years: Years, at: At, deed: Callable[[Year], Any]) -> None:
    """R-018, R-099: refused with the province's contact, and nothing is written; the declaration itself goes on."""
    year = years("applied")
    year.students = people(7, 2, first=300)
    at(END)
    before = census()
    with pytest.raises(NotPermitted) as refused:
        deed(year)
    assert refused.value.sentence_code == "not_a_pilot"
    assert refused.value.facts["contact"]
    assert census() == before
    another = application_values(year, certificate_id=year["certificate:2"])
    year.do("coordinator", applications.save_application, **another)


@pytest.mark.parametrize(("now", "is_refused"), [(END, True), (END + SECOND, False)])
def test_the_gate_opens_one_second_after_the_end(years: Years, at: At, now: datetime, is_refused: bool) -> None:
    year = years("approved")
    at(now)
    if not is_refused:
        assert _draft_a_site(year).id
        return
    with pytest.raises(NotPermitted, match="not_a_pilot"):
        _draft_a_site(year)


def _unapprove(year: Year) -> None:
    """What a province cannot do; the state of a college whose only approval is of another year."""
    with transaction(SYSTEM) as tx:
        tx.get(DeclarationPlan, year["declaration"]).year = 2025


def test_a_room_asks_for_the_plans_own_year(years: Years, at: At) -> None:
    """R-018: an approval of another year opens none, and the plan's own goes on opening them in January (G-40)."""
    year = years("planned")
    at(WINDOWS["registration"][0])
    assert year.do("coordinator", sites.create_room, **room_values(year, name="一间")).id
    _unapprove(year)
    before = census()
    with pytest.raises(NotPermitted, match="not_a_pilot"):
        year.do("coordinator", sites.create_room, **room_values(year, name="另一间"))
    assert census() == before


def test_a_registration_asks_for_a_batch_that_has_ended(years: Years, at: At) -> None:
    """R-143 with R-044: while the batch is open its approvals make nobody a pilot, row by row."""
    year = years("planned")
    at(WINDOWS["registration"][0])
    with transaction(SYSTEM) as tx:
        tx.get(DeclarationPlan, year["declaration"]).apply_closes_at = WINDOWS["registration"][0]
    assert [fault.refusal.rule for fault in register(year, [0]).refused] == ["R-143"]
    at(WINDOWS["registration"][0] + SECOND)
    assert register(year, [0]).accepted == 1
