"""专业目录 by the sheet: the national list, by code (G-24)."""

from __future__ import annotations

from sqlalchemy import select

from core.db import Tx
from core.models.catalogue import Major
from core.rules import values
from core.rules.permissions import permit
from core.sheets.kind import Batch, Export, SheetKind, asker
from core.sheets.spec import Column, SheetSpec
from core.usecases.imports import Outcome
from core.usecases.set_up import ACT, import_majors

SPEC = SheetSpec(
    "majors",
    title="专业目录导入模板",
    version=1,
    key=("code",),
    columns=(
        Column("专业代码", "code", values.major_code, text_only=True, example="610205", note="开头的 0 不能省略"),
        Column("专业名称", "name", values.text(200), example="软件技术", width=28),
        Column("专业大类", "category", values.text(200), required=False, example="电子与信息大类", width=28),
    ),
    notes=("按专业代码更新；同名而代码不同的是两个专业。",),
)


def take(tx: Tx, batch: Batch) -> Outcome:
    """Bring the list up to date."""
    return import_majors(tx, rows=batch.rows)


def export(tx: Tx, plan_id: int | None) -> Export:
    """The whole list."""
    permit(tx.actor, ACT)
    rows = tx.session.execute(select(Major.code, Major.name, Major.category).order_by(Major.code))
    return Export(asker(tx), rows)


MAJORS = SheetKind(SPEC, ACT, take, export)
