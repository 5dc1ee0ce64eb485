"""Accounts: making them, getting in, and binding a chat to them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select

from core.db import Tx
from core.errors import AlreadyThere, NotPermitted, Refusal, TooMany, ValueRefused
from core.models.accounts import AccountRole, ChatBinding, OneTimeCode, UserAccount
from core.queries.accounts import account_by_login, active_binding, code_row, secret_hash
from core.rules.organisations import (
    ACCOUNT,
    BINDING,
    LOCK_MINUTES,
    WRONG_PASSWORDS_BEFORE_LOCK,
    AccountState,
    BindingState,
    Role,
)
from core.rules.permissions import permit

SHORTEST_PASSWORD = 10
_BINDING_VALIDITY = timedelta(minutes=15)
_ACTIVATION_VALIDITY = timedelta(days=3)
_hasher = PasswordHasher(time_cost=2, memory_cost=32 * 1024, parallelism=1)
_NOBODY = _hasher.hash("a password nobody has")  # so that unknown logins take as long as known ones

_OWNER_OF_ROLE = {
    Role.PROVINCE: "authority_id",
    Role.CITY: "authority_id",
    Role.TEO: "org_id",
    Role.COORDINATOR: "college_id",
    Role.SIGNATORY: "college_id",
    Role.SIGN_REVIEWER: "college_id",
    Role.INVIGILATOR: "college_id",
    Role.CANDIDATE: "candidate_id",
}

_GRANTED_BY = {
    Role.COORDINATOR: {Role.COORDINATOR, Role.INVIGILATOR},
    Role.SIGNATORY: {Role.COORDINATOR, Role.INVIGILATOR, Role.SIGN_REVIEWER},
}


def create_account(
    tx: Tx,
    *,
    login: str,
    real_name: str,
    roles: Iterable[Role],
    mobile: str = "",
    authority_id: int | None = None,
    org_id: int | None = None,
    college_id: int | None = None,
) -> UserAccount:
    """A new account without a password; the signing officer's is the college's one initial account (R-006)."""
    account = UserAccount(
        login=login.strip(),
        real_name=real_name,
        mobile=mobile,
        authority_id=authority_id,
        org_id=org_id,
        college_id=college_id,
        must_change_password=True,
    )
    permit(tx.actor, "manage_accounts", account)
    _require_grantable(tx, set(roles), "role_not_yours")
    _require_fitting(account, set(roles))
    if account_by_login(tx.session, account.login):
        raise AlreadyThere("login_taken", rule="§2.5", login=account.login)
    account.is_initial = Role.SIGNATORY in set(roles)
    account.roles = [AccountRole(role=role) for role in sorted(set(roles))]
    return tx.add(account)


def _managed(tx: Tx, account_id: int) -> UserAccount:
    """An account this actor looks after: never one with a role it could not have given."""
    account = tx.get(UserAccount, account_id)
    permit(tx.actor, "manage_accounts", account)
    _require_grantable(tx, {held.role for held in account.roles}, "account_not_yours")
    return account


def _require_grantable(tx: Tx, roles: set[Role], code: str) -> None:
    """R-006, R-240, R-254: colleges make no initial account, and only the signing officer names who signs for him."""
    if Role.ADMIN in tx.actor.roles:
        return
    grantable = {role for holder, granted in _GRANTED_BY.items() if holder in tx.actor.roles for role in granted}
    for role in sorted(roles - grantable):
        raise NotPermitted(code, rule="R-006", act="manage_accounts", role=role.label)


def _require_fitting(account: UserAccount, roles: set[Role]) -> None:
    if not account.login or not roles:
        raise ValueRefused("account_incomplete", rule="§2.5")
    for role in roles:
        owner = _OWNER_OF_ROLE.get(role)
        if owner is not None and getattr(account, owner) is None:
            raise ValueRefused("role_needs_organisation", rule="§2.5", role=role.label)


def issue_activation_code(tx: Tx, *, account_id: int) -> str:
    """A one-time secret with which the person sets a password; earlier ones stop working."""
    account = _managed(tx, account_id)
    return _issue(tx, account, "activation", _ACTIVATION_VALIDITY)


def activate(tx: Tx, *, code: str, password: str) -> UserAccount:
    """Set the password of the account a one-time activation code belongs to."""
    row = _use(tx, code, "activation")
    _set_password(tx, row.account, password)
    return row.account


def set_password(tx: Tx, *, account_id: int, password: str, old_password: str | None = None) -> None:
    """Change one's own password (the old one is asked for), or the system's choice for demo accounts."""
    account = tx.get(UserAccount, account_id)
    if not tx.actor.is_system:
        if tx.actor.account_id != account_id:
            raise NotPermitted(rule="§2.5", act="set_password")
        if not _matches(account, old_password or ""):
            raise ValueRefused("wrong_password")
    _set_password(tx, account, password)


def log_in(tx: Tx, *, login: str, password: str) -> UserAccount | Refusal:
    """The account, or why not. A value and not an exception, because a wrong password has to be counted and kept.

    Five wrong ones lock the account for a quarter of an hour (§3.5); unknown logins answer just as slowly and alike.
    """
    account = account_by_login(tx.session, login.strip())
    if account is None:
        _matches_hash(_NOBODY, password)
        return ValueRefused("wrong_login")
    _unlock_when_due(tx, account)
    if account.state is AccountState.LOCKED:
        return TooMany("account_locked", rule="§3.5", until=account.locked_until)
    if account.state is AccountState.DISABLED:
        return NotPermitted("account_disabled", rule="§3.5")
    if not _matches(account, password):
        return _count_wrong(tx, account)
    account.wrong_passwords = 0
    account.last_login_at = tx.now
    tx.because(account, "log_in")
    return account


def _count_wrong(tx: Tx, account: UserAccount) -> Refusal:
    account.wrong_passwords += 1
    tx.because(account, "wrong_password")
    tx.session.flush()
    if account.wrong_passwords < WRONG_PASSWORDS_BEFORE_LOCK:
        return ValueRefused("wrong_login")
    until = tx.now + timedelta(minutes=LOCK_MINUTES)
    tx.advance(account, ACCOUNT, "lock", locked_until=until, wrong_passwords=0)
    return TooMany("account_locked", rule="§3.5", until=until)


def _unlock_when_due(tx: Tx, account: UserAccount) -> None:
    if account.state is AccountState.LOCKED and account.locked_until and account.locked_until <= tx.now:
        tx.advance(account, ACCOUNT, "unlock", locked_until=None)


def issue_binding_code(tx: Tx, *, account_id: int | None = None) -> str:
    """A one-time secret for the chat's /start; for oneself, or for an account one manages."""
    account = tx.get(UserAccount, account_id or tx.actor.account_id or 0)
    if account.id != tx.actor.account_id and not tx.actor.is_system:
        _managed(tx, account.id)
    return _issue(tx, account, "binding", _BINDING_VALIDITY)


def bind_chat(tx: Tx, *, code: str, telegram_user_id: int) -> UserAccount:
    """Bind a Telegram user to the account of a one-time code; the same code by the same user again is no error.

    A user bound elsewhere must end that binding first; an account bound to another user moves to this one.
    """
    row = code_row(tx.session, code, "binding")
    if row is not None and row.used_at is not None:
        held = active_binding(tx.session, row.account_id)
        if held is not None and held.telegram_user_id == telegram_user_id:
            return row.account
    row = _use(tx, code, "binding")
    _require_free(tx, telegram_user_id, row.account_id)
    held = active_binding(tx.session, row.account_id)
    if held is not None and held.telegram_user_id == telegram_user_id:
        return row.account
    if held is not None:
        tx.advance(held, BINDING, "end", ended_at=tx.now, reason="re-bound")
    tx.add(ChatBinding(account_id=row.account_id, telegram_user_id=telegram_user_id, bound_at=tx.now))
    return row.account


def _require_free(tx: Tx, telegram_user_id: int, account_id: int) -> None:
    other = tx.first(
        select(ChatBinding).where(
            ChatBinding.telegram_user_id == telegram_user_id,
            ChatBinding.state == BindingState.ACTIVE,
            ChatBinding.account_id != account_id,
        )
    )
    if other is not None:
        raise AlreadyThere("chat_bound_elsewhere", rule="chat.md")


def end_binding(tx: Tx, *, account_id: int) -> None:
    """Unbind the chat of an account; pending messages stay in the panel."""
    account = tx.get(UserAccount, account_id)
    if account.id != tx.actor.account_id:
        _managed(tx, account.id)
    held = active_binding(tx.session, account_id)
    if held is not None:
        tx.advance(held, BINDING, "end", ended_at=tx.now)


def bury_binding(tx: Tx, *, account_id: int, reason: str) -> None:
    """Telegram says this chat is gone for good (blocked, deactivated); only the system learns that."""
    if not tx.actor.is_system:
        raise NotPermitted(rule="chat.md", act="bury_binding")
    held = active_binding(tx.session, account_id)
    if held is not None:
        tx.advance(held, BINDING, "die", ended_at=tx.now, reason=reason)


def disable_account(tx: Tx, *, account_id: int) -> None:
    """No login, no messages, until enabled again."""
    account = _managed(tx, account_id)
    tx.advance(account, ACCOUNT, "disable")


def enable_account(tx: Tx, *, account_id: int) -> None:
    """Undo disable_account."""
    account = _managed(tx, account_id)
    tx.advance(account, ACCOUNT, "enable", locked_until=None, wrong_passwords=0)


def _issue(tx: Tx, account: UserAccount, purpose: str, validity: timedelta) -> str:
    for old in tx.all(
        select(OneTimeCode).where(
            OneTimeCode.account_id == account.id, OneTimeCode.purpose == purpose, OneTimeCode.used_at.is_(None)
        )
    ):
        old.used_at = tx.now
    secret = secrets.token_urlsafe(18)
    tx.add(
        OneTimeCode(purpose=purpose, account_id=account.id, code_hash=secret_hash(secret), expires_at=tx.now + validity)
    )
    return secret


def _use(tx: Tx, secret: str, purpose: str) -> OneTimeCode:
    row = code_row(tx.session, secret, purpose)
    if row is None or row.used_at is not None or tx.now > row.expires_at:
        raise ValueRefused("code_invalid", rule="chat.md")
    if row.account.state is AccountState.DISABLED:
        raise NotPermitted("account_disabled", rule="§3.5")
    row.used_at = tx.now
    tx.because(row, "use")
    return row


def _set_password(tx: Tx, account: UserAccount, password: str) -> None:
    if len(password) < SHORTEST_PASSWORD or password.isdigit() or password.isalpha():
        raise ValueRefused("password_too_weak", rule="G-08", length=SHORTEST_PASSWORD)
    account.password_hash = _hasher.hash(password)
    account.must_change_password = False
    account.wrong_passwords = 0
    tx.because(account, "set_password")
    tx.session.flush()


def _matches(account: UserAccount, password: str) -> bool:
    return _matches_hash(account.password_hash or _NOBODY, password) and account.password_hash is not None


def _matches_hash(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
