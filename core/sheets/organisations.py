"""Organisations by the sheet: colleges, TEOs and education authorities, told apart by a column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from core.db import Tx
from core.models.organisations import College, EducationAuthority, EvaluationOrg
from core.rules import values
from core.rules.organisations import AuthorityLevel, CollegeType, OrganisationKind
from core.rules.permissions import permit
from core.sheets.kind import Batch, Export, SheetKind, asker
from core.sheets.spec import Column, SheetSpec
from core.usecases.imports import Outcome
from core.usecases.set_up import ACT, import_organisations

_KINDS = {
    "院校": OrganisationKind.COLLEGE,
    "省级": OrganisationKind.PROVINCE,
    "省级教育局": OrganisationKind.PROVINCE,
    "地市级": OrganisationKind.CITY,
    "地市级教育行政部门": OrganisationKind.CITY,
}

SPEC = SheetSpec(
    "organisations",
    title="机构与院校导入模板",
    version=1,
    key=("kind", "code"),
    columns=(
        Column(
            "类别",
            "kind",
            values.choice(OrganisationKind, _KINDS),
            choices=tuple(word.label for word in OrganisationKind),
            example="试点院校",
            width=20,
        ),
        Column(
            "代码",
            "code",
            values.code(10),
            text_only=True,
            example="4142010999",
            note="院校代码、机构代码，教育行政部门填六位行政区划代码",
        ),
        Column("名称", "name", values.text(200), example="示例职业技术学院", width=32),
        Column(
            "院校类型",
            "college_type",
            values.choice(CollegeType, {"本科院校": CollegeType.UNDERGRADUATE, "高职": CollegeType.VOCATIONAL_COLLEGE}),
            required=False,
            choices=tuple(word.label for word in CollegeType),
            note="试点院校必填",
        ),
        Column("统一社会信用代码", "uscc", values.uscc, required=False, text_only=True, width=24),
        Column(
            "区县代码",
            "region_code",
            values.code(6),
            required=False,
            text_only=True,
            example="420111",
            note="试点院校必填，六位行政区划代码；没有区县的填城市代码",
        ),
        Column("详细地址", "address", values.text(200), required=False, width=32),
        Column("网址", "website", values.website, required=False, width=28),
        Column("联系人", "contact_name", values.text(200), required=False),
        Column("联系人手机", "contact_mobile", values.mobile, required=False),
        Column("联系人邮箱", "contact_email", values.email, required=False, width=24),
        Column("联系电话", "contact_phone", values.text(40), required=False, note="用于教育行政部门"),
    ),
    notes=("按类别和代码更新；空白的单元格保留原来的内容。", "代码和所在城市导入后不能修改。"),
)


def take(tx: Tx, batch: Batch) -> Outcome:
    """Bring them up to date."""
    return import_organisations(tx, rows=batch.rows)


def export(tx: Tx, plan_id: int | None) -> Export:
    """All of them."""
    permit(tx.actor, ACT)
    return Export(asker(tx), _rows(tx))


def _rows(tx: Tx) -> Iterator[tuple[Any, ...]]:
    for one in tx.all(select(EducationAuthority).order_by(EducationAuthority.province_code, EducationAuthority.id)):
        is_city = one.level is AuthorityLevel.CITY
        kind = OrganisationKind.CITY if is_city else OrganisationKind.PROVINCE
        code = one.city_code if is_city else f"{one.province_code}0000"
        yield (kind, code, one.name, "", "", "", "", "", one.contact_name, "", "", one.contact_phone)
    for org in tx.all(select(EvaluationOrg).order_by(EvaluationOrg.org_code)):
        yield (
            OrganisationKind.ORG, org.org_code, org.name, "", org.uscc, "", org.address, org.website, org.contact_name,
            org.contact_mobile, org.contact_email, "",
        )  # fmt: skip
    for college in tx.all(select(College).order_by(College.college_code)):
        yield (
            OrganisationKind.COLLEGE, college.college_code, college.name, college.college_type, college.uscc,
            college.district_code or college.city_code, college.address, college.website, college.contact_name,
            college.contact_mobile, college.contact_email, "",
        )  # fmt: skip


ORGANISATIONS = SheetKind(SPEC, ACT, take, export)
