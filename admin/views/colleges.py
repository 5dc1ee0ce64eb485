"""试点院校: the platform registers them, each keeps up its own record, officers and seal (R-014, R-254…R-258)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from flask import Response, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import select

from admin.cells import NOTHING
from admin.export_page import ExportDoor
from admin.filters import Among, PanelFilter
from admin.forms import PanelForm
from admin.organisation_forms import (
    LETTER,
    AcceptSealForm,
    CollegeForm,
    NewCollegeForm,
    NewOfficerForm,
    OfficerForm,
    OwnCollegeForm,
    SealForm,
    cities,
    located,
    own_college,
)
from admin.session import current_actor, reader
from admin.switches import switches
from admin.usecase_view import Link, Related, UseCaseView
from admin.verbs import Verb
from admin.views.directory import region_words
from admin.views.organisations import ACT, GROUP, WELCOME, people_warning
from core import settings
from core.actors import Actor
from core.db import transaction
from core.errors import Refusal
from core.models.organisations import CertificateOfficer, College, EducationAuthority, ElectronicSeal
from core.notifications.words import sentence
from core.rules.organisations import Role
from core.rules.permissions import may
from core.usecases import organisations, own_records, samples

ATTRIBUTE = "试点院校机构"  # 院校属性, the same for all (§2.1)
_OWN = ("website", "district_code", "address", "intro", "contact_name", "contact_mobile", "contact_email")


def _is_officer(row: Any, actor: Actor) -> bool:
    return Role.SIGNATORY in actor.roles and may(actor, "manage_seal", row)


def show_seal(view: Any, row: College, shown: samples.SealPreview) -> str:
    """R-257: the seal on a sample, and the letter to accept below it."""
    held = {"officer_name": shown.officer_name, "image": base64.b64encode(shown.image).decode()}
    form = AcceptSealForm(formdata=None, data={"row_version": str(row.version)} | held)
    return seal_page(view, row, shown, form=form)


def seal_page(view: Any, row: College, shown: samples.SealPreview, **facts: Any) -> str:
    """The picture of a sample certificate, with a form or without."""
    picture = "data:image/png;base64," + base64.b64encode(shown.picture).decode()
    facts = {"form": None, "refusal": ""} | facts
    return render_template(
        "admin/seal.html", view=view, row=row, officer=shown.officer_name, picture=picture, letter=LETTER, **facts
    )


def accepted_seal(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """The picture that was looked at; what is not one is refused by the use case like any other upload."""
    try:
        image = base64.b64decode(typed["image"] or "", validate=True)
    except (binascii.Error, ValueError):
        image = b""
    return typed | {"image": image}


class CollegeView(UseCaseView):
    """试点院校管理; a college sees its own record only (R-014)."""

    model = College
    title = "试点院校"
    slug = "colleges"
    menu_group = GROUP
    menu_order = 30
    one = "所院校"
    column_list = ("college_code", "name", "attribute", "college_type", "city_code", "state")
    column_sortable_list = ("college_code", "name", "college_type", "city_code", "state")
    column_labels = {
        "name": "院校名称",
        "attribute": "院校属性",
        "authority": "主管单位",
        "city_code": "城市",
        "district_code": "所在区县",
        "website": "院校网址",
        "logo": "院校 LOGO",
        "intro": "院校简介",
        "seal": "电子签章",
        "state": "院校状态",
    }
    column_filters = ("college_code", "name", "college_type", "city_code")
    column_searchable_list = ("college_code", "name")
    status_tabs = College.state
    exports = (ExportDoor("college-list", "批量导出院校信息"),)
    column_formatters = {
        "attribute": lambda view, context, row, name: ATTRIBUTE,
        "authority": lambda view, context, row, name: authority_words(row),
        "college_type": lambda view, context, row, name: row.college_type.label,
        "city_code": lambda view, context, row, name: region_words(row.city_code),
        "district_code": lambda view, context, row, name: place_words(row),
        "logo": lambda view, context, row, name: view.logo_cell(row),
        "seal": lambda view, context, row, name: view.seal_words(row),
    }
    detail_groups = (
        (
            "院校基本信息",
            (
                "college_type", "name", "uscc", "college_code", "authority", "attribute", "website", "district_code",
                "address", "logo", "intro", "state",
            ),
        ),
        ("联系人信息", ("contact_name", "contact_mobile", "contact_email")),
        ("电子签章", ("seal",)),
    )  # fmt: skip
    recap_columns = ("college_type", "name", "uscc", "college_code", "authority", "attribute")
    create_with = Verb(
        organisations.create_college, "新增院校", form=NewCollegeForm, act=ACT, shape=located, done="已新增院校。"
    )
    edit_with = Verb(
        own_records.edit_own_college,
        "编辑",
        form=OwnCollegeForm,
        act="edit_own_college",
        explain="院校类型、名称、代码、统一社会信用代码、属性和主管单位由平台管理员维护。",
        fill=lambda row: {name: getattr(row, name) for name in _OWN},
        shape=own_college,
        done="已保存。",
    )
    row_verbs = (
        Verb(
            organisations.edit_college,
            "编辑",
            form=CollegeForm,
            act=ACT,
            fill=lambda row: {
                "name": row.name, "college_type": row.college_type, "district_code": row.district_code,
                "uscc": row.uscc or "",
            },
            shape=located,
            send="保存",
            done="已保存。",
        ),
        Verb(
            samples.preview_seal,
            "上传电子签章",
            form=SealForm,
            act="manage_seal",
            when=_is_officer,
            given=lambda actor: {"verify_base": settings.current().base_url},
            explain="电子签章只用于签发证书。先查看签章在证书上的效果，确认后才启用；启用后，原来的签章立即停用。",
            send="查看效果",
            show=show_seal,
        ),
        Verb(
            organisations.activate_seal,
            "启用电子签章",
            form=AcceptSealForm,
            act="manage_seal",
            when=lambda row, actor: False,  # reached from the preview alone
            shape=accepted_seal,
            done="电子签章已启用。",
        ),
        *switches(organisations.switch_college, ACT, people_warning("该院校"), WELCOME),
    )  # fmt: skip

    def scaffold_filters(self, name: Any) -> list[PanelFilter]:
        if name == "city_code":
            return [Among(College.city_code, self.label(name), lambda: cities(reader()))]
        return super().scaffold_filters(name)

    def seal_words(self, row: College) -> str:
        """Who the seal belongs to, for the signing officer alone (R-254); others learn that there is one or none."""
        seal = reader().scalar(
            select(ElectronicSeal).where(ElectronicSeal.college_id == row.id).order_by(ElectronicSeal.id.desc())
        )
        if seal is None:
            return "未上传"
        return f"{seal.state.label} · {seal.officer_name}" if _is_officer(row, current_actor()) else seal.state.label

    def logo_cell(self, row: College) -> str | Markup:
        """The picture itself."""
        if row.logo is None:
            return NOTHING
        return Markup('<img src="{}" width="64" height="64" alt="院校 LOGO">').format(
            url_for("colleges.logo_view", ident=row.id)
        )

    def links(self, row: College) -> list[Link]:
        if not (_is_officer(row, current_actor()) and self.seal_words(row) != "未上传"):
            return []
        return [Link("查看签章效果", url_for("colleges.seal_view", ident=row.id))]

    def related(self, row: College) -> list[Related]:
        wanted = select(CertificateOfficer).where(CertificateOfficer.college_id == row.id)
        lines = [
            (one.certificate.full_name, one.name, one.mobile, one.email)
            for one in reader().scalars(wanted.order_by(CertificateOfficer.id))
        ]
        headers = ("证书", "负责人", "手机号", "邮箱")
        return [Related("证书负责人信息", headers, lines, "还没有设置证书负责人，可在“证书负责人”中新增。")]

    def _verb_page(self, verb: Verb, row: Any, form: PanelForm, refusal: Refusal | None) -> ResponseReturnValue:
        """An acceptance that failed shows the same preview again, with what is missing."""
        if verb.usecase is not organisations.activate_seal:
            return super()._verb_page(verb, row, form, refusal)
        given = accepted_seal({"image": form.image.data}, row)["image"]
        try:
            with transaction(current_actor()) as tx:
                shown = samples.preview_seal(
                    tx, college_id=row.id, officer_name=form.officer_name.data or "", image=given
                )
        except Refusal as said_no:
            return super()._verb_page(verb, row, form, said_no)
        return seal_page(self, row, shown, form=form, refusal=sentence(refusal) if refusal else ""), 422

    @expose("/<int:ident>/logo")
    def logo_view(self, ident: int) -> ResponseReturnValue:
        """The logo, for whoever sees the college."""
        logo = self.row_or_404(ident).logo
        if logo is None:
            abort(404)
        response = Response(logo, mimetype="image/png" if logo.startswith(b"\x89PNG") else "image/jpeg")
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @expose("/<int:ident>/seal")
    def seal_view(self, ident: int) -> ResponseReturnValue:
        """R-257: the seal in use on a sample, for the signing officer alone (R-254)."""
        row, actor = self.row_or_404(ident), current_actor()
        if not _is_officer(row, actor):
            abort(404)
        reader().rollback()
        with transaction(actor) as tx:
            shown = samples.seal_effect(tx, college_id=ident, verify_base=settings.current().base_url)
        return seal_page(self, self.row_or_404(ident), shown)


def authority_words(row: College) -> str | None:
    """主管单位: the authority of its province (§2.1)."""
    return reader().scalar(
        select(EducationAuthority.name).where(
            EducationAuthority.province_code == row.province_code, EducationAuthority.city_code.is_(None)
        )
    )


def place_words(row: College) -> str:
    """湖北省 武汉市 洪山区, as far as the dictionary knows."""
    codes = dict.fromkeys([f"{row.province_code}0000", row.city_code, row.district_code or row.city_code])
    return " ".join(region_words(code) for code in codes)


class OfficerView(UseCaseView):
    """证书负责人."""

    model = CertificateOfficer
    title = "证书负责人"
    slug = "officers"
    menu_group = GROUP
    menu_order = 35
    one = "位负责人"
    column_list = ("college.name", "certificate.full_name", "name", "mobile", "email")
    column_sortable_list = ("name",)
    column_labels = {"name": "负责人", "mobile": "手机号", "email": "邮箱"}
    column_filters = ("college.name", "certificate.name", "name")
    column_searchable_list = ("name",)
    create_with = Verb(
        own_records.name_certificate_officer,
        "新增负责人",
        form=NewOfficerForm,
        act="edit_own_college",
        given=lambda actor: {"college_id": actor.college_id},
        done="已新增证书负责人。",
    )
    edit_with = Verb(
        own_records.edit_certificate_officer,
        "编辑",
        form=OfficerForm,
        act="edit_own_college",
        fill=lambda row: {name: getattr(row, name) for name in ("name", "mobile", "email")},
        done="已保存。",
    )
    row_verbs = (
        Verb(
            own_records.remove_certificate_officer,
            "删除",
            act="edit_own_college",
            confirm="删除后，这张证书没有负责人。确定删除吗？",
            tone="danger",
            done="已删除。",
        ),
    )


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [CollegeView(db), OfficerView(db)]
