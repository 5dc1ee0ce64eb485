"""From an uploaded workbook to clean rows and errors, in one pass."""

from __future__ import annotations

import gc
import io
import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NoReturn

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from core.errors import FileRefused, ValueRefused
from core.sheets import gate, suggest, xls
from core.sheets.packed import FirstRows
from core.sheets.spec import DIGITS_KEPT, GUIDE, MARKING, NOT_READ, CellError, Column, SheetReading, SheetSpec, shown
from core.sheets.stream import Unusual, usual_sheet
from core.sheets.survey import AREA, ErrorCells, part_of, survey

BLOCK = 5_000  # rows
HEADER_WITHIN = 10  # rows: the template has a title above its header, people add a line or two
_ANSWERS = 512  # of a column
_SECONDS = 60  # for an .xls; the usual one takes a fifth of one
# fmt: off
ERROR_VALUES = frozenset((
    "#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "#NAME?", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!",
    "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#PYTHON!", "#GETTING_DATA",
))
# fmt: on

Cells = Sequence[Any]
Pick = Callable[[Cells], Cells]
Clean = Callable[[str], Any]
Numbered = Iterator[tuple[int, Cells]]
Corrections = Mapping[tuple[int, str], str]  # (row number Excel shows, field) → the text in its place
Progress = Callable[[int], None]


def read_rows(
    spec: SheetSpec,
    source: bytes | Path,
    *,
    file_name: str,
    corrections: Corrections | None = None,
    progress: Progress | None = None,
) -> SheetReading:
    """Every row of the first worksheet, cleaned or refused; FileRefused where the file as a whole cannot be taken.

    corrections: cells typed anew, in place of what the file holds. progress: told how many rows are read so far.
    """
    sheet = open_sheet(source, file_name=file_name)
    return read_blocks(spec, sheet, corrections=corrections, progress=progress).joined()


def read_blocks(
    spec: SheetSpec, sheet: OpenSheet, *, corrections: Corrections | None = None, progress: Progress | None = None
) -> Blocks:
    """The same by blocks of some thousand rows, each a reading of its own, to be forgotten once it is dealt with.

    What is wrong with the file as a whole is refused here and now, but for a sheet without rows: that only its end
    tells.
    """
    pick, rows = find_columns(spec, sheet.rows())
    if corrections:
        pick, rows = lambda cells: cells, _corrected(spec, pick, rows, corrections)
    return Blocks(spec, _in_blocks(spec, pick, rows, progress), sheet.ignored)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Readings of consecutive rows of one file, made as they are asked for; names of the sheets nobody reads."""

    spec: SheetSpec
    readings: Iterator[SheetReading]
    ignored: tuple[str, ...]

    def joined(self) -> SheetReading:
        """All of them as one."""
        reading = SheetReading(self.spec, ignored_sheets=self.ignored)
        with collector_resting():
            for block in self.readings:
                reading.append(block)
        return reading


def _in_blocks(spec: SheetSpec, pick: Pick, rows: Numbered, progress: Progress | None) -> Iterator[SheetReading]:
    read, count = _reader(spec, pick), 0
    while block := list(islice(rows, BLOCK)):
        reading = read(block)
        if reading.row_count:
            count += reading.row_count
            yield reading
        if progress is not None:
            progress(count)
    if not count:
        raise FileRefused("sheet_without_rows", title=spec.title)


def _corrected(spec: SheetSpec, pick: Pick, rows: Numbered, corrections: Corrections) -> Numbered:
    """Rows in the order of the columns, with the corrected cells in place."""
    places = {column.field: at for at, column in enumerate(spec.columns)}
    anew: dict[int, dict[int, str]] = {}
    for (number, name), text in corrections.items():
        anew.setdefault(number, {})[places[name]] = text
    for number, row in rows:
        cells = pick(row)
        if number in anew:
            cells = tuple(anew[number].get(at, cell) for at, cell in enumerate(cells))
        yield number, cells


@contextmanager
def collector_resting() -> Iterator[None]:
    """No garbage collections meanwhile: rows are many new objects and none of them garbage, looking costs a fifth."""
    was_awake = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_awake:
            gc.enable()


@dataclass(frozen=True, slots=True)
class OpenSheet:
    """The first visible worksheet: names of the other sheets, and rows, which can be had any number of times.

    Rows come with the numbers Excel shows, values as stored; of the first ten none is left out.
    """

    rows: Callable[[], Numbered]
    ignored: tuple[str, ...]


def open_sheet(source: bytes | Path, *, file_name: str) -> OpenSheet:
    """Open an .xls or .xlsx safely; formulas are never evaluated, hidden rows are read like any other."""
    data = gate.load(source, limit=gate.WORKBOOK_BYTES)
    gate.require_workbook(data, file_name=file_name)
    try:
        with collector_resting():
            name, names, rows = _open_package(data) if gate.is_zip(data) else open_apart(data)
    except PasswordError:
        raise FileRefused("file_encrypted") from None
    except CalamineError:
        raise FileRefused("file_damaged") from None
    return OpenSheet(rows, tuple(other for other in names if other not in {name, GUIDE, MARKING}))


def open_apart(data: bytes, *, most: int = 0) -> tuple[str, list[str], Callable[[], Numbered]]:
    """The same of an .xls, opened in a process of its own, for calamine may abort on it (see core.sheets.xls).

    most: so many rows are enough; 0 for all.
    """
    command = [sys.executable, "-I", xls.__file__, str(AREA), str(most)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=True)  # noqa: S603
    except (subprocess.SubprocessError, OSError):
        raise FileRefused("file_damaged") from None
    answer = json.loads(done.stdout)
    if "locked" in answer:
        raise FileRefused("file_encrypted")
    if "large" in answer:
        raise FileRefused("sheet_too_large", row=answer["large"][0], column=answer["large"][1])
    return answer["name"], answer["names"], lambda: enumerate(answer["rows"], start=1)


def _open_package(data: bytes) -> tuple[str, list[str], Callable[[], Numbered]]:
    """Name of the first visible sheet, names of all, its rows."""
    try:
        sheet = usual_sheet(data)
    except Unusual:
        return open_unusual(data)
    return sheet.name, sheet.names, sheet.rows


def open_unusual(data: bytes) -> tuple[str, list[str], Callable[[], Numbered]]:
    """The same by calamine, which keeps leading rows, drops leading columns."""
    errors = survey(data)
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    index = xls.first_visible(book)
    sheet = book.get_sheet_by_index(index)

    def rows() -> Numbered:
        found: Iterable[list[Any]] = sheet.iter_rows() if sheet.start else ()
        if sheet.start and errors:
            found = _with_errors(found, sheet.start[1] + 1, errors.get(part_of(data, index), {}))
        return enumerate(found, start=1)

    return sheet.name, book.sheet_names, rows


def _with_errors(rows: Iterable[list[Any]], left: int, errors: ErrorCells) -> Iterator[list[Any]]:
    """Put #N/A and its like back where calamine left an empty cell; left: the sheet's first column, from 1."""
    for number, cells in enumerate(rows, start=1):
        for at in range(left, left + len(cells)):
            if (number, at) in errors:
                cells[at - left] = errors[number, at]
        yield cells


def find_columns(spec: SheetSpec, rows: Numbered) -> tuple[Pick, Numbered]:
    """What picks a row's cells in the order of spec.columns, and the rows below the header (R-297).

    Every title has to be there exactly once, and nothing else but what failed rows come back with. Another order is
    taken: cells are found by their title, so none can land in the wrong field, and people do move columns about.
    """
    wanted = [plain_title(column.title) for column in spec.columns]
    head = list(islice(rows, HEADER_WITHIN))
    if not any(shown(cell).strip() for _, cells in head for cell in cells):
        raise FileRefused("sheet_empty")
    listed = [[plain_title(cell) for cell in cells] for _, cells in head]
    at = max(range(len(head)), key=lambda n: (len(set(wanted) & set(listed[n])), len(listed[n]) - listed[n].count("")))
    found = listed[at]
    facts = {
        "missing": [column.title for column, title in zip(spec.columns, wanted, strict=True) if title not in found],
        "unknown": [title for title in found if title not in {"", *NOT_READ, *wanted}],
        "repeated": [title for title in wanted if found.count(title) > 1],
    }
    if any(facts.values()):
        raise FileRefused("columns_differ", rule="R-297", title=spec.title, **facts)
    positions = [found.index(title) for title in wanted]
    return _picker(positions), chain(head[at + 1 :], rows)


def plain_title(cell: Any) -> str:
    """A column's title as it is compared: without star and blanks, full width or not."""
    return "".join(unicodedata.normalize("NFKC", shown(cell)).split()).lstrip("*")


def _picker(positions: list[int]) -> Pick:
    if len(positions) == 1:
        return lambda cells: (cells[positions[0]],)
    return itemgetter(*positions)


def _reader(spec: SheetSpec, pick: Pick) -> Callable[[Iterable[tuple[int, Cells]]], SheetReading]:
    """What reads a file block by block and remembers the keys it has seen.

    The loop all imports spend their time in: the usual row is one join and one cleaner call per cell.
    """
    fields = [column.field for column in spec.columns]
    cleaners = [_cleaner(column) for column in spec.columns]
    judged = [(column.field, column.judged_by, column.clean) for column in spec.columns if column.judged_by]
    seen = FirstRows()

    def usual(cells: Cells) -> dict[str, Any] | None:
        """The row's clean values; None of a blank row, and of one that has to be looked at cell by cell.

        Refusals end here: one raised while another is being handled keeps that one, and so the frame it rose through.
        """
        try:
            joined = "".join(cells)
            if not joined or joined.isspace() or not ERROR_VALUES.isdisjoint(cells):
                return None
            values = dict(zip(fields, [clean(text) for clean, text in zip(cleaners, cells, strict=True)], strict=True))
            for field, other, clean in judged:
                values[field] = clean(values[other], values[field])
        except (TypeError, ValueRefused):
            return None
        return values

    def read(rows: Iterable[tuple[int, Cells]]) -> SheetReading:
        reading = SheetReading(spec)
        for number, row in rows:
            cells = pick(row)
            errors: Sequence[CellError] = ()
            values = usual(cells)
            if values is None:
                if not any(shown(cell).strip() for cell in cells):
                    continue
                values, errors = _read_carefully(spec, cleaners, number, cells)
            reading.cells[number] = cells
            if spec.key and (first := _first_with_key(spec, seen, number, values)) != number:
                errors = [*errors, _repeat(spec, number, cells, first)]
            if errors:
                reading.errors += errors
            else:
                reading.accepted.append((number, values))
        return reading

    return read


def _read_carefully(
    spec: SheetSpec, cleaners: list[Clean], number: int, cells: Cells
) -> tuple[dict[str, Any], list[CellError]]:
    """What of a row can be read, and an error for every cell that cannot."""
    values: dict[str, Any] = {}
    errors: list[CellError] = []
    for column, clean, cell in zip(spec.columns, cleaners, cells, strict=True):
        try:
            values[column.field] = clean(_text(column, cell))
        except ValueRefused as refusal:
            errors.append(CellError(number, column.title, shown(cell), refusal.with_traceback(None)))
    for column, cell in zip(spec.columns, cells, strict=True):
        if column.judged_by and column.field in values:
            values.pop(column.field)
            try:
                if column.judged_by in values:
                    values[column.field] = column.clean(values[column.judged_by], _text(column, cell))
            except ValueRefused as refusal:
                errors.append(CellError(number, column.title, shown(cell), refusal.with_traceback(None)))
    return values, suggest.with_suggestions(spec, number, cells, values, errors)


def _text(column: Column, cell: Any) -> str:
    """The cell as if it had been typed as text; refused where digits are gone or the cell is an error."""
    text = shown(cell)
    if text.strip() in ERROR_VALUES:
        raise ValueRefused("cell_is_error", value=text)
    is_number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    if is_number and (column.text_only or abs(cell) >= DIGITS_KEPT):
        raise ValueRefused("id_stored_as_number", value=text)
    return text


def _cleaner(column: Column) -> Clean:
    """The column's cleaner, remembering its answers (most columns repeat themselves) and knowing blanks.

    A column judged by another one is only asked for being there; what it holds is judged once the row is read.
    """
    if column.judged_by:
        return lambda text: text if text and not text.isspace() else _refuse_blank()
    try:
        blank = column.clean("")
    except ValueRefused:
        return _Answers(column.clean, column.clean if column.required else lambda _: None).__getitem__
    return _Answers(column.clean, (lambda _: _refuse_blank()) if column.required else lambda _: blank).__getitem__


class _Answers(dict[str, Any]):
    """Clean values by text: a look-up is a fraction of a call. Forgotten when there are many; refusals never kept."""

    def __init__(self, clean: Clean, blank: Clean) -> None:
        super().__init__()
        self._clean, self._blank = clean, blank

    def __missing__(self, text: str) -> Any:
        answer = self._clean(text) if text and not text.isspace() else self._blank(text)
        if len(self) >= _ANSWERS:
            self.clear()
        self[text] = answer
        return answer


def _refuse_blank() -> NoReturn:
    raise ValueRefused("value_missing", value="", suggestion=None)


def _first_with_key(spec: SheetSpec, seen: FirstRows, number: int, values: dict[str, Any]) -> int:
    """The first row that carried this row's key; this one where a part of the key could not be read."""
    try:
        return seen.first(tuple([values[name] for name in spec.key]), number)
    except KeyError:
        return number


def _repeat(spec: SheetSpec, number: int, cells: Cells, first: int) -> CellError:
    value = "、".join(shown(cell) for column, cell in zip(spec.columns, cells, strict=True) if column.field in spec.key)
    titles = spec.titles_of(spec.key)
    return CellError(number, titles, value, ValueRefused("duplicate_row", rule="R-077", first_row=first, key=titles))
