"""What the corpus is made of: a careful coordinator's workbook, and ways to damage it one bit at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import openpyxl

from core.demo.people import Person, people
from core.sheets.candidates import STUDENTS
from tests.core.sheets.broken_files import SHEET, edited, saved

Fault = tuple[int, str, str]  # row as Excel numbers it, column's title, code
Row = list[Any]

TITLE = STUDENTS.title
HEADER: Row = [column.heading for column in STUDENTS.columns]
PLACES = {column.field: at for at, column in enumerate(STUDENTS.columns)}
TITLES = {column.field: column.title for column in STUDENTS.columns}
CROWD = people(11, 12, first=70_000)  # nobody of the demo


@dataclass(frozen=True)
class Case:
    """A broken file and what is to come of it: a refusal of the file as a whole (refused), or its rows.

    rows: how many hold anything; faults: what is wrong with them; everything else is to be accepted. The bytes are
    made when they are asked for.
    """

    name: str
    make: Callable[[], bytes]
    refused: str = ""
    rows: int = 3
    faults: tuple[Fault, ...] = ()
    file_name: str = "学生.xlsx"


def typed(person: Person, **changes: Any) -> Row:
    """A row as it should be, but for the changes by field."""
    row: dict[str, Any] = {
        "name": person.name,
        "name_pinyin": person.pinyin,
        "gender": person.gender.label,
        "id_type": "身份证",
        "id_number": person.id_number,
        "mobile": person.mobile,
        "enrolment_year": "2025",
        "education_level": "高职(专科)",
        "major_name": "软件技术",
        "major_code": "610205",
    }
    return list((row | changes).values())


def three(**changes: Any) -> list[Row]:
    """Three rows, of which the second (row 4 below title and header) has these changes."""
    return [typed(CROWD[0]), typed(CROWD[1], **changes), typed(CROWD[2])]


def book(*rows: Sequence[Any], above: Sequence[Sequence[Any]] = ((TITLE,),), header: Sequence[Any] = HEADER) -> bytes:
    """A workbook: lines above the header, the header, the rows."""
    return saved(opened(*rows, above=above, header=header))


def opened(
    *rows: Sequence[Any], above: Sequence[Sequence[Any]] = ((TITLE,),), header: Sequence[Any] = HEADER
) -> openpyxl.Workbook:
    """The same, still open."""
    made = openpyxl.Workbook()
    for row in (*above, header, *rows):
        made.active.append(list(row))
    return made


def changed(edit: Callable[[Any, openpyxl.Workbook], object], *rows: Row) -> Callable[[], bytes]:
    """A maker of the usual workbook after edit(sheet, book)."""

    def make() -> bytes:
        made = opened(*(rows or three()))
        edit(made.active, made)
        return saved(made)

    return make


def raw_cell(place: str, xml: str) -> Callable[[], bytes]:
    """A maker of the usual workbook whose cell at this place is spelled so."""
    pattern = re.compile(rf'<c r="{place}"[^>]*>.*?</c>'.encode(), re.DOTALL)

    def make() -> bytes:
        def edit(sheet: bytes) -> bytes:
            assert pattern.search(sheet)
            return pattern.sub(lambda _: xml.encode(), sheet, count=1)

        return edited(book(*three()), SHEET, edit)

    return make


def raw_sheet(old: str, new: str) -> Callable[[], bytes]:
    """A maker of the usual workbook whose sheet has one piece of its XML exchanged."""

    def make() -> bytes:
        def edit(sheet: bytes) -> bytes:
            assert old.encode() in sheet
            return sheet.replace(old.encode(), new.encode(), 1)

        return edited(book(*three()), SHEET, edit)

    return make
