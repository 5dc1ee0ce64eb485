"""Numbers of candidates that were merged into others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "merged_candidates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("candidate_no", sa.String(length=40), nullable=False),
        sa.Column("merged_at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["user_accounts.id"],
            name=op.f("fk_merged_candidates_actor_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_merged_candidates_candidate_id_candidates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_candidates")),
        sa.UniqueConstraint("candidate_no", name=op.f("uq_merged_candidates_candidate_no")),
    )
    with op.batch_alter_table("merged_candidates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_merged_candidates_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_merged_candidates_candidate_id"), ["candidate_id"], unique=False)


def downgrade() -> None:
    """Those numbers find nobody any more; the trail keeps them."""
    op.drop_table("merged_candidates")
