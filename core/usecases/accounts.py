"""Accounts: making them, looking after them, and getting in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from core import settings
from core.db import Tx
from core.errors import AlreadyThere, NotPermitted, NotReady, ReasonMissing, Refusal, TooMany, ValueRefused
from core.gateways.courier import Letter
from core.models.accounts import AccountRole, UserAccount
from core.notifications.accounts import PasswordReset
from core.notifications.words import letter_text
from core.queries.accounts import account_by_login, disabled_home, newest_code, who_may_enable
from core.rules.organisations import (
    ACCOUNT,
    LOCK_MINUTES,
    WRONG_PASSWORDS_BEFORE_LOCK,
    AccountState,
    CodePurpose,
    Role,
    grantable,
)
from core.rules.permissions import permit
from core.usecases import one_time
from core.usecases.codes import send_code, use_code

SHORTEST_PASSWORD = 10
ACTIVATION_VALIDITY = timedelta(days=3)
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


def create_account(
    tx: Tx,
    *,
    login: str,
    real_name: str,
    roles: Iterable[Role],
    mobile: str = "",
    email: str = "",
    authority_id: int | None = None,
    org_id: int | None = None,
    college_id: int | None = None,
) -> UserAccount:
    """A new account without a password; the signing officer's is the college's one initial account (R-006)."""
    account = UserAccount(
        login=login.strip(),
        real_name=real_name,
        mobile=mobile,
        email=email,
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
    account.is_initial = Role.SIGNATORY in set(roles)  # a college's second one the table refuses
    account.roles = [AccountRole(role=role) for role in sorted(set(roles))]
    return tx.add(account)


def edit_account(
    tx: Tx, *, account_id: int, real_name: str, mobile: str = "", email: str = "", reason: str = ""
) -> UserAccount:
    """Another name, mobile or mail; an empty mobile or mail leaves the one there is.

    The signing officer's mobile is where results and new passwords go: it changes with a reason, by a platform
    administrator (G-39), and the college's registered mobile with it (R-043).
    """
    account = managed(tx, account_id)
    if account.is_initial and mobile and mobile != account.mobile:
        if not reason.strip():
            raise ReasonMissing("officer_mobile_reason", rule="G-39")
        _move_registered_mobile(tx, account, mobile, reason.strip())
    account.real_name = real_name
    account.mobile = mobile or account.mobile
    account.email = email or account.email
    tx.because(account, "edit", reason.strip())
    tx.session.flush()
    return account


def _move_registered_mobile(tx: Tx, account: UserAccount, mobile: str, reason: str) -> None:
    college = account.college
    if college is not None and college.registered_mobile and college.registered_mobile == account.mobile:
        college.registered_mobile = mobile
        tx.because(college, "change_registered_mobile", reason)


def managed(tx: Tx, account_id: int) -> UserAccount:
    """An account this actor looks after: never one with a role it could not have given."""
    account = tx.get(UserAccount, account_id)
    permit(tx.actor, "manage_accounts", account)
    _require_grantable(tx, {held.role for held in account.roles}, "account_not_yours")
    return account


def _require_grantable(tx: Tx, roles: set[Role], code: str) -> None:
    """R-006, R-240, R-254: colleges make no initial account, and only the signing officer names who signs for him."""
    for role in sorted(roles - grantable(tx.actor.roles)):
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
    account = managed(tx, account_id)
    return one_time.issue(tx, account, one_time.ACTIVATION, ACTIVATION_VALIDITY)


def send_activation_letter(tx: Tx, *, account_id: int) -> Letter:
    """The same link as a letter to the account's mobile or mail, for the courier to take after the commit."""
    account = managed(tx, account_id)
    if not account.mobile and not account.email:
        raise NotReady("letter_no_address", rule="§2.5")
    secret = one_time.issue(tx, account, one_time.ACTIVATION, ACTIVATION_VALIDITY)
    words = letter_text("activation", login=account.login, link=activation_link(secret), days=ACTIVATION_VALIDITY.days)
    return Letter(words, mobile=account.mobile, email=account.email)


def activation_link(secret: str) -> str:
    """Where the person opens the secret."""
    return f"{settings.current().base_url}/activate/{secret}"


def activate(tx: Tx, *, code: str, password: str, purpose: str = one_time.ACTIVATION) -> UserAccount:
    """Set the password of the account a one-time secret belongs to; those of staff and of candidates never mix."""
    row = one_time.use(tx, code, purpose)
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


def log_in(tx: Tx, *, login: str, password: str, is_candidate: bool = False) -> UserAccount | Refusal:
    """The account, or why not. A value and not an exception, because a wrong password has to be counted and kept.

    Five wrong ones lock the account for a quarter of an hour (§3.5); unknown logins answer just as slowly and alike.
    is_candidate: which of the two doors this is; at the other one an account is unknown (R-097).
    """
    account = account_by_login(tx.session, login.strip())
    if account is None or (account.candidate_id is not None) is not is_candidate:
        _matches_hash(_NOBODY, password)
        return ValueRefused("wrong_login")
    held_up = require_in_use(tx, account)
    if held_up is not None:
        return held_up
    if not _matches(account, password):
        return count_wrong(tx, account, ValueRefused("wrong_login"))
    if account.second_factor_since is None:
        account.wrong_passwords = 0  # else only the second factor ends the count: half of the way in proves nothing
    account.last_login_at = tx.now
    tx.because(account, "log_in")
    return account


def require_in_use(tx: Tx, account: UserAccount) -> Refusal | None:
    """Why an account cannot be used now, or None; a lock whose time is over is taken off (§3.5)."""
    _unlock_when_due(tx, account)
    if account.state is AccountState.LOCKED:
        return TooMany("account_locked", rule="§3.5", until=account.locked_until)
    if account.state is AccountState.DISABLED:
        return NotPermitted("account_disabled", rule="§3.5")
    home = disabled_home(account)
    if home is not None:
        facts = {"organisation": home.name, "contact": who_may_enable(tx.session, home)}
        return NotPermitted("organisation_disabled", rule="§3.4", **facts)
    return None


def count_wrong(tx: Tx, account: UserAccount, refusal: Refusal) -> Refusal:
    """One wrong password or second factor more; the refusal, or the one of an account that is locked by it (§3.5)."""
    account.wrong_passwords += 1
    tx.because(account, "wrong_password")
    tx.session.flush()
    if account.wrong_passwords < WRONG_PASSWORDS_BEFORE_LOCK:
        return refusal
    until = tx.now + timedelta(minutes=LOCK_MINUTES)
    tx.advance(account, ACCOUNT, "lock", locked_until=until, wrong_passwords=0)
    return TooMany("account_locked", rule="§3.5", until=until)


def _unlock_when_due(tx: Tx, account: UserAccount) -> None:
    if account.state is AccountState.LOCKED and account.locked_until and account.locked_until <= tx.now:
        tx.advance(account, ACCOUNT, "unlock", locked_until=None)


def ask_to_reset(tx: Tx, *, login: str) -> Letter | None:
    """忘记密码: a code to the bound chat, else the mobile or mail; a letter is for the courier, after the commit.

    Says nothing of whether there is such an account, whether it can be reached, or whether a code was sent just now.
    """
    account = account_by_login(tx.session, login.strip())
    if account is None or account.state is AccountState.DISABLED or account.candidate_id is not None:
        return None
    try:
        return send_code(tx, purpose=CodePurpose.RESET_PASSWORD, account_id=account.id).letter
    except (TooMany, NotReady):
        return None


def reset_password(tx: Tx, *, login: str, typed: str, password: str) -> UserAccount | Refusal:
    """A new password by the code that was sent last; ends a lock and every login, and tells the person (§3.5, G-08).

    One answer for every wrong code and every unknown login; a value, for wrong tries are counted and kept.
    """
    _require_strong(password)
    wrong = ValueRefused("reset_code_wrong", rule="T-20")
    account = account_by_login(tx.session, login.strip())
    if account is None or account.state is AccountState.DISABLED or account.candidate_id is not None:
        return wrong
    code_id = newest_code(tx.session, CodePurpose.RESET_PASSWORD, account.id)
    purpose, who = CodePurpose.RESET_PASSWORD, account.id
    if code_id is None or use_code(tx, code_id=code_id, typed=typed, purpose=purpose, account_id=who) is not None:
        return wrong
    _set_password(tx, account, password)
    tx.notify(PasswordReset(account.id, tx.now.isoformat()))
    return account


def disable_account(tx: Tx, *, account_id: int) -> None:
    """No login, no messages, until enabled again."""
    account = managed(tx, account_id)
    tx.advance(account, ACCOUNT, "disable")


def enable_account(tx: Tx, *, account_id: int) -> None:
    """Undo disable_account."""
    account = managed(tx, account_id)
    tx.advance(account, ACCOUNT, "enable", locked_until=None, wrong_passwords=0)


def _set_password(tx: Tx, account: UserAccount, password: str) -> None:
    _require_strong(password)
    if account.state is AccountState.LOCKED:
        tx.advance(account, ACCOUNT, "unlock", locked_until=None)
    account.password_hash = _hasher.hash(password)
    account.must_change_password = False
    account.wrong_passwords = 0
    tx.because(account, "set_password")
    tx.session.flush()


def _require_strong(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD or password.isdigit() or password.isalpha():
        raise ValueRefused("password_too_weak", rule="G-08", length=SHORTEST_PASSWORD)


def _matches(account: UserAccount, password: str) -> bool:
    return _matches_hash(account.password_hash or _NOBODY, password) and account.password_hash is not None


def _matches_hash(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
