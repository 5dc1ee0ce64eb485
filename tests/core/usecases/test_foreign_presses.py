"""Pressing colleagues' keys: kept three times a day, told once (chat.md, forwarded messages)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core.models.records import AuditEntry
from core.usecases.foreign_presses import EVENT, MOST, PRESSED, WITHIN, note_foreign_press
from tests.factories import SECOND, Year, Years, count, on, rows
from tests.factories import notices as told

At = Callable[[datetime | str], datetime]
NOON = on("2026-03-05 12:00")


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("set_up")
    at(NOON)
    return found


def press(year: Year, who: str = "reviewer") -> None:
    with year.acting(who, "chat") as tx:
        note_foreign_press(tx)


def kept(action: str) -> int:
    return count(AuditEntry, AuditEntry.action == action)


def test_the_third_press_is_an_event_and_the_fourth_is_not_even_kept(year: Year) -> None:
    for number in range(1, MOST + 3):
        press(year)
        assert (kept(PRESSED), kept(EVENT)) == (min(number, MOST), int(number >= MOST))
    (entry,) = rows(select(AuditEntry).where(AuditEntry.action == EVENT))
    assert (entry.actor_login, entry.channel, entry.object_id) == ("reviewer", "chat", year["account:reviewer"])


def test_whoever_looks_after_the_account_and_the_platform_hear_of_it(year: Year) -> None:
    for _ in range(MOST):
        press(year)
    hearers = {row.account_id for row in told("accounts.keys_of_others")}
    assert hearers == {year["account:signatory"], year["account:admin"]}


def test_presses_of_different_people_are_not_added_up(year: Year) -> None:
    for who in ("reviewer", "coordinator", "teo"):
        press(year, who)
    assert (kept(PRESSED), kept(EVENT)) == (3, 0)


@pytest.mark.parametrize(("after", "events"), [(WITHIN - SECOND, 1), (WITHIN, 0), (WITHIN + SECOND, 0)])
def test_presses_far_apart_are_no_event(year: Year, at: At, after: timedelta, events: int) -> None:
    press(year)
    press(year)
    at(NOON + after)
    press(year)
    assert kept(EVENT) == events
