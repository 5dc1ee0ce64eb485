"""Messages on their way: claimed, delivered, answered, put off, closed (chat.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core import clock
from core.db import transaction
from core.errors import NotFound, StaleState, ValueRefused
from core.models.pilots import PilotApplication
from core.models.records import ChatDraft, Notification
from core.rules.notices import MAX_ATTEMPTS, pause_after
from core.usecases import notices, reviews
from tests.factories import SECOND, Year, Years, count, moment, on, one, rows
from tests.factories import notices as told

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(years: Years, at: At) -> Year:
    """Decisions have been made; the college has been told, with something to acknowledge."""
    found = years("approved")
    at(moment("approved"))
    return found


def claim(year: Year, limit: int = 100) -> list[notices.Claim]:
    found: list[notices.Claim] = year.do("system", notices.claim_due, limit=limit)
    return found


def decided(year: Year, who: str = "coordinator") -> Notification:
    return told("pilots.application_decided", year[f"account:{who}"])[0]


def deliver(year: Year, row: Notification, message_id: int = 5) -> None:
    given = {"notification_id": row.id, "chat_id": 1, "message_id": message_id}
    year.do("system", notices.mark_delivered, **given)


def delivered(year: Year) -> Notification:
    claim(year)
    row = decided(year)
    deliver(year, row)
    return one(Notification, row.id)


# -- claiming --------------------------------------------------------------------------------------------------------


def test_due_messages_are_taken_oldest_first_and_no_more_than_asked_for(year: Year) -> None:
    due = rows(select(Notification.id).where(Notification.delivery_state == "pending").order_by(Notification.id))
    first = claim(year, 2)
    assert [c.notification_id for c in first] == due[:2]
    assert not any(c.is_repeat for c in first)
    second = claim(year)
    assert [c.notification_id for c in second] == due[2:]
    assert claim(year) == []


def test_a_claim_holds_for_a_minute_and_then_its_message_is_a_repeat(year: Year, at: At) -> None:
    start = clock.now()
    taken = {c.notification_id for c in claim(year)}
    at(start + timedelta(seconds=60))
    assert claim(year) == []
    at(start + timedelta(seconds=60) + SECOND)
    again = claim(year)
    assert {c.notification_id for c in again} == taken
    assert all(c.is_repeat for c in again)
    assert {n.attempts for n in rows(select(Notification)) if n.id in taken} == {2}


def test_what_nobody_wants_to_hear_any_more_is_put_away(year: Year, at: At) -> None:
    row = decided(year)
    at(row.useful_until)
    assert row.id in {c.notification_id for c in claim(year)}
    with transaction(year.actor("system")) as tx:
        tx.session.execute(update(Notification).values(delivery_state="pending", lease_until=None))
    at(row.useful_until + SECOND)
    assert row.id not in {c.notification_id for c in claim(year)}
    late = one(Notification, row.id)
    assert (late.delivery_state, late.last_error, late.reply_state) == ("suppressed", "useless", "expired")


def test_what_is_not_true_any_more_is_not_sent(years: Years, at: At) -> None:
    year = years("applied")
    at(moment("applied"))
    row = told("pilots.application_waiting", year["account:city"])[0]
    with transaction(year.actor("system")) as tx:  # decided, but the request was left open
        tx.session.execute(
            update(PilotApplication).where(PilotApplication.id == year["application"]).values(state="returned")
        )
    assert row.id not in {c.notification_id for c in claim(year)}
    assert one(Notification, row.id).delivery_state == "suppressed"


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "pilots.gone"},
        {"facts": json.dumps({"application_id": 1, "step": "city", "round": 1, "strange": True})},
        {"facts": json.dumps({"application_id": 999, "step": "city", "round": 1})},
        {"facts": "no json"},
    ],
)
def test_a_message_nobody_can_read_any_more_does_not_hold_up_the_others(
    years: Years, at: At, broken: dict[str, Any]
) -> None:
    year = years("applied")
    at(moment("applied"))
    ids = rows(select(Notification.id).order_by(Notification.id))
    with transaction(year.actor("system")) as tx:
        tx.session.execute(update(Notification).where(Notification.id == ids[0]).values(**broken))
    assert {c.notification_id for c in claim(year)} == set(ids)  # its sender will find that it has no words


# -- reports ---------------------------------------------------------------------------------------------------------


def test_a_delivered_message_knows_where_it_is(year: Year) -> None:
    row = delivered(year)
    assert (row.delivery_state, row.chat_id, row.message_id, row.delivered_at) == ("delivered", 1, 5, clock.now())
    assert (row.lease_until, row.last_error, row.is_stale) == (None, None, False)


def test_a_message_answered_while_it_was_on_its_way_is_brought_up_to_date_afterwards(year: Year) -> None:
    claim(year)
    row = decided(year)
    year.do("coordinator", notices.acknowledge, notification_id=row.id)
    deliver(year, row)
    assert one(Notification, row.id).is_stale
    year.do("system", notices.mark_refreshed, notification_id=row.id)
    assert not one(Notification, row.id).is_stale


@pytest.mark.parametrize("attempts", [1, 2, 3, 10])
def test_a_failed_try_is_repeated_after_a_growing_pause(year: Year, attempts: int) -> None:
    claim(year)
    row = decided(year)
    with transaction(year.actor("system")) as tx:
        tx.session.execute(update(Notification).where(Notification.id == row.id).values(attempts=attempts))
    year.do("system", notices.mark_for_retry, notification_id=row.id, why="NetworkError")
    again = one(Notification, row.id)
    assert again.delivery_state == "pending"
    assert again.next_attempt_at == clock.now() + min(timedelta(seconds=5 * 2 ** (attempts - 1)), timedelta(minutes=30))


def test_telegrams_own_word_about_when_to_come_back_counts(year: Year, at: At) -> None:
    claim(year)
    row = decided(year)
    wait = timedelta(seconds=17)
    year.do("system", notices.mark_for_retry, notification_id=row.id, why="RetryAfter", retry_after=wait)
    at(clock.now() + wait - SECOND)
    assert claim(year) == []
    at(clock.now() + SECOND)
    (again,) = claim(year)
    assert (again.notification_id, again.is_repeat) == (row.id, False)


def test_a_copy_that_may_have_arrived_makes_every_later_one_a_repeat(year: Year, at: At) -> None:
    claim(year)
    row = decided(year)
    year.do("system", notices.mark_for_retry, notification_id=row.id, why="TimedOut", may_have_arrived=True)
    for _ in range(2):
        at(clock.now() + timedelta(hours=1))
        (again,) = [c for c in claim(year) if c.notification_id == row.id]
        assert again.is_repeat
        year.do("system", notices.mark_for_retry, notification_id=row.id, why="NetworkError")


def test_after_many_tries_a_message_has_failed_unless_telegram_named_a_time(year: Year) -> None:
    """Others arrive meanwhile: the trouble is this chat's alone."""
    claimed = claim(year)
    row = decided(year)
    with transaction(year.actor("system")) as tx:
        tx.session.execute(update(Notification).where(Notification.id == row.id).values(attempts=MAX_ATTEMPTS))
    retry = {"notification_id": row.id, "why": "RetryAfter", "retry_after": timedelta(seconds=3)}
    year.do("system", notices.mark_for_retry, **retry)
    assert one(Notification, row.id).delivery_state == "pending"
    with transaction(year.actor("system")) as tx:
        tx.session.execute(update(Notification).where(Notification.id == row.id).values(delivery_state="sending"))
    other = next(notice for notice in claimed if notice.notification_id != row.id).notification_id
    year.do("system", notices.mark_delivered, notification_id=other, chat_id=1, message_id=1)
    year.do("system", notices.mark_for_retry, notification_id=row.id, why="NetworkError")
    assert one(Notification, row.id).delivery_state == "failed"


def test_while_telegram_is_silent_for_everybody_nothing_is_given_up(year: Year, at: At) -> None:
    claim(year)
    row = decided(year)
    with transaction(year.actor("system")) as tx:
        tx.session.execute(update(Notification).where(Notification.id == row.id).values(attempts=MAX_ATTEMPTS))
    year.do("system", notices.mark_for_retry, notification_id=row.id, why="NetworkError")
    held = one(Notification, row.id)
    assert (held.delivery_state, held.next_attempt_at) == ("pending", clock.now() + timedelta(hours=1))


def test_a_failed_try_in_the_evening_is_repeated_in_the_morning_unless_the_end_is_near(year: Year, at: At) -> None:
    """Quiet hours hold for what did not arrive before them as well."""
    row = decided(year)
    for moment_, due, goes_at in (
        ("2026-03-10 21:59:59", "2026-03-13 09:00", "2026-03-11 07:30"),
        ("2026-03-10 21:59:59", "2026-03-11 01:00", "2026-03-10 23:00"),
        ("2026-03-10 21:59:59", "2026-03-10 23:59", "2026-03-10 22:00:04"),
    ):
        at(on(moment_))
        with transaction(year.actor("system")) as tx:
            values = {"delivery_state": "sending", "due_at": on(due), "attempts": 1}
            tx.session.execute(update(Notification).where(Notification.id == row.id).values(values))
        year.do("system", notices.mark_for_retry, notification_id=row.id, why="NetworkError")
        assert one(Notification, row.id).next_attempt_at == on(goes_at), due


def test_pauses_grow_from_five_seconds_to_half_an_hour() -> None:
    pauses = [pause_after(n).total_seconds() for n in range(13)]
    assert pauses[1:5] == [5, 10, 20, 40]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1800


# -- answers ---------------------------------------------------------------------------------------------------------


def test_acknowledging_twice_is_one_answer(year: Year, at: At) -> None:
    row = delivered(year)
    first = clock.now()
    year.do("coordinator", notices.acknowledge, notification_id=row.id)
    at(first + timedelta(hours=1))
    year.do("coordinator", notices.acknowledge, notification_id=row.id)
    held = one(Notification, row.id)
    assert (held.reply_state, held.replied_at, held.replied_by) == ("acknowledged", first, year["account:coordinator"])


def test_what_asks_for_no_reply_is_not_acknowledged(years: Years, at: At) -> None:
    year = years("planned")
    at(moment("planned"))
    row = told("plans.published", year["account:coordinator"])[0]
    assert (row.reply_state, row.task_code) == ("not_asked", None)
    with pytest.raises(StaleState):
        year.do("coordinator", notices.acknowledge, notification_id=row.id)


def test_a_snoozed_message_comes_again_in_two_hours_and_is_no_repeat(year: Year, at: At) -> None:
    row = delivered(year)
    again = year.do("coordinator", notices.snooze, notification_id=row.id)
    assert again == clock.now() + timedelta(hours=2)
    at(again - SECOND)
    assert row.id not in {c.notification_id for c in claim(year)}
    at(again)
    (found,) = [c for c in claim(year) if c.notification_id == row.id]
    assert not found.is_repeat


@pytest.mark.parametrize(("late", "is_granted"), [(-SECOND, True), (timedelta(), True), (SECOND, False)])
def test_a_snooze_ends_at_least_twelve_hours_before_the_end(
    year: Year, at: At, late: timedelta, is_granted: bool
) -> None:
    row = delivered(year)
    at(row.useful_until - timedelta(hours=14) + late)
    if is_granted:
        year.do("coordinator", notices.snooze, notification_id=row.id)
        return
    with pytest.raises(ValueRefused) as caught:
        year.do("coordinator", notices.snooze, notification_id=row.id)
    assert caught.value.sentence_code == "too_late_to_snooze"


def test_every_open_request_has_a_code_of_its_own(year: Year) -> None:
    open_codes = [n.task_code for n in told("pilots.application_decided")]
    assert len(set(open_codes)) == len(open_codes) == 5
    assert all(len(str(code)) == 4 for code in open_codes)
    row = decided(year)
    assert year.do("coordinator", notices.by_task_code, code=str(row.task_code).lower()).id == row.id


@pytest.mark.parametrize("code", ["", "0000", "K7Q4XX"])
def test_an_unknown_code_and_a_strangers_code_are_answered_alike(year: Year, code: str) -> None:
    strange = str(decided(year, "signatory").task_code)
    for wrong in (code, strange):
        with pytest.raises(NotFound) as caught:
            year.do("coordinator", notices.by_task_code, code=wrong)
        assert caught.value.sentence_code == "task_code_unknown"


def test_opening_the_bell_marks_ones_own_messages_seen(year: Year) -> None:
    year.do("coordinator", notices.see_notices)
    mine = Notification.account_id == year["account:coordinator"]
    assert count(Notification, mine, Notification.seen_at.is_(None)) == 0
    assert count(Notification, ~mine, Notification.seen_at.is_not(None)) == 0


# -- decided anywhere is closed everywhere ---------------------------------------------------------------------------


def test_a_decision_closes_open_requests_stops_unsent_ones_and_has_copies_edited(years: Years, at: At) -> None:
    year = years("applied")
    at(moment("applied"))
    year.do("other_province", reviews.approve_application, application_id=year["other_application"], approved_count=4)
    unsent = told("pilots.application_waiting", year["account:other_province"])[0]
    assert (unsent.delivery_state, unsent.last_error, unsent.reply_state) == ("suppressed", "closed", "done")
    claim(year)
    sent = told("pilots.application_waiting", year["account:city"])[0]
    deliver(year, sent)
    year.do("city", reviews.return_application, application_id=year["application"], reason="缺材料")
    closed = one(Notification, sent.id)
    assert (closed.reply_state, closed.closing_note, closed.is_stale) == ("refused", "city", True)


def test_a_message_closed_while_it_is_on_its_way_is_delivered_and_then_edited(years: Years, at: At) -> None:
    year = years("applied")
    at(moment("applied"))
    claim(year)
    year.do("city", reviews.return_application, application_id=year["application"], reason="缺材料")
    row = told("pilots.application_waiting", year["account:city"])[0]
    assert row.delivery_state == "sending"
    deliver(year, row)
    assert one(Notification, row.id).is_stale


# -- what the bot waits for ------------------------------------------------------------------------------------------


def ask(year: Year, who: str, flow: str, lasts: timedelta = timedelta(minutes=10)) -> ChatDraft:
    given = {"thing_id": 1, "thing_version": 1, "chat_id": 1, "message_id": 1, "lasts": lasts}
    found: ChatDraft = year.do(who, notices.start_draft, flow=flow, **given)
    return found


def test_a_later_question_replaces_an_earlier_one_of_the_same_person(year: Year) -> None:
    ask(year, "teo", "first")
    ask(year, "city", "other")
    ask(year, "teo", "second")
    assert year.do("teo", notices.my_draft).flow == "second"
    assert year.do("city", notices.my_draft).flow == "other"
    assert count(ChatDraft) == 2
    year.do("teo", notices.drop_draft)
    year.do("teo", notices.drop_draft)
    assert year.do("teo", notices.my_draft) is None


@pytest.mark.parametrize(("late", "waits"), [(-SECOND, True), (timedelta(), True), (SECOND, False)])
def test_the_bot_waits_only_so_long(year: Year, at: At, late: timedelta, waits: bool) -> None:
    ask(year, "teo", "reason")
    at(clock.now() + timedelta(minutes=10) + late)
    assert (year.do("teo", notices.my_draft) is not None) is waits
