"""认证 and 人工确认: asked by the college, answered by a verifier, or vouched for by a person.

A question is a row: claimed under a lease, asked, answered in one unit of work. Killed between any two lines nothing is
lost: a question whose worker has died is put again under the same key. Rows are always taken in one order, candidates,
then requests, then batches, so that nobody waits in a circle.
"""

from __future__ import annotations

import random
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core import bulk
from core.db import Tx
from core.errors import NotFound, NotPermitted, ReasonMissing
from core.gateways.identity import Answer, Question, Verdict, Verifier
from core.models.candidates import (
    Candidate,
    CandidatePhoto,
    IdentityVerification,
    VerificationBatch,
    VerificationRequest,
)
from core.notifications.candidates import ManualConfirmationNeeded
from core.queries.verifications import is_due, is_open, shared_photos, vouchers
from core.rules.candidates import CANDIDATE, CandidateState, VerificationMethod, VerificationResult
from core.rules.permissions import permit
from core.rules.verification import LEASE, REQUEST, RequestState, fingerprint, may_vouch, next_asking
from core.usecases import candidate_accounts
from core.usecases.imports import in_parts

CHUNK = 5_000
BITE = 200  # photos held in memory at a time
NAMED = 5  # colleagues a refusal names
V = VerificationRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of 认证: the batches opened, how many candidates they ask about, how many were 认证中 already."""

    batch_ids: tuple[int, ...]
    asked: int
    under_way: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of answers: put_off are asked again later, dropped were about what is no longer so."""

    passed: int = 0
    failed: int = 0
    put_off: int = 0
    dropped: int = 0


# -- asking ------------------------------------------------------------------------------------------------------------


def request_verification(tx: Tx, *, candidate_ids: Sequence[int]) -> Asked:
    """认证 of one or many (R-086): a question about each who is 信息待认证, one open question per candidate.

    IllegalMove where somebody is not 信息待认证. What was asked about older data is dropped and asked anew.
    """
    waiting = _pending(tx, candidate_ids)
    known = _open_requests(tx, [candidate.id for candidate in waiting])
    stale = [one.candidate_id for one, is_current in known.values() if not is_current]
    drop_open(tx, candidate_ids=stale)
    under_way = known.keys() - set(stale)
    fresh: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for candidate in waiting:
        if candidate.id not in under_way:
            fresh[candidate.college_id].append(_question_row(tx, candidate))
    batches = [_open_batch(tx, college_id, rows) for college_id, rows in sorted(fresh.items())]
    return Asked(tuple(batches), sum(map(len, fresh.values())), len(under_way))


def _pending(tx: Tx, ids: Sequence[int]) -> list[Candidate]:
    found: list[Candidate] = []
    for part in in_parts(sorted(set(ids)), CHUNK):
        query = select(Candidate).where(Candidate.id.in_(part)).order_by(Candidate.id)
        found += tx.session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()
    if len(found) != len(set(ids)):
        raise NotFound(thing="candidates")
    for candidate in found:
        permit(tx.actor, "edit_candidates", candidate)
        CANDIDATE.target(candidate.state, "pass_verification")
    return found


def _open_requests(tx: Tx, candidate_ids: Sequence[int]) -> dict[int, tuple[V, bool]]:
    """Candidate id to the open request, and whether it asks about the candidate as he or she is now."""
    found: dict[int, tuple[V, bool]] = {}
    for part in in_parts(candidate_ids, CHUNK):
        query = select(V, Candidate).join(Candidate, Candidate.id == V.candidate_id)
        for request, candidate in tx.session.execute(query.where(V.candidate_id.in_(part), is_open())):
            found[candidate.id] = request, request.about == _about(request.key, candidate)
    return found


def _question_row(tx: Tx, candidate: Candidate) -> dict[str, Any]:
    key = secrets.token_hex(16)
    return {
        "candidate_id": candidate.id,
        "state": RequestState.WAITING,
        "key": key,
        "about": _about(key, candidate),
        "edited_by": candidate.updated_by,
        "attempts": 0,
        "next_attempt_at": tx.now,
        "trouble": "",
    }


def _about(key: str, candidate: Candidate) -> str:
    return fingerprint(key, candidate.name, candidate.id_type, candidate.id_number, candidate.photo_hash)


def _open_batch(tx: Tx, college_id: int, rows: Sequence[dict[str, Any]]) -> int:
    batch = tx.add(
        VerificationBatch(college_id=college_id, asked_by=tx.actor.account_id, asked_at=tx.now, asked_count=len(rows))
    )
    tx.insert_all(V, [row | {"batch_id": batch.id} for row in rows])
    return batch.id


def drop_open(tx: Tx, *, candidate_ids: Iterable[int]) -> None:
    """Nobody needs to know any more: name, document or photo are no longer what was asked about."""
    if ids := list(candidate_ids):
        is_about = bulk.one_of(tx.session.connection(), V.candidate_id, ids)
        tx.advance_all(V, REQUEST, "drop", is_about, lease_until=None, settled_at=tx.now)


def verify_candidates(tx: Tx, *, candidate_ids: Sequence[int], verifier: Verifier) -> tuple[int, int]:
    """认证 from question to answer in this one transaction: (passed, sent to manual confirmation) (R-086, M-12).

    For verifiers that answer from memory; a service would hold the database up for as long as it takes.
    """
    asked = request_verification(tx, candidate_ids=candidate_ids)
    passed = failed = 0
    while questions := claim_questions(tx, limit=BITE, batch_ids=asked.batch_ids):
        done = record_answers(tx, answers=[(question, verifier.ask(question)) for question in questions])
        passed, failed = passed + done.passed, failed + done.failed
    return passed, failed


# -- answering ---------------------------------------------------------------------------------------------------------


def claim_questions(tx: Tx, *, limit: int, batch_ids: Sequence[int] | None = None) -> list[Question]:
    """Take up to limit due questions, of these batches only if given, for one lease; outdated ones are put away.

    The lease is over at lease_until: from that instant on the question is anybody's.
    """
    query = select(V).where(is_due(tx.now)).order_by(V.next_attempt_at, V.id).limit(limit)
    if batch_ids is not None:
        query = query.where(V.batch_id.in_(batch_ids))
    due = tx.all(query.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    asked: list[tuple[V, Candidate]] = []
    outdated: list[int] = []
    about = _candidates(tx, [request.candidate_id for request in due])
    for request in due:
        candidate = about.get(request.candidate_id)
        if candidate is not None and _is_current(request, candidate):
            asked.append((request, candidate))
        else:
            outdated.append(request.id)
    _put_away(tx, outdated)
    questions = list(_questions(tx, asked))
    ids = [question.request_id for question in questions]
    tx.advance_all(V, REQUEST, "claim", V.id.in_(ids), lease_until=tx.now + LEASE, attempts=V.attempts + 1)
    return questions


def _candidates(tx: Tx, ids: Sequence[int], *, hold: bool = False) -> dict[int, Candidate]:
    query = select(Candidate).where(Candidate.id.in_(ids)).order_by(Candidate.id)
    query = query.with_for_update() if hold else query
    return {row.id: row for row in tx.all(query.execution_options(populate_existing=True))}


def _is_current(request: V, candidate: Candidate | None) -> bool:
    """True where the question still is about this candidate as he or she is now."""
    if candidate is None or candidate.state is not CandidateState.PENDING_VERIFICATION:
        return False
    return request.about == _about(request.key, candidate)


def _questions(tx: Tx, asked: Sequence[tuple[V, Candidate]]) -> Iterator[Question]:
    ids = [candidate.id for _, candidate in asked]
    photos = select(CandidatePhoto.candidate_id, CandidatePhoto.data).where(CandidatePhoto.candidate_id.in_(ids))
    pictures: dict[int, bytes] = dict(tx.session.execute(photos).all())
    shared = shared_photos(tx.session, [candidate.photo_hash or "" for _, candidate in asked])
    for request, candidate in asked:
        yield Question(
            request_id=request.id,
            attempt=request.attempts + 1,
            key=request.key,
            name=candidate.name,
            id_type=candidate.id_type,
            id_number=candidate.id_number,
            photo=pictures.get(candidate.id, b""),
            photo_hash=candidate.photo_hash or "",
            is_photo_shared=candidate.photo_hash in shared,
        )


def record_answers(tx: Tx, *, answers: Sequence[tuple[Question, Answer]]) -> Recorded:
    """Write down what a verifier said (R-086); the last answer of a batch tells the college once (M-12).

    An answer counts only from the worker that holds the claim, and only while name, document and photo are what was
    asked about.
    """
    said = {question.request_id: (question.attempt, answer) for question, answer in answers}
    concerned = tx.all(select(V.candidate_id).where(V.id.in_(said)))
    candidates = _candidates(tx, concerned, hold=True)
    held = select(V).where(V.id.in_(said), V.state == RequestState.ASKING).order_by(V.id).with_for_update()
    sorted_out: dict[Verdict | None, list[V]] = defaultdict(list)
    for request in tx.all(held.execution_options(populate_existing=True)):
        attempt, answer = said[request.id]
        if attempt != request.attempts:
            continue  # the lease was over, and somebody else has asked since
        verdict = answer.verdict if _is_current(request, candidates.get(request.candidate_id)) else None
        sorted_out[verdict].append(request)
    batches = {request.batch_id for requests in sorted_out.values() for request in requests}
    counted = {verdict: len(requests) for verdict, requests in sorted_out.items()}
    answered = {ident: answer for ident, (_, answer) in said.items()}
    for request in sorted_out[Verdict.NOT_NOW]:
        _put_off(tx, request, answered[request.id])
    outdated = [request.id for request in sorted_out[None]]
    settled = [(v, _records(tx, sorted_out[v], answered)) for v in (Verdict.PASS, Verdict.FAIL)]
    _put_away(tx, outdated)
    for verdict, records in settled:
        _settle(tx, verdict, records)
    close_batches(tx, batch_ids=sorted(batches))
    numbers = (counted.get(verdict, 0) for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.NOT_NOW, None))
    return Recorded(*numbers)


def _put_off(tx: Tx, request: V, answer: Answer) -> None:
    due = next_asking(tx.now, request.attempts, answer.retry_after, random.random())  # noqa: S311  # no secret
    tx.advance(request, REQUEST, "put_off", next_attempt_at=due, lease_until=None, trouble=answer.reason[:40])


def _put_away(tx: Tx, request_ids: Sequence[int]) -> None:
    if request_ids:
        tx.advance_all(V, REQUEST, "drop", V.id.in_(request_ids), lease_until=None, settled_at=tx.now)


def _records(tx: Tx, requests: Sequence[V], answered: dict[int, Answer]) -> list[tuple[int, dict[str, Any]]]:
    """(request id, record of §2.20) of each, in the name of whoever asked."""
    batches = {request.batch_id for request in requests}
    who = select(VerificationBatch.id, VerificationBatch.asked_by).where(VerificationBatch.id.in_(batches))
    asked_by: dict[int, int | None] = dict(tx.session.execute(who).all())
    return [
        (
            request.id,
            {
                "candidate_id": request.candidate_id,
                "method": answered[request.id].method,
                "reason": answered[request.id].reason,
                "actor_id": asked_by[request.batch_id],
                "at": tx.now,
            },
        )
        for request in requests
    ]


def _settle(tx: Tx, verdict: Verdict, records: Sequence[tuple[int, dict[str, Any]]]) -> None:
    if not records:
        return
    requests = [request_id for request_id, _ in records]
    people = [record["candidate_id"] for _, record in records]
    result = VerificationResult.PASS if verdict is Verdict.PASS else VerificationResult.FAIL
    tx.insert_all(IdentityVerification, [record | {"result": result} for _, record in records])
    tx.advance_all(V, REQUEST, result.value, V.id.in_(requests), lease_until=None, settled_at=tx.now, trouble="")
    tx.advance_all(Candidate, CANDIDATE, f"{result.value}_verification", Candidate.id.in_(people))
    if verdict is Verdict.PASS:
        candidate_accounts.open_for(tx, people)


def close_batches(tx: Tx, *, batch_ids: Sequence[int] | None = None) -> int:
    """Finish batches without open questions, of these or of all; whoever failed in one is told of once (M-12)."""
    query = select(VerificationBatch).where(VerificationBatch.finished_at.is_(None)).order_by(VerificationBatch.id)
    if batch_ids is not None:
        query = query.where(VerificationBatch.id.in_(batch_ids))
    closed = 0
    for batch in tx.all(query.with_for_update().execution_options(populate_existing=True)):
        states = set(tx.all(select(V.state).where(V.batch_id == batch.id).distinct()))
        if states & {RequestState.WAITING, RequestState.ASKING}:
            continue
        batch.finished_at = tx.now
        closed += 1
        if RequestState.FAILED in states:
            tx.notify(ManualConfirmationNeeded(batch.college_id, str(batch.id)))
    return closed


# -- vouching ----------------------------------------------------------------------------------------------------------


def confirm_by_hand(tx: Tx, *, candidate_id: int, note: str) -> Candidate:
    """人工确认: the college vouches, in words, by a second person where it has two (R-087)."""
    if not note.strip():
        raise ReasonMissing(rule="R-087")
    candidate = tx.lock(Candidate, candidate_id)
    permit(tx.actor, "edit_candidates", candidate)
    CANDIDATE.target(candidate.state, "confirm_by_hand")
    _require_second_person(tx, candidate)
    tx.advance(candidate, CANDIDATE, "confirm_by_hand", reason=note.strip())
    tx.add(
        IdentityVerification(
            candidate_id=candidate.id,
            method=VerificationMethod.MANUAL,
            result=VerificationResult.PASS,
            reason=note.strip(),
            actor_id=tx.actor.account_id,
            at=tx.now,
        )
    )
    candidate_accounts.open_for(tx, [candidate.id])
    return candidate


def _require_second_person(tx: Tx, candidate: Candidate) -> None:
    checks = select(IdentityVerification.actor_id).where(IdentityVerification.candidate_id == candidate.id)
    asked_by = tx.first(checks.order_by(IdentityVerification.id.desc()))
    edited_by = candidate.updated_by
    if edited_by in (None, asked_by):  # the check itself was the last to touch the row
        requests = select(V.edited_by).where(V.candidate_id == candidate.id)
        edited_by = tx.first(requests.order_by(V.id.desc()))
    staff = vouchers(tx.session, candidate.college_id)
    able = may_vouch(staff.keys(), asked_by, edited_by)
    if tx.actor.account_id not in able:
        names = [name for ident, name in staff.items() if ident in able]
        listed = "、".join(names[:NAMED]) + ("等" if len(names) > NAMED else "")
        raise NotPermitted("another_vouches", rule="R-087", names=listed)
