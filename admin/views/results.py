"""考证结果: computed from the plan's rule, never typed (R-223)."""

from __future__ import annotations

from typing import Any, ClassVar

from markupsafe import Markup
from sqlalchemy.orm import joinedload

from admin import cells
from admin.export_page import ExportDoor
from admin.usecase_view import Related, UseCaseView
from admin.views.marks import rule_words, subject_table
from admin.views.people import WHO, WHO_LABELS, clipped, person_cell, plan_cell, portrait, two_lines
from core.models.registrations import Registration
from core.models.scores import CertificateResult
from core.rules.marks import hundredths_text


def final_cell(row: CertificateResult) -> Markup:
    """The result with 暂定 or 最终 below."""
    return Markup("{} <small>{}</small>").format(cells.badge(row.state), "最终" if row.is_final else "暂定")


class ResultView(UseCaseView):
    """考证结果: computed, never typed (R-223)."""

    model = CertificateResult
    title = "考证结果"
    slug = "results"
    menu_group = "考务管理"
    menu_order = 90
    one = "条考证结果"
    shows_history = False  # computed from the scores, whose amendments are the history
    column_list = ("plan", "registration.snapshot", "certificate", "composite", "state")
    column_labels: ClassVar[dict[str, str]] = {
        **WHO_LABELS,
        "plan": "考试计划",
        "certificate": "证书 / 考核站点",
        "composite": "综合成绩",
        "state": "考核状态",
        "is_final": "是否最终",
        "decided_at": "判定时间",
        "rule": "考核通过条件",
    }
    column_sortable_list = ()
    column_searchable_list = ("registration.snapshot.name", "registration.snapshot.ticket_no")
    column_filters = (
        "registration.plan.name",
        "registration.certificate.name",
        "registration.site.name",
        "registration.plan.exam_year",
        "is_final",
        "registration.kind",
        "registration.college.name",
    )
    column_formatters: ClassVar[dict[str, Any]] = {
        "plan": lambda view, context, row, name: plan_cell(row.registration.plan),
        "registration.snapshot": lambda view, context, row, name: person_cell(row.registration),
        "certificate": lambda view, context, row, name: two_lines(
            clipped(row.registration.certificate.full_name), clipped(row.registration.site.name)
        ),
        "composite": lambda view, context, row, name: hundredths_text(row.composite_hundredths),
        "state": lambda view, context, row, name: final_cell(row),
        "is_final": lambda view, context, row, name: "最终" if row.is_final else "暂定，公示结束后确定",
        "rule": lambda view, context, row, name: rule_words(row.registration.plan_certificate),
        "registration.candidate.photo_hash": lambda view, context, row, name: portrait(row.registration.candidate),
    }
    status_tabs = CertificateResult.state
    exports = (ExportDoor("result-list", "批量导出证书考核详情"),)
    detail_groups = (
        ("考证结果", ("state", "composite", "rule", "decided_at")),
        (
            "报考",
            (
                "registration.plan.plan_no",
                "registration.plan.name",
                "registration.certificate.full_name",
                "registration.site.name",
            ),
        ),
        ("考生（报考时的信息）", WHO),
    )

    def _loaded(self) -> list[Any]:
        registration = joinedload(CertificateResult.registration)
        return [
            registration.joinedload(Registration.plan),
            registration.joinedload(Registration.snapshot),
            registration.joinedload(Registration.certificate),
            registration.joinedload(Registration.site),
        ]

    def name_of(self, row: Any) -> str:
        return f"{row.registration.snapshot.name} · {row.registration.certificate.full_name}"

    def empty_words(self) -> str:
        return "没有符合条件的考证结果。结果在成绩登记时间结束后可以查看，公示结束前为暂定。"

    def related(self, row: Any) -> list[Related]:
        return [subject_table(row.registration)]
