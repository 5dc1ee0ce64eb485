"""An office that has worked with the first version upgrades: its rows keep their meaning, and the way back is open."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import select, text

from core import db
from core.db import reading
from core.models.pilots import PilotApplication, Quota, QuotaPosting
from core.queries.reconcile import reconcile
from core.queries.tallies import kept

STAMP = "1, '2026-03-01 00:00:00+00:00', '2026-03-01 00:00:00+00:00'"
STAMPED = "version, created_at, updated_at"
OFFICE = (
    f"INSERT INTO education_authorities (id, name, level, province_code, contact_name, contact_phone, {STAMPED})"
    f" VALUES (1, '示例省教育厅', 'province', '42', '', '', {STAMP})",
    "INSERT INTO evaluation_orgs (id, org_code, name, contact_name, contact_mobile, site_material_required,"
    f" site_material_note, state, {STAMPED}) VALUES (7, '125', '示例机构', '', '', false, '', 'enabled', {STAMP})",
    "INSERT INTO colleges (id, college_code, name, college_type, province_code, city_code, district_code, address,"
    f" contact_name, contact_mobile, contact_email, state, {STAMPED})"
    f" VALUES (3, '4142010901', '示例学院', 'secondary', '42', '420100', '420111', '', '', '', '', 'enabled', {STAMP})",
    "INSERT INTO certificate_types (id, code, name, short_name, level, org_id, standard_code, english_name,"
    f" obtain_requirements, state, {STAMPED})"
    f" VALUES (5, '90000001', '示例证书', '示例', 'primary', 7, '990001', '', '', 'enabled', {STAMP})",
    "INSERT INTO declaration_plans (id, authority_id, year, batch_name, apply_opens_at, apply_closes_at,"
    " by_major_required, city_review_required, final_review_required, scope, notes, state,"
    f" {STAMPED}) VALUES (2, 1, 2026, '第一批', '2026-03-01 00:00:00+00:00', '2026-03-20 00:00:00+00:00',"
    f" false, true, false, 'all', '', 'published', {STAMP})",
    "INSERT INTO pilot_applications (id, college_id, plan_id, certificate_id, province_code, city_code,"
    f" requested_count, faculty_description, venue_description, state, {STAMPED})"
    f" VALUES (9, 3, 2, 5, '42', '420100', 24, '师资', '场地', 'pending_initial', {STAMP})",
    f"INSERT INTO quotas (id, college_id, certificate_id, year, province_code, granted, used, state, {STAMPED})"
    f" VALUES (4, 3, 5, 2026, '42', 24, 10, 'active', {STAMP})",
    "INSERT INTO quotas (id, college_id, certificate_id, year, province_code, granted, used, state, lapsed_at,"
    f" {STAMPED}) VALUES (6, 3, 5, 2025, '42', 30, 21, 'lapsed', '2026-01-01 00:00:00+00:00', {STAMP})",
)


@pytest.fixture
def old_office(any_database: str) -> None:
    """A database of the first version with an application under way, a living quota and a lapsed one."""
    command.downgrade(db.alembic_config(), "0001")
    with db.engine().begin() as connection:
        for statement in OFFICE:
            connection.execute(text(statement))
    command.upgrade(db.alembic_config(), "head")


@pytest.mark.usefixtures("old_office")
def test_an_application_under_way_knows_whose_it_is_and_is_counted() -> None:
    with reading() as session:
        row = session.scalars(select(PilotApplication)).one()
        assert (row.org_id, row.has_city_review, row.tally) == (7, True, "pending_initial@city")
        word = "pending_initial@city"
        places = {("", ""), ("org_id", "7"), ("college_id", "3"), ("province_code", "42"), ("city_code", "420100")}
        assert kept(session, PilotApplication) == {(*place, word): 1 for place in places}


@pytest.mark.usefixtures("old_office")
def test_balances_from_before_the_ledger_are_its_opening_postings() -> None:
    with reading() as session:
        lines = session.scalars(select(QuotaPosting).order_by(QuotaPosting.quota_id)).all()
        found = [(line.quota_id, line.kind.value, line.granted, line.used, line.lapsed) for line in lines]
        assert found == [(4, "open", 24, 10, 0), (6, "open", 30, 21, 9)]
        assert {quota.id: quota.left for quota in session.scalars(select(Quota))} == {4: 14, 6: 0}
        broken = [law.name for law in reconcile(session) if law.broken]
        assert broken == ["指标：已使用 = 院校考生报考数 ≤ 批准数"]  # nobody is registered in this small office


@pytest.mark.usefixtures("old_office")
def test_the_way_back_keeps_what_the_first_version_knew() -> None:
    command.downgrade(db.alembic_config(), "0001")
    with db.engine().connect() as connection:
        kept_rows = [connection.scalar(text(f"SELECT count(*) FROM {name}")) for name in ("quotas", "colleges")]
        assert kept_rows == [2, 1]
    command.upgrade(db.alembic_config(), "head")
    assert db.differences() == []
