"""How long what is personal is kept (G-26): facts about the moment from which on a thing may go."""

from __future__ import annotations

from datetime import datetime, timedelta


def due_before(days: int, now: datetime) -> datetime | None:
    """What last mattered at this instant or earlier has been kept for days; None where it is kept for ever (0)."""
    return now - timedelta(days=days) if days else None
