"""The honest count of messages: every one in one place, one's own people's only, and how long they took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from core import clock
from core.db import reading
from core.models.records import Notification
from core.notifications.message import KINDS
from core.notifications.words import delivery_reason, kind_word
from core.queries.deliveries import (
    LOST_WITH_ITS_GATHERING,
    Day,
    deliveries,
    failed_notices,
    first_instant,
    is_seen,
    percentile,
    together,
    worth_sending,
)
from core.rules.notices import DeliveryState, ReplyState
from tests.factories import SECOND, Year, Years, on

At = Callable[[datetime | str], datetime]
D, R = DeliveryState, ReplyState
NOON, DAY = on("2026-05-20 12:00"), timedelta(days=1)


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    """Long after everything that was told on the way here."""
    found = any_years("set_up")
    at(NOON)
    return found


def put(year: Year, login: str = "coordinator", at: datetime = NOON, **columns: Any) -> int:
    """A message to somebody, as some sender left it."""
    state = columns.setdefault("delivery_state", D.PENDING)
    if state is D.DELIVERED:
        columns.setdefault("delivered_at", at)
    with year.acting("system") as tx:
        number = tx.next_number("test")
        given = {
            "kind": "quotas.lapsed",
            "account_id": year[f"account:{login}"],
            "facts": "{}",
            "dedupe_key": f"test:{number}",
            "created_at": at,
            "not_before": at,
            "next_attempt_at": at,
            "useful_until": at + 7 * DAY,
        }
        return tx.add(Notification(**given | columns)).id


def seen(year: Year, login: str = "coordinator", days: int = 30) -> list[Day]:
    with reading() as session:
        return deliveries(session, year.actor(login), clock.now(), days=days)


def test_every_message_is_counted_in_one_place_and_the_sum_holds(year: Year) -> None:
    put(year, delivery_state=D.DELIVERED, reply_state=R.ACKNOWLEDGED)
    put(year, delivery_state=D.DELIVERED, reply_state=R.OPEN)
    put(year, delivery_state=D.FAILED, last_error="Forbidden", reply_state=R.EXPIRED)
    put(year, delivery_state=D.SUPPRESSED, last_error="no chat", reply_state=R.DONE)
    put(year, delivery_state=D.SUPPRESSED, last_error="no chat")
    put(year, delivery_state=D.SUPPRESSED)
    put(year)
    put(year, delivery_state=D.SENDING, attempts=1)
    put(year, attempts=2, last_error="TimedOut")
    (day,) = seen(year)
    assert (day.day, day.queued, day.delivered, day.failed) == (date(2026, 5, 20), 9, 2, 1)
    assert (day.untold, dict(day.suppressed)) == (3, {"no chat": 2, "": 1})
    assert (day.waiting, day.retrying, day.pending) == (2, 1, 3)
    assert (day.is_answered, day.is_open, day.is_expired) == (2, 1, 1)
    assert day.adds_up


def test_a_sum_that_does_not_hold_is_said(year: Year) -> None:
    put(year)
    (day,) = seen(year)
    day.queued += 1
    assert not day.adds_up
    assert not together([day]).adds_up


def test_a_day_is_a_day_of_business_and_empty_days_are_left_out(year: Year, at: At) -> None:
    put(year, at=on("2026-05-18 23:59:59"))
    put(year, at=on("2026-05-19 00:00"))
    put(year, at=on("2026-05-19 23:59:59"))
    assert [(day.day, day.queued) for day in seen(year)] == [(date(2026, 5, 19), 2), (date(2026, 5, 18), 1)]
    assert [day.day for day in seen(year, days=2)] == [date(2026, 5, 19)]
    assert seen(year, days=1) == []
    at(on("2026-06-17 00:00"))
    assert [day.day for day in seen(year)] == [date(2026, 5, 19)], "thirty days, today the last"
    with reading() as session:
        assert first_instant(clock.now(), 30) == on("2026-05-19 00:00")
        assert failed_notices(session, year.actor("admin"), clock.now(), days=30, limit=5) == (0, [])


def test_nineteen_of_twenty_arrive_within_the_95th_percentile(year: Year) -> None:
    for seconds in range(1, 21):
        put(year, delivery_state=D.DELIVERED, delivered_at=NOON + seconds * SECOND)
    put(year, delivery_state=D.FAILED, last_error="Forbidden")
    put(year, login="teo", delivery_state=D.DELIVERED, delivered_at=NOON + DAY)
    assert seen(year)[0].slowest == 19
    assert together(seen(year)).slowest == 19


def test_the_wait_is_counted_from_when_a_message_might_go_out(year: Year) -> None:
    """Quiet hours and digests are no delay."""
    put(year, not_before=NOON + DAY, delivery_state=D.DELIVERED, delivered_at=NOON + DAY + 3 * SECOND)
    (day,) = seen(year)
    assert (day.day, day.slowest) == (date(2026, 5, 20), 3)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [({}, None), ({7: 1}, 7), ({1: 19, 9: 1}, 1), ({1: 18, 9: 2}, 9), ({5: 95, 6: 4, 7: 1}, 5), ({5: 94, 6: 6}, 6)],
)
def test_the_percentile_is_the_nearest_rank(values: dict[int, int], wanted: int | None) -> None:
    assert percentile(Counter(values), 95) == wanted


def test_what_a_lost_digest_would_have_told_is_not_called_told(year: Year) -> None:
    arrived = put(year, delivery_state=D.DELIVERED)
    lost = put(year, delivery_state=D.FAILED, last_error="BadRequest")
    put(year, delivery_state=D.SUPPRESSED, last_error="digest", gathered_in=arrived)
    put(year, delivery_state=D.SUPPRESSED, last_error="digest", gathered_in=lost)
    (day,) = seen(year)
    assert dict(day.suppressed) == {"digest": 1, LOST_WITH_ITS_GATHERING: 1}
    assert day.queued == 4


@pytest.mark.parametrize(
    ("login", "numbers"),
    [
        ("coordinator", 2),
        ("second_coordinator", 2),
        ("signatory", 2),
        ("other_coordinator", 1),
        ("teo", 1),
        ("other_teo", 0),
        ("province", 1),
        ("other_province", 0),
        ("city", 0),
        ("admin", 5),
        ("reviewer", 0),
        ("invigilator", 0),
        ("candidate", 0),
        ("public", 0),
    ],
)
def test_each_sees_the_messages_of_the_own_organisation_only(login: str, numbers: int, year: Year) -> None:
    idents = [
        put(year, login=person, delivery_state=D.FAILED, last_error="Forbidden")
        for person in ("coordinator", "signatory", "other_coordinator", "teo", "province")
    ]
    actor = year.actor(login)
    with reading() as session:
        total, listed = failed_notices(session, actor, NOON, days=30, limit=9)
        assert (total, len(listed)) == (numbers, numbers)
        assert sum(is_seen(session, actor, ident) for ident in idents) == numbers
        assert worth_sending(session, actor, NOON, days=30) == numbers
    assert sum(day.failed for day in seen(year, login)) == numbers


def test_what_is_answered_or_over_is_not_worth_sending(year: Year, at: At) -> None:
    put(year, delivery_state=D.FAILED, last_error="Forbidden", useful_until=NOON)
    put(year, delivery_state=D.FAILED, last_error="Forbidden", reply_state=R.DONE)
    open_ = put(year, delivery_state=D.FAILED, last_error="Forbidden", reply_state=R.OPEN)
    with reading() as session:
        assert worth_sending(session, year.actor("coordinator"), NOON, days=1) == 2
        assert worth_sending(session, year.actor("coordinator"), NOON + SECOND, days=1) == 1
        newest = failed_notices(session, year.actor("coordinator"), NOON, days=1, limit=1)
    assert (newest[0], [row.id for row in newest[1]]) == (3, [open_])


def test_every_kind_of_message_and_every_reason_has_a_word() -> None:
    assert [kind for kind in KINDS if kind_word(kind) == kind] == []
    assert delivery_reason("no chat") == "没有绑定聊天，只在面板显示"
    assert delivery_reason("Teapot") == "其他原因（Teapot）"
