"""Set-up sheets as they stand: the same columns that are imported, filled in, to look through or to send again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from flask import abort, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from admin.import_page import SheetDoor, workbook
from admin.session import current_actor, reader
from admin.usecase_view import Link
from core.sheets import desk

BEHIND_A_CODE = frozenset({"organisations"})  # contacts leave by the list's own export, which asks for a code


class FilledSheets:
    """Mixed into a view whose sheets can be taken away filled in."""

    endpoint: str
    sheets: Sequence[SheetDoor]
    _door: Any
    doors: Any

    def page_links(self) -> list[Link]:
        """A button per sheet this person may import."""
        return [
            Link(f"导出{_word(door)}", url_for(f"{self.endpoint}.filled_view", sheet=door.sheet))
            for door in self.doors()
            if door.sheet not in BEHIND_A_CODE
        ]

    @expose("/filled/<sheet>")
    def filled_view(self, sheet: str) -> ResponseReturnValue:
        """The sheet with what there is, in the columns of its template."""
        door = next((door for door in self.doors() if door.sheet == sheet and sheet not in BEHIND_A_CODE), None)
        if door is None:
            abort(404)
        actor, out = current_actor(), io.BytesIO()
        reader().rollback()
        desk.export_rows(actor, door.sheet, out)
        return workbook(out.getvalue(), f"{_word(door)}.xlsx")


def _word(door: SheetDoor) -> str:
    return door.label.removeprefix("导入")
