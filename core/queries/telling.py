"""Whose digest is due, which requests are to be said again, and how somebody wants to be told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from core.models.accounts import TellingChoice, UserAccount
from core.models.delegations import Delegation
from core.models.records import Notification
from core.queries.accounts import people
from core.queries.delegations import in_force
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import KEEPS_WORK
from core.rules.telling import NIGHT, QuietHours


def digests_due(now: datetime) -> Select[int]:
    """Accounts for whom information waits whose half past eight has come."""
    return (
        select(Notification.account_id)
        .where(
            Notification.delivery_state == DeliveryState.PENDING,
            Notification.next_attempt_at <= now,
            Notification.digest_on.is_not(None),
        )
        .distinct()
        .order_by(Notification.account_id)
    )


def reminders_due(now: datetime) -> Select[int]:
    """Open requests whose next reminder is due."""
    return (
        select(Notification.id)
        .where(Notification.next_reminder_at <= now, Notification.reply_state == ReplyState.OPEN)
        .order_by(Notification.next_reminder_at, Notification.id)
        .limit(200)
    )


def escalations_due(now: datetime) -> Select[int]:
    """Open requests somebody else has to hear of."""
    return (
        select(Notification.id)
        .where(Notification.next_escalation_at <= now, Notification.reply_state == ReplyState.OPEN)
        .order_by(Notification.next_escalation_at, Notification.id)
        .limit(200)
    )


def requests_over(now: datetime) -> Select[int]:
    """Open requests whose time has gone by without an answer, and those of deputies who stand in no longer."""
    stands_in = (
        select(Delegation.id)
        .where(
            Delegation.deputy_id == Notification.account_id,
            Delegation.principal_id == Notification.instead_of,
            in_force(now),
        )
        .exists()
    )
    is_over = or_(Notification.useful_until < now, and_(Notification.instead_of.is_not(None), ~stands_in))
    return (
        select(Notification.id)
        .where(Notification.reply_state == ReplyState.OPEN, is_over)
        .order_by(Notification.useful_until, Notification.id)
        .limit(200)
    )


def people_with_work() -> Select[int]:
    """Everybody in use who keeps something moving: all but candidates and invigilators."""
    return people(*KEEPS_WORK).order_by(UserAccount.id)


def choice_of(session: Session, account_id: int) -> TellingChoice | None:
    """What somebody has chosen; None for how everybody is told."""
    return session.scalars(select(TellingChoice).where(TellingChoice.account_id == account_id)).one_or_none()


def present_choice(session: Session, account_id: int) -> tuple[QuietHours, bool]:
    """The quiet hours in force for somebody, and whether information comes in a digest; chosen or not."""
    held = choice_of(session, account_id)
    return (NIGHT, True) if held is None else (QuietHours(held.quiet_from, held.quiet_until), held.wants_digest)
