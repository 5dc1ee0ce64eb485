"""Reasons that travel: whoever is told reads them in chat or a letter, so they name nobody by number."""

from __future__ import annotations

import re
import unicodedata

from core.errors import ReasonMissing, ValueRefused

_PERSONAL = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")  # a mobile, an ID number


def require_tellable(reason: str, *, rule: str) -> str:
    """The reason without blanks around it; ReasonMissing for none, ValueRefused for a person's number (chat.md law 3).

    rule: why a reason is needed at all.
    """
    words = reason.strip()
    if not words:
        raise ReasonMissing(rule=rule)
    if _PERSONAL.search(unicodedata.normalize("NFKC", words)):
        raise ValueRefused("reason_personal", rule="chat.md")
    return words
