"""合并重复考生: one person entered twice becomes one, with everything that hangs on either (R-077, R-089, R-150)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.actors import SYSTEM
from core.db import transaction
from core.demo.people import people
from core.errors import AlreadyThere, IllegalMove, NotPermitted, NotReady, Refusal, StaleState, ValueRefused
from core.models.accounts import UserAccount
from core.models.candidates import Candidate, CandidatePhoto, IdentityVerification, MergedCandidate
from core.models.records import AuditEntry
from core.models.registrations import CandidateSnapshot, Registration, SubjectRegistration
from core.models.registry import metadata
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.organisations import AccountState
from core.rules.values import IdType
from core.usecases import candidate_merging, candidates
from core.usecases.candidate_accounts import close_for
from tests.factories import Year, Years, at_once, candidate_values, census, count, moment, one, photo, register, rows

At = Callable[[datetime | str], datetime]
TWIN = people(43, 1, first=7_000)[0]


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    found = any_years("planned")
    at(moment("registered"))
    return found


def merge(year: Year, keep: int, gone: int, login: str = "coordinator", **other: Any) -> Candidate:
    given = {"keep_id": keep, "gone_id": gone} | other
    found: Candidate = year.do(login, candidate_merging.merge_candidates, **given)
    return found


def twin(year: Year, *, with_photo: bool = False, **other: Any) -> Candidate:
    """The first student once more, under another document and not looked at yet."""
    values = candidate_values(year.students[0], id_type=IdType.PASSPORT, id_number="E12345678") | other
    kind = CandidateKind.COLLEGE
    year.do("coordinator", candidates.import_candidates, college_id=year["college"], kind=kind, rows=[(3, values)])
    if with_photo:
        pictures = [(1, photo(values["id_number"], 7_001))]
        year.do("coordinator", candidates.put_photos, college_id=year["college"], photos=pictures)
    return one(Candidate, rows(select(Candidate.id).where(Candidate.id_number == values["id_number"]))[0])


def refused(year: Year, kind: type[Refusal], code: str, keep: int, gone: int, **other: Any) -> Refusal:
    """Nothing is different afterwards."""
    before = census()
    with pytest.raises(kind) as caught:
        merge(year, keep, gone, **other)
    assert caught.value.sentence_code == code
    assert census() == before
    return caught.value


def test_every_table_that_points_at_candidates_is_dealt_with() -> None:
    pointing = {
        (table.name, key.parent.name)
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "candidates"
    }
    handled = {(column.class_.__tablename__, column.key) for column in candidate_merging.MOVES}
    assert pointing == handled, "core.usecases.candidate_merging.MOVES says what becomes of each"


def test_the_survivor_keeps_what_it_has_and_takes_what_was_chosen(year: Year) -> None:
    keep, gone = one(Candidate, year["student:0"]), twin(year, mobile="19912340000", enrolment_year=2023)
    after = merge(year, keep.id, gone.id, take=["mobile"])
    assert (after.mobile, after.enrolment_year) == ("19912340000", keep.enrolment_year)
    assert (after.id_number, after.state, after.photo_hash) == (keep.id_number, keep.state, keep.photo_hash)
    assert not rows(select(Candidate.id).where(Candidate.id == gone.id))


def test_the_number_of_the_one_that_is_gone_still_finds_the_person(year: Year) -> None:
    keep, first = year["student:0"], twin(year)
    second = twin(year, id_number="E12345679")
    merge(year, first.id, second.id)
    merge(year, keep, first.id)
    found = rows(select(MergedCandidate.candidate_no).where(MergedCandidate.candidate_id == keep))
    assert set(found) == {first.candidate_no, second.candidate_no}
    reasons = rows(select(AuditEntry.reason).where(AuditEntry.action == "merge", AuditEntry.object_id == keep))
    assert reasons == [f"并入了 {first.candidate_no}"]
    gone = rows(select(AuditEntry).where(AuditEntry.action == "merge_away", AuditEntry.object_id == first.id))
    assert first.candidate_no in gone[0].before


def test_registrations_snapshots_and_checks_move_over(year: Year) -> None:
    register(year, [1])
    keep, gone = year["student:0"], year["student:1"]
    checks = count(IdentityVerification)
    after = merge(year, keep, gone)
    (registration,) = rows(select(Registration))
    assert registration.candidate_id == after.id == keep
    (snapshot,) = rows(select(CandidateSnapshot))
    assert (snapshot.candidate_id, snapshot.name) == (keep, year.students[1].name)  # as it was registered
    assert (after.registered_count, count(SubjectRegistration)) == (1, 2)
    assert rows(select(IdentityVerification.candidate_id)).count(keep) == 2
    assert count(IdentityVerification) == checks


def test_two_registrations_for_one_certificate_in_one_plan_are_not_merged_R150(year: Year) -> None:
    register(year, [0, 1])
    found = refused(year, AlreadyThere, "merge_registered_twice", year["student:0"], year["student:1"])
    assert found.facts["plan"]


def with_another_certificate(year: Year, place: int) -> int:
    """A registration of this student moved to another certificate, as if the plan examined two."""
    with year.acting("system") as tx:
        registration = tx.one(select(Registration).where(Registration.candidate_id == year[f"student:{place}"]))
        registration.certificate_id = year["other_certificate"]
        return registration.id


def test_two_certificates_of_one_plan_share_the_survivors_snapshot_R177(year: Year) -> None:
    register(year, [0, 1])
    with_another_certificate(year, 1)
    merge(year, year["student:0"], year["student:1"])
    (snapshot,) = rows(select(CandidateSnapshot))
    assert snapshot.name == year.students[0].name
    assert {row.snapshot_id for row in rows(select(Registration))} == {snapshot.id}
    assert one(Candidate, year["student:0"]).registered_count == 2


def test_a_person_never_has_two_tickets_in_a_plan_R177(year: Year) -> None:
    register(year, [0, 1])
    with_another_certificate(year, 1)
    with year.acting("system") as tx:
        query = select(CandidateSnapshot).where(CandidateSnapshot.candidate_id == year["student:1"])
        tx.one(query).ticket_no = "2026001"
    refused(year, AlreadyThere, "merge_seated_twice", year["student:0"], year["student:1"])
    merge(year, year["student:1"], year["student:0"])  # the other way round the ticket stays what it is
    assert rows(select(CandidateSnapshot.ticket_no)) == ["2026001"]


@pytest.mark.parametrize("choice", ["name", "document", "photo"])
def test_a_verified_identity_is_not_changed_by_a_merge_R089(year: Year, choice: str) -> None:
    gone = twin(year, with_photo=True, name="演示甲")
    refused(year, IllegalMove, "verified_is_locked", year["student:0"], gone.id, take=[choice])


def test_a_verified_identity_is_not_lost_to_an_unverified_one_R089(year: Year) -> None:
    refused(year, NotReady, "merge_keeps_verified", twin(year).id, year["student:0"])


def test_candidates_of_two_colleges_stay_two_R097(year: Year) -> None:
    refused(year, NotPermitted, "merge_across_colleges", year["student:0"], year["other_student:0"])
    refused(year, NotPermitted, "not_permitted", year["student:0"], year["student:1"], login="other_coordinator")


def test_nobody_is_merged_with_himself(year: Year) -> None:
    refused(year, ValueRefused, "merge_with_itself", year["student:0"], year["student:0"])


def test_what_changed_while_it_was_looked_at_is_not_merged(year: Year) -> None:
    keep, gone = one(Candidate, year["student:0"]), twin(year)
    seen = (keep.version, gone.version)
    year.do("coordinator", candidates.edit_candidate, candidate_id=gone.id, changes={"mobile": "19912340000"})
    refused(year, StaleState, "row_changed", keep.id, gone.id, seen=seen)


def test_the_chosen_photo_stays_and_the_survivor_waits_for_its_check(year: Year) -> None:
    keep, gone = twin(year), twin(year, id_number="E12345679", with_photo=True)
    assert keep.state is CandidateState.NO_PHOTO
    after = merge(year, keep.id, gone.id, take=["photo", "document"])
    assert (after.state, after.photo_hash) == (CandidateState.PENDING_VERIFICATION, gone.photo_hash)
    assert (after.id_type, after.id_number) == (IdType.PASSPORT, "E12345679")
    (picture,) = rows(select(CandidatePhoto).where(CandidatePhoto.candidate_id == keep.id))
    assert picture.sha256 == after.photo_hash


def account(year: Year, candidate_id: int, login: str) -> int:
    with year.acting("system") as tx:
        return tx.add(UserAccount(login=login, real_name="演示", candidate_id=candidate_id)).id


def test_an_account_moves_over_and_of_two_the_survivors_stays(year: Year) -> None:
    keep, first = year["student:0"], twin(year)
    with transaction(SYSTEM) as tx:
        close_for(tx, [keep])  # verification opened one
    moved = account(year, first.id, "space-1")
    merge(year, keep, first.id)
    assert one(UserAccount, moved).candidate_id == keep
    second = twin(year)
    ended = account(year, second.id, "space-2")
    merge(year, keep, second.id)
    assert one(UserAccount, moved).candidate_id == keep
    after = one(UserAccount, ended)
    assert (after.candidate_id, after.state) == (None, AccountState.DISABLED)


def test_two_merges_of_the_same_pair_at_once_make_one(year: Year) -> None:
    keep, gone = year["student:0"], twin(year).id
    answers = at_once(lambda: merge(year, keep, gone), lambda: merge(year, keep, gone))
    assert sum(isinstance(answer, Candidate) for answer in answers) == 1
    assert sum(isinstance(answer, Refusal) for answer in answers) == 1
    assert count(MergedCandidate) == 1
