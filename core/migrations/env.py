"""Alembic's entry: always on the engine of this process, never from an ini file."""

from __future__ import annotations

from alembic import context

from core.db import engine
from core.models.registry import metadata

with engine().connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
