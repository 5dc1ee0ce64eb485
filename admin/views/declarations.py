"""申报计划: written, published, changed and put off by the province; what colleges may apply to (§8.1, §8.2)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_
from sqlalchemy.orm import Session
from wtforms import BooleanField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from admin.forms import BeijingTime, PanelForm, Ticks, number_field, text_field
from admin.session import current_actor, reader
from admin.usecase_view import UseCaseView, choices_of
from admin.verbs import Verb
from admin.views.pilot_applications import nothing_open
from admin.views.pilot_forms import ApplyHereForm, copies_for, open_declarations
from admin.views.pilot_verbs import to_form
from core import clock
from core.actors import Actor
from core.models.catalogue import CertificateType
from core.models.pilots import DeclarationPlan
from core.queries.pilots import declaration_phase_at
from core.rules import values
from core.rules.organisations import Role, Switch
from core.rules.permissions import has_role
from core.rules.pilots import DECLARATION_PLAN, DeclarationPhase, DeclarationState, declaration_phase
from core.usecases.applications import save_application
from core.usecases.declarations import (
    change_declaration_plan,
    delete_declaration_plan,
    draft_declaration_plan,
    edit_declaration_plan,
    extend_declaration_plan,
    publish_declaration_plan,
)

_SCOPE_HINT = "一个都不勾选，表示开放全部已启用的证书。"
_SWITCHES = ("by_major_required", "city_review_required", "final_review_required", "notes")


class ChangeForm(PanelForm):
    """What may change of a published plan until it starts (§3.1)."""

    opens_at = BeijingTime("申报开始时间")
    closes_at = BeijingTime("申报截止时间", description="到这一时刻为止都可以提交，之后一秒也不再受理。")
    by_major_required = BooleanField("要求按专业填报", description="勾选后，院校至少填写一个拟申报专业。")
    city_review_required = BooleanField(
        "要求地市级教育局审批", description="勾选后，先由地市级审核，通过后省级才能看到。"
    )
    final_review_required = BooleanField("要求省厅复审", description="勾选后，省级初审通过还要再复审一次。")
    certificate_ids = Ticks("开放证书范围", required=False, description=_SCOPE_HINT)
    notes = TextAreaField("说明", [Optional(), Length(max=2000)])

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        _offer_certificates(self.certificate_ids, row)


class DeclarationForm(ChangeForm):
    """申报计划 (§2.11)."""

    year = number_field("申报年度", 2020, 2099)
    batch_name = text_field("申报批次", values.text(200), description="例如：第 1 批")

    def visible_fields(self) -> list[Any]:
        fields = super().visible_fields()
        return [*fields[-2:], *fields[:-2]]  # what a plan is called comes first


class ExtendDeclarationForm(PanelForm):
    """A later end and why; the scope may grow with it."""

    closes_at = BeijingTime("新的截止时间")
    reason = TextAreaField(
        "延期理由", [DataRequired("请写明理由。"), Length(max=500)], description="本省院校会收到这段话。"
    )
    certificate_ids = Ticks("开放证书范围", required=False, description=f"已有院校申报时只能扩大。{_SCOPE_HINT}")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        _offer_certificates(self.certificate_ids, row)


def _offer_certificates(field: Ticks, row: Any | None) -> None:
    """What is enabled, and what the plan has opened already."""
    held = [certificate.id for certificate in row.certificates] if row is not None else []
    wanted = or_(CertificateType.state == Switch.ENABLED, CertificateType.id.in_(held))
    field.offer(choices_of(CertificateType, lambda c: f"{c.full_name} · {c.org.name}", wanted))


def _columns(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """The form's words to the plan's columns, as edit_declaration_plan takes them."""
    names = {"opens_at": "apply_opens_at", "closes_at": "apply_closes_at"}
    return {names.get(name, name): value for name, value in typed.items()}


def _as_typed(row: Any) -> dict[str, Any]:
    if row is None:
        return {"year": clock.business_today().year}
    return {name: getattr(row, name) for name in ("year", "batch_name", *_SWITCHES)} | {
        "opens_at": row.apply_opens_at,
        "closes_at": row.apply_closes_at,
        "certificate_ids": [certificate.id for certificate in row.certificates],
    }


def _is_in(*phases: DeclarationPhase) -> Any:
    return lambda row, actor: _phase(row) in phases


def _phase(row: DeclarationPlan) -> DeclarationPhase:
    return declaration_phase(row.state, row.apply_window, clock.now())


class DeclarationView(UseCaseView):
    """申报计划管理; for colleges the list of what they may apply to."""

    model = DeclarationPlan
    title = "申报计划"
    titles = {Role.PROVINCE: "申报计划管理"}
    slug = "declarations"
    menu_group = "证书管理"
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
    status_tabs = DeclarationPlan.state  # the clock's phase is counted instead, see _status_column
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
        fill=_as_typed,
        explain="保存后先是草稿，院校看不到；核对无误后再发布。",
        done="申报计划已保存为草稿，核对后请发布。",
    )
    edit_with = Verb(
        edit_declaration_plan,
        "编辑",
        form=DeclarationForm,
        act="edit_declaration_plan",
        when=lambda row, actor: row.state is DeclarationState.DRAFT,
        fill=_as_typed,
        shape=_columns,
        row="plan_id",
        done="申报计划已保存。",
    )
    row_verbs = (
        Verb(
            save_application,
            "立即申报",
            key="apply",
            row="plan_id",
            form=ApplyHereForm,
            when=lambda row, actor: _may_apply(row, actor),
            given=lambda actor: {"college_id": actor.college_id},
            explain="保存后是“未提交”，可以反复修改；下一页填写专业、师资、场地和佐证材料，核对后再提交。",
            send="保存并继续填写",
            template="admin/declaration_apply.html",
            tone="primary",
            then=to_form,
            done="已保存为“未提交”，请继续填写，核对后提交。",
        ),
        Verb(
            publish_declaration_plan,
            "发布",
            act="edit_declaration_plan",
            move=(DECLARATION_PLAN, "publish"),
            confirm="发布后院校立即可以看到；开始之前还能修改，开始之后只能延期。确定发布吗？",
            tone="primary",
            done="申报计划已发布。",
        ),
        Verb(
            change_declaration_plan,
            "修改",
            form=ChangeForm,
            act="edit_declaration_plan",
            when=_is_in(DeclarationPhase.NOT_STARTED),
            fill=_as_typed,
            shape=_columns,
            send="保存修改",
            explain="计划已发布、尚未开始：时间、范围和要求还能修改，院校看到的随之变化。",
            done="申报计划已修改。",
        ),
        Verb(
            extend_declaration_plan,
            "延期",
            form=ExtendDeclarationForm,
            act="edit_declaration_plan",
            when=_is_in(DeclarationPhase.OPEN, DeclarationPhase.CLOSED),
            fill=_as_typed,
            explain="截止时间只能往后延。延期后，未提交和被退回的申报可以继续修改、提交；本省院校会收到通知。",
            done="申报已延期，本省院校已收到通知。",
        ),
        Verb(
            delete_declaration_plan,
            "删除草稿",
            act="edit_declaration_plan",
            when=lambda row, actor: row.state is DeclarationState.DRAFT,
            confirm="删除后不能恢复。确定删除这个草稿吗？",
            tone="danger",
            done="草稿已删除。",
        ),
    )

    def name_of(self, row: DeclarationPlan) -> str:
        return f"{row.year} 年{row.batch_name}"

    def _status_column(self) -> Any:
        return declaration_phase_at(clock.now())

    def _tab_words(self) -> list[tuple[str, frozenset[Any] | None]]:
        """Drafts have a tab where there can be any: with the province."""
        is_theirs = bool({Role.PROVINCE, Role.ADMIN} & set(self.actor.roles))
        order = (DeclarationPhase.NOT_STARTED, DeclarationPhase.OPEN, DeclarationPhase.CLOSED)
        shown = (*order, DeclarationPhase.DRAFT) if is_theirs else order
        return [("全部", None), *((phase.label, frozenset({phase})) for phase in shown)]

    def notes(self) -> str:
        """R-021, R-024: a college with nothing to apply to learns whom to call."""
        is_college = has_role(current_actor(), "apply_for_pilot")
        return nothing_open() if is_college and not open_declarations(reader()) else ""

    def verb_facts(self, verb: Verb, row: Any) -> dict[str, Any]:
        """立即申报 offers what the college applied for before."""
        return {"copies": copies_for(reader(), row)} if verb.name == "apply" and row is not None else {}


def _may_apply(row: DeclarationPlan, actor: Actor) -> bool:
    return has_role(actor, "apply_for_pilot") and _phase(row) is DeclarationPhase.OPEN
