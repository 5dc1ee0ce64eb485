"""报考管理: who is registered for what; imported by certificate, taken back row by row, inside the window."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import url_for
from sqlalchemy.orm import Session, joinedload, selectinload

from admin import cells
from admin.export_page import ExportDoor
from admin.import_page import SheetDoor
from admin.session import current_actor, reader
from admin.usecase_view import Link, Related, UseCaseView
from admin.verbs import Verb
from admin.views.people import clipped, person_cell, plan_cell, portrait, sitting_place, sitting_time, two_lines
from admin.views.snapshot_forms import SnapshotForm, as_registered, put_right
from core import clock
from core.actors import Actor
from core.models.registrations import Registration, RoomArrangement, SeatAssignment, SubjectRegistration
from core.notifications.words import when
from core.queries.phases import registration_phase_place
from core.queries.plans import plans_taking_registrations, registration_standing
from core.rules.catalogue import modes_text
from core.rules.permissions import has_role
from core.rules.registrations import (
    PHASES_OF_A_REGISTRATION,
    SittingPhase,
    SittingState,
    registration_phase,
    sitting_phase,
)
from core.usecases.registrations import delete_registration
from core.usecases.snapshots import correct_snapshot

REGISTER = "register"


def plan_choices(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """(id, word) of the open plans: what is left of the quota, and until when."""
    found = []
    for plan in plans_taking_registrations(session, actor, clock.now()):
        left = registration_standing(session, plan, actor.college_id or 0).quota_left
        until = when(plan.registration_closes_at)
        found.append((plan.id, f"{plan.plan_no} {plan.name} · 剩余指标 {left} · {until} 截止"))
    return found


def phase_of(sitting: SubjectRegistration) -> SittingPhase:
    """考试状态 of one subject at this moment."""
    session = sitting.seat.room_arrangement.session if sitting.seat is not None else None
    starts, ends = (session.starts_at, session.ends_at) if session is not None else (None, None)
    return sitting_phase(sitting.state, starts, ends, clock.now())


def can_be_deleted(row: Registration, actor: Actor) -> bool:
    """Inside the window, before seats are given (R-153)."""
    is_open = row.plan.windows.registration.contains(clock.now())
    return is_open and all(sitting.state is not SittingState.SEATED for sitting in row.sittings)


class RegistrationView(UseCaseView):
    """报考管理."""

    model = Registration
    title = "报考管理"
    titles: ClassVar[dict[str, str]] = {"teo": "报考查看"}
    slug = "registrations"
    menu_group = "考务管理"
    menu_order = 50
    one = "条报考"
    shows_history = False
    list_template = "admin/registrations.html"
    column_list = ("plan", "snapshot", "certificate", "snapshot.ticket_no", "payment_state", "sittings")
    column_labels: ClassVar[dict[str, str]] = {
        "certificate": "证书 / 考核站点",
        "certificate.full_name": "证书",
        "site.name": "考核站点",
        "snapshot": "考生",
        "snapshot.name": "姓名",
        "snapshot.name_pinyin": "姓名拼音",
        "snapshot.id_type": "证件类型",
        "snapshot.id_number": "证件号码",
        "snapshot.mobile": "手机号码",
        "snapshot.major_name": "专业",
        "snapshot.education_level": "专业层次",
        "snapshot.ticket_no": "准考证号",
        "candidate.photo_hash": "照片",
        "candidate.candidate_no": "考生编号",
        "kind": "考生类型",
        "source": "报考方式",
        "payment_state": "缴费状态",
        "sittings": "考试状态",
        "created_at": "报考时间",
        "plan.exam_year": "考试年度",
    }
    column_sortable_list = ()
    column_searchable_list = ("snapshot.name", "snapshot.ticket_no", "snapshot.id_number")
    column_filters = (
        "plan.name",
        "certificate.name",
        "site.name",
        "kind",
        "plan.exam_year",
        "certificate.level",
        "candidate.candidate_no",
        "college.name",
    )
    column_formatters: ClassVar[dict[str, Any]] = {
        "plan": lambda view, context, row, name: plan_cell(row.plan),
        "snapshot": lambda view, context, row, name: person_cell(row),
        "certificate": lambda view, context, row, name: two_lines(
            clipped(row.certificate.full_name), clipped(row.site.name)
        ),
        "sittings": lambda view, context, row, name: cells.badge(registration_phase(map(phase_of, row.sittings))),
        "candidate.photo_hash": lambda view, context, row, name: portrait(row.candidate),
    }
    status_tabs = "sittings"
    exports = (ExportDoor("registration-list", "批量导出报考数据"),)
    status_groups = tuple(
        (phase.label, (PHASES_OF_A_REGISTRATION.index(phase),)) for phase in SittingPhase
    )  # in the order of §8.1
    detail_groups = (
        (
            "考生（报考时的信息）",
            (
                "candidate.photo_hash",
                "snapshot.name",
                "snapshot.name_pinyin",
                "candidate.candidate_no",
                "snapshot.id_type",
                "snapshot.id_number",
                "snapshot.mobile",
                "kind",
                "college.name",
                "snapshot.major_name",
                "snapshot.education_level",
            ),
        ),
        (
            "报考",
            (
                "plan.plan_no",
                "plan.name",
                "certificate.full_name",
                "certificate.code",
                "site.name",
                "snapshot.ticket_no",
                "source",
                "payment_state",
                "sittings",
                "created_at",
            ),
        ),
    )
    recap_columns = (
        "plan.name",
        "snapshot.name",
        "snapshot.id_number",
        "certificate.full_name",
        "site.name",
        "sittings",
    )
    row_verbs = (
        Verb(
            correct_snapshot,
            "更正考试信息",
            form=SnapshotForm,
            act="correct_snapshot",
            fill=as_registered,
            shape=put_right,
            explain="只更正本考试计划中的姓名拼音和手机号码，同一计划的其他报考一并更正；考生管理中的信息不变。",
            done="考试计划中的考生信息已更正。",
            send="保存",
            key="correct",
        ),
        Verb(
            delete_registration,
            "删除",
            act=REGISTER,
            when=can_be_deleted,
            confirm="确定删除这条报考吗？删除后占用的指标会退回，需要时可以在报考时间内重新导入。",
            tone="danger",
            done="报考已删除，指标已退回。",
            key="delete",
        ),
    )
    sheets = (
        SheetDoor(
            "registrations-by-certificate",
            "按证书导入报考",
            act=REGISTER,
            plans=plan_choices,
            explain="先选择正在报考的计划，再上传填好的表。有效的行会保存，无效的行逐条列出原因；"
            "院校考生每报一个证书占用一个指标，超出指标的行不会保存。",
        ),
    )

    def _status_column(self) -> Any:
        return registration_phase_place(clock.now())

    def _loaded(self) -> list[Any]:
        seated = selectinload(Registration.sittings).joinedload(SubjectRegistration.seat)
        arrangement = seated.joinedload(SeatAssignment.room_arrangement)
        return [
            joinedload(Registration.plan),
            joinedload(Registration.snapshot),
            joinedload(Registration.certificate),
            joinedload(Registration.site),
            arrangement.joinedload(RoomArrangement.session),
        ]

    def name_of(self, row: Any) -> str:
        return f"{row.snapshot.name} · {row.certificate.full_name}"

    def page_links(self) -> list[Link]:
        """导入记录, for those who import."""
        return [Link("导入记录", url_for("imports.index_view"))] if has_role(current_actor(), REGISTER) else []

    def empty_words(self) -> str:
        return "没有符合条件的报考。只有在计划的报考时间内才能导入报考。"

    def desk(self) -> list[dict[str, Any]]:
        """Open plans of this college with their numbers, for the cards above the list."""
        actor = current_actor()
        return [
            {"plan": plan, "standing": registration_standing(reader(), plan, actor.college_id or 0)}
            for plan in plans_taking_registrations(reader(), actor, clock.now())
        ]

    def related(self, row: Any) -> list[Related]:
        rows = [
            (
                sitting.plan_subject.code,
                sitting.plan_subject.name,
                modes_text(sitting.plan_subject.exam_modes),
                sitting_time(sitting),
                sitting_place(sitting),
                phase_of(sitting),
            )
            for sitting in row.sittings
        ]
        return [Related("报考科目", ("科目编号", "考试科目", "考试方式", "考试时间", "考场与座位", "考试状态"), rows)]


def views(db: Any) -> list[UseCaseView]:
    """The pages of this subject."""
    return [RegistrationView(db)]
