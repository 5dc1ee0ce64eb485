"""A button of a chat message, in no library's words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """Exactly one of data, url, page is set; page opens inside Telegram, url in the browser."""

    label: str
    data: str | None = None
    url: str | None = None
    page: str | None = None
