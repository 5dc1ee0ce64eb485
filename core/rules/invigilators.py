"""Invigilators: how many a room needs (§4.11)."""

from __future__ import annotations

FEWEST = 2
CANDIDATES_EACH = 20


def invigilators_needed(candidates: int) -> int:
    """R-193: two for a room of up to 40 candidates, beyond that at least one for every 20 begun."""
    return max(FEWEST, -(-candidates // CANDIDATES_EACH))
