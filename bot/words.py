"""The bot's own sentences: templates/bot/*.txt, with a hole nobody filled as an error, not as a blank."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from core.notifications.words import TEMPLATES, day, difference, when

FOLDER = TEMPLATES / "bot"


def say(name: str, **facts: Any) -> str:
    """Telegram HTML of templates/bot/<name>.txt; facts are escaped."""
    return _environment().get_template(f"{name}.txt").render(facts).strip()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("txt",), default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"when": when, "day": day, "difference": difference}
    return environment
