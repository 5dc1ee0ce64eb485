"""The first rows of a workbook at the price of the first rows: to see what it is, never to read what it holds.

The readers of core.sheets lay the whole sheet out, for every row is going to be judged. Whoever only asks which sheet a
file may be stops at the header: no part is inflated further than these rows need, whatever else the package holds.
"""

from __future__ import annotations

import posixpath
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pyexpat import ExpatError, ParserCreate
from typing import NoReturn
from zipfile import BadZipFile, ZipInfo

from core.errors import FileRefused
from core.sheets import gate
from core.sheets.gate import MB, inflate, open_zip
from core.sheets.reader import HEADER_WITHIN, open_apart
from core.sheets.spec import shown
from core.sheets.survey import small_xml

_SMALL_PART = 1 * MB  # the list of sheets, the relations
_SHEET_BYTES = 4 * MB  # whoever has not come to the tenth row by then has no header people could see
_STRING_BYTES = 32 * MB  # some programs put the header's words last
_COLUMNS = 256
_LONGEST = 200  # characters of a cell; no title is longer
_LETTERS = {letter: at for at, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", start=1)}


def first_rows(data: bytes, *, file_name: str) -> list[list[str]]:
    """The cells of the first ten rows of the first visible sheet, as text; FileRefused like the reader, but sooner."""
    gate.load(data, limit=gate.WORKBOOK_BYTES)
    gate.require_workbook(data, file_name=file_name)
    if not gate.is_zip(data):
        rows = open_apart(data, most=HEADER_WITHIN)[2]()
        return [[shown(cell)[:_LONGEST] for cell in cells[:_COLUMNS]] for _, cells in islice(rows, HEADER_WITHIN)]
    try:
        return _of_package(data)
    except (LookupError, StopIteration, ValueError, ET.ParseError, ExpatError, BadZipFile, RuntimeError):
        raise FileRefused("file_damaged") from None


def _of_package(data: bytes) -> list[list[str]]:
    with open_zip(data) as archive:
        parts = {entry.filename.lower(): entry for entry in archive.infolist()}
    sheet, strings = _places(data, parts)
    head = _Head()
    _parse(data, parts[sheet], head.start, head.end, head.text, limit=_SHEET_BYTES)
    if head.wanted and strings in parts:
        found = _Strings(head.wanted)
        _parse(data, parts[strings], found.start, found.end, found.text, limit=_STRING_BYTES)
        return head.filled(found.known)
    return head.filled({})


def _places(data: bytes, parts: dict[str, ZipInfo]) -> tuple[str, str]:
    """The part of the first visible worksheet and that of the shared strings; names in small letters."""
    targets = {}
    strings = "xl/sharedstrings.xml"  # where the reader looks for them, related or not
    for one in small_xml(_small(data, parts["xl/_rels/workbook.xml.rels"])).findall("{*}Relationship"):
        kind, target = one.attrib["Type"].rpartition("/")[2], one.attrib["Target"]
        place = posixpath.normpath(target[1:] if target.startswith("/") else f"xl/{target}").lower()
        targets[one.attrib["Id"]] = (kind, place)
        strings = place if kind == "sharedStrings" else strings
    for sheet in small_xml(_small(data, parts["xl/workbook.xml"])).findall("{*}sheets/{*}sheet"):
        relation = next(value for name, value in sheet.attrib.items() if name.endswith("}id"))
        kind, place = targets[relation]
        if kind == "worksheet" and sheet.get("state", "visible") == "visible":
            return place, strings
    raise FileRefused("file_damaged")


def _small(data: bytes, entry: zipfile.ZipInfo) -> bytes:
    text = bytearray()
    for chunk in inflate(data, entry):
        text += chunk
        if len(text) > _SMALL_PART:
            raise FileRefused("file_damaged")
    return bytes(text)


# -- XML, as far as it is wanted ---------------------------------------------------------------------------------------


class _Enough(Exception):
    """Nothing that follows is wanted."""


def _parse(
    data: bytes,
    entry: ZipInfo,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
    *,
    limit: int,
) -> None:
    """Feed a part to the handlers, tags without their prefixes, until they have enough or the limit is reached."""
    parser = ParserCreate()
    parser.StartElementHandler = lambda tag, given: start(tag.rpartition(":")[2], given)
    parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for chunk in _up_to(inflate(data, entry), limit):
            parser.Parse(chunk, False)
    except _Enough:
        return


def _up_to(chunks: Iterable[bytes], limit: int) -> Iterable[bytes]:
    total = 0
    for chunk in chunks:
        yield chunk
        total += len(chunk)
        if total >= limit:
            return


def _refuse_doctype(*_: object) -> NoReturn:
    raise FileRefused("file_damaged")  # entities are defined there, and no workbook needs any


@dataclass
class _Head:
    """Cells by place; of those that name a shared string only its number, in wanted."""

    cells: dict[tuple[int, int], str] = field(default_factory=dict)
    shared: dict[tuple[int, int], int] = field(default_factory=dict)
    row: int = 0
    column: int = 0
    kind: str = ""
    words: str = ""
    is_reading: bool = False
    phonetic: int = 0

    @property
    def wanted(self) -> set[int]:
        """Numbers of shared strings."""
        return set(self.shared.values())

    def start(self, tag: str, given: dict[str, str]) -> None:
        """An element opens; where a row or cell does not say its place, it is the next one."""
        match tag:
            case "row":
                self.row, self.column = int(given.get("r", self.row + 1)), 0
                if self.row > HEADER_WITHIN:
                    raise _Enough
            case "c":
                place = given.get("r", "")
                self.column = _column(place) if place else self.column + 1
                self.kind, self.words = given.get("t", "n"), ""
            case "rPh":
                self.phonetic += 1
            case "v" | "t":
                self.is_reading = not self.phonetic

    def end(self, tag: str) -> None:
        """An element closes."""
        match tag:
            case "rPh":
                self.phonetic -= 1
            case "v" | "t":
                self.is_reading = False
            case "c" if self.words and self.column <= _COLUMNS:
                if self.kind == "s":
                    self.shared[self.row, self.column] = int(self.words)
                else:
                    self.cells[self.row, self.column] = self.words
            case "sheetData":
                raise _Enough

    def text(self, words: str) -> None:
        """Characters of a value."""
        if self.is_reading and len(self.words) < _LONGEST:
            self.words += words[:_LONGEST]

    def filled(self, strings: dict[int, str]) -> list[list[str]]:
        """Ten rows at most, each as wide as its last cell."""
        cells = self.cells | {place: strings.get(number, "") for place, number in self.shared.items()}
        last = max((row for row, _ in cells), default=0)
        widths = {row: max(column for at, column in cells if at == row) for row, _ in cells}
        return [
            [cells.get((row, column), "") for column in range(1, widths.get(row, 0) + 1)] for row in range(1, last + 1)
        ]


def _column(place: str) -> int:
    """3 of C7."""
    at = 0
    for letter in place:
        if letter not in _LETTERS:
            break
        at = at * 26 + _LETTERS[letter]
    return at


@dataclass
class _Strings:
    """Those of the shared strings that are wanted; the others are passed over."""

    wanted: set[int]
    known: dict[int, str] = field(default_factory=dict)
    at: int = -1
    words: str = ""
    is_reading: bool = False
    phonetic: int = 0

    def start(self, tag: str, given: dict[str, str]) -> None:
        """An element opens."""
        match tag:
            case "si":
                self.at, self.words = self.at + 1, ""
            case "rPh":
                self.phonetic += 1
            case "t":
                self.is_reading = self.at in self.wanted and not self.phonetic

    def end(self, tag: str) -> None:
        """An element closes."""
        match tag:
            case "rPh":
                self.phonetic -= 1
            case "t":
                self.is_reading = False
            case "si" if self.at in self.wanted:
                self.known[self.at] = self.words
                if len(self.known) == len(self.wanted):
                    raise _Enough

    def text(self, words: str) -> None:
        """Characters of a string."""
        if self.is_reading and len(self.words) < _LONGEST:
            self.words += words[:_LONGEST]
