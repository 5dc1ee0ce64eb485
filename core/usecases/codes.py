"""Codes that prove a chat or a mobile is at hand: sent, typed back, used once (R-003, R-011, T-20)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import select

from core import settings
from core.db import Tx
from core.errors import NotFound, NotReady, Refusal
from core.gateways.courier import Letter
from core.models.accounts import UserAccount, VerificationCode
from core.notifications.accounts import CodeSent
from core.notifications.words import letter_text
from core.queries.accounts import active_binding
from core.rules.codes import MOST_AN_HOUR, VALID_FOR, digits_of, judge, require_patience
from core.rules.organisations import CodePurpose


@dataclass(frozen=True, slots=True)
class SentCode:
    """code_id: what the typed digits are held against. letter: to be handed to the courier after the commit, None when
    the chat has it. tail: the last four of the mobile, or "" (the dialog says where it went)."""

    code_id: int
    letter: Letter | None
    tail: str


def send_code(tx: Tx, *, purpose: CodePurpose, account_id: int | None = None, mobile: str = "") -> SentCode:
    """A fresh code to the chat of an account, else to its mobile or mail; or to a mobile that has no account yet.

    Earlier codes of the same purpose stop working. TooMany within a minute of the last one or beyond five an hour.
    """
    account = tx.lock(UserAccount, account_id) if account_id is not None else None
    earlier = _earlier(tx, purpose, account_id, mobile)
    require_patience([row.created_at for row in earlier], tx.now)
    is_bound = account is not None and active_binding(tx.session, account.id) is not None
    to, email = (account.mobile, account.email) if account is not None else (mobile, "")
    if not is_bound and not to and not email:
        raise NotReady("code_no_channel", rule="R-011")
    for row in earlier:
        row.used_at = row.used_at or tx.now
    code = tx.add(
        VerificationCode(
            purpose=purpose,
            account_id=account_id,
            mobile=to,
            nonce=secrets.token_hex(32),
            expires_at=tx.now + VALID_FOR,
        )
    )
    if is_bound:
        tx.notify(CodeSent(code.id))
        return SentCode(code.id, None, "")
    words = letter_text("code", purpose=purpose.label, digits=digits_of(settings.secret_key(), code.nonce))
    return SentCode(code.id, Letter(words, mobile=code.mobile, email=email), code.mobile[-4:])


def _earlier(tx: Tx, purpose: CodePurpose, account_id: int | None, mobile: str) -> list[VerificationCode]:
    """Newest first, as many as the hour's limit asks for."""
    whose = (
        VerificationCode.account_id == account_id
        if account_id is not None
        else (VerificationCode.account_id.is_(None)) & (VerificationCode.mobile == mobile)
    )
    query = select(VerificationCode).where(whose, VerificationCode.purpose == purpose)
    return list(tx.all(query.order_by(VerificationCode.id.desc()).limit(MOST_AN_HOUR)))


def use_code(
    tx: Tx, *, code_id: int, typed: str, purpose: CodePurpose, account_id: int | None = None, mobile: str = ""
) -> Refusal | None:
    """None when the digits are right and used up. A refusal is a value, for a wrong try has to be counted and kept.

    NotFound, a bug or a forged form, where the code is another person's or another purpose's.
    """
    code = tx.lock(VerificationCode, code_id)
    is_theirs = code.account_id == account_id and (account_id is not None or code.mobile == mobile)
    if code.purpose is not purpose or not is_theirs:
        raise NotFound("code_expired", rule="T-20")
    refusal = judge(
        typed=typed,
        right=digits_of(settings.secret_key(), code.nonce),
        wrong_count=code.wrong_count,
        is_used=code.used_at is not None,
        expires_at=code.expires_at,
        now=tx.now,
    )
    if refusal is None:
        code.used_at = tx.now
        tx.because(code, "use")
    elif refusal.sentence_code == "code_wrong":
        code.wrong_count += 1
        tx.because(code, "wrong")
    tx.session.flush()
    return refusal
