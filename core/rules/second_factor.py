"""动态口令: the arithmetic of time-based codes (RFC 6238), and the shape of the words that stand in for them."""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime

import pyotp

STEP_SECONDS = 30
SKEW = 1  # steps a phone's clock may be off, either way
RECOVERY_CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read as something else
_GROUP, _GROUPS = 4, 3


def step_at(now: datetime) -> int:
    """The number of the half minute."""
    return int(now.timestamp()) // STEP_SECONDS


def matching_step(secret: str, typed: str, now: datetime, last_step: int | None) -> int | None:
    """The step whose code was typed, within the skew and after the last one used; None when there is none.

    Full-width digits and spaces are the same code. Every code works once, also the one of the step before.
    """
    plain = "".join(str(int(sign)) for sign in typed if sign.isdecimal())
    here, found = step_at(now), None
    for step in range(here - SKEW, here + SKEW + 1):
        is_right = hmac.compare_digest(pyotp.HOTP(secret).at(step), plain)
        if is_right and (last_step is None or step > last_step):
            found = step
    return found


def recovery_word(letters: str) -> str:
    """Twelve letters in groups of four, as they are shown."""
    return "-".join(letters[start : start + _GROUP] for start in range(0, _GROUP * _GROUPS, _GROUP))


def recovery_letters(typed: str) -> str:
    """What a recovery word comes to however it was typed: capitals, spaces, full-width and dashes do not matter."""
    plain = unicodedata.normalize("NFKC", typed).lower()
    return "".join(sign for sign in plain if sign in ALPHABET)


def recovery_length() -> int:
    """How many letters a recovery word has."""
    return _GROUP * _GROUPS
