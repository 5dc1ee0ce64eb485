"""Alembic's entry: always on the engine of this process, never from an ini file."""

from __future__ import annotations

from alembic import context

from core.db import engine
from core.models.registry import metadata

with engine().connect() as connection:
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        # A table is changed by copying it; dropping the old copy must not ask its children (only before a transaction).
        connection.connection.execute("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=is_sqlite,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
    if is_sqlite:
        orphans = connection.connection.execute("PRAGMA foreign_key_check").fetchall()
        connection.connection.execute("PRAGMA foreign_keys=ON")
        if orphans:
            raise RuntimeError(f"rows without the row they belong to: {orphans[:5]}")
