"""What a candidate's page asks of the use cases: several of them at once where one press of a button means several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from core.db import Tx
from core.gateways.identity_service import verifier
from core.models.candidates import Candidate
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.verification import AT_ONCE
from core.sheets.photo_desk import put_one_photo
from core.usecases.candidates import create_candidate, delete_candidates
from core.usecases.imports import in_parts
from core.usecases.verification import request_verification, verify_candidates

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of 认证: passed, sent to manual confirmation, being checked, and not waiting for it at all."""

    passed: int
    failed: int
    under_way: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Photographed:
    """A candidate with the picture that was sent, or (waiting: an import's number) with a crop of it that waits."""

    candidate: Candidate
    waiting: int | None = None


def create_with_photo(
    tx: Tx, *, college_id: int, kind: CandidateKind, values: Mapping[str, Any], photo: bytes | None
) -> Photographed:
    """A new candidate and, if there is one, the picture: both or neither (§3.6); a crop waits for a person's word."""
    candidate = create_candidate(tx, college_id=college_id, kind=kind, values=values)
    return give_photo(tx, candidate_id=candidate.id, photo=photo) if photo else Photographed(candidate)


def give_photo(tx: Tx, *, candidate_id: int, photo: bytes) -> Photographed:
    """One picture for one candidate, judged like those of an archive (R-081…R-083, R-089)."""
    waiting = put_one_photo(tx, candidate_id=candidate_id, data=photo)
    return Photographed(tx.get(Candidate, candidate_id), waiting)


def check_one(tx: Tx, *, candidate_id: int) -> Checked:
    """认证 of one."""
    return _check(tx, [candidate_id])


def check_all(tx: Tx, *, candidate_ids: Sequence[int]) -> Checked:
    """批量认证: those of the ticked who wait for it; the others are counted and left alone."""
    waiting: list[int] = []
    for part in in_parts(candidate_ids, CHUNK):
        pending = Candidate.state == CandidateState.PENDING_VERIFICATION
        waiting += tx.all(select(Candidate.id).where(Candidate.id.in_(part), pending))
    checked = _check(tx, waiting) if waiting else Checked(0, 0)
    return replace(checked, skipped=len(candidate_ids) - len(waiting))


def _check(tx: Tx, ids: Sequence[int]) -> Checked:
    """At once where the verifier answers from memory and they are few, else by the job."""
    line = verifier()
    if line.is_instant and len(ids) <= AT_ONCE:
        passed, failed = verify_candidates(tx, candidate_ids=ids, verifier=line)
        return Checked(passed, failed, len(ids) - passed - failed)
    asked = request_verification(tx, candidate_ids=ids)
    return Checked(0, 0, asked.asked + asked.under_way)


def remove_one(tx: Tx, *, candidate_id: int) -> tuple[int, list[int]]:
    """(removed, those that stay)."""
    return delete_candidates(tx, candidate_ids=[candidate_id])


def remove_all(tx: Tx, *, candidate_ids: Sequence[int]) -> tuple[int, list[int]]:
    """The same for many (R-092)."""
    return delete_candidates(tx, candidate_ids=candidate_ids)
