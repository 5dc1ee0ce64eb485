"""Who takes part beside colleges: education authorities and training evaluation organisations."""

from __future__ import annotations

from typing import Any

from flask import g
from sqlalchemy import select

from admin.export_page import ExportDoor
from admin.filled_sheets import FilledSheets
from admin.import_page import SheetDoor
from admin.organisation_forms import (
    AuthorityForm,
    NewAuthorityForm,
    NewOrgForm,
    OrgForm,
    OrgSealForm,
    OwnAuthorityForm,
    OwnOrgForm,
    without_empty,
)
from admin.session import current_actor, reader
from admin.switches import switches
from admin.usecase_view import Related, UseCaseView
from admin.verbs import Verb
from admin.views.directory import region_words
from core.models.catalogue import CertificateType
from core.models.organisations import EducationAuthority, EvaluationOrg
from core.queries.catalogue import piloted_by, piloted_counts
from core.usecases import organisations, own_records

GROUP = "机构管理"
ACT = "manage_organisations"


def people_warning(thing: str) -> str:
    """What is asked before an organisation is switched off."""
    return f"停用后，{thing}的账号立即不能登录和办理业务，已有记录保留。确定停用吗？"


WELCOME = "启用后，账号恢复正常。确定启用吗？"


class AuthorityView(UseCaseView):
    """教育行政部门."""

    model = EducationAuthority
    title = "教育行政部门"
    slug = "authorities"
    menu_group = GROUP
    menu_order = 10
    one = "个部门"
    column_list = ("name", "level", "province_code", "city_code", "contact_name", "contact_phone")
    column_labels = {"level": "级别", "province_code": "省份", "city_code": "城市"}
    column_filters = ("name", "level")
    column_searchable_list = ("name",)
    column_formatters = {
        "province_code": lambda view, context, row, name: region_words(f"{row.province_code}0000"),
        "city_code": lambda view, context, row, name: region_words(row.city_code) if row.city_code else None,
    }
    create_with = Verb(
        organisations.create_authority, "新增部门", form=NewAuthorityForm, act=ACT, done="已新增教育行政部门。"
    )
    edit_with = Verb(
        organisations.edit_authority,
        "编辑",
        form=AuthorityForm,
        act=ACT,
        fill=lambda row: {name: getattr(row, name) for name in ("name", "contact_name", "contact_phone")},
        done="已保存。",
    )
    row_verbs = (
        Verb(
            own_records.edit_own_authority,
            "修改联系方式",
            form=OwnAuthorityForm,
            act="edit_own_authority",
            fill=lambda row: {"contact_name": row.contact_name, "contact_phone": row.contact_phone},
            send="保存",
            done="已保存。",
        ),
    )


class OrgView(FilledSheets, UseCaseView):
    """培训评价组织管理; a college sees those of its own pilots (R-016)."""

    model = EvaluationOrg
    title = "培训评价组织"
    slug = "orgs"
    menu_group = GROUP
    menu_order = 20
    one = "个机构"
    column_list = ("org_code", "name", "piloted", "state")
    column_sortable_list = ("org_code", "name", "state")
    column_labels = {
        "name": "机构名称",
        "piloted": "已试点证书数量",
        "website": "企业网址",
        "intro": "机构简介",
        "has_seal": "电子印章",
        "state": "机构状态",
    }
    column_filters = ("org_code", "name")
    column_searchable_list = ("org_code", "name")
    status_tabs = EvaluationOrg.state
    exports = (ExportDoor("organisation-list", "批量导出机构信息"),)
    detail_groups = (
        ("机构信息", ("org_code", "name", "uscc", "website", "address", "intro", "state", "has_seal")),
        ("联系人信息", ("contact_name", "contact_mobile", "contact_email")),
        (
            "办理方式",
            (
                "is_platform_payment", "invigilator_mode", "review_mailbox", "review_phone", "site_material_required",
                "site_material_note",
            ),
        ),
    )  # fmt: skip
    recap_columns = ("org_code", "name", "uscc", "state")
    column_formatters = {
        "has_seal": lambda view, context, row, name: "已上传" if row.seal_image else "未上传",
        "invigilator_mode": lambda view, context, row, name: row.invigilator_mode.label,
        "piloted": lambda view, context, row, name: str(view.piloted().get(row.id, 0)),
    }
    create_with = Verb(
        organisations.create_org,
        "新增机构",
        form=NewOrgForm,
        act=ACT,
        shape=without_empty,
        done="已新增培训评价组织。",
    )
    edit_with = Verb(
        organisations.edit_org,
        "编辑",
        form=OrgForm,
        act=ACT,
        fill=lambda row: {"name": row.name, "uscc": row.uscc or ""},
        shape=without_empty,
        done="已保存。",
    )
    row_verbs = (
        Verb(
            own_records.edit_own_org,
            "修改机构信息",
            form=OwnOrgForm,
            act="edit_own_org",
            explain="机构代码、名称和统一社会信用代码由平台管理员维护。",
            fill=lambda row: {
                name: getattr(row, name)
                for name in (
                    "website", "address", "intro", "contact_name", "contact_mobile", "contact_email",
                    "is_platform_payment", "invigilator_mode", "review_mailbox", "review_phone",
                    "site_material_required", "site_material_note",
                )
            },
            send="保存",
            done="已保存。",
        ),
        Verb(
            organisations.set_org_seal,
            "上传印章",
            form=OrgSealForm,
            act="manage_seal",
            explain="此后生成的每一张证书都会加盖这枚印章；已经生成的证书不变。",
            done="印章已更换，此后生成的证书使用新印章。",
        ),
        *switches(organisations.switch_org, ACT, people_warning("该机构"), WELCOME),
    )  # fmt: skip
    sheets = (SheetDoor("organisations", "导入机构与院校", act=ACT),)

    def goes_without_saying(self, column: str) -> bool:
        """R-016 counts for a college; others have no pilots of their own."""
        if column == "piloted":
            return current_actor().college_id is None
        return super().goes_without_saying(column)

    def piloted(self) -> dict[int, int]:
        """Organisation to how many of its certificates this person's college is a pilot for; asked once a page."""
        if "piloted" not in g:
            g.piloted = piloted_counts(reader(), current_actor().college_id)
        held: dict[int, int] = g.piloted
        return held

    def related(self, row: EvaluationOrg) -> list[Related]:
        college_id = current_actor().college_id
        wanted = select(CertificateType).where(CertificateType.org_id == row.id).order_by(CertificateType.code)
        if college_id is not None:
            wanted = wanted.where(CertificateType.id.in_(piloted_by(college_id)))
        lines = [(one.code, one.name, one.level.label, one.state) for one in reader().scalars(wanted)]
        word = "已试点的证书信息" if college_id is not None else "证书信息"
        return [Related(word, ("证书编号", "证书名称", "证书等级", "证书状态"), lines)]


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [AuthorityView(db), OrgView(db)]
