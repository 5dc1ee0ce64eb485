"""The clock's words as columns, so that the database can count and filter by what is never stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Enum, bindparam

from core.models.base import UtcDateTime
from core.rules.machine import Labelled


def word(member: Labelled) -> ColumnElement[Any]:
    """A member of an enumeration, read back as that member."""
    return literal(member, Enum(type(member), native_enum=False, values_callable=lambda m: [x.value for x in m]))


def moment(now: datetime) -> ColumnElement[Any]:
    """An instant to compare with."""
    return literal(now, UtcDateTime())


def literal(value: Any, kind: Any) -> ColumnElement[Any]:
    """Written into the statement: PostgreSQL groups by an expression only if it holds no parameters."""
    return bindparam(None, value, type_=kind, literal_execute=True)
