"""The opening of the year in the panel: declaration plans and quota; applications have a file of their own."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from wtforms import BooleanField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from admin.export_page import ExportDoor
from admin.forms import BeijingTime, PanelForm, Ticks, number_field, text_field
from admin.session import current_actor, reader
from admin.usecase_view import UseCaseView, choices_of
from admin.verbs import Verb
from admin.views.pilot_applications import ApplicationView
from core import clock
from core.actors import Actor
from core.models.catalogue import CertificateType
from core.models.organisations import College
from core.models.pilots import DeclarationPlan, Quota
from core.queries.accounts import province_contact
from core.rules import values
from core.rules.organisations import Role, Switch
from core.rules.pilots import (
    DECLARATION_PLAN,
    QUOTA,
    ApplicationState,
    DeclarationPhase,
    DeclarationState,
    declaration_phase,
)
from core.usecases.declarations import draft_declaration_plan, edit_declaration_plan, publish_declaration_plan
from core.usecases.quotas import adjust_quota

GROUP = "证书管理"
A = ApplicationState


# -- declaration plans -------------------------------------------------------------------------------------------------


class DeclarationForm(PanelForm):
    """申报计划 (§2.11)."""

    year = number_field("申报年度", 2020, 2099)
    batch_name = text_field("申报批次", values.text(200), description="例如：第 1 批")
    opens_at = BeijingTime("申报开始时间")
    closes_at = BeijingTime("申报截止时间", description="到这一时刻为止都可以提交，之后一秒也不再受理。")
    by_major_required = BooleanField("要求按专业填报", description="勾选后，院校至少填写一个拟申报专业。")
    city_review_required = BooleanField(
        "要求地市级教育局审批", description="勾选后，先由地市级审核，通过后省级才能看到。"
    )
    final_review_required = BooleanField("要求省厅复审", description="勾选后，省级初审通过还要再复审一次。")
    certificate_ids = Ticks("开放证书范围", required=False, description="一个都不勾选，表示开放全部已启用的证书。")
    notes = TextAreaField("说明", [Optional(), Length(max=2000)])

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        enabled = CertificateType.state == Switch.ENABLED
        self.certificate_ids.offer(choices_of(CertificateType, lambda c: f"{c.full_name} · {c.org.name}", enabled))


def _columns(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """The form's words to the plan's columns, as edit_declaration_plan takes them."""
    names = {"opens_at": "apply_opens_at", "closes_at": "apply_closes_at"}
    return {names.get(name, name): value for name, value in typed.items()}


def _declaration_as_typed(row: Any) -> dict[str, Any]:
    if row is None:
        return {"year": clock.business_today().year}
    names = ("year", "batch_name", "by_major_required", "city_review_required", "final_review_required", "notes")
    return {name: getattr(row, name) for name in names} | {
        "opens_at": row.apply_opens_at,
        "closes_at": row.apply_closes_at,
        "certificate_ids": [certificate.id for certificate in row.certificates],
    }


def _phase(row: DeclarationPlan) -> DeclarationPhase:
    return declaration_phase(row.state, row.apply_window, clock.now())


class DeclarationView(UseCaseView):
    """申报计划管理; for colleges the list of what they may apply to."""

    model = DeclarationPlan
    title = "申报计划"
    slug = "declarations"
    menu_group = GROUP
    menu_order = 10
    one = "个计划"
    column_list = (
        "year",
        "batch_name",
        "apply_opens_at",
        "apply_closes_at",
        "by_major_required",
        "city_review_required",
        "scope",
        "phase",
    )
    column_labels = {
        "year": "申报年度",
        "batch_name": "申报批次",
        "apply_opens_at": "申报开始",
        "apply_closes_at": "申报截止",
        "by_major_required": "按专业填报",
        "city_review_required": "地市审批",
        "final_review_required": "省厅复审",
        "scope": "证书范围",
        "phase": "状态",
        "certificates": "开放证书",
    }
    column_filters = ("year", "batch_name")
    status_tabs = DeclarationPlan.state
    column_formatters = {"phase": lambda view, context, row, name: _phase(row)}
    detail_groups = (
        ("申报计划", ("authority.name", "year", "batch_name", "phase", "apply_opens_at", "apply_closes_at")),
        (
            "要求",
            ("by_major_required", "city_review_required", "final_review_required", "scope", "certificates", "notes"),
        ),
    )
    recap_columns = ("year", "batch_name", "apply_opens_at", "apply_closes_at", "scope", "phase")
    create_with = Verb(
        draft_declaration_plan,
        "新建申报计划",
        form=DeclarationForm,
        act="edit_declaration_plan",
        given=lambda actor: {"authority_id": actor.authority_id},
        fill=_declaration_as_typed,
        explain="保存后先是草稿，院校看不到；核对无误后再发布。",
        done="申报计划已保存为草稿，核对后请发布。",
    )
    edit_with = Verb(
        edit_declaration_plan,
        "编辑",
        form=DeclarationForm,
        act="edit_declaration_plan",
        when=lambda row, actor: row.state is DeclarationState.DRAFT,
        fill=_declaration_as_typed,
        shape=_columns,
        row="plan_id",
        done="申报计划已保存。",
    )
    row_verbs = (
        Verb(
            publish_declaration_plan,
            "发布",
            act="edit_declaration_plan",
            move=(DECLARATION_PLAN, "publish"),
            confirm="发布后院校立即可以看到，内容不能再改。确定发布吗？",
            tone="primary",
            done="申报计划已发布。",
        ),
    )

    def name_of(self, row: DeclarationPlan) -> str:
        return f"{row.year} 年{row.batch_name}"


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
