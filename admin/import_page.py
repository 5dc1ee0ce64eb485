"""Importing a sheet in the panel: a file in, and on to the import's own page (admin.clinic_page)."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy.orm import Session
from wtforms import BooleanField

from admin import clinic_work
from admin.forms import Choice, PanelForm, Upload
from admin.session import current_actor, reader
from core.actors import Actor
from core.errors import Refusal
from core.notifications.words import sentence
from core.rules.imports import ImportState
from core.rules.permissions import has_role
from core.sheets import clinic, desk
from core.sheets.photo_desk import PHOTOS
from core.usecases.undoing import rows_cleared

SHEET_TYPES = ".xlsx,.xls"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_SHOWN = 200


@dataclass(frozen=True)
class SheetDoor:
    """An import button of a view. sheet: its name in core.sheets; plans: (id, word) pairs where a plan is chosen.

    accept, hint: which files, in place of workbooks, and the words below the field; has_template: a blank one exists.
    """

    sheet: str
    label: str
    act: str
    plans: Callable[[Session, Actor], Sequence[tuple[int, str]]] | None = None
    explain: str = ""
    accept: str = SHEET_TYPES
    hint: str = ""
    has_template: bool = True

    def offered(self, actor: Actor) -> bool:
        """Whether this person may import it."""
        return has_role(actor, self.act)


class ImportForm(PanelForm):
    """A file."""

    file = Upload("文件", accept=SHEET_TYPES, description="请使用空白模板填写，不要增删或改名表头；支持 .xlsx、.xls。")


class ArchiveForm(ImportForm):
    """A file that is taken in one pass, and whether to try only."""

    is_trial = BooleanField("只检查，不保存", description="勾选后逐行检查并列出问题，不写入任何数据。")


class PlannedImportForm(PanelForm):
    """The same with the plan the rows belong to."""

    plan_id = Choice("考试计划", description="只列出您可以办理的计划。")
    file = Upload("文件", accept=SHEET_TYPES, description="请使用空白模板填写，不要增删或改名表头；支持 .xlsx、.xls。")


class SheetPages:
    """The import pages of a view, mixed into UseCaseView; the view lists its sheets."""

    sheets: Sequence[SheetDoor] = ()
    endpoint: str

    def doors(self) -> list[SheetDoor]:
        """The sheets this person may import here."""
        return [door for door in self.sheets if door.offered(current_actor())]

    def _door(self, sheet: str) -> SheetDoor:
        door = next((door for door in self.doors() if door.sheet == sheet), None)
        if door is None:
            abort(404)
        return door

    @expose("/import/<sheet>/", methods=("GET", "POST"))
    def import_view(self, sheet: str) -> ResponseReturnValue:
        """Choose a file; then see what would become of each row, on the import's own page."""
        door = self._door(sheet)
        wanted = {"plan_id": request.args.get("plan_id", type=int)}  # a button that already knows the plan
        plain = ArchiveForm if door.sheet == PHOTOS else ImportForm
        form: Any = PlannedImportForm(data=wanted) if door.plans else plain()
        form.file.render_kw = {"accept": door.accept}
        form.file.description = door.hint or form.file.description
        if door.plans:
            form.plan_id.offer(door.plans(reader(), current_actor()))
        problem = ""
        if request.method == "POST" and form.validate():
            reader().rollback()
            try:
                return self._photographed(door, form) if door.sheet == PHOTOS else self._received(door, form)
            except Refusal as refusal:
                problem = sentence(refusal)
        page = render_template("admin/import.html", view=self, door=door, form=form, refusal=problem)
        return page, 422 if request.method == "POST" else 200

    def _received(self, door: SheetDoor, form: Any) -> ResponseReturnValue:
        content, plan_id = form.file.data, form.plan_id.data if door.plans else None
        job_id = clinic.receive(current_actor(), door.sheet, content, form.file.file_name, plan_id=plan_id)
        clinic_work.work(job_id, len(content))
        stands = clinic.standing(reader(), current_actor(), job_id)
        if stands.state is not ImportState.REJECTED:
            return redirect(url_for("imports.job_view", ident=job_id), 303)
        page = render_template("admin/import.html", view=self, door=door, form=form, refusal=stands.refusal)
        return page, 422

    def _photographed(self, door: SheetDoor, form: Any) -> ResponseReturnValue:
        report = desk.import_file(
            current_actor(), door.sheet, form.file.data, form.file.file_name, dry_run=form.is_trial.data
        )
        return render_template(
            "admin/import_report.html",
            view=self,
            door=door,
            report=report,
            shown=report.errors[:MOST_SHOWN],
            is_trial=form.is_trial.data,
            file_name=form.file.file_name,
            again=url_for(f"{self.endpoint}.import_view", sheet=door.sheet),
        )

    @expose("/import/<sheet>/template")
    def template_view(self, sheet: str) -> ResponseReturnValue:
        """The blank sheet to fill in."""
        door = self._door(sheet)
        if not door.has_template:
            abort(404)
        return workbook(desk.template_bytes(door.sheet), f"{door.label}模板.xlsx")

    @expose("/import/<sheet>/failed/<int:job_id>")
    def failed_rows_view(self, sheet: str, job_id: int) -> ResponseReturnValue:
        """The rejected rows of one import with their reasons, ready to be mended and sent again (R-295)."""
        door = self._door(sheet)
        return rejected_rows(
            job_id, f"{door.label}未通过行.xlsx", back=url_for(f"{self.endpoint}.import_view", sheet=sheet)
        )


def rejected_rows(job_id: int, name: str, *, back: str) -> ResponseReturnValue:
    """The workbook of rejected rows; put away in time (G-26), the page one comes back to says so."""
    try:
        return workbook(desk.failed_rows(current_actor(), job_id), name)
    except Refusal:
        gone = rows_cleared(reader(), current_actor(), job_id)
        if gone is None:
            abort(404)
        flash(sentence(gone), "error")
        return redirect(back, 303)


def workbook(content: bytes, name: str) -> Response:
    """An Excel file as a download with a Chinese name."""
    response = send_file(io.BytesIO(content), mimetype=WORKBOOK)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response.headers["Cache-Control"] = "no-store"
    return response
