"""The worker of 认证 against a real service on loopback: slow, down, killed, and never more than needed (R-086)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core import settings
from core.actors import SYSTEM
from core.db import transaction
from core.demo.people import Person, people
from core.gateways import identity_service as gateway
from core.gateways.identity import Question, RuleVerifier
from core.gateways.identity_service import Line, Pace, ServiceVerifier
from core.models.candidates import Candidate, IdentityVerification, VerificationRequest
from core.rules.candidates import CandidateKind
from core.rules.verification import LEASE, LONGEST_PAUSE
from core.usecases import candidates, verification
from jobs import verification as job
from tests.factories import Year, Years, at_once, candidate_values, count, moment, notices, photo, rows
from tests.identity_service import TOKEN, IdentityService, identity_service

Stand = Callable[[datetime | str], datetime]
CROWD = people(17, 10, first=4_500)
QUICK = Pace(connect=1, answer=0.5, tries=2, pause=0, per_second=1000, troubles=3, rest=30)
TOLD = "candidates.manual_confirmation_needed"


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, own_settings: None) -> Iterator[IdentityService]:
    """The service of the settings; its line is quick."""
    with identity_service() as running:
        monkeypatch.setenv("KAOWU_IDENTITY_URL", running.url)
        monkeypatch.setenv("KAOWU_IDENTITY_TOKEN", TOKEN)
        settings.forget()
        line = ServiceVerifier(running.url, TOKEN, QUICK, Line(QUICK))
        monkeypatch.setattr(gateway, "_service", lambda url, token, per_second: line)
        yield running


@pytest.fixture
def year(any_years: Years, stand: Stand, service: IdentityService) -> Year:
    found = any_years("sited")
    stand(moment("peopled"))
    return found


def ask(year: Year, *who: Person) -> list[int]:
    """认证 pressed for new candidates with photos."""
    with year.acting("coordinator") as tx:
        sheet = list(enumerate((candidate_values(person) for person in who), start=3))
        candidates.import_candidates(tx, college_id=year["college"], kind=CandidateKind.COLLEGE, rows=sheet)
        pictures = [(place, photo(person.id_number, person.index)) for place, person in enumerate(who)]
        candidates.put_photos(tx, college_id=year["college"], photos=pictures)
        numbers = [person.id_number for person in who]
        ids = list(tx.all(select(Candidate.id).where(Candidate.id_number.in_(numbers)).order_by(Candidate.id)))
        verification.request_verification(tx, candidate_ids=ids)
    return ids


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in rows(select(Candidate.state)):
        found[state.value] = found.get(state.value, 0) + 1
    return found


def test_everybody_is_asked_about_once_and_the_college_told_once_R086_M12(year: Year, service: IdentityService) -> None:
    service.strangers = {CROWD[2].name: "name_differs"}
    expected = sum(person.name == CROWD[2].name for person in CROWD)
    ask(year, *CROWD)
    job.check()
    assert states() == {"verified": 10 - expected, "needs_manual": expected}
    assert len(service.calls) == len({call["key"] for call in service.calls}) == 10
    assert service.complaints == []
    assert len(notices(TOLD)) == 2
    job.check()
    assert len(service.calls) == 10


def test_no_transaction_is_open_while_the_service_thinks(year: Year, service: IdentityService) -> None:
    """Somebody else writes meanwhile, in the same database; on SQLite there is one writer at a time."""
    ids = ask(year, CROWD[0])
    done = []

    def write(asked: object) -> None:
        change = {"candidate_id": ids[0], "changes": {"mobile": "19911112222"}}
        done.append(year.do("coordinator", candidates.edit_candidate, **change))

    service.before_answer = write
    job.check()
    assert len(done) == 1
    assert states() == {"verified": 1}


def test_killed_between_answer_and_writing_it_asks_again_under_the_same_key(
    year: Year, service: IdentityService, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(year, *CROWD[:3])

    def die(*args: object, **given: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(verification, "record_answers", die)
        with pytest.raises(Killed):
            job.check()
    assert states() == {"pending_verification": 3}
    stand(moment("peopled") + LEASE - timedelta(seconds=1))
    job.check()
    assert len(service.calls) == 3
    stand(moment("peopled") + LEASE)
    job.check()
    assert states() == {"verified": 3}
    assert (len(service.calls), len(service.answered)) == (6, 3)
    assert count(IdentityVerification) == 3


def test_killed_while_asking_loses_nothing(year: Year, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(year, *CROWD[:2])

    def die(self: object, question: Question) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ServiceVerifier, "ask", die)
        with pytest.raises(Killed):
            job.check()
    stand(moment("peopled") + LEASE)
    job.check()
    assert states() == {"verified": 2}


def test_a_service_that_is_down_is_left_alone_and_asked_again_when_it_is_back(
    year: Year, service: IdentityService, stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    service.script = ["401"] * 30
    ask(year, *CROWD)
    job.check()
    job.check()
    assert states() == {"pending_verification": 10}
    assert len(service.calls) <= job.BITE, "the line rests: the others were not even claimed"
    assert max(rows(select(VerificationRequest.attempts))) == 1
    assert notices(TOLD) == []
    for person in CROWD:
        assert person.name not in caplog.text
        assert person.id_number not in caplog.text

    service.script = []
    gateway.verifier().line.went_well()  # type: ignore[attr-defined]
    stand(moment("peopled") + LONGEST_PAUSE)
    job.check()
    assert states() == {"verified": 10}


def test_an_accident_with_one_question_is_not_the_others(
    year: Year, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ids = ask(year, *CROWD[:3])
    whole = ServiceVerifier.ask

    def stumble(self: ServiceVerifier, question: Question) -> object:
        if question.id_number == CROWD[0].id_number:
            raise ValueError(question.name)
        return whole(self, question)

    monkeypatch.setattr(ServiceVerifier, "ask", stumble)
    job.check()
    assert states() == {"verified": 2, "pending_verification": 1}
    assert len(ids) == 3
    assert "broke: ValueError" in caplog.text
    assert CROWD[0].name not in caplog.text


def test_two_workers_at_once_ask_about_nobody_twice(year: Year, service: IdentityService) -> None:
    ask(year, *CROWD)
    found = at_once(job.check, job.check)
    assert found == [None, None]
    assert len(service.calls) == len({call["key"] for call in service.calls}) == 10
    assert states() == {"verified": 10}
    assert count(IdentityVerification) == 10


def test_a_slow_service_holds_nobody_up(year: Year, service: IdentityService) -> None:
    """Four are under way together: each waits until the others are there."""
    meeting = threading.Barrier(job.AT_ONCE, timeout=10)
    service.before_answer = lambda asked: meeting.wait()
    ask(year, *CROWD[: job.AT_ONCE])
    with pytest.MonkeyPatch.context() as patch:
        slow = ServiceVerifier(service.url, TOKEN, Pace(per_second=1000))
        patch.setattr(gateway, "_service", lambda url, token, per_second: slow)
        job.check()
    assert states() == {"verified": job.AT_ONCE}


def test_a_large_batch_of_the_built_in_rules_is_worked_off_too(
    any_years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = any_years("sited")
    stand(moment("peopled"))
    monkeypatch.setattr(job, "INSTANT_BITE", 3)
    ask(year, *CROWD)
    assert isinstance(gateway.verifier(), RuleVerifier)
    job.check()
    assert states() == {"verified": 10}


def test_a_batch_whose_last_candidate_is_gone_ends(year: Year, stand: Stand, service: IdentityService) -> None:
    service.strangers = {person.name: "not_found" for person in CROWD[:1]}
    ids = ask(year, *CROWD[:2])
    with transaction(SYSTEM.on("jobs")) as tx:
        first = verification.claim_questions(tx, limit=1)
        verification.record_answers(tx, answers=[(question, gateway.verifier().ask(question)) for question in first])
    assert notices(TOLD) == []
    year.do("coordinator", candidates.delete_candidates, candidate_ids=ids[1:])
    job.check()
    assert len(notices(TOLD)) == 2
