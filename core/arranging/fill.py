"""The simple fill: subject by subject, class by class, the next room of the next session that fits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from core.arranging.problem import Room, Seat, Session, Sitting


def fill(
    sittings: Sequence[Sitting], sessions: Sequence[Session], rooms: Sequence[Room]
) -> tuple[list[Seat], list[Sitting]]:
    """Seats, and the sittings no seat was found for (R-171, R-173, R-174, R-176). Deterministic."""
    sessions_of: dict[int, list[Session]] = defaultdict(list)
    for session in sorted(sessions, key=lambda s: (s.starts_at, s.id)):
        sessions_of[session.subject_id].append(session)
    hall = _Hall(rooms)
    seats: list[Seat] = []
    left: list[Sitting] = []
    for sitting in sorted(sittings, key=lambda s: (s.subject_id, s.site_id, s.order, s.id)):
        seat = hall.seat(sitting, sessions_of[sitting.subject_id])
        if seat is None:
            left.append(sitting)
        else:
            seats.append(seat)
    return seats, left


class _Hall:
    """Rooms, who is busy when, and how full each room is in each session."""

    def __init__(self, rooms: Iterable[Room]) -> None:
        self._rooms: dict[tuple[int, int], list[Room]] = defaultdict(list)
        for room in sorted(rooms, key=lambda r: (-r.seat_count, r.name, r.id)):
            for subject_id in room.subject_ids:
                self._rooms[room.site_id, subject_id].append(room)
        self._taken: dict[tuple[int, int], int] = defaultdict(int)
        self._room_sessions: dict[int, list[Session]] = defaultdict(list)
        self._busy: dict[int, list[Session]] = defaultdict(list)

    def seat(self, sitting: Sitting, sessions: Sequence[Session]) -> Seat | None:
        for session in sessions:
            if any(session.overlaps(other) for other in self._busy[sitting.candidate_id]):
                continue
            for room in self._rooms[sitting.site_id, sitting.subject_id]:
                if self._is_free(room, session):
                    return self._take(sitting, session, room)
        return None

    def _is_free(self, room: Room, session: Session) -> bool:
        taken = self._taken[room.id, session.id]
        if taken:
            return taken < room.seat_count
        return not any(session.overlaps(other) for other in self._room_sessions[room.id])

    def _take(self, sitting: Sitting, session: Session, room: Room) -> Seat:
        if not self._taken[room.id, session.id]:
            self._room_sessions[room.id].append(session)
        self._taken[room.id, session.id] += 1
        self._busy[sitting.candidate_id].append(session)
        return Seat(sitting.id, room.id, session.id, self._taken[room.id, session.id])
