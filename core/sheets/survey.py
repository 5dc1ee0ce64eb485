"""Look over the XML of an .xlsx before calamine does.

calamine lays a sheet out as one solid block from the first to the last cell: a 5 KB file with one cell in XFD1048576
asks for 512 GB and takes the whole process with it. It also turns #N/A into an empty cell. So every part that looks
like a sheet is scanned first: one regular expression settles the usual file, anything unusual is parsed exactly.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pyexpat import ExpatError, ParserCreate
from typing import NoReturn

from core.errors import FileRefused
from core.sheets.gate import INFLATED_BYTES, MB, inflate, open_zip

LONGEST_TAG = 64 * 1024
AREA = 26 * 200_000  # cells of the solid block, 32 bytes each

# A tame cell lies in A1:Z199999 and is no error; a tame row starts no further down.
_ODD = re.compile(
    rb"<(?:[\w.-]+:)?(?:c(?![\w.:-])(?! r=\"[A-Z]1?\d{1,5}\"(?: s=\"\d+\")?(?: t=\"(?!e)\w+\")?/?>)"
    rb"|row(?![\w.:-])(?! r=\"1?\d{1,5}\"))"
)
_CELL = re.compile("([A-Z]+)([0-9]+)")
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

ErrorCells = dict[tuple[int, int], str]


def survey(data: bytes) -> dict[str, ErrorCells]:
    """{part name: its error cells} of all sheets that hold any; refuses what is too wide, deep, big or broken."""
    with open_zip(data) as archive:
        found: dict[str, ErrorCells] = {}
        total = 0
        for entry in archive.infolist():
            total, odd = _scan(inflate(data, entry), total)
            if odd and (errors := _walk(inflate(data, entry)).errors):
                found[entry.filename] = errors
        return found


def _scan(chunks: Iterable[bytes], total: int) -> tuple[int, bool]:
    """Bytes so far, and whether this part is a sheet that wants a closer look; no tag is cut in two."""
    is_sheet = odd = False
    tail = b""
    for chunk in chain(chunks, (b"<",)):
        total += len(chunk)
        if total > INFLATED_BYTES:
            raise FileRefused("zip_inflates", limit_mb=INFLATED_BYTES // MB)
        text = tail + chunk
        cut = text.rfind(b"<") if b"<" in text else len(text)
        head, tail = text[:cut], text[cut:]
        is_sheet = is_sheet or b"sheetData" in head
        odd = odd or _ODD.search(head) is not None
        if len(tail) > LONGEST_TAG:
            odd, tail = True, b""
    return total, is_sheet and odd


def is_odd(chunks: Iterable[bytes]) -> bool:
    """Whether this part is a sheet that wants a closer look."""
    return _scan(chunks, 0)[1]


@dataclass
class _Walk:
    """An exact walk over a sheet: how far its filled cells reach, and which of them are errors."""

    row: int = 0
    column: int = 0
    is_error: bool = False
    is_formula: bool = False
    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    errors: ErrorCells = field(default_factory=ErrorCells)

    def start(self, tag: str, given: dict[str, str]) -> None:
        """An element opens; calamine, too, counts on where a row or cell does not say where it is."""
        match tag.rpartition(":")[2]:
            case "row":
                self.row, self.column = int(given.get("r", self.row + 1)), 0
            case "c":
                self._place(given.get("r"))
                self.is_error = given.get("t") == "e"
                self.is_formula = False
            case "f":
                self.is_formula = True
            case "v" | "is":
                self.is_formula = False
                self._fill()

    def text(self, words: str) -> None:
        """What an error cell shows, not the formula behind it."""
        if self.is_error and not self.is_formula and (words := words.strip()):
            place = self.row, self.column
            self.errors[place] = self.errors.get(place, "") + words

    def _place(self, reference: str | None) -> None:
        if reference is None:
            self.column += 1
            return
        found = _CELL.fullmatch(reference)
        if not found or len(found[1]) > 3 or len(found[2]) > 7:
            raise FileRefused("file_damaged")
        self.row, self.column = int(found[2]), 0
        for letter in found[1]:
            self.column = self.column * 26 + ord(letter) - 64

    def _fill(self) -> None:
        for extent, at in ((self.rows, self.row), (self.columns, self.column)):
            extent[:] = [min(at, *extent), max(at, *extent)] if extent else [at, at]
        if (self.rows[1] - self.rows[0] + 1) * (self.columns[1] - self.columns[0] + 1) > AREA:
            raise FileRefused("sheet_too_large", row=self.row, column=self.column)


def _walk(chunks: Iterator[bytes]) -> _Walk:
    walk, parser = _Walk(), ParserCreate("utf-8")
    parser.StartElementHandler = walk.start
    parser.CharacterDataHandler = walk.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (ExpatError, ValueError):
        raise FileRefused("file_damaged") from None
    return walk


def _refuse_doctype(*_: object) -> NoReturn:
    raise FileRefused("file_damaged")


def part_of(data: bytes, sheet: int) -> str:
    """The part name of the sheet at this index, by way of the workbook's relations; "" where they lead nowhere."""
    try:
        with open_zip(data) as archive:
            book = small_xml(archive.read("xl/workbook.xml"))
            relations = small_xml(archive.read("xl/_rels/workbook.xml.rels"))
        listed = book.findall("{*}sheets/{*}sheet")[sheet]
        wanted = next(value for name, value in listed.attrib.items() if name.endswith("}id"))
        target = next(r.attrib["Target"] for r in relations.iter(_RELATION) if r.attrib["Id"] == wanted)
    except (KeyError, IndexError, StopIteration, ET.ParseError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return ""
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def small_xml(text: bytes) -> ET.Element:
    """Parsed, if it declares no entities."""
    if b"<!DOCTYPE" in text:
        _refuse_doctype()
    return ET.fromstring(text)  # noqa: S314  entities are defined in a DOCTYPE, and there is none
