"""Many rows at once, as fast as the driver takes them: executemany on SQLite, COPY on PostgreSQL.

Column types convert values as in any other statement; only the per-row work of the ORM and of statement building is
left out. From some thousand rows on this is several times faster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Column, ColumnElement, SQLColumnExpression, String, Table, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.schema import ScalarElementColumnDefault

_LISTED = "listed"  # the parameter of among()


def pour(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], fixed: Mapping[str, Any]) -> None:
    """Insert rows, all with the same keys; fixed: columns that are the same in each. IntegrityError as ever."""
    given: dict[str, Any] = {**_defaults(table), **fixed}
    columns = [column for column in table.columns if column.name in given or column.name in rows[0]]
    records = zip(*(_converted(connection, column, rows, given) for column in columns), strict=False)
    spelled = connection.dialect.identifier_preparer.format_column  # one of them is called column
    names = ", ".join(map(spelled, columns))
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table.name} ({names}) FROM STDIN", records)
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


def _copy(connection: Connection, statement: str, records: Iterable[Sequence[Any]]) -> None:
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for record in records:
                copy.write_row(record)
    except connection.dialect.loaded_dbapi.IntegrityError as clash:
        raise IntegrityError(statement, None, clash) from clash


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
