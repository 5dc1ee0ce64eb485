"""The pilot year: directory, accounts and codes, standards, submissions, the quota's ledger, exports, tallies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import ModeSet, UtcDateTime

revision = "0002"
down_revision = "0001"

SCOPES = ("college_id", "province_code", "city_code", "org_id")
WORD = "state || CASE WHEN has_city_review AND state IN ('pending_initial', 'city_review') THEN '@city' ELSE '' END"


def upgrade() -> None:
    """Tables and columns, then what older rows have to say in them."""

    op.create_table(
        "tallies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallies")),
        sa.UniqueConstraint("table_name", "scope", "key", "word", name=op.f("uq_tallies_table_name_scope_key_word")),
    )
    op.create_table(
        "certificate_templates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("statement_en", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("enabled", "disabled", name="switch", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["evaluation_orgs.id"],
            name=op.f("fk_certificate_templates_org_id_evaluation_orgs"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_templates")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_certificate_templates_org_id_name")),
    )
    with op.batch_alter_table("certificate_templates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_templates_org_id"), ["org_id"], unique=False)

    op.create_table(
        "directory_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("province_code", sa.String(length=2), nullable=False),
        sa.Column("city_code", sa.String(length=6), nullable=False),
        sa.Column(
            "college_type",
            sa.Enum(
                "undergraduate",
                "vocational_college",
                "secondary",
                name="collegetype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("college_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_directory_entries_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_entries")),
        sa.UniqueConstraint("code", name=op.f("uq_directory_entries_code")),
        sa.UniqueConstraint("college_id", name=op.f("uq_directory_entries_college_id")),
        sa.UniqueConstraint("name", name=op.f("uq_directory_entries_name")),
    )
    with op.batch_alter_table("directory_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_directory_entries_city_code"), ["city_code"], unique=False)

    op.create_table(
        "site_standards",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("edition", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("enabled", "disabled", name="switch", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["evaluation_orgs.id"],
            name=op.f("fk_site_standards_org_id_evaluation_orgs"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_standards")),
        sa.UniqueConstraint("code", name=op.f("uq_site_standards_code")),
    )
    with op.batch_alter_table("site_standards", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_site_standards_org_id"), ["org_id"], unique=False)

    op.create_table(
        "skill_standards",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("edition", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.Integer(), nullable=False),
        sa.Column("major_categories", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum("enabled", "disabled", name="switch", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["evaluation_orgs.id"],
            name=op.f("fk_skill_standards_org_id_evaluation_orgs"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill_standards")),
        sa.UniqueConstraint("code", name=op.f("uq_skill_standards_code")),
    )
    with op.batch_alter_table("skill_standards", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_skill_standards_org_id"), ["org_id"], unique=False)

    op.create_table(
        "site_standard_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("standard_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "tick", "number", "text", name="requirementkind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("minimum", sa.Integer(), nullable=True),
        sa.Column("minimum_words", sa.Text(), nullable=False),
        sa.Column("recommended", sa.Text(), nullable=False),
        sa.Column("is_mandatory", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "minimum IS NULL OR kind = 'number'", name=op.f("ck_site_standard_items_only_numbers_have_a_minimum")
        ),
        sa.ForeignKeyConstraint(
            ["standard_id"],
            ["site_standards.id"],
            name=op.f("fk_site_standard_items_standard_id_site_standards"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_standard_items")),
        sa.UniqueConstraint("standard_id", "code", name=op.f("uq_site_standard_items_standard_id_code")),
    )
    with op.batch_alter_table("site_standard_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_site_standard_items_standard_id"), ["standard_id"], unique=False)

    op.create_table(
        "certificate_officers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("mobile", sa.String(length=11), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_certificate_officers_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"],
            ["colleges.id"],
            name=op.f("fk_certificate_officers_college_id_colleges"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_officers")),
        sa.UniqueConstraint(
            "college_id", "certificate_id", name=op.f("uq_certificate_officers_college_id_certificate_id")
        ),
    )
    with op.batch_alter_table("certificate_officers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_officers_certificate_id"), ["certificate_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_certificate_officers_college_id"), ["college_id"], unique=False)

    op.create_table(
        "site_standard_certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("standard_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_site_standard_certificates_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["standard_id"],
            ["site_standards.id"],
            name=op.f("fk_site_standard_certificates_standard_id_site_standards"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_standard_certificates")),
        sa.UniqueConstraint(
            "standard_id", "certificate_id", name=op.f("uq_site_standard_certificates_standard_id_certificate_id")
        ),
    )
    with op.batch_alter_table("site_standard_certificates", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_site_standard_certificates_certificate_id"), ["certificate_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_site_standard_certificates_standard_id"), ["standard_id"], unique=False)

    op.create_table(
        "attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=True),
        sa.Column("standard_id", sa.Integer(), nullable=True),
        sa.Column("site_standard_id", sa.Integer(), nullable=True),
        sa.Column("certificate_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "evidence",
                "picture",
                "standard",
                "sample",
                name="attachmentkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("storage_key", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(CASE WHEN application_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN standard_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN site_standard_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN certificate_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_attachments_of_one_thing"),
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["pilot_applications.id"],
            name=op.f("fk_attachments_application_id_pilot_applications"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_attachments_certificate_id_certificate_types"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["site_standard_id"],
            ["site_standards.id"],
            name=op.f("fk_attachments_site_standard_id_site_standards"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["standard_id"],
            ["skill_standards.id"],
            name=op.f("fk_attachments_standard_id_skill_standards"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachments_application_id"), ["application_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachments_certificate_id"), ["certificate_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachments_site_standard_id"), ["site_standard_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachments_standard_id"), ["standard_id"], unique=False)

    op.create_table(
        "pilot_submissions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["pilot_applications.id"],
            name=op.f("fk_pilot_submissions_application_id_pilot_applications"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pilot_submissions")),
        sa.UniqueConstraint("application_id", "round", name=op.f("uq_pilot_submissions_application_id_round")),
    )
    op.create_table(
        "quota_postings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("quota_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "open",
                "grant",
                "use",
                "release",
                "adjust",
                "lapse",
                name="postingkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("lapsed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=True),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind <> 'adjust' OR length(reason) > 0", name=op.f("ck_quota_postings_adjustment_has_reason")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["user_accounts.id"],
            name=op.f("fk_quota_postings_actor_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["pilot_applications.id"],
            name=op.f("fk_quota_postings_application_id_pilot_applications"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["quota_id"], ["quotas.id"], name=op.f("fk_quota_postings_quota_id_quotas"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_postings")),
    )
    with op.batch_alter_table("quota_postings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quota_postings_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_quota_postings_application_id"), ["application_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_quota_postings_quota_id"), ["quota_id"], unique=False)

    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_accounts.id"],
            name=op.f("fk_recovery_codes_account_id_user_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("account_id", "code_hash", name=op.f("uq_recovery_codes_account_id_code_hash")),
    )
    with op.batch_alter_table("recovery_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recovery_codes_account_id"), ["account_id"], unique=False)

    op.create_table(
        "verification_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "register",
                "reset_password",
                "export",
                name="codepurpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("mobile", sa.String(length=11), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("wrong_count", sa.Integer(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("account_id IS NOT NULL OR mobile <> ''", name=op.f("ck_verification_codes_for_somebody")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_accounts.id"],
            name=op.f("fk_verification_codes_account_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_codes")),
    )
    with op.batch_alter_table("verification_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verification_codes_account_id"), ["account_id"], unique=False)
        batch_op.create_index("ix_verification_codes_mobile", ["mobile", "created_at"], unique=False)

    op.create_table(
        "export_jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sheet", sa.String(length=40), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=True),
        sa.Column("college_id", sa.Integer(), nullable=True),
        sa.Column("org_id", sa.Integer(), nullable=True),
        sa.Column("code_id", sa.Integer(), nullable=True),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("handed_out_at", UtcDateTime(), nullable=True),
        sa.Column("file_hash", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["education_authorities.id"],
            name=op.f("fk_export_jobs_authority_id_education_authorities"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["code_id"],
            ["verification_codes.id"],
            name=op.f("fk_export_jobs_code_id_verification_codes"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_export_jobs_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["evaluation_orgs.id"], name=op.f("fk_export_jobs_org_id_evaluation_orgs"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_jobs")),
    )
    with op.batch_alter_table("export_jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_export_jobs_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_export_jobs_code_id"), ["code_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_export_jobs_college_id"), ["college_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_export_jobs_org_id"), ["org_id"], unique=False)

    with op.batch_alter_table("certificate_types", schema=None) as batch_op:
        batch_op.add_column(sa.Column("standard_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("template_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("national_batch", sa.String(length=40), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("exam_modes", ModeSet(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("exam_time_note", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("study_hours", sa.String(length=40), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("credit_tenths", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("major_category", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("target_group", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("intro", sa.Text(), nullable=False, server_default=""))
        batch_op.create_index(batch_op.f("ix_certificate_types_standard_id"), ["standard_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_certificate_types_template_id"), ["template_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_certificate_types_template_id_certificate_templates"),
            "certificate_templates",
            ["template_id"],
            ["id"],
            ondelete="RESTRICT",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_certificate_types_standard_id_skill_standards"),
            "skill_standards",
            ["standard_id"],
            ["id"],
            ondelete="RESTRICT",
        )

    with op.batch_alter_table("chat_bindings", schema=None) as batch_op:
        batch_op.drop_constraint("bindingstate", type_="check")
        batch_op.create_check_constraint("bindingstate", "state IN ('waiting', 'active', 'dead', 'ended')")
        batch_op.add_column(sa.Column("confirmed_by", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("acts_from", UtcDateTime(), nullable=True))
        batch_op.create_index(
            "uq_chat_bindings_waiting",
            ["account_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('waiting')"),
            postgresql_where=sa.text("state IN ('waiting')"),
        )

    with op.batch_alter_table("colleges", schema=None) as batch_op:
        batch_op.add_column(sa.Column("website", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("intro", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("logo", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("registered_mobile", sa.String(length=11), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("registered_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("evaluation_orgs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("contact_email", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("website", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("address", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("intro", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("is_platform_payment", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(
            sa.Column(
                "invigilator_mode",
                sa.Enum(
                    "teo_assigns",
                    "college_assigns",
                    "auto",
                    name="invigilatormode",
                    native_enum=False,
                    create_constraint=True,
                    length=32,
                ),
                nullable=False,
                server_default="teo_assigns",
            )
        )
        batch_op.add_column(sa.Column("review_mailbox", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("review_phone", sa.String(length=200), nullable=False, server_default=""))

    with op.batch_alter_table("pilot_applications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("org_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("has_city_review", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_index(batch_op.f("ix_pilot_applications_college_id"))
        batch_op.drop_index(batch_op.f("ix_pilot_applications_scope"))
        batch_op.create_index("ix_pilot_applications_city", ["city_code", "id"], unique=False)
        batch_op.create_index("ix_pilot_applications_city_state", ["city_code", "state", "id"], unique=False)
        batch_op.create_index("ix_pilot_applications_college", ["college_id", "id"], unique=False)
        batch_op.create_index("ix_pilot_applications_college_state", ["college_id", "state", "id"], unique=False)
        batch_op.create_index("ix_pilot_applications_org", ["org_id", "id"], unique=False)
        batch_op.create_index("ix_pilot_applications_org_state", ["org_id", "state", "id"], unique=False)
        batch_op.create_index("ix_pilot_applications_province", ["province_code", "id"], unique=False)
        batch_op.create_index("ix_pilot_applications_province_state", ["province_code", "state", "id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_pilot_applications_org_id_evaluation_orgs"),
            "evaluation_orgs",
            ["org_id"],
            ["id"],
            ondelete="RESTRICT",
        )

    with op.batch_alter_table("declaration_plans", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_first_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("quotas", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lapsed", sa.Integer(), nullable=False, server_default="0"))
        batch_op.drop_constraint("used_at_most_granted", type_="check")
        batch_op.create_check_constraint(
            "used_at_most_granted", "used >= 0 AND lapsed >= 0 AND used + lapsed <= granted"
        )

    with op.batch_alter_table("signing_sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stepped_up_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("user_accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("second_factor_secret", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("second_factor_since", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("second_factor_step", sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            "second_factor_has_secret", "second_factor_since IS NULL OR second_factor_secret IS NOT NULL"
        )

    _fill_applications()
    _open_ledger()
    _count_applications()


def _fill_applications() -> None:
    """Whose certificate, and whether the city looks first: copied from where it was only looked up before."""
    op.execute(
        "UPDATE pilot_applications SET"
        " org_id = (SELECT org_id FROM certificate_types WHERE certificate_types.id = certificate_id),"
        " has_city_review ="
        " (SELECT city_review_required FROM declaration_plans WHERE declaration_plans.id = plan_id)"
    )
    with op.batch_alter_table("pilot_applications") as batch_op:
        batch_op.alter_column("org_id", existing_type=sa.Integer(), nullable=False)


def _open_ledger() -> None:
    """Balances from before the ledger become its opening postings."""
    op.execute("UPDATE quotas SET lapsed = granted - used WHERE state = 'lapsed'")
    op.execute(
        "INSERT INTO quota_postings (quota_id, kind, granted, used, lapsed, reason, at)"
        " SELECT id, 'open', granted, used, lapsed, '', updated_at FROM quotas"
    )


def _count_applications() -> None:
    for scope, key in (("", "''"), *((name, f"CAST({name} AS VARCHAR(20))") for name in SCOPES)):
        op.execute(
            "INSERT INTO tallies (table_name, scope, key, word, count)"
            f" SELECT 'pilot_applications', '{scope}', {key}, {WORD}, count(*)"
            f" FROM pilot_applications GROUP BY {key + ', ' if scope else ''}{WORD}"
        )


def downgrade() -> None:
    """Back to the skeleton; what only the new tables knew is lost, and bindings that wait are ended."""
    op.execute("UPDATE chat_bindings SET state = 'ended', ended_at = bound_at WHERE state = 'waiting'")
    with op.batch_alter_table("user_accounts", schema=None) as batch_op:
        batch_op.drop_constraint("second_factor_has_secret", type_="check")
        batch_op.drop_column("second_factor_step")
        batch_op.drop_column("second_factor_since")
        batch_op.drop_column("second_factor_secret")
        batch_op.drop_column("email")

    with op.batch_alter_table("signing_sessions", schema=None) as batch_op:
        batch_op.drop_column("stepped_up_at")

    with op.batch_alter_table("declaration_plans", schema=None) as batch_op:
        batch_op.drop_column("ended_first_at")

    with op.batch_alter_table("quotas", schema=None) as batch_op:
        batch_op.drop_constraint("used_at_most_granted", type_="check")
        batch_op.create_check_constraint("used_at_most_granted", "used >= 0 AND used <= granted")
        batch_op.drop_column("lapsed")

    with op.batch_alter_table("pilot_applications", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_pilot_applications_org_id_evaluation_orgs"), type_="foreignkey")
        batch_op.drop_index("ix_pilot_applications_province_state")
        batch_op.drop_index("ix_pilot_applications_province")
        batch_op.drop_index("ix_pilot_applications_org_state")
        batch_op.drop_index("ix_pilot_applications_org")
        batch_op.drop_index("ix_pilot_applications_college_state")
        batch_op.drop_index("ix_pilot_applications_college")
        batch_op.drop_index("ix_pilot_applications_city_state")
        batch_op.drop_index("ix_pilot_applications_city")
        batch_op.create_index(batch_op.f("ix_pilot_applications_scope"), ["province_code", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_pilot_applications_college_id"), ["college_id"], unique=False)
        batch_op.drop_column("has_city_review")
        batch_op.drop_column("org_id")

    with op.batch_alter_table("evaluation_orgs", schema=None) as batch_op:
        batch_op.drop_column("review_phone")
        batch_op.drop_column("review_mailbox")
        batch_op.drop_constraint("invigilatormode", type_="check")
        batch_op.drop_column("invigilator_mode")
        batch_op.drop_column("is_platform_payment")
        batch_op.drop_column("intro")
        batch_op.drop_column("address")
        batch_op.drop_column("website")
        batch_op.drop_column("contact_email")

    with op.batch_alter_table("colleges", schema=None) as batch_op:
        batch_op.drop_column("registered_at")
        batch_op.drop_column("registered_mobile")
        batch_op.drop_column("logo")
        batch_op.drop_column("intro")
        batch_op.drop_column("website")

    with op.batch_alter_table("chat_bindings", schema=None) as batch_op:
        batch_op.drop_constraint("bindingstate", type_="check")
        batch_op.create_check_constraint("bindingstate", "state IN ('active', 'dead', 'ended')")
        batch_op.drop_index(
            "uq_chat_bindings_waiting",
            sqlite_where=sa.text("state IN ('waiting')"),
            postgresql_where=sa.text("state IN ('waiting')"),
        )
        batch_op.drop_column("acts_from")
        batch_op.drop_column("confirmed_by")

    with op.batch_alter_table("certificate_types", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_certificate_types_standard_id_skill_standards"), type_="foreignkey")
        batch_op.drop_constraint(
            batch_op.f("fk_certificate_types_template_id_certificate_templates"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_certificate_types_template_id"))
        batch_op.drop_index(batch_op.f("ix_certificate_types_standard_id"))
        batch_op.drop_column("intro")
        batch_op.drop_column("target_group")
        batch_op.drop_column("major_category")
        batch_op.drop_column("credit_tenths")
        batch_op.drop_column("study_hours")
        batch_op.drop_column("exam_time_note")
        batch_op.drop_column("exam_modes")
        batch_op.drop_column("national_batch")
        batch_op.drop_column("template_id")
        batch_op.drop_column("standard_id")

    op.drop_table("export_jobs")
    op.drop_table("verification_codes")
    op.drop_table("recovery_codes")
    op.drop_table("quota_postings")
    op.drop_table("pilot_submissions")
    op.drop_table("attachments")
    op.drop_table("site_standard_certificates")
    op.drop_table("certificate_officers")
    op.drop_table("site_standard_items")
    op.drop_table("skill_standards")
    op.drop_table("site_standards")
    op.drop_table("directory_entries")
    op.drop_table("certificate_templates")
    op.drop_table("tallies")
