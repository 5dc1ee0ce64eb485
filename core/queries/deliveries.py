"""What became of the messages, day by day: an honest count, who was not reached, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, case, cast, extract, false, func, select, true
from sqlalchemy.orm import Session, aliased, joinedload

from core import clock
from core.actors import Actor
from core.models.accounts import UserAccount
from core.models.records import Notification
from core.queries.accounts import own_organisation
from core.rules.notices import UNANSWERED, DeliveryState, ReplyState
from core.rules.organisations import Role
from core.rules.permissions import has_role

LONGEST_LOOK = 30  # days
LOST_WITH_ITS_GATHERING = "gathering failed"  # told in a digest or burst that has not arrived itself
PERCENT = 95


@dataclass(slots=True)
class Day:
    """The messages queued on one business day, or on several. suppressed: why → how many.

    waits: seconds from when a message might go out to when Telegram had it → how many.
    """

    day: date | None
    queued: int = 0
    delivered: int = 0
    failed: int = 0
    waiting: int = 0
    retrying: int = 0
    suppressed: Counter[str] = field(default_factory=Counter)
    replies: Counter[ReplyState] = field(default_factory=Counter)
    waits: Counter[int] = field(default_factory=Counter)

    @property
    def untold(self) -> int:
        """How many were kept out of the chat on purpose."""
        return self.suppressed.total()

    @property
    def pending(self) -> int:
        """How many are still on their way."""
        return self.waiting + self.retrying

    @property
    def adds_up(self) -> bool:
        """chat.md: queued = delivered + failed + suppressed + pending."""
        return self.queued == self.delivered + self.failed + self.untold + self.pending

    @property
    def is_open(self) -> int:
        """How many wait for a person's word."""
        return self.replies[ReplyState.OPEN]

    @property
    def is_expired(self) -> int:
        """How many never got it."""
        return self.replies[ReplyState.EXPIRED]

    @property
    def is_answered(self) -> int:
        """How many got it."""
        return self.replies.total() - self.replies[ReplyState.NOT_ASKED] - self.is_open - self.is_expired

    @property
    def slowest(self) -> int | None:
        """Seconds within which PERCENT of 100 delivered ones arrived; None where none did."""
        return percentile(self.waits, PERCENT)


def percentile(counted: Mapping[int, int], percent: int) -> int | None:
    """The nearest-rank percentile of values that are counted; None of none."""
    rank = -(-sum(counted.values()) * percent // 100)
    for value in sorted(counted):
        rank -= counted[value]
        if rank <= 0:
            return value
    return None


def first_instant(now: datetime, days: int) -> datetime:
    """When the first of so many business days began, today the last of them."""
    return _midnight(clock.local(now).date() - timedelta(days=days - 1))


def deliveries(session: Session, actor: Actor, now: datetime, *, days: int) -> list[Day]:
    """Of the accounts this person answers for, newest first; days without messages are left out."""
    today = clock.local(now).date()
    found = [Day(today - timedelta(days=days - 1 - place)) for place in range(days)]
    starts = [_midnight(day.day) for day in found if day.day is not None]
    for place, number in session.execute(_grouped(actor, starts)):
        found[place].queued = number
    again, seconds = case((Notification.attempts > 0, 1), else_=0), _seconds()
    parts = (Notification.delivery_state, Notification.reply_state, again, Notification.last_error, seconds)
    for place, delivery, reply, is_again, why, wait, number in session.execute(_grouped(actor, starts, *parts)):
        _count(found[place], delivery, bool(is_again), why or "", number)
        found[place].replies[reply] += number
        if wait is not None:
            found[place].waits[max(int(wait), 0)] += number
    for place, why, number in session.execute(_lost(actor, starts)):
        found[place].suppressed[why or ""] -= number
        found[place].suppressed[LOST_WITH_ITS_GATHERING] += number
    for day in found:
        day.suppressed = +day.suppressed
    return [day for day in reversed(found) if day.queued]


def together(days: Iterable[Day]) -> Day:
    """All of them as one."""
    whole = Day(None)
    for day in days:
        whole.queued += day.queued
        whole.delivered += day.delivered
        whole.failed += day.failed
        whole.waiting += day.waiting
        whole.retrying += day.retrying
        whole.suppressed += day.suppressed
        whole.replies += day.replies
        whole.waits += day.waits
    return whole


def failed_notices(
    session: Session, actor: Actor, now: datetime, *, days: int, limit: int
) -> tuple[int, list[Notification]]:
    """How many messages of these days failed for good, and the newest of them with their people."""
    where = (
        _mine(actor),
        Notification.delivery_state == DeliveryState.FAILED,
        Notification.created_at >= first_instant(now, days),
    )
    total = session.scalar(select(func.count(Notification.id)).where(*where)) or 0
    newest = select(Notification).where(*where).order_by(Notification.id.desc()).limit(limit)
    return total, list(session.scalars(newest.options(joinedload(Notification.account))))


def worth_sending(session: Session, actor: Actor, now: datetime, *, days: int) -> int:
    """How many of the failed ones somebody would still want to hear."""
    return (
        session.scalar(
            select(func.count(Notification.id)).where(
                _mine(actor),
                Notification.delivery_state == DeliveryState.FAILED,
                Notification.created_at >= first_instant(now, days),
                Notification.reply_state.in_(UNANSWERED),
                Notification.useful_until >= now,
            )
        )
        or 0
    )


def unanswered_requests(session: Session, actor: Actor, now: datetime, *, limit: int) -> list[Notification]:
    """Whom of one's people an answer is waited for, the nearest deadline first; candidates are not waited for."""
    return list(
        session.scalars(
            select(Notification)
            .join(UserAccount)
            .where(
                _mine(actor),
                UserAccount.candidate_id.is_(None),
                Notification.reply_state == ReplyState.OPEN,
                Notification.useful_until >= now,
                Notification.about_id.is_(None),
            )
            .order_by(func.coalesce(Notification.due_at, Notification.useful_until), Notification.id)
            .limit(limit)
            .options(joinedload(Notification.account))
        )
    )


def is_seen(session: Session, actor: Actor, notification_id: int) -> bool:
    """True where the message went to one of the accounts this person answers for."""
    wanted = select(Notification.id).where(Notification.id == notification_id, _mine(actor))
    return session.scalar(wanted) is not None


def _mine(actor: Actor) -> ColumnElement[bool]:
    if not has_role(actor, "read_deliveries"):
        return false()
    if Role.ADMIN in actor.roles:
        return true()  # one walk through the table, not one through the index for every account
    return Notification.account_id.in_(select(UserAccount.id).where(own_organisation(actor)))


def _grouped(actor: Actor, starts: list[datetime], *parts: Any, where: Iterable[Any] = ()) -> Select[Any]:
    """(place of the day among those that begin at starts, parts, how many).

    From a subquery, because PostgreSQL takes an expression with parameters for another one when it stands in GROUP BY.
    """
    latest_first = reversed(list(enumerate(starts)))
    place = case(*((Notification.created_at >= start, place) for place, start in latest_first))
    columns = [place.label("place"), *(part.label(f"part_{number}") for number, part in enumerate(parts))]
    rows = select(*columns).where(_mine(actor), Notification.created_at >= starts[0], *where).subquery()
    return select(*rows.c, func.count()).group_by(*rows.c)


def _lost(actor: Actor, starts: list[datetime]) -> Select[Any]:
    """What was told in a message that has not arrived itself."""
    failed = aliased(Notification)
    lost = select(failed.id).where(failed.delivery_state == DeliveryState.FAILED, failed.id == Notification.gathered_in)
    suppressed = Notification.delivery_state == DeliveryState.SUPPRESSED
    told = Notification.gathered_in.is_not(None)
    return _grouped(actor, starts, Notification.last_error, where=(suppressed, told, lost.exists()))


def _seconds() -> Any:
    """From when a delivered message might go out to when Telegram had it; None for the others."""
    delivered = Notification.delivery_state == DeliveryState.DELIVERED
    return case((delivered, _epoch(Notification.delivered_at) - _epoch(Notification.not_before)))


def _count(day: Day, delivery: DeliveryState, is_again: bool, why: str, number: int) -> None:
    if delivery is DeliveryState.DELIVERED:
        day.delivered += number
    elif delivery is DeliveryState.FAILED:
        day.failed += number
    elif delivery is DeliveryState.SUPPRESSED:
        day.suppressed[why] += number
    elif delivery is DeliveryState.PENDING and is_again:
        day.retrying += number
    else:
        day.waiting += number


def _epoch(column: Any) -> Any:
    """Whole seconds on both databases."""
    return cast(extract("epoch", column), BigInteger)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=clock.zone())
