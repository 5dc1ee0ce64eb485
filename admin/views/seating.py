"""The page on which one plan is seated: what stands, what is short, and the TEO's buttons (R-170…R-183)."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from admin import history
from admin.arrangement_page import PAGES, standing_words
from admin.plan_page import span
from admin.session import reader
from admin.usecase_view import Link, UseCaseView
from admin.verbs import Verb
from admin.views.documents import document_links
from core import clock
from core.actors import Actor
from core.errors import Refusal
from core.models.plans import ExamPlan, ExamPlanSubject
from core.models.registrations import RoomArrangement
from core.notifications.words import sentence, when
from core.queries.arrangement import Demand, demands, standings
from core.queries.scoping import may_see
from core.rules.arrangement import ArrangementState
from core.rules.catalogue import modes_text
from core.rules.permissions import may
from core.rules.plans import PlanState, plan_phase
from core.usecases.arrangement import Seating, arrange_seats, clear_arrangement, publish_arrangement, try_arrangement


def subjects_of(plan: ExamPlan) -> list[ExamPlanSubject]:
    """Every subject of a plan."""
    return [subject for certificate in plan.certificates for subject in certificate.subjects]


def _in_window(row: ExamPlan, actor: Actor) -> bool:
    return row.windows.arrangement.contains(clock.now()) and not _is_out(row)


def _is_out(row: ExamPlan) -> bool:
    return any(one.arrangement_state is ArrangementState.PUBLISHED for one in subjects_of(row))


def _has_seats(row: ExamPlan, actor: Actor) -> bool:
    held = select(RoomArrangement.id).where(RoomArrangement.plan_id == row.id).limit(1)
    return _in_window(row, actor) and reader().scalar(held) is not None


def _can_publish(row: ExamPlan, actor: Actor) -> bool:
    return any(one.arrangement_state is ArrangementState.ARRANGED for one in subjects_of(row))


def _to_page(ident: int) -> str:
    return url_for("seating.details_view", id=ident)


class SeatingView(UseCaseView):
    """One plan's seating: the page with the buttons; reached from the lists, so it has no place in the menu."""

    model = ExamPlan
    title = "排考"
    slug = "seating"
    column_list = ("plan_no", "name", "exam_year")
    column_labels = {
        "plan_no": "计划编号",
        "name": "计划名称",
        "window": "排考时间",
        "phase": "计划状态",
        "org.name": "考核单位",
    }
    column_formatters = {
        "window": lambda view, context, row, name: (
            f"{when(row.arrangement_opens_at)} – {when(row.arrangement_closes_at)}"
        ),
        "phase": lambda view, context, row, name: plan_phase(row.state, row.windows, clock.now()),
    }
    detail_groups = (("考试计划", ("plan_no", "name", "org.name", "window", "phase")),)
    recap_columns = ("plan_no", "name", "window", "phase")
    row_verbs = (
        Verb(
            arrange_seats,
            "排考",
            act="arrange",
            when=_in_window,
            confirm="按上面的结果排考吗？已有的座位会重新编排，已发出的准考证号不变。",
            done="排考完成。",
            tone="primary",
            then=lambda seating: _told(seating),
        ),
        Verb(
            clear_arrangement,
            "清除编排",
            act="arrange",
            when=_has_seats,
            confirm="收回本计划的全部座位，准考证号保留。确定清除吗？",
            done="编排已清除。",
            tone="danger",
        ),
        Verb(
            publish_arrangement,
            "发布排考",
            act="arrange",
            when=_can_publish,
            confirm="发布后院校和考生可以下载准考证和考场材料，座位不能再变动。只发布已编排的科目。确定发布吗？",
            done="排考已发布。",
            tone="primary",
        ),
    )

    def is_accessible(self) -> bool:
        return super().is_accessible() and may_see(RoomArrangement, self.actor)

    def scope(self) -> Any:
        return super().scope() & (ExamPlan.state == PlanState.PUBLISHED)

    def list_url(self) -> str:
        return url_for("arrangements.index_view")

    def title_for(self, actor: Actor) -> str:
        return "排考管理"

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """The list of plans is the list of their subjects."""
        return redirect(self.list_url())

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        row: ExamPlan = self.row_or_404(request.args.get("id"))
        subjects = subjects_of(row)
        held = standings(reader(), self.actor, [one.id for one in subjects])
        is_owner = may(self.actor, "arrange", row)
        return self.render(
            "admin/seating.html",
            row=row,
            groups=self._groups(row),
            history=history.of(reader(), ExamPlan.__tablename__, row.id) if is_owner else [],
            lines=[(one, held[one.id]) for one in subjects],
            needs=demands(reader(), row.id) if is_owner else [],
            papers=document_links(row.id) if _is_out(row) else [],
            is_out=_is_out(row),
            lists=[Link(word, url_for(f"{slug}.index_view", flt0_0=row.plan_no)) for slug, word in PAGES[1:]],
            span=span,
            standing_words=standing_words,
            modes_text=modes_text,
        )

    @expose("/do/<verb_name>/", methods=("GET", "POST"))
    def verb_view(self, verb_name: str) -> ResponseReturnValue:
        """排考 shows first what would come of it."""
        if verb_name == arrange_seats.__name__ and request.method == "GET":
            verb, row = self._verb_and_row(verb_name)
            return self._preview(verb, row)
        return super().verb_view(verb_name)

    def _preview(self, verb: Verb, row: ExamPlan) -> ResponseReturnValue:
        form, recap, back, ident = self._form(verb, row), self.recap(row), self._back(row), row.id
        needs, names = demands(reader(), ident), {one.code: one.name for one in subjects_of(row)}
        actor = self.actor
        reader().rollback()
        seating: Seating | None = None
        refusal = ""
        try:
            seating = try_arrangement(actor, plan_id=ident)
        except Refusal as said_no:
            refusal = sentence(said_no)
        return self.render(
            "admin/arrange.html",
            verb=verb,
            row=row,
            form=form,
            recap=recap,
            refusal=refusal,
            seating=seating,
            reasons=reasons(seating, needs, names) if seating else [],
            back=back,
        )


def reasons(seating: Seating, needs: list[Demand], names: dict[str, str]) -> list[str]:
    """Why people stay without a seat, subject by subject and site by site."""
    found = []
    for code, number in seating.unseated_by_subject.items():
        short = [one for one in needs if one.subject_code == code and one.missing]
        found += [_shortage(one) for one in short]
        rest = number - sum(one.missing for one in short)
        if rest > 0:
            found.append(
                f"{names[code]}：{rest} 人的场次或考场与其他科目在同一时间冲突。可以增加考场，或为各科分别设置考场。"
            )
    return found


def _shortage(one: Demand) -> str:
    if not one.room_count:
        return f"{one.site_name} · {one.subject_name}：已报考 {one.registered} 人，还没有设置考场。"
    return (
        f"{one.site_name} · {one.subject_name}：已报考 {one.registered} 人，"
        f"{one.room_count} 个考场、{one.session_count} 场最多安排 {one.capacity} 人，差 {one.missing} 个考位。"
    )


def _told(seating: Seating) -> str:
    """Says how many sit, and goes back to the plan's page."""
    if seating.unseated:
        flash(f"已安排 {seating.seated} 科次，还剩 {seating.unseated} 科次未排考。", "warning")
    else:
        flash(f"全部 {seating.seated} 科次都已有座位。", "success")
    return _to_page(int(request.args.get("id", 0)))
