"""Through what a file came, or was last decided on: who wrote in chat is answered in chat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """One column; files that wait already came through the panel."""
    op.add_column("import_files", sa.Column("channel", sa.String(length=16), server_default="panel", nullable=False))


def downgrade() -> None:
    """Whoever sent a file looks for its result in the panel."""
    op.drop_column("import_files", "channel")
