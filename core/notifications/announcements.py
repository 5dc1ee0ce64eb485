"""通知公告 on its way: told, to be confirmed, withdrawn. A chat shows the title; the text is read after login."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models.announcements import Announcement
from core.models.records import Notification
from core.notifications.message import Button, Message, Press, told
from core.queries.announcements import TELLING, addressed
from core.rules.announcements import LONGEST_TIME, AnnouncementState
from core.rules.telling import Tempo

_READ = Button("阅读全文", page="/admin/announcements/details/?id={announcement_id}")


class _AboutAnnouncement(Message):
    """Common to all."""

    is_personal: ClassVar[bool] = True  # nobody reads in somebody else's stead
    announcement_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return addressed(session, self._row(session))

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        return Announcement.__tablename__, self.announcement_id, self._row(session).version

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        row = self._row(session)
        return {
            "announcement_id": row.id,
            "kind": row.kind.label,
            "title": row.title,
            "issuer": row.issuer,
            "answer_until": row.answer_until,
            "is_withdrawn": row.state is AnnouncementState.WITHDRAWN,
            "reason": row.withdrawn_because,
        }

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return self._row(session).state is AnnouncementState.PUBLISHED

    def _row(self, session: Session) -> Announcement:
        return session.get_one(Announcement, self.announcement_id)


@told
@dataclass(frozen=True, slots=True)
class AnnouncementPublished(_AboutAnnouncement):
    """Information: with the day's digest."""

    kind: ClassVar[str] = "announcements.published"
    tempo: ClassVar[Tempo] = Tempo.DIGEST
    buttons: ClassVar[tuple[Button, ...]] = (_READ,)
    announcement_id: int


@told
@dataclass(frozen=True, slots=True)
class AnnouncementToConfirm(_AboutAnnouncement):
    """Everybody addressed says that they have read it, each for themselves."""

    kind: ClassVar[str] = "announcements.to_confirm"
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("确认已阅 1 份", press=Press.ACKNOWLEDGE),
        _READ,
        Button("稍后提醒", press=Press.SNOOZE),
    )
    asks: ClassVar[bool] = True
    useful_for: ClassVar[timedelta] = LONGEST_TIME + timedelta(days=30)  # a late receipt is one too
    announcement_id: int

    def due_at(self, session: Session, now: datetime) -> datetime | None:
        return self._row(session).answer_until


@told
@dataclass(frozen=True, slots=True)
class AnnouncementWithdrawn(_AboutAnnouncement):
    """Taken back: everybody who was told of it hears that too."""

    kind: ClassVar[str] = "announcements.withdrawn"
    announcement_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return session.scalars(
            select(Notification.account_id).where(
                Notification.thing_type == Announcement.__tablename__,
                Notification.thing_id == self.announcement_id,
                Notification.kind.in_(TELLING),
            )
        ).all()

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return True
