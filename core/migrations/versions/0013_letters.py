"""Letters: what leaves by another channel than the chat, by which one, and each person's own choice of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import UtcDateTime

revision = "0013"
down_revision = "0012"

_CHANNELS = ("sms", "mail", "wecom", "dingtalk", "feishu", "by_hand")
_STATES = ("waiting", "sending", "handed_over", "failed", "dropped")


def _of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    """Nobody has chosen a channel yet; messages of before have no letters."""
    with op.batch_alter_table("telling_choices") as batch:
        batch.add_column(sa.Column("letter_channel", _of("channel", *_CHANNELS), nullable=True))
        batch.add_column(sa.Column("robot_key", sa.String(length=200), server_default="", nullable=False))
        batch.create_check_constraint(
            batch.f("ck_telling_choices_robot_has_key"),
            "letter_channel IS NULL OR NOT (letter_channel IN ('dingtalk', 'feishu', 'wecom')) OR robot_key <> ''",
        )
    op.create_table(
        "notice_letters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notification_id", sa.Integer(), nullable=False),
        sa.Column("state", _of("letterstate", *_STATES), nullable=False),
        sa.Column("channel", _of("channel", *_CHANNELS), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("may_have_left", sa.Boolean(), nullable=False),
        sa.Column("handed_over_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "(state IN ('handed_over')) = (handed_over_at IS NOT NULL)",
            name=op.f("ck_notice_letters_handed_over_has_time"),
        ),
        sa.CheckConstraint(
            "handed_over_at IS NULL OR channel IS NOT NULL", name=op.f("ck_notice_letters_handed_over_has_channel")
        ),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
            name=op.f("fk_notice_letters_notification_id_notifications"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_letters")),
        sa.UniqueConstraint("notification_id", name=op.f("uq_notice_letters_notification_id")),
    )
    op.create_index("ix_notice_letters_due", "notice_letters", ["state", "next_attempt_at"])


def downgrade() -> None:
    """What left stays in nobody's record but the channels'."""
    op.drop_table("notice_letters")
    with op.batch_alter_table("telling_choices") as batch:
        batch.drop_constraint(batch.f("ck_telling_choices_robot_has_key"), type_="check")
        batch.drop_constraint("channel", type_="check")
        batch.drop_column("robot_key")
        batch.drop_column("letter_channel")
