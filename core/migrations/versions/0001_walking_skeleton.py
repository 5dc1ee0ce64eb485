"""The walking skeleton"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.models.base import ModeSet, UtcDateTime

revision = "0001"
down_revision = None

# The trail is append-only by the database's own word, whoever holds the connection.
APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries"
        " BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END",
        "CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries"
        " BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION refuse_trail_change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the trail is append-only'; END $$",
        "CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_trail_change()",
    ),
}


def upgrade() -> None:
    """The walking skeleton."""
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_login", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("object_type", sa.String(length=60), nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_entries_hash")),
    )
    op.create_index("ix_audit_entries_object", "audit_entries", ["object_type", "object_id"], unique=False)
    op.create_table(
        "chat_drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("flow", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("thing_id", sa.Integer(), nullable=False),
        sa.Column("thing_version", sa.Integer(), nullable=False),
        sa.Column("shown_count", sa.Integer(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_drafts")),
        sa.UniqueConstraint("account_id", name=op.f("uq_chat_drafts_account_id")),
    )
    op.create_table(
        "chat_updates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("update_id", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_updates")),
        sa.UniqueConstraint("update_id", name=op.f("uq_chat_updates_update_id")),
    )
    op.create_table(
        "colleges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("college_code", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
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
            nullable=False,
        ),
        sa.Column("uscc", sa.String(length=18), nullable=True),
        sa.Column("province_code", sa.String(length=2), nullable=False),
        sa.Column("city_code", sa.String(length=6), nullable=False),
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_mobile", sa.String(length=11), nullable=False),
        sa.Column("contact_email", sa.String(length=200), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_colleges")),
        sa.UniqueConstraint("college_code", name=op.f("uq_colleges_college_code")),
        sa.UniqueConstraint("name", name=op.f("uq_colleges_name")),
        sa.UniqueConstraint("uscc", name=op.f("uq_colleges_uscc")),
    )
    op.create_index(op.f("ix_colleges_province_code"), "colleges", ["province_code"], unique=False)
    op.create_table(
        "education_authorities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "level",
            sa.Enum("province", "city", name="authoritylevel", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("province_code", sa.String(length=2), nullable=False),
        sa.Column("city_code", sa.String(length=6), nullable=True),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_phone", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(level = 'city') = (city_code IS NOT NULL)", name=op.f("ck_education_authorities_city_has_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_education_authorities")),
        sa.UniqueConstraint("name", name=op.f("uq_education_authorities_name")),
    )
    op.create_index(
        op.f("ix_education_authorities_province_code"), "education_authorities", ["province_code"], unique=False
    )
    op.create_table(
        "evaluation_orgs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("org_code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=True),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_mobile", sa.String(length=11), nullable=False),
        sa.Column("site_material_required", sa.Boolean(), nullable=False),
        sa.Column("site_material_note", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("enabled", "disabled", name="switch", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("seal_image", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_orgs")),
        sa.UniqueConstraint("name", name=op.f("uq_evaluation_orgs_name")),
        sa.UniqueConstraint("org_code", name=op.f("uq_evaluation_orgs_org_code")),
        sa.UniqueConstraint("uscc", name=op.f("uq_evaluation_orgs_uscc")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeats")),
        sa.UniqueConstraint("name", name=op.f("uq_heartbeats_name")),
    )
    op.create_table(
        "majors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_majors")),
        sa.UniqueConstraint("code", name=op.f("uq_majors_code")),
    )
    op.create_table(
        "number_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series", sa.String(length=80), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_series")),
        sa.UniqueConstraint("series", name=op.f("uq_number_series_series")),
    )
    op.create_table(
        "regions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regions")),
        sa.UniqueConstraint("code", name=op.f("uq_regions_code")),
    )
    op.create_table(
        "certificate_types",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("short_name", sa.String(length=200), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "primary",
                "intermediate",
                "advanced",
                name="certificatelevel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("org_id", sa.Integer(), nullable=False),
        sa.Column("standard_code", sa.String(length=6), nullable=False),
        sa.Column("english_name", sa.String(length=200), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("obtain_requirements", sa.Text(), nullable=False),
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
            name=op.f("fk_certificate_types_org_id_evaluation_orgs"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_types")),
        sa.UniqueConstraint("code", name=op.f("uq_certificate_types_code")),
        sa.UniqueConstraint("org_id", "name", "level", name=op.f("uq_certificate_types_org_id_name_level")),
    )
    op.create_index(op.f("ix_certificate_types_org_id"), "certificate_types", ["org_id"], unique=False)
    op.create_table(
        "declaration_plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("batch_name", sa.String(length=200), nullable=False),
        sa.Column("apply_opens_at", UtcDateTime(), nullable=False),
        sa.Column("apply_closes_at", UtcDateTime(), nullable=False),
        sa.Column("by_major_required", sa.Boolean(), nullable=False),
        sa.Column("city_review_required", sa.Boolean(), nullable=False),
        sa.Column("final_review_required", sa.Boolean(), nullable=False),
        sa.Column(
            "scope",
            sa.Enum("part", "all", name="certificatescope", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft", "published", name="declarationstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("announced_until", UtcDateTime(), nullable=True),
        sa.Column("next_edge_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("apply_opens_at < apply_closes_at", name=op.f("ck_declaration_plans_apply_order")),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["education_authorities.id"],
            name=op.f("fk_declaration_plans_authority_id_education_authorities"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declaration_plans")),
        sa.UniqueConstraint(
            "authority_id", "year", "batch_name", name=op.f("uq_declaration_plans_authority_id_year_batch_name")
        ),
    )
    op.create_index(op.f("ix_declaration_plans_authority_id"), "declaration_plans", ["authority_id"], unique=False)
    op.create_index(op.f("ix_declaration_plans_next_edge_at"), "declaration_plans", ["next_edge_at"], unique=False)
    op.create_table(
        "electronic_seals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("officer_name", sa.String(length=200), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("image_hash", sa.String(length=64), nullable=False),
        sa.Column("authorization_version", sa.String(length=40), nullable=False),
        sa.Column("authorized_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("active", "replaced", name="sealstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_electronic_seals_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_electronic_seals")),
    )
    op.create_index(op.f("ix_electronic_seals_college_id"), "electronic_seals", ["college_id"], unique=False)
    op.create_index(
        "uq_electronic_seals_active",
        "electronic_seals",
        ["college_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )
    op.create_table(
        "exam_plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_no", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("org_id", sa.Integer(), nullable=False),
        sa.Column("exam_year", sa.Integer(), nullable=False),
        sa.Column("registration_opens_at", UtcDateTime(), nullable=False),
        sa.Column("registration_closes_at", UtcDateTime(), nullable=False),
        sa.Column("arrangement_opens_at", UtcDateTime(), nullable=False),
        sa.Column("arrangement_closes_at", UtcDateTime(), nullable=False),
        sa.Column("exam_opens_at", UtcDateTime(), nullable=False),
        sa.Column("exam_closes_at", UtcDateTime(), nullable=False),
        sa.Column("score_entry_opens_at", UtcDateTime(), nullable=False),
        sa.Column("score_entry_closes_at", UtcDateTime(), nullable=False),
        sa.Column("publication_opens_at", UtcDateTime(), nullable=False),
        sa.Column("publication_closes_at", UtcDateTime(), nullable=False),
        sa.Column("is_open_to_all", sa.Boolean(), nullable=False),
        sa.Column("rules_text", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("draft", "published", name="planstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("announced_until", UtcDateTime(), nullable=True),
        sa.Column("next_edge_at", UtcDateTime(), nullable=True),
        sa.Column("locked_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "arrangement_opens_at < arrangement_closes_at", name=op.f("ck_exam_plans_arrangement_order")
        ),
        sa.CheckConstraint("exam_opens_at < exam_closes_at", name=op.f("ck_exam_plans_exam_order")),
        sa.CheckConstraint(
            "publication_opens_at < publication_closes_at", name=op.f("ck_exam_plans_publication_order")
        ),
        sa.CheckConstraint(
            "registration_opens_at < registration_closes_at", name=op.f("ck_exam_plans_registration_order")
        ),
        sa.CheckConstraint(
            "score_entry_opens_at < score_entry_closes_at", name=op.f("ck_exam_plans_score_entry_order")
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["evaluation_orgs.id"], name=op.f("fk_exam_plans_org_id_evaluation_orgs"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_plans")),
        sa.UniqueConstraint("plan_no", name=op.f("uq_exam_plans_plan_no")),
    )
    op.create_index(op.f("ix_exam_plans_next_edge_at"), "exam_plans", ["next_edge_at"], unique=False)
    op.create_index(op.f("ix_exam_plans_org_id"), "exam_plans", ["org_id"], unique=False)
    op.create_table(
        "exam_sites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_no", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.Integer(), nullable=False),
        sa.Column("region_code", sa.String(length=6), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("intro", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_mobile", sa.String(length=11), nullable=False),
        sa.Column("contact_email", sa.String(length=200), nullable=False),
        sa.Column("material_key", sa.String(length=200), nullable=True),
        sa.Column("material_name", sa.String(length=200), nullable=True),
        sa.Column(
            "review_state",
            sa.Enum(
                "draft",
                "pending",
                "approved",
                "returned",
                name="sitereview",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "site_state",
            sa.Enum(
                "not_enabled",
                "enabled",
                "disqualified",
                name="sitestatus",
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
        sa.CheckConstraint(
            "(review_state = 'approved') = (site_state <> 'not_enabled')",
            name=op.f("ck_exam_sites_enabled_when_approved"),
        ),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_exam_sites_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["evaluation_orgs.id"], name=op.f("fk_exam_sites_org_id_evaluation_orgs"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_sites")),
        sa.UniqueConstraint("site_no", name=op.f("uq_exam_sites_site_no")),
    )
    op.create_index(op.f("ix_exam_sites_college_id"), "exam_sites", ["college_id"], unique=False)
    op.create_index(op.f("ix_exam_sites_org_id"), "exam_sites", ["org_id"], unique=False)
    op.create_table(
        "certificate_majors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("major_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_certificate_majors_certificate_id_certificate_types"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["major_id"], ["majors.id"], name=op.f("fk_certificate_majors_major_id_majors"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_majors")),
        sa.UniqueConstraint("certificate_id", "major_id", name=op.f("uq_certificate_majors_certificate_id_major_id")),
    )
    op.create_index(
        op.f("ix_certificate_majors_certificate_id"), "certificate_majors", ["certificate_id"], unique=False
    )
    op.create_index(op.f("ix_certificate_majors_major_id"), "certificate_majors", ["major_id"], unique=False)
    op.create_table(
        "declaration_plan_certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_declaration_plan_certificates_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["declaration_plans.id"],
            name=op.f("fk_declaration_plan_certificates_plan_id_declaration_plans"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declaration_plan_certificates")),
        sa.UniqueConstraint(
            "plan_id", "certificate_id", name=op.f("uq_declaration_plan_certificates_plan_id_certificate_id")
        ),
    )
    op.create_index(
        op.f("ix_declaration_plan_certificates_certificate_id"),
        "declaration_plan_certificates",
        ["certificate_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_declaration_plan_certificates_plan_id"), "declaration_plan_certificates", ["plan_id"], unique=False
    )
    op.create_table(
        "exam_plan_certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column(
            "pass_rule",
            sa.Enum("all_subjects", "composite", name="passrule", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("composite_pass_tenths", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(pass_rule = 'composite') = (composite_pass_tenths IS NOT NULL)",
            name=op.f("ck_exam_plan_certificates_composite_has_score"),
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_exam_plan_certificates_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["exam_plans.id"],
            name=op.f("fk_exam_plan_certificates_plan_id_exam_plans"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_plan_certificates")),
        sa.UniqueConstraint("plan_id", "certificate_id", name=op.f("uq_exam_plan_certificates_plan_id_certificate_id")),
    )
    op.create_index(
        op.f("ix_exam_plan_certificates_certificate_id"), "exam_plan_certificates", ["certificate_id"], unique=False
    )
    op.create_index(op.f("ix_exam_plan_certificates_plan_id"), "exam_plan_certificates", ["plan_id"], unique=False)
    op.create_table(
        "exam_plan_colleges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_exam_plan_colleges_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_exam_plan_colleges_plan_id_exam_plans"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_plan_colleges")),
        sa.UniqueConstraint("plan_id", "college_id", name=op.f("uq_exam_plan_colleges_plan_id_college_id")),
    )
    op.create_index(op.f("ix_exam_plan_colleges_college_id"), "exam_plan_colleges", ["college_id"], unique=False)
    op.create_index(op.f("ix_exam_plan_colleges_plan_id"), "exam_plan_colleges", ["plan_id"], unique=False)
    op.create_table(
        "exam_rooms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("region_code", sa.String(length=6), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("seat_count", sa.Integer(), nullable=False),
        sa.Column("room_type", ModeSet(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("seat_count >= 1", name=op.f("ck_exam_rooms_seat_count")),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_exam_rooms_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_exam_rooms_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_exam_rooms_plan_id_exam_plans"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["exam_sites.id"], name=op.f("fk_exam_rooms_site_id_exam_sites"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_rooms")),
        sa.UniqueConstraint(
            "plan_id",
            "site_id",
            "certificate_id",
            "name",
            name=op.f("uq_exam_rooms_plan_id_site_id_certificate_id_name"),
        ),
    )
    op.create_index(op.f("ix_exam_rooms_certificate_id"), "exam_rooms", ["certificate_id"], unique=False)
    op.create_index(op.f("ix_exam_rooms_college_id"), "exam_rooms", ["college_id"], unique=False)
    op.create_index(op.f("ix_exam_rooms_plan_id"), "exam_rooms", ["plan_id"], unique=False)
    op.create_index(op.f("ix_exam_rooms_site_id"), "exam_rooms", ["site_id"], unique=False)
    op.create_table(
        "exam_site_certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("is_living", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_exam_site_certificates_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"],
            ["colleges.id"],
            name=op.f("fk_exam_site_certificates_college_id_colleges"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"],
            ["exam_sites.id"],
            name=op.f("fk_exam_site_certificates_site_id_exam_sites"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_site_certificates")),
        sa.UniqueConstraint("site_id", "certificate_id", name=op.f("uq_exam_site_certificates_site_id_certificate_id")),
    )
    op.create_index(
        op.f("ix_exam_site_certificates_certificate_id"), "exam_site_certificates", ["certificate_id"], unique=False
    )
    op.create_index(
        op.f("ix_exam_site_certificates_college_id"), "exam_site_certificates", ["college_id"], unique=False
    )
    op.create_index(op.f("ix_exam_site_certificates_site_id"), "exam_site_certificates", ["site_id"], unique=False)
    op.create_index(
        "uq_exam_site_certificates_living",
        "exam_site_certificates",
        ["college_id", "certificate_id"],
        unique=True,
        sqlite_where=sa.text("is_living"),
        postgresql_where=sa.text("is_living"),
    )
    op.create_table(
        "import_jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sheet", sa.String(length=40), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=True),
        sa.Column("college_id", sa.Integer(), nullable=True),
        sa.Column("org_id", sa.Integer(), nullable=True),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("accepted_count", sa.Integer(), nullable=False),
        sa.Column("rejected_count", sa.Integer(), nullable=False),
        sa.Column("unchanged_count", sa.Integer(), nullable=False),
        sa.Column("failed_rows", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "row_count = accepted_count + rejected_count + unchanged_count", name=op.f("ck_import_jobs_sum")
        ),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_import_jobs_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["evaluation_orgs.id"], name=op.f("fk_import_jobs_org_id_evaluation_orgs"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_import_jobs_plan_id_exam_plans"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_jobs")),
    )
    op.create_index(op.f("ix_import_jobs_college_id"), "import_jobs", ["college_id"], unique=False)
    op.create_index(op.f("ix_import_jobs_org_id"), "import_jobs", ["org_id"], unique=False)
    op.create_index(op.f("ix_import_jobs_plan_id"), "import_jobs", ["plan_id"], unique=False)
    op.create_table(
        "pilot_applications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("province_code", sa.String(length=2), nullable=False),
        sa.Column("city_code", sa.String(length=6), nullable=False),
        sa.Column("requested_count", sa.Integer(), nullable=False),
        sa.Column("approved_count", sa.Integer(), nullable=True),
        sa.Column("faculty_description", sa.Text(), nullable=False),
        sa.Column("venue_description", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "pending_initial",
                "city_review",
                "preliminary_review",
                "final_review",
                "approved",
                "returned",
                name="applicationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state = 'approved') = (approved_count IS NOT NULL)", name=op.f("ck_pilot_applications_approved_has_count")
        ),
        sa.CheckConstraint(
            "approved_count <= requested_count", name=op.f("ck_pilot_applications_approved_at_most_requested")
        ),
        sa.CheckConstraint("requested_count > 0", name=op.f("ck_pilot_applications_asks_for_somebody")),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_pilot_applications_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_pilot_applications_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["declaration_plans.id"],
            name=op.f("fk_pilot_applications_plan_id_declaration_plans"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pilot_applications")),
        sa.UniqueConstraint(
            "college_id",
            "plan_id",
            "certificate_id",
            name=op.f("uq_pilot_applications_college_id_plan_id_certificate_id"),
        ),
    )
    op.create_index(
        op.f("ix_pilot_applications_certificate_id"), "pilot_applications", ["certificate_id"], unique=False
    )
    op.create_index(op.f("ix_pilot_applications_college_id"), "pilot_applications", ["college_id"], unique=False)
    op.create_index(op.f("ix_pilot_applications_plan_id"), "pilot_applications", ["plan_id"], unique=False)
    op.create_index("ix_pilot_applications_scope", "pilot_applications", ["province_code", "state"], unique=False)
    op.create_table(
        "quotas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("province_code", sa.String(length=2), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("active", "lapsed", name="quotastate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("lapsed_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("(state = 'lapsed') = (lapsed_at IS NOT NULL)", name=op.f("ck_quotas_lapsed_has_time")),
        sa.CheckConstraint("used >= 0 AND used <= granted", name=op.f("ck_quotas_used_at_most_granted")),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_quotas_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_quotas_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotas")),
        sa.UniqueConstraint(
            "college_id", "certificate_id", "year", name=op.f("uq_quotas_college_id_certificate_id_year")
        ),
    )
    op.create_index(op.f("ix_quotas_certificate_id"), "quotas", ["certificate_id"], unique=False)
    op.create_index(op.f("ix_quotas_college_id"), "quotas", ["college_id"], unique=False)
    op.create_table(
        "site_allocations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("borrowing_college_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "active", "cancelled", name="allocationstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["borrowing_college_id"],
            ["colleges.id"],
            name=op.f("fk_site_allocations_borrowing_college_id_colleges"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_site_allocations_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_site_allocations_plan_id_exam_plans"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["exam_sites.id"], name=op.f("fk_site_allocations_site_id_exam_sites"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_allocations")),
    )
    op.create_index(
        op.f("ix_site_allocations_borrowing_college_id"), "site_allocations", ["borrowing_college_id"], unique=False
    )
    op.create_index(op.f("ix_site_allocations_certificate_id"), "site_allocations", ["certificate_id"], unique=False)
    op.create_index(op.f("ix_site_allocations_plan_id"), "site_allocations", ["plan_id"], unique=False)
    op.create_index(op.f("ix_site_allocations_site_id"), "site_allocations", ["site_id"], unique=False)
    op.create_index(
        "uq_site_allocations_active",
        "site_allocations",
        ["plan_id", "certificate_id", "borrowing_college_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )
    op.create_table(
        "subjects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("exam_modes", ModeSet(), nullable=False),
        sa.Column("examinee_category", sa.String(length=200), nullable=False),
        sa.Column("full_score", sa.Integer(), nullable=False),
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
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_subjects_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
        sa.UniqueConstraint("code", name=op.f("uq_subjects_code")),
    )
    op.create_index(op.f("ix_subjects_certificate_id"), "subjects", ["certificate_id"], unique=False)
    op.create_table(
        "candidates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidate_no", sa.String(length=40), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("college", "social", name="candidatekind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_pinyin", sa.String(length=200), nullable=False),
        sa.Column(
            "gender",
            sa.Enum("male", "female", name="gender", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column(
            "id_type",
            sa.Enum(
                "resident",
                "passport",
                "hk_macao",
                "taiwan",
                "military",
                name="idtype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("id_number", sa.String(length=32), nullable=False),
        sa.Column("mobile", sa.String(length=11), nullable=False),
        sa.Column("enrolment_year", sa.Integer(), nullable=True),
        sa.Column(
            "education_level",
            sa.Enum(
                "secondary",
                "junior_college",
                "bachelor",
                "vocational_bachelor",
                "graduate",
                name="educationlevel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("major_name", sa.String(length=200), nullable=False),
        sa.Column("major_code", sa.String(length=40), nullable=False),
        sa.Column("photo_hash", sa.String(length=64), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "no_photo",
                "incomplete",
                "pending_verification",
                "needs_manual",
                "verified",
                name="candidatestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("registered_count", sa.Integer(), nullable=False),
        sa.Column("import_job_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state NOT IN ('pending_verification', 'needs_manual', 'verified') OR photo_hash IS NOT NULL",
            name=op.f("ck_candidates_checked_has_photo"),
        ),
        sa.CheckConstraint("registered_count >= 0", name=op.f("ck_candidates_registered_count")),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_candidates_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["import_job_id"],
            ["import_jobs.id"],
            name=op.f("fk_candidates_import_job_id_import_jobs"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidates")),
        sa.UniqueConstraint("candidate_no", name=op.f("uq_candidates_candidate_no")),
        sa.UniqueConstraint("id_type", "id_number", name=op.f("uq_candidates_id_type_id_number")),
    )
    op.create_index("ix_candidates_college_state", "candidates", ["college_id", "kind", "state"], unique=False)
    op.create_index(op.f("ix_candidates_import_job_id"), "candidates", ["import_job_id"], unique=False)
    op.create_index(op.f("ix_candidates_photo_hash"), "candidates", ["photo_hash"], unique=False)
    op.create_table(
        "exam_plan_subjects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("plan_certificate_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("exam_modes", ModeSet(), nullable=False),
        sa.Column("examinee_category", sa.String(length=200), nullable=False),
        sa.Column("full_tenths", sa.Integer(), nullable=False),
        sa.Column("pass_tenths", sa.Integer(), nullable=False),
        sa.Column("weight_percent", sa.Integer(), nullable=True),
        sa.Column(
            "arrangement_state",
            sa.Enum(
                "not_arranged",
                "arranged",
                "published",
                name="arrangementstate",
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
        sa.CheckConstraint(
            "pass_tenths BETWEEN 0 AND full_tenths", name=op.f("ck_exam_plan_subjects_pass_within_full")
        ),
        sa.CheckConstraint("weight_percent BETWEEN 0 AND 100", name=op.f("ck_exam_plan_subjects_weight")),
        sa.ForeignKeyConstraint(
            ["plan_certificate_id"],
            ["exam_plan_certificates.id"],
            name=op.f("fk_exam_plan_subjects_plan_certificate_id_exam_plan_certificates"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_exam_plan_subjects_plan_id_exam_plans"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("fk_exam_plan_subjects_subject_id_subjects"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_plan_subjects")),
        sa.UniqueConstraint(
            "plan_certificate_id", "subject_id", name=op.f("uq_exam_plan_subjects_plan_certificate_id_subject_id")
        ),
    )
    op.create_index(
        op.f("ix_exam_plan_subjects_plan_certificate_id"), "exam_plan_subjects", ["plan_certificate_id"], unique=False
    )
    op.create_index(op.f("ix_exam_plan_subjects_plan_id"), "exam_plan_subjects", ["plan_id"], unique=False)
    op.create_index(op.f("ix_exam_plan_subjects_subject_id"), "exam_plan_subjects", ["subject_id"], unique=False)
    op.create_table(
        "pilot_application_majors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("major_id", sa.Integer(), nullable=False),
        sa.Column("students_enrolled", sa.Integer(), nullable=False),
        sa.Column("full_time_teachers", sa.Integer(), nullable=False),
        sa.Column("requested_count", sa.Integer(), nullable=False),
        sa.Column("approved_count", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["pilot_applications.id"],
            name=op.f("fk_pilot_application_majors_application_id_pilot_applications"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["major_id"], ["majors.id"], name=op.f("fk_pilot_application_majors_major_id_majors"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pilot_application_majors")),
        sa.UniqueConstraint(
            "application_id", "major_id", name=op.f("uq_pilot_application_majors_application_id_major_id")
        ),
    )
    op.create_index(
        op.f("ix_pilot_application_majors_application_id"), "pilot_application_majors", ["application_id"], unique=False
    )
    op.create_index(
        op.f("ix_pilot_application_majors_major_id"), "pilot_application_majors", ["major_id"], unique=False
    )
    op.create_table(
        "candidate_photos",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_candidate_photos_candidate_id_candidates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_photos")),
        sa.UniqueConstraint("candidate_id", name=op.f("uq_candidate_photos_candidate_id")),
    )
    op.create_table(
        "candidate_snapshots",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_pinyin", sa.String(length=200), nullable=False),
        sa.Column(
            "gender",
            sa.Enum("male", "female", name="gender", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "id_type",
            sa.Enum(
                "resident",
                "passport",
                "hk_macao",
                "taiwan",
                "military",
                name="idtype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("id_number", sa.String(length=32), nullable=False),
        sa.Column("mobile", sa.String(length=11), nullable=False),
        sa.Column(
            "education_level",
            sa.Enum(
                "secondary",
                "junior_college",
                "bachelor",
                "vocational_bachelor",
                "graduate",
                name="educationlevel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("major_name", sa.String(length=200), nullable=False),
        sa.Column("major_code", sa.String(length=40), nullable=False),
        sa.Column("photo_hash", sa.String(length=64), nullable=False),
        sa.Column("ticket_no", sa.String(length=40), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_candidate_snapshots_candidate_id_candidates"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_candidate_snapshots_plan_id_exam_plans"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_snapshots")),
        sa.UniqueConstraint("plan_id", "candidate_id", name=op.f("uq_candidate_snapshots_plan_id_candidate_id")),
        sa.UniqueConstraint("ticket_no", name=op.f("uq_candidate_snapshots_ticket_no")),
    )
    op.create_index(op.f("ix_candidate_snapshots_candidate_id"), "candidate_snapshots", ["candidate_id"], unique=False)
    op.create_index(op.f("ix_candidate_snapshots_id_number"), "candidate_snapshots", ["id_number"], unique=False)
    op.create_index(op.f("ix_candidate_snapshots_plan_id"), "candidate_snapshots", ["plan_id"], unique=False)
    op.create_table(
        "exam_room_subjects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("plan_subject_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_subject_id"],
            ["exam_plan_subjects.id"],
            name=op.f("fk_exam_room_subjects_plan_subject_id_exam_plan_subjects"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["room_id"], ["exam_rooms.id"], name=op.f("fk_exam_room_subjects_room_id_exam_rooms"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_room_subjects")),
        sa.UniqueConstraint("room_id", "plan_subject_id", name=op.f("uq_exam_room_subjects_room_id_plan_subject_id")),
    )
    op.create_index(
        op.f("ix_exam_room_subjects_plan_subject_id"), "exam_room_subjects", ["plan_subject_id"], unique=False
    )
    op.create_index(op.f("ix_exam_room_subjects_room_id"), "exam_room_subjects", ["room_id"], unique=False)
    op.create_table(
        "exam_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_subject_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_exam_sessions_order")),
        sa.ForeignKeyConstraint(
            ["plan_subject_id"],
            ["exam_plan_subjects.id"],
            name=op.f("fk_exam_sessions_plan_subject_id_exam_plan_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_sessions")),
        sa.UniqueConstraint("plan_subject_id", "starts_at", name=op.f("uq_exam_sessions_plan_subject_id_starts_at")),
    )
    op.create_index(op.f("ix_exam_sessions_plan_subject_id"), "exam_sessions", ["plan_subject_id"], unique=False)
    op.create_table(
        "user_accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("real_name", sa.String(length=200), nullable=False),
        sa.Column("mobile", sa.String(length=11), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=True),
        sa.Column("org_id", sa.Integer(), nullable=True),
        sa.Column("college_id", sa.Integer(), nullable=True),
        sa.Column("candidate_id", sa.Integer(), nullable=True),
        sa.Column("is_initial", sa.Boolean(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "enabled",
                "locked",
                "disabled",
                name="accountstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("wrong_passwords", sa.Integer(), nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.Column("last_login_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(CASE WHEN authority_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN org_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN college_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN candidate_id IS NULL THEN 0 ELSE 1 END) <= 1",
            name=op.f("ck_user_accounts_one_owner"),
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["education_authorities.id"],
            name=op.f("fk_user_accounts_authority_id_education_authorities"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_user_accounts_candidate_id_candidates"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_user_accounts_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["evaluation_orgs.id"],
            name=op.f("fk_user_accounts_org_id_evaluation_orgs"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_accounts")),
        sa.UniqueConstraint("login", name=op.f("uq_user_accounts_login")),
    )
    op.create_index(op.f("ix_user_accounts_authority_id"), "user_accounts", ["authority_id"], unique=False)
    op.create_index(op.f("ix_user_accounts_candidate_id"), "user_accounts", ["candidate_id"], unique=False)
    op.create_index(op.f("ix_user_accounts_college_id"), "user_accounts", ["college_id"], unique=False)
    op.create_index(op.f("ix_user_accounts_org_id"), "user_accounts", ["org_id"], unique=False)
    op.create_index(
        "uq_user_accounts_initial",
        "user_accounts",
        ["college_id"],
        unique=True,
        sqlite_where=sa.text("is_initial"),
        postgresql_where=sa.text("is_initial"),
    )
    op.create_table(
        "account_roles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "admin",
                "province",
                "city",
                "teo",
                "coordinator",
                "signatory",
                "sign_reviewer",
                "invigilator",
                "candidate",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_accounts.id"],
            name=op.f("fk_account_roles_account_id_user_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_roles")),
        sa.UniqueConstraint("account_id", "role", name=op.f("uq_account_roles_account_id_role")),
    )
    op.create_index(op.f("ix_account_roles_account_id"), "account_roles", ["account_id"], unique=False)
    op.create_table(
        "chat_bindings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("telegram_user_id", sa.BigInteger(), nullable=False),
        sa.Column("bound_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "active", "dead", "ended", name="bindingstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_accounts.id"],
            name=op.f("fk_chat_bindings_account_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_bindings")),
    )
    op.create_index(op.f("ix_chat_bindings_account_id"), "chat_bindings", ["account_id"], unique=False)
    op.create_index(op.f("ix_chat_bindings_telegram_user_id"), "chat_bindings", ["telegram_user_id"], unique=False)
    op.create_index(
        "uq_chat_bindings_account",
        "chat_bindings",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )
    op.create_index(
        "uq_chat_bindings_user",
        "chat_bindings",
        ["telegram_user_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )
    op.create_table(
        "identity_verifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column(
            "method",
            sa.Enum("rules", "manual", name="verificationmethod", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "result",
            sa.Enum("pass", "fail", name="verificationresult", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "method <> 'manual' OR length(reason) > 0", name=op.f("ck_identity_verifications_by_hand_has_note")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["user_accounts.id"],
            name=op.f("fk_identity_verifications_actor_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_identity_verifications_candidate_id_candidates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_verifications")),
    )
    op.create_index(op.f("ix_identity_verifications_actor_id"), "identity_verifications", ["actor_id"], unique=False)
    op.create_index(
        op.f("ix_identity_verifications_candidate_id"), "identity_verifications", ["candidate_id"], unique=False
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=160), nullable=False),
        sa.Column("thing_type", sa.String(length=40), nullable=True),
        sa.Column("thing_id", sa.Integer(), nullable=True),
        sa.Column("thing_version", sa.Integer(), nullable=True),
        sa.Column("task_code", sa.String(length=8), nullable=True),
        sa.Column(
            "reply_state",
            sa.Enum(
                "not_asked",
                "open",
                "acknowledged",
                "done",
                "refused",
                "expired",
                name="replystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("replied_at", UtcDateTime(), nullable=True),
        sa.Column("replied_by", sa.Integer(), nullable=True),
        sa.Column("closing_note", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("useful_until", UtcDateTime(), nullable=False),
        sa.Column(
            "delivery_state",
            sa.Enum(
                "pending",
                "sending",
                "delivered",
                "failed",
                "suppressed",
                name="deliverystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("may_have_arrived", sa.Boolean(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(delivery_state IN ('delivered')) = (delivered_at IS NOT NULL)",
            name=op.f("ck_notifications_delivered_has_time"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_accounts.id"],
            name=op.f("fk_notifications_account_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index("ix_notifications_due", "notifications", ["delivery_state", "next_attempt_at"], unique=False)
    op.create_index("ix_notifications_mine", "notifications", ["account_id", "reply_state"], unique=False)
    op.create_index("ix_notifications_stale", "notifications", ["is_stale"], unique=False)
    op.create_index("ix_notifications_thing", "notifications", ["thing_type", "thing_id"], unique=False)
    op.create_index("uq_notifications_once", "notifications", ["account_id", "dedupe_key"], unique=True)
    op.create_index(
        "uq_notifications_task_code",
        "notifications",
        ["task_code"],
        unique=True,
        sqlite_where=sa.text("reply_state IN ('open')"),
        postgresql_where=sa.text("reply_state IN ('open')"),
    )
    op.create_table(
        "one_time_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_accounts.id"],
            name=op.f("fk_one_time_codes_account_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_one_time_codes_code_hash")),
    )
    op.create_index(op.f("ix_one_time_codes_account_id"), "one_time_codes", ["account_id"], unique=False)
    op.create_table(
        "registrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("plan_certificate_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("college", "social", name="candidatekind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("examinee_category", sa.String(length=200), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "by_certificate",
                "by_subject",
                name="registrationsource",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "payment_state",
            sa.Enum("unpaid", "paid", name="paymentstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("import_job_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_registrations_candidate_id_candidates"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_registrations_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_registrations_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["import_job_id"],
            ["import_jobs.id"],
            name=op.f("fk_registrations_import_job_id_import_jobs"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["evaluation_orgs.id"],
            name=op.f("fk_registrations_org_id_evaluation_orgs"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["plan_certificate_id"],
            ["exam_plan_certificates.id"],
            name=op.f("fk_registrations_plan_certificate_id_exam_plan_certificates"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_registrations_plan_id_exam_plans"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["exam_sites.id"], name=op.f("fk_registrations_site_id_exam_sites"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["candidate_snapshots.id"],
            name=op.f("fk_registrations_snapshot_id_candidate_snapshots"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint(
            "plan_id",
            "candidate_id",
            "certificate_id",
            name=op.f("uq_registrations_plan_id_candidate_id_certificate_id"),
        ),
    )
    op.create_index(op.f("ix_registrations_candidate_id"), "registrations", ["candidate_id"], unique=False)
    op.create_index(op.f("ix_registrations_certificate_id"), "registrations", ["certificate_id"], unique=False)
    op.create_index(op.f("ix_registrations_import_job_id"), "registrations", ["import_job_id"], unique=False)
    op.create_index(op.f("ix_registrations_org_id"), "registrations", ["org_id"], unique=False)
    op.create_index(
        op.f("ix_registrations_plan_certificate_id"), "registrations", ["plan_certificate_id"], unique=False
    )
    op.create_index("ix_registrations_plan_college", "registrations", ["plan_id", "college_id"], unique=False)
    op.create_index(op.f("ix_registrations_site_id"), "registrations", ["site_id"], unique=False)
    op.create_index(op.f("ix_registrations_snapshot_id"), "registrations", ["snapshot_id"], unique=False)
    op.create_table(
        "review_records",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=True),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column(
            "step",
            sa.Enum(
                "submit",
                "city",
                "preliminary",
                "final",
                "teo",
                name="reviewstep",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "decision",
            sa.Enum(
                "submit",
                "pass",
                "return",
                "withdraw",
                name="reviewdecision",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_count", sa.Integer(), nullable=True),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "decision <> 'return' OR length(reason) > 0", name=op.f("ck_review_records_return_has_reason")
        ),
        sa.CheckConstraint(
            "(application_id IS NULL) <> (site_id IS NULL)", name=op.f("ck_review_records_of_one_thing")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["user_accounts.id"],
            name=op.f("fk_review_records_actor_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["pilot_applications.id"],
            name=op.f("fk_review_records_application_id_pilot_applications"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["exam_sites.id"], name=op.f("fk_review_records_site_id_exam_sites"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_records")),
    )
    op.create_index(op.f("ix_review_records_actor_id"), "review_records", ["actor_id"], unique=False)
    op.create_index(op.f("ix_review_records_application_id"), "review_records", ["application_id"], unique=False)
    op.create_index(op.f("ix_review_records_site_id"), "review_records", ["site_id"], unique=False)
    op.create_table(
        "room_arrangements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("plan_subject_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_room_arrangements_plan_id_exam_plans"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["plan_subject_id"],
            ["exam_plan_subjects.id"],
            name=op.f("fk_room_arrangements_plan_subject_id_exam_plan_subjects"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["room_id"], ["exam_rooms.id"], name=op.f("fk_room_arrangements_room_id_exam_rooms"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["exam_sessions.id"],
            name=op.f("fk_room_arrangements_session_id_exam_sessions"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_arrangements")),
        sa.UniqueConstraint("room_id", "session_id", name=op.f("uq_room_arrangements_room_id_session_id")),
    )
    op.create_index(op.f("ix_room_arrangements_plan_id"), "room_arrangements", ["plan_id"], unique=False)
    op.create_index(
        op.f("ix_room_arrangements_plan_subject_id"), "room_arrangements", ["plan_subject_id"], unique=False
    )
    op.create_index(op.f("ix_room_arrangements_room_id"), "room_arrangements", ["room_id"], unique=False)
    op.create_index(op.f("ix_room_arrangements_session_id"), "room_arrangements", ["session_id"], unique=False)
    op.create_table(
        "signing_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "party",
            sa.Enum("teo", "college", name="party", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=True),
        sa.Column("org_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "created",
                "scanned",
                "signed",
                "cancelled",
                "expired",
                name="signingstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("signed_at", UtcDateTime(), nullable=True),
        sa.Column("hand_signature", sa.LargeBinary(), nullable=True),
        sa.Column("signature_hash", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('signed')) = (hand_signature IS NOT NULL)", name=op.f("ck_signing_sessions_signed_by_hand")
        ),
        sa.CheckConstraint("item_count > 0", name=op.f("ck_signing_sessions_signs_something")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_accounts.id"],
            name=op.f("fk_signing_sessions_account_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"], ["colleges.id"], name=op.f("fk_signing_sessions_college_id_colleges"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["evaluation_orgs.id"],
            name=op.f("fk_signing_sessions_org_id_evaluation_orgs"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_signing_sessions_plan_id_exam_plans"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_signing_sessions_token_hash")),
    )
    op.create_index(op.f("ix_signing_sessions_account_id"), "signing_sessions", ["account_id"], unique=False)
    op.create_index(op.f("ix_signing_sessions_college_id"), "signing_sessions", ["college_id"], unique=False)
    op.create_index(op.f("ix_signing_sessions_expires_at"), "signing_sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_signing_sessions_org_id"), "signing_sessions", ["org_id"], unique=False)
    op.create_index(op.f("ix_signing_sessions_plan_id"), "signing_sessions", ["plan_id"], unique=False)
    op.create_index(
        "uq_signing_sessions_open",
        "signing_sessions",
        ["account_id", "plan_id", "party"],
        unique=True,
        sqlite_where=sa.text("state IN ('created', 'scanned')"),
        postgresql_where=sa.text("state IN ('created', 'scanned')"),
    )
    op.create_table(
        "certificate_results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "not_entered",
                "entering",
                "passed",
                "failed",
                name="resultstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("composite_hundredths", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('failed', 'passed')) = (decided_at IS NOT NULL)",
            name=op.f("ck_certificate_results_decided_has_time"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["exam_plans.id"], name=op.f("fk_certificate_results_plan_id_exam_plans"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.id"],
            name=op.f("fk_certificate_results_registration_id_registrations"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_results")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_certificate_results_registration_id")),
    )
    op.create_index(op.f("ix_certificate_results_plan_id"), "certificate_results", ["plan_id"], unique=False)
    op.create_table(
        "subject_registrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("plan_subject_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "not_arranged",
                "seated",
                "not_required",
                name="sittingstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "attendance",
            sa.Enum("present", "absent", name="attendance", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan_subject_id"],
            ["exam_plan_subjects.id"],
            name=op.f("fk_subject_registrations_plan_subject_id_exam_plan_subjects"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.id"],
            name=op.f("fk_subject_registrations_registration_id_registrations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_registrations")),
        sa.UniqueConstraint(
            "registration_id", "plan_subject_id", name=op.f("uq_subject_registrations_registration_id_plan_subject_id")
        ),
    )
    op.create_index(
        op.f("ix_subject_registrations_registration_id"), "subject_registrations", ["registration_id"], unique=False
    )
    op.create_index(
        "ix_subject_registrations_subject_state", "subject_registrations", ["plan_subject_id", "state"], unique=False
    )
    op.create_table(
        "certificate_issuances",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("college_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.Integer(), nullable=False),
        sa.Column("certificate_no", sa.String(length=40), nullable=False),
        sa.Column(
            "issue_method",
            sa.Enum("paper", "electronic", name="issuemethod", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "teo_pending",
                "teo_rejected",
                "site_pending",
                "site_rejected",
                "ready",
                "generating",
                "stamp_failed",
                "issued",
                name="issuancestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_rejection_handled", sa.Boolean(), nullable=False),
        sa.Column("rejection_note", sa.Text(), nullable=False),
        sa.Column("is_generation_ordered", sa.Boolean(), nullable=False),
        sa.Column("failure_code", sa.String(length=60), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('stamp_failed')) = (failure_code IS NOT NULL)",
            name=op.f("ck_certificate_issuances_failure_has_code"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('generating', 'issued', 'stamp_failed') OR (issue_method IS NOT NULL AND issued_on IS NOT NULL)",
            name=op.f("ck_certificate_issuances_generation_has_method"),
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate_types.id"],
            name=op.f("fk_certificate_issuances_certificate_id_certificate_types"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["college_id"],
            ["colleges.id"],
            name=op.f("fk_certificate_issuances_college_id_colleges"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["evaluation_orgs.id"],
            name=op.f("fk_certificate_issuances_org_id_evaluation_orgs"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["exam_plans.id"],
            name=op.f("fk_certificate_issuances_plan_id_exam_plans"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.id"],
            name=op.f("fk_certificate_issuances_registration_id_registrations"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["result_id"],
            ["certificate_results.id"],
            name=op.f("fk_certificate_issuances_result_id_certificate_results"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"],
            ["exam_sites.id"],
            name=op.f("fk_certificate_issuances_site_id_exam_sites"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_issuances")),
        sa.UniqueConstraint("certificate_no", name=op.f("uq_certificate_issuances_certificate_no")),
        sa.UniqueConstraint("result_id", name=op.f("uq_certificate_issuances_result_id")),
    )
    op.create_index(
        "ix_certificate_issuances_batch", "certificate_issuances", ["plan_id", "college_id", "state"], unique=False
    )
    op.create_index(
        op.f("ix_certificate_issuances_certificate_id"), "certificate_issuances", ["certificate_id"], unique=False
    )
    op.create_index("ix_certificate_issuances_org", "certificate_issuances", ["org_id", "state"], unique=False)
    op.create_index(
        op.f("ix_certificate_issuances_registration_id"), "certificate_issuances", ["registration_id"], unique=False
    )
    op.create_index(op.f("ix_certificate_issuances_site_id"), "certificate_issuances", ["site_id"], unique=False)
    op.create_table(
        "seat_assignments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room_arrangement_id", sa.Integer(), nullable=False),
        sa.Column("subject_registration_id", sa.Integer(), nullable=False),
        sa.Column("seat_no", sa.Integer(), nullable=False),
        sa.Column("assigned_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("seat_no >= 1", name=op.f("ck_seat_assignments_seat_no")),
        sa.ForeignKeyConstraint(
            ["room_arrangement_id"],
            ["room_arrangements.id"],
            name=op.f("fk_seat_assignments_room_arrangement_id_room_arrangements"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["subject_registration_id"],
            ["subject_registrations.id"],
            name=op.f("fk_seat_assignments_subject_registration_id_subject_registrations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat_assignments")),
        sa.UniqueConstraint(
            "room_arrangement_id", "seat_no", name=op.f("uq_seat_assignments_room_arrangement_id_seat_no")
        ),
        sa.UniqueConstraint("subject_registration_id", name=op.f("uq_seat_assignments_subject_registration_id")),
    )
    op.create_table(
        "subject_scores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject_registration_id", sa.Integer(), nullable=False),
        sa.Column("score_tenths", sa.Integer(), nullable=True),
        sa.Column("is_absent", sa.Boolean(), nullable=False),
        sa.Column("is_invalid", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "not_entered",
                "entered",
                "locked",
                name="scorestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("entered_at", UtcDateTime(), nullable=True),
        sa.Column("locked_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('locked')) = (locked_at IS NOT NULL)", name=op.f("ck_subject_scores_locked_has_time")
        ),
        sa.CheckConstraint(
            "state <> 'entered' OR score_tenths IS NOT NULL OR is_absent OR is_invalid",
            name=op.f("ck_subject_scores_something"),
        ),
        sa.CheckConstraint(
            "state <> 'not_entered' OR (score_tenths IS NULL AND NOT is_absent AND NOT is_invalid)",
            name=op.f("ck_subject_scores_nothing_yet"),
        ),
        sa.CheckConstraint("NOT is_absent OR score_tenths IS NULL", name=op.f("ck_subject_scores_absent_has_no_score")),
        sa.CheckConstraint("score_tenths BETWEEN 0 AND 1000", name=op.f("ck_subject_scores_score_range")),
        sa.ForeignKeyConstraint(
            ["subject_registration_id"],
            ["subject_registrations.id"],
            name=op.f("fk_subject_scores_subject_registration_id_subject_registrations"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_scores")),
        sa.UniqueConstraint("subject_registration_id", name=op.f("uq_subject_scores_subject_registration_id")),
    )
    op.create_table(
        "certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issuance_id", sa.Integer(), nullable=False),
        sa.Column("certificate_no", sa.String(length=40), nullable=False),
        sa.Column("storage_key", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("template_version", sa.String(length=20), nullable=False),
        sa.Column("sealed_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["issuance_id"],
            ["certificate_issuances.id"],
            name=op.f("fk_certificates_issuance_id_certificate_issuances"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("certificate_no", name=op.f("uq_certificates_certificate_no")),
        sa.UniqueConstraint("issuance_id", name=op.f("uq_certificates_issuance_id")),
    )
    op.create_table(
        "score_amendments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("score_id", sa.Integer(), nullable=False),
        sa.Column("old_tenths", sa.Integer(), nullable=True),
        sa.Column("old_absent", sa.Boolean(), nullable=False),
        sa.Column("new_tenths", sa.Integer(), nullable=True),
        sa.Column("new_absent", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["user_accounts.id"],
            name=op.f("fk_score_amendments_actor_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["score_id"],
            ["subject_scores.id"],
            name=op.f("fk_score_amendments_score_id_subject_scores"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_amendments")),
    )
    op.create_index(op.f("ix_score_amendments_actor_id"), "score_amendments", ["actor_id"], unique=False)
    op.create_index(op.f("ix_score_amendments_score_id"), "score_amendments", ["score_id"], unique=False)
    op.create_table(
        "signing_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("issuance_id", sa.Integer(), nullable=False),
        sa.Column("issuance_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issuance_id"],
            ["certificate_issuances.id"],
            name=op.f("fk_signing_items_issuance_id_certificate_issuances"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["signing_sessions.id"],
            name=op.f("fk_signing_items_session_id_signing_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_items")),
        sa.UniqueConstraint("session_id", "issuance_id", name=op.f("uq_signing_items_session_id_issuance_id")),
    )
    op.create_index(op.f("ix_signing_items_issuance_id"), "signing_items", ["issuance_id"], unique=False)
    op.create_index(op.f("ix_signing_items_session_id"), "signing_items", ["session_id"], unique=False)
    op.create_table(
        "signing_records",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issuance_id", sa.Integer(), nullable=False),
        sa.Column(
            "party",
            sa.Enum("teo", "college", name="party", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "decision",
            sa.Enum("approve", "reject", name="signingdecision", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("signer_name", sa.String(length=200), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "decision <> 'approve' OR session_id IS NOT NULL", name=op.f("ck_signing_records_approve_has_signature")
        ),
        sa.CheckConstraint(
            "decision <> 'reject' OR length(reason) > 0", name=op.f("ck_signing_records_reject_has_reason")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["user_accounts.id"],
            name=op.f("fk_signing_records_actor_id_user_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["issuance_id"],
            ["certificate_issuances.id"],
            name=op.f("fk_signing_records_issuance_id_certificate_issuances"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["signing_sessions.id"],
            name=op.f("fk_signing_records_session_id_signing_sessions"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_records")),
    )
    op.create_index(op.f("ix_signing_records_actor_id"), "signing_records", ["actor_id"], unique=False)
    op.create_index(op.f("ix_signing_records_issuance_id"), "signing_records", ["issuance_id"], unique=False)
    op.create_index(op.f("ix_signing_records_session_id"), "signing_records", ["session_id"], unique=False)
    op.create_index(
        "uq_signing_records_approval",
        "signing_records",
        ["issuance_id", "party"],
        unique=True,
        sqlite_where=sa.text("decision = 'approve'"),
        postgresql_where=sa.text("decision = 'approve'"),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Undo it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_entries_append_only ON audit_entries")
        op.execute("DROP FUNCTION refuse_trail_change")
    op.drop_index(
        "uq_signing_records_approval",
        table_name="signing_records",
        sqlite_where=sa.text("decision = 'approve'"),
        postgresql_where=sa.text("decision = 'approve'"),
    )
    op.drop_index(op.f("ix_signing_records_session_id"), table_name="signing_records")
    op.drop_index(op.f("ix_signing_records_issuance_id"), table_name="signing_records")
    op.drop_index(op.f("ix_signing_records_actor_id"), table_name="signing_records")
    op.drop_table("signing_records")
    op.drop_index(op.f("ix_signing_items_session_id"), table_name="signing_items")
    op.drop_index(op.f("ix_signing_items_issuance_id"), table_name="signing_items")
    op.drop_table("signing_items")
    op.drop_index(op.f("ix_score_amendments_score_id"), table_name="score_amendments")
    op.drop_index(op.f("ix_score_amendments_actor_id"), table_name="score_amendments")
    op.drop_table("score_amendments")
    op.drop_table("certificates")
    op.drop_table("subject_scores")
    op.drop_table("seat_assignments")
    op.drop_index(op.f("ix_certificate_issuances_site_id"), table_name="certificate_issuances")
    op.drop_index(op.f("ix_certificate_issuances_registration_id"), table_name="certificate_issuances")
    op.drop_index("ix_certificate_issuances_org", table_name="certificate_issuances")
    op.drop_index(op.f("ix_certificate_issuances_certificate_id"), table_name="certificate_issuances")
    op.drop_index("ix_certificate_issuances_batch", table_name="certificate_issuances")
    op.drop_table("certificate_issuances")
    op.drop_index("ix_subject_registrations_subject_state", table_name="subject_registrations")
    op.drop_index(op.f("ix_subject_registrations_registration_id"), table_name="subject_registrations")
    op.drop_table("subject_registrations")
    op.drop_index(op.f("ix_certificate_results_plan_id"), table_name="certificate_results")
    op.drop_table("certificate_results")
    op.drop_index(
        "uq_signing_sessions_open",
        table_name="signing_sessions",
        sqlite_where=sa.text("state IN ('created', 'scanned')"),
        postgresql_where=sa.text("state IN ('created', 'scanned')"),
    )
    op.drop_index(op.f("ix_signing_sessions_plan_id"), table_name="signing_sessions")
    op.drop_index(op.f("ix_signing_sessions_org_id"), table_name="signing_sessions")
    op.drop_index(op.f("ix_signing_sessions_expires_at"), table_name="signing_sessions")
    op.drop_index(op.f("ix_signing_sessions_college_id"), table_name="signing_sessions")
    op.drop_index(op.f("ix_signing_sessions_account_id"), table_name="signing_sessions")
    op.drop_table("signing_sessions")
    op.drop_index(op.f("ix_room_arrangements_session_id"), table_name="room_arrangements")
    op.drop_index(op.f("ix_room_arrangements_room_id"), table_name="room_arrangements")
    op.drop_index(op.f("ix_room_arrangements_plan_subject_id"), table_name="room_arrangements")
    op.drop_index(op.f("ix_room_arrangements_plan_id"), table_name="room_arrangements")
    op.drop_table("room_arrangements")
    op.drop_index(op.f("ix_review_records_site_id"), table_name="review_records")
    op.drop_index(op.f("ix_review_records_application_id"), table_name="review_records")
    op.drop_index(op.f("ix_review_records_actor_id"), table_name="review_records")
    op.drop_table("review_records")
    op.drop_index(op.f("ix_registrations_snapshot_id"), table_name="registrations")
    op.drop_index(op.f("ix_registrations_site_id"), table_name="registrations")
    op.drop_index("ix_registrations_plan_college", table_name="registrations")
    op.drop_index(op.f("ix_registrations_plan_certificate_id"), table_name="registrations")
    op.drop_index(op.f("ix_registrations_org_id"), table_name="registrations")
    op.drop_index(op.f("ix_registrations_import_job_id"), table_name="registrations")
    op.drop_index(op.f("ix_registrations_certificate_id"), table_name="registrations")
    op.drop_index(op.f("ix_registrations_candidate_id"), table_name="registrations")
    op.drop_table("registrations")
    op.drop_index(op.f("ix_one_time_codes_account_id"), table_name="one_time_codes")
    op.drop_table("one_time_codes")
    op.drop_index(
        "uq_notifications_task_code",
        table_name="notifications",
        sqlite_where=sa.text("reply_state IN ('open')"),
        postgresql_where=sa.text("reply_state IN ('open')"),
    )
    op.drop_index("uq_notifications_once", table_name="notifications")
    op.drop_index("ix_notifications_thing", table_name="notifications")
    op.drop_index("ix_notifications_stale", table_name="notifications")
    op.drop_index("ix_notifications_mine", table_name="notifications")
    op.drop_index("ix_notifications_due", table_name="notifications")
    op.drop_table("notifications")
    op.drop_index(op.f("ix_identity_verifications_candidate_id"), table_name="identity_verifications")
    op.drop_index(op.f("ix_identity_verifications_actor_id"), table_name="identity_verifications")
    op.drop_table("identity_verifications")
    op.drop_index(
        "uq_chat_bindings_user",
        table_name="chat_bindings",
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )
    op.drop_index(
        "uq_chat_bindings_account",
        table_name="chat_bindings",
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )
    op.drop_index(op.f("ix_chat_bindings_telegram_user_id"), table_name="chat_bindings")
    op.drop_index(op.f("ix_chat_bindings_account_id"), table_name="chat_bindings")
    op.drop_table("chat_bindings")
    op.drop_index(op.f("ix_account_roles_account_id"), table_name="account_roles")
    op.drop_table("account_roles")
    op.drop_index(
        "uq_user_accounts_initial",
        table_name="user_accounts",
        sqlite_where=sa.text("is_initial"),
        postgresql_where=sa.text("is_initial"),
    )
    op.drop_index(op.f("ix_user_accounts_org_id"), table_name="user_accounts")
    op.drop_index(op.f("ix_user_accounts_college_id"), table_name="user_accounts")
    op.drop_index(op.f("ix_user_accounts_candidate_id"), table_name="user_accounts")
    op.drop_index(op.f("ix_user_accounts_authority_id"), table_name="user_accounts")
    op.drop_table("user_accounts")
    op.drop_index(op.f("ix_exam_sessions_plan_subject_id"), table_name="exam_sessions")
    op.drop_table("exam_sessions")
    op.drop_index(op.f("ix_exam_room_subjects_room_id"), table_name="exam_room_subjects")
    op.drop_index(op.f("ix_exam_room_subjects_plan_subject_id"), table_name="exam_room_subjects")
    op.drop_table("exam_room_subjects")
    op.drop_index(op.f("ix_candidate_snapshots_plan_id"), table_name="candidate_snapshots")
    op.drop_index(op.f("ix_candidate_snapshots_id_number"), table_name="candidate_snapshots")
    op.drop_index(op.f("ix_candidate_snapshots_candidate_id"), table_name="candidate_snapshots")
    op.drop_table("candidate_snapshots")
    op.drop_table("candidate_photos")
    op.drop_index(op.f("ix_pilot_application_majors_major_id"), table_name="pilot_application_majors")
    op.drop_index(op.f("ix_pilot_application_majors_application_id"), table_name="pilot_application_majors")
    op.drop_table("pilot_application_majors")
    op.drop_index(op.f("ix_exam_plan_subjects_subject_id"), table_name="exam_plan_subjects")
    op.drop_index(op.f("ix_exam_plan_subjects_plan_id"), table_name="exam_plan_subjects")
    op.drop_index(op.f("ix_exam_plan_subjects_plan_certificate_id"), table_name="exam_plan_subjects")
    op.drop_table("exam_plan_subjects")
    op.drop_index(op.f("ix_candidates_photo_hash"), table_name="candidates")
    op.drop_index(op.f("ix_candidates_import_job_id"), table_name="candidates")
    op.drop_index("ix_candidates_college_state", table_name="candidates")
    op.drop_table("candidates")
    op.drop_index(op.f("ix_subjects_certificate_id"), table_name="subjects")
    op.drop_table("subjects")
    op.drop_index(
        "uq_site_allocations_active",
        table_name="site_allocations",
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )
    op.drop_index(op.f("ix_site_allocations_site_id"), table_name="site_allocations")
    op.drop_index(op.f("ix_site_allocations_plan_id"), table_name="site_allocations")
    op.drop_index(op.f("ix_site_allocations_certificate_id"), table_name="site_allocations")
    op.drop_index(op.f("ix_site_allocations_borrowing_college_id"), table_name="site_allocations")
    op.drop_table("site_allocations")
    op.drop_index(op.f("ix_quotas_college_id"), table_name="quotas")
    op.drop_index(op.f("ix_quotas_certificate_id"), table_name="quotas")
    op.drop_table("quotas")
    op.drop_index("ix_pilot_applications_scope", table_name="pilot_applications")
    op.drop_index(op.f("ix_pilot_applications_plan_id"), table_name="pilot_applications")
    op.drop_index(op.f("ix_pilot_applications_college_id"), table_name="pilot_applications")
    op.drop_index(op.f("ix_pilot_applications_certificate_id"), table_name="pilot_applications")
    op.drop_table("pilot_applications")
    op.drop_index(op.f("ix_import_jobs_plan_id"), table_name="import_jobs")
    op.drop_index(op.f("ix_import_jobs_org_id"), table_name="import_jobs")
    op.drop_index(op.f("ix_import_jobs_college_id"), table_name="import_jobs")
    op.drop_table("import_jobs")
    op.drop_index(
        "uq_exam_site_certificates_living",
        table_name="exam_site_certificates",
        sqlite_where=sa.text("is_living"),
        postgresql_where=sa.text("is_living"),
    )
    op.drop_index(op.f("ix_exam_site_certificates_site_id"), table_name="exam_site_certificates")
    op.drop_index(op.f("ix_exam_site_certificates_college_id"), table_name="exam_site_certificates")
    op.drop_index(op.f("ix_exam_site_certificates_certificate_id"), table_name="exam_site_certificates")
    op.drop_table("exam_site_certificates")
    op.drop_index(op.f("ix_exam_rooms_site_id"), table_name="exam_rooms")
    op.drop_index(op.f("ix_exam_rooms_plan_id"), table_name="exam_rooms")
    op.drop_index(op.f("ix_exam_rooms_college_id"), table_name="exam_rooms")
    op.drop_index(op.f("ix_exam_rooms_certificate_id"), table_name="exam_rooms")
    op.drop_table("exam_rooms")
    op.drop_index(op.f("ix_exam_plan_colleges_plan_id"), table_name="exam_plan_colleges")
    op.drop_index(op.f("ix_exam_plan_colleges_college_id"), table_name="exam_plan_colleges")
    op.drop_table("exam_plan_colleges")
    op.drop_index(op.f("ix_exam_plan_certificates_plan_id"), table_name="exam_plan_certificates")
    op.drop_index(op.f("ix_exam_plan_certificates_certificate_id"), table_name="exam_plan_certificates")
    op.drop_table("exam_plan_certificates")
    op.drop_index(op.f("ix_declaration_plan_certificates_plan_id"), table_name="declaration_plan_certificates")
    op.drop_index(op.f("ix_declaration_plan_certificates_certificate_id"), table_name="declaration_plan_certificates")
    op.drop_table("declaration_plan_certificates")
    op.drop_index(op.f("ix_certificate_majors_major_id"), table_name="certificate_majors")
    op.drop_index(op.f("ix_certificate_majors_certificate_id"), table_name="certificate_majors")
    op.drop_table("certificate_majors")
    op.drop_index(op.f("ix_exam_sites_org_id"), table_name="exam_sites")
    op.drop_index(op.f("ix_exam_sites_college_id"), table_name="exam_sites")
    op.drop_table("exam_sites")
    op.drop_index(op.f("ix_exam_plans_org_id"), table_name="exam_plans")
    op.drop_index(op.f("ix_exam_plans_next_edge_at"), table_name="exam_plans")
    op.drop_table("exam_plans")
    op.drop_index(
        "uq_electronic_seals_active",
        table_name="electronic_seals",
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )
    op.drop_index(op.f("ix_electronic_seals_college_id"), table_name="electronic_seals")
    op.drop_table("electronic_seals")
    op.drop_index(op.f("ix_declaration_plans_next_edge_at"), table_name="declaration_plans")
    op.drop_index(op.f("ix_declaration_plans_authority_id"), table_name="declaration_plans")
    op.drop_table("declaration_plans")
    op.drop_index(op.f("ix_certificate_types_org_id"), table_name="certificate_types")
    op.drop_table("certificate_types")
    op.drop_table("regions")
    op.drop_table("number_series")
    op.drop_table("majors")
    op.drop_table("heartbeats")
    op.drop_table("evaluation_orgs")
    op.drop_index(op.f("ix_education_authorities_province_code"), table_name="education_authorities")
    op.drop_table("education_authorities")
    op.drop_index(op.f("ix_colleges_province_code"), table_name="colleges")
    op.drop_table("colleges")
    op.drop_table("chat_updates")
    op.drop_table("chat_drafts")
    op.drop_index("ix_audit_entries_object", table_name="audit_entries")
    op.drop_table("audit_entries")
