"""Subjects by the sheet: one row per subject of a certificate (§2.10)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from core.db import Tx
from core.models.catalogue import Subject
from core.queries.scoping import visible
from core.rules import values
from core.rules.catalogue import EVERYBODY, ExamMode, modes_text
from core.sheets.kind import Batch, Export, SheetKind, asker
from core.sheets.spec import Column, SheetSpec
from core.usecases.catalogue_sheets import ACT, import_subjects
from core.usecases.imports import Outcome

SPEC = SheetSpec(
    "subjects",
    title="考试科目导入模板",
    version=1,
    key=("certificate_code", "name"),
    columns=(
        Column(
            "科目编号", "code", values.subject_code, required=False, text_only=True, width=24,
            note="已有编号的填写，新科目不填，由系统生成",
        ),
        Column("证书编号", "certificate_code", values.certificate_code, text_only=True, width=20),
        Column("科目名称", "name", values.text(200), example="理论考核", width=24),
        Column(
            "考试方式", "exam_modes", values.choices(ExamMode), example="机考+实操", note="机考、实操、笔试，可以组合"
        ),
        Column("参考对象", "examinee_category", values.text(200), required=False, example=EVERYBODY),
        Column("满分", "full_score", values.whole_number(1, 1000), required=False, example="100", width=10),
    ),
    notes=("按证书和科目名称更新；空白的单元格保留原来的内容。", "修改只影响以后安排的计划。"),
)  # fmt: skip


def take(tx: Tx, batch: Batch) -> Outcome:
    """Bring them up to date."""
    return import_subjects(tx, rows=batch.rows)


def export(tx: Tx, plan_id: int | None) -> Export:
    """Those this actor may see."""
    return Export(asker(tx), _rows(tx))


def _rows(tx: Tx) -> Iterator[tuple[Any, ...]]:
    mine = select(Subject).where(visible(Subject, tx.actor, tx.now)).order_by(Subject.code)
    for one in tx.all(mine):
        yield (
            one.code, one.certificate.code, one.name, modes_text(one.exam_modes), one.examinee_category, one.full_score,
        )  # fmt: skip


SUBJECTS = SheetKind(SPEC, ACT, take, export)
