"""The usual .xlsx, read at little memory: one pass of regular expressions, rows kept packed until they are asked for.

calamine holds every string and the whole sheet, some 1 KB a row. What Excel, WPS, LibreOffice and openpyxl write for a
plain list is simple enough to be read without it. Whatever is not exactly so (formulas, dates, errors, rows out of
order, another encoding, damage) is Unusual, and calamine's business after all: both give the same cells.
"""

from __future__ import annotations

import codecs
import marshal
import re
import xml.etree.ElementTree as ET
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Any
from zipfile import BadZipFile, ZipInfo

from core.errors import FileRefused
from core.sheets.gate import INFLATED_BYTES, inflate, open_zip
from core.sheets.references import plain
from core.sheets.survey import AREA, is_odd, small_xml

BLOCK = 2_000  # rows packed together
WIDEST = 26  # columns; further down and to the right it is no usual sheet any more
_SHAPES = 16  # of rows: which cells they have, in which style
_HEAD = 10  # rows: no column that is empty in all of them is ever picked
_LONGEST = 1024 * 1024  # characters without an end of a row or string

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_WORKSHEET = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
_DECLARED = r"\ufeff?(?:<\?xml version=\"1\.0\"(?: encoding=\"(?i:utf-8)\")?(?: standalone=\"\w+\")?\s*\?>)?\s*"
_T = r"<t(?: xml:space=\"preserve\")?>"
_STRINGS_HEAD = re.compile(_DECLARED + r"<sst(?: [^<>]*)?>")
_STRING = re.compile(
    rf"<si>(?:<t/>|{_T}([^<]*)</t>|((?:<r>(?:<rPr>(?:<\w+(?: [^<>]*)?/>)*</rPr>)?{_T}[^<]*</t></r>)+))"
    r"(?:<phoneticPr [^<>]*/>)?</si>"
)
_RUN = re.compile(rf"{_T}([^<]*)</t>")
_SHEET_HEAD = re.compile(_DECLARED + r"<worksheet [^<>]*>(?:(?!<!|<sheetData|<row|<c |<worksheet).)*<sheetData>", re.S)
_OPEN = r"<row r=\"([1-9]\d{0,6})\"(?: [^<>]*[^<>/])?>"
_ROW = re.compile(_OPEN)
_EMPTY_ROWS = re.compile(r"(?:<row [^<>]*/>)*")
_VALUE, _INLINE, _NOTHING = r"><v>([^<]*)</v></c>", rf"><is>{_T}([^<]*)</t></is></c>", r"(?:/>|></c>)"
_CELL = re.compile(
    r"<c r=\"([A-Z])(\d+)\"(?: s=\"(\d+)\")?(?: t=\"(s|inlineStr|str|n)\")?"
    rf"(?:{_NOTHING}|{_VALUE}|{_INLINE})"
)
_GROUPS = _CELL.groups + 1
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_EDGES = ("<t> ", "<t>\n", "<t>\t", " </t>", "\n</t>", "\t</t>")
_UNTRIMMED = re.compile(r"<t>(?:[ \n\t]|[^<]*[ \n\t]</t>)")  # calamine trims what is not to be preserved
_ESCAPED = re.compile("_x[0-9A-Fa-f]{4}_")
_PLAIN_FORMATS = frozenset({0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 37, 38, 39, 40, 48, 49})  # built in, and no dates

Numbered = Iterator[tuple[int, list[Any]]]


class Unusual(Exception):
    """Not a workbook for this reader."""


@dataclass(frozen=True, slots=True)
class UsualSheet:
    """The first visible worksheet: its name, the names of all, and its rows, which can be had any number of times."""

    name: str
    names: list[str]
    rows: Callable[[], Numbered]


def usual_sheet(data: bytes) -> UsualSheet:
    """The sheet of an .xlsx that passed the gate; Unusual where somebody else must look at it, and say what is wrong.

    Every part is inflated once and measured, like survey() does.
    """
    try:
        return _usual_sheet(data)
    except (FileRefused, BadZipFile, ET.ParseError, zlib.error, ValueError, LookupError, RuntimeError) as trouble:
        raise Unusual from trouble


def _usual_sheet(data: bytes) -> UsualSheet:
    with open_zip(data) as archive:
        parts = {entry.filename: entry for entry in archive.infolist()}
        if len(parts) < len(archive.infolist()) or any(entry.flag_bits & 1 for entry in parts.values()):
            raise Unusual
        name, names, place = _first_visible(archive.read("xl/workbook.xml"), archive.read("xl/_rels/workbook.xml.rels"))
        dates = _date_styles(archive.read("xl/styles.xml")) if "xl/styles.xml" in parts else frozenset()
    package = _Package(data)
    sheet, listed = parts.pop(place), parts.pop("xl/sharedStrings.xml", None)
    for entry in parts.values():
        if is_odd(package.part(entry)):
            raise Unusual
    strings = _Strings()
    if listed is not None:
        strings.read(_text(package.part(listed)))
    packed = _packed(_rows(_text(package.part(sheet)), _RowReader(strings, dates)))
    return UsualSheet(name, names, lambda: _unpacked(packed))


@dataclass
class _Package:
    """Inflates parts, which have to be what the archive's table says, and all together no bomb."""

    data: bytes
    total: int = 0

    def part(self, entry: ZipInfo) -> Iterator[bytes]:
        """Its bytes."""
        size = digest = 0
        for chunk in inflate(self.data, entry):
            size, digest = size + len(chunk), zlib.crc32(chunk, digest)
            if self.total + size > INFLATED_BYTES:
                raise Unusual
            yield chunk
        self.total += size
        if (size, digest) != (entry.file_size, entry.CRC):
            raise Unusual


def _text(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chunks:
        yield decoder.decode(chunk)
    decoder.decode(b"", final=True)


def _first_visible(book: bytes, relations: bytes) -> tuple[str, list[str], str]:
    """Name of the first visible worksheet, names of all, and the part that holds it."""
    root = small_xml(book)
    if root.tag != f"{_MAIN}workbook":
        raise Unusual
    targets = {one.attrib["Id"]: one for one in small_xml(relations).iter(_RELATION)}
    sheets = root.findall(f"{_MAIN}sheets/{_MAIN}sheet")
    if any(targets[sheet.attrib[_ID]].attrib["Type"] != _WORKSHEET for sheet in sheets):
        raise Unusual
    first = next((sheet for sheet in sheets if sheet.attrib.get("state", "visible") == "visible"), None)
    if first is None:
        raise Unusual
    target = targets[first.attrib[_ID]].attrib["Target"]
    place = target[1:] if target.startswith("/") else f"xl/{target}"
    return first.attrib["name"], [sheet.attrib["name"] for sheet in sheets], place


def _date_styles(styles: bytes) -> frozenset[str]:
    """Styles that may make a date of a number: all whose format is not known to do no such thing."""
    root = small_xml(styles)
    listed = root.findall(f"{_MAIN}cellXfs/{_MAIN}xf")
    return frozenset(str(at) for at, one in enumerate(listed) if int(one.get("numFmtId", 0)) not in _PLAIN_FORMATS)


@dataclass
class _Strings:
    """The shared strings, as one blob: a list of them would cost four times as much."""

    blob: bytearray = field(default_factory=bytearray)
    ends: array[int] = field(default_factory=lambda: array("I", [0]))

    def read(self, chunks: Iterator[str]) -> None:
        """Take them in, from the text of their part."""
        tail = ""
        for chunk in chunks:
            tail += chunk
            if head := _STRINGS_HEAD.match(tail):
                tail = "</sst>" if head[0].endswith("/>") else tail[head.end() :]
                break
            _require_short(tail)
        for chunk in chain([""], chunks):
            whole, end, tail = f"{tail}{chunk}".rpartition("</si>")
            self._add(whole + end)
            _require_short(tail)
        if tail.strip() != "</sst>":
            raise Unusual

    def _add(self, text: str) -> None:
        _require_plain(text)
        parts = _STRING.split(text)
        if any(parts[::3]):
            raise Unusual
        end = self.ends[-1]
        spelled = []
        for whole, runs in zip(parts[1::3], parts[2::3], strict=True):
            word = plain(whole or ("".join(_RUN.findall(runs)) if runs else "")).encode()
            spelled.append(word)
            end += len(word)
            self.ends.append(end)
        self.blob += b"".join(spelled)

    def at(self, place: str) -> str:
        """The one at this place."""
        at = int(place)
        if at < 0:
            raise Unusual
        return self.blob[self.ends[at] : self.ends[at + 1]].decode()


def _rows(chunks: Iterator[str], read: Callable[[str], tuple[int, list[Any]]]) -> Numbered:
    """(number, cells from column A on) of every row that has cells."""
    tail = _below_head(chunks)
    last = widest = 0
    for chunk in chain([""], chunks):
        whole, end, tail = f"{tail}{chunk}".rpartition("</row>")
        _require_plain(whole)
        for piece in whole.split("</row>") if end else ():
            number, cells = read(piece)
            widest = max(widest, len(cells))
            if number <= last or number * widest > AREA:
                raise Unusual
            last = number
            yield number, cells
        if "</sheetData>" in tail:
            break
        _require_short(tail)
    rest, _, end = tail.partition("</sheetData>")
    for chunk in chunks:
        end = (end + chunk)[-_HEAD * 2 :]
    if not _EMPTY_ROWS.fullmatch(rest) or not end.rstrip().endswith("</worksheet>"):
        raise Unusual


def _below_head(chunks: Iterator[str]) -> str:
    """What of the text read so far follows <sheetData>."""
    text = ""
    for chunk in chunks:
        text += chunk
        if head := _SHEET_HEAD.match(text):
            return text[head.end() :]
        _require_short(text)
    raise Unusual


@dataclass(frozen=True, slots=True)
class _Shape:
    """Rows with the same cells in the same styles, as one pattern: most rows of a file are of a handful of shapes."""

    pattern: re.Pattern[str]
    columns: tuple[int, ...]
    makers: tuple[Callable[[str], Any], ...]
    width: int


class _RowReader:
    """Makes (number, cells) of the text of a row without its end tag."""

    def __init__(self, strings: _Strings, dates: frozenset[str]) -> None:
        self._shared: Callable[[str], str] = lru_cache(maxsize=1024)(strings.at)  # most columns repeat themselves
        self._dates = dates
        self._shapes: list[_Shape] = []

    def __call__(self, text: str) -> tuple[int, list[Any]]:
        for shape in self._shapes:
            if found := shape.pattern.fullmatch(text):
                number, *texts = found.groups()
                cells = [make(word) for make, word in zip(shape.makers, texts, strict=True)]
                return int(number), cells if len(cells) == shape.width else _spread(cells, shape.columns, shape.width)
        return self._slowly(text)

    def _slowly(self, text: str) -> tuple[int, list[Any]]:
        """A row of a shape not met before, or not kept."""
        above = _EMPTY_ROWS.match(text)
        head = _ROW.match(text, above.end() if above else 0)
        if head is None:
            raise Unusual
        parts = _CELL.split(text[head.end() :])
        if any(parts[::_GROUPS]) or {*parts[2::_GROUPS]} - {head[1]}:
            raise Unusual
        pattern, columns, makers, texts = [_OPEN], list[int](), list[Callable[[str], Any]](), list[str]()
        fields = zip(*(parts[at::_GROUPS] for at in (1, 3, 4, 5, 6)), strict=True)
        for letter, style, kind, value, inline in fields:
            marks = "".join(f' {name}="{mark}"' for name, mark in (("s", style), ("t", kind)) if mark)
            body = _NOTHING if value is inline is None else _INLINE if value is None else _VALUE
            pattern.append(rf'<c r="{letter}\1"{marks}{body}')
            if value is None and inline is None:
                continue
            columns.append(ord(letter) - 65)
            makers.append(self._maker(style or "0", kind, is_inline=value is None))
            texts.append(inline if value is None else value)
        width = max(columns, default=-1) + 1
        if len(self._shapes) < _SHAPES and len(set(columns)) == len(columns) > 0:
            self._shapes.append(_Shape(re.compile("".join(pattern)), tuple(columns), tuple(makers), width))
        cells = [make(word) for make, word in zip(makers, texts, strict=True)]
        return int(head[1]), _spread(cells, columns, width)

    def _maker(self, style: str, kind: str | None, *, is_inline: bool) -> Callable[[str], Any]:
        if is_inline != (kind == "inlineStr"):
            raise Unusual
        if kind == "s":
            return self._shared
        if kind in {"inlineStr", "str"}:
            return plain
        if style in self._dates:
            raise Unusual
        return _number


def _spread(cells: list[Any], columns: Sequence[int], width: int) -> list[Any]:
    row: list[Any] = [""] * width
    for column, cell in zip(columns, cells, strict=True):
        row[column] = cell
    return row


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise Unusual
    return float(text)


def _require_plain(text: str) -> None:
    """Nothing in it that readers have been known to spell differently: escapes, line ends, blanks at the edges."""
    if (
        "\r" in text
        or ("_x" in text and _ESCAPED.search(text))
        or (any(edge in text for edge in _EDGES) and _UNTRIMMED.search(text))
    ):
        raise Unusual


def _require_short(text: str) -> None:
    if len(text) > _LONGEST:
        raise Unusual


# -- kept until they are asked for -------------------------------------------------------------------------------------


def _packed(rows: Numbered) -> list[bytes]:
    """Rows of one width; the first ten of the sheet without a gap, for the header is looked for among them."""
    head: list[tuple[int, list[Any]]] = []
    width, packed = 0, list[bytes]()
    first = next(rows, None)
    while first is not None and first[0] <= _HEAD:
        head += [(number, []) for number in range(len(head) + 1, first[0])]
        head.append(first)
        first = next(rows, None)
    if first is not None:
        head += [(number, []) for number in range(len(head) + 1, _HEAD + 1)]
    width = max((len(cells) for _, cells in head), default=0)
    blank = [""] * width
    following = head if first is None else [*head, first]
    while following:
        fit = [(number, cells if len(cells) == width else (cells + blank)[:width]) for number, cells in following]
        packed.append(zlib.compress(marshal.dumps(fit), 1))
        following = list(islice(rows, BLOCK))
    return packed


def _unpacked(packed: list[bytes]) -> Numbered:
    for block in packed:
        yield from marshal.loads(zlib.decompress(block))  # noqa: S302  what was packed above, in this process
