"""Buttons that carry their own proof: what, which message, which version, until when, for whom.

Nothing is kept in memory, so a button pressed after a restart still works; the signature proves where it came from,
the row behind it proves whether it still means anything.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from core import settings
from core.errors import NotPermitted, WindowClosed
from core.notifications.message import Press

_BODY = struct.Struct(">2sIII")  # action, message, version, expiry in Unix seconds
_MAC_BYTES = 12


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a pressed button claims; the use case decides."""

    press: Press
    notification_id: int
    version: int


def press_data(press: Press, *, notification_id: int, version: int, expires: datetime, user_id: int) -> str:
    """At most 64 bytes of text for Telegram's callback_data, good for this Telegram user only."""
    until = min(int(expires.timestamp()), 2**32 - 1)
    body = _BODY.pack(press.value.encode(), notification_id, version, until)
    return base64.urlsafe_b64encode(body + _mac(body, user_id)).decode().rstrip("=")


def read_press(data: str, *, user_id: int, now: datetime) -> Claimed:
    """NotPermitted for a forged button or somebody else's, WindowClosed for one past its time."""
    try:
        raw = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
        body, mac = raw[: _BODY.size], raw[_BODY.size :]
        action, notification_id, version, until = _BODY.unpack(body)
        press = Press(action.decode())
    except (binascii.Error, struct.error, ValueError):
        raise NotPermitted("button_unknown", rule="chat.md") from None
    if not hmac.compare_digest(mac, _mac(body, user_id)):
        raise NotPermitted("task_of_another", rule="chat.md")
    if now.timestamp() > until:
        raise WindowClosed("button_expired", rule="chat.md", closes_at=datetime.fromtimestamp(until, UTC))
    return Claimed(press, notification_id, version)


def _mac(body: bytes, user_id: int) -> bytes:
    return hmac.new(settings.secret_key(), b"button" + body + struct.pack(">q", user_id), "sha256").digest()[
        :_MAC_BYTES
    ]
