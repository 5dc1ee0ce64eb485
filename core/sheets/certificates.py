"""Certificates by the sheet: one row per certificate and level (§2.9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import select

from core.db import Tx
from core.errors import ValueRefused
from core.models.catalogue import CertificateType
from core.queries.scoping import visible
from core.rules import values
from core.rules.catalogue import CertificateLevel, ExamMode, in_tenths, modes_text, study_credits
from core.sheets.kind import Batch, Export, SheetKind, asker
from core.sheets.spec import Column, SheetSpec
from core.usecases.catalogue_sheets import ACT, import_certificates
from core.usecases.imports import Outcome

_SHORT, _LONG = values.text(200), values.text(2_000, multiline=True)


def _major_codes(typed: str | None) -> tuple[str, ...]:
    """610205、610202: each as strict as a single one."""
    parts = [part for part in re.split("[,，、;；\\s]+", values.tidy(typed)) if part]
    return tuple(dict.fromkeys(map(values.major_code, parts or [""])))


def _day(typed: str | None) -> date:
    """2026-05-20, with - . / or Chinese words between."""
    numbers = re.findall("[0-9]+", values.tidy(typed))[:3]
    try:
        return date(*map(int, numbers))
    except (TypeError, ValueError):
        raise ValueRefused("day_shape", value=typed, suggestion=None) from None


def _credits(typed: str | None) -> int:
    """Tenths, as they are kept."""
    return in_tenths(study_credits(typed))


SPEC = SheetSpec(
    "certificates",
    title="证书信息导入模板",
    version=1,
    key=("org_code", "name", "level"),
    columns=(
        Column(
            "证书编号", "code", values.certificate_code, required=False, text_only=True, width=20,
            note="已有编号的填写，新证书不填，由系统生成",
        ),
        Column("机构代码", "org_code", values.code(4), required=False, text_only=True, note="本机构导入时不填"),
        Column("证书名称", "name", _SHORT, example="示例技能职业技能等级证书", width=36, note="不含等级"),
        Column(
            "证书等级",
            "level",
            values.choice(CertificateLevel),
            choices=tuple(word.label for word in CertificateLevel),
            width=12,
        ),
        Column("简称", "short_name", _SHORT, required=False, width=20, note="用于考核站点名称"),
        Column("标准代码", "standard_code", values.code(6), text_only=True, example="990001", note="六位数字"),
        Column(
            "对应专业代码", "major_codes", _major_codes, example="610205、610202", width=28, note="多个用顿号隔开"
        ),
        Column("对应翻译", "english_name", _SHORT, required=False, width=28, note="证书上印的英文名称"),
        Column("所属批次", "national_batch", values.text(40), required=False, example="第一批"),
        Column("开设时间", "opened_on", _day, required=False, example="2026-05-20"),
        Column("考试方式", "exam_modes", values.choices(ExamMode), required=False, example="机考+实操"),
        Column("考试时间", "exam_time_note", _SHORT, required=False),
        Column("学时", "study_hours", values.text(40), required=False, width=10),
        Column("建议学分", "credit_tenths", _credits, required=False, width=10, note="最多一位小数"),
        Column("所属专业大类", "major_category", _SHORT, required=False, width=20),
        Column("适用人群", "target_group", _LONG, required=False, width=28),
        Column("取证要求", "obtain_requirements", _LONG, required=False, width=28),
        Column("证书简介", "intro", _LONG, required=False, width=28),
    ),
    notes=("每个等级填一行；按机构、名称和等级更新。", "空白的单元格保留原来的内容。", "专业须先在专业目录中。"),
)  # fmt: skip


def take(tx: Tx, batch: Batch) -> Outcome:
    """Bring them up to date."""
    return import_certificates(tx, rows=batch.rows)


def export(tx: Tx, plan_id: int | None) -> Export:
    """Those this actor may see: a TEO's own, the platform's all."""
    return Export(asker(tx), _rows(tx))


def _rows(tx: Tx) -> Iterator[tuple[Any, ...]]:
    mine = select(CertificateType).where(visible(CertificateType, tx.actor, tx.now)).order_by(CertificateType.code)
    for one in tx.all(mine):
        yield (
            one.code, one.org.org_code, one.name, one.level, one.short_name, one.standard_code,
            "、".join(major.code for major in one.majors), one.english_name, one.national_batch,
            one.opened_on.isoformat() if one.opened_on else "", modes_text(one.exam_modes), one.exam_time_note,
            one.study_hours, "" if one.credit_tenths is None else f"{one.credit_tenths / 10:g}", one.major_category,
            one.target_group, one.obtain_requirements, one.intro,
        )  # fmt: skip


CERTIFICATES = SheetKind(SPEC, ACT, take, export)
