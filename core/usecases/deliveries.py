"""Messages that go out once more: to a person's new chat, and after a delivery that failed for good."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from core import clock
from core.db import Tx
from core.errors import StaleState, ValueRefused
from core.models.records import Notification
from core.notifications.message import KINDS
from core.queries.telling import present_choice
from core.rules.notices import DELIVERY, UNANSWERED, DeliveryState, ReplyState
from core.rules.permissions import permit
from core.rules.telling import Tempo, tell_at

MOST_AT_ONCE = 500  # of a replay: more would keep every other writer waiting


def send_again(tx: Tx, *, notification_id: int) -> Notification:
    """A message that has failed for good goes back to those that wait; ValueRefused where nobody needs it any more."""
    row = tx.lock(Notification, notification_id)
    permit(tx.actor, "send_again", row.account)
    if row.delivery_state is not DeliveryState.FAILED:
        raise StaleState(thing=DELIVERY.name, state=row.delivery_state.label)
    if row.reply_state not in UNANSWERED:
        raise ValueRefused("notice_answered", rule="chat.md", state=row.reply_state.label)
    if tx.now > row.useful_until:
        raise ValueRefused("notice_over", rule="chat.md", until=row.useful_until)
    _put_back(tx, row)
    return row


def send_all_again(tx: Tx, *, since: datetime, until: datetime) -> int:
    """Everything that was queued from since on and before until, has failed and is still worth sending; how many.

    Oldest first, MOST_AT_ONCE a call.
    """
    permit(tx.actor, "send_all_again")
    failed = tx.all(
        select(Notification)
        .where(
            Notification.delivery_state == DeliveryState.FAILED,
            Notification.reply_state.in_(UNANSWERED),
            Notification.useful_until >= tx.now,
            Notification.created_at >= since,
            Notification.created_at < until,
        )
        .order_by(Notification.id)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for row in failed:
        _put_back(tx, row)
    return len(failed)


def reissue_open(tx: Tx, *, account_id: int) -> int:
    """Whatever still waits for this account's word goes out again: it has another chat now (chat.md, lost phone)."""
    open_rows = tx.all(
        select(Notification).where(
            Notification.account_id == account_id,
            Notification.reply_state == ReplyState.OPEN,
            Notification.delivery_state.in_(DELIVERY.sources("reissue")),
            Notification.useful_until >= tx.now,
        )
    )
    for row in open_rows:
        tx.advance(
            row,
            DELIVERY,
            "reissue",
            delivered_at=None,
            chat_id=None,
            message_id=None,
            attempts=0,
            next_attempt_at=tx.now,
            not_before=tx.now,
            may_have_arrived=False,
            is_stale=False,
            last_error=None,
        )
    return len(open_rows)


def _put_back(tx: Tx, row: Notification) -> None:
    """With fresh attempts; a copy that may have arrived stays one, and quiet hours hold it back like a new message."""
    why, at = row.last_error, by_day(tx, row, tx.now)
    tx.advance(row, DELIVERY, "reissue", attempts=0, next_attempt_at=at, not_before=at, last_error=None)
    tx.record(row, "send_again", after={"kind": row.kind, "account_id": row.account_id}, reason=why or "")


def by_day(tx: Tx, row: Notification, at: datetime) -> datetime:
    """at, or the end of the person's quiet hours as far as the deadline allows; for what nobody waits for at once."""
    quiet, _ = present_choice(tx.session, row.account_id)
    is_urgent = row.kind in KINDS and KINDS[row.kind].tempo is Tempo.AT_ONCE
    tempo = Tempo.AT_ONCE if is_urgent else Tempo.IN_TURN
    told = tell_at(clock.local(at), tempo=tempo, quiet=quiet, due_at=row.due_at)
    return told if told < row.useful_until else at  # what would not outlive the night is not held back for it
