"""Short one-time codes (T-20): six digits, five minutes, few tries, not too many an hour."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime, timedelta

from core.errors import Refusal, TooMany, ValueRefused

VALID_FOR = timedelta(minutes=5)
MOST_WRONG = 5
LEAST_PAUSE = timedelta(seconds=60)
MOST_AN_HOUR = 5
CODE_WORDS = ("code_too_soon", "code_too_often")
LINK_WORDS = ("link_too_soon", "link_too_often")
_DIGITS = 6


def digits_of(secret: bytes, nonce: str) -> str:
    """The six digits behind a nonce: known to whoever holds the installation's key, stored nowhere."""
    mac = hmac.new(secret, b"code" + nonce.encode(), "sha256").digest()
    return f"{int.from_bytes(mac[:8], 'big') % 10**_DIGITS:0{_DIGITS}}"


def secret_of(secret: bytes, nonce: str) -> str:
    """The secret of a one-time link behind a nonce: so the letter that carries it can be written when it leaves."""
    mac = hmac.new(secret, b"link" + nonce.encode(), "sha256").digest()
    return base64.urlsafe_b64encode(mac[:18]).decode()


def require_patience(earlier: list[datetime], now: datetime, words: tuple[str, str] = CODE_WORDS) -> None:
    """TooMany when the last one is younger than a minute, or five were sent within the hour; earlier: newest first.

    words: the refusals' codes for the one and the other.
    """
    if earlier and now - earlier[0] < LEAST_PAUSE:
        wait = LEAST_PAUSE - (now - earlier[0])
        raise TooMany(words[0], rule="T-20", seconds=int(wait.total_seconds()) + 1)
    if len([at for at in earlier if now - at < timedelta(hours=1)]) >= MOST_AN_HOUR:
        raise TooMany(words[1], rule="T-20", limit=MOST_AN_HOUR)


def judge(
    *, typed: str, right: str, wrong_count: int, is_used: bool, expires_at: datetime, now: datetime
) -> Refusal | None:
    """Why a typed code is not accepted, or None; full-width digits and spaces are the same code (R-003, R-011)."""
    if is_used or now > expires_at:
        return ValueRefused("code_expired", rule="T-20")
    if wrong_count >= MOST_WRONG:
        return TooMany("code_worn_out", rule="T-20", limit=MOST_WRONG)
    plain = "".join(str(int(sign)) for sign in typed if sign.isdecimal())
    if not hmac.compare_digest(plain, right):
        return ValueRefused("code_wrong", rule="T-20", left=MOST_WRONG - wrong_count - 1)
    return None
