"""考场编排 and 排考明细: who sits where, within what each party may see (R-182)."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import func, select

from admin.arrangement_page import ThreePages
from admin.plan_page import site_words, span, two_lines
from admin.session import reader
from admin.views.documents import document_links
from core.models.registrations import RoomArrangement, SeatAssignment
from core.queries.scoping import visible
from core.rules.arrangement import ArrangementState


class RoomArrangementView(ThreePages):
    """考场编排: a room in a session."""

    model = RoomArrangement
    title = "考场编排"
    slug = "room-arrangements"
    one = "条编排"
    column_list = ("plan.name", "room.name", "session.starts_at", "plan_subject.name", "people", "state")
    column_labels = {
        "plan.plan_no": "计划编号",
        "plan.name": "考试计划",
        "room.name": "考场名称",
        "session.starts_at": "考试时间",
        "plan_subject.name": "考试科目",
        "people": "排考人数",
        "state": "状态",
        "room.site.name": "考核站点",
    }
    column_filters = ("plan.plan_no", "plan.name", "room.site.name", "room.name", "plan_subject.name")
    column_sortable_list = ()
    column_default_sort = [("session.starts_at", False), ("id", False)]
    column_formatters = {
        "room.name": lambda view, context, row, name: two_lines(row.room.name, site_words(row.room.site)),
        "session.starts_at": lambda view, context, row, name: span(row.session.starts_at, row.session.ends_at),
        "plan_subject.name": lambda view, context, row, name: two_lines(
            row.plan_subject.name, row.room.certificate.full_name
        ),
        "people": lambda view, context, row, name: f"{view.people(row)} / {row.room.seat_count}",
        "state": lambda view, context, row, name: row.plan_subject.arrangement_state,
    }

    def get_list(self, *args: Any, **kwargs: Any) -> tuple[int, list[Any]]:
        count, rows = super().get_list(*args, **kwargs)
        g.people = self._people([row.id for row in rows])
        return count, rows

    def _people(self, ids: list[int]) -> dict[int, int]:
        counted = (
            select(SeatAssignment.room_arrangement_id, func.count(SeatAssignment.id))
            .where(SeatAssignment.room_arrangement_id.in_(ids), visible(SeatAssignment, self.actor))
            .group_by(SeatAssignment.room_arrangement_id)
        )
        return dict(reader().execute(counted).all())

    def people(self, row: RoomArrangement) -> int:
        """How many sit there, of those this person may see."""
        return int(g.people.get(row.id, 0))

    def name_of(self, row: RoomArrangement) -> str:
        return f"{row.room.name} · {row.plan_subject.name}"

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        row: RoomArrangement = self.row_or_404(request.args.get("id"))
        seats = {
            seat.seat_no: seat
            for seat in reader().scalars(
                select(SeatAssignment).where(
                    SeatAssignment.room_arrangement_id == row.id, visible(SeatAssignment, self.actor)
                )
            )
        }
        taken = reader().scalar(
            select(func.count(SeatAssignment.id)).where(SeatAssignment.room_arrangement_id == row.id)
        )
        is_out = row.plan_subject.arrangement_state is ArrangementState.PUBLISHED
        return self.render(
            "admin/seat_plan.html",
            row=row,
            facts=self._facts(row, len(seats)),
            seats=[(number, seats.get(number)) for number in range(1, row.room.seat_count + 1)],
            hidden=(taken or 0) - len(seats),
            papers=document_links(row.plan_id, row.room.site_id, row.room.name) if is_out else [],
        )

    def _facts(self, row: RoomArrangement, people: int) -> list[tuple[str, Any]]:
        return [
            ("考试计划", row.plan.name),
            ("考核站点", row.room.site.name),
            ("考场地址", row.room.address),
            ("考试证书", row.room.certificate.full_name),
            ("考试科目", row.plan_subject.name),
            ("考试时间", span(row.session.starts_at, row.session.ends_at)),
            ("考位数", row.room.seat_count),
            ("排考人数", people),
            ("状态", row.plan_subject.arrangement_state),
        ]


class SeatView(ThreePages):
    """排考明细: who sits where."""

    model = SeatAssignment
    title = "排考明细"
    slug = "seats"
    one = "个座位"
    _who = "sitting.registration.snapshot"
    column_list = (
        f"{_who}.ticket_no",
        f"{_who}.name",
        f"{_who}.id_number",
        "sitting.registration.college.name",
        "room_arrangement.plan_subject.name",
        "room_arrangement.room.name",
        "seat_no",
    )
    column_labels = {
        "room_arrangement.plan.plan_no": "计划编号",
        "room_arrangement.plan.name": "考试计划",
        f"{_who}.ticket_no": "准考证号",
        f"{_who}.name": "考生姓名",
        f"{_who}.id_number": "证件号码",
        "sitting.registration.college.name": "院校",
        "room_arrangement.plan_subject.name": "考试科目",
        "room_arrangement.session.starts_at": "考试时间",
        "room_arrangement.room.name": "考场",
        "room_arrangement.room.site.name": "考核站点",
        "room_arrangement.room.address": "考场地址",
        "seat_no": "考位号",
        "assigned_at": "编排时间",
    }
    column_filters = (
        "room_arrangement.plan.plan_no",
        f"{_who}.ticket_no",
        f"{_who}.name",
        "room_arrangement.room.name",
        "room_arrangement.plan_subject.name",
        "sitting.registration.college.name",
    )
    column_sortable_list = ()
    column_default_sort = [("room_arrangement_id", False), ("seat_no", False)]
    column_formatters = {
        "room_arrangement.plan_subject.name": lambda view, context, row, name: two_lines(
            row.room_arrangement.plan_subject.name,
            span(row.room_arrangement.session.starts_at, row.room_arrangement.session.ends_at),
        ),
        "room_arrangement.session.starts_at": lambda view, context, row, name: span(
            row.room_arrangement.session.starts_at, row.room_arrangement.session.ends_at
        ),
    }
    detail_groups = (
        ("考生", (f"{_who}.name", f"{_who}.id_number", f"{_who}.ticket_no", "sitting.registration.college.name")),
        (
            "座位",
            (
                "room_arrangement.plan.name",
                "room_arrangement.plan_subject.name",
                "room_arrangement.session.starts_at",
                "room_arrangement.room.site.name",
                "room_arrangement.room.name",
                "room_arrangement.room.address",
                "seat_no",
                "assigned_at",
            ),
        ),
    )

    def name_of(self, row: SeatAssignment) -> str:
        return f"{row.sitting.registration.snapshot.name} · {row.seat_no} 号"
