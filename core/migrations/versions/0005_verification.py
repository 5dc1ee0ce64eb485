"""Verification in the background: what was asked about whom; and a verified identity that nothing can change (R-089)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import UtcDateTime

revision = "0005"
down_revision = "0004"

# Name, kind and number of the document and the photo of a verified candidate stay as they were verified, and the state
# itself is final (R-089, §3.6). A candidate who is deleted takes the photo along: by then the row above it is gone.
# A picture may go when its time is over (G-26), its hash stays; no other one can take its place.
# A later migration that copies one of these tables (batch_alter_table on SQLite) has to make the triggers again.
SQLITE_FREEZE = (
    """
    CREATE TRIGGER candidates_frozen BEFORE UPDATE ON candidates
    WHEN OLD.state = 'verified' AND (
        NEW.state <> OLD.state OR NEW.name <> OLD.name OR NEW.id_type <> OLD.id_type
        OR NEW.id_number <> OLD.id_number OR NEW.photo_hash IS NOT OLD.photo_hash)
    BEGIN SELECT RAISE(ABORT, 'verified_is_locked'); END
    """,
    """
    CREATE TRIGGER candidate_photos_frozen_insert BEFORE INSERT ON candidate_photos
    WHEN EXISTS (SELECT 1 FROM candidates WHERE id = NEW.candidate_id AND state = 'verified'
                 AND photo_hash IS NOT NEW.sha256)
    BEGIN SELECT RAISE(ABORT, 'verified_is_locked'); END
    """,
    """
    CREATE TRIGGER candidate_photos_frozen_update BEFORE UPDATE ON candidate_photos
    WHEN EXISTS (SELECT 1 FROM candidates WHERE id IN (OLD.candidate_id, NEW.candidate_id) AND state = 'verified')
        AND (NEW.candidate_id <> OLD.candidate_id OR NEW.sha256 <> OLD.sha256 OR NEW.data <> OLD.data)
    BEGIN SELECT RAISE(ABORT, 'verified_is_locked'); END
    """,
)
POSTGRES_FREEZE = (
    """
    CREATE FUNCTION candidates_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'verified_is_locked' USING ERRCODE = 'check_violation', CONSTRAINT = 'verified_is_locked';
    END $$
    """,
    """
    CREATE TRIGGER candidates_frozen BEFORE UPDATE ON candidates FOR EACH ROW
    WHEN (OLD.state = 'verified' AND (
        NEW.state <> OLD.state OR NEW.name <> OLD.name OR NEW.id_type <> OLD.id_type
        OR NEW.id_number <> OLD.id_number OR NEW.photo_hash IS DISTINCT FROM OLD.photo_hash))
    EXECUTE FUNCTION candidates_frozen()
    """,
    """
    CREATE FUNCTION candidate_photos_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF NOT EXISTS (SELECT 1 FROM candidates WHERE id = NEW.candidate_id AND state = 'verified'
                           AND photo_hash IS DISTINCT FROM NEW.sha256) THEN
                RETURN NEW;
            END IF;
        ELSIF TG_OP = 'UPDATE' THEN
            IF NOT EXISTS (SELECT 1 FROM candidates
                           WHERE id IN (OLD.candidate_id, NEW.candidate_id) AND state = 'verified')
               OR (NEW.candidate_id = OLD.candidate_id AND NEW.sha256 = OLD.sha256 AND NEW.data = OLD.data) THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION 'verified_is_locked' USING ERRCODE = 'check_violation', CONSTRAINT = 'verified_is_locked';
    END $$
    """,
    """
    CREATE TRIGGER candidate_photos_frozen BEFORE INSERT OR UPDATE ON candidate_photos FOR EACH ROW
    EXECUTE FUNCTION candidate_photos_frozen()
    """,
)
SQLITE_THAW = (
    "DROP TRIGGER candidate_photos_frozen_update",
    "DROP TRIGGER candidate_photos_frozen_insert",
    "DROP TRIGGER candidates_frozen",
)
POSTGRES_THAW = (
    "DROP TRIGGER candidate_photos_frozen ON candidate_photos",
    "DROP FUNCTION candidate_photos_frozen()",
    "DROP TRIGGER candidates_frozen ON candidates",
    "DROP FUNCTION candidates_frozen()",
)


def upgrade() -> None:
    """Nobody is being asked about yet."""
    op.create_table(
        "verification_batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("asked_count", sa.Integer(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("asked_count > 0", name=op.f("ck_verification_batches_asked")),
        sa.ForeignKeyConstraint(
            ["college_id"],
            ["colleges.id"],
            name=op.f("fk_verification_batches_college_id_colleges"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"],
            ["user_accounts.id"],
            name=op.f("fk_verification_batches_asked_by_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_batches")),
    )
    op.create_index(op.f("ix_verification_batches_college_id"), "verification_batches", ["college_id"])
    op.create_index(op.f("ix_verification_batches_asked_by"), "verification_batches", ["asked_by"])

    op.create_table(
        "verification_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "asking",
                "passed",
                "failed",
                "dropped",
                name="requeststate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("edited_by", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("trouble", sa.String(length=40), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('asking')) = (lease_until IS NOT NULL)", name=op.f("ck_verification_requests_asking_has_lease")
        ),
        sa.CheckConstraint(
            "(state IN ('dropped', 'failed', 'passed')) = (settled_at IS NOT NULL)",
            name=op.f("ck_verification_requests_open_is_unsettled"),
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_verification_requests_candidate_id_candidates"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["verification_batches.id"],
            name=op.f("fk_verification_requests_batch_id_verification_batches"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_requests")),
        sa.UniqueConstraint("key", name=op.f("uq_verification_requests_key")),
    )
    op.create_index(op.f("ix_verification_requests_candidate_id"), "verification_requests", ["candidate_id"])
    op.create_index(op.f("ix_verification_requests_batch_id"), "verification_requests", ["batch_id"])
    op.create_index("ix_verification_requests_due", "verification_requests", ["state", "next_attempt_at"])
    op.create_index(
        "uq_verification_requests_open",
        "verification_requests",
        ["candidate_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('asking', 'waiting')"),
        postgresql_where=sa.text("state IN ('asking', 'waiting')"),
    )
    _methods("rules", "photo_match", "manual")
    for statement in POSTGRES_FREEZE if op.get_bind().dialect.name == "postgresql" else SQLITE_FREEZE:
        op.execute(statement)


def downgrade() -> None:
    """Back: what a service has found counts as found by the rules."""
    for statement in POSTGRES_THAW if op.get_bind().dialect.name == "postgresql" else SQLITE_THAW:
        op.execute(statement)
    op.execute("UPDATE identity_verifications SET method = 'rules' WHERE method = 'photo_match'")
    _methods("rules", "manual")
    op.drop_table("verification_requests")
    op.drop_table("verification_batches")


def _methods(*words: str) -> None:
    """The ways an identity can have been checked."""
    listed = ", ".join(f"'{word}'" for word in words)
    with op.batch_alter_table("identity_verifications", schema=None) as batch_op:
        batch_op.drop_constraint("verificationmethod", type_="check")
        batch_op.create_check_constraint("verificationmethod", f"method IN ({listed})")
