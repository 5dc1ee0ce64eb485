"""准考证 (F-01): one A4 page per candidate with photo, sittings and rules; thousands of pages in one flat stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO

from core.documents.paper import GREY, HAIR, INK, MM, Paper
from core.documents.sheet import (
    LEADING,
    Column,
    field_label,
    in_cell,
    moment,
    span,
    table_grid,
    table_head,
    table_row,
    title,
    with_level,
    wrap,
)

TEMPLATE_VERSION = "1"
CANDIDATE_RULES = (  # in the words a candidate reads
    "考生凭本准考证和有效身份证件原件，于开考前30分钟起进入考场，并在签到表上签名；两证缺一不得入场。",
    "开考30分钟后不得入场；未经主考同意不得提前离场。",
    "手机及其他电子设备不得带入考场，随身物品须存放在指定位置；拒不存放的，不得参加考试。",
    "按座位号入座，将准考证和身份证件放在桌面明显处，以备核对。",
    "考试中如需临时离场，须经监考人员同意并由其陪同，每次仅限一人。",
    "遇设备故障或对试题有疑问时举手示意，听从监考人员安排；因设备故障耽误的时间经核实后予以补足。",
    "请遵守考场纪律，违纪、作弊行为将被记录，并视情节给予警告直至取消考试资格或成绩。",
)
_LEFT, _WIDTH, _PHOTO = 15.0, 180.0, 41.0
_TOP, _ROW = 44.0, 9.5
_INFO = _WIDTH - _PHOTO
_LABEL = 24.0
_COLUMNS = (
    Column("考试科目", 42, "left", 10),
    Column("考试方式", 19, size=10),
    Column("考试时间", 35, size=10),
    Column("考场", 27, size=10),
    Column("考场地址", 43, "left", 9.5),
    Column("座位号", 14, size=14),
)


@dataclass(frozen=True, slots=True)
class Sitting:
    """One subject with its time and place; instants aware, mode such as 机考+实操."""

    subject: str
    mode: str
    starts_at: datetime
    ends_at: datetime
    room: str
    room_address: str
    seat_no: int


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """All that stands on one ticket; photo is a JPEG (None leaves a frame to paste one in), qr may be empty."""

    plan_no: str
    plan_name: str
    ticket_no: str
    name: str
    id_type: str
    id_number: str
    college: str
    certificate: str
    level: str
    site: str
    sittings: tuple[Sitting, ...]
    photo: bytes | None = field(default=None, repr=False)
    qr: str = ""
    notes: tuple[str, ...] = CANDIDATE_RULES


def draw_tickets(facts: Iterable[TicketFacts], out: BinaryIO, *, printed_at: datetime) -> None:
    """One page each, in the order given, written as they come; NotReady when there is none.

    Like every document that streams: a refusal on the way leaves `out` half written, so it should be a draft.
    """
    paper = Paper(out, title="准考证", printed_at=printed_at)
    for ticket in facts:
        paper.form("frame", lambda: _frame(paper))
        _who(paper, ticket)
        end = _where(paper, ticket.sittings, room_for=_notes_height(ticket.notes))
        paper.form((ticket.notes, end), lambda ticket=ticket, end=end: _rules(paper, ticket.notes, end))  # type: ignore[misc]
        if ticket.qr:
            paper.qr(ticket.qr, 169, end + 10, 26)
        paper.text(_LEFT, 289, f"计划编号 {ticket.plan_no}", 8, colour=GREY)
        paper.text(195, 289, f"打印时间 {moment(printed_at)}", 8, align="right", colour=GREY)
        paper.end_page()
    paper.finish()


def _frame(paper: Paper) -> None:
    """What is the same on every ticket."""
    title(paper, "准 考 证", y=27, size=26)
    labels = ("姓名", "证件号码", "准考证号", "考核证书", "所属院校", "考核站点")
    for row, label in enumerate(labels):
        field_label(paper, _LEFT, _TOP + row * _ROW, _LABEL, _ROW, label)
        if row:
            paper.line(_LEFT, _TOP + row * _ROW, _LEFT + _INFO, _TOP + row * _ROW, weight=0.12, colour=GREY)
    height = _ROW * len(labels)
    paper.line(_LEFT + _LABEL, _TOP, _LEFT + _LABEL, _TOP + height, weight=0.12, colour=GREY)
    paper.line(_LEFT + _INFO, _TOP, _LEFT + _INFO, _TOP + height, weight=0.12, colour=GREY)
    paper.box(_LEFT, _TOP, _WIDTH, height, weight=0.3)
    paper.line(_LEFT, 284, 195, 284, weight=0.1, colour=HAIR)


def _who(paper: Paper, ticket: TicketFacts) -> None:
    in_cell(paper, _LEFT, 30, _WIDTH, 9, ticket.plan_name, size=12, align="centre", colour=GREY)
    values = (
        (ticket.name, 15.0),
        (f"{ticket.id_number}（{ticket.id_type}）", 11.0),
        (ticket.ticket_no, 13.0),
        (with_level(ticket.certificate, ticket.level), 11.0),
        (ticket.college, 11.0),
        (ticket.site, 11.0),
    )
    for row, (value, size) in enumerate(values):
        in_cell(
            paper, _LEFT + _LABEL + 3, _TOP + row * _ROW, _INFO - _LABEL - 5, _ROW, value, size=size, bold=row in (0, 2)
        )
    x, y = _LEFT + _INFO + 3.5, _TOP + 4
    if ticket.photo:
        paper.photo(ticket.photo, x, y, 34, 49)
    else:
        paper.box(x, y, 34, 49, weight=0.15, colour=HAIR)
        in_cell(paper, x, y, 34, 49, "照片", size=11, align="centre", colour=HAIR)


def _where(paper: Paper, sittings: Sequence[Sitting], *, room_for: float) -> float:
    """The timetable, in order of time; answers where it ends. Rows shrink so that the rules stay on the page."""
    y = _TOP + _ROW * 6 + 14
    paper.form("sittings", lambda: _heading(paper, "考试安排", y - 4))
    paper.form("columns", lambda: table_head(paper, _COLUMNS, x=_LEFT, y=y))
    height = min(15.0, (278 - room_for - y - 22) / max(len(sittings), 1))
    table_grid(paper, _COLUMNS, x=_LEFT, y=y + 8, height=height, rows=len(sittings))
    for row, sitting in enumerate(sorted(sittings, key=lambda sitting: sitting.starts_at)):
        values = (
            sitting.subject,
            sitting.mode,
            span(sitting.starts_at, sitting.ends_at),
            sitting.room,
            sitting.room_address,
            str(sitting.seat_no),
        )
        table_row(paper, _COLUMNS, values, x=_LEFT, y=y + 8 + row * height, height=height)
    return round(y + 8 + len(sittings) * height, 2)


def _heading(paper: Paper, words: str, y: float) -> None:
    paper.box(_LEFT, y - 4, 1.4, 4.8, colour=None, fill=INK)
    paper.text(_LEFT + 3.6, y, words, 12.5, bold=True)


@lru_cache(maxsize=64)  # the same rules stand on every ticket of a plan
def _rule_lines(notes: tuple[str, ...]) -> list[list[str]]:
    return [wrap(note, 10, _WIDTH - 36) for note in notes]


def _notes_height(notes: tuple[str, ...]) -> float:
    return sum(len(lines) for lines in _rule_lines(notes)) * 10 * LEADING / MM + len(notes) * 1.2 + 8


def _rules(paper: Paper, notes: tuple[str, ...], end: float) -> None:
    y = end + 13
    if not notes:
        return
    _heading(paper, "考生须知", y)
    y += 8
    for number, lines in enumerate(_rule_lines(notes), 1):
        paper.text(_LEFT + 4, y, f"{number}.", 10, align="right")
        for line in lines:
            paper.text(_LEFT + 5.5, y, line, 10)
            y += 10 * LEADING / MM
        y += 1.2
