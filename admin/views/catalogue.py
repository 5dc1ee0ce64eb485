"""What can be certified: certificates, subjects, majors. TEOs keep their own, everybody else looks."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from admin.catalogue_forms import (
    CertificateForm,
    MajorForm,
    NewCertificateForm,
    NewMajorForm,
    NewSubjectForm,
    SubjectForm,
    certificate_values,
    filled_certificate,
)
from admin.file_forms import file_links, file_verbs
from admin.filled_sheets import FilledSheets
from admin.filters import PanelFilter
from admin.import_page import SheetDoor
from admin.session import current_actor, reader
from admin.switches import switches
from admin.usecase_view import Link, Related, UseCaseView
from admin.verbs import Verb
from admin.views.files import file_link, sent
from core import settings
from core.db import transaction
from core.models.catalogue import CertificateType, Major, Subject
from core.queries.attachments import attachments_of
from core.queries.catalogue import piloted_by
from core.usecases import catalogue, samples

GROUP = "证书管理"
ACT = "manage_catalogue"
_EVERYTHING = "all"


class RangeFilter(PanelFilter):
    """证书范围 (R-050): what a college takes part in, unless it asks for everything."""

    control = "select"
    blank = "已参与试点证书"

    def choices(self) -> list[tuple[str, str]]:
        return [(_EVERYTHING, "全部证书")]

    def takes(self, typed: str) -> str | None:
        return typed if typed == _EVERYTHING else None

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        return query


class CertificateView(FilledSheets, UseCaseView):
    """证书信息管理."""

    model = CertificateType
    title = "证书信息"
    slug = "certificates"
    menu_group = GROUP
    menu_order = 40
    one = "张证书"
    column_list = ("national_batch", "code", "full_name", "org.name", "major_category", "state")
    column_sortable_list = ("national_batch", "code", "org.name", "major_category", "state")
    column_labels = {
        "code": "证书编号",
        "name": "证书名称",
        "full_name": "证书名称",
        "org.name": "颁证机构",
        "state": "证书状态",
    }
    column_filters = (RangeFilter(CertificateType.id, "证书范围"), "code", "name", "level", "org.name")
    column_searchable_list = ("code", "name", "short_name")
    status_tabs = CertificateType.state
    detail_groups = (
        (
            "证书基本信息",
            (
                "code", "full_name", "level", "short_name", "english_name", "org.name", "national_batch", "opened_on",
                "exam_modes", "exam_time_note", "study_hours", "credits", "major_category", "standard_code",
                "standard.name", "template.name", "state",
            ),
        ),
        ("适用与要求", ("target_group", "obtain_requirements", "intro")),
    )  # fmt: skip
    recap_columns = ("code", "full_name", "org.name", "state")
    column_formatters = {"credits": lambda view, context, row, name: credit_words(row)}
    create_with = Verb(
        catalogue.create_certificate,
        "新增证书",
        form=NewCertificateForm,
        act=ACT,
        given=lambda actor: {"org_id": actor.org_id},
        shape=certificate_values,
        done="已新增证书，编号已生成。",
    )
    edit_with = Verb(
        catalogue.edit_certificate,
        "编辑",
        form=CertificateForm,
        act=ACT,
        explain="等级和编号不能修改。修改只影响以后的计划和证书，已有的计划和已经生成的证书不变。",
        fill=filled_certificate,
        shape=certificate_values,
        done="已保存。",
    )
    row_verbs = (
        *file_verbs("certificate_id", catalogue.attach_sample, catalogue.remove_sample, word="证书样本", act=ACT),
        *switches(catalogue.switch_certificate, ACT, "停用后不能再被新的计划选用，已有记录不受影响。确定停用吗？"),
    )
    sheets = (SheetDoor("certificates", "导入证书信息", act="set_up_catalogue"),)

    def get_query(self) -> Any:
        """R-050: a college's list begins with what it takes part in; a row's own page opens in any case."""
        query, college_id = super().get_query(), current_actor().college_id
        is_list = request.endpoint == f"{self.endpoint}.index_view"
        if not is_list or college_id is None or _asks_for_everything():
            return query
        return query.filter(CertificateType.id.in_(piloted_by(college_id)))

    def filter_controls(self) -> list[dict[str, Any]]:
        controls = super().filter_controls()
        return controls if current_actor().college_id is not None else controls[1:]

    def empty_words(self) -> str:
        if current_actor().college_id is not None and not _asks_for_everything():
            return "还没有参与试点的证书；把“证书范围”改为“全部证书”可以查看全部。"
        return super().empty_words()

    def links(self, row: CertificateType) -> list[Link]:
        sample = Link("查看样张", url_for("certificates.sample_view", ident=row.id))
        standard = attachments_of(reader(), standard_id=row.standard_id) if row.standard_id is not None else ()
        return [sample, *file_links("certificate_id", row), *(file_link(file) for file in standard)]

    def related(self, row: CertificateType) -> list[Related]:
        majors = [(major.code, major.name, major.category) for major in row.majors]
        subjects = [(s.code, s.name, s.exam_modes, s.examinee_category, s.full_score, s.state) for s in row.subjects]
        return [
            Related("证书对应专业", ("专业代码", "专业名称", "专业大类"), majors),
            Related("考试科目", ("科目编号", "科目名称", "考试方式", "参考对象", "满分", "状态"), subjects),
        ]

    @expose("/<int:ident>/sample.pdf")
    def sample_view(self, ident: int) -> ResponseReturnValue:
        """样张: what a certificate of this type would look like today."""
        name = f"样张-{self.row_or_404(ident).full_name}.pdf"
        actor = current_actor()
        reader().rollback()
        with transaction(actor) as tx:
            pdf = samples.certificate_sample(tx, certificate_id=ident, verify_base=settings.current().base_url)
        return sent(pdf, "application/pdf", name, "inline")


def _asks_for_everything() -> bool:
    return any(value == _EVERYTHING for name, value in request.args.items() if name.startswith("flt"))


def credit_words(row: CertificateType) -> str | None:
    """1.5 分."""
    return None if row.credit_tenths is None else f"{row.credit_tenths / 10:g} 分"


class SubjectView(FilledSheets, UseCaseView):
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
        "examinee_category": "参考对象",
        "state": "科目状态",
    }
    column_filters = ("code", "name", "certificate.name", "certificate.org.name")
    column_searchable_list = ("code", "name", "certificate.name")
    status_tabs = Subject.state
    detail_groups = (
        (
            "科目信息",
            (
                "code", "name", "exam_modes", "examinee_category", "full_score", "certificate.full_name",
                "certificate.org.name", "state",
            ),
        ),
    )  # fmt: skip
    recap_columns = ("code", "name", "certificate.full_name", "state")
    create_with = Verb(
        catalogue.create_subject, "新增科目", form=NewSubjectForm, act=ACT, done="已新增考试科目，编号已生成。"
    )
    edit_with = Verb(
        catalogue.edit_subject,
        "编辑",
        form=SubjectForm,
        act=ACT,
        explain="修改只影响以后安排的计划，已有计划保留原来的科目内容。",
        fill=lambda row: {
            name: getattr(row, name) for name in ("name", "exam_modes", "examinee_category", "full_score")
        },
        done="已保存。",
    )
    row_verbs = switches(catalogue.switch_subject, ACT, "停用后不能再被新的计划选用，已有计划不受影响。确定停用吗？")
    sheets = (SheetDoor("subjects", "导入考试科目", act="set_up_catalogue"),)


class MajorView(FilledSheets, UseCaseView):
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
    create_with = Verb(
        catalogue.create_major, "新增专业", form=NewMajorForm, act="manage_organisations", done="已新增专业。"
    )
    edit_with = Verb(
        catalogue.edit_major,
        "编辑",
        form=MajorForm,
        act="manage_organisations",
        fill=lambda row: {"name": row.name, "category": row.category},
        done="已保存。",
    )
    sheets = (SheetDoor("majors", "导入专业目录", act="manage_organisations"),)

    def related(self, row: Major) -> list[Related]:
        wanted = select(CertificateType).where(CertificateType.majors.any(Major.id == row.id))
        rows = [(c.code, c.full_name, c.org.name) for c in reader().scalars(wanted)]
        return [Related("可以考取的证书", ("证书编号", "证书", "颁证机构"), rows)]


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [CertificateView(db), SubjectView(db), MajorView(db)]
