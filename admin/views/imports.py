"""导入记录: what was imported by whom, how much of it was taken, and the rows that were not (R-156, R-295)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import select

from admin import cells
from admin.clinic_page import ClinicPages
from admin.filters import Among, PanelFilter
from admin.import_page import rejected_rows
from admin.session import current_actor, reader
from admin.usecase_view import Link, UseCaseView
from admin.views.photo_verdicts import adopt_all_verb, verdicts_url
from core.models.accounts import UserAccount
from core.models.plans import ExamPlan
from core.models.records import ImportJob
from core.rules.permissions import has_role
from core.sheets import desk
from core.sheets.catalogue import sheet
from core.sheets.photo_desk import PHOTOS

PHOTO_SHEET = (PHOTOS, "学生照片")


def sheet_words() -> dict[str, str]:
    """Sheet name → what people call it."""
    return dict([PHOTO_SHEET]) | {
        name: title.removesuffix("导入模板").removesuffix("模板") for name, title in desk.sheet_names().items()
    }


class ImportView(ClinicPages, UseCaseView):
    """导入记录."""

    model = ImportJob
    title = "导入记录"
    slug = "imports"
    menu_group = "系统管理"
    menu_order = 60
    one = "次导入"
    menu_twins = ("photo-verdicts",)
    row_verbs = (adopt_all_verb(),)
    shows_history = False
    column_list = (
        "created_at",
        "sheet",
        "file_name",
        "operator",
        "state",
        "row_count",
        "accepted_count",
        "changed_count",
        "unchanged_count",
        "rejected_count",
        "failed",
    )
    column_labels: ClassVar[dict[str, str]] = {
        "created_at": "导入时间",
        "sheet": "导入内容",
        "file_name": "文件",
        "operator": "操作人",
        "state": "状态",
        "plan_id": "考试计划",
        "row_count": "总行数",
        "accepted_count": "新增和修改",
        "changed_count": "其中修改",
        "unchanged_count": "没有变化",
        "rejected_count": "未通过",
        "failed": "未通过的行",
        "file_hash": "文件摘要（SHA-256）",
    }
    column_sortable_list = ("created_at", "row_count", "rejected_count")
    column_searchable_list = ("file_name",)
    column_filters = ("sheet", "created_at")
    status_tabs = ImportJob.state
    column_formatters: ClassVar[dict[str, Any]] = {
        "sheet": lambda view, context, row, name: sheet_words().get(row.sheet, row.sheet),
        "file_name": lambda view, context, row, name: view.file_cell(row),
        "operator": lambda view, context, row, name: view.operators().get(row.created_by, cells.NOTHING),
        "failed": lambda view, context, row, name: view.failed_cell(row),
        "plan_id": lambda view, context, row, name: view.plan_words(row),
    }
    detail_groups = (
        ("导入", ("created_at", "sheet", "plan_id", "file_name", "file_hash", "operator")),
        (
            "结果",
            ("state", "row_count", "accepted_count", "changed_count", "unchanged_count", "rejected_count", "failed"),
        ),
    )

    def scaffold_filters(self, name: Any) -> list[PanelFilter]:
        if name == "sheet":
            return [Among(name, self.label(name), lambda: sheet_words().items())]
        return super().scaffold_filters(name)

    def name_of(self, row: Any) -> str:
        return str(row.file_name)

    def empty_words(self) -> str:
        return "还没有导入过文件。"

    def get_list(self, *args: Any, **options: Any) -> tuple[int, list[Any]]:
        count, rows = super().get_list(*args, **options)
        g.operators = self._names({row.created_by for row in rows})
        return count, rows

    def operators(self) -> dict[int, str]:
        """Account id → name, of whoever imported what this page shows."""
        if "operators" not in g:
            g.operators = self._names(
                set(reader().scalars(select(ImportJob.created_by).where(self.scope()).distinct()))
            )
        held: dict[int, str] = g.operators
        return held

    def _names(self, ids: set[int | None]) -> dict[int, str]:
        found = reader().execute(select(UserAccount.id, UserAccount.real_name).where(UserAccount.id.in_(ids - {None})))
        return dict(found.all())

    def plan_words(self, row: ImportJob) -> str | None:
        """The plan the rows belong to, if they do."""
        plan = reader().get(ExamPlan, row.plan_id) if row.plan_id is not None else None
        return f"{plan.plan_no} {plan.name}" if plan is not None else None

    def _has_page(self, row: ImportJob) -> bool:
        """Photos are taken in one pass; of a sheet, who may import it sees its page."""
        return row.sheet != PHOTOS and has_role(current_actor(), sheet(row.sheet).act)

    def file_cell(self, row: ImportJob) -> str | Markup:
        """The file's name, leading to the import's page."""
        if not self._has_page(row):
            return row.file_name
        return Markup('<a href="{}">{}</a>').format(url_for("imports.job_view", ident=row.id), row.file_name)

    def failed_cell(self, row: ImportJob) -> str | Markup:
        """The rejected rows as a download, where there are any."""
        if not row.rejected_count:
            return cells.NOTHING
        if row.cleared_at is not None:
            return "已清理"
        return Markup('<a href="{}">下载</a>').format(url_for("imports.failed_view", ident=row.id))

    def links(self, row: Any) -> list[Link]:
        page = [Link("打开本次导入", url_for("imports.job_view", ident=row.id))] if self._has_page(row) else []
        photos = [Link("逐张查看照片", verdicts_url(row.id))] if row.sheet == PHOTOS else []
        if not row.rejected_count or row.cleared_at is not None:
            return [*page, *photos]
        return [*page, *photos, Link("下载未通过的行", url_for("imports.failed_view", ident=row.id))]

    @expose("/<int:ident>/failed")
    def failed_view(self, ident: int) -> ResponseReturnValue:
        """The rejected rows with their reasons (R-295)."""
        row = self.row_or_404(ident)
        name, job_id, back = f"未通过的行 {row.file_name.rsplit('.', 1)[0]}.xlsx", row.id, self.details_url(row)
        reader().rollback()
        return rejected_rows(job_id, name, back=back)


def views(db: Any) -> list[UseCaseView]:
    """The pages of this subject."""
    return [ImportView(db)]
