"""Forms of the catalogue: certificates (§2.9), subjects (§2.10), majors."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import TextAreaField
from wtforms.fields import DateField
from wtforms.validators import Optional

from admin.forms import Choice, Cleaned, PanelForm, Ticks, number_field, text_field
from admin.usecase_view import choices_of
from core.actors import Actor
from core.models.catalogue import CertificateTemplate, CertificateType, Major, SkillStandard
from core.queries.catalogue import offered
from core.rules import values
from core.rules.catalogue import EVERYBODY, FULL_SCORE, CertificateLevel, ExamMode, in_tenths, study_credits
from core.rules.organisations import Switch

_LONG = 2_000


def _words(label: str, **options: Any) -> TextAreaField:
    """Several optional lines."""
    return TextAreaField(label, [Cleaned(values.text(_LONG, multiline=True), is_optional=True)], **options)


class NewCertificateForm(PanelForm):
    """证书信息 (§2.9)."""

    name = text_field("证书名称", values.text(200), description="不含等级，例如：数字营销技术应用职业技能等级证书")
    short_name = text_field("简称", values.text(200), description="用于考核站点名称。")
    level: Choice | None = Choice(
        "等级", coerce=CertificateLevel, choices=CertificateLevel.choices(), description="每个等级是一张独立的证书。"
    )
    standard_id = Choice(
        "对应职业技能等级标准", required=False, blank="暂不选用", description="选用后，标准代码取自标准。"
    )
    standard_code = text_field(
        "标准代码", values.code(6), optional=True, description="六位数字，用于证书编号；已选标准的不用填。"
    )
    template_id = Choice(
        "证书样式", required=False, blank="平台统一样式", description="决定证书上的文字，见“证书样式”。"
    )
    english_name = text_field("对应翻译", values.text(200), optional=True, description="证书上印的英文名称。")
    national_batch = text_field("所属批次", values.text(40), optional=True, description="例如：第一批")
    opened_on = DateField("开设时间", [Optional()])
    exam_modes = Ticks("考试方式", coerce=ExamMode, choices=ExamMode.choices(), required=False)
    exam_time_note = text_field("考试时间", values.text(200), optional=True, description="例如：每年 5 月、11 月")
    study_hours = text_field("学时", values.text(40), optional=True)
    credits = text_field("建议学分", study_credits, optional=True, description="最多一位小数，例如：1.5")
    major_category = text_field("所属专业大类", values.text(200), optional=True)
    major_codes = Ticks("对应专业", coerce=str, description="只有这些专业的考生可以报考。")
    target_group = _words("适用人群")
    obtain_requirements = _words("取证要求")
    intro = _words("证书简介")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        majors = session.scalars(select(Major).order_by(Major.code))
        self.major_codes.offer([(major.code, f"{major.name}（{major.code}）") for major in majors])
        held_standard, held_template = (row.standard_id, row.template_id) if row is not None else (None, None)
        standards = session.scalars(offered(SkillStandard, actor.org_id, held_standard))
        self.standard_id.offer([(one.id, f"{one.code} {one.name}（{one.edition}）") for one in standards])
        templates = session.scalars(offered(CertificateTemplate, actor.org_id, held_template))
        self.template_id.offer([(one.id, f"{one.name}（第 {one.revision} 版）") for one in templates])


class CertificateForm(NewCertificateForm):
    """The same but for the level, which is in its numbers."""

    level = None


def certificate_values(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """Credits in tenths, modes as a set."""
    credits = typed.pop("credits")
    return typed | {
        "credit_tenths": in_tenths(credits) if credits else None,
        "exam_modes": frozenset(typed["exam_modes"] or ()),
    }


def filled_certificate(row: CertificateType) -> dict[str, Any]:
    """What the form shows of a certificate."""
    same = (
        "name", "short_name", "standard_id", "template_id", "english_name", "national_batch", "opened_on",
        "exam_modes", "exam_time_note", "study_hours", "major_category", "target_group", "obtain_requirements", "intro",
    )  # fmt: skip
    return {name: getattr(row, name) for name in same} | {
        "standard_code": "" if row.standard_id else row.standard_code,
        "credits": "" if row.credit_tenths is None else f"{row.credit_tenths / 10:g}",
        "major_codes": [major.code for major in row.majors],
    }


class NewSubjectForm(PanelForm):
    """考试科目 (§2.10)."""

    certificate_id: Choice | None = Choice("考核证书")
    name = text_field("科目名称", values.text(200))
    exam_modes = Ticks("考试方式", coerce=ExamMode, choices=ExamMode.choices())
    examinee_category = text_field(
        "参考对象",
        values.text(200),
        default=EVERYBODY,
        description="不同类别的考生考不同科目时填写；不是“所有考生”的，报考时须注明类别。",
    )
    full_score = number_field("满分", 1, 1000, default=FULL_SCORE)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if self.certificate_id is None:
            return
        own = (CertificateType.org_id == actor.org_id, CertificateType.state == Switch.ENABLED)
        self.certificate_id.offer(choices_of(CertificateType, lambda c: f"{c.full_name} · {c.code}", *own))


class SubjectForm(NewSubjectForm):
    """The same but for the certificate, whose number it carries."""

    certificate_id = None


class NewMajorForm(PanelForm):
    """专业."""

    code = text_field("专业代码", values.major_code)
    name = text_field("专业名称", values.text(200))
    category = text_field("专业大类", values.text(200), optional=True)


class MajorForm(NewMajorForm):
    """The same but for the code, by which everything is matched (G-24)."""

    code = None
