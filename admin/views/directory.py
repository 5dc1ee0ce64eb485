"""院校名录 (§2.2) and 行政区划: the lists that registration and addresses go by; the platform keeps them."""

from __future__ import annotations

from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.filled_sheets import FilledSheets
from admin.filters import Among, PanelFilter
from admin.forms import Choice, PanelForm, text_field
from admin.import_page import SheetDoor
from admin.organisation_forms import cities, provinces
from admin.session import reader
from admin.usecase_view import UseCaseView
from admin.verbs import Verb
from core.actors import Actor
from core.models.organisations import InstitutionDirectoryEntry, RegionName
from core.rules import values
from core.rules.organisations import CollegeType
from core.usecases import directory, organisations

ACT = "manage_organisations"


def region_words(code: str) -> str:
    """A region's name, or its code while the dictionary lacks it; the dictionary is read once a page."""
    if "regions" not in g:
        g.regions = dict(reader().execute(select(RegionName.code, RegionName.name)).all())
    return str(g.regions.get(code, code))


class NewEntryForm(PanelForm):
    """院校名录 entry."""

    code = text_field("院校代码", values.code(10), description="10 位，来自教育部门公布的名单；确定后不能修改。")
    name = text_field("院校名称", values.text(200))
    city_code = Choice("所在城市", coerce=str, description="注册时先选省市，再从名录里选院校。")
    college_type = Choice("院校类型", coerce=CollegeType, choices=CollegeType.choices(), required=False, blank="未知")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        self.city_code.offer(cities(session))


class EntryForm(NewEntryForm):
    """The same but for the code."""

    code = None


class DirectoryView(FilledSheets, UseCaseView):
    """院校名录."""

    model = InstitutionDirectoryEntry
    title = "院校名录"
    slug = "directory"
    menu_group = "机构管理"
    menu_order = 40
    one = "所院校"
    column_list = ("code", "name", "province_code", "city_code", "college_type", "college")
    column_sortable_list = ("code", "name", "city_code")
    column_default_sort = "code"
    column_labels = {
        "code": "院校代码",
        "name": "院校名称",
        "province_code": "省份",
        "city_code": "城市",
        "college": "是否注册",
    }
    column_filters = ("code", "name", "province_code", "city_code", "college_type")
    column_searchable_list = ("code", "name")
    column_formatters = {
        "province_code": lambda view, context, row, name: region_words(f"{row.province_code}0000"),
        "city_code": lambda view, context, row, name: region_words(row.city_code),
        "college_type": lambda view, context, row, name: row.college_type.label if row.college_type else None,
        "college": lambda view, context, row, name: "已注册" if row.college_id else "未注册",
    }
    create_with = Verb(directory.create_entry, "新增院校", form=NewEntryForm, act=ACT, done="已加入院校名录。")
    edit_with = Verb(
        directory.edit_entry,
        "编辑",
        form=EntryForm,
        act=ACT,
        fill=lambda row: {"name": row.name, "city_code": row.city_code, "college_type": row.college_type},
        done="已保存。",
    )
    sheets = (SheetDoor("directory", "导入院校名录", act=ACT),)

    def scaffold_filters(self, name: Any) -> list[PanelFilter]:
        if name == "province_code":
            return [Among(InstitutionDirectoryEntry.province_code, self.label(name), lambda: provinces(reader()))]
        if name == "city_code":
            return [Among(InstitutionDirectoryEntry.city_code, self.label(name), lambda: cities(reader()))]
        return super().scaffold_filters(name)

    def notes(self) -> str:
        """What the list is for."""
        return "院校注册时只能选择名录里本地区的院校；一个条目只能注册一次。"


class RegionForm(PanelForm):
    """行政区划."""

    code = text_field("行政区划代码", values.code(6), description="六位：省 420000，市 420100，区县 420111。")
    name = text_field("名称", values.text(100))


class RegionView(UseCaseView):
    """行政区划; others read it on their own pages, only the platform looks after it."""

    model = RegionName
    title = "行政区划"
    slug = "regions"
    menu_group = "系统管理"
    menu_order = 40
    one = "个地区"
    shows_history = False
    column_list = ("code", "name")
    column_labels = {"code": "行政区划代码", "name": "名称"}
    column_default_sort = "code"
    column_filters = ("code", "name")
    column_searchable_list = ("code", "name")
    create_with = Verb(organisations.name_region, "新增地区", form=RegionForm, act=ACT, done="已保存。")

    def is_accessible(self) -> bool:
        """The platform's administrators."""
        return super().is_accessible() and bool(self.verbs_above())


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [DirectoryView(db), RegionView(db)]
