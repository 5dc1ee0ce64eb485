"""Messages on their way: claimed, delivered, answered, put off, closed. The outbox is the rows still pending."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import NoResultFound

from core.db import Tx
from core.errors import NotFound, NotPermitted, StaleState, ValueRefused
from core.models.records import ChatDraft, Notification
from core.notifications.message import KINDS, Message
from core.notifications.registry import revive
from core.notifications.reminding import Burst
from core.rules.notices import (
    DELIVERY,
    IN_A_CHAT,
    LAST_SNOOZE_BEFORE_END,
    LEASE,
    MAX_ATTEMPTS,
    REPLY,
    SNOOZE,
    UNANSWERED,
    DeliveryState,
    ReplyState,
    next_attempt,
)
from core.rules.telling import BURST_OF, BURST_WITHIN, Tempo, burst_of


@dataclass(frozen=True, slots=True)
class Claim:
    """One message a sender has taken, and whether an earlier attempt may already have arrived."""

    notification_id: int
    is_repeat: bool


def claim_due(tx: Tx, *, limit: int) -> list[Claim]:
    """Take up to limit due messages for one lease; expired and pointless ones are put away instead.

    A row still SENDING after its lease belongs to a sender that died: it is taken again and marked as a repeat.
    """
    due = tx.session.scalars(
        select(Notification)
        .where(
            or_(
                Notification.delivery_state == DeliveryState.PENDING,
                (Notification.delivery_state == DeliveryState.SENDING) & (Notification.lease_until < tx.now),
            ),
            Notification.next_attempt_at <= tx.now,
            Notification.digest_on.is_(None),
        )
        .order_by(Notification.next_attempt_at, Notification.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    claims = []
    for row in _worth_sending(tx, due):
        is_repeat = row.may_have_arrived or row.delivery_state is DeliveryState.SENDING
        tx.advance(
            row,
            DELIVERY,
            "claim",
            lease_until=tx.now + LEASE,
            attempts=row.attempts + 1,
            may_have_arrived=is_repeat,
        )
        claims.append(Claim(row.id, is_repeat))
    return claims


def _worth_sending(tx: Tx, due: Sequence[Notification]) -> list[Notification]:
    """Without what is useless by now and what a burst tells; person by person, so that two senders never deadlock."""
    bursts, kept = Bursts(tx, due), set()
    for row in sorted(due, key=lambda row: row.account_id):
        if tx.now > row.useful_until or is_pointless(tx, row):
            _put_away(tx, row, "useless")
        elif not bursts.swallow(row):
            kept.add(row.id)
    return [row for row in due if row.id in kept]


class Bursts:
    """What was told to whom within the last minutes: more than BURST_OF alike become one message that is edited.

    A request swallowed by it stays open; only its copy in the chat is spared. What somebody waits for at this moment
    (Tempo.AT_ONCE) is never gathered.
    """

    def __init__(self, tx: Tx, due: Sequence[Notification]) -> None:
        self._tx = tx
        people = {row.account_id for row in due}
        told = (
            select(Notification.account_id, Notification.kind, func.count())
            .where(Notification.account_id.in_(people), Notification.delivered_at > tx.now - BURST_WITHIN)
            .group_by(Notification.account_id, Notification.kind)
        )
        self._told = Counter({(account_id, kind): count for account_id, kind, count in tx.session.execute(told)})

    def swallow(self, row: Notification) -> bool:
        """True where this message is told by the burst's own one."""
        kind = KINDS.get(row.kind)
        if kind is None or kind.is_alone or kind.tempo is Tempo.AT_ONCE or row.attempts:
            return False
        self._told[row.account_id, row.kind] += 1
        if self._told[row.account_id, row.kind] <= BURST_OF:
            return False
        tx = self._tx
        row.gathered_in = self._gathering(row)
        tx.advance(row, DELIVERY, "suppress", last_error="burst", lease_until=None)
        return True

    def _gathering(self, row: Notification) -> int:
        tx = self._tx
        mine = select(Notification).where(
            Notification.account_id == row.account_id,
            Notification.dedupe_key.startswith(f"{Burst.kind}:{row.account_id}:{row.kind}:", autoescape=True),
            Notification.created_at > tx.now - BURST_WITHIN,
        )
        held = tx.session.scalars(mine.order_by(Notification.id.desc()).limit(1)).one_or_none()
        if held is None:
            tx.notify(Burst(row.account_id, row.kind, burst_of(tx.now).isoformat()))  # two senders make the same one
            held = tx.one(mine.order_by(Notification.id.desc()).limit(1))
        held.is_stale = held.delivery_state in IN_A_CHAT
        return held.id


def is_pointless(tx: Tx, row: Notification) -> bool:
    """Done work is not announced. What cannot be read is let through: its sender says so, the others go on (law 2)."""
    if row.reply_state not in UNANSWERED:
        return True
    try:
        return not revive_of(row).is_still_true(tx.session, tx.now)
    except (LookupError, TypeError, ValueError, NoResultFound):
        return False


def revive_of(row: Notification) -> Message:
    """The message object behind a row."""
    return revive(row.kind, json.loads(row.facts))


def _put_away(tx: Tx, row: Notification, why: str) -> None:
    tx.advance(row, DELIVERY, "suppress", last_error=why, lease_until=None)
    if row.reply_state is ReplyState.OPEN and tx.now > row.useful_until:
        tx.advance(row, REPLY, "expire", replied_at=tx.now)
        reminders_follow(tx, [row.id])


def mark_delivered(tx: Tx, *, notification_id: int, chat_id: int, message_id: int) -> None:
    """Telegram has it; if it was answered elsewhere meanwhile, the copy will be brought up to date."""
    row = tx.get(Notification, notification_id)
    tx.advance(
        row,
        DELIVERY,
        "deliver",
        delivered_at=tx.now,
        chat_id=chat_id,
        message_id=message_id,
        lease_until=None,
        last_error=None,
        is_stale=row.is_stale or row.reply_state not in UNANSWERED,
    )


def mark_unreachable(tx: Tx, *, notification_id: int, why: str) -> None:
    """No chat is bound: the panel still shows it."""
    tx.advance(tx.get(Notification, notification_id), DELIVERY, "suppress", last_error=why, lease_until=None)


def mark_failed(tx: Tx, *, notification_id: int, why: str) -> None:
    """For good: blocked, deactivated, malformed."""
    tx.advance(tx.get(Notification, notification_id), DELIVERY, "fail", last_error=why, lease_until=None)


def mark_for_retry(
    tx: Tx, *, notification_id: int, why: str, retry_after: timedelta | None = None, may_have_arrived: bool = False
) -> None:
    """For now: later again, when Telegram says or by back-off; after many attempts it has failed.

    may_have_arrived: nobody knows whether Telegram took it, so every later copy says that it is one.
    """
    row = tx.get(Notification, notification_id)
    if row.attempts >= MAX_ATTEMPTS and retry_after is None:
        mark_failed(tx, notification_id=notification_id, why=why)
        return
    due = next_attempt(tx.now, row.attempts, retry_after)
    tx.advance(
        row,
        DELIVERY,
        "retry_later",
        next_attempt_at=due,
        last_error=why,
        lease_until=None,
        may_have_arrived=row.may_have_arrived or may_have_arrived,
    )


def mark_refreshed(tx: Tx, *, notification_id: int) -> None:
    """The delivered copy shows the present truth, or cannot be edited any more."""
    tx.session.execute(update(Notification).where(Notification.id == notification_id).values(is_stale=False))


def acknowledge(tx: Tx, *, notification_id: int) -> Notification:
    """已知悉; pressing twice is one answer."""
    row = my_notice(tx, notification_id)
    if row.reply_state is ReplyState.ACKNOWLEDGED:
        return row
    _require_open(row)
    tx.advance(row, REPLY, "acknowledge", replied_at=tx.now, replied_by=tx.actor.account_id)
    reminders_follow(tx, [row.id])
    return row


def snooze(tx: Tx, *, notification_id: int) -> datetime:
    """Tell me again in two hours; refused when that leaves less than twelve hours before the end (chat.md L0)."""
    row = my_notice(tx, notification_id)
    _require_open(row)
    again = tx.now + SNOOZE
    if again > row.useful_until - LAST_SNOOZE_BEFORE_END:
        raise ValueRefused("too_late_to_snooze", rule="chat.md", until=row.useful_until)
    tx.advance(
        row, DELIVERY, "snooze", delivered_at=None, next_attempt_at=again, not_before=again, attempts=0, is_stale=False
    )
    return again


def see_notices(tx: Tx) -> None:
    """The panel's bell has been opened."""
    tx.session.execute(
        update(Notification)
        .where(Notification.account_id == tx.actor.account_id, Notification.seen_at.is_(None))
        .values(seen_at=tx.now)
    )


def close_tasks(
    tx: Tx,
    *,
    thing_type: str,
    thing_id: int,
    kind: str | None = None,
    account_ids: Sequence[int] | None = None,
    reply: ReplyState = ReplyState.DONE,
    note: str = "",
) -> int:
    """Decided anywhere is closed everywhere: open requests about a thing are answered, unsent ones not sent.

    Delivered copies are marked stale, so that the sender edits them. note names who decided, for those who did not.
    """
    where = [Notification.thing_type == thing_type, Notification.thing_id == thing_id]
    if kind is not None:
        where.append(Notification.kind == kind)
    if account_ids is not None:
        where.append(Notification.account_id.in_(account_ids))
    unsent = update(Notification).where(*where, Notification.delivery_state == DeliveryState.PENDING)
    tx.session.execute(
        unsent.values(delivery_state=DeliveryState.SUPPRESSED, last_error="closed").execution_options(
            synchronize_session=False
        )
    )
    closed = tx.session.scalars(
        update(Notification)
        .where(
            *where,
            Notification.reply_state.in_(REPLY.sources("do")),
            Notification.closing_note == "",
        )
        .values(
            reply_state=reply,
            replied_at=tx.now,
            replied_by=tx.actor.account_id,
            closing_note=note or tx.actor.login,
            is_stale=True,
        )
        .returning(Notification.id)
        .execution_options(synchronize_session=False)
    ).all()
    reminders_follow(tx, closed)
    return len(closed)


def reminders_follow(tx: Tx, notification_ids: Sequence[int]) -> None:
    """What reminded of requests that have ended: unsent, it is not sent; sent, it is edited to how they ended."""
    mine = Notification.about_id.in_(notification_ids)
    for states, values in (
        ([DeliveryState.PENDING], {"delivery_state": DeliveryState.SUPPRESSED, "last_error": "closed"}),
        ([DeliveryState.DELIVERED], {"is_stale": True}),
    ):
        tx.session.execute(
            update(Notification)
            .where(mine, Notification.delivery_state.in_(states))
            .values(values)
            .execution_options(synchronize_session=False)
        )


def retarget_tasks(tx: Tx, *, thing_type: str, thing_id: int) -> int:
    """A change of our own must not make open requests look stale: they now stand for the thing as it is; how many."""
    open_rows = tx.all(
        select(Notification).where(
            Notification.thing_type == thing_type,
            Notification.thing_id == thing_id,
            Notification.reply_state == ReplyState.OPEN,
        )
    )
    for row in open_rows:
        thing = revive_of(row).thing(tx.session)
        if thing is not None:
            row.thing_version = thing[2]
            row.is_stale = row.delivery_state in IN_A_CHAT
    tx.session.flush()
    return len(open_rows)


def start_draft(
    tx: Tx,
    *,
    flow: str,
    thing_id: int,
    thing_version: int,
    chat_id: int,
    message_id: int,
    lasts: timedelta,
    shown_count: int = 0,
    text: str = "",
) -> ChatDraft:
    """The bot waits for a word of this person; a later question replaces an earlier one."""
    drop_draft(tx)
    return tx.add(
        ChatDraft(
            account_id=tx.actor.account_id or 0,
            flow=flow,
            thing_id=thing_id,
            thing_version=thing_version,
            shown_count=shown_count,
            text=text,
            chat_id=chat_id,
            message_id=message_id,
            expires_at=tx.now + lasts,
        )
    )


def my_draft(tx: Tx) -> ChatDraft | None:
    """What the bot is waiting for from this person, unless it has waited long enough."""
    draft: ChatDraft | None = tx.first(select(ChatDraft).where(ChatDraft.account_id == tx.actor.account_id))
    return draft if draft is not None and tx.now <= draft.expires_at else None


def drop_draft(tx: Tx) -> None:
    """Wait no longer."""
    held = tx.first(select(ChatDraft).where(ChatDraft.account_id == tx.actor.account_id))
    if held is not None:
        tx.delete(held)


def by_task_code(tx: Tx, *, code: str) -> Notification:
    """The open request of this person with that code; NotFound says the same for foreign and unknown codes."""
    row: Notification | None = tx.first(
        select(Notification)
        .where(Notification.task_code == code.upper(), Notification.account_id == tx.actor.account_id)
        .order_by(Notification.id.desc())
    )
    if row is None:
        raise NotFound("task_code_unknown", rule="chat.md", task_code=code.upper())
    return row


def my_notice(tx: Tx, notification_id: int) -> Notification:
    """A message told to this very person; NotPermitted for a colleague's."""
    row = tx.get(Notification, notification_id)
    if row.account_id != tx.actor.account_id:
        raise NotPermitted("task_of_another", rule="chat.md", act="answer")
    return row


def _require_open(row: Notification) -> None:
    if row.reply_state is not ReplyState.OPEN:
        raise StaleState(thing=REPLY.name, state=row.reply_state.label)
