"""Old .xls files, opened by a process of their own.

One flipped byte in an .xls can make calamine ask for 50 GB and abort; unlike an .xlsx, its insides cannot be looked
over beforehand with reasonable effort. So this file is also a small program: a workbook on stdin, its first sheet as
JSON on stdout, little memory allowed. Whatever goes wrong in there is a damaged file out here.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MEMORY = 1024 * 1024 * 1024
SECONDS = 60


def first_visible(book: CalamineWorkbook) -> int:
    """The index of the first worksheet that people see; CalamineError where there is none."""
    for index, sheet in enumerate(book.sheets_metadata):
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return index
    raise CalamineError("no visible worksheet")


def read_apart(data: bytes) -> tuple[str, list[str], list[list[Any]]]:
    """Name of the first visible sheet, names of all, its rows from row 1; CalamineError whatever went wrong."""
    command = [sys.executable, "-I", __file__]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603  ours
    except (subprocess.SubprocessError, OSError):
        raise CalamineError("the reading process gave up") from None
    answer = json.loads(done.stdout)
    if answer == "locked":
        raise PasswordError
    return answer["name"], answer["names"], answer["rows"]


def _program() -> None:
    with contextlib.suppress(
        ImportError, ValueError, OSError
    ):  # where there is no resource module, a crash stays apart
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        sheet = book.get_sheet_by_index(first_visible(book))
        rows = list(sheet.iter_rows()) if sheet.start else []
        answer: Any = {"name": sheet.name, "names": book.sheet_names, "rows": rows}
    except PasswordError:
        answer = "locked"
    json.dump(answer, sys.stdout, default=str)


if __name__ == "__main__":
    _program()
