"""指标 in the panel; declaration plans and applications have files of their own."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from wtforms import TextAreaField
from wtforms.validators import DataRequired

from admin.export_page import ExportDoor
from admin.forms import PanelForm, number_field
from admin.session import current_actor, reader
from admin.usecase_view import UseCaseView
from admin.verbs import Verb
from admin.views.declarations import DeclarationView
from admin.views.pilot_applications import ApplicationView
from core.actors import Actor
from core.models.organisations import College
from core.models.pilots import Quota
from core.queries.accounts import province_contact
from core.rules.organisations import Role
from core.rules.pilots import QUOTA
from core.usecases.quotas import adjust_quota

GROUP = "证书管理"


# -- quota -------------------------------------------------------------------------------------------------------------


class QuotaForm(PanelForm):
    """A new number with its reason (R-020)."""

    granted = number_field("指标数", 0, 1_000_000)
    reason = TextAreaField("调整理由", [DataRequired("请写明理由。")], description="会记入操作记录。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is not None:
            self.granted.description = f"现为 {row.granted}，已使用 {row.used}；不能低于已使用数。"


class QuotaView(UseCaseView):
    """指标管理."""

    model = Quota
    title = "指标"
    titles = {Role.PROVINCE: "指标管理"}
    slug = "quotas"
    menu_group = GROUP
    menu_order = 30
    one = "条指标"
    column_list = ("year", "college.name", "certificate.full_name", "granted", "used", "left", "state")
    column_labels = {"granted": "批准", "used": "已使用", "left": "剩余", "lapsed_at": "作废时间"}
    column_filters = ("year", "college.name", "certificate.name")
    column_searchable_list = ("college.name", "certificate.name")
    status_tabs = Quota.state
    exports = (ExportDoor("quota-list", "导出指标"),)
    detail_groups = (
        ("指标", ("year", "college.name", "certificate.full_name", "granted", "used", "left", "state", "lapsed_at")),
    )
    row_verbs = (
        Verb(
            adjust_quota,
            "调整",
            form=QuotaForm,
            act="adjust_quota",
            move=(QUOTA, "lapse"),
            fill=lambda row: {"granted": row.granted},
            done="指标已调整。",
        ),
    )

    def name_of(self, row: Quota) -> str:
        return f"{row.college.name} · {row.certificate.full_name} · {row.year} 年"

    def notes(self) -> str:
        """R-021: whom to turn to; there is no way for a college to raise its own quota."""
        actor = current_actor()
        if actor.college_id is None:
            return ""
        contact = province_contact(reader(), _province_of(actor))
        return (
            f"指标由省级教育行政部门核定，当年有效，年底未用部分作废。指标不足请联系：{contact or '本省教育行政部门'}。"
        )


def _province_of(actor: Actor) -> str:
    return reader().get_one(College, actor.college_id).province_code


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [DeclarationView(db), ApplicationView(db), QuotaView(db)]
