"""Photo imports, read: the same picture under another name, and what waits for a decision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import String, func, select, type_coerce
from sqlalchemy.orm import Session

from core import bulk
from core.models.candidates import Candidate
from core.models.photos import PhotoVerdict
from core.rules.photo_verdicts import PhotoState, Twin


@dataclass(frozen=True, slots=True)
class TwinFound:
    """Where the same picture is: another place of the archive, or a candidate of one's own college."""

    kind: Twin
    place: int | None = None
    candidate_id: int | None = None


def crops_waiting(session: Session, job_id: int) -> int:
    """How many crops of a photo import wait to be looked at."""
    waiting = (PhotoVerdict.job_id == job_id, PhotoVerdict.state == PhotoState.OFFERED)
    return session.scalar(select(func.count(PhotoVerdict.id)).where(*waiting)) or 0


def twins_of(
    session: Session, college_id: int, pictures: Mapping[int, str], owners: Mapping[int, int]
) -> dict[int, TwinFound]:
    """Places whose picture is found under another name as well.

    pictures: place in the archive → SHA-256; owners: place → candidate. Whose it is in another college is not told.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, digest in pictures.items():
        places[digest].append(place)
    others = _holders(session, college_id, places, set(owners.values()))
    found: dict[int, TwinFound] = {}
    for digest, listed in places.items():
        for place in listed:
            twin = next((other for other in listed if other != place), None)
            if twin is not None:
                found[place] = TwinFound(Twin.ARCHIVE, place=twin)
            elif digest in others:
                found[place] = others[digest]
    return found


def _holders(session: Session, college_id: int, digests: Iterable[str], left_out: set[int]) -> dict[str, TwinFound]:
    """Digest → a candidate who has this picture, one's own college first."""
    connection = session.connection()
    is_listed = bulk.among(connection, type_coerce(Candidate.photo_hash, String))
    query = select(Candidate.photo_hash, Candidate.id, Candidate.college_id).where(is_listed).order_by(Candidate.id)
    found: dict[str, TwinFound] = {}
    for digest, ident, where in session.execute(query, bulk.listed(connection, digests)):
        if ident in left_out or digest is None:
            continue
        if where == college_id:
            found[digest] = TwinFound(Twin.COLLEGE, candidate_id=ident)
        else:
            found.setdefault(digest, TwinFound(Twin.ELSEWHERE))
    return found


def counts_of(session: Session, job_id: int) -> dict[PhotoState, int]:
    """Files of a photo import per verdict, in declared order; those without are left out."""
    query = select(PhotoVerdict.state, func.count()).where(PhotoVerdict.job_id == job_id).group_by(PhotoVerdict.state)
    found = dict(session.execute(query).all())
    return {state: found[state] for state in PhotoState if state in found}
