"""Letters: what leaves by another channel than the chat."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Base, is_in
from core.models.records import Notification
from core.rules.letters import Channel, LetterState


class NoticeLetter(Base):
    """备用渠道消息: a message to somebody whom no chat reaches, by the channel that took it; one per message.

    tried: how often a channel refused it; a letter that may have left says 重发 the next time.
    """

    __tablename__ = "notice_letters"
    __audited__ = False  # its own columns are its history

    notification_id: Mapped[int] = mapped_column(ForeignKey("notifications.id", ondelete="CASCADE"), unique=True)
    state: Mapped[LetterState] = mapped_column(default=LetterState.WAITING)
    channel: Mapped[Channel | None]
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    tried: Mapped[int] = mapped_column(default=0)
    may_have_left: Mapped[bool] = mapped_column(default=False)
    handed_over_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(200))

    notification: Mapped[Notification] = relationship()

    __table_args__ = (
        Index("ix_notice_letters_due", "state", "next_attempt_at"),
        CheckConstraint(
            f"({is_in('state', [LetterState.HANDED_OVER])}) = (handed_over_at IS NOT NULL)", name="handed_over_has_time"
        ),
        CheckConstraint("handed_over_at IS NULL OR channel IS NOT NULL", name="handed_over_has_channel"),
    )
