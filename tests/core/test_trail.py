"""The trail: every change leaves an entry, nothing private is quoted, and nobody can tamper with it unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from core import db, trail
from core.actors import SYSTEM
from core.db import reading, transaction
from core.models.accounts import OneTimeCode, UserAccount
from core.models.candidates import CandidatePhoto
from core.models.catalogue import CertificateType, Major
from core.models.certificates import SigningSession
from core.models.organisations import ElectronicSeal, RegionName
from core.models.records import AuditEntry, Notification
from core.models.sites import ExamSite
from core.queries.reconcile import ChainVerdict, verify_chain
from core.rules.organisations import SWITCH
from core.usecases import accounts, candidates, notices, organisations, sites
from tests.factories import (
    Year,
    Years,
    at_once,
    count,
    last_entries,
    moment,
    rows,
    seal_png,
    site_values,
)

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    found = any_years("peopled")
    at(moment("peopled"))
    return found


def newest() -> tuple[AuditEntry, dict[str, Any], dict[str, Any]]:
    """The last entry, and its before and after as objects."""
    entry = last_entries()[0]
    return entry, json.loads(entry.before or "{}"), json.loads(entry.after or "{}")


def verdict(**given: Any) -> ChainVerdict:
    with reading() as session:
        return verify_chain(session, **given)


# -- every way to write leaves an entry ------------------------------------------------------------------------------


def test_a_new_row_is_recorded_with_who_when_where_and_what(year: Year, at: At) -> None:
    now = at("2026-03-16 10:00")
    site = year.do("coordinator", sites.draft_site, **site_values(year, certificate_ids=[year["certificate:2"]]))
    entry = next(e for e in last_entries(3) if e.object_type == "exam_sites")
    after = json.loads(entry.after)
    assert (entry.actor_id, entry.actor_login, entry.channel) == (
        year["account:coordinator"],
        "coordinator",
        "panel",
    )
    assert (entry.at, entry.object_id, entry.action, entry.before, entry.reason) == (now, site.id, "create", "", "")
    assert (after["address"], after["review_state"], after["college_id"]) == (
        "示例大道 1 号实训楼",
        "draft",
        year["college"],
    )


def test_a_change_quotes_only_what_changed(year: Year) -> None:
    year.do(
        "coordinator", candidates.edit_candidate, candidate_id=year["student:0"], changes={"name_pinyin": "Bie Ming"}
    )
    entry, before, after = newest()
    assert (entry.object_type, entry.object_id, entry.action) == ("candidates", year["student:0"], "update")
    assert before == {"name_pinyin": year.students[0].pinyin}
    assert after == {"name_pinyin": "Bie Ming"}


def test_a_deleted_row_is_kept_as_it_was(year: Year) -> None:
    year.do("coordinator", candidates.delete_candidates, candidate_ids=[year["student:4"]])
    entry, before, after = newest()
    assert (entry.object_type, entry.object_id, entry.action) == ("candidates", year["student:4"], "delete")
    assert (before["name"], before["state"]) == (year.students[4].name, "verified")
    assert after == {}


def test_a_move_is_recorded_with_the_columns_that_went_with_it_and_the_reason(year: Year) -> None:
    year.do("teo", sites.disqualify_site, site_id=year["site"], reason="现场检查不符")
    entry, before, after = newest()
    assert (entry.object_type, entry.action, entry.reason) == ("exam_sites", "disqualify", "现场检查不符")
    assert (before, after) == ({"site_state": "enabled"}, {"site_state": "disqualified"})


def test_a_move_of_many_is_one_entry_that_names_them_all(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        moved = tx.advance_all(CertificateType, SWITCH, "disable", reason="停用")
    entry, _, after = newest()
    assert (entry.object_type, entry.object_id, entry.action, entry.reason) == (
        "certificate_types",
        None,
        "disable",
        "停用",
    )
    assert after == {"state": "disabled", "ids": trail.ranges(moved)}


def test_many_new_rows_are_one_entry_with_their_number_and_digest(year: Year) -> None:
    fresh = [{"code": f"5501{n}", "name": f"某市{n}"} for n in range(3)]
    with transaction(SYSTEM) as tx:
        tx.insert_all(RegionName, fresh, reason="字典")
    entry, _, after = newest()
    assert (entry.action, entry.reason) == ("insert_all", "字典")
    assert after == {"rows": 3, "digest": trail.digest(fresh)}


def test_one_change_of_many_rows_is_one_entry(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        ids = tx.update_all(Major, Major.code == "610205", category="电子与信息大类", reason="补录")
    entry, _, after = newest()
    assert (entry.object_type, entry.action, entry.reason) == ("majors", "update_all", "补录")
    assert after == {"category": "电子与信息大类", "ids": trail.ranges(ids)}


def test_different_changes_of_many_rows_are_one_entry_with_their_digest(year: Year) -> None:
    changes = [{"id": year["major:610205"], "category": "甲"}, {"id": year["major:620201"], "category": "乙"}]
    with transaction(SYSTEM) as tx:
        tx.update_each(Major, changes)
    entry, _, after = newest()
    assert entry.action == "update_each"
    assert after["digest"] == trail.digest(changes)
    assert rows(select(Major.category).order_by(Major.code)) == ["甲", "乙"]


def test_a_change_of_members_is_recorded_by_their_ids(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        certificate = tx.get(CertificateType, year["certificate"])
        certificate.majors = [tx.get(Major, year["major:620201"])]
    entry, before, after = newest()
    assert entry.object_type == "certificate_types"
    assert (before["majors"], after["majors"]) == ([year["major:610205"]], [year["major:620201"]])


def test_looking_at_something_guarded_is_recorded_without_a_change(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        tx.record(tx.get(ExamSite, year["site"]), "look", after={"count": 1}, reason="检查")
    entry, _, after = newest()
    assert (entry.action, entry.reason, after) == ("look", "检查", {"count": 1})


def test_a_row_that_is_set_to_what_it_was_leaves_no_entry(year: Year) -> None:
    before = count(AuditEntry)
    same = {"mobile": year.students[0].mobile}
    year.do("coordinator", candidates.edit_candidate, candidate_id=year["student:0"], changes=same)
    assert count(AuditEntry) == before


def test_the_channel_of_a_person_is_recorded(year: Year) -> None:
    with year.acting("teo", "chat") as tx:
        sites.disqualify_site(tx, site_id=year["site"], reason="现场检查不符")
    assert last_entries()[0].channel == "chat"


def test_every_audited_table_is_recorded_and_the_others_are_few_and_known() -> None:
    quiet = {table.class_.__tablename__ for table in db.Base.registry.mappers if not table.class_.__audited__}
    assert quiet == {
        "audit_entries",
        "chat_drafts",
        "chat_updates",
        "heartbeats",
        "import_changes",
        "import_faults",
        "import_files",
        "notice_letters",
        "notifications",
        "number_series",
        "signing_items",
        "tallies",
        "verification_requests",
    }


# -- nothing private is quoted ---------------------------------------------------------------------------------------


def everything_ever_recorded() -> str:
    return "\n".join(f"{e.before} {e.after} {e.reason}" for e in rows(select(AuditEntry)))


def test_passwords_codes_pictures_and_signatures_are_named_but_never_quoted(any_years: Years, at: At) -> None:
    year = any_years("signed")
    at(moment("signed"))
    code = year.do("admin", accounts.issue_activation_code, account_id=year["account:coordinator"])
    year.do("public", accounts.activate, code=code, password="yanshi-2026")
    said = everything_ever_recorded()
    with reading() as session:
        secrets = [
            *session.scalars(select(UserAccount.password_hash).where(UserAccount.password_hash.is_not(None))),
            *session.scalars(select(OneTimeCode.code_hash)),
            *session.scalars(select(SigningSession.token_hash)),
        ]
        pictures = [
            *session.scalars(select(CandidatePhoto.data)),
            *session.scalars(select(ElectronicSeal.image)),
            *session.scalars(select(SigningSession.hand_signature).where(SigningSession.signed_at.is_not(None))),
        ]
    assert len(secrets) >= 4
    assert not [secret for secret in [*secrets, code, "yanshi-2026"] if secret in said]
    assert pictures
    assert not [picture for picture in pictures if str(picture)[2:40] in said or picture.hex()[:40] in said]
    assert "hand_signature" in said  # that it was given is on record, as a digest


def test_a_private_value_is_recorded_by_a_digest_that_changes_with_it(year: Year) -> None:
    year.do("teo", organisations.set_org_seal, org_id=year["org"], image=seal_png(99))
    entry, _, after = newest()
    assert entry.action == "set_seal"
    assert set(after) == {"seal_image"}
    assert len(after["seal_image"]["sha256"]) == 16


# -- the database itself refuses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor_login = 'somebody else'",
        "UPDATE audit_entries SET reason = 'x' WHERE id = 1",
        "DELETE FROM audit_entries WHERE id = (SELECT max(id) FROM audit_entries)",
        "DELETE FROM audit_entries",
    ],
)
def test_the_database_lets_nobody_change_or_remove_an_entry(year: Year, statement: str) -> None:
    before = count(AuditEntry)
    with pytest.raises(DatabaseError, match="append-only"), db.engine().begin() as connection:
        connection.execute(text(statement))
    assert count(AuditEntry) == before
    assert verdict().broken_at is None


def _without_guard(*statements: str) -> None:
    """What somebody with the database's own keys could do."""
    with db.engine().begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            connection.execute(text("DROP TRIGGER audit_entries_no_update"))
            connection.execute(text("DROP TRIGGER audit_entries_no_delete"))
        for statement in statements:
            connection.execute(text(statement))


MIDDLE = "(SELECT max(id) / 2 FROM audit_entries)"


@pytest.mark.parametrize(
    "column",
    ["actor_login", "channel", "object_type", "action", "reason", "before", "after", "hash", "previous_hash"],
)
def test_an_entry_changed_afterwards_breaks_the_chain_there(year: Year, column: str) -> None:
    middle = rows(select(AuditEntry.id).order_by(AuditEntry.id))[count(AuditEntry) // 2]
    assert verdict().broken_at is None
    _without_guard(f"UPDATE audit_entries SET {column} = 'x' || substr({column}, 2) WHERE id = {middle}")
    assert verdict().broken_at == middle


def test_a_changed_time_breaks_the_chain(year: Year) -> None:
    ident = last_entries()[0].id
    _without_guard(f"UPDATE audit_entries SET at = (SELECT min(at) FROM audit_entries) WHERE id = {ident}")
    assert verdict().broken_at == ident


def test_a_removed_entry_breaks_the_chain_behind_it(year: Year) -> None:
    ids = rows(select(AuditEntry.id).order_by(AuditEntry.id))
    _without_guard(f"DELETE FROM audit_entries WHERE id = {ids[3]}")
    assert verdict().broken_at == ids[4]


def test_an_entry_smuggled_in_breaks_the_chain(year: Year) -> None:
    ids = rows(select(AuditEntry.id).order_by(AuditEntry.id))
    copied = "at, actor_login, channel, object_type, action, before, after, reason, previous_hash"
    _without_guard(
        f"INSERT INTO audit_entries (id, {copied}, hash)"
        f" SELECT {ids[-1] + 1}, {copied}, 'x' || substr(hash, 2) FROM audit_entries WHERE id = {ids[-1]}"
    )
    assert verdict().broken_at == ids[-1] + 1


def test_two_entries_that_change_places_break_the_chain(year: Year) -> None:
    a, b = rows(select(AuditEntry.id).order_by(AuditEntry.id))[5:7]
    _without_guard(
        f"UPDATE audit_entries SET id = 999999 WHERE id = {a}",
        f"UPDATE audit_entries SET id = {a} WHERE id = {b}",
        f"UPDATE audit_entries SET id = {b} WHERE id = 999999",
    )
    assert verdict().broken_at == a


def test_a_trail_cut_off_at_its_end_is_found_by_an_anchor_kept_elsewhere(year: Year) -> None:
    whole = verdict()
    anchor = (whole.length, whole.head)
    assert verdict(anchor=anchor) == whole
    newest_id = last_entries()[0].id
    _without_guard(f"DELETE FROM audit_entries WHERE id > {newest_id - 3}")
    assert verdict().broken_at is None  # nothing in the trail itself tells
    assert verdict(anchor=anchor).broken_at is not None


def test_a_trail_written_anew_from_the_beginning_is_found_by_an_anchor(year: Year) -> None:
    whole = verdict()
    assert verdict(anchor=(whole.length, "0" * 64)).broken_at is not None
    assert verdict(anchor=(1, rows(select(AuditEntry.hash).order_by(AuditEntry.id))[0])).broken_at is None


def test_an_empty_trail_is_whole(any_database: str) -> None:
    assert verdict() == ChainVerdict(0, trail.GENESIS, None)


# -- many writers ----------------------------------------------------------------------------------------------------


def test_the_chain_holds_while_eight_write_at_once(year: Year) -> None:
    before = verdict().length

    def write(place: int) -> None:
        for number in range(6):
            with transaction(SYSTEM) as tx:
                tx.add(RegionName(code=f"6{place}00{number}0", name="某市"))
                tx.add(RegionName(code=f"6{place}00{number}1", name="某区"))

    assert at_once(*[lambda n=n: write(n) for n in range(8)]) == [None] * 8
    after = verdict()
    assert (after.length, after.broken_at) == (before + 96, None)


def test_entries_of_one_unit_stand_together(year: Year) -> None:
    def write(place: int) -> None:
        for number in range(5):
            with transaction(SYSTEM) as tx:
                for part in range(3):
                    tx.add(RegionName(code=f"7{place}{number}{part}00", name=f"unit {place}.{number}"))

    at_once(*[lambda n=n: write(n) for n in range(4)])
    written = [json.loads(e.after)["name"] for e in reversed(last_entries(60))]
    assert [written[n] == written[n + 1] == written[n + 2] for n in range(0, 60, 3)] == [True] * 20


# -- the year as a whole ---------------------------------------------------------------------------------------------


def test_a_whole_year_is_one_chain_and_tells_who_did_what(any_years: Years) -> None:
    any_years("issued")
    assert verdict().broken_at is None
    told = {(e.actor_login, e.action) for e in rows(select(AuditEntry))}
    assert {
        ("coordinator", "submit"),
        ("city", "pass_city"),
        ("province", "approve"),
        ("teo", "arrange"),
        ("system", "lock"),
        ("teo", "sign_as_teo"),
        ("signatory", "sign_as_college"),
        ("system", "issue"),
    } <= told


def test_the_trail_never_mentions_what_jobs_do_to_messages(any_years: Years, at: At) -> None:
    year = any_years("approved")
    at(moment("approved"))
    before = count(AuditEntry)
    year.do("system", notices.claim_due, limit=100)
    assert count(Notification, Notification.delivery_state == "sending") > 0
    assert count(AuditEntry) == before


def test_ids_are_written_short() -> None:
    assert trail.ranges([]) == ""
    assert trail.ranges([7]) == "7"
    assert trail.ranges([3, 1, 2, 9, 10, 5]) == "1-3,5,9-10"
