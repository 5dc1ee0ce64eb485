"""Forms of sites, lent sites and rooms; what was chosen in the steps before stands in the address."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import TextAreaField
from wtforms.validators import Length

from admin.forms import Choice, PanelForm, Ticks, Upload, number_field, text_field
from admin.steps import asked
from core.actors import Actor
from core.models.catalogue import CertificateType
from core.models.organisations import College, RegionName
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanSubject
from core.models.sites import ExamSite, ExamSiteCertificate
from core.queries.catalogue import offered_certificates
from core.queries.scoping import visible
from core.rules import values
from core.rules.catalogue import CertificateLevel, modes_text
from core.rules.organisations import Switch
from core.rules.sites import SiteStatus


def districts(session: Session, province_code: str) -> list[tuple[str, str]]:
    """Districts of a province as 武汉市 洪山区; cities stand for themselves where no district of theirs is known."""
    query = select(RegionName.code, RegionName.name).where(RegionName.code.startswith(province_code))
    names = dict(session.execute(query.order_by(RegionName.code)).all())
    with_districts = {code[:4] for code in names if not code.endswith("00")}
    return [
        (code, f"{names.get(f'{code[:4]}00', '')} {name}".strip() if not code.endswith("00") else name)
        for code, name in names.items()
        if not code.endswith("00") or (code[2:4] != "00" and code[:4] not in with_districts)
    ]


def region_words(session: Session, code: str) -> str:
    """湖北省 武汉市 洪山区 of a six-digit code; codes nobody named are left out."""
    wanted = [f"{code[:2]}0000", f"{code[:4]}00", code]
    names = dict(session.execute(select(RegionName.code, RegionName.name).where(RegionName.code.in_(wanted))).all())
    return " ".join(dict.fromkeys(names[one] for one in wanted if one in names)) or code


class SiteForm(PanelForm):
    """An application, saved as it stands; what is missing is asked for at 提交 (R-101)."""

    certificate_ids = Ticks("考核证书", description="只列出所选培训评价组织已启用、本校尚未申报的证书。")
    region_code = Choice("所在区域", coerce=str, required=False)
    address = text_field("详细地址", values.text(200), optional=True, description="写到门牌号，会印在准考证上。")
    intro = TextAreaField(
        "考点简介",
        [Length(max=4000, message="最多 4000 字。")],
        description="场地、机房与考位、监控、供电网络、考务团队等情况。",
    )
    contact_name = text_field("联系人姓名", values.person_name, optional=True)
    contact_mobile = text_field("联系人手机", values.mobile, optional=True)
    contact_email = text_field("联系人邮箱", values.email, optional=True)

    def prepare(self, session: Session, actor: Actor, row: ExamSite | None) -> None:
        college = session.get(College, row.college_id if row else actor.college_id or 0)
        self.region_code.offer(districts(session, college.province_code) if college else [])
        org_id = row.org_id if row else asked("org") or 0
        college_id = college.id if college else 0
        self.certificate_ids.offer(free_certificates(session, org_id, college_id, row.id if row else 0))

    def values(self) -> dict[str, Any]:
        return super().values() | {"region_code": self.region_code.data or ""}


def free_certificates(session: Session, org_id: int, college_id: int, site_id: int = 0) -> list[tuple[int, str]]:
    """Certificates of an org by name and level, without those of another living site of the college (R-104)."""
    taken = select(ExamSiteCertificate.certificate_id).where(
        ExamSiteCertificate.college_id == college_id,
        ExamSiteCertificate.is_living,
        ExamSiteCertificate.site_id != site_id,
    )
    query = select(CertificateType).where(
        CertificateType.org_id == org_id, *offered_certificates(), CertificateType.id.not_in(taken)
    )
    levels = list(CertificateLevel)
    rows = sorted(session.scalars(query).unique(), key=lambda one: (one.name, levels.index(one.level)))
    return [(one.id, one.full_name_wide) for one in rows]


def site_values(row: ExamSite) -> dict[str, Any]:
    """An application as its form shows it."""
    names = ("region_code", "address", "intro", "contact_name", "contact_mobile", "contact_email")
    return {name: getattr(row, name) for name in names} | {
        "certificate_ids": [link.certificate_id for link in row.certificate_links]
    }


class MaterialForm(PanelForm):
    """其他材料: the file with the name it had."""

    file = Upload(
        "材料文件", accept=".pdf,.doc,.docx", description="PDF 或 Word，不超过 10 MB；再次上传会替换原来的文件。"
    )

    def values(self) -> dict[str, Any]:
        return {"data": self.file.data, "file_name": self.file.file_name}


class AllocationForm(PanelForm):
    """Which site for which certificate to which college; the plan was chosen before."""

    place = Choice("考核站点与证书", coerce=str, description="只列出已启用、并获准考核本计划证书的站点。")
    borrowing_college_id = Choice("借考院校", description="只列出参加本计划的院校。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        plan = session.get(ExamPlan, asked("plan") or 0)
        if plan is None:
            return
        self.place.offer(
            (f"{site.id}:{certificate.id}", f"{site.college.name} · {certificate.full_name_wide}（{site.site_no}）")
            for site, certificate in places(session, plan)
        )
        listed = {college.id for college in plan.colleges}
        colleges = session.scalars(
            select(College).where(College.state == Switch.ENABLED).order_by(College.college_code)
        )
        self.borrowing_college_id.offer(
            (one.id, one.name) for one in colleges if plan.is_open_to_all or one.id in listed
        )

    def values(self) -> dict[str, Any]:
        site, _, certificate = (self.place.data or "0:0").partition(":")
        return {
            "plan_id": asked("plan") or 0,
            "site_id": int(site),
            "certificate_id": int(certificate),
            "borrowing_college_id": self.borrowing_college_id.data,
        }


def places(session: Session, plan: ExamPlan, college_id: int | None = None) -> list[tuple[ExamSite, CertificateType]]:
    """Enabled sites and certificates that fit a plan (R-124, R-134), of one college where one is named."""
    query = (
        select(ExamSite, CertificateType)
        .join(ExamSiteCertificate, ExamSiteCertificate.site_id == ExamSite.id)
        .join(CertificateType, CertificateType.id == ExamSiteCertificate.certificate_id)
        .join(ExamPlanCertificate, ExamPlanCertificate.certificate_id == CertificateType.id)
        .where(ExamPlanCertificate.plan_id == plan.id, ExamSite.site_state == SiteStatus.ENABLED)
        .order_by(ExamSite.site_no, CertificateType.code)
    )
    if college_id is not None:
        query = query.where(ExamSite.college_id == college_id)
    return list(session.execute(query))


# -- rooms -------------------------------------------------------------------------------------------------------------


class RoomForm(PanelForm):
    """A room for the plan, site and certificate of the address (R-123); its type comes of the subjects (R-126)."""

    plan_subject_ids = Ticks("考试科目", description="考场须支持所选各科的考试方式；不同方式的科目请分别设置考场。")
    name = text_field("考场名称", values.text(200), description="机房、教室或实训室的名称，例如：实训楼 301 机房。")
    seat_count = number_field("考位数", 1, 2000)
    region_code = Choice("所在区域", coerce=str, required=False)
    address = text_field("详细地址", values.text(200), description="写到门牌号，会印在准考证上。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        college = session.get(College, actor.college_id or 0)
        self.region_code.offer(districts(session, college.province_code) if college else [])
        subjects = (
            select(ExamPlanSubject)
            .join(ExamPlanCertificate)
            .where(
                ExamPlanCertificate.plan_id == (asked("plan") or 0),
                ExamPlanCertificate.certificate_id == (asked("certificate") or 0),
                visible(ExamPlanSubject, actor),
            )
            .order_by(ExamPlanSubject.code)
        )
        self.plan_subject_ids.offer(
            (one.id, f"{one.name}（{modes_text(one.exam_modes)}，{one.code}）") for one in session.scalars(subjects)
        )

    def values(self) -> dict[str, Any]:
        chosen = {f"{name}_id": asked(name) or 0 for name in ("plan", "site", "certificate")}
        return super().values() | {"region_code": self.region_code.data or ""} | chosen


def new_room_values(site: ExamSite | None) -> dict[str, Any]:
    """A new room stands where its site stands until somebody says otherwise."""
    return {} if site is None else {"region_code": site.region_code, "address": site.address}


class RoomEditForm(PanelForm):
    """What may still change of a room."""

    name = text_field("考场名称", values.text(200))
    seat_count = number_field("考位数", 1, 2000, description="不能少于已排到的座位号。")
    address = text_field("详细地址", values.text(200))
