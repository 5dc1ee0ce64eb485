"""批量修改学生信息: matched by number, judged row by row, undone as a whole (I-04, R-089, R-094, R-095)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.demo.people import people
from core.errors import NotReady
from core.models.candidates import Candidate
from core.models.records import ImportChange, ImportJob
from core.models.registrations import CandidateSnapshot
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.values import EducationLevel, IdType
from core.usecases import candidate_changes, candidates
from core.usecases.imports import open_import
from tests.factories import Year, Years, candidate_values, moment, one, register, rows

At = Callable[[datetime | str], datetime]
NEWCOMER, OTHER = people(41, 2, first=6_000)


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    found = any_years("planned")
    at(moment("registered"))
    return found


def update(year: Year, *sheet: dict[str, Any], login: str = "coordinator", college: str = "college") -> tuple[Any, int]:
    """The sheet taken in as an import of its own; what came of it, and the import's number."""
    with year.acting(login) as tx:
        job = open_import(tx, sheet="candidates-update", file_name="改.xlsx", file_hash="0" * 64)
        numbered = list(enumerate(sheet, start=3))
        outcome = candidate_changes.update_candidates(tx, college_id=year[college], rows=numbered, import_job_id=job.id)
        return outcome, job.id


def undo(year: Year, job_id: int) -> int:
    with year.acting("coordinator") as tx:
        return candidate_changes.restore(tx, tx.get(ImportJob, job_id))


def student(year: Year, place: int = 0) -> Candidate:
    return one(Candidate, year[f"student:{place}"])


def row(person: Candidate, **other: Any) -> dict[str, Any]:
    return {"id_number": person.id_number} | other


def newcomer(year: Year, **other: Any) -> Candidate:
    sheet = [(3, candidate_values(NEWCOMER, **other))]
    kind = CandidateKind.COLLEGE
    year.do("coordinator", candidates.import_candidates, college_id=year["college"], kind=kind, rows=sheet)
    return one(Candidate, rows(select(Candidate.id).where(Candidate.id_number == NEWCOMER.id_number))[0])


def legacy(year: Year) -> Candidate:
    """A candidate of earlier years, of whom name and number are known and nothing else (R-095)."""
    found = newcomer(year)
    with year.acting("system") as tx:
        held = tx.get(Candidate, found.id)
        held.mobile = held.major_name = held.major_code = held.name_pinyin = ""
        held.gender = held.education_level = held.enrolment_year = None
        held.state = CandidateState.INCOMPLETE
    return one(Candidate, found.id)


def fault(outcome: Any) -> tuple[int, str, str, str]:
    (found,) = outcome.refused
    return found.row, found.field, found.refusal.sentence_code, found.refusal.rule


def test_what_differs_is_changed_and_what_is_empty_stays_R094(year: Year) -> None:
    first, second = student(year), student(year, 1)
    outcome, job = update(year, row(first, mobile="19912340000", name=None, major_code=""), row(second, mobile=None))
    assert (outcome.accepted, outcome.changed, outcome.unchanged, outcome.refused) == (1, 1, 1, [])
    after = student(year)
    assert (after.mobile, after.name, after.major_code) == ("19912340000", first.name, first.major_code)
    assert after.version == first.version + 1
    assert student(year, 1).version == second.version
    (change,) = rows(select(ImportChange).where(ImportChange.job_id == job))
    assert (change.thing, change.thing_id) == ("candidates", first.id)
    assert json.loads(change.before) == {"mobile": first.mobile}
    assert json.loads(change.after) == {"mobile": "19912340000"}


@pytest.mark.parametrize(
    ("typed", "field"), [({"name": "别人"}, "name"), ({"id_type": IdType.PASSPORT}, "id_type")], ids=["name", "id_type"]
)
def test_a_verified_candidates_identity_must_be_what_is_stored_R089_R094(
    year: Year, typed: dict[str, Any], field: str
) -> None:
    outcome, _ = update(year, row(student(year), mobile="19912340000", **typed))
    assert fault(outcome) == (3, field, "verified_is_locked", "R-089")
    assert student(year).mobile != "19912340000"
    same, _ = update(year, row(student(year), name=student(year).name, id_type=IdType.RESIDENT, mobile="19912340000"))
    assert same.changed == 1


def test_what_is_completed_waits_for_its_photo_R085_R095(year: Year) -> None:
    found = legacy(year)
    half, _ = update(year, row(found, mobile=NEWCOMER.mobile))
    assert half.changed == 1
    assert one(Candidate, found.id).state is CandidateState.INCOMPLETE
    rest = {k: v for k, v in candidate_values(NEWCOMER).items() if k != "major_name"}
    update(year, rest)
    after = one(Candidate, found.id)
    assert (after.state, after.major_name) == (CandidateState.NO_PHOTO, candidate_values(NEWCOMER)["major_name"])


def test_a_corrected_identity_is_looked_at_anew(year: Year) -> None:
    found = newcomer(year)
    with year.acting("system") as tx:
        held = tx.get(Candidate, found.id)
        held.photo_hash, held.state = "a" * 64, CandidateState.NEEDS_MANUAL
    update(year, row(found, mobile="19912340000"))
    assert one(Candidate, found.id).state is CandidateState.NEEDS_MANUAL
    update(year, row(found, name="演示乙"))
    assert one(Candidate, found.id).state is CandidateState.PENDING_VERIFICATION


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"major_code": "999999"}, ("major_code", "major_unknown", "R-076")),
        ({"candidate_no": "1"}, ("candidate_no", "candidate_no_differs", "R-094")),
        ({"id_number": OTHER.id_number}, ("id_number", "candidate_unknown", "R-094")),
    ],
    ids=["major", "candidate_no", "nobody"],
)
def test_a_bad_row_is_refused_in_its_field_and_the_others_are_taken(
    year: Year, typed: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    good = student(year, 1)
    outcome, _ = update(year, row(student(year)) | typed, row(good, enrolment_year=2023))
    assert fault(outcome)[1:] == expected
    assert student(year, 1).enrolment_year == 2023


def test_a_gender_the_number_contradicts_is_refused_R079(year: Year) -> None:
    person = student(year)
    turned = next(gender for gender in type(person.gender) if gender is not person.gender)  # type: ignore[union-attr, arg-type]
    outcome, _ = update(year, row(person, gender=turned))
    assert fault(outcome)[1:3] == ("gender", "id_gender_differs")


def test_one_candidate_stands_in_one_row(year: Year) -> None:
    person = student(year)
    outcome, _ = update(
        year, row(person, mobile="19912340000"), row(person, id_type=IdType.RESIDENT, mobile="19912349999")
    )
    assert fault(outcome) == (4, "id_number", "candidate_twice_in_file", "R-077")
    assert student(year).mobile == "19912340000"


def test_another_colleges_candidate_is_unknown_R097(year: Year) -> None:
    outcome, _ = update(
        year, row(student(year), mobile="19912340000"), login="other_coordinator", college="other_college"
    )
    assert fault(outcome)[1:3] == ("id_number", "candidate_unknown")


def test_a_plans_snapshot_stays_as_it_was_registered_R090(year: Year) -> None:
    register(year, [0])
    before = student(year)
    update(year, row(before, mobile="19912340000", education_level=EducationLevel.BACHELOR))
    (snapshot,) = rows(select(CandidateSnapshot).where(CandidateSnapshot.candidate_id == before.id))
    assert (snapshot.mobile, snapshot.education_level) == (before.mobile, before.education_level)


# -- undoing ---------------------------------------------------------------------------------------------------------


def test_an_undone_file_leaves_everybody_as_they_were_R295(year: Year) -> None:
    found, first = legacy(year), student(year)
    _, job = update(year, candidate_values(NEWCOMER), row(first, mobile="19912340000"))
    assert undo(year, job) == 2
    after = one(Candidate, found.id)
    names = list(candidates.FIELDS)
    assert [getattr(after, n) for n in names] == [getattr(found, n) for n in names]
    assert after.state is CandidateState.INCOMPLETE
    assert student(year).mobile == first.mobile


def test_what_changed_since_stops_the_undoing_and_is_named_R295(year: Year) -> None:
    first, second = student(year), student(year, 1)
    _, job = update(year, row(first, mobile="19912340000"), row(second, mobile="19912340001"))
    update(year, row(second, mobile="19912340002"))
    with pytest.raises(NotReady) as caught:
        undo(year, job)
    assert (caught.value.sentence_code, caught.value.facts["count"]) == ("undo_candidates_changed", 1)
    assert second.name in caught.value.facts["names"]
    assert first.name not in caught.value.facts["names"]
    assert student(year).mobile == "19912340000"  # all or nothing


def test_a_registration_that_looked_at_the_new_data_stops_the_undoing(year: Year, at: At) -> None:
    first = student(year)
    _, job = update(year, row(first, enrolment_year=2023))
    at(moment("registered") + timedelta(minutes=1))
    register(year, [0])
    with pytest.raises(NotReady, match="undo_candidates_changed"):
        undo(year, job)


def test_a_deleted_candidate_stops_the_undoing(year: Year) -> None:
    first = student(year)
    _, job = update(year, row(first, mobile="19912340000"))
    year.do("coordinator", candidates.delete_candidates, candidate_ids=[first.id])
    with pytest.raises(NotReady, match="undo_candidates_changed"):
        undo(year, job)
