"""A streaming .xlsx writer: exports and failed rows, styled, at constant memory.

Formulas are neutralised by construction: text is written as inline strings, which no program evaluates, in a style
that marks it as text (format @, quotePrefix), so that not even editing a cell that says =1+1 turns it into a formula.
The value itself stays as it was. Control characters travel as _x000B_, the way OOXML spells them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from core import clock
from core.rules.machine import Labelled
from core.sheets.spec import (
    DIGITS_KEPT,
    MARKING,
    REASON,
    SUGGESTION,
    CellError,
    Column,
    Sentence,
    SheetReading,
    SheetSpec,
    shown,
)

_TITLE, _HEADER, _TEXT, _NUMBER, _MARKED = range(1, 6)
_ROWS_AT_ONCE = 500
_LONGEST_CELL = 32_767
_STR = frozenset({str})
_SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

_NS = "http://schemas.openxmlformats.org"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_NS}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/styles.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_NS}/package/2006/relationships"><Relationship Id="rId1"'
    f' Type="{_NS}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_NS}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_NS}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_NS}/officeDocument/2006/relationships/styles" Target="styles.xml"/>'
    "</Relationships>",
    "xl/styles.xml": f'<styleSheet xmlns="{_NS}/spreadsheetml/2006/main">'
    '<fonts count="3"><font><sz val="11"/><name val="宋体"/></font><font><b/><sz val="11"/><name val="宋体"/></font>'
    '<font><b/><sz val="16"/><name val="宋体"/></font></fonts>'
    '<fills count="4"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFDDEBF7"/></patternFill></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFFFC7CE"/></patternFill></fill></fills>'
    '<borders count="2"><border/><border><left style="thin"/><right style="thin"/><top style="thin"/>'
    '<bottom style="thin"/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="6">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    '<xf numFmtId="49" fontId="2" fillId="0" borderId="0" applyFont="1" applyAlignment="1">'
    '<alignment horizontal="center" vertical="center"/></xf>'
    '<xf numFmtId="49" fontId="1" fillId="2" borderId="1" applyFont="1" applyFill="1" applyBorder="1"'
    ' applyAlignment="1"><alignment horizontal="center" vertical="center" wrapText="1"/></xf>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="1" quotePrefix="1" applyNumberFormat="1" applyBorder="1"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="1" applyBorder="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="3" borderId="1" quotePrefix="1" applyNumberFormat="1" applyFill="1"'
    ' applyBorder="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}

_OFFICE = f"{_NS}/officeDocument/2006/relationships"
_CORE_TYPE = "application/vnd.openxmlformats-package.core-properties+xml"
_CORE_REL = f"{_NS}/package/2006/relationships/metadata/core-properties"
_MARKED_PARTS = {  # what a second worksheet and the document's properties add to the parts above
    "[Content_Types].xml": _PARTS["[Content_Types].xml"].replace(
        "</Types>",
        '<Override PartName="/xl/worksheets/sheet2.xml"'
        ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        f'<Override PartName="/docProps/core.xml" ContentType="{_CORE_TYPE}"/></Types>',
    ),
    "_rels/.rels": _PARTS["_rels/.rels"].replace(
        "</Relationships>",
        f'<Relationship Id="rId2" Type="{_CORE_REL}" Target="docProps/core.xml"/></Relationships>',
    ),
    "xl/_rels/workbook.xml.rels": _PARTS["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        f'<Relationship Id="rId3" Type="{_OFFICE}/worksheet" Target="worksheets/sheet2.xml"/></Relationships>',
    ),
}


@dataclass(frozen=True, slots=True)
class Marking:
    """Who took the rows out and when: by and at go into the document's properties, lines into a second worksheet.

    lines: (word, value) pairs, made once the number of rows is known.
    """

    by: str
    at: datetime
    number: str
    lines: Callable[[int], Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of an export: what stands above it and how wide it is, in characters."""

    title: str
    width: int = 16


@dataclass(frozen=True, slots=True)
class Marked:
    """A cell that stands out (light red): the one to correct. is_raw: a number stays one, digits gone or not."""

    value: Any
    is_raw: bool = False


def write_rows(
    headings: Sequence[Heading],
    rows: Iterable[Sequence[Any]],
    out: Path | BinaryIO,
    *,
    title: str = "",
    marking: Marking | None = None,
) -> int:
    """Write title row, header and rows, as they come, and say how many rows there were.

    Cells: text, numbers, dates, instants (shown in business time), booleans (是/否), labelled states (their Chinese
    word), None; Marked(cell) is shown in red.
    """
    parts = _PARTS if marking is None else _PARTS | _MARKED_PARTS
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(_entry(name), _XML + body)
        names = [title or "数据"] if marking is None else [title or "数据", MARKING]
        archive.writestr(_entry("xl/workbook.xml"), _XML + _workbook(names))
        with archive.open(_entry("xl/worksheets/sheet1.xml"), "w") as sheet:
            sheet.write((_XML + _top(headings, title)).encode())
            count = 0
            lines = _lines(rows, width=len(headings), first=3 if title else 2)
            while block := list(islice(lines, _ROWS_AT_ONCE)):
                sheet.write("".join(block).encode())
                count += len(block)
            sheet.write(_bottom(headings, title).encode())
        if marking is not None:
            _mark(archive, marking, title, count)
    return count


def _mark(archive: zipfile.ZipFile, marking: Marking, title: str, count: int) -> None:
    """The second worksheet and the properties."""
    headings = [Heading("项目", 14), Heading("内容", 70)]
    body = "".join(
        [_top(headings, MARKING), *_lines(marking.lines(count), width=2, first=3), _bottom(headings, MARKING)]
    )
    archive.writestr(_entry("xl/worksheets/sheet2.xml"), _XML + body)
    instant = f'xsi:type="dcterms:W3CDTF">{marking.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'
    facts = f"<dc:title>{_escape(title)}</dc:title><dc:creator>{_escape(marking.by)}</dc:creator>"
    facts += f"<dc:identifier>{_escape(marking.number)}</dc:identifier>"
    facts += f"<dcterms:created {instant}</dcterms:created>"
    archive.writestr(
        _entry("docProps/core.xml"),
        f'{_XML}<cp:coreProperties xmlns:cp="{_NS}/package/2006/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{facts}</cp:coreProperties>',
    )


def write_failed_rows(
    spec: SheetSpec, readings: Iterable[SheetReading], out: Path | BinaryIO, *, sentence: Sentence
) -> int:
    """The rejected rows as uploaded, wrong cells in red, reasons and suggestions last: to correct and send again.

    readings: the file, block by block as it is judged; how many rows were rejected.
    """
    headings = [
        *(Heading(column.heading, column.width) for column in spec.columns),
        Heading(REASON, 60),
        Heading(SUGGESTION, 40),
    ]
    failed = (line for reading in readings for line in _failed(reading, spec.columns, sentence))
    return write_rows(headings, failed, out, title=spec.title)


def _failed(reading: SheetReading, columns: Sequence[Column], sentence: Sentence) -> Iterator[list[Any]]:
    errors: dict[int, list[CellError]] = {}
    for error in reading.errors:
        errors.setdefault(error.row, []).append(error)
    for number, found in sorted(errors.items()):
        wrong = {title: error.code for error in found for title in error.column.split("、")}
        cells = zip(columns, reading.cells[number], strict=True)
        line = [_marked(cell, wrong[column.title]) if column.title in wrong else shown(cell) for column, cell in cells]
        reasons = (_label(error) + sentence(error.refusal) for error in found)
        suggestions = (_label(error) + error.suggestion for error in found if error.suggestion)
        yield [*line, f"原第 {number} 行　" + "　".join(reasons), "　".join(suggestions)]


def _marked(cell: Any, code: str) -> Marked:
    """As it was: what was refused for being a number comes back as one, or sent again it would be another fault."""
    is_number = code == "id_stored_as_number" and isinstance(cell, (int, float))
    return Marked(cell, is_raw=True) if is_number else Marked(shown(cell))


def _label(error: CellError) -> str:
    return f"{error.column}：" if error.column else ""


def _entry(name: str) -> zipfile.ZipInfo:
    """A part without a date, so that the same rows make the same file."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _workbook(titles: Sequence[str]) -> str:
    sheets = []
    for at, title in enumerate(titles, start=1):
        name = re.sub(r"[\\/?*\[\]:']", "", title)[:31]
        relation = "rId1" if at == 1 else f"rId{at + 1}"  # rId2 is the styles
        sheets.append(f'<sheet name="{_escape(name)}" sheetId="{at}" r:id="{relation}"/>')
    return (
        f'<workbook xmlns="{_NS}/spreadsheetml/2006/main" xmlns:r="{_NS}/officeDocument/2006/relationships">'
        f"<sheets>{''.join(sheets)}</sheets></workbook>"
    )


def _top(headings: Sequence[Heading], title: str) -> str:
    """Everything above the first row; header and title stay in sight while scrolling."""
    header = 2 if title else 1
    columns = "".join(
        f'<col min="{at}" max="{at}" width="{heading.width}" style="{_TEXT}" customWidth="1"/>'
        for at, heading in enumerate(headings, start=1)
    )
    titles = "".join(_cell(f"{letters(at)}{header}", heading.title, _HEADER) for at, heading in enumerate(headings))
    above = f'<row r="1" ht="30" customHeight="1">{_cell("A1", title, _TITLE)}</row>' if title else ""
    return (
        f'<worksheet xmlns="{_NS}/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">'
        f'<pane ySplit="{header}" topLeftCell="A{header + 1}" activePane="bottomLeft" state="frozen"/>'
        f'</sheetView></sheetViews><cols>{columns}</cols><sheetData>{above}<row r="{header}">{titles}</row>'
    )


def _bottom(headings: Sequence[Heading], title: str) -> str:
    merged = title and len(headings) > 1
    merge = f'<mergeCells count="1"><mergeCell ref="A1:{letters(len(headings) - 1)}1"/></mergeCells>' if merged else ""
    return f"</sheetData>{merge}</worksheet>"


def _lines(rows: Iterable[Sequence[Any]], *, width: int, first: int) -> Iterator[str]:
    """One <row> each; where all cells are plain text, the usual case, no cell is looked at by itself."""
    names = [letters(at) for at in range(width)]
    for number, row in enumerate(rows, start=first):
        joined = "".join(row) if _STR.issuperset(map(type, row)) else ""
        if joined and len(joined) <= _LONGEST_CELL and not _SPECIAL.search(joined):
            cells = [
                f'<c r="{name}{number}" s="{_TEXT}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
                for name, text in zip(names, row, strict=True)
            ]
        else:
            cells = [_cell(f"{name}{number}", cell) for name, cell in zip(names, row, strict=True)]
        yield f'<row r="{number}">{"".join(cells)}</row>'


def _cell(place: str, cell: Any, style: int = _TEXT) -> str:
    if isinstance(cell, Marked):
        if cell.is_raw:
            return f'<c r="{place}" s="{_MARKED}"><v>{cell.value!r}</v></c>'
        cell, style = cell.value, _MARKED
    if _is_number(cell):
        return f'<c r="{place}" s="{_NUMBER if style == _TEXT else style}"><v>{cell}</v></c>'
    text = _escape(in_words(cell)[:_LONGEST_CELL])
    if not text:
        return f'<c r="{place}" s="{style}"/>'
    return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _is_number(cell: Any) -> bool:
    """True for what Excel can hold as a number without losing digits."""
    return isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool) and abs(float(cell)) < DIGITS_KEPT


def in_words(cell: Any) -> str:
    """A value as the office reads it."""
    if isinstance(cell, Labelled):
        return cell.label
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, datetime) and cell.tzinfo:
        return clock.local(cell).strftime("%Y-%m-%d %H:%M")
    return shown(cell)


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda found: _NAMED.get(found[0]) or f"_x{ord(found[0]):04X}_", text)


def letters(at: int) -> str:
    """A for 0, Z for 25, AA for 26."""
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(65 + rest) + name
    return name
