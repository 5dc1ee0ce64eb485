"""The trail's arithmetic: what changed, as text, and how each entry holds on to the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import Enum
from itertools import islice
from typing import Any

from sqlalchemy.orm import InstanceState

GENESIS = "0" * 64
_ROWS_AT_ONCE = 1_000
_QUIET = frozenset({"version", "created_at", "created_by", "updated_at", "updated_by"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One link before it is chained; before and after are canonical JSON texts."""

    at: datetime
    actor_id: int | None
    actor_login: str
    channel: str
    object_type: str
    object_id: int | None
    action: str
    before: str
    after: str
    reason: str


def link_hash(entry: Entry, previous: str) -> str:
    """sha256 over the link before and every field of this one, in a fixed order."""
    fields = asdict(entry) | {"at": entry.at.astimezone(UTC).isoformat(timespec="microseconds")}
    text = json.dumps([previous, *fields.values()], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def chained(entries: Sequence[Entry], last: str) -> list[dict[str, Any]]:
    """Rows ready to insert, each carrying the hash of the one before; last is the chain's present end."""
    rows = []
    for entry in entries:
        digest_ = link_hash(entry, last)
        rows.append(asdict(entry) | {"previous_hash": last, "hash": digest_})
        last = digest_
    return rows


def changes(state: InstanceState[Any], action: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after of a row that was just flushed: changed columns only, all of them for a new or deleted row."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    private = state.class_.__private__
    for column in state.mapper.column_attrs:
        if column.key in _QUIET:
            continue
        _collect(state, column.key, column.key in private, action, before, after)
    for relation in state.mapper.relationships:
        if relation.secondary is not None and action != "delete":
            _collect_members(state, relation.key, before, after)
    return before, after


def _collect(
    state: InstanceState[Any], key: str, is_private: bool, action: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    history = state.attrs[key].history
    if action == "delete":
        if key in state.dict:
            before[key] = _quoted(state.dict[key], is_private)
    elif action == "create":
        value = state.dict.get(key)
        if value is not None:
            after[key] = _quoted(value, is_private)
    elif history.has_changes():
        if history.deleted:
            before[key] = _quoted(history.deleted[0], is_private)
        after[key] = _quoted(history.added[0] if history.added else None, is_private)


def _collect_members(state: InstanceState[Any], key: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    history = state.attrs[key].history
    if history.deleted:
        before[key] = sorted(member.id for member in history.deleted)
    if history.added:
        after[key] = sorted(member.id for member in history.added)


def _quoted(value: Any, is_private: bool) -> Any:
    if value is None:
        return None
    if is_private:
        raw = value if isinstance(value, bytes) else str(value).encode()
        return {"sha256": hashlib.sha256(raw).hexdigest()[:16]}
    return value


def as_text(facts: dict[str, Any]) -> str:
    """Canonical JSON: sorted keys, enums by value, instants in ISO; empty for nothing."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, default=_plain) if facts else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) if isinstance(item, Enum) else item for item in value)
    if isinstance(value, bytes):
        return {"sha256": hashlib.sha256(value).hexdigest()[:16]}
    return str(value)


def ranges(ids: Iterable[int]) -> str:
    """1-3,7,9-10: many ids in few characters."""
    parts: list[list[int]] = []
    for number in sorted(ids):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def digest(rows: Iterable[dict[str, Any]]) -> str:
    """sha256 over the content of many rows."""
    total = hashlib.sha256()
    rest = iter(rows)
    while part := [list(row.values()) for row in islice(rest, _ROWS_AT_ONCE)]:
        total.update(json.dumps(part, ensure_ascii=False, default=_plain).encode())
    return total.hexdigest()
