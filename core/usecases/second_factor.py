"""动态口令: a second factor for those who sign or approve, and the words that stand in for a lost one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import delete, select

from core import clock
from core.db import Tx
from core.errors import AlreadyThere, NotPermitted, NotReady, Refusal, ValueRefused
from core.gateways import vault
from core.models.accounts import RecoveryCode, UserAccount
from core.notifications.accounts import SecondFactorReset
from core.queries.accounts import secret_hash
from core.rules.permissions import permit
from core.rules.reasons import require_tellable
from core.rules.second_factor import (
    ALPHABET,
    RECOVERY_CODES,
    matching_step,
    recovery_length,
    recovery_letters,
    recovery_word,
)
from core.usecases.accounts import count_wrong, require_in_use

_ISSUER = "考务"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs: the secret as text, and the address behind the QR code."""

    secret: str
    uri: str


def begin_second_factor(tx: Tx) -> Enrolment:
    """A fresh secret for one's own account; it counts for nothing until confirmed, an unconfirmed one is replaced."""
    account = _own(tx)
    if account.second_factor_since is not None:
        raise AlreadyThere("second_factor_in_use", rule="§2.5")
    secret = pyotp.random_base32()
    account.second_factor_secret = vault.shut(secret)
    account.second_factor_step = None
    tx.because(account, "begin_second_factor")
    tx.session.flush()
    return _enrolment(account, secret)


def pending_enrolment(tx: Tx) -> Enrolment | None:
    """The secret that waits to be confirmed, so that the page can show it again after a typing slip."""
    account = _own(tx)
    if account.second_factor_since is not None or account.second_factor_secret is None:
        return None
    secret = vault.opened(account.second_factor_secret)
    return None if secret is None else _enrolment(account, secret)


def _enrolment(account: UserAccount, secret: str) -> Enrolment:
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=account.login, issuer_name=_ISSUER))


def confirm_second_factor(tx: Tx, *, typed: str) -> list[str] | Refusal:
    """In use from now on, once the app has shown a right code; returns ten recovery words, shown this once.

    A wrong code is a value, for it has to be counted like a wrong password.
    """
    account = _own(tx)
    if account.second_factor_since is not None:
        raise AlreadyThere("second_factor_in_use", rule="§2.5")
    if account.second_factor_secret is None:
        raise NotReady("second_factor_not_begun", rule="§2.5")
    step = _step(tx, account, typed)
    if step is None:
        return count_wrong(tx, account, ValueRefused("second_factor_wrong", rule="§2.5"))
    account.second_factor_since, account.second_factor_step = tx.now, step
    account.wrong_passwords = 0
    tx.because(account, "confirm_second_factor")
    return _fresh_words(tx, account)


def _fresh_words(tx: Tx, account: UserAccount) -> list[str]:
    tx.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    letters = ["".join(secrets.choice(ALPHABET) for _ in range(recovery_length())) for _ in range(RECOVERY_CODES)]
    rows = [{"account_id": account.id, "code_hash": secret_hash(word), "used_at": None} for word in letters]
    tx.insert_all(RecoveryCode, rows)
    return [recovery_word(word) for word in letters]


def prove_second_factor(tx: Tx, *, account_id: int, typed: str) -> Refusal | None:
    """None when the code or a recovery word is right, and used up; wrong ones are counted like passwords (§3.5).

    For oneself, or for the account whose password has just been right and who is nobody yet.
    """
    if tx.actor.account_id not in (None, account_id):
        raise NotPermitted(rule="§2.5", act="prove_second_factor")
    account = tx.lock(UserAccount, account_id)
    held_up = require_in_use(tx, account)
    if held_up is not None:
        return held_up
    if account.second_factor_since is None:
        raise NotReady("second_factor_not_begun", rule="§2.5")
    step = _step(tx, account, typed)
    if step is not None:
        account.second_factor_step = step
    elif not _use_word(tx, account, typed):
        return count_wrong(tx, account, ValueRefused("second_factor_wrong", rule="§2.5"))
    account.wrong_passwords = 0
    tx.because(account, "prove_second_factor")
    tx.session.flush()
    return None


def _step(tx: Tx, account: UserAccount, typed: str) -> int | None:
    """Authenticator apps know nothing of the demo's travels: the machine's own time counts."""
    secret = vault.opened(account.second_factor_secret or "")
    if secret is None:
        raise NotReady("second_factor_unreadable", rule="§2.5")
    return matching_step(secret, typed, _machine_time(tx), account.second_factor_step)


def _machine_time(tx: Tx) -> datetime:
    return tx.now - clock.offset()


def _use_word(tx: Tx, account: UserAccount, typed: str) -> bool:
    letters = recovery_letters(typed)
    row: RecoveryCode | None = tx.first(
        select(RecoveryCode).where(
            RecoveryCode.account_id == account.id,
            RecoveryCode.code_hash == secret_hash(letters),
            RecoveryCode.used_at.is_(None),
        )
    )
    if row is None or len(letters) != recovery_length():
        return False
    row.used_at = tx.now
    tx.because(row, "use")
    return True


def end_second_factor(tx: Tx, *, typed: str) -> Refusal | None:
    """Off again, or on to another phone: needs a code of its own."""
    account = _own(tx)
    refusal = prove_second_factor(tx, account_id=account.id, typed=typed)
    if refusal is None:
        _forget(tx, account, "end_second_factor")
    return refusal


def reset_second_factor(tx: Tx, *, account_id: int, reason: str) -> None:
    """A platform administrator takes it off an account whose phone and words are lost; the person hears why."""
    account = tx.get(UserAccount, account_id)
    permit(tx.actor, "reset_second_factor", account)
    if account.id == tx.actor.account_id:
        raise NotPermitted("second_factor_own", rule="§2.5", act="reset_second_factor")
    words = require_tellable(reason, rule="§2.5")
    if account.second_factor_since is None:
        raise NotReady("second_factor_not_begun", rule="§2.5")
    _forget(tx, account, "reset_second_factor", words)
    tx.notify(SecondFactorReset(account.id, words, tx.now.isoformat()))


def _forget(tx: Tx, account: UserAccount, action: str, reason: str = "") -> None:
    tx.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    account.second_factor_secret = account.second_factor_since = account.second_factor_step = None
    tx.because(account, action, reason)
    tx.session.flush()


def _own(tx: Tx) -> UserAccount:
    if tx.actor.account_id is None:
        raise NotPermitted(rule="§2.5", act="second_factor")
    return tx.lock(UserAccount, tx.actor.account_id)
