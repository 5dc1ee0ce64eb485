"""Notifications: what becomes of a message on its way to a person."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.rules.machine import Labelled, Machine, Move

LEASE = timedelta(seconds=60)  # a sender that has not reported within this time is taken for dead
MAX_ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=30)
OUTAGE_AFTER = timedelta(hours=1)  # without one message that arrived anywhere Telegram is down, not this chat
OUTAGE_PAUSE = timedelta(hours=1)  # then, after MAX_ATTEMPTS: each copy may have arrived after all
SNOOZE = timedelta(hours=2)
LAST_SNOOZE_BEFORE_END = timedelta(hours=12)  # chat.md: a snooze ends at least this long before the deadline


TAKE_BACK_WITHIN = timedelta(minutes=10)  # chat.md L1: what was acknowledged by mistake


def may_take_back(replied_at: datetime | None, now: datetime) -> bool:
    """True from the answer to the last instant before its ten minutes are over."""
    return replied_at is not None and now < replied_at + TAKE_BACK_WITHIN


class DeliveryState(Labelled):
    """queued = delivered + failed + suppressed + pending (chat.md, numbers are conserved)."""

    PENDING = "pending", "待发送"
    SENDING = "sending", "发送中"
    DELIVERED = "delivered", "已送达"
    FAILED = "failed", "发送失败"
    SUPPRESSED = "suppressed", "未经聊天发送"


class ReplyState(Labelled):
    """Whether the person has answered."""

    NOT_ASKED = "not_asked", "无需回复"
    OPEN = "open", "待回复"
    ACKNOWLEDGED = "acknowledged", "已知悉"
    DONE = "done", "已办理"
    REFUSED = "refused", "已退回"
    EXPIRED = "expired", "已过期"


UNANSWERED = frozenset({ReplyState.NOT_ASKED, ReplyState.OPEN})  # what may still be worth sending
IN_A_CHAT = frozenset({DeliveryState.SENDING, DeliveryState.DELIVERED})  # words that stand there, or are on their way

D = DeliveryState
DELIVERY = Machine(
    "通知",
    DeliveryState,
    D.PENDING,
    (
        Move("claim", {D.PENDING, D.SENDING}, D.SENDING),
        Move("deliver", {D.SENDING}, D.DELIVERED),
        Move("retry_later", {D.SENDING}, D.PENDING),
        Move("fail", {D.SENDING}, D.FAILED),
        Move("suppress", {D.PENDING, D.SENDING}, D.SUPPRESSED),
        Move("snooze", {D.DELIVERED, D.SUPPRESSED}, D.PENDING),
        Move("reissue", {D.DELIVERED, D.SUPPRESSED, D.FAILED}, D.PENDING),
    ),
    column="delivery_state",
)

R = ReplyState
REPLY = Machine(
    "回复",
    ReplyState,
    R.OPEN,
    (
        Move("acknowledge", {R.OPEN}, R.ACKNOWLEDGED),
        Move("take_back", {R.ACKNOWLEDGED}, R.OPEN),
        Move("do", {R.OPEN, R.ACKNOWLEDGED}, R.DONE),
        Move("refuse", {R.OPEN, R.ACKNOWLEDGED}, R.REFUSED),
        Move("expire", {R.OPEN}, R.EXPIRED),
    ),
    column="reply_state",
)


def pause_after(attempts: int) -> timedelta:
    """Exponential back-off: 5 s, 10 s, 20 s … at most half an hour."""
    doublings: int = min(attempts - 1, 16)
    return min(FIRST_PAUSE * (1 << max(doublings, 0)), LONGEST_PAUSE)


def next_attempt(now: datetime, attempts: int, retry_after: timedelta | None) -> datetime:
    """Telegram's own word counts when it gave one, else the back-off."""
    return now + (retry_after if retry_after is not None else pause_after(attempts))
