"""By which channel a person gets letters, which letters are to leave, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session, joinedload

from core import settings
from core.actors import Actor
from core.models.accounts import ChatBinding, TellingChoice, UserAccount
from core.models.letters import NoticeLetter
from core.models.records import Notification
from core.queries.accounts import own_organisation
from core.queries.telling import choice_of
from core.rules.letters import ROBOTS, UNDER_WAY, Channel, LetterState, channels_in
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import BindingState

SILENT_FOR = timedelta(hours=1)  # a request that Telegram has not taken for so long leaves as a letter as well


@dataclass(frozen=True, slots=True)
class Ways:
    """The channels that reach a person, the first one first, and the key of their robot, where they have one."""

    channels: tuple[Channel, ...]
    robot: tuple[Channel, str] | None = None

    @property
    def first(self) -> Channel | None:
        """The one that is tried first."""
        return self.channels[0] if self.channels else None


def installed() -> tuple[Channel, ...]:
    """The channels of this installation."""
    return channels_in(settings.current().notify_urls)


def ways_of(session: Session, account: UserAccount) -> Ways:
    """What the installation has and the person has an address for; their own choice first."""
    choice = choice_of(session, account.id)
    chosen = choice.letter_channel if choice is not None else None
    robot = (chosen, choice.robot_key) if choice is not None and chosen is not None and choice.robot_key else None
    has = {Channel.SMS: bool(account.mobile), Channel.MAIL: bool(account.email)}
    if robot is not None:
        has[robot[0]] = True
    usable = [channel for channel in installed() if has.get(channel)]
    return Ways(tuple(sorted(usable, key=lambda one: one is not chosen)), robot)


def can_be_reached() -> ColumnElement[bool]:
    """Accounts with a working channel: a bound chat, or a channel of the installation they have an address for."""
    bound = select(ChatBinding.account_id).where(ChatBinding.state == BindingState.ACTIVE).correlate(None)
    here = installed()
    robots = [channel for channel in here if channel in ROBOTS]
    own = select(TellingChoice.account_id).where(TellingChoice.letter_channel.in_(robots)).correlate(None)
    return or_(
        UserAccount.id.in_(bound),
        UserAccount.mobile != "" if Channel.SMS in here else false(),
        UserAccount.email != "" if Channel.MAIL in here else false(),
        UserAccount.id.in_(own) if robots else false(),
    )


def letters_due(now: datetime) -> Select[int]:
    """Letters whose time has come, and those of a sender that died."""
    return (
        select(NoticeLetter.id)
        .where(
            NoticeLetter.next_attempt_at <= now,
            or_(
                NoticeLetter.state == LetterState.WAITING,
                and_(NoticeLetter.state == LetterState.SENDING, NoticeLetter.lease_until < now),
            ),
        )
        .order_by(NoticeLetter.next_attempt_at, NoticeLetter.id)
    )


def unheard_requests(now: datetime) -> Select[int]:
    """Open requests the chat has not taken for SILENT_FOR, without a letter yet."""
    return (
        select(Notification.id)
        .where(
            Notification.delivery_state == DeliveryState.PENDING,
            Notification.attempts > 0,
            Notification.not_before < now - SILENT_FOR,
            Notification.reply_state == ReplyState.OPEN,
            Notification.digest_on.is_(None),
            Notification.id.not_in(select(NoticeLetter.notification_id)),
        )
        .order_by(Notification.id)
        .limit(100)
    )


def late_letters(session: Session, since: datetime) -> int:
    """How many should have left long ago."""
    late = select(func.count(NoticeLetter.id)).where(
        NoticeLetter.state.in_(UNDER_WAY), NoticeLetter.next_attempt_at < since
    )
    return session.scalar(late) or 0


# -- what became of them -----------------------------------------------------------------------------------------------


def letter_counts(session: Session, actor: Actor, since: datetime) -> dict[tuple[Channel | None, LetterState], int]:
    """How many letters to people of one's organisation stand where since an instant; None: no channel took it yet."""
    rows = session.execute(
        select(NoticeLetter.channel, NoticeLetter.state, func.count())
        .join(Notification)
        .join(UserAccount)
        .where(own_organisation(actor), NoticeLetter.created_at >= since)
        .group_by(NoticeLetter.channel, NoticeLetter.state)
    )
    return {(channel, state): number for channel, state, number in rows}


def failed_letters(session: Session, actor: Actor, since: datetime, *, limit: int) -> list[NoticeLetter]:
    """The newest letters no channel has taken."""
    return list(
        session.scalars(
            select(NoticeLetter)
            .join(Notification)
            .join(UserAccount)
            .where(
                own_organisation(actor),
                NoticeLetter.created_at >= since,
                NoticeLetter.state == LetterState.FAILED,
            )
            .order_by(NoticeLetter.id.desc())
            .limit(limit)
            .options(joinedload(NoticeLetter.notification).joinedload(Notification.account))
        )
    )


def letters_of(session: Session, notification_ids: Iterable[int]) -> dict[int, NoticeLetter]:
    """By the message they tell."""
    wanted = select(NoticeLetter).where(NoticeLetter.notification_id.in_(list(notification_ids)))
    return {letter.notification_id: letter for letter in session.scalars(wanted)}
