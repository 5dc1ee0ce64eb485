"""The words of a message: templates/notifications/<kind>.txt, with a gap nobody filled as an error, not as a blank."""

from __future__ import annotations

import html
import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from core.notifications.words import TEMPLATES, day, difference, left, problem, when

_TAG = re.compile(r"<[^>]+>")


def words_of(kind: str, details: dict[str, Any], now: datetime) -> str:
    """Telegram HTML; what stands in details is escaped."""
    return _environment().get_template(f"{kind}.txt").render(details | {"now": now}).strip()


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
