"""标准管理: skill standards, site standards and what a site must have; colleges see what they applied for (R-049)."""

from __future__ import annotations

import re
from typing import Any

from flask import request, url_for
from sqlalchemy.orm import Session
from wtforms import BooleanField

from admin.cells import NOTHING
from admin.file_forms import file_links, file_verbs
from admin.forms import Choice, PanelForm, Ticks, number_field, text_field
from admin.session import row_number
from admin.switches import switches
from admin.usecase_view import Link, Related, UseCaseView, choices_of
from admin.verbs import Verb
from core.actors import Actor
from core.models.catalogue import CertificateType, SiteStandard, SiteStandardItem, SkillStandard
from core.rules import values
from core.rules.catalogue import RequirementKind
from core.rules.organisations import Switch
from core.rules.permissions import may
from core.usecases import standards

GROUP = "标准管理"
ACT = "manage_catalogue"
WARNING = "停用后不能再被新的证书选用，已有记录不受影响。确定停用吗？"


def _own(actor: Actor) -> dict[str, Any]:
    return {"org_id": actor.org_id}


class NewSkillStandardForm(PanelForm):
    """职业技能等级标准 (§2.7)."""

    code = text_field("标准代码", values.code(20), description="国家统一分配，6 位；确定后不能修改。")
    name = text_field("标准名称", values.text(200), description="例如：老年照护职业技能等级标准")
    edition = text_field("标准版本", values.text(40), description="例如：2026版")
    major_categories = text_field("对应专业大类", values.text(200), optional=True, description="多个用顿号隔开。")


class SkillStandardForm(NewSkillStandardForm):
    """The same but for its code, which stays."""

    code = None


class StandardView(UseCaseView):
    """What both kinds of standards show alike (§8.1)."""

    menu_group = GROUP
    one = "份标准"
    owner = ""
    column_list = ("code", "name", "edition", "org.name", "certificates", "state")
    column_sortable_list = ("code", "name", "edition", "state")
    column_labels = {
        "code": "标准代码",
        "name": "标准名称",
        "edition": "标准版本",
        "org.name": "发布单位",
        "certificates": "对应证书",
        "state": "标准状态",
    }
    column_filters = ("code", "name", "edition")
    column_searchable_list = ("code", "name")
    column_formatters = {"certificates": lambda view, context, row, name: view.certificate_words(row)}

    def certificate_words(self, row: Any) -> str:
        """Names of its certificates, the levels of one name together: 老年照护(初级、中级)."""
        names: dict[str, list[str]] = {}
        for certificate in row.certificates:
            names.setdefault(certificate.name, []).append(certificate.level.label)
        return "；".join(f"{name}（{'、'.join(levels)}）" for name, levels in names.items()) or NOTHING

    def links(self, row: Any) -> list[Link]:
        return file_links(self.owner, row)


class SkillStandardView(StandardView):
    """职业技能等级标准."""

    model = SkillStandard
    title = "职业技能等级标准"
    slug = "skill-standards"
    menu_order = 10
    owner = "standard_id"
    status_tabs = SkillStandard.state
    detail_groups = (
        ("标准信息", ("code", "name", "edition", "org.name", "major_categories", "certificates", "state")),
    )
    create_with = Verb(
        standards.create_skill_standard,
        "新增标准",
        form=NewSkillStandardForm,
        act=ACT,
        given=_own,
        done="已新增标准。请上传标准文本，并在“证书信息”中为证书选用它。",
    )
    edit_with = Verb(
        standards.edit_skill_standard,
        "编辑",
        form=SkillStandardForm,
        act=ACT,
        fill=lambda row: {"name": row.name, "edition": row.edition, "major_categories": row.major_categories},
        done="已保存。",
    )
    row_verbs = (
        *file_verbs(
            owner, standards.attach_to_skill_standard, standards.detach_from_standard, word="标准文本", act=ACT
        ),
        *switches(standards.switch_skill_standard, ACT, WARNING),
    )


class SiteStandardForm(PanelForm):
    """考核站点建设标准 (§2.8)."""

    name = text_field("标准名称", values.text(200), description="例如：某某证书考核站点建设标准")
    edition = text_field("标准版本", values.text(40), description="例如：2026版")
    certificate_ids = Ticks("对应证书")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        held = [certificate.id for certificate in row.certificates] if row is not None else []
        usable = (CertificateType.state == Switch.ENABLED) | CertificateType.id.in_(held)
        own = (CertificateType.org_id == actor.org_id, usable)
        self.certificate_ids.offer(choices_of(CertificateType, lambda c: f"{c.full_name} · {c.code}", *own))


class NewSiteStandardForm(SiteStandardForm):
    """The same, with the items of the guide at once."""

    takes_over = BooleanField(
        "带入考场条件（19 项）", default=True, description="按考务指南的最低条件带入，之后可以逐项修改或删除。"
    )


class SiteStandardView(StandardView):
    """考核站点建设标准."""

    model = SiteStandard
    title = "考核站点建设标准"
    slug = "site-standards"
    menu_order = 20
    owner = "site_standard_id"
    status_tabs = SiteStandard.state
    detail_groups = (("标准信息", ("code", "name", "edition", "org.name", "certificates", "state")),)
    create_with = Verb(
        standards.create_site_standard,
        "新增标准",
        form=NewSiteStandardForm,
        act=ACT,
        given=_own,
        done="已新增标准，代码已生成。",
    )
    edit_with = Verb(
        standards.edit_site_standard,
        "编辑",
        form=SiteStandardForm,
        act=ACT,
        fill=lambda row: {
            "name": row.name,
            "edition": row.edition,
            "certificate_ids": [certificate.id for certificate in row.certificates],
        },
        done="已保存。",
    )
    row_verbs = (
        Verb(
            standards.take_over_requirements,
            "带入考场条件",
            act=ACT,
            when=lambda row, actor: not row.items,
            confirm="将带入考务指南的 19 项考场条件，已有的不会重复。确定带入吗？",
            tell=lambda count: f"已带入 {count} 项考场条件。",
        ),
        *file_verbs(owner, standards.attach_to_site_standard, standards.detach_from_standard, word="标准文本", act=ACT),
        *switches(standards.switch_site_standard, ACT, WARNING),
    )

    def links(self, row: SiteStandard) -> list[Link]:
        kept = Link("考场条件" if not may(self.actor, ACT, row) else "修改考场条件", _items_url(row.id))
        return [*super().links(row), *([kept] if row.items or may(self.actor, ACT, row) else [])]

    def related(self, row: SiteStandard) -> list[Related]:
        lines = [
            (item.code, item.title, item.kind.label, least(item), item.recommended, item.is_mandatory)
            for item in row.items
        ]
        headers = ("编号", "条件", "填写方式", "最低要求", "建议", "必须满足")
        return [Related("考场条件", headers, lines, "还没有考场条件，可以点“带入考场条件”。")]


def least(item: SiteStandardItem) -> str:
    """What the item asks at least, the number first where there is one and the words do not say it."""
    if item.minimum is None or str(item.minimum) in re.findall("[0-9]+", item.minimum_words):
        return item.minimum_words
    return "；".join(part for part in (f"≥ {item.minimum}", item.minimum_words) if part)


def _asked_standard() -> int | None:
    """The standard the address names; whatever cannot be one is none."""
    return row_number(request.args.get("standard", ""))


def _items_url(standard_id: int) -> str:
    return url_for("site-standard-items.index_view", standard=standard_id)


# -- items -------------------------------------------------------------------------------------------------------------


class NewItemForm(PanelForm):
    """考场条件 with its code and the standard it joins."""

    standard_id: Choice | None = Choice("考核站点建设标准")
    code = text_field("编号", values.code(10), description="例如：S20")
    title = text_field("条件", values.text(200))
    kind = Choice(
        "填写方式",
        coerce=RequirementKind,
        choices=RequirementKind.choices(),
        description="“数值”的条件须填最低数量，站点申报时按数量核对。",
    )
    minimum = number_field("最低数量", 0, 1_000_000, description="只用于“数值”；其他方式填 0。", default=0)
    minimum_words = text_field("最低要求", values.text(500), optional=True)
    recommended = text_field("建议", values.text(500), optional=True)
    is_mandatory = BooleanField("必须满足", default=True)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if self.standard_id is None:
            return
        own = (SiteStandard.org_id == actor.org_id,)
        self.standard_id.offer(choices_of(SiteStandard, lambda one: f"{one.code} {one.name}", *own))
        if self.standard_id.data is None:
            self.standard_id.data = _asked_standard()


class ItemForm(NewItemForm):
    """The same but for its code and place, which stay."""

    standard_id = None
    code = None


class SiteStandardItemView(UseCaseView):
    """考场条件 of site standards; reached from the standard."""

    model = SiteStandardItem
    title = "考场条件"
    slug = "site-standard-items"
    one = "项条件"
    shows_history = True
    column_list = ("standard.code", "code", "title", "kind", "minimum", "minimum_words", "recommended", "is_mandatory")
    column_sortable_list = ()
    column_default_sort = [("standard_id", True), ("position", False)]
    column_labels = {
        "standard.code": "标准代码",
        "standard.name": "标准名称",
        "code": "编号",
        "title": "条件",
        "kind": "填写方式",
        "minimum": "最低数量",
        "minimum_words": "最低要求",
        "recommended": "建议",
        "is_mandatory": "必须满足",
    }
    column_filters = ("standard.code", "title", "kind")
    column_searchable_list = ("code", "title")
    column_formatters = {"kind": lambda view, context, row, name: row.kind.label}
    detail_groups = (
        ("所属标准", ("standard.code", "standard.name")),
        ("条件", ("code", "title", "kind", "minimum", "minimum_words", "recommended", "is_mandatory")),
    )
    create_with = Verb(standards.add_item, "新增条件", form=NewItemForm, act=ACT, done="已新增考场条件。")
    edit_with = Verb(
        standards.edit_item,
        "编辑",
        form=ItemForm,
        act=ACT,
        thing=lambda row: row.standard,
        fill=lambda row: (
            {name: getattr(row, name) for name in ("title", "kind", "minimum_words", "recommended", "is_mandatory")}
            | {"minimum": row.minimum or 0}
        ),
        done="已保存。",
    )
    row_verbs = (
        Verb(
            standards.remove_item,
            "删除",
            act=ACT,
            thing=lambda row: row.standard,
            confirm="删除后站点申报不再核对这一项；可以用“带入考场条件”恢复指南中的条件。确定删除吗？",
            tone="danger",
            done="已删除。",
        ),
    )

    def get_query(self) -> Any:
        """Of one standard where the address names it."""
        wanted = _asked_standard()
        query = super().get_query()
        return query if wanted is None else query.filter(SiteStandardItem.standard_id == wanted)

    def name_of(self, row: SiteStandardItem) -> str:
        return f"{row.code} {row.title}"

    def page_links(self) -> list[Link]:
        """Back to the standard this list belongs to."""
        wanted = _asked_standard()
        if wanted is None:
            return []
        return [Link("返回标准", url_for("site-standards.details_view", id=wanted))]


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [SkillStandardView(db), SiteStandardView(db), SiteStandardItemView(db)]
