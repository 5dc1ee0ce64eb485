"""The words of a message: templates/notifications/<kind>.txt, with a gap nobody filled as an error, not as a blank."""

from __future__ import annotations

import html
import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from core.notifications.words import TEMPLATES, day, difference, left, problem, when

LONGEST = 4_096  # UTF-16 units that Telegram takes in one message
ROOM = 3_600  # of them for the words themselves; the rest is for what a copy adds: 重发, the code, how it ended
CUT = "…\n（内容较长，全文请登录面板在“通知”中查看）"
_TAG = re.compile(r"<[^>]+>")


def words_of(kind: str, details: dict[str, Any], now: datetime) -> str:
    """Telegram HTML; what stands in details is escaped."""
    return _environment().get_template(f"{kind}.txt").render(details | {"now": now}).strip()


def fitted(text: str) -> str:
    """The same Telegram HTML where it leaves ROOM, else cut and said to be: a message Telegram refuses tells nobody.

    What is cut keeps its bold first line and loses all other markup, which could be torn.
    """
    plain = html.unescape(_TAG.sub("", text))
    units = plain.encode("utf-16-le")
    if len(units) <= 2 * ROOM:
        return text
    head, _, rest = units[: 2 * ROOM].decode("utf-16-le", "ignore").partition("\n")
    return f"<b>{html.escape(head)}</b>\n{html.escape(rest)}{CUT}"


def head_of(kind: str, details: dict[str, Any], now: datetime) -> str:
    """The first line only, as plain text: act, object and deadline."""
    return html.unescape(_TAG.sub("", words_of(kind, details, now).splitlines()[0]))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "notifications"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("txt",), default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"when": when, "day": day, "difference": difference, "problem": problem, "left": left}
    return environment
