"""Announcements of organisations to the people they answer for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import UtcDateTime

revision = "0014"
down_revision = "0013"


def _of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    """Nobody has announced anything yet."""
    op.create_table(
        "announcements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", _of("announcementkind", "notice", "policy", "news"), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=True),
        sa.Column("org_id", sa.Integer(), nullable=True),
        sa.Column("roles", sa.String(length=120), nullable=False),
        sa.Column("is_receipt_asked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("answer_until", UtcDateTime(), nullable=True),
        sa.Column("told_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_because", sa.Text(), nullable=False),
        sa.Column("state", _of("announcementstate", "draft", "published", "withdrawn"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("authority_id IS NULL OR org_id IS NULL", name=op.f("ck_announcements_one_issuer")),
        sa.CheckConstraint(
            "is_receipt_asked = (answer_until IS NOT NULL)", name=op.f("ck_announcements_receipt_has_time")
        ),
        sa.CheckConstraint(
            "(state IN ('draft')) = (published_at IS NULL)", name=op.f("ck_announcements_published_has_time")
        ),
        sa.CheckConstraint(
            "(state IN ('withdrawn')) = (withdrawn_at IS NOT NULL)", name=op.f("ck_announcements_withdrawn_has_time")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["education_authorities.id"],
            name=op.f("fk_announcements_authority_id_education_authorities"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["evaluation_orgs.id"],
            name=op.f("fk_announcements_org_id_evaluation_orgs"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
    )
    for column in ("authority_id", "org_id"):
        op.create_index(f"ix_announcements_{column}", "announcements", [column])


def downgrade() -> None:
    """What was announced is gone; the trail keeps it."""
    op.drop_table("announcements")
