"""The two databases the suite runs on are migrated for real, agree with the tables, and start empty for every test."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, select, text
from sqlalchemy.engine import Connection

from core import db
from core.actors import SYSTEM
from core.models.records import Heartbeat
from core.models.registry import metadata


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_has_a_database_to_itself(any_database: str, turn: str) -> None:
    with db.transaction(SYSTEM) as tx:
        tx.beat(turn)
    with db.reading() as session:
        assert session.scalars(select(Heartbeat.name)).all() == [turn]


def test_the_migrations_make_the_tables_the_models_describe(any_database: str) -> None:
    with db.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def promises(connection: Connection, schema: str | None = None) -> set[tuple[str, str, str]]:
    """(table, name, text) of every check, the enums' among them, and of every condition of a partial index."""
    look = inspect(connection)
    found = set()
    for table in metadata.tables:
        for check in look.get_check_constraints(table, schema=schema):
            found.add((table, str(check["name"]), " ".join(str(check["sqltext"]).split())))
        for index in look.get_indexes(table, schema=schema):
            options = index.get("dialect_options", {})
            where = options.get("sqlite_where", options.get("postgresql_where"))
            if where is not None:
                found.add((table, str(index["name"]), " ".join(str(where).split())))
    return found


def as_described(engine: Engine) -> set[tuple[str, str, str]]:
    """The promises of tables made straight from the models, on the same kind of database."""
    if engine.dialect.name == "sqlite":
        fresh = create_engine("sqlite://")
        metadata.create_all(fresh)
        with fresh.connect() as connection:
            return promises(connection)
    with engine.connect().execution_options(schema_translate_map={None: "described"}) as connection:
        connection.execute(text("CREATE SCHEMA described"))
        metadata.create_all(connection)
        return promises(connection, "described")


def test_the_migrations_make_every_check_enum_and_partial_index_the_models_describe(any_database: str) -> None:
    """Alembic's own comparison looks at none of these."""
    wanted = as_described(db.engine())
    with db.engine().connect() as connection:
        assert promises(connection) == wanted
    named = {name for _, name, _ in wanted}
    assert {"ck_certificate_issuances_issuancestate", "uq_electronic_seals_active"} <= named
