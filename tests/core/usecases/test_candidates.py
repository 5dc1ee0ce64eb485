"""Candidates: imported, photographed, checked, confirmed (R-071…R-097, §3.6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.demo.people import Person, people
from core.errors import AlreadyThere, IllegalMove, Incomplete, NotFound, ReasonMissing, Refusal, ValueRefused
from core.gateways.identity import RuleVerifier
from core.models.candidates import Candidate, CandidatePhoto, IdentityVerification
from core.notifications.words import sentence
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.values import Gender, IdType
from core.usecases import candidates, verification
from tests.factories import Year, Years, candidate_values, census, count, moment, notices, one, photo, rows

At = Callable[[datetime | str], datetime]
CROWD = people(11, 6, first=3_000)


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("sited")
    at(moment("peopled"))
    return found


def load(year: Year, *sheet: dict[str, Any], kind: CandidateKind = CandidateKind.COLLEGE, **other: Any) -> Any:
    given = {"college_id": year["college"], "kind": kind, "rows": list(enumerate(sheet, start=3))} | other
    return year.do("coordinator", candidates.import_candidates, **given)


def mine(person: Person) -> Candidate:
    return one(Candidate, rows(select(Candidate.id).where(Candidate.id_number == person.id_number))[0])


def picture(year: Year, person: Person, shade: int | None = None) -> Any:
    shade = person.index if shade is None else shade
    given = {"college_id": year["college"], "photos": [(1, photo(person.id_number, shade))]}
    return year.do("coordinator", candidates.put_photos, **given)


def verify(year: Year, *who: Person) -> tuple[int, int]:
    ids = [mine(person).id for person in who]
    found: tuple[int, int] = year.do(
        "coordinator", verification.verify_candidates, candidate_ids=ids, verifier=RuleVerifier()
    )
    return found


def edit(year: Year, person: Person, **changes: Any) -> Candidate:
    found: Candidate = year.do("coordinator", candidates.edit_candidate, candidate_id=mine(person).id, changes=changes)
    return found


# -- importing -------------------------------------------------------------------------------------------------------


def test_new_candidates_stand_without_photo_and_have_a_number_of_their_own_R080_R084(year: Year) -> None:
    outcome = load(year, *[candidate_values(person) for person in CROWD[:3]])
    assert (outcome.accepted, outcome.unchanged, outcome.refused) == (3, 0, [])
    found = [mine(person) for person in CROWD[:3]]
    assert {c.state for c in found} == {CandidateState.NO_PHOTO}
    assert len({c.candidate_no for c in found}) == 3
    assert all(c.candidate_no.startswith(c.id_number[:6] + "2026") for c in found)


def test_the_same_sheet_again_is_unchanged_R077(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    before = census()
    outcome = load(year, candidate_values(CROWD[0]))
    assert (outcome.accepted, outcome.unchanged, outcome.refused) == (0, 1, [])
    assert census() == before


def fault(outcome: Any) -> tuple[int, str, str, str]:
    (found,) = outcome.refused
    return found.row, found.field, found.refusal.sentence_code, found.refusal.rule


def test_the_same_person_with_other_data_is_not_taken_again_R077(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    changed = candidate_values(CROWD[0], mobile="19911112222")
    assert fault(load(year, changed)) == (3, "id_number", "candidate_exists", "R-077")
    social = load(year, candidate_values(CROWD[0]), kind=CandidateKind.SOCIAL)
    assert fault(social)[2] == "candidate_exists"


def test_a_person_of_another_college_is_not_taken_R077(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    outcome = year.do(
        "other_coordinator",
        candidates.import_candidates,
        college_id=year["other_college"],
        kind=CandidateKind.COLLEGE,
        rows=[(3, candidate_values(CROWD[0]))],
    )
    assert fault(outcome)[2] == "candidate_elsewhere"


@pytest.mark.parametrize(
    ("other", "field", "code"),
    [
        ({"major_code": "999999"}, "major_code", "major_unknown"),
        ({"gender": "turned"}, "gender", "id_gender_differs"),
    ],
)
def test_a_bad_row_is_refused_in_its_field_and_the_others_are_taken(
    year: Year, other: dict[str, Any], field: str, code: str
) -> None:
    if other.get("gender") == "turned":
        other = {"gender": Gender.FEMALE if CROWD[0].gender is Gender.MALE else Gender.MALE}
    outcome = load(year, candidate_values(CROWD[0], **other), candidate_values(CROWD[1]))
    assert fault(outcome)[:3] == (3, field, code)
    assert outcome.accepted == 1


def test_a_slip_in_a_major_code_is_answered_with_the_code_that_was_meant(year: Year) -> None:
    (found,) = load(year, candidate_values(CROWD[0], major_code="610250")).refused
    assert found.refusal.facts["suggestion"] == "610205"
    assert "建议：610205 软件技术。" in sentence(found.refusal)


def test_social_candidates_may_have_no_major(year: Year) -> None:
    nobody = candidate_values(CROWD[0], major_code="", major_name="")
    assert load(year, nobody, kind=CandidateKind.SOCIAL).accepted == 1
    assert fault(load(year, candidate_values(CROWD[1], major_code="", major_name="")))[2] == "major_unknown"


def test_a_foreign_document_has_no_birth_date_inside(year: Year) -> None:
    values = candidate_values(CROWD[0], id_type=IdType.PASSPORT, id_number="E12345678")
    assert load(year, values).accepted == 1


def test_one_candidate_typed_by_hand_is_refused_by_exception(year: Year) -> None:
    make = lambda **other: year.do(  # noqa: E731
        "coordinator",
        candidates.create_candidate,
        college_id=year["college"],
        kind=CandidateKind.COLLEGE,
        values=candidate_values(CROWD[0], **other),
    )
    with pytest.raises(ValueRefused):
        make(major_code="999999")
    assert make().state is CandidateState.NO_PHOTO
    with pytest.raises(AlreadyThere):
        make()


# -- photos ----------------------------------------------------------------------------------------------------------


def test_a_photo_makes_a_candidate_ready_for_the_check_R082(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    outcome = picture(year, CROWD[0])
    assert (outcome.accepted, outcome.unchanged) == (1, 0)
    assert mine(CROWD[0]).state is CandidateState.PENDING_VERIFICATION
    assert picture(year, CROWD[0]).unchanged == 1
    assert count(CandidatePhoto) == 1


def test_a_better_photo_replaces_the_first(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    picture(year, CROWD[0])
    picture(year, CROWD[0], 4_000)
    stored = rows(select(CandidatePhoto))[0]
    assert (stored.sha256, count(CandidatePhoto)) == (mine(CROWD[0]).photo_hash, 1)


def test_a_photo_of_nobody_here_is_refused_R082(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    assert fault(picture(year, CROWD[1]))[1:] == ("photo", "photo_of_nobody", "R-082")
    given = {"college_id": year["other_college"], "photos": [(1, photo(CROWD[0].id_number))]}
    outcome = year.do("other_coordinator", candidates.put_photos, **given)
    assert fault(outcome)[2] == "photo_of_nobody"


def test_a_photo_comes_after_the_data_R083(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    with year.acting("system") as tx:
        tx.get(Candidate, mine(CROWD[0]).id).state = CandidateState.INCOMPLETE
    assert fault(picture(year, CROWD[0]))[1:] == ("photo", "candidate_incomplete", "R-083")
    assert isinstance(picture(year, CROWD[0]).refused[0].refusal, Incomplete)


# -- checking --------------------------------------------------------------------------------------------------------


def ready(year: Year, *who: Person) -> None:
    load(year, *[candidate_values(person) for person in who])
    for person in who:
        picture(year, person)


def test_the_check_passes_what_nothing_speaks_against_R086(year: Year) -> None:
    ready(year, *CROWD[:2])
    assert verify(year, *CROWD[:2]) == (2, 0)
    assert {mine(person).state for person in CROWD[:2]} == {CandidateState.VERIFIED}
    assert {v.result for v in rows(select(IdentityVerification))} == {"pass"}
    assert notices("candidates.manual_confirmation_needed") == []


def test_one_photo_under_two_names_goes_to_a_person_R086_M12(year: Year) -> None:
    load(year, *[candidate_values(person) for person in CROWD[:2]])
    picture(year, CROWD[0], 5_000)
    picture(year, CROWD[1], 5_000)
    assert verify(year, CROWD[0]) == (0, 1)
    assert mine(CROWD[0]).state is CandidateState.NEEDS_MANUAL
    assert rows(select(IdentityVerification.reason)) == ["photo_used_twice"]
    told = {n.account_id for n in notices("candidates.manual_confirmation_needed")}
    assert told == {year["account:coordinator"], year["account:second_coordinator"]}


def test_only_those_with_a_photo_are_checked_and_nobody_twice(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    with pytest.raises(IllegalMove):
        verify(year, CROWD[0])
    picture(year, CROWD[0])
    verify(year, CROWD[0])
    with pytest.raises(IllegalMove):
        verify(year, CROWD[0])


def test_a_check_that_names_somebody_unknown_checks_nobody(year: Year) -> None:
    ready(year, CROWD[0])
    with pytest.raises(NotFound):
        year.do(
            "coordinator",
            verification.verify_candidates,
            candidate_ids=[mine(CROWD[0]).id, 999],
            verifier=RuleVerifier(),
        )
    assert mine(CROWD[0]).state is CandidateState.PENDING_VERIFICATION


def doubtful(year: Year) -> None:
    load(year, *[candidate_values(person) for person in CROWD[:2]])
    picture(year, CROWD[0], 5_000)
    picture(year, CROWD[1], 5_000)
    verify(year, CROWD[0])


def test_a_person_vouches_in_words_R087(year: Year) -> None:
    doubtful(year)
    confirm = lambda note: year.do(  # noqa: E731
        "second_coordinator", verification.confirm_by_hand, candidate_id=mine(CROWD[0]).id, note=note
    )
    with pytest.raises(ReasonMissing):
        confirm("  ")
    confirm("已核对身份证原件")
    assert mine(CROWD[0]).state is CandidateState.VERIFIED
    last = rows(select(IdentityVerification).order_by(IdentityVerification.id))[-1]
    assert (last.method, last.reason, last.actor_id) == (
        "manual",
        "已核对身份证原件",
        year["account:second_coordinator"],
    )
    with pytest.raises(IllegalMove):
        confirm("再次")


def test_a_correction_sends_a_doubtful_candidate_back_to_the_check_D21(year: Year) -> None:
    doubtful(year)
    assert edit(year, CROWD[0], mobile="19911112222").state is CandidateState.NEEDS_MANUAL
    assert edit(year, CROWD[0], name="更正姓名").state is CandidateState.PENDING_VERIFICATION


def test_a_new_photo_sends_a_doubtful_candidate_back_to_the_check_D21(year: Year) -> None:
    doubtful(year)
    picture(year, CROWD[0], 6_000)
    assert mine(CROWD[0]).state is CandidateState.PENDING_VERIFICATION
    assert verify(year, CROWD[0]) == (1, 0)


# -- editing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "别人"), ("id_number", "E00000001"), ("id_type", IdType.PASSPORT)],
)
def test_name_and_identity_of_a_verified_candidate_are_locked_R089(year: Year, field: str, value: Any) -> None:
    ready(year, CROWD[0])
    verify(year, CROWD[0])
    with pytest.raises(IllegalMove) as caught:
        edit(year, CROWD[0], **{field: value})
    assert (caught.value.sentence_code, caught.value.rule) == ("verified_is_locked", "R-089")
    same = getattr(mine(CROWD[0]), field)
    edit(year, CROWD[0], **{field: same}, mobile="19911112222", name_pinyin="Bie Ren")
    assert mine(CROWD[0]).mobile == "19911112222"


def test_the_photo_of_a_verified_candidate_is_locked_R089(year: Year) -> None:
    ready(year, CROWD[0])
    verify(year, CROWD[0])
    assert fault(picture(year, CROWD[0], 7_000))[1:] == ("photo", "verified_is_locked", "R-089")
    assert picture(year, CROWD[0]).unchanged == 1


def test_gender_and_identity_number_stay_consistent_R079(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    turned = Gender.FEMALE if CROWD[0].gender is Gender.MALE else Gender.MALE
    with pytest.raises(ValueRefused):
        edit(year, CROWD[0], gender=turned)
    assert mine(CROWD[0]).gender is CROWD[0].gender


def test_a_legacy_candidate_becomes_complete_when_everything_is_there_R085_R095(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    with year.acting("system") as tx:
        legacy = tx.get(Candidate, mine(CROWD[0]).id)
        legacy.state, legacy.major_code, legacy.mobile = CandidateState.INCOMPLETE, "", ""
    assert edit(year, CROWD[0], mobile="19911112222").state is CandidateState.INCOMPLETE
    assert edit(year, CROWD[0], major_code="610205").state is CandidateState.NO_PHOTO


def test_an_identity_number_somebody_has_is_not_given_to_another_R077(year: Year) -> None:
    load(year, *[candidate_values(person) for person in CROWD[:2]])
    with pytest.raises(AlreadyThere):
        edit(year, CROWD[0], id_number=CROWD[1].id_number, gender=CROWD[1].gender)


# -- deleting --------------------------------------------------------------------------------------------------------


def test_candidates_without_registrations_are_deleted_with_photo_and_checks_R092(year: Year) -> None:
    ready(year, *CROWD[:2])
    verify(year, *CROWD[:2])
    ids = [mine(person).id for person in CROWD[:2]]
    assert year.do("coordinator", candidates.delete_candidates, candidate_ids=ids) == (2, [])
    assert count(Candidate) == count(CandidatePhoto) == count(IdentityVerification) == 0


def test_deleting_somebody_unknown_deletes_nobody(year: Year) -> None:
    load(year, candidate_values(CROWD[0]))
    with pytest.raises(Refusal):
        year.do("coordinator", candidates.delete_candidates, candidate_ids=[mine(CROWD[0]).id, 999])
    assert count(Candidate) == 1
