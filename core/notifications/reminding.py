"""Messages about messages: a reminder of a request, the digest of a day, a burst told as one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from core.models.records import Notification
from core.notifications import audiences
from core.notifications.message import KINDS, Button, Message, told
from core.notifications.wording import head_of
from core.queries.accounts import actor_for
from core.queries.late import late_things
from core.rules.notices import ReplyState
from core.rules.telling import Escalation

_NOTICES = "/admin/notices"
_LINES = 5  # of a digest: more is read in the panel
_LONGEST_LINE = 44


@told
@dataclass(frozen=True, slots=True)
class Reminder(Message):
    """An open request said again, with its own keys, as an answer to its first message (chat.md, reminders)."""

    kind: ClassVar[str] = "telling.reminder"
    useful_for: ClassVar[timedelta] = timedelta(days=3)
    notification_id: int
    rung: int

    def recipients(self, session: Session) -> Iterable[int]:
        return [self._request(session).account_id]

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        row = self._request(session)
        if row.thing_type is None or row.thing_id is None:
            return None
        return row.thing_type, row.thing_id, row.thing_version or 0

    def due_at(self, session: Session, now: datetime) -> datetime | None:
        return self._request(session).due_at

    def about(self) -> int | None:
        return self.notification_id

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        return {"due_at": self._request(session).due_at}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        """Work that is done is not announced."""
        row = self._request(session)
        return row.reply_state is ReplyState.OPEN and _message(row).is_still_true(session, now)

    def _request(self, session: Session) -> Notification:
        return session.get_one(Notification, self.notification_id)


@told
@dataclass(frozen=True, slots=True)
class Escalated(Message):
    """A request that stays open, told to whoever answers for it; request: its dedupe key, the same for all asked."""

    kind: ClassVar[str] = "telling.escalated"
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看逾期事项", page="/admin/late/"),)
    notification_id: int
    request: str

    def dedupe_key(self) -> str:
        return f"{self.kind}:{self.request}"

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.leaders_over(session, self._row(session).account)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        row = self._row(session)
        account = row.account
        home = account.college or account.org or account.authority
        return {
            "head": next(_heads([row], session, now), "一项待办"),
            "organisation": home.name if home else "平台",
            "role": "、".join(held.role.label for held in account.roles),
            "since": row.created_at,
            "due_at": row.due_at,
        }

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return self._row(session).reply_state is ReplyState.OPEN

    def _row(self, session: Session) -> Notification:
        return session.get_one(Notification, self.notification_id)


@told
@dataclass(frozen=True, slots=True)
class EscalatedOwn(Message):
    """The same for the person who was asked: each step is announced to them (chat.md)."""

    kind: ClassVar[str] = "telling.escalated_own"
    notification_id: int
    step: str
    people: int

    def recipients(self, session: Session) -> Iterable[int]:
        return [session.get_one(Notification, self.notification_id).account_id]

    def dedupe_key(self) -> str:
        return f"{self.kind}:{self.notification_id}:{self.step}"

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        row = session.get_one(Notification, self.notification_id)
        return {
            "head": next(_heads([row], session, now), "一项待办"),
            "is_deputy": self.step == Escalation.DEPUTY,
            "people": self.people,
            "code": row.task_code,
            "due_at": row.due_at,
        }

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(Notification, self.notification_id).reply_state is ReplyState.OPEN


@told
@dataclass(frozen=True, slots=True)
class WeeklyLate(Message):
    """What is late in somebody's organisation, on Monday mornings: whose turn it is and since when; week: in ISO."""

    kind: ClassVar[str] = "telling.weekly_late"
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看逾期事项", page="/admin/late/"),)
    is_alone: ClassVar[bool] = True
    account_id: int
    week: str

    def recipients(self, session: Session) -> Iterable[int]:
        return [self.account_id]

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        actor = actor_for(session, self.account_id, "jobs")
        items = late_things(session, actor, now) if actor else []
        return {"count": sum(item.count for item in items), "items": items[:_LINES], "more": len(items[_LINES:])}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return bool(self.details(session, now)["count"])


class _Gathering(Message):
    """Several messages told in one; account_id: whose."""

    account_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return [self.account_id]

    def _members(self, session: Session) -> list[Notification]:
        """Those that still hold, oldest first."""
        me = select(Notification.id).where(
            Notification.account_id == self.account_id, Notification.dedupe_key == self.dedupe_key()
        )
        return list(
            session.scalars(select(Notification).where(Notification.gathered_in.in_(me)).order_by(Notification.id))
        )


@told
@dataclass(frozen=True, slots=True)
class DailyDigest(_Gathering):
    """What is only information, once a day at half past eight; day: in ISO, so that a second run finds the first."""

    kind: ClassVar[str] = "telling.digest"
    is_alone: ClassVar[bool] = True
    buttons: ClassVar[tuple[Button, ...]] = (Button("在面板查看全部", page=_NOTICES),)
    useful_for: ClassVar[timedelta] = timedelta(days=2)
    account_id: int
    day: str

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        lines = list(_heads(self._members(session), session, now))
        return {"day": date.fromisoformat(self.day), "count": len(lines), "lines": lines[:_LINES]}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return any(True for _ in _heads(self._members(session), session, now))


@told
@dataclass(frozen=True, slots=True)
class Burst(_Gathering):
    """More than a few alike within minutes: one message whose number grows; of: their kind, since: in ISO."""

    kind: ClassVar[str] = "telling.burst"
    is_alone: ClassVar[bool] = True
    buttons: ClassVar[tuple[Button, ...]] = (Button("在面板查看全部", page=_NOTICES),)
    account_id: int
    of: str
    since: str

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        mine = self._members(session)
        latest = list(_heads(mine[-1:], session, now))
        asks = KINDS[self.of].asks or self.of == Reminder.kind
        return {"count": len(mine), "latest": latest[0] if latest else "", "asks": asks}


GATHERINGS = (DailyDigest.kind, Burst.kind)


def listed_singly(account_id: int | None) -> ColumnElement[bool]:
    """What the panel lists of a person's messages: not what only says others again, which stand there themselves."""
    return and_(
        Notification.account_id == account_id,
        Notification.about_id.is_(None),
        Notification.kind.not_in(GATHERINGS),
    )


def _heads(rows: Iterable[Notification], session: Session, now: datetime) -> Iterator[str]:
    """The first line of each message that still holds; those whose thing is gone say nothing."""
    yield from filter(None, (head_line(row, session, now) for row in rows))


def head_line(row: Notification, session: Session, now: datetime) -> str:
    """The first line of a message, cut to a line's length; "" where it holds no longer, or its thing is gone."""
    try:
        message = _message(row)
        if not message.is_still_true(session, now):
            return ""
        head = head_of(row.kind, message.details(session, now), now)
    except (LookupError, TypeError, ValueError, NoResultFound):
        return ""
    return head if len(head) <= _LONGEST_LINE else f"{head[: _LONGEST_LINE - 1]}…"


def _message(row: Notification) -> Message:
    return KINDS[row.kind](**json.loads(row.facts))
