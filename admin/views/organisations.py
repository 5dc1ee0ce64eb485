"""Who takes part: education authorities, training evaluation organisations, colleges, and the two kinds of seal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField
from wtforms.validators import InputRequired

from admin.export_page import ExportDoor
from admin.forms import Choice, PanelForm, Upload, text_field
from admin.session import current_actor, reader
from admin.usecase_view import UseCaseView
from admin.verbs import Verb
from core.actors import Actor
from core.models.organisations import College, EducationAuthority, ElectronicSeal, EvaluationOrg, RegionName
from core.rules import values
from core.rules.organisations import SWITCH, CollegeType, Role
from core.usecases.organisations import (
    activate_seal,
    create_authority,
    create_college,
    create_org,
    set_org_seal,
    switch_college,
    switch_org,
)

GROUP = "机构管理"
SEAL_HINT = "背景透明的正方形 PNG，建议 95×95 像素，不超过 1 MB。"
LETTER = (
    "授权委托：本院校授权上传的电子签章仅用于本院校考核站点职业技能等级证书的签发。"
    "上传人是本院校的考核站点负责人，对签章的真实性与使用负责；更换负责人时应立即重新上传。"
)


def regions(session: Session) -> list[tuple[str, str]]:
    """Every region of the dictionary, code and name."""
    rows = session.execute(select(RegionName.code, RegionName.name).order_by(RegionName.code))
    return [(code, f"{name}（{code}）") for code, name in rows]


def provinces(session: Session) -> list[tuple[str, str]]:
    """Provinces by their two digits."""
    return [(code[:2], word) for code, word in regions(session) if code.endswith("0000")]


class AuthorityForm(PanelForm):
    """教育行政部门."""

    name = text_field("部门名称", values.text(200))
    province_code = Choice("所在省份", coerce=str)
    city_code = Choice(
        "所在城市",
        coerce=str,
        required=False,
        blank="省级部门不选",
        description="选了城市，就是这个城市的地市级教育局。",
    )
    contact_name = text_field("联系人", values.text(200), optional=True)
    contact_phone = text_field(
        "联系电话", values.text(40), optional=True, description="院校指标不足时，页面会请院校联系这里。"
    )

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        self.province_code.offer(provinces(session))
        self.city_code.offer([pair for pair in regions(session) if pair[0].endswith("00") and pair[0][2:4] != "00"])


class AuthorityView(UseCaseView):
    """教育行政部门."""

    model = EducationAuthority
    title = "教育行政部门"
    slug = "authorities"
    menu_group = GROUP
    menu_order = 10
    one = "个部门"
    column_list = ("name", "level", "province_code", "city_code", "contact_name", "contact_phone")
    column_labels = {"level": "级别"}
    column_filters = ("name", "level")
    column_searchable_list = ("name",)
    create_with = Verb(
        create_authority, "新增部门", form=AuthorityForm, act="manage_organisations", done="已新增教育行政部门。"
    )


class OrgForm(PanelForm):
    """培训评价组织."""

    org_code = text_field("机构代码", values.code(40))
    name = text_field("机构名称", values.text(200))
    uscc = text_field("统一社会信用代码", values.uscc, optional=True)
    contact_name = text_field("联系人", values.text(200), optional=True)
    contact_mobile = text_field("联系人手机", values.mobile, optional=True)


class OrgSealForm(PanelForm):
    """The TEO's seal."""

    image = Upload("印章图片", accept=".png", description=SEAL_HINT)


def _without_empty(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """Unique optional columns hold NULL, not the empty text."""
    return {name: value for name, value in typed.items() if value not in ("", None)}


def _switches(usecase: Any, thing: str) -> tuple[Verb, Verb]:
    return (
        Verb(
            usecase,
            "停用",
            key="disable",
            fixed={"action": "disable"},
            act="manage_organisations",
            move=(SWITCH, "disable"),
            confirm=f"停用后，{thing}的账号不能再办理业务。确定停用吗？",
            tone="danger",
            done="已停用。",
        ),
        Verb(
            usecase,
            "启用",
            key="enable",
            fixed={"action": "enable"},
            act="manage_organisations",
            move=(SWITCH, "enable"),
            confirm="确定启用吗？",
            done="已启用。",
        ),
    )


class OrgView(UseCaseView):
    """培训评价组织管理."""

    model = EvaluationOrg
    title = "培训评价组织"
    slug = "orgs"
    menu_group = GROUP
    menu_order = 20
    one = "个机构"
    column_list = ("org_code", "name", "state")
    column_labels = {"name": "机构名称", "site_material_required": "站点申报须附材料", "has_seal": "电子印章"}
    column_filters = ("org_code", "name")
    column_searchable_list = ("org_code", "name")
    status_tabs = EvaluationOrg.state
    exports = (ExportDoor("organisation-list", "批量导出机构信息"),)
    detail_groups = (
        ("机构信息", ("org_code", "name", "uscc", "state", "has_seal", "site_material_required")),
        ("联系人", ("contact_name", "contact_mobile")),
    )
    column_formatters = {"has_seal": lambda view, context, row, name: "已上传" if row.seal_image else "未上传"}
    create_with = Verb(
        create_org,
        "新增机构",
        form=OrgForm,
        act="manage_organisations",
        shape=_without_empty,
        done="已新增培训评价组织。",
    )
    row_verbs = (
        Verb(
            set_org_seal,
            "上传印章",
            form=OrgSealForm,
            act="manage_seal",
            explain="此后生成的每一张证书都会加盖这枚印章；已经生成的证书不变。",
            done="印章已更换，此后生成的证书使用新印章。",
        ),
        *_switches(switch_org, "该机构"),
    )


class CollegeForm(PanelForm):
    """试点院校."""

    college_code = text_field("院校代码", values.code(10))
    name = text_field("院校名称", values.text(200))
    college_type = Choice("院校类型", coerce=CollegeType, choices=CollegeType.choices())
    district_code = Choice("所在区县", coerce=str, description="省、市由区县代码得出。")
    address = text_field("详细地址", values.text(200))
    uscc = text_field("统一社会信用代码", values.uscc, optional=True)
    contact_name = text_field("联系人", values.text(200), optional=True)
    contact_mobile = text_field("联系人手机", values.mobile, optional=True)
    contact_email = text_field("联系人邮箱", values.email, optional=True)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        self.district_code.offer(pair for pair in regions(session) if not pair[0].endswith("0000"))


def _located(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """Province and city out of the district's code (420106 lies in 42 and in 420100)."""
    district = typed["district_code"]
    return _without_empty(typed, row) | {"province_code": district[:2], "city_code": f"{district[:4]}00"}


class SealForm(PanelForm):
    """The signing officer's seal with its authorisation (R-254…R-258)."""

    officer_name = text_field("考核站点负责人", values.person_name, description="副校级及以上，全校只有一位。")
    image = Upload("电子签章图片", accept=".png", description=SEAL_HINT)
    has_accepted = BooleanField(
        "我已阅读并同意授权委托书", [InputRequired("请阅读授权委托书并勾选。")], description=LETTER
    )


class CollegeView(UseCaseView):
    """试点院校管理; a college sees its own record only (R-014)."""

    model = College
    title = "试点院校"
    slug = "colleges"
    menu_group = GROUP
    menu_order = 30
    one = "所院校"
    column_list = ("college_code", "name", "college_type", "city_code", "state")
    column_labels = {"name": "院校名称", "city_code": "城市", "seal": "电子签章"}
    column_filters = ("college_code", "name", "college_type", "city_code")
    column_searchable_list = ("college_code", "name")
    status_tabs = College.state
    exports = (ExportDoor("college-list", "批量导出院校信息"),)
    column_formatters = {
        "city_code": lambda view, context, row, name: view.region(row.city_code),
        "district_code": lambda view, context, row, name: view.region(row.district_code),
        "seal": lambda view, context, row, name: view.seal_words(row),
    }
    detail_groups = (
        (
            "院校基本信息",
            ("college_code", "name", "college_type", "uscc", "city_code", "district_code", "address", "state"),
        ),
        ("联系人信息", ("contact_name", "contact_mobile", "contact_email")),
        ("签发", ("seal",)),
    )
    create_with = Verb(
        create_college, "新增院校", form=CollegeForm, act="manage_organisations", shape=_located, done="已新增院校。"
    )
    row_verbs = (
        Verb(
            activate_seal,
            "上传电子签章",
            form=SealForm,
            act="manage_seal",
            when=lambda row, actor: Role.SIGNATORY in actor.roles,
            explain="电子签章只用于签发证书。上传新的签章后，原来的签章立即停用。",
            done="电子签章已启用。",
        ),
        *_switches(switch_college, "该院校"),
    )

    def region(self, code: str) -> str:
        """A region's name, or its code while the dictionary lacks it."""
        return reader().scalar(select(RegionName.name).where(RegionName.code == code)) or code

    def seal_words(self, row: College) -> str:
        """Who the seal belongs to, for the signing officer alone (R-254); others learn that there is one or none."""
        seal = reader().scalar(
            select(ElectronicSeal).where(ElectronicSeal.college_id == row.id).order_by(ElectronicSeal.id.desc())
        )
        if seal is None:
            return "未上传"
        is_mine = Role.SIGNATORY in current_actor().roles
        return f"{seal.state.label} · {seal.officer_name}" if is_mine else seal.state.label


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [AuthorityView(db), OrgView(db), CollegeView(db)]
