"""What people answer in chat with one tap: seen, and later. What they decide is in decisions.py.

Every verb may be repeated: what has ended meanwhile stays as it ended, and the caller shows the row as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from core.db import Tx
from core.errors import NotPermitted, StaleState, WindowClosed
from core.models.records import ChatUpdate, Notification
from core.notifications.accounts import StillYou
from core.notifications.message import Message, Press
from core.queries.delegations import stands_in
from core.rules.notices import DELIVERY, IN_A_CHAT, REPLY, TAKE_BACK_WITHIN, DeliveryState, ReplyState, may_take_back
from core.usecases import notices
from core.usecases.bindings import affirm_binding


def is_first(tx: Tx, *, update_id: int) -> bool:
    """True once per update of Telegram; what it causes belongs into the same transaction."""
    return tx.upsert(ChatUpdate, {"update_id": update_id, "at": tx.now}, conflict=["update_id"]) is not None


def may_acknowledge(message: Message) -> bool:
    """True where having read it is all that is asked."""
    return any(button.press is Press.ACKNOWLEDGE for button in message.buttons)


# -- seen and later ------------------------------------------------------------------------------------------------


def acknowledge(tx: Tx, *, notification_id: int, message_id: int | None = None) -> None:
    """已知悉; message_id is the copy that was pressed, any other one is brought up to date by the sender."""
    row = as_it_stands(tx, notification_id)
    if row.reply_state is not ReplyState.OPEN:
        return
    if row.kind == StillYou.kind:
        affirm_binding(tx)
        return
    notices.acknowledge(tx, notification_id=row.id)
    if row.delivery_state is DeliveryState.DELIVERED and row.message_id != message_id:
        row.is_stale = True


def acknowledge_by_code(tx: Tx, *, code: str) -> None:
    """确认 K7Q4 of a message that is only to be seen; every other one is left alone."""
    row = notices.by_task_code(tx, code=code)
    if may_acknowledge(notices.revive_of(row)):
        acknowledge(tx, notification_id=row.id)


def take_back(tx: Tx, *, notification_id: int) -> None:
    """撤回“已知悉” within ten minutes: the request is open again, and its reminders go on (chat.md L1)."""
    row = notices.my_notice(tx, notification_id)
    if row.reply_state is ReplyState.OPEN:
        return
    if row.reply_state is not ReplyState.ACKNOWLEDGED:
        raise StaleState("nothing_to_take_back", rule="chat.md", thing=REPLY.name, state=row.reply_state.label)
    if not may_take_back(row.replied_at, tx.now):
        minutes = int(TAKE_BACK_WITHIN.total_seconds() // 60)
        raise WindowClosed("too_late_to_take_back", rule="chat.md", minutes=minutes)
    tx.advance(row, REPLY, "take_back", replied_at=None, replied_by=None)
    row.is_stale = row.delivery_state is DeliveryState.DELIVERED
    notices.reminders_follow(tx, [row.id])


def snooze(tx: Tx, *, notification_id: int) -> None:
    """Later; a second tap does not put it off further."""
    row = as_it_stands(tx, notification_id)
    if row.reply_state is ReplyState.OPEN and not is_snoozed(tx, row):
        notices.snooze(tx, notification_id=row.id)


def is_snoozed(tx: Tx, row: Notification) -> bool:
    """True while it waits to be told again."""
    return row.delivery_state is DeliveryState.PENDING and row.not_before > tx.now


def bring_up_to_date(tx: Tx, *, notification_id: int) -> None:
    """The person is about to see the message as it is now: its buttons stand for that, unless its time is over."""
    row = as_it_stands(tx, notification_id)
    thing = notices.revive_of(row).thing(tx.session)
    if row.reply_state is ReplyState.OPEN and thing is not None:
        row.thing_version = thing[2]


def as_it_stands(tx: Tx, notification_id: int) -> Notification:
    """A message of this person; one whose time is over is open no longer."""
    row = notices.my_notice(tx, notification_id)
    _end_if_over(tx, row)
    return row


def expire_request(tx: Tx, *, notification_id: int) -> None:
    """Record what is over already, so that all copies say so (chat.md, stale buttons); only the system."""
    if not tx.actor.is_system:
        raise NotPermitted(rule="chat.md", act="expire_request")
    _end_if_over(tx, tx.lock(Notification, notification_id))


def _end_if_over(tx: Tx, row: Notification) -> None:
    """By the clock: past its time, or told to somebody in another one's stead who stands in no longer."""
    if row.reply_state is not ReplyState.OPEN:
        return
    if tx.now > row.useful_until:
        _expire(tx, row, row.useful_until)
    elif row.instead_of is not None and not stands_in(tx.session, row.account_id, row.instead_of, tx.now):
        _expire(tx, row, tx.now)


def _expire(tx: Tx, row: Notification, at: datetime) -> None:
    if row.delivery_state is DeliveryState.PENDING:
        tx.advance(row, DELIVERY, "suppress", last_error="useless", lease_until=None)
    tx.advance(row, REPLY, "expire", replied_at=at, is_stale=row.delivery_state in IN_A_CHAT)
    notices.reminders_follow(tx, [row.id])


def bring_all_up_to_date(tx: Tx, *, notification_ids: Sequence[int]) -> None:
    """The same for several."""
    for ident in notification_ids:
        bring_up_to_date(tx, notification_id=ident)


def bring_copy_up_to_date(tx: Tx, *, chat_id: int, message_id: int) -> None:
    """The same for the message a person is looking at; a copy nobody keeps track of is left alone."""
    found = copy_at(tx, chat_id=chat_id, message_id=message_id)
    if found is not None:
        bring_up_to_date(tx, notification_id=found)


def copy_at(tx: Tx, *, chat_id: int, message_id: int) -> int | None:
    """Whose delivered copy a chat message is, as a notification's id; a reminder is a copy of its request."""
    found: int | None = tx.first(
        select(func.coalesce(Notification.about_id, Notification.id)).where(
            Notification.account_id == tx.actor.account_id,
            Notification.chat_id == chat_id,
            Notification.message_id == message_id,
        )
    )
    return found
