"""Whether a seating keeps the rules, found out without looking at how it was made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from core.arranging.problem import Room, Seat, Session, Sitting


def faults(
    seats: Iterable[Seat], sittings: Iterable[Sitting], sessions: Iterable[Session], rooms: Iterable[Room]
) -> list[str]:
    """Every broken rule as `R-… what`, empty for a lawful seating."""
    by_sitting = {sitting.id: sitting for sitting in sittings}
    by_session = {session.id: session for session in sessions}
    by_room = {room.id: room for room in rooms}
    found: list[str] = []
    places: set[tuple[int, int, int]] = set()
    when: dict[int, list[Session]] = defaultdict(list)
    used: dict[int, set[int]] = defaultdict(set)
    for seat in seats:
        sitting, session, room = by_sitting[seat.sitting_id], by_session[seat.session_id], by_room[seat.room_id]
        if session.subject_id != sitting.subject_id or sitting.subject_id not in room.subject_ids:
            found.append(f"R-133 sitting {sitting.id}")
        if sitting.site_id != room.site_id:
            found.append(f"R-174 sitting {sitting.id}")
        if not 1 <= seat.number <= room.seat_count:
            found.append(f"R-171 room {room.id} seat {seat.number}")
        place = (seat.room_id, seat.session_id, seat.number)
        if place in places:
            found.append(f"R-176 {place}")
        places.add(place)
        if any(session.overlaps(other) for other in when[sitting.candidate_id]):
            found.append(f"R-173 candidate {sitting.candidate_id}")
        when[sitting.candidate_id].append(session)
        used[room.id].add(session.id)
    for room_id, ids in used.items():
        held = [by_session[ident] for ident in sorted(ids)]
        if any(a.overlaps(b) for i, a in enumerate(held) for b in held[i + 1 :]):
            found.append(f"R-172 room {room_id}")
    return found
