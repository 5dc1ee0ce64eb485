"""证书样式: what an organisation's certificates say, with a sample to look at (G-07)."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select
from wtforms import TextAreaField

from admin.forms import Cleaned, PanelForm, text_field
from admin.session import current_actor, reader
from admin.switches import switches
from admin.usecase_view import Link, Related, UseCaseView
from admin.verbs import Verb
from admin.views.files import sent
from core import settings
from core.db import transaction
from core.models.catalogue import CertificateTemplate, CertificateType
from core.rules import values
from core.rules.certificate_words import (
    DEFAULT_STATEMENT,
    DEFAULT_STATEMENT_EN,
    DEFAULT_TITLE,
    DEFAULT_TITLE_EN,
    GAPS,
    LONGEST_STATEMENT,
    LONGEST_STATEMENT_EN,
)
from core.usecases import certificate_templates, samples

ACT = "manage_catalogue"
GAPS_HINT = "可用的填空项：" + " ".join(f"{{{gap}}}" for gap in GAPS) + "。生成证书时由系统填入。"


class TemplateForm(PanelForm):
    """证书样式: words around the facts."""

    name = text_field("样式名称", values.text(200), description="只在系统内使用。")
    title = text_field("证书标题", values.text(certificate_templates.LONGEST_TITLE), default=DEFAULT_TITLE)
    title_en = text_field("英文标题", values.text(certificate_templates.LONGEST_TITLE_EN), default=DEFAULT_TITLE_EN)
    statement = TextAreaField(
        "证书正文",
        [Cleaned(values.text(LONGEST_STATEMENT * 2, multiline=True))],
        default=DEFAULT_STATEMENT,
        description=f"最多 {LONGEST_STATEMENT} 字。{GAPS_HINT}",
    )
    statement_en = TextAreaField(
        "英文正文",
        [Cleaned(values.text(LONGEST_STATEMENT_EN * 2, multiline=True))],
        default=DEFAULT_STATEMENT_EN,
        description=f"最多 {LONGEST_STATEMENT_EN} 个字符，填空项与中文正文相同。",
    )


class TemplateView(UseCaseView):
    """证书样式."""

    model = CertificateTemplate
    title = "证书样式"
    slug = "certificate-templates"
    menu_group = "证书管理"
    menu_order = 50
    one = "个样式"
    column_list = ("name", "title", "org.name", "revision", "state")
    column_labels = {
        "name": "样式名称",
        "title": "证书标题",
        "title_en": "英文标题",
        "statement": "证书正文",
        "statement_en": "英文正文",
        "org.name": "颁证机构",
        "revision": "版次",
    }
    column_filters = ("name", "org.name")
    column_searchable_list = ("name",)
    status_tabs = CertificateTemplate.state
    detail_groups = (
        ("样式", ("name", "org.name", "revision", "state")),
        ("证书上的文字", ("title", "title_en", "statement", "statement_en")),
    )
    recap_columns = ("name", "revision", "state")
    create_with = Verb(
        certificate_templates.create_template,
        "新增样式",
        form=TemplateForm,
        act=ACT,
        given=lambda actor: {"org_id": actor.org_id},
        done="已新增样式。请打开样张核对，再在“证书信息”中为证书选用它。",
    )
    edit_with = Verb(
        certificate_templates.edit_template,
        "编辑",
        form=TemplateForm,
        act=ACT,
        explain="修改文字后版次加一，此后生成的证书使用新版次；已经生成的证书不变。",
        fill=lambda row: {
            name: getattr(row, name) for name in ("name", "title", "title_en", "statement", "statement_en")
        },
        done="已保存，请打开样张核对。",
    )
    row_verbs = switches(
        certificate_templates.switch_template, ACT, "停用后不能再被证书选用，已经选用的证书不受影响。确定停用吗？"
    )

    def notes(self) -> str:
        """What a template is for."""
        return "样式决定证书上的文字。没有选用样式的证书使用平台的统一文字。"

    def links(self, row: CertificateTemplate) -> list[Link]:
        return [Link("查看样张", url_for("certificate-templates.sample_view", ident=row.id))]

    def related(self, row: CertificateTemplate) -> list[Related]:
        wanted = select(CertificateType).where(CertificateType.template_id == row.id).order_by(CertificateType.code)
        lines = [(one.code, one.full_name, one.state) for one in reader().scalars(wanted)]
        return [Related("选用此样式的证书", ("证书编号", "证书", "状态"), lines, "还没有证书选用这个样式。")]

    @expose("/<int:ident>/sample.pdf")
    def sample_view(self, ident: int) -> ResponseReturnValue:
        """样张: the words on a certificate of nobody."""
        name = f"样张-{self.row_or_404(ident).name}.pdf"
        actor = current_actor()
        reader().rollback()
        with transaction(actor) as tx:
            pdf = samples.template_sample(tx, template_id=ident, verify_base=settings.current().base_url)
        return sent(pdf, "application/pdf", name, "inline")


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [TemplateView(db)]
