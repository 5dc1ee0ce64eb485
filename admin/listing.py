"""The generated list: filters, status tabs with counts, sorting, paging, and what stands in its cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import g, request, url_for
from flask_admin.contrib.sqla import ModelView
from jinja2 import pass_context
from markupsafe import Markup
from sqlalchemy import func
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from admin import cells
from admin.filters import PanelFilter, filters_for
from core.errors import ValueRefused
from core.rules.exports import Asked
from core.rules.machine import Labelled


@dataclass(frozen=True)
class Tab:
    """One status tab: its word, the states behind it (none: all), and how many rows stand there now."""

    label: str
    states: frozenset[Any] | None
    count: int = 0
    url: str = ""
    is_open: bool = False


class Listing(ModelView):
    """The list of a UseCaseView; see there for what a view declares."""

    status_tabs: Any = None
    status_groups: ClassVar[Sequence[tuple[str, Iterable[Any]]]] = ()
    column_labels: ClassVar[Any] = {}  # with admin.labels.LABELS below it, once the view is made
    column_default_sort: Any = ("id", True)
    can_set_page_size = True
    page_size = 10
    page_size_options = (10, 20, 50, 100)
    simple_list_pager = True  # no count of its own: the tabs' counts are the count
    list_template = "admin/rows.html"

    def scaffold_auto_joins(self) -> list[Any]:
        return []  # get_list loads what the columns walk through

    def scaffold_filters(self, name: Any) -> list[PanelFilter]:
        return [self.handle_filter(flt) for flt in filters_for(self.model, name, self.label(name))]

    def label(self, name: str) -> str:
        """The Chinese word of a column."""
        return self.column_labels.get(name) or self.column_labels.get(name.rsplit(".", 1)[-1]) or name

    def get_column_name(self, field: Any) -> str:
        return self.label(field if isinstance(field, str) else field.key)

    def _get_list_filter_args(self) -> list[Any] | None:
        """Active filters; what is empty or means nothing is left out, so that no address can break the page."""
        known = {str(index): (index, flt) for index, flt in enumerate(self._filters or [])}
        found = []
        for argument, typed in request.args.items():
            flt = known.get(argument.rsplit("_", 1)[-1]) if argument.startswith("flt") else None
            if flt is not None and flt[1].validate(typed):
                found.append((flt[0], flt[1].name, typed))
        return found or None

    def _get_list_extra_args(self) -> Any:
        """前往 counts pages from one."""
        args = super()._get_list_extra_args()
        wanted = args.extra_args.pop("goto", "")
        args.page = int(wanted) - 1 if wanted.isascii() and wanted.isdigit() and len(wanted) < 8 else args.page
        return args

    def _loaded(self) -> list[Any]:
        """Joined loading of the relations that columns walk through."""
        options = []
        for name in dict.fromkeys(column for column in self.column_list or () if isinstance(column, str)):
            option, owner = None, self.model
            for part in name.split("."):
                attribute = getattr(owner, part, None)
                if not isinstance(attribute, InstrumentedAttribute) or not hasattr(attribute.property, "mapper"):
                    break
                if attribute.property.uselist:
                    break
                option = joinedload(attribute) if option is None else option.joinedload(attribute)
                owner = attribute.property.mapper.class_
            if option is not None:
                options.append(option)
        return options

    def get_list(
        self,
        page: int | None,
        sort_column: Any,
        sort_desc: bool,
        search: str | None,
        filters: Any,
        execute: bool = True,
        page_size: int | None = None,
    ) -> tuple[int, list[Any]]:
        """One page of rows and how many there are; the tabs are counted by the same query."""
        wanted = _tidied(search) or None
        _, query = super().get_list(None, sort_column, sort_desc, wanted, filters, execute=False, page_size=0)
        self._count_tabs(query, is_whole=not filters and wanted is None)
        tab = next((tab for tab in self.tabs if tab.is_open), None)
        if tab is not None and tab.states is not None:
            query = query.filter(self._status_column().in_(tab.states))
        count = tab.count if tab else query.order_by(None).with_entities(func.count(self.model.id)).scalar()
        size = page_size or self.page_size
        g.page = max(0, min(page or 0, (count - 1) // size if count else 0))
        ordered = query.order_by(self.model.id.desc())  # equal values of a sorted column keep one order across pages
        return count, ordered.options(*self._loaded()).limit(size).offset(g.page * size).all()

    @property
    def tabs(self) -> list[Tab]:
        """The status tabs of the list that this request shows."""
        return list(g.get("tabs", ()))

    def open_page(self) -> int:
        """The page of the list that is shown, from zero; never past the end."""
        return int(g.get("page", 0))

    def _status_column(self) -> Any:
        return getattr(self.model, type(self).status_tabs.key)

    def _tab_words(self) -> list[tuple[str, frozenset[Any] | None]]:
        if self.status_groups:
            return [("全部", None), *((word, frozenset(states)) for word, states in self.status_groups)]
        states: type[Labelled] = type(self).status_tabs.property.columns[0].type.enum_class
        return [("全部", None), *((state.label, frozenset({state})) for state in states)]

    def kept_counts(self) -> dict[Any, int] | None:
        """Rows per state of the whole list, where somebody keeps count of them; None: they are counted."""
        return None

    def _count_tabs(self, query: Any, *, is_whole: bool) -> None:
        g.tabs = []
        if type(self).status_tabs is None:
            return
        column = self._status_column()
        numbers = self.kept_counts() if is_whole else None
        if numbers is None:
            counted = query.order_by(None).with_entities(column, func.count(self.model.id)).group_by(column)
            numbers = dict(counted.all())
        chosen = request.args.get("tab", 0, type=int)
        words = self._tab_words()
        for index, (word, states) in enumerate(words):
            count = sum(number for state, number in numbers.items() if states is None or state in states)
            is_open = index == (chosen if 0 <= chosen < len(words) else 0)
            g.tabs.append(Tab(word, states, count, self._here(tab=index or None, page=None), is_open))

    # -- the rows somebody wants to take away --------------------------------------------------------------------------

    def asked_for(self, ids: Iterable[int] = ()) -> Asked:
        """The ticked rows, else the filter, search and tab of this request's address (R-013)."""
        if ticked := tuple(ids):
            return Asked(page=self.endpoint, ids=ticked)
        typed = [(self._filters[index], value) for index, _, value in self._get_list_filter_args() or []]
        words = ((flt.name, value, dict(flt.choices()).get(value, value)) for flt, value in typed)
        search = _tidied(request.args.get("search"))
        return Asked(page=self.endpoint, search=search, tab=self._open_tab(), filters=tuple(words))

    def _open_tab(self) -> str:
        """The word of the tab this request's address names; "" for 全部 and for lists without tabs."""
        words = self._tab_words() if type(self).status_tabs is not None else []
        chosen = request.args.get("tab", 0, type=int)
        return words[chosen][0] if 0 < chosen < len(words) else ""

    def matching(self, asked: Asked) -> Any:
        """A condition on this list's table: the rows asked for, as far as they are in scope now.

        ValueRefused where the list no longer has the filter or tab: nobody gets more than was asked for.
        """
        query = self.get_query().filter(self.model.id.in_(asked.ids)) if asked.ids else self._filtered(asked)
        return self.model.id.in_(query.order_by(None).with_entities(self.model.id).statement.correlate(None))

    def _filtered(self, asked: Asked) -> Any:
        known = {flt.name: (index, flt) for index, flt in enumerate(self._filters or [])}
        filters = []
        for name, value, _ in asked.filters:
            if name not in known or not known[name][1].validate(value):
                raise ValueRefused("export_without_page", rule="R-013")
            filters.append((known[name][0], name, value))
        _, query = super().get_list(None, None, False, asked.search or None, filters, execute=False, page_size=0)
        if not asked.tab:
            return query
        states = dict(self._tab_words()).get(asked.tab)
        if states is None:
            raise ValueRefused("export_without_page", rule="R-013")
        return query.filter(self._status_column().in_(states))

    def _here(self, **changes: Any) -> str:
        kept = {name: value for name, value in request.args.items() if value} | changes
        return url_for(
            f"{self.endpoint}.index_view", **{name: value for name, value in kept.items() if value is not None}
        )

    @pass_context
    def get_list_value(self, context: Any, model: Any, name: str) -> str | Markup:
        formatter = (self.column_formatters or {}).get(name)
        value = formatter(self, context, model, name) if formatter else self.value_of(model, name)
        return cells.shown(value, name)

    def get_detail_value(self, context: Any, model: Any, name: str) -> str | Markup:
        formatter = (self.column_formatters_detail or self.column_formatters or {}).get(name)
        value = formatter(self, context, model, name) if formatter else self.value_of(model, name)
        return cells.shown(value, name)

    def value_of(self, row: Any, name: str) -> Any:
        """The value behind a dotted name; None as soon as something on the way is None."""
        for part in name.split("."):
            row = getattr(row, part) if row is not None else None
        return row

    def filter_controls(self) -> list[dict[str, Any]]:
        """The filter row: one control per filter with what it is set to."""
        typed = {name.rsplit("_", 1)[-1]: value for name, value in request.args.items() if name.startswith("flt")}
        return [
            {
                "name": f"flt{index}_{index}",
                "label": flt.name,
                "control": flt.control,
                "blank": flt.blank,
                "choices": flt.choices(),
                "value": typed.get(str(index), ""),
            }
            for index, flt in enumerate(self._filters or [])
        ]


def _tidied(search: str | None) -> str:
    """What was typed into the search box, short enough to look for."""
    return (search or "").replace("\x00", "").strip()[:100]
