"""Scores by the sheet (I-12): one row per ticket and subject, downloaded filled in but for the score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from core.db import Tx
from core.errors import NotReady
from core.models.plans import ExamPlan
from core.queries.exports import sittings_of
from core.queries.plans import plans_taking_scores
from core.rules import values
from core.rules.permissions import permit
from core.sheets.kind import Batch, Export, SheetKind, Undo, chosen
from core.sheets.spec import Column, SheetSpec
from core.usecases.imports import Outcome
from core.usecases.scores import enter_scores
from core.usecases.undoing import scores_leaned_on, take_back_scores

ACT = "enter_scores"
ABSENT = "缺考"
SPEC = SheetSpec(
    "scores",
    title="科目成绩导入模板",
    version=1,
    key=("ticket_no", "subject_code"),
    columns=(
        Column("准考证号", "ticket_no", values.ticket_no, text_only=True, width=32),
        Column("考生姓名", "name", values.person_name),
        Column("证件号码", "id_number", values.any_document_number, text_only=True, width=24),
        Column("科目编号", "subject_code", values.subject_code, text_only=True, width=24),
        Column("考试成绩", "score_tenths", values.score, required=False, note="0 至满分，最多一位小数；缺考不填"),
        Column("缺考", "is_absent", values.absence, required=False, choices=(ABSENT,), note="缺考填“缺考”，否则不填"),
    ),
    notes=("登记时间内可重复导入，以最后一次为准。", "建议先下载带考生名单的成绩表，填好成绩后上传。"),
)


def take(tx: Tx, batch: Batch) -> Outcome:
    """Enter the scores of the chosen plan."""
    return enter_scores(tx, plan_id=batch.plan, rows=batch.rows, import_job_id=batch.import_job_id)


def export(tx: Tx, plan_id: int | None) -> Export:
    """Everybody who sits the plan's subjects, with the scores entered so far."""
    plan = _own_plan(tx, plan_id)
    return Export(plan, (row for row, _ in _sheet(tx, plan)))


def missing(tx: Tx, plan_id: int | None) -> Export:
    """Those of them who have no score yet: the sheet to fill in."""
    plan = _own_plan(tx, plan_id)
    rows = [row for row, is_entered in _sheet(tx, plan) if not is_entered]
    if not rows:
        raise NotReady("no_scores_missing", plan=plan.plan_no)
    return Export(plan, rows)


def _own_plan(tx: Tx, plan_id: int | None) -> ExamPlan:
    plan = tx.get(ExamPlan, chosen(plan_id))
    permit(tx.actor, ACT, plan)
    return plan


def _sheet(tx: Tx, plan: ExamPlan) -> Iterator[tuple[Sequence[Any], bool]]:
    """Rows of the sheet, and whether anything is entered in them."""
    for *who, tenths, is_absent in tx.session.execute(sittings_of(plan.id)):
        score = None if tenths is None else tenths / 10
        yield (*who, score, ABSENT if is_absent else ""), score is not None or bool(is_absent)


SCORES = SheetKind(SPEC, ACT, take, export, plans=plans_taking_scores, undo=Undo(scores_leaned_on, take_back_scores))
