"""Sentences: refusals and times as people read them. The words themselves live in templates/."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from core import clock
from core.errors import Refusal
from core.queries.changes import Changes

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
_WEEKDAYS = "一二三四五六日"
_DESCRIPTIONS = {"faculty_description": "师资情况", "venue_description": "场地情况"}


def when(instant: datetime, *, seconds: bool = False) -> str:
    """5月20日 周三 18:00, with the year in front when it is another one."""
    there = clock.local(instant)
    year = "" if there.year == clock.business_today().year else f"{there.year}年"
    clock_part = f"{there:%H:%M:%S}" if seconds else f"{there:%H:%M}"
    return f"{year}{there.month}月{there.day}日 周{_WEEKDAYS[there.weekday()]} {clock_part}"


def left(until: datetime, now: datetime) -> str:
    """3 天, 20 小时, 40 分钟: what is left of the time, rounded down in the unit that matters."""
    minutes = max(int((until - now).total_seconds() // 60), 1)
    if minutes >= 48 * 60:
        return f"{minutes // (24 * 60)} 天"
    return f"{minutes // 60} 小时" if minutes >= 60 else f"{minutes} 分钟"


def day(value: date) -> str:
    """2026年5月20日."""
    return f"{value.year}年{value.month}月{value.day}日"


def sentence(refusal: Refusal) -> str:
    """What the refusal says, why, and the way out, in one or two Chinese sentences."""
    entry = _sentences().get(refusal.sentence_code) or _sentences()[type(refusal).code]
    facts = {name: _shown(value) for name, value in refusal.facts.items()}
    parts = [_filled(entry["text"], facts)]
    if entry.get("way_out"):
        parts.append(_filled(entry["way_out"], facts))
    if refusal.facts.get("suggestion") and "{suggestion}" not in entry.get("way_out", ""):
        parts.append(f"建议：{' '.join(facts[name] for name in ('suggestion', 'suggested_name') if name in facts)}。")
    if refusal.rule and not refusal.rule.endswith(".md"):
        parts.append(f"（{refusal.rule}）")
    return "".join(parts)


def problem(code: str) -> str:
    """The sentence of a code kept in a row (a failed stamp), without facts."""
    entry = _sentences().get(code)
    return entry["text"].split("{")[0] if entry else "系统未能完成此操作"


def letter_text(kind: str, **facts: Any) -> str:
    """The words of a letter (templates/letters), without markup: it travels as a short message or a mail."""
    return (TEMPLATES / "letters" / f"{kind}.txt").read_text(encoding="utf-8").strip().format_map(facts)


def kind_word(kind: str) -> str:
    """What a kind of message is called in a list."""
    return _deliveries()["kinds"].get(kind, kind)


def delivery_reason(code: str) -> str:
    """Why a message was not sent, or not yet, from the code its sender left in the row."""
    return _deliveries()["reasons"].get(code, f"其他原因（{code}）")


def difference(changes: Changes) -> str:
    """与上次提交相比, in one line."""
    if changes.is_first:
        return "首次提交"
    since = "提交之后有变动" if changes.is_behind_back else "与上次提交相比"
    return f"{since}：{'，'.join(_differences(changes)) or '没有变化'}"


def _differences(changes: Changes) -> Iterator[str]:
    if changes.has_other_certificate:
        yield "换了证书"
    if changes.requested[0] != changes.requested[1]:
        yield f"人数 {changes.requested[0]}→{changes.requested[1]}"
    for count, word in (
        (changes.majors_added, "增加"),
        (changes.majors_removed, "去掉"),
        (changes.majors_changed, "改动"),
    ):
        if count:
            yield f"{word}专业 {count} 个"
    if changes.has_other_files:
        yield f"材料 {changes.files[0]}→{changes.files[1]} 份"
    if changes.texts:
        yield f"{'、'.join(_DESCRIPTIONS[name] for name in changes.texts)}有改动"


def _filled(text: str, facts: Mapping[str, Any]) -> str:
    try:
        return text.format_map(facts)
    except KeyError:
        # A refusal raised without all its facts still has to say something; the architecture tests find these.
        return text.format_map(_Blank(facts))


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "—"


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return "、".join(str(item) for item in value) or "无"
    return "" if value is None else value


@lru_cache(maxsize=1)
def _sentences() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in [TEMPLATES / "refusals.toml", *sorted((TEMPLATES / "refusals").glob("*.toml"))]:
        found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=1)
def _deliveries() -> dict[str, dict[str, str]]:
    return tomllib.loads((TEMPLATES / "deliveries.toml").read_text(encoding="utf-8"))
