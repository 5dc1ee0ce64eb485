"""When the personal part of an import was put away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One column, empty until the sweep fills it."""
    with op.batch_alter_table("import_jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cleared_at", UtcDateTime(), nullable=True))
        batch_op.create_check_constraint(op.f("ck_import_jobs_cleared"), "cleared_at IS NULL OR failed_rows IS NULL")


def downgrade() -> None:
    """What was put away stays away."""
    with op.batch_alter_table("import_jobs", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_import_jobs_cleared"), type_="check")
        batch_op.drop_column("cleared_at")
