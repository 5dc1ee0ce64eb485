"""The outbox as its sender sees it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from core.models.certificates import CertificateIssuance
from core.models.records import Notification
from core.queries.accounts import active_binding
from core.queries.letters import late_letters
from core.queries.verifications import overdue
from core.rules.certificates import IssuanceState
from core.rules.notices import DeliveryState


def is_anything_due(session: Session, now: datetime) -> bool:
    """A cheap look before taking the write lock."""
    due = select(Notification.id).where(
        Notification.next_attempt_at <= now,
        Notification.digest_on.is_(None),
        or_(
            Notification.delivery_state == DeliveryState.PENDING,
            (Notification.delivery_state == DeliveryState.SENDING) & (Notification.lease_until < now),
        ),
    )
    return session.scalar(due.limit(1)) is not None


def stale_copies() -> Select[int]:
    """Delivered messages whose text no longer says the truth."""
    return (
        select(Notification.id)
        .where(
            Notification.is_stale,
            Notification.delivery_state == DeliveryState.DELIVERED,
            Notification.message_id.is_not(None),
        )
        .order_by(Notification.id)
        .limit(64)
    )


def earlier_copy(session: Session, row: Notification) -> int | None:
    """The message id of what this one goes on about, to be answered: the request it reminds of, or an earlier one."""
    if row.about_id is not None:
        return session.scalar(select(Notification.message_id).where(Notification.id == row.about_id))
    if row.thing_id is None:
        return None
    return session.scalar(
        select(Notification.message_id)
        .where(
            Notification.account_id == row.account_id,
            Notification.kind == row.kind,
            Notification.thing_type == row.thing_type,
            Notification.thing_id == row.thing_id,
            Notification.id != row.id,
            Notification.message_id.is_not(None),
        )
        .order_by(Notification.id.desc())
        .limit(1)
    )


def chat_of(session: Session, account_id: int) -> int | None:
    """Where to reach an account: in private chats the chat's id is the user's."""
    binding = active_binding(session, account_id)
    return binding.telegram_user_id if binding else None


def stuck_work(session: Session, now: datetime, *, since: datetime) -> dict[str, int]:
    """What should have moved long ago, counted; empty when all is well."""
    late = session.scalar(
        select(func.count(Notification.id)).where(
            Notification.delivery_state.in_([DeliveryState.PENDING, DeliveryState.SENDING]),
            Notification.next_attempt_at < since,
        )
    )
    unmade = session.scalar(
        select(func.count(CertificateIssuance.id)).where(
            CertificateIssuance.state == IssuanceState.GENERATING, CertificateIssuance.updated_at < since
        )
    )
    counted = {"messages": late or 0, "certificates": unmade or 0, "verifications": overdue(session, since)}
    counted["letters"] = late_letters(session, since)
    return {name: count for name, count in counted.items() if count}
