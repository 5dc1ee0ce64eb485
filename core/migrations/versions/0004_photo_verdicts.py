"""Photo verdicts: what became of each file of a photo import, and the crops that wait for a person's word."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Imports of before have no verdicts; their rejected files are in their workbooks."""
    op.create_table(
        "photo_verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "accepted",
                "unchanged",
                "offered",
                "adopted",
                "dropped",
                "refused",
                name="photostate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column(
            "twin",
            sa.Enum(
                "archive",
                "college",
                "elsewhere",
                name="twin",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("twin_place", sa.Integer(), nullable=True),
        sa.Column("twin_id", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("offer", sa.LargeBinary(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('offered')) = (offer IS NOT NULL)",
            name=op.f("ck_photo_verdicts_offer_while_undecided"),
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_photo_verdicts_candidate_id_candidates"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_jobs.id"], name=op.f("fk_photo_verdicts_job_id_import_jobs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["twin_id"],
            ["candidates.id"],
            name=op.f("fk_photo_verdicts_twin_id_candidates"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_verdicts")),
        sa.UniqueConstraint("job_id", "place", name=op.f("uq_photo_verdicts_job_id_place")),
    )
    with op.batch_alter_table("photo_verdicts", schema=None) as batch_op:
        batch_op.create_index("ix_photo_verdicts_candidate_id", ["candidate_id"], unique=False)
        batch_op.create_index("ix_photo_verdicts_job_state", ["job_id", "state"], unique=False)
        batch_op.create_index("ix_photo_verdicts_twin_id", ["twin_id"], unique=False)


def downgrade() -> None:
    """Back, without crops that nobody decided on."""
    with op.batch_alter_table("photo_verdicts", schema=None) as batch_op:
        batch_op.drop_index("ix_photo_verdicts_twin_id")
        batch_op.drop_index("ix_photo_verdicts_job_state")
        batch_op.drop_index("ix_photo_verdicts_candidate_id")

    op.drop_table("photo_verdicts")
