"""认证 in the background, 人工确认 by a second person, and an identity nobody can change any more (R-086…R-089)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from core.db import reading
from core.demo.people import Person, people
from core.errors import IllegalMove, NotPermitted, Refusal
from core.gateways.identity import Answer, PeopleOnly, Question, RuleVerifier, Verdict
from core.models.accounts import UserAccount
from core.models.base import Base
from core.models.candidates import (
    Candidate,
    CandidatePhoto,
    IdentityVerification,
    VerificationBatch,
    VerificationRequest,
)
from core.notifications.words import sentence
from core.queries.reconcile import verify_chain
from core.queries.verifications import being_checked, progress
from core.rules.candidates import CandidateKind, CandidateState, VerificationMethod
from core.rules.organisations import AccountState
from core.rules.values import IdType
from core.rules.verification import FIRST_PAUSE, LEASE, RequestState
from core.usecases import candidates, verification
from tests.factories import (
    SECOND,
    Year,
    Years,
    at_once,
    candidate_values,
    count,
    moment,
    notices,
    one,
    photo,
    rows,
)

At = Callable[[datetime | str], datetime]
CROWD = people(13, 4, first=4_000)
V = VerificationRequest
MATCH = Answer(Verdict.PASS, "", VerificationMethod.PHOTO_MATCH)
DIFFERS = Answer(Verdict.FAIL, "photo_differs", VerificationMethod.PHOTO_MATCH)
DOWN = Answer(Verdict.NOT_NOW, "timeout")
TOLD = "candidates.manual_confirmation_needed"


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    found = any_years("sited")
    at(moment("peopled"))
    return found


def ready(year: Year, *who: Person, by: str = "coordinator") -> list[int]:
    """Candidates with photos, 信息待认证; their ids."""
    sheet = list(enumerate((candidate_values(person) for person in who), start=3))
    year.do(by, candidates.import_candidates, college_id=year["college"], kind=CandidateKind.COLLEGE, rows=sheet)
    pictures = [(place, photo(person.id_number, person.index)) for place, person in enumerate(who)]
    year.do(by, candidates.put_photos, college_id=year["college"], photos=pictures)
    numbers = [person.id_number for person in who]
    return rows(select(Candidate.id).where(Candidate.id_number.in_(numbers)).order_by(Candidate.id))


def ask(year: Year, ids: list[int], by: str = "coordinator") -> verification.Asked:
    asked: verification.Asked = year.do(by, verification.request_verification, candidate_ids=ids)
    return asked


def claim(year: Year, limit: int = 100) -> list[Question]:
    questions: list[Question] = year.do("system", verification.claim_questions, limit=limit)
    return questions


def answer(year: Year, questions: list[Question], said: Answer) -> verification.Recorded:
    answers = [(question, said) for question in questions]
    recorded: verification.Recorded = year.do("system", verification.record_answers, answers=answers)
    return recorded


def state(ident: int) -> CandidateState:
    return one(Candidate, ident).state  # type: ignore[no-any-return]


def requests() -> list[str]:
    return [found.value for found in rows(select(V.state).order_by(V.id))]


# -- from question to answer -----------------------------------------------------------------------------------------


def test_a_batch_goes_its_way_and_the_record_names_who_asked_R086(year: Year) -> None:
    ids = ready(year, *CROWD[:2])
    assert ask(year, ids).asked == 2
    with reading() as session:
        assert being_checked(session, ids) == set(ids)
        assert [(p.asked, p.answered) for p in progress(session, year["college"])] == [(2, 0)]
    questions = claim(year)
    assert [q.photo.startswith(b"\xff\xd8\xff") for q in questions] == [True, True]
    assert answer(year, questions[:1], MATCH) == verification.Recorded(passed=1)
    with reading() as session:
        assert [(p.asked, p.answered) for p in progress(session, year["college"])] == [(2, 1)]
    answer(year, questions[1:], MATCH)
    assert {state(ident) for ident in ids} == {CandidateState.VERIFIED}
    found = {(r.method, r.result, r.actor_id) for r in rows(select(IdentityVerification))}
    assert found == {("photo_match", "pass", year["account:coordinator"])}
    assert one(VerificationBatch, 1).finished_at is not None
    assert notices(TOLD) == []
    with reading() as session:
        assert progress(session, year["college"]) == []
        assert verify_chain(session).broken_at is None


def test_failures_of_a_batch_are_told_of_once_when_it_is_over_M12(year: Year) -> None:
    ids = ready(year, *CROWD[:3])
    ask(year, ids)
    questions = claim(year)
    answer(year, questions[:1], DIFFERS)
    assert notices(TOLD) == []
    answer(year, questions[1:2], DIFFERS)
    answer(year, questions[2:], MATCH)
    assert [state(ident).value for ident in ids] == ["needs_manual", "needs_manual", "verified"]
    assert {n.account_id for n in notices(TOLD)} == {year["account:coordinator"], year["account:second_coordinator"]}
    assert len(notices(TOLD)) == 2


def test_nobody_is_asked_about_twice_at_a_time(year: Year) -> None:
    ids = ready(year, *CROWD[:2])
    ask(year, ids[:1])
    assert ask(year, ids, by="second_coordinator") == verification.Asked((2,), 1, 1)
    assert requests() == ["waiting", "waiting"]


def test_who_does_not_wait_is_not_asked_about_R085(year: Year) -> None:
    ids = ready(year, CROWD[0])
    ask(year, ids)
    answer(year, claim(year), MATCH)
    with pytest.raises(IllegalMove):
        ask(year, ids)
    with pytest.raises(NotPermitted):
        ask(year, ready(year, CROWD[1]), by="other_coordinator")


def test_always_manual_sends_everybody_to_a_person(year: Year) -> None:
    ids = ready(year, *CROWD[:2])
    done = year.do("coordinator", verification.verify_candidates, candidate_ids=ids, verifier=PeopleOnly())
    assert done == (0, 2)
    assert set(rows(select(IdentityVerification.reason))) == {"always_manual"}


# -- time ------------------------------------------------------------------------------------------------------------


def test_a_lease_is_over_at_its_end_and_the_key_stays(year: Year, at: At) -> None:
    start = at(moment("peopled"))
    ask(year, ready(year, CROWD[0]))
    (first,) = claim(year)
    at(start + LEASE - SECOND)
    assert claim(year) == []
    at(start + LEASE)
    (second,) = claim(year)
    assert (second.key, second.attempt) == (first.key, 2)
    at(start + LEASE + SECOND)
    assert claim(year) == []


def test_a_worker_that_was_taken_for_dead_is_not_heard(year: Year, at: At) -> None:
    start = at(moment("peopled"))
    (ident,) = ids = ready(year, CROWD[0])
    ask(year, ids)
    late = claim(year)
    at(start + LEASE)
    now = claim(year)
    assert answer(year, late, DIFFERS) == verification.Recorded()
    assert state(ident) is CandidateState.PENDING_VERIFICATION
    answer(year, now, MATCH)
    assert answer(year, now, DIFFERS) == verification.Recorded()
    assert state(ident) is CandidateState.VERIFIED
    assert count(IdentityVerification) == 1


def test_a_service_that_is_down_decides_nothing_and_is_asked_again_later(
    year: Year, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.usecases.verification.random.random", lambda: 0.0)
    start = at(moment("peopled"))
    (ident,) = ids = ready(year, CROWD[0])
    ask(year, ids)
    assert answer(year, claim(year), DOWN) == verification.Recorded(put_off=1)
    assert state(ident) is CandidateState.PENDING_VERIFICATION
    with reading() as session:
        assert progress(session, year["college"])[0].trouble == "timeout"
    at(start + FIRST_PAUSE - SECOND)
    assert claim(year) == []
    at(start + FIRST_PAUSE)
    assert answer(year, claim(year), DOWN).put_off == 1
    at(start + FIRST_PAUSE + FIRST_PAUSE * 2 - SECOND)
    assert claim(year) == []
    at(start + FIRST_PAUSE + FIRST_PAUSE * 2 + SECOND)
    assert answer(year, claim(year), MATCH).passed == 1
    assert notices(TOLD) == []


# -- what changed meanwhile ------------------------------------------------------------------------------------------


def edit(year: Year, ident: int, by: str = "coordinator", **changes: Any) -> None:
    year.do(by, candidates.edit_candidate, candidate_id=ident, changes=changes)


def test_an_answer_to_older_data_is_dropped(year: Year) -> None:
    ids = ready(year, *CROWD[:3])
    ask(year, ids)
    questions = claim(year)
    edit(year, ids[0], name="更正姓名")
    new = [(1, photo(CROWD[1].id_number, 9_000))]
    year.do("coordinator", candidates.put_photos, college_id=year["college"], photos=new)
    edit(year, ids[2], mobile="19911112222")  # nobody was asked about the mobile
    answer(year, questions, MATCH)
    assert [state(ident).value for ident in ids] == ["pending_verification", "pending_verification", "verified"]
    assert requests() == ["dropped", "dropped", "passed"]
    assert ask(year, ids[:2]).asked == 2
    assert answer(year, claim(year), MATCH).passed == 2


def test_data_changed_past_the_verbs_are_noticed_by_their_fingerprint(year: Year) -> None:
    ids = ready(year, *CROWD[:3])
    ask(year, ids[:2])
    questions = claim(year, limit=1)
    with year.acting("system") as tx:
        tx.update_all(Candidate, Candidate.id.in_(ids), name="改过")
    assert answer(year, questions, MATCH) == verification.Recorded(dropped=1)
    assert claim(year) == []
    assert requests() == ["dropped", "dropped"]
    assert year.do("system", verification.close_batches) == 1
    assert notices(TOLD) == []


def test_who_is_deleted_is_forgotten_and_the_batch_ends_R092(year: Year) -> None:
    ids = ready(year, *CROWD[:2])
    ask(year, ids)
    questions = claim(year)
    answer(year, questions[:1], DIFFERS)
    year.do("coordinator", candidates.delete_candidates, candidate_ids=ids[1:])
    assert answer(year, questions[1:], MATCH) == verification.Recorded()
    assert year.do("system", verification.close_batches) == 1
    assert year.do("system", verification.close_batches) == 0
    assert len(notices(TOLD)) == 2


# -- races -----------------------------------------------------------------------------------------------------------


def test_two_who_ask_at_once_ask_once(year: Year) -> None:
    ids = ready(year, *CROWD)
    found = at_once(lambda: ask(year, ids), lambda: ask(year, list(reversed(ids)), by="second_coordinator"))
    assert sorted(asked.asked for asked in found) == [0, 4]
    assert requests() == ["waiting"] * 4


def test_two_workers_never_take_the_same_question(year: Year) -> None:
    ask(year, ready(year, *CROWD))
    found = at_once(*[lambda: claim(year, limit=2)] * 3)
    keys = [question.key for questions in found for question in questions]
    assert len(keys) == len(set(keys))
    keys += [question.key for question in claim(year)]
    assert len(set(keys)) == len(keys) == 4


def test_two_workers_with_the_last_two_answers_end_the_batch_once_M12(year: Year) -> None:
    ask(year, ready(year, *CROWD[:2]))
    questions = claim(year)
    at_once(lambda: answer(year, questions[:1], DIFFERS), lambda: answer(year, questions[1:], DIFFERS))
    assert one(VerificationBatch, 1).finished_at is not None
    assert len(notices(TOLD)) == 2


def test_an_edit_and_an_answer_at_once_never_verify_what_was_not_asked_about(year: Year) -> None:
    (ident,) = ids = ready(year, CROWD[0])
    ask(year, ids)
    questions = claim(year)
    found = at_once(lambda: edit(year, ident, name="更正姓名"), lambda: answer(year, questions, MATCH))
    assert all(isinstance(outcome, (type(None), verification.Recorded, Refusal)) for outcome in found), found
    after = one(Candidate, ident)
    assert (after.state, after.name) in {
        (CandidateState.VERIFIED, CROWD[0].name),
        (CandidateState.PENDING_VERIFICATION, "更正姓名"),
    }


def test_two_who_vouch_at_once_vouch_once_R087(year: Year) -> None:
    (ident,) = doubtful(year)
    note = {"candidate_id": ident, "note": "已核对"}
    found = at_once(
        lambda: year.do("second_coordinator", verification.confirm_by_hand, **note),
        lambda: year.do("signatory", verification.confirm_by_hand, **note),
    )
    assert sorted(isinstance(outcome, Refusal) for outcome in found) == [False, True]
    assert count(IdentityVerification, IdentityVerification.method == "manual") == 1


# -- a second person -------------------------------------------------------------------------------------------------


def doubtful(year: Year, *, typed_by: str = "coordinator", asked_by: str = "coordinator") -> list[int]:
    ids = ready(year, CROWD[0], by=typed_by)
    ask(year, ids, by=asked_by)
    answer(year, claim(year), DIFFERS)
    return ids


def vouch(year: Year, ident: int, by: str) -> None:
    year.do(by, verification.confirm_by_hand, candidate_id=ident, note="已核对身份证原件")


def test_who_asked_and_who_edited_last_do_not_vouch_and_hear_who_can_R087(year: Year) -> None:
    (ident,) = doubtful(year, typed_by="second_coordinator")
    for login in ("coordinator", "second_coordinator"):
        with pytest.raises(NotPermitted) as refused:
            vouch(year, ident, login)
        assert (refused.value.sentence_code, refused.value.rule) == ("another_vouches", "R-087")
        assert "演signatory" in sentence(refused.value)
        assert "演coordinator" not in sentence(refused.value)
    vouch(year, ident, "signatory")
    assert state(ident) is CandidateState.VERIFIED


def test_an_edit_while_a_person_is_awaited_makes_its_author_the_last_R087(year: Year) -> None:
    (ident,) = doubtful(year)
    edit(year, ident, by="signatory", mobile="19911112222")
    with pytest.raises(NotPermitted):
        vouch(year, ident, "signatory")
    vouch(year, ident, "second_coordinator")


def test_a_college_of_one_vouches_alone_R087(year: Year) -> None:
    (ident,) = doubtful(year)
    with year.acting("system") as tx:
        for login in ("second_coordinator", "signatory"):
            tx.get(UserAccount, year[f"account:{login}"]).state = AccountState.DISABLED
    vouch(year, ident, "coordinator")
    assert state(ident) is CandidateState.VERIFIED


# -- frozen ----------------------------------------------------------------------------------------------------------


def verified(year: Year) -> int:
    (ident,) = ids = ready(year, CROWD[0])
    assert year.do("coordinator", verification.verify_candidates, candidate_ids=ids, verifier=RuleVerifier()) == (1, 0)
    return ident


FORBIDDEN: dict[str, tuple[type[Base], dict[str, Any]]] = {
    "name": (Candidate, {"name": "别人"}),
    "id type": (Candidate, {"id_type": IdType.PASSPORT}),
    "id number": (Candidate, {"id_number": "E00000001"}),
    "photo hash": (Candidate, {"photo_hash": "0" * 64}),
    "state": (Candidate, {"state": CandidateState.PENDING_VERIFICATION}),
    "photo": (CandidatePhoto, {"data": b"another"}),
    "photo digest": (CandidatePhoto, {"sha256": "0" * 64}),
    "photo away": (CandidatePhoto, {"candidate_id": 999}),
}


@pytest.mark.parametrize("what", list(FORBIDDEN))
def test_the_database_itself_keeps_a_verified_identity_R089(year: Year, what: str) -> None:
    verified(year)
    model, values = FORBIDDEN[what]
    with pytest.raises(IllegalMove) as refused, year.acting("system") as tx:
        tx.session.execute(update(model).values(**values).execution_options(synchronize_session=False))
    assert (refused.value.sentence_code, refused.value.rule) == ("verified_is_locked", "R-089")
    assert "不能再修改" in sentence(refused.value)


def test_the_photo_of_the_verified_may_go_in_time_and_no_other_take_its_place_R089(year: Year) -> None:
    ident = verified(year)
    with year.acting("system") as tx:
        tx.session.execute(delete(CandidatePhoto).where(CandidatePhoto.candidate_id == ident))
    other = CandidatePhoto(candidate_id=ident, data=b"another", sha256="0" * 64, width=1, height=1)
    with pytest.raises(Refusal), year.acting("system") as tx:
        tx.add(other)
    assert count(CandidatePhoto) == 0


def test_everything_else_of_the_verified_stays_editable_R089(year: Year) -> None:
    ident = verified(year)
    edit(year, ident, mobile="19911112222", name_pinyin="Bie Ren", enrolment_year=2024, major_code="610205")
    assert one(Candidate, ident).mobile == "19911112222"


def test_the_verified_without_registration_can_be_deleted_photo_and_all_R092(year: Year) -> None:
    ident = verified(year)
    assert year.do("coordinator", candidates.delete_candidates, candidate_ids=[ident]) == (1, [])
    assert count(Candidate) == count(CandidatePhoto) == count(V) == 0


def test_the_unverified_are_not_frozen(year: Year) -> None:
    (ident,) = ready(year, CROWD[0])
    with year.acting("system") as tx:
        tx.session.execute(text("UPDATE candidates SET name = '改过', id_number = 'E00000001'"))
        tx.session.execute(text("DELETE FROM candidate_photos"))
    assert one(Candidate, ident).name == "改过"


def test_one_open_question_per_candidate_is_the_databases_law(year: Year) -> None:
    ids = ready(year, CROWD[0])
    ask(year, ids)
    with pytest.raises(Refusal), year.acting("system") as tx:
        tx.add(
            V(candidate_id=ids[0], batch_id=1, state=RequestState.WAITING, key="f" * 32, about="0" * 64,
              attempts=0, next_attempt_at=tx.now, trouble="")
        )  # fmt: skip
