"""What the acceptance tests of chat.md share: the sender beside the bot, people in other states, and what was kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from core import clock
from core.db import Tx, reading
from core.gateways import telegram
from core.gateways.telegram import Pacer, Telegram
from core.models.accounts import AccountRole, ChatBinding, UserAccount
from core.models.records import AuditEntry, Notification
from core.notifications.message import Message
from core.notifications.pilots import ApplicationDecided
from core.queries.notices import is_anything_due
from core.queries.reconcile import reconcile
from core.rules.notices import DeliveryState
from core.rules.organisations import Role
from jobs import outbox
from tests.bot.conftest import STRANGER, Chat
from tests.bot.review_steps import AT_CITY, WHY, ident

PACE = 2_000  # messages a second: the tests' Telegram is not in a hurry


async def deliver(rounds: int = 20) -> None:
    """What the jobs process does until there is nothing more to do."""
    async with Telegram(pacer=Pacer(PACE)) as line:
        for _ in range(rounds):
            if not await outbox.deliver_once(line) and not _is_anything_due():
                return


def _is_anything_due() -> bool:
    with reading() as session:
        return is_anything_due(session, clock.now())


@contextmanager
def impatient() -> Iterator[None]:
    """The sender waits half a second for an answer, so that a lost one costs no more."""
    connection = telegram.Connection
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telegram, "Connection", lambda to, **given: connection(to, **given | {"read_timeout": 0.5}))
        yield


def clear_the_way(chat: Chat) -> None:
    """What the demo's world has told so far is out of the way; open requests stay open."""
    chat.do(
        lambda tx: tx.update_all(
            Notification,
            Notification.delivery_state == DeliveryState.PENDING,
            delivery_state=DeliveryState.SUPPRESSED,
            next_reminder_at=None,
            next_escalation_at=None,
        )
    )


def tell(chat: Chat, *messages: Message, to: str = "") -> None:
    """Queue messages, to everybody they concern or to one person."""
    people = [chat.account(to)] if to else None

    def queue(tx: Tx) -> None:
        for message in messages:
            tx.notify(message, to=people)

    chat.do(queue)


def result(chat: Chat, round_: int) -> ApplicationDecided:
    """An application of a college came back: its people are asked for 已知悉 within three days."""
    return ApplicationDecided(ident(chat, AT_CITY), False, WHY, round_)


def _copy(chat: Chat, login: str, round_: int) -> Notification | None:
    with reading() as session:
        mine = select(Notification).where(
            Notification.account_id == chat.account(login),
            Notification.dedupe_key == result(chat, round_).dedupe_key(),
        )
        return session.scalars(mine).one_or_none()


def was_told(chat: Chat, login: str, round_: int) -> bool:
    """True where somebody heard of a result."""
    return _copy(chat, login, round_) is not None


def copy_of(chat: Chat, login: str, round_: int) -> Notification:
    """What they heard, as it is now."""
    found = _copy(chat, login, round_)
    assert found is not None
    return found


def colleague(chat: Chat, of: str, role: Role, login: str = "tongshi") -> int:
    """A new account of somebody's organisation, its chat the stranger's; its id."""

    def make(tx: Tx) -> int:
        home = tx.get(UserAccount, chat.account(of))
        made = UserAccount(
            login=login,
            real_name="演同事",
            college_id=home.college_id,
            org_id=home.org_id,
            authority_id=home.authority_id,
        )
        made.roles = [AccountRole(role=role)]
        tx.add(made)
        tx.add(ChatBinding(account_id=made.id, telegram_user_id=STRANGER, bound_at=tx.now))
        return int(made.id)

    return int(chat.do(make))


def kept(action: str) -> int:
    """How many entries of the trail carry this action."""
    with reading() as session:
        return session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.action == action)) or 0


def told(kind: str) -> set[str]:
    """Logins of everybody who was told something of a kind."""
    with reading() as session:
        mine = select(UserAccount.login).join(Notification, Notification.account_id == UserAccount.id)
        return set(session.scalars(mine.where(Notification.kind == kind)))


def broken_laws() -> list[str]:
    """Sums that do not come out."""
    with reading() as session:
        return [law.name for law in reconcile(session) if law.broken]
