"""The page of deliveries looks at the messages of some days, not at all there ever were."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """An index, no rows touched."""
    op.create_index("ix_notifications_created", "notifications", ["created_at"])


def downgrade() -> None:
    """As it was."""
    op.drop_index("ix_notifications_created", table_name="notifications")
