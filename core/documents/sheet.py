"""Page furniture that all printed documents share: titles, cells that cut nothing off, tables, footers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core import clock
from core.documents import fonts
from core.documents.paper import GREY, HAIR, INK, MM, TINT, Align, Colour, Paper

LEADING = 1.22  # distance of baselines in type sizes
SMALLEST = 2.0  # points; even a name without end is printed whole
_NEVER_FIRST = "，。、；：！？）】》”’%,.;:!?)]}·"
_POINT = 1 / MM


@dataclass(frozen=True, slots=True)
class Column:
    """A table column; width in mm, size in points."""

    title: str
    width: float
    align: Align = "centre"
    size: float = 9.5


def title(paper: Paper, text: str, *, y: float, size: float = 20, subtitle: str = "") -> None:
    """The document's name, centred, shrunk when it is too long for the page, with an optional smaller line below."""
    size = min(size, size * (paper.width - 30) / max(fonts.width(text, size) / MM, 1))
    paper.text(paper.width / 2, y, text, size, align="centre", bold=True, spacing=0.6 if size > 15 else 0)
    if subtitle:
        in_cell(paper, 15, y + 2, paper.width - 30, 8, subtitle, size=10.5, align="centre", colour=GREY)


def footer(paper: Paper, *, page: int, pages: int, plan_no: str, printed_at: datetime) -> None:
    """Plan number, time of printing (business time zone) and "第 1 页 共 3 页"."""
    y = paper.height - 8
    paper.line(10, y - 4.5, paper.width - 10, y - 4.5, weight=0.1, colour=HAIR)
    paper.text(10, y, f"计划编号 {plan_no}", 8, colour=GREY)
    paper.text(paper.width / 2, y, f"第 {page} 页 共 {pages} 页", 8, align="centre", colour=GREY)
    paper.text(paper.width - 10, y, f"打印时间 {moment(printed_at)}", 8, align="right", colour=GREY)


def moment(instant: datetime) -> str:
    """An instant as people on the spot read it: 2021-09-17 09:30."""
    return f"{clock.local(instant):%Y-%m-%d %H:%M}"


def span(starts_at: datetime, ends_at: datetime) -> str:
    """A session: 2021年9月17日 09:00—10:30; the second date only where it differs."""
    start, end = clock.local(starts_at), clock.local(ends_at)
    first = f"{start.year}年{start.month}月{start.day}日 {start:%H:%M}"
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end.year}年{end.month}月{end.day}日 {end:%H:%M}"
    return f"{first}—{last}"


def bare_name(certificate: str, level: str) -> str:
    """The certificate's name without the level that the catalogue keeps in brackets at its end (§2.9)."""
    for bracketed in (f"（{level}）", f"({level})"):
        certificate = certificate.removesuffix(bracketed)
    return certificate.rstrip()


def with_level(certificate: str, level: str) -> str:
    """老年照护职业技能等级证书（初级）, the level named once however the catalogue writes it."""
    return f"{bare_name(certificate, level)}（{level}）"


def in_cell(
    paper: Paper,
    x: float,
    y: float,
    width: float,
    height: float,
    text: str,
    *,
    size: float = 9.5,
    align: Align = "left",
    colour: Colour = INK,
    bold: bool = False,
) -> None:
    """Text in the middle of a cell (mm): shrunk a little, then wrapped, then shrunk until the whole of it is inside."""
    lines, size = fitted(" ".join(text.split()), size, width, height)
    step = size * LEADING * _POINT
    baseline = y + height / 2 + size * 0.36 * _POINT - step * (len(lines) - 1) / 2
    at = {"left": x, "centre": x + width / 2, "right": x + width}[align]
    for place, line in enumerate(lines):
        paper.text(at, baseline + place * step, line, size, align=align, colour=colour, bold=bold)


def fitted(text: str, size: float, width: float, height: float) -> tuple[tuple[str, ...], float]:
    """The lines and the type size at which all of text is inside width × height (mm)."""
    needed = fonts.width(text, size) / MM
    if needed <= width:
        return (text,), size
    if needed * 0.85 <= width:  # a slightly smaller line reads better than two
        return (text,), size * width / needed * 0.999
    while size > SMALLEST:
        lines = wrap(text, size, width)
        widest = max(fonts.width(line, size) for line in lines)
        if len(lines) * size * LEADING * _POINT <= height and widest <= width * MM:
            return tuple(lines), size
        size *= 0.95
    return tuple(wrap(text, size, width)), size


def wrap(text: str, size: float, width: float) -> list[str]:
    """Lines no wider than width (mm); Chinese breaks anywhere but before closing marks, Latin words stay whole."""
    limit, lines, line, used = width * MM * 1000 / size, list[str](), "", 0.0
    for word in _words(text):
        length = sum(map(fonts.advance, word))
        if line and used + length > limit and word not in _NEVER_FIRST:
            lines.append(line.rstrip())
            line, used = "", 0.0
            if word == " ":
                continue
        line, used = line + word, used + length
    return [*lines, line.rstrip()] if line else lines or [""]


def _words(text: str) -> list[str]:
    """Single Chinese characters, spaces, and Latin words of at most 24 letters."""
    words: list[str] = []
    for character in text:
        joins = character.isascii() and not character.isspace()
        if joins and words and words[-1].isascii() and words[-1] != " " and len(words[-1]) < 24:
            words[-1] += character
        else:
            words.append(character)
    return words


def table_head(paper: Paper, columns: Sequence[Column], *, x: float, y: float, height: float = 8) -> None:
    """Column titles on a tinted band, frame included."""
    paper.box(x, y, sum(column.width for column in columns), height, fill=TINT)
    for column in columns:
        in_cell(paper, x + 1, y, column.width - 2, height, column.title, size=9.5, align="centre", bold=True)
        x += column.width
        paper.line(x, y, x, y + height, weight=0.12)


def table_grid(paper: Paper, columns: Sequence[Column], *, x: float, y: float, height: float, rows: int) -> None:
    """The empty cells of rows equally high."""
    whole, bottom = sum(column.width for column in columns), y + height * rows
    for row in range(1, rows):
        paper.line(x, y + row * height, x + whole, y + row * height, weight=0.12, colour=GREY)
    edge = x
    for column in columns[:-1]:
        edge += column.width
        paper.line(edge, y, edge, bottom, weight=0.12, colour=GREY)
    paper.box(x, y, whole, height * rows)


def table_row(
    paper: Paper, columns: Sequence[Column], values: Sequence[str], *, x: float, y: float, height: float
) -> None:
    """The words of one row."""
    for column, value in zip(columns, values, strict=True):
        if value:
            in_cell(paper, x + 1, y, column.width - 2, height, value, size=column.size, align=column.align)
        x += column.width


def field_label(paper: Paper, x: float, y: float, width: float, height: float, label: str) -> None:
    """The tinted cell that names a field."""
    paper.box(x, y, width, height, colour=None, fill=TINT)
    in_cell(paper, x + 1, y, width - 2, height, label, size=10, align="centre", colour=GREY)
