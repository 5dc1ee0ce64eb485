"""Taking a list away: how many rows, on what conditions, and what has to be proved first (R-011…R-013)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from admin.forms import PanelForm
from admin.session import current_account, current_actor, reader, row_number
from admin.verbs import Tickets
from core.actors import Actor
from core.errors import Refusal, TooMany
from core.notifications.words import sentence
from core.queries.exports import way_of_codes
from core.rules.exports import MOST_TICKED, ROW_CAP, Asked, in_tens_of_thousands, require_within_cap
from core.rules.permissions import has_role
from core.sheets import export_desk
from core.sheets.exports import ExportSpec, export_spec

CONDITIONS = ("flt", "search", "tab")  # what of a list's address says which rows are meant


@dataclass(frozen=True)
class ExportDoor:
    """An export button of a view. sheet: its name in core.sheets.exports."""

    sheet: str
    label: str

    @property
    def spec(self) -> ExportSpec:
        """Its columns, rows and right."""
        return export_spec(self.sheet)

    def offered(self, actor: Actor) -> bool:
        """Whether this person may take it away."""
        return has_role(actor, self.spec.act)


class ExportPages:
    """The export page of a view, mixed into UseCaseView; the view lists its exports."""

    exports: Sequence[ExportDoor] = ()
    endpoint: str
    asked_for: Any
    matching: Any
    list_url: Any
    _back: Any
    _ticket: Any
    _tickets: Tickets

    def ways_out(self) -> list[ExportDoor]:
        """What this person may take away from here."""
        return [door for door in self.exports if door.offered(current_actor())]

    def way_out(self, sheet: str) -> ExportDoor:
        """The one of this name; 404 for whoever may not take it."""
        door = next((door for door in self.ways_out() if door.sheet == sheet), None)
        if door is None:
            abort(404)
        return door

    def export_url(self, door: ExportDoor) -> str:
        """To the export page, with the conditions of the list that is shown."""
        return url_for(f"{self.endpoint}.export_view", sheet=door.sheet, **conditions())

    @expose("/export/<sheet>/", methods=("GET", "POST"))
    def export_view(self, sheet: str) -> ResponseReturnValue:
        """How many rows it would be; then the code is sent, or the file is ready where none is needed."""
        door, form = self.way_out(sheet), PanelForm()
        count, problem = 0, ""
        try:
            asked = self.asked_for(_ticked())
            count = export_desk.row_count(current_actor(), sheet, self.matching(asked))
            require_within_cap(count, ROW_CAP)
            if request.method == "POST" and "confirmed" in request.form and form.validate():
                return redirect(self._tickets.once(self._ticket(form), lambda: self._ask(door, asked)), 303)
        except Refusal as refusal:
            problem = sentence(refusal)
        return self._export_page(door, form, count, problem), 422 if problem else 200

    def _ask(self, door: ExportDoor, asked: Asked) -> str:
        """Where to go on."""
        where, actor = self.matching(asked), current_actor()
        reader().rollback()
        export_id, unsent = export_desk.ask(actor, door.sheet, asked, where)
        if unsent is not None:
            flash(sentence(unsent), "error")
        return url_for("exports.job_view", ident=export_id)

    def _export_page(self, door: ExportDoor, form: PanelForm, count: int, problem: str) -> str:
        return render_template(
            "admin/export.html",
            view=self,
            door=door,
            form=form,
            count=count,
            ids=request.form.getlist("ids"),
            cap=in_tens_of_thousands(ROW_CAP),
            way=way_of_codes(reader(), current_account().id),
            refusal=problem,
            back=self._back(None),
        )


def conditions() -> dict[str, Any]:
    """What of this request's address says which rows of the list are meant."""
    return {name: value for name, value in request.args.items() if value and name.startswith(CONDITIONS)}


def _ticked() -> list[int]:
    if "everything" in request.form:
        return []
    typed = map(row_number, dict.fromkeys(request.form.getlist("ids")))
    ids = [number for number in typed if number is not None]
    if len(ids) > MOST_TICKED:
        raise TooMany("export_too_many_ticked", rule="R-013", limit=MOST_TICKED)
    return ids
