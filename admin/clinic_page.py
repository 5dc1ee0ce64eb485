"""The page of one import: what would become of it, mend it, take it, put it away, undo it (R-294, R-295)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from admin import clinic_work
from admin.import_page import SheetDoor, SheetPages
from admin.session import current_actor, reader
from core.errors import NotFound, Refusal
from core.notifications.words import sentence
from core.queries.imports import PAGE, Fault, faults, file_size
from core.rules.imports import ImportState
from core.sheets import clinic

S = ImportState
CELL, WAS = "cell-", "was-"
Cell = tuple[int, str]  # row as Excel numbers it, field


class ClinicPages:
    """Mixed into the view of the imports."""

    endpoint: str

    @expose("/<int:ident>/", methods=("GET", "POST"))
    def job_view(self, ident: int) -> ResponseReturnValue:
        """Where the import stands, and what can be done there."""
        if request.method == "POST":
            return self._acted(ident)
        return self._page(ident)

    @expose("/<int:ident>/standing")
    def standing_view(self, ident: int) -> ResponseReturnValue:
        """The same in two words, for a page that waits."""
        stands = _standing(ident)
        return {"state": stands.state.value, "rows_read": stands.rows_read}, 200, {"Cache-Control": "no-store"}

    def _page(self, ident: int, problem: str = "", typed: dict[Cell, str] | None = None) -> ResponseReturnValue:
        stands = _standing(ident)
        page = max(request.values.get("page", 0, type=int), 0)
        total, found = faults(reader(), current_actor(), ident, page=page)
        shown = render_template(
            "admin/import_job.html",
            view=self,
            job=stands,
            S=S,
            faults=list(_with_names(found, typed or {}, stands.state is S.PREVIEW)),
            total=total,
            page=page,
            pages=-(-total // PAGE),
            refusal=problem,
            door=door_of(stands.sheet),
        )
        return shown, 422 if problem else 200

    def _acted(self, ident: int) -> ResponseReturnValue:
        act = _ACTS.get(request.form.get("act", "").partition(":")[0])
        if act is None:
            abort(400)
        _standing(ident)
        size = file_size(reader(), ident)
        reader().rollback()
        try:
            act(ident, size)
        except NotFound as missing:
            if missing.sentence_code == NotFound.code:
                abort(404)
            return self._page(ident, sentence(missing), _typed())
        except Refusal as refusal:
            return self._page(ident, sentence(refusal), _typed())
        return redirect(
            url_for("imports.job_view", ident=ident, page=request.form.get("page", 0, type=int) or None), 303
        )


def door_of(sheet: str) -> tuple[SheetPages, SheetDoor] | None:
    """The view and the button through which this person imports a sheet."""
    for view in current_app.extensions["admin"][0]._views:
        if isinstance(view, SheetPages):
            for door in view.doors():
                if door.sheet == sheet:
                    return view, door
    return None


def _standing(ident: int) -> clinic.Standing:
    try:
        return clinic.standing(reader(), current_actor(), ident)
    except Refusal:
        abort(404)


def _with_names(found: list[Fault], typed: dict[Cell, str], may_mend: bool) -> Iterator[tuple[Fault, str, str]]:
    """Each fault, the name of its input ("" where it has none: a cell is typed once), what stands in it."""
    seen: set[Cell] = set()
    for fault in found:
        cell = (fault.row, fault.field)
        name = f"{fault.row}-{fault.field}" if may_mend and fault.field and cell not in seen else ""
        seen.add(cell)
        yield fault, name, typed.get(cell, fault.value)


def _typed() -> dict[Cell, str]:
    """The cells of the page that were typed anew, and the one whose suggestion was taken."""
    taken = request.form.get("act", "").removeprefix("take:")
    cells: dict[Cell, str] = {}
    for key, text in request.form.items():
        name = key.removeprefix(CELL)
        row, _, field = name.partition("-")
        if name == key or not row.isascii() or not row.isdigit() or len(row) > 9:
            continue
        if name == taken:
            text = request.form.get(f"better-{name}", text)
        if text != request.form.get(f"{WAS}{name}", ""):
            cells[int(row), field] = text
    return cells


# -- acts --------------------------------------------------------------------------------------------------------------


def _mend(ident: int, size: int) -> None:
    cells = _typed()
    if not cells:
        flash("没有修改任何单元格。", "info")
        return
    clinic.correct(current_actor(), ident, cells)
    flash(f"已保存 {len(cells)} 处修改，并重新检查。", "success")
    clinic_work.work(ident, size)


def _commit(ident: int, size: int) -> None:
    clinic.confirm(current_actor(), ident, all_or_none=request.form.get("all_or_none") == "1")
    clinic_work.work(ident, size)


def _discard(ident: int, size: int) -> None:
    clinic.discard(current_actor(), ident)


def _undo(ident: int, size: int) -> None:
    flash(f"已撤销本次导入，{clinic.undo(current_actor(), ident)} 行恢复为导入前的内容。", "success")


_ACTS: dict[str, Callable[[int, int], Any]] = {
    "mend": _mend,
    "take": _mend,
    "commit": _commit,
    "discard": _discard,
    "undo": _undo,
}
