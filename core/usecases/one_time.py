"""Secrets that work once: shown to somebody now, kept as a digest, given back within their time."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import select

from core.db import Tx
from core.errors import NotPermitted, ValueRefused
from core.models.accounts import OneTimeCode, UserAccount
from core.queries.accounts import code_row, secret_hash
from core.rules.organisations import AccountState

ACTIVATION, BINDING = "activation", "binding"  # what a secret is for


def issue(tx: Tx, account: UserAccount, purpose: str, validity: timedelta) -> str:
    """A fresh secret; earlier ones of this account and purpose stop working."""
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


def use(tx: Tx, secret: str, purpose: str) -> OneTimeCode:
    """The row behind a secret, used up; ValueRefused for old, used and invented ones."""
    row = code_row(tx.session, secret, purpose)
    if row is None or row.used_at is not None or tx.now > row.expires_at:
        raise ValueRefused("code_invalid", rule="chat.md")
    if row.account.state is AccountState.DISABLED:
        raise NotPermitted("account_disabled", rule="§3.5")
    row.used_at = tx.now
    tx.because(row, "use")
    return row
