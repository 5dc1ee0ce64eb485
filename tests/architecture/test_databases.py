"""The two databases the suite runs on are migrated for real, agree with the tables, and start empty for every test."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

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
