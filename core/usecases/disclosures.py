"""Looking at what lists keep masked: allowed with a reason, never without a trace (R-010)."""

from __future__ import annotations

from sqlalchemy import select

from core.db import Tx
from core.errors import NotFound, ReasonMissing
from core.models.candidates import Candidate
from core.queries.scoping import visible


def reveal_id_number(tx: Tx, *, candidate_id: int, reason: str) -> str:
    """The whole ID number of a candidate this actor may see; the trail keeps who looked and why, never the number."""
    return _revealed(tx, candidate_id, "id_number", reason)


def reveal_mobile(tx: Tx, *, candidate_id: int, reason: str) -> str:
    """The same of the mobile number; NotFound where none is known."""
    return _revealed(tx, candidate_id, "mobile", reason)


def _revealed(tx: Tx, candidate_id: int, column: str, reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing(rule="R-010")
    candidate: Candidate = tx.one(
        select(Candidate).where(Candidate.id == candidate_id, visible(Candidate, tx.actor, tx.now))
    )
    number: str = getattr(candidate, column)
    if not number:
        raise NotFound("number_unknown", rule="R-010")
    tx.record(candidate, "reveal", after={"looked_at": column}, reason=reason.strip())
    return number
