"""科目成绩: entered by the TEO in its window, corrected with a reason, seen by others when it is time."""

from __future__ import annotations

import io
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import and_, select
from sqlalchemy.orm import Session, joinedload
from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import DataRequired, Length

from admin import cells
from admin.export_page import ExportDoor
from admin.forms import PanelForm, text_field
from admin.import_page import SheetDoor, workbook
from admin.session import current_actor, reader
from admin.usecase_view import Link, Related, UseCaseView
from admin.verbs import Verb
from admin.views.marks import known_score, learn_scores, score_cell
from admin.views.people import (
    WHO,
    WHO_LABELS,
    clipped,
    person_cell,
    plan_cell,
    portrait,
    sitting_place,
    sitting_time,
    two_lines,
)
from admin.views.results import ResultView
from core import clock
from core.actors import Actor
from core.db import Tx
from core.errors import Refusal, StaleState
from core.models.accounts import UserAccount
from core.models.plans import ExamPlan
from core.models.registrations import Registration, RoomArrangement, SeatAssignment, SubjectRegistration
from core.models.scores import ScoreAmendment, SubjectScore
from core.notifications.words import sentence, when
from core.queries.phases import SCORE_PHASES, score_phase_place
from core.queries.plans import plans_taking_scores
from core.rules import values
from core.rules.marks import mark_text, tenths_text
from core.rules.permissions import has_role, may
from core.rules.registrations import SittingState
from core.rules.scores import SCORE, ScorePhase, ScoreState, score_phase
from core.usecases.scores import correct_score

ENTER = "enter_scores"


def plan_choices(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """(id, word) of those plans, with the deadline."""
    return [
        (plan.id, f"{plan.plan_no} {plan.name} · {when(plan.score_entry_closes_at)} 截止")
        for plan in plans_taking_scores(session, actor, clock.now())
    ]


# -- correcting --------------------------------------------------------------------------------------------------------


class CorrectionForm(PanelForm):
    """更正成绩: the right mark, or 缺考, and why."""

    score_version = HiddenField()
    score = text_field("正确成绩", values.score, optional=True, description="0 至满分，最多一位小数；缺考请留空。")
    is_absent = BooleanField("缺考")
    reason = TextAreaField(
        "更正原因",
        [DataRequired("请写明更正原因。"), Length(max=500, message="请控制在 500 字以内。")],
        description="例如复核编号或核对结果。原成绩、新成绩和原因都会保留，院校可以看到。",
    )


def can_be_corrected(row: SubjectRegistration, actor: Actor) -> bool:
    """R-204: while scores are public and not locked."""
    score = known_score(row)
    if score is None or not may(actor, ENTER, row.registration.plan):
        return False
    return SCORE.allows(score.state, "correct") and row.registration.plan.windows.publication.contains(clock.now())


def as_it_stands(row: SubjectRegistration) -> dict[str, Any]:
    """What the correction form starts from."""
    score = known_score(row)
    return {
        "score": tenths_text(score.score_tenths) if score else "",
        "is_absent": score.is_absent if score else False,
        "score_version": str(score.version) if score else "",
    }


def correct_sitting(
    tx: Tx, *, sitting_id: int, score: int | str | None, is_absent: bool, reason: str, score_version: str
) -> SubjectScore:
    """correct_score, found by the sitting whose page it was; StaleState where the score has changed meanwhile."""
    held: SubjectScore = tx.one(select(SubjectScore).where(SubjectScore.subject_registration_id == sitting_id))
    if str(held.version) != score_version:
        raise StaleState("row_changed")
    tenths = score if isinstance(score, int) else None
    return correct_score(tx, score_id=held.id, score_tenths=tenths, is_absent=is_absent, reason=reason)


def phase_of(row: SubjectRegistration) -> ScorePhase:
    """The tab a sitting stands in for whoever is logged in."""
    score = known_score(row)
    session = row.seat.room_arrangement.session if row.seat is not None else None
    starts, ends = (session.starts_at, session.ends_at) if session is not None else (None, None)
    state = score.state if score is not None else ScoreState.NOT_ENTERED
    return score_phase(state, starts, ends, row.registration.plan.windows.publication, clock.now())


class ScoreView(UseCaseView):
    """科目成绩: every sitting, with its score where one may see it."""

    model = SubjectRegistration
    title = "科目成绩"
    titles: ClassVar[dict[str, str]] = {"teo": "成绩登记"}
    slug = "scores"
    menu_group = "考务管理"
    menu_order = 80
    one = "条科目成绩"
    list_template = "admin/scores.html"
    shows_history = False  # the amendments are the history, and say more
    column_list = ("plan", "registration.snapshot", "plan_subject.name", "time", "score", "state")
    column_labels: ClassVar[dict[str, str]] = {
        **WHO_LABELS,
        "plan": "考试计划",
        "registration.plan.org.name": "考核单位",
        "plan_subject.name": "考试科目",
        "plan_subject.code": "科目编号",
        "plan_subject.exam_modes": "考试方式",
        "pass_mark": "合格 / 满分",
        "time": "考试时间",
        "place": "考场与座位",
        "score": "成绩",
        "attendance": "参考情况",
        "state": "登记状态",
    }
    column_sortable_list = ()
    column_searchable_list = ("registration.snapshot.name", "registration.snapshot.ticket_no")
    column_filters = (
        "registration.plan.name",
        "plan_subject.name",
        "registration.certificate.name",
        "registration.site.name",
        "registration.plan.exam_year",
        "registration.kind",
        "registration.college.name",
        "registration.snapshot.id_number",
    )
    column_formatters: ClassVar[dict[str, Any]] = {
        "plan": lambda view, context, row, name: plan_cell(row.registration.plan),
        "registration.snapshot": lambda view, context, row, name: person_cell(row.registration),
        "plan_subject.name": lambda view, context, row, name: two_lines(
            row.plan_subject.name, clipped(row.registration.certificate.full_name)
        ),
        "time": lambda view, context, row, name: two_lines(sitting_time(row), clipped(row.registration.site.name)),
        "score": lambda view, context, row, name: score_cell(known_score(row)),
        "state": lambda view, context, row, name: cells.badge(phase_of(row)),
    }
    column_formatters_detail: ClassVar[dict[str, Any]] = {
        "score": column_formatters["score"],
        "state": column_formatters["state"],
        "time": lambda view, context, row, name: sitting_time(row),
        "place": lambda view, context, row, name: sitting_place(row),
        "pass_mark": lambda view, context, row, name: (
            f"{tenths_text(row.plan_subject.pass_tenths)} / {tenths_text(row.plan_subject.full_tenths)}"
        ),
        "registration.candidate.photo_hash": lambda view, context, row, name: portrait(row.registration.candidate),
    }
    status_tabs = "state"
    exports = (ExportDoor("score-list", "批量导出科目成绩"),)
    status_groups = tuple((phase.label, (SCORE_PHASES.index(phase),)) for phase in SCORE_PHASES)
    detail_groups = (
        ("成绩", ("score", "state", "attendance", "pass_mark")),
        (
            "考试",
            (
                "registration.plan.plan_no",
                "registration.plan.name",
                "registration.certificate.full_name",
                "plan_subject.name",
                "plan_subject.code",
                "plan_subject.exam_modes",
                "time",
                "place",
                "registration.site.name",
            ),
        ),
        ("考生（报考时的信息）", WHO),
    )
    recap_columns = (
        "registration.plan.name",
        "registration.snapshot.name",
        "registration.snapshot.ticket_no",
        "plan_subject.name",
        "score",
        "state",
    )
    row_verbs = (
        Verb(
            correct_sitting,
            "更正成绩",
            form=CorrectionForm,
            act=ENTER,
            thing=lambda row: row.registration.plan,
            when=can_be_corrected,
            fill=as_it_stands,
            done="成绩已更正，考证结果已重新计算。",
            explain="只在成绩公示期内可以更正；公示结束后成绩锁定，任何人都不能再改。",
            key="correct",
        ),
    )
    sheets = (
        SheetDoor(
            "scores",
            "导入成绩",
            act=ENTER,
            plans=plan_choices,
            explain="建议先下载带考生名单的成绩登记表，填好后上传。登记时间内可以重复导入，以最后一次为准；缺考的成绩留空，在“缺考”列填“缺考”。",
        ),
    )

    def scope(self) -> Any:
        return and_(super().scope(), SubjectRegistration.state != SittingState.NOT_REQUIRED)

    def _status_column(self) -> Any:
        return score_phase_place(current_actor(), clock.now())

    def _loaded(self) -> list[Any]:
        registration = joinedload(SubjectRegistration.registration)
        arrangement = joinedload(SubjectRegistration.seat).joinedload(SeatAssignment.room_arrangement)
        return [
            registration.joinedload(Registration.plan),
            registration.joinedload(Registration.snapshot),
            registration.joinedload(Registration.certificate),
            registration.joinedload(Registration.site),
            joinedload(SubjectRegistration.plan_subject),
            arrangement.joinedload(RoomArrangement.session),
            arrangement.joinedload(RoomArrangement.room),
        ]

    def get_list(self, *args: Any, **options: Any) -> tuple[int, list[Any]]:
        count, rows = super().get_list(*args, **options)
        learn_scores(rows)
        return count, rows

    def name_of(self, row: Any) -> str:
        return f"{row.registration.snapshot.name} · {row.plan_subject.name}"

    def page_links(self) -> list[Link]:
        """导入记录, for those who import."""
        return [Link("导入记录", url_for("imports.index_view"))] if has_role(current_actor(), ENTER) else []

    def desk(self) -> list[ExamPlan]:
        """Plans whose scores can be entered now, for the cards above the list."""
        return plans_taking_scores(reader(), current_actor(), clock.now())

    def empty_words(self) -> str:
        return "没有符合条件的成绩。院校在成绩登记时间结束后、考生在公示开始后可以看到成绩。"

    def related(self, row: Any) -> list[Related]:
        score = known_score(row)
        found = reader().execute(
            select(ScoreAmendment, UserAccount.real_name)
            .outerjoin(UserAccount, UserAccount.id == ScoreAmendment.actor_id)
            .where(ScoreAmendment.score_id == (score.id if score else 0))
            .order_by(ScoreAmendment.id.desc())
        )
        rows = [
            (
                change.at,
                mark_text(change.old_tenths, change.old_absent),
                mark_text(change.new_tenths, change.new_absent),
                "重新导入" if change.reason == "re-import" else change.reason,
                who or "系统",
            )
            for change, who in found
        ]
        return [Related("修改记录", ("时间", "原成绩", "新成绩", "原因", "操作人"), rows, "成绩没有修改过。")]

    @expose("/sheet")
    def sheet_view(self) -> ResponseReturnValue:
        """成绩登记表 of a plan, filled in with everybody who has no score yet."""
        plan = next((p for p in self.desk() if str(p.id) == request.args.get("plan")), None)
        if plan is None:
            abort(404)
        from core.sheets import desk

        name, actor, plan_id, out = f"成绩登记表 {plan.plan_no}.xlsx", current_actor(), plan.id, io.BytesIO()
        reader().rollback()
        try:
            desk.score_sheet(actor, plan_id, out)
        except Refusal as refusal:
            flash(sentence(refusal), "error")
            return redirect(self.list_url(), 303)
        return workbook(out.getvalue(), name)


def views(db: Any) -> list[UseCaseView]:
    """The pages of this subject."""
    return [ScoreView(db), ResultView(db)]
