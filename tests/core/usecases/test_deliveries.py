"""Messages sent once more: by whom, when, and what is not worth it (chat.md, no silent outcome)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from core.errors import NotPermitted, Refusal, StaleState, ValueRefused
from core.models.records import AuditEntry, Notification
from core.notifications.accounts import CodeSent
from core.notifications.pilots import ApplicationDecided
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import CodePurpose
from core.usecases import codes, deliveries, notices
from tests.factories import SECOND, Year, Years, at_once, last_entries, on, one, rows

At = Callable[[datetime | str], datetime]
NOON, EVENING, MORNING = on("2026-05-20 12:00"), on("2026-05-20 22:30"), on("2026-05-21 07:30")
DAY = timedelta(days=1)


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    """Everything told so far is out of the way."""
    found = any_years("planned")
    at(NOON)
    with found.acting("system") as tx:
        tx.update_all(Notification, Notification.id > 0, delivery_state=DeliveryState.SUPPRESSED)
        tx.update_all(Notification, Notification.reply_state == ReplyState.OPEN, reply_state=ReplyState.EXPIRED)
    return found


def failed(year: Year, round_: int = 71) -> Notification:
    """A request to the coordinator that Telegram did not take."""
    with year.acting("system") as tx:
        tx.notify(ApplicationDecided(year["application"], True, "", round_), to=[year["account:coordinator"]])
        mine = select(Notification).where(Notification.delivery_state == DeliveryState.PENDING)
        for row in tx.all(mine):
            row.next_attempt_at = tx.now
        tx.session.flush()
        for claim in notices.claim_due(tx, limit=9):
            notices.mark_failed(tx, notification_id=claim.notification_id, why="BadRequest")
    row: Notification = rows(select(Notification).order_by(Notification.id.desc()).limit(1))[0]
    assert row.delivery_state is DeliveryState.FAILED
    return row


def again(year: Year, login: str, row: Notification) -> Notification:
    year.do(login, deliveries.send_again, notification_id=row.id)
    found: Notification = one(Notification, row.id)
    return found


def refusal(act: Callable[[], Any]) -> str:
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value.sentence_code


def test_a_failed_message_waits_again_with_fresh_attempts_and_the_trail_says_who_did_it(year: Year, at: At) -> None:
    row = failed(year)
    at(NOON + timedelta(hours=1))
    back = again(year, "signatory", row)
    assert (back.delivery_state, back.attempts, back.last_error) == (DeliveryState.PENDING, 0, None)
    assert back.next_attempt_at == back.not_before == NOON + timedelta(hours=1)
    (entry,) = last_entries()
    assert (entry.actor_login, entry.action, entry.object_id) == ("signatory", "send_again", row.id)
    assert json.loads(entry.after)["kind"] == ApplicationDecided.kind
    with year.acting("system") as tx:
        assert [claim.notification_id for claim in notices.claim_due(tx, limit=9)] == [row.id]


def test_an_earlier_copy_may_have_arrived_and_the_new_one_still_says_so(year: Year) -> None:
    row = failed(year)
    with year.acting("system") as tx:
        tx.get(Notification, row.id).may_have_arrived = True
    again(year, "admin", row)
    with year.acting("system") as tx:
        assert [claim.is_repeat for claim in notices.claim_due(tx, limit=9)] == [True]


@pytest.mark.parametrize("login", ["other_coordinator", "teo", "province", "reviewer", "invigilator"])
def test_only_the_organisations_own_heads_and_the_platform_send_again(login: str, year: Year) -> None:
    row = failed(year)
    with pytest.raises(NotPermitted):
        again(year, login, row)
    assert one(Notification, row.id).delivery_state is DeliveryState.FAILED


def test_what_nobody_needs_any_more_is_not_sent_again(year: Year, at: At) -> None:
    row = failed(year)
    at(row.useful_until)
    year_was = again(year, "coordinator", row)
    assert year_was.delivery_state is DeliveryState.PENDING, "the last instant is still in time"
    other = failed(year, 72)
    at(other.useful_until + SECOND)
    assert refusal(lambda: again(year, "coordinator", other)) == "notice_over"
    assert one(Notification, other.id).delivery_state is DeliveryState.FAILED


def test_what_was_answered_in_the_panel_is_not_sent_again(year: Year) -> None:
    row = failed(year)
    year.do("coordinator", notices.acknowledge, notification_id=row.id)
    with pytest.raises(ValueRefused, match="notice_answered"):
        again(year, "coordinator", row)


def test_what_waits_or_has_arrived_is_not_sent_twice(year: Year) -> None:
    row = failed(year)
    again(year, "coordinator", row)
    with pytest.raises(StaleState):
        again(year, "coordinator", row)
    with year.acting("system") as tx:
        (claim,) = notices.claim_due(tx, limit=9)
        notices.mark_delivered(tx, notification_id=claim.notification_id, chat_id=1, message_id=2)
    with pytest.raises(StaleState):
        again(year, "coordinator", row)


def test_two_who_press_at_once_send_once(year: Year) -> None:
    row = failed(year)
    found = at_once(lambda: again(year, "coordinator", row), lambda: again(year, "admin", row))
    assert sorted(isinstance(outcome, StaleState) for outcome in found) == [False, True]
    with year.acting("system") as tx:
        sent = select(func.count(AuditEntry.id)).where(AuditEntry.action == "send_again")
        assert tx.session.scalar(sent) == 1


def test_nobody_is_woken_by_a_message_sent_again(year: Year, at: At) -> None:
    row = failed(year)
    at(EVENING)
    assert again(year, "admin", row).next_attempt_at == MORNING


def test_a_message_that_would_not_outlive_the_night_goes_at_once(year: Year, at: At) -> None:
    row = failed(year)
    with year.acting("system") as tx:
        tx.get(Notification, row.id).useful_until = MORNING
    at(EVENING)
    assert again(year, "admin", row).next_attempt_at == EVENING


def test_a_code_somebody_waits_for_goes_in_the_night_too(year: Year, at: At) -> None:
    at(EVENING)
    year.do("system", codes.send_code, purpose=CodePurpose.EXPORT, account_id=year["account:coordinator"])
    with year.acting("system") as tx:
        for claim in notices.claim_due(tx, limit=9):
            notices.mark_failed(tx, notification_id=claim.notification_id, why="BadRequest")
    (row,) = rows(select(Notification).where(Notification.kind == CodeSent.kind))
    assert again(year, "admin", row).next_attempt_at == EVENING


def test_a_replay_takes_what_failed_within_its_days_and_is_worth_it(year: Year, at: At) -> None:
    early = failed(year, 70)
    at(NOON + DAY)
    first, answered = failed(year, 71), failed(year, 72)
    year.do("coordinator", notices.acknowledge, notification_id=answered.id)
    at(NOON + 2 * DAY)
    late = failed(year, 73)
    period = {"since": NOON + DAY, "until": NOON + 2 * DAY}
    assert year.do("admin", deliveries.send_all_again, **period) == 1
    assert year.do("admin", deliveries.send_all_again, **period) == 0
    states = [one(Notification, row.id).delivery_state for row in (early, first, answered, late)]
    failing = DeliveryState.FAILED
    assert states == [failing, DeliveryState.PENDING, failing, failing]


def test_a_replay_is_for_the_platform_and_takes_a_bite_at_a_time(year: Year, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        failed(year, 70 + number)
    period = {"since": NOON, "until": NOON + SECOND}
    with pytest.raises(NotPermitted):
        year.do("signatory", deliveries.send_all_again, **period)
    monkeypatch.setattr(deliveries, "MOST_AT_ONCE", 2)
    assert [year.do("admin", deliveries.send_all_again, **period) for _ in range(3)] == [2, 1, 0]
