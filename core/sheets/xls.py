"""Old .xls files, opened by a process of their own: this file is also a small program.

One flipped byte in an .xls can make calamine ask for 50 GB and abort; unlike an .xlsx, its insides cannot be looked
over beforehand with reasonable effort. The program takes a workbook on stdin and answers with its first sheet as JSON,
little memory allowed: {"name", "names", "rows"}, or {"locked": true}, or {"large": [row, column]} for a block of more
cells than its first argument says; the second says how many rows are enough, 0 for all. Whatever else goes wrong in
there is a damaged file out here.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MEMORY = 1024 * 1024 * 1024


def first_visible(book: CalamineWorkbook) -> int:
    """The index of the first worksheet that people see; CalamineError where there is none."""
    for index, sheet in enumerate(book.sheets_metadata):
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return index
    raise CalamineError("no visible worksheet")


def _first_sheet(data: bytes, area: int, most: int) -> dict[str, Any]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError:
        return {"locked": True}
    sheet = book.get_sheet_by_index(first_visible(book))
    if sheet.height * sheet.width > area and sheet.end:
        return {"large": [sheet.end[0] + 1, sheet.end[1] + 1]}
    rows = list(islice(sheet.iter_rows(), most or None)) if sheet.start else []
    return {"name": sheet.name, "names": book.sheet_names, "rows": rows}


if __name__ == "__main__":
    with contextlib.suppress(ImportError, ValueError, OSError):  # where this is unknown a crash still stays in here
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    json.dump(_first_sheet(sys.stdin.buffer.read(), int(sys.argv[1]), int(sys.argv[2])), sys.stdout, default=str)
