"""The one writer: all of a unit or nothing, races told by name, numbers once, states moved by the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from core import db
from core.actors import SYSTEM
from core.db import reading, transaction
from core.errors import AlreadyThere, IllegalMove, NotFound, StaleState
from core.models.accounts import UserAccount
from core.models.candidates import Candidate
from core.models.catalogue import CertificateType
from core.models.organisations import EducationAuthority, RegionName
from core.models.pilots import PilotApplication, Quota
from core.models.plans import ExamPlan
from core.models.records import Heartbeat, Notification, NumberSeries
from core.models.sites import ExamSite
from core.notifications.pilots import ApplicationWaiting
from core.rules.organisations import SWITCH
from core.rules.pilots import QUOTA
from core.rules.sites import EXAM_SITE, SITE_STATUS
from core.usecases import accounts, notices, plans, sites
from tests.factories import Year, Years, census, count, last_entries, moment, one, plan_values, rows, site_values

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    found = any_years("sited")
    at(moment("sited"))
    return found


# -- all or nothing --------------------------------------------------------------------------------------------------


class _Accident(Exception):
    pass


@pytest.mark.parametrize("accident", [_Accident, KeyboardInterrupt, NotFound])
def test_a_unit_that_breaks_leaves_nothing_not_even_trail_or_messages(
    year: Year, accident: type[BaseException]
) -> None:
    before = census()
    with pytest.raises(accident), transaction(SYSTEM) as tx:  # noqa: PT012
        tx.add(RegionName(code="550100", name="某市"))
        tx.advance(tx.get(ExamSite, year["site"]), SITE_STATUS, "disqualify")
        tx.notify(ApplicationWaiting(year["application"], "city", 77))
        tx.next_number("plan")
        tx.beat("test")
        tx.session.flush()
        raise accident
    assert census() == before
    assert one(ExamSite, year["site"]).site_state == "enabled"


def test_a_verb_that_is_refused_in_its_last_line_leaves_nothing(year: Year) -> None:
    before = census()

    def first_this_then_that(tx: Any, **given: Any) -> None:
        sites.draft_site(tx, **site_values(year, certificate_ids=[year["certificate:2"]]))
        sites.draft_site(tx, **given)

    with pytest.raises(AlreadyThere):
        year.do("coordinator", first_this_then_that, **site_values(year))
    assert census() == before


def test_looking_changes_nothing_even_when_it_tries(year: Year) -> None:
    before = census()
    with reading() as session:
        session.add(RegionName(code="550100", name="某市"))
        session.flush()
    assert census() == before


def test_one_unit_has_one_instant(year: Year, at: At) -> None:
    started = at("2026-03-12 10:00")
    with transaction(SYSTEM) as tx:
        at("2026-03-12 10:05")
        tx.add(RegionName(code="550100", name="某市"))
        assert tx.now == started
    assert last_entries()[0].at == started


# -- races told by name ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "constraint"),
    [
        (lambda year: RegionName(code="420000", name="重复"), "uq_regions_code"),
        (lambda year: UserAccount(login="teo", real_name="重复"), "uq_user_accounts_login"),
        (
            lambda year: UserAccount(login="new", real_name="重复", college_id=year["college"], is_initial=True),
            "uq_user_accounts_initial",
        ),
        (
            lambda year: Quota(
                college_id=year["college"],
                certificate_id=year["certificate"],
                year=2026,
                province_code="42",
                granted=1,
            ),
            "uq_quotas_college_id_certificate_id_year",
        ),
        (
            lambda year: Quota(
                college_id=year["college"],
                certificate_id=year["certificate"],
                year=2027,
                province_code="42",
                granted=1,
                used=2,
            ),
            "ck_quotas_used_at_most_granted",
        ),
        (
            lambda year: UserAccount(login="new", real_name="两家", college_id=year["college"], org_id=year["org"]),
            "ck_user_accounts_one_owner",
        ),
    ],
)
def test_a_broken_promise_of_a_table_is_told_by_the_name_of_the_promise(
    year: Year, row: Callable[[Year], Any], constraint: str
) -> None:
    before = census()
    with pytest.raises(AlreadyThere) as refused, transaction(SYSTEM) as tx:
        tx.add(row(year))
    assert refused.value.facts == {"constraint": constraint}
    assert census() == before


def test_a_thing_others_hang_on_cannot_be_deleted(year: Year) -> None:
    with pytest.raises(AlreadyThere), transaction(SYSTEM) as tx:
        tx.delete(tx.get(EducationAuthority, year["province"]))
    assert one(EducationAuthority, year["province"]).name


def _behind_the_back(statement: Any) -> None:
    """What another process commits meanwhile."""
    with db.engine().begin() as connection:
        connection.execute(statement)


@pytest.mark.postgres
def test_a_row_changed_by_somebody_else_meanwhile_is_not_overwritten(postgres_years: Years, at: At) -> None:
    """SQLite lets nobody in between, so only PostgreSQL can show it."""
    year = postgres_years("sited")
    at(moment("sited"))
    with pytest.raises(StaleState), transaction(SYSTEM) as tx:  # noqa: PT012
        site = tx.get(ExamSite, year["site"])
        _behind_the_back(text("UPDATE exam_sites SET address = 'theirs', version = version + 1"))
        site.address = "mine"
    assert one(ExamSite, year["site"]).address == "theirs"


@pytest.mark.postgres
def test_a_thing_moved_by_somebody_else_meanwhile_is_not_moved_again(postgres_years: Years, at: At) -> None:
    year = postgres_years("sited")
    at(moment("sited"))
    with pytest.raises(StaleState) as refused, transaction(SYSTEM) as tx:  # noqa: PT012
        site = tx.get(ExamSite, year["site"])
        _behind_the_back(text("UPDATE exam_sites SET site_state = 'disqualified'"))
        tx.advance(site, SITE_STATUS, "disqualify")
    assert refused.value.facts == {"thing": "考核站点", "state": "已停用"}


# -- moving things ---------------------------------------------------------------------------------------------------


def test_a_move_sets_its_columns_and_counts_the_version(year: Year, at: At) -> None:
    at("2026-03-12 11:00")
    before = one(PilotApplication, year["application"])
    with transaction(year.actor("admin")) as tx:
        site = tx.get(ExamSite, year["site"])
        version = site.version
        assert tx.advance(site, SITE_STATUS, "disqualify", address="空") == "disqualified"
        assert (site.site_state, site.address, site.version) == ("disqualified", "空", version + 1)
        assert (site.updated_by, site.updated_at) == (year["account:admin"], tx.now)
    assert one(PilotApplication, year["application"]).version == before.version


def test_an_unlisted_move_changes_nothing(year: Year) -> None:
    before = census()
    with pytest.raises(IllegalMove), transaction(SYSTEM) as tx:
        tx.advance(tx.get(ExamSite, year["site"]), EXAM_SITE, "withdraw")
    assert census() == before


def test_moving_many_moves_only_those_the_machine_and_the_condition_allow(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        tx.advance(tx.get(CertificateType, year["certificate"]), SWITCH, "disable")
    with transaction(SYSTEM) as tx:
        moved = tx.advance_all(CertificateType, SWITCH, "disable", CertificateType.org_id == year["org"])
    assert moved == [year["certificate:2"]]
    assert one(CertificateType, year["other_certificate"]).state == "enabled"
    with transaction(SYSTEM) as tx:
        assert tx.advance_all(CertificateType, SWITCH, "disable", CertificateType.id == -1) == []


def test_rows_moved_in_one_go_carry_the_columns_of_the_move(year: Year, at: At) -> None:
    now = at("2027-01-01 00:00")
    with transaction(SYSTEM) as tx:
        moved = tx.advance_all(Quota, QUOTA, "lapse", Quota.year < 2027, lapsed_at=tx.now)
    assert len(moved) == 2
    assert {(q.state, q.lapsed_at) for q in rows(select(Quota))} == {("lapsed", now)}


# -- numbers ---------------------------------------------------------------------------------------------------------


def test_numbers_run_on_per_series_and_a_rolled_back_unit_gives_them_back_or_leaves_a_gap(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        assert [tx.next_number("a"), tx.next_number("a", count=5), tx.next_number("a"), tx.next_number("b")] == [
            1, 2, 7, 1,
        ]  # fmt: skip
    with pytest.raises(_Accident), transaction(SYSTEM) as tx:  # noqa: PT012
        assert tx.next_number("a") == 8
        raise _Accident
    with transaction(SYSTEM) as tx:
        assert tx.next_number("a") >= 8
    assert count(NumberSeries, NumberSeries.series == "a") == 1


def test_a_row_that_is_there_already_is_left_alone_by_upsert(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        assert tx.upsert(RegionName, {"code": "420000", "name": "改名"}, conflict=["code"]) is None
        assert tx.upsert(RegionName, {"code": "430000", "name": "某省"}, conflict=["code"]) is not None
    assert rows(select(RegionName.name).order_by(RegionName.code)) == ["湖北省", "某省"]


def test_a_sign_of_life_overwrites_the_last_one(year: Year, at: At) -> None:
    for minute in (1, 2):
        now = at(f"2026-03-12 10:0{minute}")
        with transaction(SYSTEM) as tx:
            tx.beat("jobs.tick", f"{minute}")
    assert [(row.at, row.note) for row in rows(select(Heartbeat))] == [(now, "2")]


# -- messages --------------------------------------------------------------------------------------------------------


def test_a_message_is_queued_once_per_person_and_key(year: Year) -> None:
    message = ApplicationWaiting(year["application"], "city", 9)
    with transaction(SYSTEM) as tx:
        assert tx.notify(message) == 1
        assert tx.notify(message) == 0
    with transaction(SYSTEM) as tx:
        assert tx.notify(message) == 0
        assert tx.notify(ApplicationWaiting(year["application"], "city", 10)) == 1
    assert count(Notification, Notification.account_id == year["account:city"]) == 3


def test_an_account_that_is_not_in_use_is_not_told(year: Year) -> None:
    year.do("admin", accounts.disable_account, account_id=year["account:city"])
    with transaction(SYSTEM) as tx:
        assert tx.notify(ApplicationWaiting(year["application"], "city", 9)) == 0


# -- instants --------------------------------------------------------------------------------------------------------


def test_instants_come_back_aware_in_utc_whatever_zone_they_went_in(year: Year) -> None:
    plan = year.do("teo", plans.draft_plan, **plan_values(year))
    stored = one(ExamPlan, plan.id).registration_opens_at
    assert stored.tzinfo is UTC
    assert stored == datetime(2026, 5, 1, 1, 0, tzinfo=UTC)


def test_a_naive_instant_is_a_bug_and_says_so(year: Year) -> None:
    with pytest.raises(Exception, match="naive datetime"), transaction(SYSTEM) as tx:
        tx.session.execute(update(ExamPlan).values(exam_opens_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_a_thing_that_is_not_there_is_not_found(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        for look in (
            lambda: tx.get(Candidate, 99),
            lambda: tx.lock(Candidate, 99),
            lambda: tx.one(select(Candidate).where(Candidate.id == 99)),
        ):
            with pytest.raises(NotFound):
                look()
        assert tx.first(select(Candidate)) is None


def test_sqlite_readers_do_not_wait_for_a_writer(years: Years, at: At) -> None:
    year = years("sited")
    at(moment("sited"))
    with transaction(SYSTEM) as tx:
        tx.advance(tx.get(ExamSite, year["site"]), SITE_STATUS, "disqualify")
        assert one(ExamSite, year["site"]).site_state == "enabled"
    assert one(ExamSite, year["site"]).site_state == "disqualified"


def test_a_long_write_keeps_few_pages_and_gives_them_back_even_when_it_breaks(years: Years) -> None:
    years("sited")
    asked = text("PRAGMA cache_size")
    with transaction(SYSTEM) as tx:
        usual = tx.session.scalar(asked)
        with tx.sparing_pages():
            few = tx.session.scalar(asked)
        assert tx.session.scalar(asked) == usual
        with pytest.raises(NotFound), tx.sparing_pages():
            tx.get(Candidate, 99)
        assert tx.session.scalar(asked) == usual
    assert usual < few < 0  # negative numbers are kilobytes


def test_the_schema_is_what_the_models_say(any_database: str) -> None:
    assert db.differences() == []


def test_expired_claims_use_the_clock_of_the_unit(year: Year, at: At) -> None:
    """A claim's lease is counted from the unit's own instant, which is the product's clock and not the database's."""
    start = at("2026-03-12 10:00")
    year.do("system", notices.claim_due, limit=100)
    assert set(rows(select(Notification.lease_until).where(Notification.lease_until.is_not(None)))) == {
        start + timedelta(seconds=60)
    }
