"""The base of every panel view: lists are generated, writes are declared.

A view names its model, its columns and its verbs; nothing else touches rows::

    class SiteView(UseCaseView):
        model = ExamSite
        title = "考核站点"                              # menu and page title
        category = "考务管理"                           # group of the menu, see admin.menu.GROUPS
        slug = "sites"                                 # /admin/sites/
        column_list = ("site_no", "name", "org.name", "review_state", "site_state")
        column_labels = {"site_no": "站点编号"}          # what admin.labels.LABELS does not know
        column_searchable_list = ("site_no", "name")
        column_filters = ("site_no", "name", "org.name", "created_at")   # one control each, by type
        status_tabs = ExamSite.review_state            # 全部 / 未提交 / 待审核 …, with counts
        detail_groups = (("申请信息", ("site_no", "name", "address")), ("联系人", ("contact_name", "contact_mobile")))

        create_with = Verb(draft_site, "申报考核站点", form=SiteForm, act="edit_site", shape=…)
        edit_with = Verb(edit_site, "编辑", form=SiteForm, act="edit_site", when=lambda row, actor: …, fill=…)
        row_verbs = (
            Verb(submit_site, "提交", act="edit_site", move=(EXAM_SITE, "submit"), confirm="提交后不能再修改。"),
            Verb(approve_site, "通过", act="review_site", move=(EXAM_SITE, "approve"), confirm="确定通过吗？"),
            Verb(return_site, "退回", form=ReasonForm, act="review_site", move=(EXAM_SITE, "return"), tone="danger"),
        )
        batch_verbs = (Verb(approve_site, "批量通过", act="review_site", confirm="确定通过 {count} 个考核站点吗？"),)
        sheets = (SheetDoor("rooms", "导入考场", act="edit_room"),)
        exports = (ExportDoor("score-list", "批量导出科目成绩"),)

    def views(db):                                     # every file of admin/views ends with this
        return [SiteView(db)]

Who sees the view and which rows is core.queries.scoping's business: a role without an entry there sees no menu item
and gets 404; a row out of scope is 404 as well. Every write runs as `with transaction(actor) as tx: usecase(tx, …)`;
a refusal is shown in words above the form. Hooks to override: related(row) for tables below the details,
links(row) for buttons to documents and other pages, recap_columns for what a verb's page repeats of the row, notes()
for a hint above the list, column_formatters = {"column": function(view, context, row, name)} for special cells.

What Flask-Admin would write by itself (new, edit, delete, action, inline editing, export) has no address here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import abort, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import func, select

from admin import history
from admin.export_page import ExportDoor, ExportPages
from admin.forms import PanelForm
from admin.import_page import SheetDoor, SheetPages
from admin.labels import LABELS
from admin.listing import Listing
from admin.session import current_actor, is_logged_in, reader, row_number
from admin.standing import gate_note
from admin.verb_pages import VerbPages
from admin.verbs import Tickets, Verb
from core.actors import Actor
from core.errors import Refusal
from core.models.base import Base
from core.notifications.words import sentence
from core.queries import scoping

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Related:
    """A table below the details of a row; cells are shown as they come (strings, states, times)."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    empty: str = "暂无记录。"


@dataclass(frozen=True)
class Link:
    """A button to another page or document."""

    label: str
    url: str


class UseCaseView(VerbPages, SheetPages, ExportPages, Listing):
    """See the head of this module."""

    model: Any = None
    title: ClassVar[str] = ""
    titles: ClassVar[dict[str, str]] = {}  # role value -> the page's name for that role
    slug: str = ""
    menu_group: ClassVar[str] = ""
    menu_order: ClassVar[int] = 50
    one: str = "条记录"  # 共 12 条记录

    create_with: Verb | None = None
    edit_with: Verb | None = None
    page_verbs: Sequence[Verb] = ()
    row_verbs: Sequence[Verb] = ()
    batch_verbs: Sequence[Verb] = ()
    batch_on_filter: bool = False  # verbs for many may take everything the list's conditions find
    sheets: Sequence[SheetDoor] = ()
    exports: Sequence[ExportDoor] = ()
    detail_groups: ClassVar[Sequence[tuple[str, Sequence[str]]]] = ()
    recap_columns: Sequence[str] = ()
    shows_history: ClassVar[bool] = True
    only_pilots: ClassVar[bool] = False  # nothing is added here by colleges that are no pilots
    audited_as: ClassVar[str] = ""  # the trail's object type, the table's name by default

    can_create = can_edit = can_delete = can_export = False
    can_view_details = True

    # What Flask-Admin offers by itself has no address: None is not exposed (stack.md findings 1, 2, 5).
    create_view = edit_view = delete_view = action_view = export = ajax_update = ajax_lookup = None

    def __init__(self, db: Any) -> None:
        self.__dict__["column_labels"] = {**LABELS, **type(self).column_labels}
        self._tickets = Tickets()
        super().__init__(
            self.model, db, name=self.title, category=self.menu_group, endpoint=self.slug, url=f"/admin/{self.slug}"
        )

    # -- who may come in, and what they may see ------------------------------------------------------------------------

    def is_accessible(self) -> bool:
        """Whoever reads this table (§8.8)."""
        return is_logged_in() and scoping.may_see(self.model, current_actor())

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        """To the login, or 404: a page that is not for this role does not exist for it."""
        if not is_logged_in():
            return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
        abort(404)

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Flask-Admin calls a view a second time after a TypeError; a write must not happen twice."""
        return fn(self, *args, **kwargs)

    @property
    def actor(self) -> Actor:
        """Whoever is looking."""
        return current_actor()

    def title_for(self, actor: Actor) -> str:
        """What this page is called for this person."""
        return next((word for role, word in self.titles.items() if role in actor.roles), self.title)

    def scope(self) -> Any:
        """The condition every query of this view carries."""
        return scoping.visible(self.model, current_actor())

    def get_query(self) -> Any:
        return reader().query(self.model).filter(self.scope())

    def get_count_query(self) -> Any:
        return reader().query(func.count(self.model.id)).filter(self.scope())

    def get_one(self, id: Any) -> Any:  # Flask-Admin's name
        """The row within scope, or None; anything that is not a number is no row."""
        number = row_number(str(id))
        return None if number is None else self.get_query().filter(self.model.id == number).first()

    def row_or_404(self, ident: Any) -> Any:
        """The row within scope; what is out of scope does not exist."""
        row = self.get_one(ident)
        if row is None:
            abort(404)
        return row

    # -- nothing is written but by a verb ------------------------------------------------------------------------------

    def create_model(self, form: Any) -> bool:
        return self._no_such_way()

    def update_model(self, form: Any, model: Any) -> bool:
        return self._no_such_way()

    def delete_model(self, model: Any) -> bool:
        return self._no_such_way()

    def is_action_allowed(self, name: str) -> bool:
        return False

    def _no_such_way(self) -> bool:
        log.error("%s: a write that is no use case was turned away", self.endpoint)
        return False

    def handle_view_exception(self, exc: Exception) -> bool:
        """Never SQL on a screen, never personal data in a log."""
        log.error("%s: %s", self.endpoint, type(exc).__name__)
        flash(sentence(exc) if isinstance(exc, Refusal) else "系统未能完成此操作，没有更改任何数据。", "error")
        return True

    def scaffold_form(self) -> type[PanelForm]:
        return PanelForm

    # -- words and buttons ------------------------------------------------------------------------------------------

    def notes(self) -> str | Markup:
        """A hint above the list; by default why a college that is no pilot can add nothing here."""
        return gate_note() if self.only_pilots else ""

    def history_of(self, row: Any) -> list[history.Step]:
        """What the trail says of a row, newest first."""
        return history.of(reader(), self.audited_as or self.model.__tablename__, row.id)

    def related(self, row: Any) -> list[Related]:
        """Tables below the details; none by default."""
        return []

    def links(self, row: Any) -> list[Link]:
        """Documents and other pages of a row; none by default."""
        return []

    def goes_without_saying(self, column: str) -> bool:
        """True for columns that say the same in every row of this person's list: one's own organisation."""
        actor = current_actor()
        own = {"college.name": actor.college_id, "org.name": actor.org_id, "certificate.org.name": actor.org_id}
        return own.get(column) is not None

    def column_index(self, column: str) -> int:
        """Where a column stands among all of them; addresses sort by this number."""
        return [name for name, _ in self._list_columns].index(column)

    def page_links(self) -> list[Link]:
        """Buttons above the list that lead elsewhere (documents, exports); none by default."""
        return []

    def empty_words(self) -> str:
        """What an empty list says."""
        asked = {name for name, value in request.args.items() if value} - {"tab", "page", "page_size", "sort", "desc"}
        return "没有符合条件的记录，请放宽条件或点“重置”。" if asked else "这里还没有记录。"

    def name_of(self, row: Any) -> str:
        """How a row is called in titles and messages."""
        return str(getattr(row, "full_name", None) or getattr(row, "name", None) or row.id)

    def list_url(self) -> str:
        """Back to the list."""
        return url_for(f"{self.endpoint}.index_view")

    def details_url(self, row: Any) -> str:
        """To the page of a row."""
        return url_for(f"{self.endpoint}.details_view", id=row.id)

    # -- pages ---------------------------------------------------------------------------------------------------------

    def render(self, template: str, **facts: Any) -> str:
        """Flask-Admin's names for its own templates are not needed; the view itself is."""
        return render_template(template, view=self, **facts)

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        row = self.row_or_404(request.args.get("id"))
        entries = self.history_of(row) if self.shows_history else []
        return self.render("admin/record.html", row=row, groups=self._groups(row), history=entries)

    def _groups(self, row: Any) -> list[tuple[str, list[tuple[str, Any]]]]:
        groups = self.detail_groups or (("基本信息", tuple(self.column_list or ())),)
        return [
            (word, [(self.label(name), self.get_detail_value(None, row, name)) for name in names])
            for word, names in groups
        ]

    def recap(self, row: Any) -> list[tuple[str, Any]]:
        """What a verb's page repeats of the row."""
        names = self.recap_columns or tuple(self.column_list or ())[:6]
        return [(self.label(name), self.get_detail_value(None, row, name)) for name in names]


def choices_of(model: type[Base], label: Callable[[Any], str], *where: Any, order: Any = None) -> list[tuple[int, str]]:
    """(id, word) pairs of the rows this person may see, for a form's lists."""
    query = select(model).where(scoping.visible(model, current_actor()), *where).order_by(order or model.id)
    return [(row.id, label(row)) for row in reader().scalars(query).unique()]
