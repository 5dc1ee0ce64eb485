"""The import clinic: files that are decided on, what is wrong with their rows, and what they did, for undoing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Imports of before are done ones."""
    op.create_table(
        "import_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("thing", sa.String(length=40), nullable=False),
        sa.Column("thing_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_jobs.id"], name=op.f("fk_import_changes_job_id_import_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_changes")),
    )
    with op.batch_alter_table("import_changes", schema=None) as batch_op:
        batch_op.create_index("ix_import_changes_job", ["job_id", "thing", "thing_id"], unique=False)

    op.create_table(
        "import_corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_jobs.id"], name=op.f("fk_import_corrections_job_id_import_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_corrections")),
        sa.UniqueConstraint("job_id", "row", "field", name=op.f("uq_import_corrections_job_id_row_field")),
    )
    op.create_table(
        "import_faults",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("column", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("suggestion", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_jobs.id"], name=op.f("fk_import_faults_job_id_import_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_faults")),
    )
    with op.batch_alter_table("import_faults", schema=None) as batch_op:
        batch_op.create_index("ix_import_faults_job_row", ["job_id", "row"], unique=False)

    op.create_table(
        "import_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_jobs.id"], name=op.f("fk_import_files_job_id_import_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_files")),
        sa.UniqueConstraint("job_id", name=op.f("uq_import_files_job_id")),
    )
    with op.batch_alter_table("import_jobs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "state",
                sa.Enum(
                    "reading",
                    "preview",
                    "writing",
                    "done",
                    "rejected",
                    "discarded",
                    "undone",
                    name="importstate",
                    native_enum=False,
                    create_constraint=True,
                    length=32,
                ),
                server_default="done",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("is_all_or_none", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("changed_count", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_check_constraint("changed", "changed_count <= accepted_count")


def downgrade() -> None:
    """Back, without files that nobody decided on."""
    op.execute("DELETE FROM import_jobs WHERE state IN ('reading', 'preview', 'writing')")
    with op.batch_alter_table("import_jobs", schema=None) as batch_op:
        batch_op.drop_constraint("changed", type_="check")
        batch_op.drop_constraint("importstate", type_="check")
        batch_op.drop_column("changed_count")
        batch_op.drop_column("is_all_or_none")
        batch_op.drop_column("state")

    op.drop_table("import_files")
    with op.batch_alter_table("import_faults", schema=None) as batch_op:
        batch_op.drop_index("ix_import_faults_job_row")

    op.drop_table("import_faults")
    op.drop_table("import_corrections")
    with op.batch_alter_table("import_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_import_changes_job")

    op.drop_table("import_changes")
