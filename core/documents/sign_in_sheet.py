"""考场签到表 (F-02): per room and session, rows by seat, ID numbers masked, with places to sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from core.documents.paper import GREY, HAIR, Paper
from core.documents.sheet import Column, field_label, footer, in_cell, span, table_grid, table_head, table_row, title
from core.rules.values import mask_id

TEMPLATE_VERSION = "1"
ROWS_PER_PAGE = 22
_LEFT, _WIDTH, _LABEL = 10.0, 190.0, 23.0
_TOP, _FIELD = 28.0, 7.6
_TABLE = _TOP + 6 * _FIELD + 3
_HEAD, _ROW = 8.0, 8.0
_COLUMNS = (
    Column("序号", 10),
    Column("学生姓名", 27, size=11),
    Column("身份证号码", 32, size=9.5),
    Column("准考证号", 47, size=9),
    Column("所属院校", 34, "left", 9),
    Column("座位号", 13, size=12),
    Column("签名", 27),
)


@dataclass(frozen=True, slots=True)
class SignInRow:
    """One expected candidate; the ID number is masked when it is drawn, whatever is handed over."""

    seat_no: int
    name: str
    id_number: str
    ticket_no: str
    college: str


@dataclass(frozen=True, slots=True)
class SignInSheetFacts:
    """Head and rows of one room × session; present and absent stay None until attendance is entered (R-185)."""

    plan_no: str
    room: str
    site: str
    college: str
    subject: str
    certificate: str
    level: str
    starts_at: datetime
    ends_at: datetime
    rows: tuple[SignInRow, ...]
    invigilators: tuple[str, ...] = ()
    patrols: tuple[str, ...] = ()
    present: int | None = None
    absent: int | None = None


def draw_sign_in_sheets(facts: Iterable[SignInSheetFacts], out: BinaryIO, *, printed_at: datetime) -> None:
    """Every sheet with page numbers of its own; NotReady when there is none."""
    paper = Paper(out, title="考场签到表", printed_at=printed_at)
    for sheet in facts:
        rows = sorted(sheet.rows, key=lambda row: row.seat_no)
        pages = max(1, -(-len(rows) // ROWS_PER_PAGE))
        for page in range(pages):
            _head(paper, sheet)
            first = page * ROWS_PER_PAGE
            _rows(paper, rows[first : first + ROWS_PER_PAGE], first + 1)
            _signatures(paper)
            footer(paper, page=page + 1, pages=pages, plan_no=sheet.plan_no, printed_at=printed_at)
            paper.end_page()
    paper.finish()


def _head(paper: Paper, sheet: SignInSheetFacts) -> None:
    title(paper, "考场签到表", y=21)
    present, absent = (("" if count is None else str(count)) for count in (sheet.present, sheet.absent))
    pairs = (
        ("考场名称", sheet.room, "考核站点", sheet.site),
        ("所属院校", sheet.college, "考试科目", sheet.subject),
        ("考试证书", sheet.certificate, "证书等级", sheet.level),
        ("考试时间", span(sheet.starts_at, sheet.ends_at), "应考人数", str(len(sheet.rows))),
        ("监考老师", "、".join(sheet.invigilators), "实考人数", present),
        ("巡考老师", "、".join(sheet.patrols), "缺考人数", absent),
    )
    paper.form("head", lambda: _head_frame(paper, [(left, right) for left, _, right, _ in pairs]))
    half = _WIDTH / 2
    for row, (_, left, _, right) in enumerate(pairs):
        y = _TOP + row * _FIELD
        for x, value in ((_LEFT, left), (_LEFT + half, right)):
            in_cell(paper, x + _LABEL + 2, y, half - _LABEL - 4, _FIELD, value, size=10)


def _head_frame(paper: Paper, labels: Sequence[tuple[str, str]]) -> None:
    half, height = _WIDTH / 2, _FIELD * len(labels)
    for row, pair in enumerate(labels):
        y = _TOP + row * _FIELD
        for x, label in zip((_LEFT, _LEFT + half), pair, strict=True):
            field_label(paper, x, y, _LABEL, _FIELD, label)
        if row:
            paper.line(_LEFT, y, _LEFT + _WIDTH, y, weight=0.12, colour=GREY)
    for x in (_LEFT + _LABEL, _LEFT + half, _LEFT + half + _LABEL):
        paper.line(x, _TOP, x, _TOP + height, weight=0.12, colour=GREY)
    paper.box(_LEFT, _TOP, _WIDTH, height)


def _rows(paper: Paper, rows: Sequence[SignInRow], first: int) -> None:
    paper.form("columns", lambda: table_head(paper, _COLUMNS, x=_LEFT, y=_TABLE, height=_HEAD))
    top = _TABLE + _HEAD
    paper.form(len(rows), lambda: table_grid(paper, _COLUMNS, x=_LEFT, y=top, height=_ROW, rows=len(rows)))
    for place, row in enumerate(rows):
        values = (
            str(first + place),
            row.name,
            mask_id(row.id_number),
            row.ticket_no,
            row.college,
            str(row.seat_no),
            "",
        )
        table_row(paper, _COLUMNS, values, x=_LEFT, y=top + place * _ROW, height=_ROW)


def _signatures(paper: Paper) -> None:
    def draw() -> None:
        for x, label, length in ((10, "监考老师签名", 62), (100, "巡考老师签名", 38), (166, "日期", 24)):
            paper.text(x, 276, label, 10)
            start = x + len(label) * 3.6 + 1.5
            paper.line(start, 277, min(start + length, 200), 277, weight=0.15, colour=HAIR)

    paper.form("signatures", draw)
