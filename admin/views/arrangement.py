"""排考管理: the lists by subject, by room and by seat, and the page of one plan (§3.13, R-170…R-183)."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import select

from admin.arrangement_page import ThreePages, standing_words
from admin.plan_page import span, two_lines
from admin.session import reader
from admin.usecase_view import UseCaseView
from admin.views.seating import SeatingView
from admin.views.seats import RoomArrangementView, SeatView
from core.models.plans import ExamPlan, ExamPlanSubject
from core.queries.arrangement import SubjectStanding, standings
from core.rules.catalogue import modes_text
from core.rules.plans import PlanState


class SubjectArrangementView(ThreePages):
    """考核站点编排: per subject of a plan, how many sit at how many sites."""

    model = ExamPlanSubject
    title = "排考管理"
    slug = "arrangements"
    menu_group = "考务管理"
    one = "个科目"
    column_list = ("plan.name", "name", "registered", "sittings", "arrangement_state")
    column_labels = {
        "plan.plan_no": "计划编号",
        "plan.name": "考试计划",
        "name": "考试科目",
        "code": "科目编号",
        "registered": "报考人数",
        "sittings": "考点安排",
        "arrangement_state": "状态",
        "plan_certificate.certificate.name": "考核证书",
    }
    column_filters = ("plan.plan_no", "plan.name", "plan_certificate.certificate.name", "name")
    column_sortable_list = ()
    status_tabs = ExamPlanSubject.arrangement_state
    column_default_order = [("plan_id", True), ("code", False)]
    column_formatters = {
        "plan.name": lambda view, context, row, name: view.plan_cell(row),
        "name": lambda view, context, row, name: view.subject_cell(row),
        "registered": lambda view, context, row, name: f"{view.standing(row).registered} 人",
        "sittings": lambda view, context, row, name: view.sittings_cell(row),
    }

    def scope(self) -> Any:
        published = select(ExamPlan.id).where(ExamPlan.state == PlanState.PUBLISHED).correlate(None)
        return super().scope() & ExamPlanSubject.plan_id.in_(published)

    def get_list(self, *args: Any, **kwargs: Any) -> tuple[int, list[Any]]:
        count, rows = super().get_list(*args, **kwargs)
        g.standings = standings(reader(), self.actor, [row.id for row in rows])
        return count, rows

    def standing(self, row: ExamPlanSubject) -> SubjectStanding:
        """How far this subject is, as this person may see it; all of a page are counted at once."""
        held: SubjectStanding = g.standings[row.id]
        return held

    def details_url(self, row: ExamPlanSubject) -> str:
        return seating_url(row.plan_id)

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """A subject has no page of its own; the plan's shows them all."""
        return redirect(seating_url(self.row_or_404(request.args.get("id")).plan_id))

    def plan_cell(self, row: ExamPlanSubject) -> Markup:
        """The plan, as a link to its seating."""
        return two_lines(
            Markup('<a href="{}">{}</a>').format(seating_url(row.plan_id), row.plan.name), row.plan.plan_no
        )

    def subject_cell(self, row: ExamPlanSubject) -> Markup:
        """The subject with its certificate."""
        return two_lines(f"{row.name}（{modes_text(row.exam_modes)}）", row.plan_certificate.certificate.full_name)

    def sittings_cell(self, row: ExamPlanSubject) -> Markup:
        """Sessions with sites and people, and the sentence below them."""
        one = self.standing(row)
        lines = (
            Markup("<li>{}　{} 个考点　{} 人</li>").format(
                span(session.starts_at, session.ends_at), session.site_count, session.arranged
            )
            for session in one.sessions
        )
        return Markup('<div><ul class="sittings">{}</ul><small class="standing">{}</small></div>').format(
            Markup("").join(lines), standing_words(one)
        )


def seating_url(plan_id: int) -> str:
    """The page on which a plan is seated."""
    return url_for("seating.details_view", id=plan_id)


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [SubjectArrangementView(db), SeatingView(db), RoomArrangementView(db), SeatView(db)]
