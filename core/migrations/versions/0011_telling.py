"""When people are told: choices of their own, deadlines of requests, digests, bursts and reminders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import UtcDateTime

revision = "0011"
down_revision = "0010"

_COLUMNS = (
    "due_at",
    "next_reminder_at",
    "reminders",
    "next_escalation_at",
    "escalations",
    "digest_on",
    "gathered_in",
    "about_id",
)
_INDEXES = {
    "ix_notifications_reminder": "next_reminder_at",
    "ix_notifications_escalation": "next_escalation_at",
    "ix_notifications_about": "about_id",
    "ix_notifications_gathered": "gathered_in",
}


def upgrade() -> None:
    """Messages that wait already have no deadline: they were told before there was a ladder."""
    op.add_column("notifications", sa.Column("due_at", UtcDateTime(), nullable=True))
    op.add_column("notifications", sa.Column("next_reminder_at", UtcDateTime(), nullable=True))
    op.add_column("notifications", sa.Column("reminders", sa.Integer(), server_default="0", nullable=False))
    op.add_column("notifications", sa.Column("next_escalation_at", UtcDateTime(), nullable=True))
    op.add_column("notifications", sa.Column("escalations", sa.Integer(), server_default="0", nullable=False))
    op.add_column("notifications", sa.Column("digest_on", sa.Date(), nullable=True))
    op.add_column("notifications", sa.Column("gathered_in", sa.Integer(), nullable=True))
    op.add_column("notifications", sa.Column("about_id", sa.Integer(), nullable=True))
    for name, column in _INDEXES.items():
        op.create_index(name, "notifications", [column])
    op.create_table(
        "telling_choices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("quiet_until", sa.Time(), nullable=False),
        sa.Column("wants_digest", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_accounts.id"],
            name=op.f("fk_telling_choices_account_id_user_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telling_choices")),
        sa.UniqueConstraint("account_id", name=op.f("uq_telling_choices_account_id")),
    )


def downgrade() -> None:
    """Everybody is told at once again."""
    op.drop_table("telling_choices")
    for name in _INDEXES:
        op.drop_index(name, "notifications")
    for column in reversed(_COLUMNS):
        op.drop_column("notifications", column)
