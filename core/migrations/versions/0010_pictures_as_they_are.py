"""PostgreSQL stores pictures as they are: a JPEG is packed already, and trying again took longer than all the rest."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

_PICTURES = (("candidate_photos", "data"), ("photo_verdicts", "offer"))


def upgrade() -> None:
    """Outside the row and not compressed; what is there already stays as it was stored."""
    _store("EXTERNAL")


def downgrade() -> None:
    """As any column: compressed where that helps."""
    _store("EXTENDED")


def _store(how: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in _PICTURES:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE {how}")
