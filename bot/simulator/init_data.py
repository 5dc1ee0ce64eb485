"""What Telegram hands to a web page opened from a button: who is looking, signed with the bot's token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import quote, urlencode

from core import clock

THEME = {
    "bg_color": "#ffffff",
    "text_color": "#17212b",
    "hint_color": "#7a8794",
    "link_color": "#2481cc",
    "button_color": "#2481cc",
    "button_text_color": "#ffffff",
    "secondary_bg_color": "#f1f4f7",
}


def derived_token(secret: bytes, *, bot_id: int = 7000000001) -> str:
    """A token only this installation knows, in the form of Telegram's; guards the simulator's HTTP and initData."""
    digest = hmac.new(secret, b"kaowu simulator", hashlib.sha256).digest()
    return f"{bot_id}:{base64.urlsafe_b64encode(digest).decode()[:35]}"


def sign_init_data(token: str, user: dict[str, Any]) -> str:
    """Telegram's initData for this user, signed now.

    `signature` is there because Telegram sends it and a checker must include it in the text it verifies; it is not
    Telegram's Ed25519 one.
    """
    known = {key: user[key] for key in ("id", "first_name", "username", "language_code") if key in user}
    fields = {
        "query_id": "AA" + secrets.token_urlsafe(15),
        "user": json.dumps(known | {"allows_write_to_pm": True}, ensure_ascii=False, separators=(",", ":")),
        "auth_date": str(int(clock.now().timestamp())),
        "signature": secrets.token_urlsafe(64),
    }
    checked = "\n".join(f"{key}={value}" for key, value in sorted(fields.items()))
    secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    fields["hash"] = hmac.new(secret, checked.encode(), hashlib.sha256).hexdigest()
    return urlencode(fields, quote_via=quote)


def with_init_data(url: str, init_data: str) -> str:
    """The address as a Telegram client opens it: everything after `#`, so that no server log sees it."""
    launch = {
        "tgWebAppData": init_data,
        "tgWebAppVersion": "9.1",
        "tgWebAppPlatform": "web",
        "tgWebAppThemeParams": json.dumps(THEME),
    }
    return f"{url.split('#')[0]}#{urlencode(launch, quote_via=quote)}"
