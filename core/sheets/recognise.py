"""Which sheet a file is that came without saying so: by its title row, else by its columns. Only the top is looked at.

A guess that is confirmed later: whoever takes the file in judges its columns again, and says what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.errors import FileRefused
from core.sheets import gate
from core.sheets.catalogue import SHEETS
from core.sheets.head import first_rows
from core.sheets.photo_zip import ENTRIES, INFLATED_BYTES, PHOTO_SUFFIXES
from core.sheets.reader import plain_title
from core.sheets.spec import NOT_READ, SheetSpec

_BESIDE_A_TITLE = 20  # characters: 江城学院2026年…（第二批）; a sentence that mentions a sheet is no title


def sheets_of(data: bytes, *, file_name: str) -> tuple[str, ...]:
    """Names of the sheets a workbook fits best, in the catalogue's order; () for none.

    A title row decides alone, so that a template whose columns were changed is still told what is wrong with them.
    FileRefused where it is no workbook to be opened, or there is nothing in it.
    """
    rows = [[plain_title(cell) for cell in cells] for cells in first_rows(data, file_name=file_name)]
    if not any(any(cells) for cells in rows):
        raise FileRefused("sheet_empty")
    specs = [kind.spec for kind in SHEETS.values()]
    titled = [spec for spec in specs if _is_titled(spec, rows)]
    return tuple(spec.name for spec in titled or _by_columns(specs, rows))


def require_photos(data: bytes) -> None:
    """FileRefused for a zip that is something else than pictures: a workbook renamed, workbooks packed together."""
    with gate.open_zip(data, entries=ENTRIES, inflated=INFLATED_BYTES) as archive:
        names = [name.lower() for name in archive.namelist()]
    if "xl/workbook.xml" in names:
        raise FileRefused("zip_is_workbook", rule="R-296")
    if not any(name.endswith(tuple(PHOTO_SUFFIXES)) for name in names):
        raise FileRefused("zip_of_no_photos", rule="R-296")


def _is_titled(spec: SheetSpec, rows: Iterable[Sequence[str]]) -> bool:
    title = plain_title(spec.title)
    return any(title in cell and len(cell) <= len(title) + _BESIDE_A_TITLE for cells in rows for cell in cells)


def _by_columns(specs: Iterable[SheetSpec], rows: Iterable[Sequence[str]]) -> list[SheetSpec]:
    """Those with all required columns there whose columns differ least from a row; a handful shared proves nothing."""
    heads = [set(cells) - {"", *NOT_READ} for cells in rows]
    apart = {}
    for spec in specs:
        wanted = {plain_title(column.title) for column in spec.columns}
        required = {plain_title(column.title) for column in spec.columns if column.required}
        distances = [
            len(head ^ wanted)
            for head in heads
            if required <= head and 2 * len(head & wanted) >= max(len(head), len(wanted))
        ]
        if distances:
            apart[spec.name] = min(distances)
    least = min(apart.values(), default=0)
    return [spec for spec in specs if apart.get(spec.name) == least and spec.name in apart]
