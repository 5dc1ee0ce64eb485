"""What the arrangement is about, in plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sitting:
    """A candidate's subject to be seated; order keeps classes together."""

    id: int
    candidate_id: int
    subject_id: int
    site_id: int
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """When a subject is sat."""

    id: int
    subject_id: int
    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: Session) -> bool:
        """Half-open: one may begin when the other ends."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True, slots=True)
class Room:
    """A room of a site and the subjects it is set up for."""

    id: int
    site_id: int
    seat_count: int
    subject_ids: frozenset[int]
    name: str


@dataclass(frozen=True, slots=True)
class Seat:
    """One sitting in one room and session; number from 1."""

    sitting_id: int
    room_id: int
    session_id: int
    number: int
