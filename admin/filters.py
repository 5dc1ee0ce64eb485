"""One filter per column, chosen by its type; a value that does not fit is no filter, never an error page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask_admin.contrib.sqla import tools
from flask_admin.contrib.sqla.filters import BaseSQLAFilter
from sqlalchemy import Boolean, Enum, Integer

from core import clock
from core.models.base import UtcDateTime

Options = list[tuple[str, str]]


class PanelFilter(BaseSQLAFilter):
    """A filter with a control: text, select, date or number. takes() turns the typed text into a value or None."""

    control = "text"
    blank = "全部"  # what a select says while nothing is chosen

    def takes(self, typed: str) -> Any | None:
        """The value behind the typed text; None when it means nothing to this filter."""
        return typed.replace("\x00", "").strip() or None

    def validate(self, value: str) -> bool:
        return self.takes(value) is not None

    def clean(self, value: str) -> Any:
        return self.takes(value)

    def operation(self) -> str:
        return ""

    def choices(self) -> Options:
        """(value, word) pairs of a select; empty for other controls."""
        return []


class Contains(PanelFilter):
    """Text somewhere in the column."""

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias).icontains(value, autoescape=True))


class Among(PanelFilter):
    """One of an enumeration, or of options given as pairs or as a function that finds them."""

    control = "select"

    def __init__(
        self, column: Any, name: str, options: Iterable[tuple[Any, str]] | Callable[[], Iterable[tuple[Any, str]]]
    ) -> None:
        super().__init__(column, name)
        self._found = options

    def _pairs(self) -> list[tuple[Any, str]]:
        return list(self._found() if callable(self._found) else self._found)

    def choices(self) -> Options:
        return [(str(getattr(value, "value", value)), word) for value, word in self._pairs()]

    def takes(self, typed: str) -> Any | None:
        return next((value for value, _ in self._pairs() if str(getattr(value, "value", value)) == typed), None)

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias) == value)


class Number(PanelFilter):
    """A whole number, equal."""

    control = "number"

    def takes(self, typed: str) -> int | None:
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias) == value)


class FromDay(PanelFilter):
    """Instants from the beginning of a business day on."""

    control = "date"

    def takes(self, typed: str) -> datetime | None:
        try:
            chosen = date.fromisoformat(typed)
        except ValueError:
            return None
        if not 1990 < chosen.year < 2200:
            return None
        return datetime.combine(chosen, time(), clock.zone()).astimezone(UTC)

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias) >= value)


class UntilDay(FromDay):
    """Instants up to the end of a business day."""

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias) < value + timedelta(days=1))


def filters_for(model: type, name: str, label: str) -> list[PanelFilter]:
    """The filters a column of this type gets; name may walk relations (`college.name`)."""
    attribute, _ = tools.get_field_with_path(model, name)
    kind = attribute.property.columns[0].type
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return [Among(name, label, [(member, getattr(member, "label", "")) for member in kind.enum_class])]
    if isinstance(kind, Boolean):
        return [Among(name, label, [(True, "是"), (False, "否")])]
    if isinstance(kind, UtcDateTime):
        return [FromDay(name, f"{label}自"), UntilDay(name, f"{label}至")]
    return [Number(name, label)] if isinstance(kind, Integer) else [Contains(name, label)]
