"""考试计划: drafted and filled by the TEO, read by the colleges that take part (§8.1, §8.3, R-055…R-070)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from admin import history, plan_page
from admin.cells import badge
from admin.plan_forms import (
    ExtendForm,
    PlanForm,
    RemoveForm,
    certificate_form,
    certificate_values,
    new_plan_values,
    plan_values,
)
from admin.session import current_actor, reader
from admin.steps import Chosen, Option, Step, asked, page
from admin.usecase_view import Link, UseCaseView
from admin.verbs import Verb
from admin.views.documents import document_links
from core import clock
from core.actors import Actor
from core.db import transaction
from core.errors import Refusal, StaleState
from core.models.catalogue import CertificateType, Subject
from core.models.plans import ExamPlan, ExamPlanCertificate
from core.notifications.words import sentence, when
from core.queries.plans import status_at
from core.queries.preparation import college_standings
from core.rules.arrangement import ArrangementState
from core.rules.catalogue import modes_text
from core.rules.organisations import Role, Switch
from core.rules.permissions import may
from core.rules.plans import EXAM_PLAN, PlanState, PlanStatus, plan_phase, plan_status
from core.usecases.plans import (
    delete_plan,
    draft_plan,
    edit_plan,
    extend_window,
    publish_plan,
    put_certificate,
    remove_certificate,
)

SHORT = ("报考", "排考", "考试", "登记", "公示")
MOST_NAMED = 60


def _is_draft(row: ExamPlan, actor: Actor) -> bool:
    return row.state is PlanState.DRAFT


def _can_be_extended(row: ExamPlan, actor: Actor) -> bool:
    now = clock.now()
    return row.state is PlanState.PUBLISHED and any(not window.over(now) for window in row.windows)


def _to_page(row: ExamPlan) -> str:
    return url_for("plans.details_view", id=row.id)


class PlanView(UseCaseView):
    """考试计划."""

    model = ExamPlan
    title = "考试计划"
    slug = "plans"
    menu_group = "考务管理"
    menu_order = 20
    one = "个计划"
    list_template = "admin/plans.html"
    column_list = ("plan_no", "name", "certificates", "windows", "org.name", "status")
    column_labels = {
        "plan_no": "计划编号",
        "name": "计划名称",
        "certificates": "考核证书",
        "windows": "考试安排",
        "org.name": "考核单位",
        "status": "计划状态",
        "exam_year": "考试年度",
        "colleges": "参考院校",
        "sessions": "考试场次",
    }
    column_sortable_list = ("plan_no", "name")
    column_filters = ("exam_year", "plan_no", "name", "org.name")
    status_tabs = ExamPlan.state  # the clock's status is counted instead, see _status_column
    column_formatters = {
        "certificates": lambda view, context, row, name: f"{len(row.certificates)} 个",
        "windows": lambda view, context, row, name: view.windows_cell(row),
        "status": lambda view, context, row, name: view.status_cell(row),
        "colleges": lambda view, context, row, name: "全部院校" if row.is_open_to_all else f"{len(row.colleges)} 所",
        "sessions": lambda view, context, row, name: view.session_words(row),
    }
    detail_groups = (
        ("基本信息", ("plan_no", "name", "org.name", "exam_year", "status", "colleges", "certificates", "sessions")),
    )
    recap_columns = ("plan_no", "name", "status", "colleges", "certificates", "sessions")

    create_with = Verb(
        draft_plan,
        "新建考试计划",
        form=PlanForm,
        act="edit_plan",
        fill=lambda row: new_plan_values(),
        given=lambda actor: {"org_id": actor.org_id},
        explain="先保存草稿，院校看不到；接着添加证书、科目和场次，核对后再发布。",
        done="草稿已保存，请继续添加考核证书。",
        then=_to_page,
    )
    edit_with = Verb(
        edit_plan,
        "编辑",
        form=PlanForm,
        act="edit_plan",
        when=_is_draft,
        fill=plan_values,
        done="草稿已修改。",
        then=_to_page,
    )
    row_verbs = (
        Verb(
            publish_plan,
            "发布",
            act="edit_plan",
            move=(EXAM_PLAN, "publish"),
            confirm="发布后，上面的参考院校立即看到计划并收到通知；证书、科目、场次不能再改，时间只能延长。确定发布吗？",
            done="考试计划已发布，参考院校已收到通知。",
            tone="primary",
            then=_to_page,
        ),
        Verb(
            extend_window,
            "延长时间",
            form=ExtendForm,
            act="edit_plan",
            when=_can_be_extended,
            explain="只能延长，不能缩短；已经结束的窗口不能再打开。",
            done="时间已延长。",
            then=_to_page,
        ),
        Verb(
            remove_certificate,
            "移除证书",
            form=RemoveForm,
            act="edit_plan",
            when=lambda row, actor: row.state is PlanState.DRAFT and bool(row.certificates),
            done="证书已从草稿中移除。",
            then=_to_page,
        ),
        Verb(
            delete_plan,
            "删除草稿",
            act="edit_plan",
            when=_is_draft,
            confirm="草稿连同其中的证书和场次一并删除，不能恢复。确定删除吗？",
            done="草稿已删除。",
            tone="danger",
            then=lambda nothing: url_for("plans.index_view"),
        ),
    )

    # -- the list ------------------------------------------------------------------------------------------------------

    def _status_column(self) -> Any:
        return status_at(clock.now())

    def _tab_words(self) -> list[tuple[str, frozenset[Any] | None]]:
        """Drafts have a tab where there can be any: with the TEO."""
        shown = [one for one in PlanStatus if one is not PlanStatus.DRAFT or self._has_drafts()]
        return [("全部", None), *((one.label, frozenset({one})) for one in shown)]

    def _has_drafts(self) -> bool:
        return bool({Role.TEO, Role.ADMIN} & set(self.actor.roles))

    def _loaded(self) -> list[Any]:
        return [*super()._loaded(), selectinload(ExamPlan.certificates)]

    def windows_cell(self, row: ExamPlan) -> Markup:
        """Five lines; the windows that are open now stand out."""
        now = clock.now()
        lines = (
            Markup('<li class="{}"><b>{}</b>{} – {}</li>').format(
                "is-now" if window.contains(now) else "is-over" if window.over(now) else "",
                word,
                when(window.opens_at),
                when(window.closes_at),
            )
            for word, window in zip(SHORT, row.windows, strict=True)
        )
        return Markup('<ul class="windows">{}</ul>').format(Markup("").join(lines))

    def status_cell(self, row: ExamPlan) -> Markup:
        """进行中（登记中）, 未开始, 已结束."""
        phase = plan_phase(row.state, row.windows, clock.now())
        status = plan_status(phase)
        if status is not PlanStatus.IN_PROGRESS:
            return badge(status)
        return Markup('<span class="badge-state is-good">{}（{}）</span>').format(status.label, phase.label)

    def session_words(self, row: ExamPlan) -> str:
        """How many subjects and sessions a plan opens."""
        subjects = [subject for certificate in row.certificates for subject in certificate.subjects]
        return f"{len(subjects)} 个科目，{sum(len(subject.sessions) for subject in subjects)} 场"

    # -- one plan ------------------------------------------------------------------------------------------------------

    def links(self, row: ExamPlan) -> list[Link]:
        if row.state is PlanState.DRAFT and may(self.actor, "edit_plan", row):
            return [Link("添加证书与场次", url_for("plans.certificate_view", id=row.id))]
        return []

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        row: ExamPlan = self.row_or_404(request.args.get("id"))
        now, actor = clock.now(), self.actor
        phase = plan_phase(row.state, row.windows, now)
        bars, today = plan_page.bars(row, now)
        is_owner = may(actor, "edit_plan", row)
        return self.render(
            "admin/plan.html",
            row=row,
            groups=self._groups(row),
            history=history.of(reader(), ExamPlan.__tablename__, row.id),
            bars=bars,
            today=today,
            overlaps=row.windows.overlaps(),
            certificates=plan_page.certificates(row),
            colleges=row.colleges[:MOST_NAMED],
            checks=plan_page.checklist(reader(), actor, row, phase),
            standings=college_standings(reader(), row) if is_owner and row.state is PlanState.PUBLISHED else [],
            papers=self._papers(row),
            is_draft=row.state is PlanState.DRAFT,
            is_editable=is_owner and row.state is PlanState.DRAFT,
            modes_text=modes_text,
            span=plan_page.span,
        )

    def _papers(self, row: ExamPlan) -> list[Link]:
        """Documents, as soon as seats of some subject are published."""
        subjects = (subject for certificate in row.certificates for subject in certificate.subjects)
        is_out = any(subject.arrangement_state is ArrangementState.PUBLISHED for subject in subjects)
        return document_links(row.id) if is_out else []

    # -- a certificate of a draft --------------------------------------------------------------------------------------

    @expose("/certificate/", methods=("GET", "POST"))
    def certificate_view(self) -> ResponseReturnValue:
        """Choose a certificate, then its pass rule, subjects and sessions (R-064…R-068)."""
        plan: ExamPlan = self.row_or_404(request.args.get("id"))
        if not may(self.actor, "edit_plan", plan) or plan.state is not PlanState.DRAFT:
            flash("只有未发布的计划才能添加或修改证书。", "info")
            return redirect(_to_page(plan), 303)
        certificate = self._certificate(plan)
        if certificate is None:
            return page(self, "添加证书与场次", self._choice(plan), _to_page(plan))
        subjects = [one for one in certificate.subjects if one.state is Switch.ENABLED]
        held = next((row for row in plan.certificates if row.certificate_id == certificate.id), None)
        filled = {"row_version": _seen(plan, held)} | certificate_values(plan, subjects, held)
        form = certificate_form(subjects)(data=filled)
        refusal: Refusal | None = None
        if request.method == "POST" and form.validate():
            try:
                return redirect(self._put(plan, certificate, subjects, form), 303)
            except Refusal as said_no:
                refusal = said_no
        return self._certificate_page(plan, certificate, subjects, form, refusal)

    def _certificate(self, plan: ExamPlan) -> CertificateType | None:
        ident = asked("certificate")
        if ident is None:
            return None
        found = reader().scalar(
            select(CertificateType).where(CertificateType.id == ident, CertificateType.org_id == plan.org_id)
        )
        if found is None:
            abort(404)
        return found

    def _choice(self, plan: ExamPlan) -> Step:
        own = select(CertificateType).where(
            CertificateType.org_id == plan.org_id, CertificateType.state == Switch.ENABLED
        )
        taken = {row.certificate_id for row in plan.certificates}
        options = [
            Option(
                url_for("plans.certificate_view", id=plan.id, certificate=one.id),
                one.full_name_wide,
                f"{one.code} · {'已在计划中，点击修改' if one.id in taken else f'{len(one.subjects)} 个科目'}",
            )
            for one in reader().scalars(own.order_by(CertificateType.code)).unique()
        ]
        chosen = [Chosen("考试计划", plan.name), Chosen("考试时间", self._exam_words(plan))]
        return Step("选择考核证书", options, chosen, "贵机构还没有启用的证书，请先在证书管理中新建。")

    def _exam_words(self, plan: ExamPlan) -> str:
        return f"{when(plan.exam_opens_at)} – {when(plan.exam_closes_at)}"

    def _put(self, plan: ExamPlan, certificate: CertificateType, subjects: Sequence[Subject], form: Any) -> str:
        actor, plan_id, certificate_id = current_actor(), plan.id, certificate.id
        planned, seen, to = form.planned(certificate_id, subjects), form.row_version.data, _to_page(plan)

        def write() -> str:
            reader().rollback()
            with transaction(actor) as tx:
                _require_same(tx.get(ExamPlan, plan_id), certificate_id, seen)
                put_certificate(tx, plan_id=plan_id, planned=planned)
            flash("证书与场次已保存。", "success")
            return to

        return self._tickets.once(self._ticket(form), write)

    def _certificate_page(
        self, plan: ExamPlan, certificate: CertificateType, subjects: Sequence[Subject], form: Any, refusal: Any
    ) -> ResponseReturnValue:
        is_stale = isinstance(refusal, StaleState)
        shown = self.render(
            "admin/plan_certificate.html",
            plan=plan,
            certificate=certificate,
            subjects=subjects,
            form=form,
            exam=self._exam_words(plan),
            refusal=sentence(refusal) if refusal else "",
            is_stale=is_stale,
            back=_to_page(plan),
            modes_text=modes_text,
        )
        return shown, 409 if is_stale else 200 if request.method == "GET" else 422


def _seen(plan: ExamPlan, held: ExamPlanCertificate | None) -> str:
    """What the form was filled from: saving a certificate makes its row anew."""
    return f"{plan.version}.{held.created_at.isoformat() if held else 0}"


def _require_same(plan: ExamPlan, certificate_id: int, seen: str) -> None:
    held = next((row for row in plan.certificates if row.certificate_id == certificate_id), None)
    if _seen(plan, held) != seen:
        raise StaleState("row_changed")


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [PlanView(db)]
