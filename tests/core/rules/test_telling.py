"""Quiet hours, digests and the ladder of reminders, typed from chat.md; a second before, at and after each edge."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules.telling import (
    LADDER,
    LAST_CALL,
    MOST_REMINDERS,
    NEVER_QUIET,
    NIGHT,
    Escalation,
    QuietHours,
    Tempo,
    digest_day,
    escalations,
    next_digest,
    next_escalation,
    next_reminder,
    reminders,
    tell_at,
    week_of,
)

ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    """18T22:00:01 of May 2026, in Shanghai."""
    day, _, clock = text.partition("T")
    return datetime.combine(date(2026, 5, int(day)), time.fromisoformat(clock), ZONE)


@pytest.mark.parametrize(
    ("now", "is_quiet"),
    [
        ("18T21:59:59", False),
        ("18T22:00:00", True),
        ("18T22:00:01", True),
        ("18T23:59:59", True),
        ("19T00:00:00", True),
        ("19T07:29:59", True),
        ("19T07:30:00", False),
        ("19T07:30:01", False),
        ("19T12:00:00", False),
    ],
)
def test_the_night_is_quiet_from_ten_to_half_past_seven(now: str, is_quiet: bool) -> None:
    assert NIGHT.contains(at(now)) is is_quiet


@pytest.mark.parametrize(
    ("now", "is_quiet"), [("18T11:59:59", False), ("18T12:00:00", True), ("18T13:59:59", True), ("18T14:00:00", False)]
)
def test_somebody_may_rest_at_noon(now: str, is_quiet: bool) -> None:
    assert QuietHours(time(12), time(14)).contains(at(now)) is is_quiet


def test_equal_ends_are_no_quiet_hours_at_all() -> None:
    assert not any(NEVER_QUIET.contains(at(f"18T{hour:02}:00:00")) for hour in range(24))


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("18T21:59:59", "18T21:59:59"),
        ("18T22:00:00", "19T07:30:00"),
        ("19T02:00:00", "19T07:30:00"),
        ("19T07:29:59", "19T07:30:00"),
        ("19T07:30:00", "19T07:30:00"),
    ],
)
def test_what_has_no_deadline_waits_for_the_morning(now: str, told: str) -> None:
    assert tell_at(at(now), tempo=Tempo.IN_TURN, quiet=NIGHT) == at(told)


@pytest.mark.parametrize(
    ("now", "due", "told"),
    [
        ("18T23:00:00", "19T18:00:00", "19T07:30:00"),  # the morning leaves time
        ("18T23:00:00", "19T09:30:00", "19T07:30:00"),  # exactly two hours
        ("18T23:00:00", "19T09:29:59", "19T07:29:59"),
        ("18T23:00:00", "19T06:00:00", "19T04:00:00"),
        ("18T23:00:00", "19T01:00:00", "18T23:00:00"),
        ("18T23:00:00", "19T00:59:59", "18T23:00:00"),  # P0
        ("18T23:00:00", "18T22:00:00", "18T23:00:00"),  # over already
    ],
)
def test_quiet_hours_respect_deadlines(now: str, due: str, told: str) -> None:
    assert tell_at(at(now), tempo=Tempo.IN_TURN, quiet=NIGHT, due_at=at(due)) == at(told)


@pytest.mark.parametrize("now", ["18T22:00:00", "19T03:00:00", "19T12:00:00"])
def test_what_somebody_waits_for_never_waits(now: str) -> None:
    assert tell_at(at(now), tempo=Tempo.AT_ONCE, quiet=NIGHT) == at(now)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("18T08:29:59", "18T08:30:00"),
        ("18T08:30:00", "19T08:30:00"),
        ("18T08:30:01", "19T08:30:00"),
        ("18T23:59:59", "19T08:30:00"),
        ("19T00:00:00", "19T08:30:00"),
    ],
)
def test_information_waits_for_half_past_eight(now: str, told: str) -> None:
    assert next_digest(at(now)) == at(told)
    assert tell_at(at(now), tempo=Tempo.DIGEST, quiet=NIGHT) == at(told)
    assert digest_day(at(now)) == at(told).date()


@pytest.mark.parametrize(
    ("born", "due", "told"),
    [
        # all four in the light of day
        ("01T10:00:00", "20T18:00:00", ["13T18:00:00", "17T18:00:00", "19T18:00:00", "20T16:00:00"]),
        # born between the rungs: what lies behind is not made up for
        ("18T10:00:00", "20T18:00:00", ["19T18:00:00", "20T16:00:00"]),
        # a rung less than an hour after the request itself says nothing new
        ("19T17:00:01", "20T18:00:00", ["20T16:00:00"]),
        ("19T17:00:00", "20T18:00:00", ["19T18:00:00", "20T16:00:00"]),
        # at night: the morning after where it leaves twelve hours, the evening before where not
        ("01T10:00:00", "20T23:00:00", ["14T07:30:00", "18T07:30:00", "20T07:30:00", "20T21:00:00"]),
        ("01T10:00:00", "20T06:00:00", ["13T07:30:00", "17T07:30:00", "19T07:30:00", "19T21:30:00"]),
        # the last rung of a noon deadline is by day, that of an early one is told the evening before
        ("19T10:00:00", "20T09:00:00", ["19T21:30:00"]),
        ("19T10:00:00", "20T09:30:00", ["20T07:30:00"]),
        # nothing left to say
        ("20T16:30:00", "20T18:00:00", []),
    ],
)
def test_the_ladder_of_reminders(born: str, due: str, told: list[str]) -> None:
    assert list(reminders(at(born), at(due), quiet=NIGHT)) == [at(text) for text in told]


def test_the_last_call_for_a_signature_breaks_the_night() -> None:
    """P0: less than two hours left, and it is not done."""
    assert list(reminders(at("19T10:00:00"), at("20T06:00:00"), quiet=NIGHT, wakes=True)) == [at("20T04:00:00")]


@pytest.mark.parametrize(
    ("now", "told"), [("19T17:59:59", "19T18:00:00"), ("19T18:00:00", "20T16:00:00"), ("20T16:00:00", None)]
)
def test_the_next_reminder_comes_after_the_last(now: str, told: str | None) -> None:
    found = next_reminder(at(now), at("18T10:00:00"), at("20T18:00:00"), quiet=NIGHT)
    assert found == (at(told) if told else None)


def test_without_a_deadline_there_is_nothing_to_remind_of() -> None:
    assert next_reminder(at("18T10:00:00"), at("18T09:00:00"), None, quiet=NIGHT) is None


moments = st.builds(datetime.combine, st.dates(date(2026, 1, 1), date(2027, 1, 1)), st.times(), st.just(ZONE))
hours = st.builds(QuietHours, st.times(), st.times())


@given(moments, st.timedeltas(timedelta(0), timedelta(days=40)), hours, st.booleans())
def test_reminders_are_few_apart_before_the_end_and_out_of_quiet_hours(
    born: datetime, left: timedelta, quiet: QuietHours, wakes: bool
) -> None:
    due = born + left
    found = reminders(born, due, quiet=quiet, wakes=wakes)
    assert len(found) <= len(LADDER) < MOST_REMINDERS
    assert list(found) == sorted(found)
    assert all(born < instant < due for instant in found)
    assert all(later - earlier >= timedelta(hours=1) for earlier, later in pairwise(found))


@given(moments, st.timedeltas(-DAY, timedelta(days=3)), hours)
def test_a_request_is_never_told_later_than_the_last_call(born: datetime, left: timedelta, quiet: QuietHours) -> None:
    told = tell_at(born, tempo=Tempo.IN_TURN, quiet=quiet, due_at=born + left)
    assert told == born or told <= born + left - LAST_CALL
    assert born <= told <= born + DAY


@pytest.mark.parametrize(
    ("born", "due", "steps"),
    [
        ("10T10:00:00", "15T10:00:00", [("12T10:00:00", Escalation.DEPUTY), ("14T10:00:00", Escalation.LEADER)]),
        ("10T10:00:00", "12T10:00:00", [("11T10:00:00", Escalation.LEADER)]),
        ("10T10:00:00", "12T10:00:01", [("11T10:00:01", Escalation.LEADER), ("12T10:00:00", Escalation.DEPUTY)]),
        ("10T10:00:00", "10T20:00:00", [("10T11:00:00", Escalation.LEADER)]),
        ("10T10:00:00", "10T11:00:00", []),
    ],
)
def test_who_is_drawn_in_and_when(born: str, due: str, steps: list[tuple[str, Escalation]]) -> None:
    assert list(escalations(at(born), at(due))) == [(at(text), step) for text, step in steps]
    assert next_escalation(len(steps), at(born), at(due)) is None
    assert escalations(at(born), None) == ()


@pytest.mark.parametrize(
    ("now", "monday"),
    [("18T08:29:59", 11), ("18T08:30:00", 18), ("18T08:30:01", 18), ("24T23:59:59", 18), ("25T08:29:59", 18)],
)
def test_a_week_begins_on_monday_at_half_past_eight(now: str, monday: int) -> None:
    assert week_of(at(now)) == date(2026, 5, monday)
