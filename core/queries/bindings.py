"""Which chat an account is bound to, was bound to, or waits to be bound to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, case, exists, func, select
from sqlalchemy.orm import Session

from core.models.accounts import AccountRole, ChatBinding, OneTimeCode, UserAccount
from core.queries.accounts import people
from core.rules.organisations import ASK_STILL_YOU_EVERY, BindingState, Reach, Role, grantable


def waiting_binding(session: Session, account_id: int) -> ChatBinding | None:
    """The new chat that a second person has to confirm (chat.md, lost phone)."""
    return session.scalar(
        select(ChatBinding).where(ChatBinding.account_id == account_id, ChatBinding.state == BindingState.WAITING)
    )


def waiting_of_chat(session: Session, telegram_user_id: int) -> ChatBinding | None:
    """The same, asked by the Telegram user who waits."""
    return session.scalar(
        select(ChatBinding)
        .where(ChatBinding.telegram_user_id == telegram_user_id, ChatBinding.state == BindingState.WAITING)
        .order_by(ChatBinding.id.desc())
        .limit(1)
    )


def newest_binding(session: Session, account_id: int) -> ChatBinding | None:
    """The last thing that happened between an account and a chat."""
    return session.scalar(
        select(ChatBinding).where(ChatBinding.account_id == account_id).order_by(ChatBinding.id.desc()).limit(1)
    )


def trusted_user(session: Session, account_id: int) -> int | None:
    """The Telegram user an account was last bound to in earnest: at first, or with a second person's word.

    A binding that waited and was turned down has proved nothing, however often it is tried.
    """
    trusted: int | None = None
    for row in session.scalars(
        select(ChatBinding).where(ChatBinding.account_id == account_id).order_by(ChatBinding.id)
    ):
        if trusted is None or row.confirmed_by is not None:
            trusted = row.telegram_user_id
    return trusted


def asker_of_code(session: Session, account_id: int) -> int | None:
    """Who asked for the binding code that was used last; the account itself, or whoever looks after it."""
    return session.scalar(
        select(OneTimeCode.created_by)
        .where(OneTimeCode.account_id == account_id, OneTimeCode.purpose == "binding", OneTimeCode.used_at.is_not(None))
        .order_by(OneTimeCode.used_at.desc(), OneTimeCode.id.desc())
        .limit(1)
    )


def managers_of(session: Session, account: UserAccount) -> list[int]:
    """Whoever may confirm a new chat of this account: those of its college who could have made it, else the platform's.

    Never the account itself.
    """
    held = {row.role for row in account.roles}
    inside = []
    if account.college_id is not None:
        staff = people(Role.COORDINATOR, Role.SIGNATORY).where(UserAccount.college_id == account.college_id)
        inside = [ident for ident in session.scalars(staff) if ident != account.id]
    fit = [ident for ident in inside if held <= grantable(_roles(session, ident))]
    return fit or [ident for ident in session.scalars(people(Role.ADMIN)) if ident != account.id]


def _roles(session: Session, account_id: int) -> list[Role]:
    return list(session.scalars(select(AccountRole.role).where(AccountRole.account_id == account_id)))


def still_you_due(now: datetime) -> Select[int]:
    """Chats in use whose quarter is over."""
    last = func.coalesce(ChatBinding.asked_at, ChatBinding.bound_at)
    return (
        select(ChatBinding.id)
        .where(ChatBinding.state == BindingState.ACTIVE, last <= now - ASK_STILL_YOU_EVERY)
        .order_by(ChatBinding.id)
        .limit(200)
    )


def reach_column() -> ColumnElement[str]:
    """Reach as SQL over UserAccount: waiting before bound before dead before none."""
    return case(
        (_has(BindingState.WAITING), Reach.WAITING.value),
        (_has(BindingState.ACTIVE), Reach.BOUND.value),
        (_newest_is_dead(), Reach.DEAD.value),
        else_=Reach.NONE.value,
    )


def reach_of(session: Session, account_id: int) -> Reach:
    """The same for one account."""
    return Reach(session.scalars(select(reach_column()).where(UserAccount.id == account_id)).one())


def _has(state: BindingState) -> ColumnElement[bool]:
    return exists().where(ChatBinding.account_id == UserAccount.id, ChatBinding.state == state)


def _newest_is_dead() -> ColumnElement[bool]:
    """Somebody who has unbound a dead chat is simply not bound."""
    newest = (
        select(ChatBinding.state)
        .where(ChatBinding.account_id == UserAccount.id)
        .order_by(ChatBinding.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return newest == BindingState.DEAD
