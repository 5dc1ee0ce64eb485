"""What the demo's organisations offer: standards with texts, items of a site, a template, certificates in full."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from io import BytesIO
from typing import Any

from core.db import Tx
from core.demo.cast import OrgSketch
from core.documents.paper import Paper
from core.rules.catalogue import ExamMode
from core.usecases import certificate_templates, standards

EDITION = "2026版"
CATEGORIES = {"yunfan": "电子与信息大类", "anlan": "公共管理与服务大类", "chiyuan": "交通运输大类"}
_TEMPLATE_OWNER = "anlan"
_DETAILS = {
    "national_batch": "第一批",
    "opened_on": date(2026, 1, 5),
    "exam_modes": frozenset({ExamMode.COMPUTER, ExamMode.PRACTICAL}),
    "exam_time_note": "每年 5 月、11 月",
    "study_hours": "64",
    "credit_tenths": 20,
    "target_group": "1. 试点院校对应专业的在校学生。\n2. 完成培训的社会人员。",
    "obtain_requirements": "理论考核与实操考核均参加，综合成绩达到合格线。",
    "intro": "演示数据：说明证书面向的岗位、考核内容与学习成果。",
}


def offered_by(tx: Tx, org: OrgSketch, org_id: int) -> dict[str, Any]:
    """The standard and template of an organisation, and the details all its certificates share."""
    trade = org.short_name
    standard = standards.create_skill_standard(
        tx,
        org_id=org_id,
        code=org.standard_code,
        name=f"{trade}职业技能等级标准",
        edition=EDITION,
        major_categories=CATEGORIES[org.key],
    )
    text, name = _text(tx.now), f"{standard.name}.pdf"
    standards.attach_to_skill_standard(tx, standard_id=standard.id, file_name=name, data=text)
    template = None
    if org.key == _TEMPLATE_OWNER:
        template = certificate_templates.create_template(
            tx,
            org_id=org_id,
            name="照护类证书样式",
            title="职业技能等级证书",
            title_en="Certificate of Vocational Skill Level",
            statement=(
                "{考试年}年{考试月}月参加{专项}职业技能等级考核，理论与实操成绩合格，由{颁证机构}核发{证书}（{等级}）。"
                "学习成果已经职业教育国家学分银行认定。"
            ),
            statement_en=(
                "This is to certify that the owner passed the {英文等级} Level assessment of {英文名称} in {英文月份} "
                "{考试年}. The learning outcomes are recognized by the National Credit Bank for Vocational Education."
            ),
        ).id
    return {
        "standard_id": standard.id,
        "template_id": template,
        "major_category": CATEGORIES[org.key],
        **_DETAILS,
    }


def ask_of_sites(tx: Tx, org: OrgSketch, org_id: int, certificate_ids: list[int]) -> None:
    """The site standard of an organisation with the items of §9.7."""
    name = f"{org.short_name}考核站点建设标准"
    standard = standards.create_site_standard(
        tx, org_id=org_id, name=name, edition=EDITION, certificate_ids=certificate_ids, takes_over=True
    )
    text = _text(tx.now)
    standards.attach_to_site_standard(tx, standard_id=standard.id, file_name=f"{name}.pdf", data=text)


@cache
def _text(printed_at: datetime) -> bytes:
    """A page that says what would stand here; the same for all of them, for its font takes time to embed."""
    out = BytesIO()
    paper = Paper(out, title="标准文本（演示）", printed_at=printed_at)
    paper.text(105, 90, "标准文本（演示）", 20, align="centre", bold=True)
    paper.text(105, 104, "本文件为演示数据，不是正式发布的标准。", 12, align="centre")
    paper.end_page()
    paper.finish()
    return out.getvalue()
