"""Forms of organisations: what the platform sets, and what each keeps up itself (§2.1 to §2.4, R-014)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import InputRequired

from admin.forms import Choice, Cleaned, PanelForm, Upload, text_field
from core.actors import Actor
from core.models.catalogue import CertificateType
from core.models.organisations import RegionName
from core.queries.catalogue import piloted_by
from core.rules import values
from core.rules.organisations import CollegeType, InvigilatorMode

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


def cities(session: Session) -> list[tuple[str, str]]:
    """Cities by their six digits."""
    return [pair for pair in regions(session) if pair[0].endswith("00") and not pair[0].endswith("0000")]


def long_words(label: str, **options: Any) -> TextAreaField:
    """Several optional lines."""
    return TextAreaField(label, [Cleaned(values.text(2_000, multiline=True), is_optional=True)], **options)


def without_empty(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """Unique optional columns hold NULL, not the empty text."""
    return {name: None if name == "uscc" and value == "" else value for name, value in typed.items()}


# -- education authorities ---------------------------------------------------------------------------------------------


class NewAuthorityForm(PanelForm):
    """教育行政部门."""

    name = text_field("部门名称", values.text(200))
    province_code: Choice | None = Choice("所在省份", coerce=str)
    city_code: Choice | None = Choice(
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
        if self.province_code is not None and self.city_code is not None:
            self.province_code.offer(provinces(session))
            self.city_code.offer(cities(session))


class AuthorityForm(NewAuthorityForm):
    """The same but for the place, by which applications have found their way."""

    province_code = None
    city_code = None


class OwnAuthorityForm(PanelForm):
    """1+X 项目负责人 (§2.3)."""

    contact_name = text_field("1+X 项目联系人", values.text(200))
    contact_phone = text_field(
        "联系电话", values.text(40), description="院校名录缺少院校、指标不足时，页面会请院校联系这里。"
    )


# -- evaluation organisations ------------------------------------------------------------------------------------------


class NewOrgForm(PanelForm):
    """培训评价组织, as the platform registers it."""

    org_code = text_field("机构代码", values.code(4), description="最多 4 位，用于证书编号；确定后不能修改。")
    name = text_field("机构名称", values.text(200))
    uscc = text_field("统一社会信用代码", values.uscc, optional=True)
    contact_name = text_field("联系人", values.text(200), optional=True)
    contact_mobile = text_field("联系人手机", values.mobile, optional=True)


class OrgForm(PanelForm):
    """What only the platform changes of it."""

    name = text_field("机构名称", values.text(200))
    uscc = text_field("统一社会信用代码", values.uscc, optional=True)


class OwnOrgForm(PanelForm):
    """What it changes itself (§2.4)."""

    website = text_field("企业网址", values.website, optional=True)
    address = text_field("详细地址", values.text(200))
    intro = long_words("机构简介")
    contact_name = text_field("联系人姓名", values.text(200))
    contact_mobile = text_field("联系人手机号", values.mobile)
    contact_email = text_field("联系人邮箱", values.email)
    is_platform_payment = BooleanField("要求在平台提交缴费申请单")
    invigilator_mode = Choice("监考安排方式", coerce=InvigilatorMode, choices=InvigilatorMode.choices(), blank=None)
    review_mailbox = text_field("成绩复查邮箱", values.email, optional=True, description="印在成绩复查表上。")
    review_phone = text_field("成绩复查电话", values.text(40), optional=True)
    site_material_required = BooleanField("考核站点申报须上传佐证材料")
    site_material_note = long_words("佐证材料说明", description="例如：签字盖章的《考核站点申请表》扫描件。")


class OrgSealForm(PanelForm):
    """The TEO's seal."""

    image = Upload("印章图片", accept=".png", description=SEAL_HINT)


# -- colleges ----------------------------------------------------------------------------------------------------------


class NewCollegeForm(PanelForm):
    """试点院校, as the platform registers it."""

    college_code = text_field("院校代码", values.code(10), description="10 位；确定后不能修改。")
    name = text_field("院校名称", values.text(200))
    college_type = Choice("院校类型", coerce=CollegeType, choices=CollegeType.choices())
    district_code = Choice("所在区县", coerce=str, description="省、市由区县代码得出。")
    uscc = text_field("统一社会信用代码", values.uscc, optional=True)
    address = text_field("详细地址", values.text(200))
    contact_name = text_field("联系人", values.text(200), optional=True)
    contact_mobile = text_field("联系人手机", values.mobile, optional=True)
    contact_email = text_field("联系人邮箱", values.email, optional=True)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        self.district_code.offer(pair for pair in regions(session) if not pair[0].endswith("0000"))


class CollegeForm(NewCollegeForm):
    """What only the platform changes of it (R-014)."""

    college_code = address = contact_name = contact_mobile = contact_email = None


def located(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """Province and city out of the district's code (420106 lies in 42 and in 420100)."""
    district = typed["district_code"]
    return without_empty(typed, row) | {"province_code": district[:2], "city_code": f"{district[:4]}00"}


class OwnCollegeForm(PanelForm):
    """What a college changes itself, in the reading order of §8.1 (R-014)."""

    website = text_field("院校网址", values.website, optional=True)
    district_code = Choice("所在区县", coerce=str, required=False, blank="未选择")
    address = text_field("详细地址", values.text(200), description="道路、门牌号、楼栋、房间等。")
    logo = Upload(
        "院校 LOGO",
        accept=".png,.jpg,.jpeg",
        required=False,
        description="jpg 或 png，100×100 像素；不选则保留原来的。",
    )
    intro = long_words("院校简介")
    contact_name = text_field("联系人姓名", values.text(200))
    contact_mobile = text_field("联系人手机号", values.mobile)
    contact_email = text_field("联系人邮箱", values.email)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is None:
            return
        near = [pair for pair in regions(session) if pair[0][:4] == row.city_code[:4] and not pair[0].endswith("00")]
        held = row.district_code
        self.district_code.offer(near if not held or held in dict(near) else [*near, (held, held)])
        if row.logo is None:
            self.logo.flags.required = True


def own_college(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """No district chosen: the one there is stays."""
    if not typed["district_code"]:
        typed.pop("district_code")
    return typed


class SealForm(PanelForm):
    """The signing officer's seal, to be looked at first (R-254…R-257)."""

    officer_name = text_field("考核站点负责人", values.person_name, description="副校级及以上，全校只有一位。")
    image = Upload("电子签章图片", accept=".png", description=SEAL_HINT)


class AcceptSealForm(PanelForm):
    """The same seal again, seen and with its letter ticked (R-258)."""

    officer_name = HiddenField()
    image = HiddenField()
    has_accepted = BooleanField(
        "我已阅读并同意授权委托书", [InputRequired("请阅读授权委托书并勾选。")], description=LETTER
    )


# -- 证书负责人 --------------------------------------------------------------------------------------------------------


class NewOfficerForm(PanelForm):
    """证书负责人 of the person's own college (§2.1)."""

    certificate_id: Choice | None = Choice("证书", description="只列出本校已获批试点的证书。")
    name = text_field("负责人姓名", values.person_name)
    mobile = text_field("手机号", values.mobile, optional=True)
    email = text_field("邮箱", values.email, optional=True)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if self.certificate_id is None:
            return
        mine = select(CertificateType).where(CertificateType.id.in_(piloted_by(actor.college_id)))
        rows = session.scalars(mine.order_by(CertificateType.code))
        self.certificate_id.offer([(one.id, f"{one.full_name} · {one.code}") for one in rows])


class OfficerForm(NewOfficerForm):
    """Another person for the same certificate."""

    certificate_id = None
