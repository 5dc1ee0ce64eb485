"""Accounts of candidates: one per candidate at most."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_HAS_CANDIDATE = sa.text("candidate_id IS NOT NULL")


def upgrade() -> None:
    """The index that finds an account by its candidate also says that there is only one."""
    op.drop_index("ix_user_accounts_candidate_id", table_name="user_accounts")
    op.create_index(
        "uq_user_accounts_candidate",
        "user_accounts",
        ["candidate_id"],
        unique=True,
        sqlite_where=_HAS_CANDIDATE,
        postgresql_where=_HAS_CANDIDATE,
    )


def downgrade() -> None:
    """Back to an index that promises nothing."""
    op.drop_index("uq_user_accounts_candidate", table_name="user_accounts")
    op.create_index("ix_user_accounts_candidate_id", "user_accounts", ["candidate_id"], unique=False)
