"""导出记录: what somebody took away, and the same file again within a day (§2.37, T-20)."""

from __future__ import annotations

import tempfile
from typing import Any, ClassVar
from urllib.parse import quote

from flask import Response, abort, current_app, flash, g, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import select
from wtforms import StringField

from admin import cells
from admin.filters import Among, PanelFilter
from admin.forms import PanelForm
from admin.import_page import WORKBOOK
from admin.session import current_account, current_actor, is_logged_in, reader
from admin.usecase_view import Link, UseCaseView
from core import clock
from core.errors import NotFound, NotPermitted, Refusal
from core.models.accounts import UserAccount
from core.models.records import ExportJob
from core.notifications.words import sentence
from core.queries.exports import is_of, phase_of, way_of_codes
from core.rules.exports import KEPT_FOR, Asked, ExportPhase
from core.rules.permissions import has_role
from core.sheets import desk, export_desk
from core.sheets.exports import EXPORTS


def export_words() -> dict[str, str]:
    """Name → what people call it, sheets to import among them."""
    return desk.sheet_names() | export_desk.export_names()


class CodeForm(PanelForm):
    """The six digits."""

    code = StringField("验证码", render_kw={"inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": "12"})


class ExportView(UseCaseView):
    """导出记录."""

    model = ExportJob
    title = "导出记录"
    slug = "exports"
    menu_group = "系统管理"
    menu_order = 61
    one = "次导出"
    shows_history = False
    column_list = ("created_at", "sheet", "asked", "operator", "row_count", "phase", "handed_out_at")
    column_labels: ClassVar[dict[str, str]] = {
        "created_at": "申请时间",
        "sheet": "导出内容",
        "asked": "条件",
        "operator": "导出人",
        "row_count": "条数",
        "phase": "状态",
        "until": "可下载至",
        "is_verified": "验证码已验证",
        "handed_out_at": "最近下载",
        "file_hash": "文件摘要（SHA-256）",
        "id": "导出编号",
    }
    column_sortable_list = ("created_at", "row_count")
    column_filters = ("sheet", "created_at")
    column_formatters: ClassVar[dict[str, Any]] = {
        "sheet": lambda view, context, row, name: export_words().get(row.sheet, row.sheet),
        "asked": lambda view, context, row, name: Asked.of(row.asked).in_veiled_words,
        "operator": lambda view, context, row, name: view.operator_of(row),
        "phase": lambda view, context, row, name: view.phase_cell(row),
        "until": lambda view, context, row, name: row.created_at + KEPT_FOR,
    }
    detail_groups = (
        ("导出", ("id", "created_at", "sheet", "asked", "operator", "row_count")),
        ("下载", ("phase", "is_verified", "until", "handed_out_at", "file_hash")),
    )

    def is_accessible(self) -> bool:
        """Whoever may export anything."""
        return is_logged_in() and any(has_role(current_actor(), spec.act) for spec in EXPORTS.values())

    def scaffold_filters(self, name: Any) -> list[PanelFilter]:
        if name == "sheet":
            return [Among(name, self.label(name), lambda: export_words().items())]
        return super().scaffold_filters(name)

    def name_of(self, row: Any) -> str:
        return export_words().get(row.sheet, row.sheet)

    def empty_words(self) -> str:
        return "还没有导出过数据。在各列表上方点“批量导出”开始。"

    def get_list(self, *args: Any, **options: Any) -> tuple[int, list[Any]]:
        count, rows = super().get_list(*args, **options)
        self._learn_names({row.created_by for row in rows})
        return count, rows

    def operator_of(self, row: ExportJob) -> str:
        """Who took it."""
        if row.created_by not in g.get("exporters", {}):
            self._learn_names({row.created_by})
        found: str = g.exporters.get(row.created_by, cells.NOTHING)
        return found

    def _learn_names(self, ids: set[int | None]) -> None:
        found = reader().execute(select(UserAccount.id, UserAccount.real_name).where(UserAccount.id.in_(ids - {None})))
        g.exporters = g.get("exporters", {}) | dict(found.all())

    def phase_cell(self, row: ExportJob) -> str | Markup:
        """Where it stands, as a link for the person who can go on."""
        if not Asked.of(row.asked).page:
            return "直接导出"
        phase = phase_of(row, clock.now())
        if phase is ExportPhase.EXPIRED or not is_of(row, current_actor()):
            return cells.badge(phase)
        word = "输入验证码" if phase is ExportPhase.WAITING else "下载"
        return Markup('<span>{} <a href="{}">{}</a></span>').format(
            cells.badge(phase), url_for("exports.job_view", ident=row.id), word
        )

    def links(self, row: Any) -> list[Link]:
        can_go_on = Asked.of(row.asked).page and is_of(row, current_actor())
        if not can_go_on or phase_of(row, clock.now()) is ExportPhase.EXPIRED:
            return []
        return [Link("下载", url_for("exports.job_view", ident=row.id))]

    # -- one export, for the person who asked for it -------------------------------------------------------------------

    def _own_or_404(self, ident: int) -> ExportJob:
        row: ExportJob = self.row_or_404(ident)
        if not is_of(row, current_actor()) or not Asked.of(row.asked).page:
            abort(404)
        return row

    @expose("/<int:ident>/", methods=("GET", "POST"))
    def job_view(self, ident: int) -> ResponseReturnValue:
        """The code typed back, and then the file."""
        row, form, refusal = self._own_or_404(ident), CodeForm(), None
        if request.method == "POST" and form.validate():
            actor = current_actor()
            reader().rollback()
            refusal = _tried(lambda: export_desk.verify(actor, ident, form.code.data or ""))
            if refusal is None:
                return redirect(url_for("exports.job_view", ident=ident), 303)
            reader().rollback()
            row = self._own_or_404(ident)
        page = render_template(
            "admin/export_job.html",
            view=self,
            row=row,
            form=form,
            asked=Asked.of(row.asked),
            phase=phase_of(row, clock.now()),
            phases=ExportPhase,
            until=row.created_at + KEPT_FOR,
            way=way_of_codes(reader(), current_account().id),
            refusal=sentence(refusal) if refusal else "",
        )
        return page, 422 if refusal else 200

    @expose("/<int:ident>/again", methods=("POST",))
    def again_view(self, ident: int) -> ResponseReturnValue:
        """Another code for the same rows."""
        self._own_or_404(ident)
        actor = current_actor()
        reader().rollback()
        refusal = _tried(lambda: export_desk.ask_again(actor, ident))
        flash(sentence(refusal) if refusal else "新的验证码已发出，之前的验证码失效。", "error" if refusal else "info")
        return redirect(url_for("exports.job_view", ident=ident), 303)

    @expose("/<int:ident>/file")
    def file_view(self, ident: int) -> ResponseReturnValue:
        """The rows as they stand now, read with the rights of now."""
        row, actor = self._own_or_404(ident), current_actor()
        asked, page = Asked.of(row.asked), _list_of(row)
        out = tempfile.TemporaryFile()  # noqa: SIM115  the answer closes it
        try:
            where = page.matching(asked)
            reader().rollback()
            taken = export_desk.take(actor, ident, where, out)
        except (NotFound, NotPermitted):
            out.close()
            abort(404)
        except Refusal as refusal:
            out.close()
            flash(sentence(refusal), "error")
            return redirect(url_for("exports.job_view", ident=ident), 303)
        return _sent(out, taken.file_name)


def _tried(act: Any) -> Refusal | None:
    """What act answers or raises."""
    try:
        found: Refusal | None = act()
    except (NotFound, NotPermitted):
        abort(404)
    except Refusal as refusal:
        return refusal
    return found


def _list_of(row: ExportJob) -> Any:
    """The list the rows were asked on; 404 where this person may no longer take them from there."""
    page = Asked.of(row.asked).page
    for view in current_app.extensions["admin"][0]._views:
        if view.endpoint == page and view.is_accessible() and any(d.sheet == row.sheet for d in view.ways_out()):
            return view
    abort(404)


def _sent(out: Any, name: str) -> Response:
    response = send_file(out, mimetype="application/zip" if name.endswith(".zip") else WORKBOOK)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response.headers["Cache-Control"] = "no-store"
    return response


def views(db: Any) -> list[UseCaseView]:
    """The pages of this subject."""
    return [ExportView(db)]
