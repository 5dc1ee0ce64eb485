"""Who is looking at a page that Telegram opened: initData, checked as Telegram's documentation says.

The page's address carries it after the `#`, so it reaches no server log; the page posts it to us. It is proof only with
the token of the bot that showed the button, and only for an hour.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from core import settings
from core.errors import NotPermitted, WindowClosed

FRESH_FOR = timedelta(hours=1)
CLOCKS_MAY_DIFFER = timedelta(minutes=2)
_MAX_LENGTH = 8_192


def token_in_force() -> str:
    """What initData must be signed with: Telegram's token, the simulator's where it stands in, or "" for neither."""
    here = settings.current()
    return here.telegram_token.get_secret_value() or (settings.simulator_token() if here.simulated else "")


def check(init_data: str, token: str, now: datetime) -> int:
    """The Telegram user id it vouches for; NotPermitted if this token did not sign it, WindowClosed after an hour."""
    fields = _fields(init_data)
    given = fields.pop("hash", "")
    signed = "\n".join(f"{name}={value}" for name, value in sorted(fields.items()))
    secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    expected = hmac.new(secret, signed.encode(), hashlib.sha256).hexdigest()
    if not token or not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotPermitted("init_data_forged", rule="chat.md")
    _require_fresh(fields.get("auth_date", ""), now)
    return _user_id(fields.get("user", ""))


def _fields(init_data: str) -> dict[str, str]:
    """Every field once; a text that names one twice says two things and proves neither."""
    try:
        pairs = parse_qsl(init_data[: _MAX_LENGTH + 1], keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        pairs = []
    fields = dict(pairs)
    if len(init_data) > _MAX_LENGTH or len(fields) != len(pairs):
        raise NotPermitted("init_data_forged", rule="chat.md")
    return fields


def _require_fresh(auth_date: str, now: datetime) -> None:
    try:
        age = now - datetime.fromtimestamp(int(auth_date), UTC)
    except (ValueError, OverflowError, OSError):
        raise NotPermitted("init_data_forged", rule="chat.md") from None
    if not -CLOCKS_MAY_DIFFER <= age <= FRESH_FOR:
        raise WindowClosed("init_data_stale", rule="chat.md")


def _user_id(user: str) -> int:
    try:
        ident = json.loads(user)["id"]
    except (ValueError, KeyError, TypeError):
        ident = None
    if not isinstance(ident, int) or isinstance(ident, bool):
        raise NotPermitted("init_data_forged", rule="chat.md")
    return ident
