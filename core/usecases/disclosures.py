"""Looking at what lists keep masked: allowed with a reason, never without a trace (R-010)."""

from __future__ import annotations

from sqlalchemy import select

from core.db import Tx
from core.errors import ReasonMissing
from core.models.candidates import Candidate
from core.queries.scoping import visible


def reveal_id_number(tx: Tx, *, candidate_id: int, reason: str) -> str:
    """The whole ID number of a candidate this actor may see; the trail keeps who looked and why, never the number."""
    if not reason.strip():
        raise ReasonMissing(rule="R-010")
    candidate: Candidate = tx.one(
        select(Candidate).where(Candidate.id == candidate_id, visible(Candidate, tx.actor, tx.now))
    )
    tx.record(candidate, "reveal", reason=reason.strip())
    return candidate.id_number
