"""Printed things: when they exist, who gets which, and the trace they leave (R-179…R-185)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO

import pytest

from core.errors import NotFound, NotReady, ValueRefused
from core.usecases import arrangement, printing
from tests.factories import Year, Years, census, last_entries, moment

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(years: Years, at: At) -> Year:
    """Everybody sits, and the seats are published."""
    found = years("arranged")
    at(moment("arranged"))
    found.do("teo", arrangement.publish_arrangement, plan_id=found["plan"])
    return found


def sheets(year: Year, kind: str, who: str = "coordinator", **narrowed: object) -> tuple[int, bytes]:
    out = BytesIO()
    number = year.do(who, printing.print_documents, kind=kind, plan_id=year["plan"], out=out, **narrowed)
    return number, out.getvalue()


@pytest.mark.parametrize(("kind", "number"), [("ticket", 4), ("sign-in", 2), ("desk-label", 8), ("door-label", 2)])
@pytest.mark.parametrize("who", ["coordinator", "signatory", "teo"])
def test_everybody_entitled_prints_every_kind_R181(year: Year, kind: str, number: int, who: str) -> None:
    made, pdf = sheets(year, kind, who)
    assert made == number
    assert pdf.startswith(b"%PDF")


def test_a_site_or_a_room_is_printed_alone(year: Year) -> None:
    assert sheets(year, "desk-label", site_id=year["site"])[0] == 8
    assert sheets(year, "desk-label", room_name="实训楼 theory")[0] == 4
    with pytest.raises(NotReady):
        sheets(year, "desk-label", room_name="没有这间")


def test_nothing_is_printed_before_the_seats_are_published_R180(years: Years, at: At) -> None:
    year = years("arranged")
    at(moment("arranged"))
    before = census()
    with pytest.raises(NotReady) as caught:
        sheets(year, "ticket")
    assert (caught.value.sentence_code, caught.value.rule) == ("nothing_arranged", "R-180")
    assert census() == before


def test_a_college_with_nobody_here_gets_nothing_R182(year: Year) -> None:
    for who in ("other_coordinator", "other_teo"):
        with pytest.raises(NotReady):
            sheets(year, "ticket", who)


@pytest.mark.parametrize("kind", ["", "tickets", "../ticket"])
def test_an_unknown_kind_is_answered_with_those_there_are(year: Year, kind: str) -> None:
    with pytest.raises(ValueRefused) as caught:
        sheets(year, kind)
    assert "ticket" in caught.value.facts["suggestion"]


def test_a_plan_that_is_not_there_is_not_found(year: Year) -> None:
    year.ids["plan"] = 999
    with pytest.raises(NotFound):
        sheets(year, "ticket")


def test_printing_leaves_a_trace_of_who_took_how_many(year: Year) -> None:
    sheets(year, "ticket", room_name="实训楼 theory")
    entry = last_entries()[0]
    assert (entry.object_type, entry.object_id, entry.action) == ("exam_plans", year["plan"], "print_ticket")
    assert '"count": 4' in entry.after
    assert entry.actor_login == "coordinator"
