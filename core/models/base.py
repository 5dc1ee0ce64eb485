"""Column words and promises that all tables share."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Enum, ForeignKey, Index, MetaData, String, Text, TypeDecorator, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from core.rules.catalogue import ExamMode

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in, aware UTC out, on SQLite and PostgreSQL alike; a naive instant is a bug and says so."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


class ModeSet(TypeDecorator[frozenset[ExamMode]]):
    """A set of exam modes as one sorted text, e.g. `computer,practical` (R-052, R-126)."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: Iterable[ExamMode] | None, dialect: Dialect) -> str | None:
        return None if value is None else ",".join(mode.value for mode in ExamMode if mode in set(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> frozenset[ExamMode] | None:
        return None if value is None else frozenset(ExamMode(part) for part in value.split(",") if part)


Code = Annotated[str, mapped_column(String(40))]
Name = Annotated[str, mapped_column(String(200))]
Words = Annotated[str, mapped_column(Text)]
Mobile = Annotated[str, mapped_column(String(11))]
Region = Annotated[str, mapped_column(String(6))]
Hash = Annotated[str, mapped_column(String(64))]
Modes = Annotated[frozenset[ExamMode], mapped_column(ModeSet)]


class Base(DeclarativeBase):
    """id, version and who-when on every table; __audited__ tables are written to the trail by Tx."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        enum.Enum: Enum(
            enum.Enum,
            native_enum=False,
            create_constraint=True,
            validate_strings=True,
            length=32,
            values_callable=lambda members: [member.value for member in members],
        ),
    }
    __audited__: ClassVar[bool] = True
    __private__: ClassVar[frozenset[str]] = frozenset()  # columns the trail names but never quotes
    __tallied__: ClassVar[tuple[str, ...]] = ()  # columns by whose values rows are counted per state, see Tally

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


class Record(Base):
    """A thing people work on: carries a version against lost updates, and who made and last touched it."""

    __abstract__ = True

    version: Mapped[int] = mapped_column(default=1, server_default="1", sort_order=90)
    created_at: Mapped[datetime] = mapped_column(sort_order=91)
    created_by: Mapped[int | None] = mapped_column(sort_order=92)
    updated_at: Mapped[datetime] = mapped_column(sort_order=93)
    updated_by: Mapped[int | None] = mapped_column(sort_order=94)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


def belongs(target: str, *, nullable: bool = False, index: bool = True) -> Any:
    """A foreign key that never lets its parent be deleted from under it."""
    return mapped_column(ForeignKey(target, ondelete="RESTRICT"), nullable=nullable, index=index)


def part_of(target: str, *, nullable: bool = False, index: bool = True) -> Any:
    """A foreign key to the whole this row is a part of; it goes when the whole goes."""
    return mapped_column(ForeignKey(target, ondelete="CASCADE"), nullable=nullable, index=index)


def is_in(column: str, states: Iterable[enum.Enum]) -> str:
    """SQL `column IN (…)` built from the enum, so that table and machine cannot drift apart."""
    listed = ", ".join(f"'{state.value}'" for state in sorted(states, key=lambda s: str(s.value)))
    return f"{column} IN ({listed})"


def only_when(name: str, column: str, state_column: str, states: Iterable[enum.Enum]) -> CheckConstraint:
    """The column is filled exactly in these states."""
    return CheckConstraint(f"({is_in(state_column, states)}) = ({column} IS NOT NULL)", name=name)


def one_living(name: str, *columns: str, where: str) -> Index:
    """At most one living row for these columns: a partial unique index on both databases."""
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))


def window_check(name: str) -> CheckConstraint:
    """name_opens_at < name_closes_at."""
    return CheckConstraint(f"{name}_opens_at < {name}_closes_at", name=f"{name}_order")
