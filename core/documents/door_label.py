"""考场门贴 (F-04): one A4 landscape page for the door, read from two metres, with the list of who sits inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from core.documents.paper import A4_LANDSCAPE, GREY, TINT, Paper
from core.documents.sheet import footer, in_cell, span, title, with_level

TEMPLATE_VERSION = "1"
_LEFT, _WIDTH = 15.0, 267.0
_LIST_TOP, _LIST_HEIGHT = 106.0, 84.0
_COLUMNS_OF_LIST = 4
SEATS_PER_PAGE = 60


@dataclass(frozen=True, slots=True)
class DoorSeat:
    """Who sits where; no more than a passer-by may read."""

    seat_no: int
    name: str
    ticket_no: str


@dataclass(frozen=True, slots=True)
class DoorLabelFacts:
    """One room × session."""

    plan_no: str
    room: str
    room_address: str
    site: str
    subject: str
    certificate: str
    level: str
    starts_at: datetime
    ends_at: datetime
    seats: tuple[DoorSeat, ...]


def draw_door_labels(facts: Iterable[DoorLabelFacts], out: BinaryIO, *, printed_at: datetime) -> None:
    """A page per room and session, a further one from the sixty-first seat on; NotReady when there is none."""
    paper = Paper(out, title="考场门贴", printed_at=printed_at, size=A4_LANDSCAPE)
    for label in facts:
        seats = sorted(label.seats, key=lambda seat: seat.seat_no)
        pages = max(1, -(-len(seats) // SEATS_PER_PAGE))
        for page in range(pages):
            _head(paper, label)
            _list(paper, seats[page * SEATS_PER_PAGE : (page + 1) * SEATS_PER_PAGE])
            footer(paper, page=page + 1, pages=pages, plan_no=label.plan_no, printed_at=printed_at)
            paper.end_page()
    paper.finish()


def _head(paper: Paper, label: DoorLabelFacts) -> None:
    title(paper, f"1+X {with_level(label.certificate, label.level)}考核", y=20, size=17)
    in_cell(paper, _LEFT, 25, _WIDTH, 32, label.room, size=66, align="centre", bold=True)
    in_cell(paper, _LEFT, 58, _WIDTH, 8, f"{label.site}　{label.room_address}", size=12, align="centre", colour=GREY)
    names = [seat.seat_no for seat in label.seats]
    count = f"{len(names)} 人" + (f"（{min(names)}—{max(names)} 号座位）" if names else "")
    cells = (
        (98.0, "考试科目", label.subject),
        (109.0, "考试时间", span(label.starts_at, label.ends_at)),
        (60.0, "考生人数", count),
    )
    x = _LEFT
    for width, name, value in cells:
        paper.box(x, 70, width, 9, fill=TINT, weight=0.15)
        paper.box(x, 79, width, 17, weight=0.15)
        in_cell(paper, x, 70, width, 9, name, size=11, align="centre", colour=GREY)
        in_cell(paper, x + 2, 79, width - 4, 17, value, size=17, align="centre", bold=True)
        x += width


def _list(paper: Paper, seats: Sequence[DoorSeat]) -> None:
    """Down the first column, then the next, as people search a list."""
    paper.text(_LEFT, 103, "座位与考生", 12, bold=True)
    deep = max(1, -(-len(seats) // _COLUMNS_OF_LIST))
    width, height = _WIDTH / _COLUMNS_OF_LIST, min(9.0, _LIST_HEIGHT / deep)
    for place, seat in enumerate(seats):
        x, y = _LEFT + place // deep * width, _LIST_TOP + place % deep * height
        paper.box(x, y, width, height, weight=0.1, colour=GREY)
        in_cell(paper, x + 1, y, 8, height, str(seat.seat_no), size=11, align="centre", bold=True)
        in_cell(paper, x + 10, y, 21, height, seat.name, size=10.5)
        in_cell(paper, x + 31.5, y, width - 32.5, height, seat.ticket_no, size=7, colour=GREY)
