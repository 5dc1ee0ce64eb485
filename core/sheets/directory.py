"""院校名录 by the sheet: one row per institution of the ministry's list (§2.2)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import aliased

from core.db import Tx
from core.models.organisations import InstitutionDirectoryEntry, RegionName
from core.rules import values
from core.rules.organisations import CollegeType
from core.rules.permissions import permit
from core.sheets.kind import Batch, Export, SheetKind, asker
from core.sheets.spec import Column, SheetSpec
from core.usecases.imports import Outcome
from core.usecases.set_up import ACT, import_directory

SPEC = SheetSpec(
    "directory",
    title="院校名录导入模板",
    version=1,
    key=("code",),
    columns=(
        Column("院校代码", "code", values.code(10), text_only=True, example="4142010999", note="10 位院校代码"),
        Column("院校名称", "name", values.text(200), example="示例职业技术学院", width=32, note="与教育部门公布的一致"),
        Column(
            "院校类型",
            "college_type",
            values.choice(CollegeType, {"本科院校": CollegeType.UNDERGRADUATE, "高职": CollegeType.VOCATIONAL_COLLEGE}),
            required=False,
            choices=tuple(word.label for word in CollegeType),
        ),
        Column("所在省", "province", values.text(100), example="湖北省"),
        Column("所在市", "city", values.text(100), example="武汉市"),
        Column(
            "城市代码",
            "city_code",
            values.code(6),
            required=False,
            text_only=True,
            example="420100",
            note="六位行政区划代码；平台还没有这个城市时必填",
        ),
    ),
    notes=("按院校代码更新，同一文件重复导入不会产生变化。", "已注册的院校不受影响。"),
)


def take(tx: Tx, batch: Batch) -> Outcome:
    """Bring the list up to date."""
    return import_directory(tx, rows=batch.rows)


def export(tx: Tx, plan_id: int | None) -> Export:
    """The whole list."""
    permit(tx.actor, ACT)
    entry, province, city = InstitutionDirectoryEntry, aliased(RegionName), aliased(RegionName)
    rows = tx.session.execute(
        select(entry.code, entry.name, entry.college_type, province.name, city.name, entry.city_code)
        .outerjoin(province, province.code == entry.province_code + "0000")
        .outerjoin(city, city.code == entry.city_code)
        .order_by(entry.code)
    )
    return Export(asker(tx), rows)


DIRECTORY = SheetKind(SPEC, ACT, take, export)
