"""考场: set by colleges for each plan at their own sites, until arrangement ends (§2.24, R-122…R-134)."""

from __future__ import annotations

from typing import Any

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import select

from admin.cells import badge
from admin.import_page import SheetDoor
from admin.plan_page import two_lines
from admin.session import reader
from admin.site_forms import RoomEditForm, RoomForm, new_room_values, places, region_words
from admin.steps import Chosen, Option, Step, asked, page
from admin.usecase_view import Link, Related, UseCaseView
from admin.verbs import Verb
from admin.views.documents import document_links
from core import clock
from core.actors import Actor
from core.models.catalogue import CertificateType
from core.models.plans import ExamPlan
from core.models.sites import ExamRoom, ExamSite
from core.notifications.words import when
from core.queries.arrangement import Demand, demands
from core.queries.plans import room_phase_at
from core.queries.scoping import visible
from core.rules.arrangement import ArrangementState
from core.rules.plans import PlanState, RoomPhase, room_phase
from core.usecases.sites import create_room, delete_room, edit_room


def _is_open(row: ExamRoom, actor: Actor) -> bool:
    return not row.plan.windows.arrangement.over(clock.now())


def plans_taking_rooms(session: Any, actor: Actor) -> list[ExamPlan]:
    """Published plans whose arrangement is not over (R-131), the most urgent first."""
    query = select(ExamPlan).where(
        visible(ExamPlan, actor),
        ExamPlan.state == PlanState.PUBLISHED,
        ExamPlan.arrangement_closes_at >= clock.now(),
    )
    return list(session.scalars(query.order_by(ExamPlan.arrangement_closes_at)))


def _warned(room: ExamRoom) -> str:
    """To the list; on the way the warning of R-128."""
    for one in demands(reader(), room.plan_id, room.site_id):
        if one.missing:
            flash(shortage_words(one), "warning")
    return url_for("rooms.index_view")


def shortage_words(one: Demand) -> str:
    """科目还差几个考位."""
    return (
        f"{one.site_name}“{one.subject_name}”已报考 {one.registered} 人，"
        f"{one.room_count} 个考场每场 {one.seats} 个考位、共 {one.session_count} 场，还差 {one.missing} 个。（R-128）"
    )


class RoomView(UseCaseView):
    """考场管理."""

    model = ExamRoom
    title = "考场管理"
    slug = "rooms"
    only_pilots = True
    menu_group = "考务管理"
    menu_order = 50
    one = "个考场"
    list_template = "admin/plans.html"
    column_list = ("plan.name", "site.name", "name", "room_type", "seat_count", "certificate.full_name", "phase")
    column_labels = {
        "plan.plan_no": "计划编号",
        "plan.name": "所属考试计划",
        "site.name": "所属考核站点",
        "site.site_no": "站点编号",
        "name": "考场名称",
        "room_type": "考场类型",
        "seat_count": "考位数",
        "certificate.full_name": "本次组织考试的证书",
        "certificate.name": "考核证书",
        "phase": "状态",
        "region_code": "所在区域",
        "subjects": "考试科目",
    }
    column_searchable_list = ("name",)
    column_filters = ("plan.plan_no", "plan.name", "site.name", "certificate.name")
    column_sortable_list = ("name", "seat_count")
    status_tabs = ExamRoom.plan_id  # the clock's phase is counted instead, see _status_column
    status_groups = tuple((one.label, (one,)) for one in RoomPhase)
    column_formatters = {
        "site.name": lambda view, context, row, name: two_lines(row.site.college.name, row.site.site_no),
        "phase": lambda view, context, row, name: badge(room_phase(row.plan.windows.arrangement, clock.now())),
        "region_code": lambda view, context, row, name: region_words(reader(), row.region_code),
        "subjects": lambda view, context, row, name: [f"{one.name}（{one.code}）" for one in row.subjects],
    }
    column_formatters_detail = {**column_formatters, "site.name": lambda view, context, row, name: row.site.name}
    detail_groups = (
        ("考场", ("name", "room_type", "seat_count", "phase", "region_code", "address")),
        ("用于", ("plan.plan_no", "plan.name", "site.site_no", "site.name", "certificate.full_name", "subjects")),
    )
    recap_columns = ("plan.name", "site.name", "certificate.full_name", "subjects", "room_type")
    sheets = (
        SheetDoor(
            "rooms",
            "导入考场",
            act="edit_room",
            plans=lambda session, actor: [
                (plan.id, f"{plan.name}（{plan.plan_no}）") for plan in plans_taking_rooms(session, actor)
            ],
        ),
    )

    create_with = Verb(
        create_room,
        "设置考场",
        form=RoomForm,
        act="edit_room",
        fill=lambda row: new_room_values(reader().get(ExamSite, asked("site") or 0)),
        done="考场已设置。",
        then=_warned,
    )
    edit_with = Verb(
        edit_room,
        "编辑",
        form=RoomEditForm,
        act="edit_room",
        when=_is_open,
        fill=lambda row: {"name": row.name, "seat_count": row.seat_count, "address": row.address},
        done="考场已修改。",
        then=_warned,
    )
    row_verbs = (
        Verb(
            delete_room,
            "删除",
            act="edit_room",
            when=_is_open,
            confirm="确定删除该考场吗？已有考生排入的考场不能删除。",
            done="考场已删除。",
            tone="danger",
            then=lambda nothing: url_for("rooms.index_view"),
        ),
    )

    def _status_column(self) -> Any:
        return room_phase_at(clock.now())

    def links(self, row: ExamRoom) -> list[Link]:
        is_out = any(one.arrangement_state is ArrangementState.PUBLISHED for one in row.subjects)
        return document_links(row.plan_id, row.site_id, row.name) if is_out else []

    def related(self, row: ExamRoom) -> list[Related]:
        """R-128: seats against registrations at this site."""
        headers = ("考试科目", "已报考", "考场", "每场考位", "场次", "最多可安排", "缺口")
        lines = [
            (
                f"{one.subject_name}（{one.subject_code}）",
                f"{one.registered} 人",
                f"{one.room_count} 个",
                one.seats,
                one.session_count,
                f"{one.capacity} 人",
                Markup('<span class="badge-state is-bad">差 {} 个考位</span>').format(one.missing)
                if one.missing
                else "考位足够",
            )
            for one in demands(reader(), row.plan_id, row.site_id)
        ]
        return [Related("本站点的考位与报考", headers, lines, "这个站点在本计划中还没有报考。")]

    def recap_new(self, verb: Verb) -> list[tuple[str, Any]]:
        plan = reader().get(ExamPlan, asked("plan") or 0)
        site = reader().get(ExamSite, asked("site") or 0)
        certificate = reader().get(CertificateType, asked("certificate") or 0)
        if plan is None or site is None or certificate is None:
            return []
        return [("考试计划", plan.name), ("考核站点", site.name), ("证书", certificate.full_name_wide)]

    # -- plan, then site and certificate, then the room ----------------------------------------------------------------

    @expose("/do/<verb_name>/", methods=("GET", "POST"))
    def verb_view(self, verb_name: str) -> ResponseReturnValue:
        """设置考场 asks for plan, site and certificate in this order; each answer narrows the next (R-123, R-124)."""
        assert self.create_with is not None
        if verb_name == self.create_with.name and self.create_with.offered_at_all(self.actor):
            step = self._open_step()
            if step is not None:
                return page(self, self.create_with.label, step, self.list_url())
        return super().verb_view(verb_name)

    def _open_step(self) -> Step | None:
        """The first question without an answer that fits; None when all are answered."""
        plans = plans_taking_rooms(reader(), self.actor)
        plan = next((one for one in plans if one.id == asked("plan")), None)
        if plan is None:
            return self._plan_step(plans)
        chosen = [Chosen("考试计划", plan.name, _here())]
        held = places(reader(), plan, self.actor.college_id or 0)
        sites = {site.id: site for site, _ in held}
        site = sites.get(asked("site") or 0)
        if site is None:
            return self._site_step(plan, held, chosen)
        chosen.append(Chosen("考核站点", site.name, _here(plan=plan.id)))
        certificates = {one.id: one for place, one in held if place.id == site.id}
        if asked("certificate") in certificates:
            return None
        return self._certificate_step(plan, site, list(certificates.values()), chosen)

    def _plan_step(self, plans: list[ExamPlan]) -> Step:
        options = [
            Option(
                _here(plan=one.id),
                one.name,
                f"{one.plan_no} · {one.org.name} · 排考 {when(one.arrangement_closes_at)} 结束",
            )
            for one in plans
        ]
        words = "没有可以设置考场的考试计划：计划发布后、排考结束前可以设置。"
        return Step("第 1 步：选择考试计划", options, empty=words)

    def _site_step(self, plan: ExamPlan, held: list[tuple[ExamSite, CertificateType]], chosen: list[Chosen]) -> Step:
        sites = {site.id: site for site, _ in held}
        options = [
            Option(_here(plan=plan.id, site=one.id), one.name, f"{one.site_no} · {one.address}")
            for one in sites.values()
        ]
        return Step(
            "第 2 步：选择考核站点",
            options,
            chosen,
            "本校没有已启用、并获准考核本计划证书的站点。请先申报考核站点；借考院校由站点所属院校设置考场。",
        )

    def _certificate_step(
        self, plan: ExamPlan, site: ExamSite, certificates: list[CertificateType], chosen: list[Chosen]
    ) -> Step:
        options = [
            Option(_here(plan=plan.id, site=site.id, certificate=one.id), one.full_name_wide, one.code)
            for one in certificates
        ]
        return Step("第 3 步：选择本次组织考试的证书", options, chosen)


def _here(**answers: Any) -> str:
    return url_for("rooms.verb_view", verb_name="create_room", **answers)


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [RoomView(db)]
