"""考场桌贴 (F-03): 24 labels (70 × 37 mm) to an A4 page, in the order of seats, to cut or to peel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from core.documents.paper import GREY, HAIR, Paper
from core.documents.sheet import in_cell
from core.rules.values import mask_id

TEMPLATE_VERSION = "1"
_ACROSS, _DOWN = 3, 8
_WIDE, _HIGH = 70.0, 37.0


@dataclass(frozen=True, slots=True)
class DeskLabelFacts:
    """One seat; must match the candidate's ticket. The ID number is masked when it is drawn."""

    seat_no: int
    name: str
    ticket_no: str
    id_number: str
    room: str
    subject: str


def draw_desk_labels(facts: Iterable[DeskLabelFacts], out: BinaryIO, *, printed_at: datetime) -> None:
    """Labels in the order given, sheet after sheet; NotReady when there is none."""
    paper = Paper(out, title="考场桌贴", printed_at=printed_at)
    place = 0
    for label in facts:
        if place == _ACROSS * _DOWN:
            paper.end_page()
            place = 0
        if place == 0:
            paper.form("cuts", lambda: _cuts(paper))
        _label(paper, label, place % _ACROSS * _WIDE, 0.5 + place // _ACROSS * _HIGH)
        place += 1
    if place:
        paper.end_page()
    paper.finish()


def _cuts(paper: Paper) -> None:
    for column in range(1, _ACROSS):
        paper.line(column * _WIDE, 0, column * _WIDE, 297, weight=0.1, colour=HAIR, dash="2 3")
    for row in range(1, _DOWN):
        y = 0.5 + row * _HIGH
        paper.line(0, y, 210, y, weight=0.1, colour=HAIR, dash="2 3")


def _label(paper: Paper, label: DeskLabelFacts, x: float, y: float) -> None:
    in_cell(paper, x + 4, y + 4, 17, 15, str(label.seat_no), size=36, align="centre", bold=True)
    in_cell(paper, x + 4, y + 18, 17, 5, "座位号", size=7.5, align="centre", colour=GREY)
    in_cell(paper, x + 24, y + 4, 42, 10, label.name, size=18, bold=True)
    in_cell(paper, x + 24, y + 14.5, 42, 4.5, label.subject, size=9)
    in_cell(paper, x + 24, y + 19, 42, 4.5, label.room, size=9)
    paper.line(x + 4, y + 24.6, x + 66, y + 24.6, weight=0.1, colour=HAIR)
    for row, (name, value) in enumerate((("准考证号", label.ticket_no), ("证件号码", mask_id(label.id_number)))):
        in_cell(paper, x + 4, y + 25.4 + row * 4.4, 14, 4.4, name, size=7.5, colour=GREY)
        in_cell(paper, x + 18, y + 25.4 + row * 4.4, 48, 4.4, value, size=8.5)
