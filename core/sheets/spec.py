"""What a sheet is: its columns, and what came of reading one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any

from core.errors import Refusal
from core.notifications.words import sentence
from core.usecases.imports import Row, RowRefused

Sentence = Callable[[Refusal], str]

REASON, SUGGESTION = NOT_READ = ("失败原因", "修改建议")  # what failed rows come back with; taken and not read
GUIDE = "填写说明"  # the template's second worksheet
MARKING = "导出说明"  # the second worksheet of what was exported: who and when
DIGITS_KEPT = 10**15  # Excel keeps 15 digits of a number; from here on some are lost


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Chinese title without `*`, the field it fills, and the pure function that cleans its text.

    clean: a cleaner of core.rules.values. An empty cell of a column that is not required becomes what clean makes of
    "", or None where clean refuses it. judged_by: the field of another column, whose clean value clean takes as its
    first argument: what a number has to look like depends on the kind of document. text_only: a number cell is
    refused, for Excel has dropped digits or leading zeros (ID and ticket numbers). choices: the drop-down of the
    template; the cleaner decides all the same.
    """

    title: str
    field: str
    clean: Callable[..., Any]
    required: bool = True
    judged_by: str = ""
    text_only: bool = False
    choices: tuple[str, ...] = ()
    example: str = ""
    note: str = ""
    width: int = 16

    @property
    def heading(self) -> str:
        """The title as printed: required columns wear a star (requirements §5.1)."""
        return f"*{self.title}" if self.required else self.title


@dataclass(frozen=True, slots=True)
class SheetSpec:
    """A sheet: name for the command line, title for people; key: fields that together may not repeat in one file."""

    name: str
    title: str
    version: int
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        titles, fields = {c.title for c in self.columns}, {c.field for c in self.columns}
        named = {*self.key, *(c.judged_by for c in self.columns if c.judged_by)}
        if len(titles) < len(self.columns) or len(fields) < len(self.columns) or not fields.issuperset(named):
            raise ValueError(f"sheet {self.name}: titles and fields are unique, key and judged_by name fields")

    def titles_of(self, fields: Iterable[str]) -> str:
        """Chinese titles of these fields, joined with 、; "" for none: then the row as a whole is meant."""
        wanted = set(fields)
        return "、".join(c.title for c in self.columns if c.field in wanted)


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a row was refused: row as Excel numbers it, column by title ("": the row as a whole), value as uploaded."""

    row: int
    column: str
    value: str
    refusal: Refusal

    @property
    def code(self) -> str:
        """Finds the sentence."""
        return self.refusal.sentence_code

    @property
    def message(self) -> str:
        """The sentence."""
        return sentence(self.refusal)

    @property
    def suggestion(self) -> str | None:
        """A text that could be put into the cell as it is; None where nobody can know. Never applied by kaowu."""
        return self.refusal.facts.get("suggestion") or None

    def as_json(self) -> dict[str, Any]:
        """The shape `kaowu import --json` promises."""
        return {
            "row": self.row,
            "column": self.column,
            "code": self.code,
            "value": self.value,
            "message": self.message,
            "suggestion": self.suggestion,
        }


@dataclass(slots=True)
class SheetReading:
    """What came of one pass over a file; row_count = accepted + rejected, always.

    accepted: clean rows in file order. cells: every row as uploaded, cell by cell in the order of spec.columns.
    ignored_sheets: names of further worksheets, which nobody read.
    """

    spec: SheetSpec
    accepted: list[Row] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    cells: dict[int, Sequence[Any]] = field(default_factory=dict)
    ignored_sheets: tuple[str, ...] = ()

    @property
    def row_count(self) -> int:
        """Rows that held anything at all."""
        return len(self.cells)

    def append(self, block: SheetReading) -> None:
        """Further rows of the same file."""
        self.accepted += block.accepted
        self.errors += block.errors
        self.cells |= block.cells

    @property
    def rejected(self) -> list[int]:
        """Numbers of the rejected rows, in file order."""
        return sorted({error.row for error in self.errors})

    def without(self, refused: Iterable[RowRefused]) -> SheetReading:
        """The same less the rows a use case refused; where the field at fault is a column, that cell is to blame."""
        positions = {column.field: at for at, column in enumerate(self.spec.columns)}
        errors = list(self.errors)
        for fault in refused:
            at = positions.get(fault.field)
            value = "" if at is None else shown(self.cells[fault.row][at])
            errors.append(CellError(fault.row, self.spec.titles_of([fault.field]), value, fault.refusal))
        gone = {error.row for error in errors}
        accepted = [row for row in self.accepted if row[0] not in gone]
        return replace(self, accepted=accepted, errors=sorted(errors, key=lambda error: error.row))


def shown(cell: Any) -> str:
    """A cell as text, the way Excel shows it: whole floats without ".0", at most 15 digits, dates as 2026-05-20."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, (int, float)):
        whole = abs(cell) < DIGITS_KEPT and float(cell).is_integer()
        return str(int(cell)) if whole else format(cell, ".15G")
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds").removesuffix(" 00:00:00")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return "" if cell is None else str(cell)
