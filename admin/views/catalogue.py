"""What can be certified: certificates, subjects, majors. TEOs keep their own, everybody else looks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.forms import Choice, PanelForm, Ticks, text_field
from admin.session import reader
from admin.usecase_view import Related, UseCaseView, choices_of
from admin.verbs import Verb
from core.actors import Actor
from core.models.catalogue import CertificateType, Major, Subject
from core.rules import values
from core.rules.catalogue import EVERYBODY, CertificateLevel, ExamMode
from core.rules.organisations import SWITCH, Switch
from core.usecases.catalogue import create_certificate, create_major, create_subject, switch_certificate, switch_subject

GROUP = "证书管理"


def _switches(usecase: Any, warning: str) -> tuple[Verb, Verb]:
    return (
        Verb(
            usecase,
            "停用",
            key="disable",
            fixed={"action": "disable"},
            act="manage_catalogue",
            move=(SWITCH, "disable"),
            confirm=warning,
            tone="danger",
            done="已停用。",
        ),
        Verb(
            usecase,
            "启用",
            key="enable",
            fixed={"action": "enable"},
            act="manage_catalogue",
            move=(SWITCH, "enable"),
            confirm="启用后又可以被选用。确定启用吗？",
            done="已启用。",
        ),
    )


class CertificateForm(PanelForm):
    """证书信息 (§2.9)."""

    name = text_field("证书名称", values.text(200), description="不含等级，例如：数字营销技术应用")
    short_name = text_field("简称", values.text(200), description="用于考核站点名称。")
    level = Choice(
        "等级", coerce=CertificateLevel, choices=CertificateLevel.choices(), description="每个等级是一张独立的证书。"
    )
    standard_code = text_field("标准代码", values.code(6), description="六位。")
    english_name = text_field("英文名称", values.text(200), optional=True)
    major_codes = Ticks("对应专业", coerce=str, description="只有这些专业的考生可以报考。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        majors = session.scalars(select(Major).order_by(Major.code))
        self.major_codes.offer([(major.code, f"{major.name}（{major.code}）") for major in majors])


class CertificateView(UseCaseView):
    """证书信息管理."""

    model = CertificateType
    title = "证书信息"
    slug = "certificates"
    menu_group = GROUP
    menu_order = 40
    one = "张证书"
    column_list = ("code", "name", "level", "org.name", "standard_code", "state")
    column_labels = {"code": "证书编号", "name": "证书名称", "org.name": "颁证机构", "majors": "对应专业"}
    column_filters = ("code", "name", "level", "org.name")
    column_searchable_list = ("code", "name", "short_name")
    status_tabs = CertificateType.state
    detail_groups = (
        ("证书基本信息", ("code", "name", "level", "short_name", "english_name", "org.name", "standard_code", "state")),
        ("取证要求", ("obtain_requirements",)),
    )
    create_with = Verb(
        create_certificate,
        "新增证书",
        form=CertificateForm,
        act="manage_catalogue",
        given=lambda actor: {"org_id": actor.org_id},
        done="已新增证书，编号已生成。",
    )
    row_verbs = _switches(switch_certificate, "停用后不能再被新的计划选用，已有记录不受影响。确定停用吗？")

    def related(self, row: CertificateType) -> list[Related]:
        majors = [(major.code, major.name, major.category) for major in row.majors]
        subjects = [(s.code, s.name, s.exam_modes, s.examinee_category, s.full_score, s.state) for s in row.subjects]
        return [
            Related("证书对应专业", ("专业代码", "专业名称", "专业大类"), majors),
            Related("考试科目", ("科目编号", "科目名称", "考试方式", "考生类别", "满分", "状态"), subjects),
        ]


class SubjectForm(PanelForm):
    """考试科目 (§2.10)."""

    certificate_id = Choice("考核证书")
    name = text_field("科目名称", values.text(200))
    exam_modes = Ticks("考试方式", coerce=ExamMode, choices=ExamMode.choices())
    examinee_category = text_field(
        "考生类别", values.text(200), default=EVERYBODY, description="不同类别的考生考不同科目时填写。"
    )

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        own = (CertificateType.org_id == actor.org_id, CertificateType.state == Switch.ENABLED)
        self.certificate_id.offer(choices_of(CertificateType, lambda c: f"{c.full_name} · {c.code}", *own))


class SubjectView(UseCaseView):
    """考试科目."""

    model = Subject
    title = "考试科目"
    slug = "subjects"
    menu_group = "考务管理"
    menu_order = 10
    one = "个科目"
    column_list = ("code", "name", "exam_modes", "certificate.full_name", "certificate.org.name", "state")
    column_labels = {
        "code": "科目编号",
        "name": "科目名称",
        "certificate.full_name": "考核证书",
        "certificate.org.name": "考核单位",
    }
    column_filters = ("code", "name", "certificate.name", "certificate.org.name")
    column_searchable_list = ("code", "name", "certificate.name")
    status_tabs = Subject.state
    detail_groups = (
        (
            "科目信息",
            (
                "code",
                "name",
                "exam_modes",
                "examinee_category",
                "full_score",
                "certificate.full_name",
                "certificate.org.name",
                "state",
            ),
        ),
    )
    create_with = Verb(
        create_subject, "新增科目", form=SubjectForm, act="manage_catalogue", done="已新增考试科目，编号已生成。"
    )
    row_verbs = _switches(switch_subject, "停用后不能再被新的计划选用，已有计划不受影响。确定停用吗？")


class MajorForm(PanelForm):
    """专业."""

    code = text_field("专业代码", values.major_code)
    name = text_field("专业名称", values.text(200))
    category = text_field("专业大类", values.text(200), optional=True)


class MajorView(UseCaseView):
    """专业目录."""

    model = Major
    title = "专业目录"
    slug = "majors"
    menu_group = GROUP
    menu_order = 60
    one = "个专业"
    column_list = ("code", "name", "category")
    column_labels = {"code": "专业代码", "name": "专业名称"}
    column_filters = ("code", "name", "category")
    column_searchable_list = ("code", "name")
    column_default_sort = "code"
    create_with = Verb(create_major, "新增专业", form=MajorForm, act="manage_organisations", done="已新增专业。")

    def related(self, row: Major) -> list[Related]:
        wanted = select(CertificateType).where(CertificateType.majors.any(Major.id == row.id))
        rows = [(c.code, c.full_name, c.org.name) for c in reader().scalars(wanted)]
        return [Related("可以考取的证书", ("证书编号", "证书", "颁证机构"), rows)]


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [CertificateView(db), SubjectView(db), MajorView(db)]
