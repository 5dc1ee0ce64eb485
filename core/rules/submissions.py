"""What a college changed between two submissions of an application, for the reviewer to see (§3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from core.rules import richtext
from core.rules.machine import Labelled

_PIECE = re.compile(r"\d+|[A-Za-z]+|[^\W\dA-Za-z]+|\s+|.", re.DOTALL)
_MAJOR_COUNTS = (
    ("requested_count", "申请人数"),
    ("students_enrolled", "在校学生数"),
    ("full_time_teachers", "专任教师数"),
)


class Fate(Labelled):
    """What became of a piece of text."""

    KEPT = "kept", "未变"
    ADDED = "added", "新增"
    REMOVED = "removed", "删去"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text and what became of it."""

    fate: Fate
    text: str


@dataclass(frozen=True, slots=True)
class Changes:
    """facts: (what, before, after), empty words where there was or is nothing; words: title → pieces, changed only."""

    facts: tuple[tuple[str, str, str], ...]
    words: tuple[tuple[str, tuple[Piece, ...]], ...]

    def __bool__(self) -> bool:
        return bool(self.facts or self.words)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Certificate, counts, majors, files and both descriptions, as core.queries.applications.as_submitted has them."""
    return Changes(tuple(_facts(before, after)), tuple(_words(before, after)))


def _facts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if before["certificate_id"] != after["certificate_id"]:
        yield "申报证书", before["certificate"], after["certificate"]
    if before["requested_count"] != after["requested_count"]:
        yield "申请总培训人数", _text(before["requested_count"]), _text(after["requested_count"])
    yield from _majors(before["majors"], after["majors"])
    yield from _files([tuple(file) for file in before["files"]], [tuple(file) for file in after["files"]])


def _files(before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """(name, digest) pairs; the same name with another digest is said in so many words."""
    gone = [name for name, digest in before if (name, digest) not in after]
    for name, digest in after:
        if (name, digest) in before:
            continue
        if name in gone:
            gone.remove(name)
            yield "附件", name, f"{name}（内容已更换）"
        else:
            yield "附件", "", name
    yield from (("附件", name, "") for name in gone)


def _majors(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    was, now = ({row["major_id"]: row for row in rows} for rows in (before, after))
    for ident in dict.fromkeys((*was, *now)):
        old, new = was.get(ident), now.get(ident)
        if old == new:
            continue
        name = (new or old or {})["name"]
        if old is None or new is None:
            yield f"拟申报专业 {name}", _row(old), _row(new)
            continue
        for column, word in _MAJOR_COUNTS:
            if old[column] != new[column]:
                yield f"{name} · {word}", _text(old[column]), _text(new[column])


def _row(row: Mapping[str, Any] | None) -> str:
    return "" if row is None else "，".join(f"{word} {row[column]}" for column, word in _MAJOR_COUNTS)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _words(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Piece, ...]]]:
    for name, word in (("faculty_description", "师资情况"), ("venue_description", "场地情况")):
        if before[name] != after[name]:
            pieces = tuple(pieces_between(richtext.plain(before[name]), richtext.plain(after[name])))
            if any(piece.fate is not Fate.KEPT for piece in pieces):
                yield word, pieces
            else:
                yield f"{word}（仅排版或图片有变化）", pieces


def pieces_between(before: str, after: str) -> Iterator[Piece]:
    """The text in order, cut at numbers, words and punctuation, so that people read whole clauses."""
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            yield Piece(Fate.KEPT, "".join(old[a:b]))
            continue
        if a < b:
            yield Piece(Fate.REMOVED, "".join(old[a:b]))
        if c < d:
            yield Piece(Fate.ADDED, "".join(new[c:d]))
