"""Who answers when somebody cannot: delegations, frozen chats, "is this still you?", and for whom somebody signed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import UtcDateTime

revision = "0012"
down_revision = "0011"

_PROPOSED, _ACCEPTED = "state IN ('proposed')", "is_default AND state IN ('accepted')"
_ADDED = {
    "user_accounts": (("acts_frozen_at", UtcDateTime()), ("acts_frozen_by", sa.Integer())),
    "chat_bindings": (("asked_at", UtcDateTime()), ("affirmed_at", UtcDateTime())),
    "notifications": (("instead_of", sa.Integer()),),
}


def upgrade() -> None:
    """Nobody stands in for anybody yet; signatures of before keep their one name."""
    for table, columns in _ADDED.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    with op.batch_alter_table("signing_records") as batch:
        batch.add_column(sa.Column("principal_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("principal_name", sa.String(length=200), server_default="", nullable=False))
        batch.create_foreign_key(
            batch.f("fk_signing_records_principal_id_user_accounts"),
            "user_accounts",
            ["principal_id"],
            ["id"],
            ondelete="RESTRICT",
        )
        batch.create_check_constraint(
            batch.f("ck_signing_records_principal_has_name"), "(principal_id IS NULL) = (principal_name = '')"
        )
    op.create_table(
        "delegations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("principal_id", sa.Integer(), nullable=False),
        sa.Column("deputy_id", sa.Integer(), nullable=False),
        sa.Column(
            "duty",
            sa.Enum("site", "signing", name="duty", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("lapses_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "accepted",
                "ended",
                "refused",
                "lapsed",
                name="delegationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("principal_id <> deputy_id", name=op.f("ck_delegations_two_people")),
        sa.CheckConstraint("is_default = (ends_at IS NULL)", name=op.f("ck_delegations_default_has_no_end")),
        sa.CheckConstraint("ends_at IS NULL OR starts_at < ends_at", name=op.f("ck_delegations_term_order")),
        sa.CheckConstraint(
            "state <> 'accepted' OR answered_at IS NOT NULL", name=op.f("ck_delegations_accepted_has_time")
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["user_accounts.id"],
            name=op.f("fk_delegations_principal_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["deputy_id"],
            ["user_accounts.id"],
            name=op.f("fk_delegations_deputy_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    for column in ("principal_id", "deputy_id", "lapses_at"):
        op.create_index(f"ix_delegations_{column}", "delegations", [column])
    op.create_index(
        "uq_delegations_proposed",
        "delegations",
        ["principal_id", "deputy_id", "duty", "is_default"],
        unique=True,
        sqlite_where=sa.text(_PROPOSED),
        postgresql_where=sa.text(_PROPOSED),
    )
    op.create_index(
        "uq_delegations_default",
        "delegations",
        ["principal_id", "duty"],
        unique=True,
        sqlite_where=sa.text(_ACCEPTED),
        postgresql_where=sa.text(_ACCEPTED),
    )


def downgrade() -> None:
    """Everybody answers for themselves again; for whom somebody signed stays in the trail."""
    op.drop_table("delegations")
    with op.batch_alter_table("signing_records") as batch:
        batch.drop_constraint(batch.f("ck_signing_records_principal_has_name"), type_="check")
        batch.drop_constraint(batch.f("fk_signing_records_principal_id_user_accounts"), type_="foreignkey")
        batch.drop_column("principal_name")
        batch.drop_column("principal_id")
    for table, columns in _ADDED.items():
        for name, _ in columns:
            op.drop_column(table, name)
