"""Many rows at once, as fast as the driver takes them: executemany on SQLite, COPY on PostgreSQL.

Column types convert values as in any other statement; only the per-row work of the ORM and of statement building is
left out. From some thousand rows on this is several times faster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    SQLColumnExpression,
    String,
    Table,
    Text,
    any_,
    bindparam,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.schema import ScalarElementColumnDefault

_BINARY = {
    "INTEGER": "int4",
    "BIGINT": "int8",
    "BOOLEAN": "bool",
    "VARCHAR": "text",
    "TEXT": "text",
    "BYTEA": "bytea",
    "DATE": "date",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
}  # column → what the driver calls it
_TEXTS = {"VARCHAR", "TEXT"}
_LISTED = "listed"  # the parameter of among()


def pour(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], fixed: Mapping[str, Any]) -> None:
    """Insert rows, all with the same keys; fixed: columns that are the same in each. IntegrityError as ever."""
    given: dict[str, Any] = {**_defaults(table), **fixed}
    columns = [column for column in table.columns if column.name in given or column.name in rows[0]]
    records = zip(*(_converted(connection, column, rows, given) for column in columns), strict=False)
    spelled = connection.dialect.identifier_preparer.format_column  # one of them is called column
    names = ", ".join(map(spelled, columns))
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table.name} ({names}) FROM STDIN", records, _as_bytes(connection, columns))
    else:
        marks = ", ".join("?" for _ in columns)
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608  names of our own tables
        connection.exec_driver_sql(statement, list(records))


def _defaults(table: Table) -> dict[str, Any]:
    """What the models fill in where nothing is given."""
    return {
        column.name: column.default.arg
        for column in table.columns
        if isinstance(column.default, ScalarElementColumnDefault)
    }


def _converted(
    connection: Connection, column: Column[Any], rows: Sequence[Mapping[str, Any]], given: Mapping[str, Any]
) -> Iterable[Any]:
    """One column of all rows, as the driver wants it; endless where every row has the same."""
    convert = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    if column.name in rows[0]:
        values = [row[column.name] for row in rows]
        return map(convert, values) if convert else values
    value = given[column.name]
    return repeat(convert(value) if convert else value)


def _as_bytes(connection: Connection, columns: Sequence[Column[Any]]) -> list[str]:
    """The types for a binary COPY, where one of the columns holds bytes: as text each byte of a picture would be two.

    Empty where text will do, and where a type is not among those that are sure to look the same on both sides.
    """
    if not any(isinstance(column.type, LargeBinary) for column in columns):
        return []
    kinds = [_kind(connection, column) for column in columns]
    return [_BINARY[kind] for kind in kinds] if _BINARY.keys() >= set(kinds) else []


def _kind(connection: Connection, column: Column[Any]) -> str:
    return column.type.compile(connection.dialect).partition("(")[0]


def _copy(connection: Connection, statement: str, records: Iterable[Sequence[Any]], types: Sequence[str]) -> None:
    """types: of the columns, for binary; none for text."""
    driver: Any = connection.connection.driver_connection
    how = f"{statement} (FORMAT BINARY)" if types else statement
    try:
        with driver.cursor() as cursor, cursor.copy(how) as copy:
            if types:
                copy.set_types(types)
            for record in records:
                copy.write_row(record)
    except connection.dialect.loaded_dbapi.IntegrityError as clash:
        raise IntegrityError(statement, None, clash) from clash


def renew(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], same: Mapping[str, Any]) -> None:
    """Set the values of each row, found by its id, on that row; same: what all of them get.

    One statement on PostgreSQL, where a statement per row costs a round of planning and answering each.
    """
    names = [name for name in rows[0] if name != "id"]
    if connection.dialect.name == "postgresql":
        lists = [_as_array(connection, table.c[name], rows) for name in ("id", *names)]
        given = func.unnest(*lists).table_valued("id", *names, name="given").render_derived()
        values = {name: given.c[name] for name in names}
        connection.execute(update(table).where(table.c.id == given.c.id).values(values | dict(same)))
        return
    marks: dict[str, Any] = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    statement = update(table).where(table.c.id == bindparam("row_id")).values(marks | dict(same))
    connection.execute(
        statement, [{"row_id": row["id"]} | {f"new_{name}": row[name] for name in names} for row in rows]
    )


def _as_array(connection: Connection, column: Column[Any], rows: Sequence[Mapping[str, Any]]) -> ColumnElement[Any]:
    """One column of all rows as a parameter; texts without their column's length, to which they would be cut."""
    if _kind(connection, column) in _TEXTS:
        return literal(list(_converted(connection, column, rows, {})), ARRAY(Text))
    return literal([row[column.name] for row in rows], ARRAY(column.type))


def one_of(
    connection: Connection,
    column: SQLColumnExpression[str] | SQLColumnExpression[int],
    values: Iterable[str] | Iterable[int],
) -> ColumnElement[bool]:
    """column IN values, however many there are: they travel as one parameter. For the long run see among()."""
    wanted: list[Any] = list(values)
    if connection.dialect.name == "postgresql":
        kind = Integer if isinstance(cast("ColumnElement[Any]", column).type, Integer) else String
        return column == any_(literal(wanted, ARRAY(kind)))
    each = func.json_each(json.dumps(wanted, ensure_ascii=False)).table_valued("value")
    return column.in_(select(each.c.value))


def among(connection: Connection, column: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """column IN the texts that listed() hands over when the statement is executed, however many there are.

    The texts are kept out of the expression: it refers to itself, and would hold them until the collector comes.
    """
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(_LISTED, type_=ARRAY(String)))
    return column.in_(select(func.json_each(bindparam(_LISTED, type_=String)).table_valued("value").c.value))


def listed(connection: Connection, texts: Iterable[str]) -> dict[str, Any]:
    """The parameter of a statement with among(): all of them travel as one."""
    wanted = list(texts)
    is_array = connection.dialect.name == "postgresql"
    return {_LISTED: wanted if is_array else json.dumps(wanted, ensure_ascii=False)}
