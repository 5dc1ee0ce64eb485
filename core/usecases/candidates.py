"""Candidates: imported, edited, given photos, deleted; core.usecases.verification checks who they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import RowMapping, delete, select

from core import bulk, clock
from core.db import Tx
from core.errors import AlreadyThere, IllegalMove, Incomplete, NotFound, Refusal, ValueRefused
from core.models.candidates import Candidate, CandidatePhoto
from core.models.catalogue import Major
from core.models.organisations import College
from core.rules.candidates import (
    CANDIDATE,
    LOCKED_WHEN_VERIFIED,
    REQUIRED,
    CandidateKind,
    CandidateState,
    is_complete,
)
from core.rules.numbering import candidate_no
from core.rules.permissions import permit
from core.rules.suggestions import near_major
from core.rules.values import IdType, require_same_gender
from core.usecases import candidate_accounts
from core.usecases.imports import Outcome, Row, Taken, in_parts
from core.usecases.pilots import require_pilot
from core.usecases.verification import drop_open

C = CandidateState
CHUNK = 5_000
FIELDS = REQUIRED
SuggestMajor = Callable[[str, str], str | None]  # code, name → code


def import_candidates(
    tx: Tx, *, college_id: int, kind: CandidateKind, rows: Sequence[Row], import_job_id: int | None = None
) -> Outcome:
    """Insert new candidates in one go (R-076…R-084); the same data again is unchanged, other data is refused.

    rows: cleaned values by FIELDS; of social candidates major_name and major_code may be "" (I-02). Every row is
    judged; good ones are in when the transaction is.
    """
    college = tx.get(College, college_id)
    permit(tx.actor, "edit_candidates", college)
    require_pilot(tx, college, rule="R-018")
    outcome = Outcome()
    majors = dict(tx.session.execute(select(Major.code, Major.name)).all())
    if kind is CandidateKind.SOCIAL:
        majors[""] = ""
    suggest_major = cache(lambda code, name: near_major(code, name, majors))  # a wrong code stands in a whole class
    known = _known_people(tx, rows)
    today = f"{clock.local(tx.now):%Y%m%d}"
    fresh = []
    for number, values in rows:
        person = known.get((values["id_type"], values["id_number"]))
        refusal = (
            _judge_new(values, majors, suggest_major, today)
            if person is None
            else _judge_known(values, person, college_id, kind)
        )
        if refusal is None:
            fresh.append(values)
        elif refusal == "unchanged":
            outcome.unchanged += 1
        else:
            outcome.refuse(number, *refusal)
    _insert(tx, college_id, kind, fresh, import_job_id)
    outcome.accepted = len(fresh)
    return outcome


def _judge_known(values: Mapping[str, Any], known: RowMapping, college_id: int, kind: CandidateKind) -> Any:
    """ "unchanged" = there already word for word, else (field, refusal)."""
    if known["college_id"] != college_id:
        return "id_number", AlreadyThere("candidate_elsewhere", rule="R-077")
    if known["kind"] is kind and all(known[name] == values[name] for name in FIELDS):
        return "unchanged"
    return "id_number", AlreadyThere("candidate_exists", rule="R-077")


def _judge_new(
    values: Mapping[str, Any], majors: Mapping[str, str], suggest_major: SuggestMajor, today: str
) -> tuple[str, Refusal] | None:
    """None = good, else (field, refusal); today as yyyymmdd."""
    if values["major_code"] not in majors:
        near = suggest_major(values["major_code"], values["major_name"])
        name = {"suggested_name": majors[near]} if near else {}
        return "major_code", ValueRefused(
            "major_unknown", rule="R-076", value=values["major_code"], suggestion=near, **name
        )
    if values["id_type"] is IdType.RESIDENT:
        number = values["id_number"]
        if number[6:14] > today:
            return "id_number", ValueRefused("id_number_future", rule="R-079", value=number, digits=number[6:14])
        try:
            require_same_gender(number, values["gender"])
        except ValueRefused as refusal:
            return "gender", refusal.with_traceback(None)
    return None


def _known_people(tx: Tx, rows: Sequence[Row]) -> dict[tuple[IdType, str], RowMapping]:
    """Those of the rows' people who are there already, wherever they study."""
    numbers: dict[IdType, list[str]] = defaultdict(list)
    for _, values in rows:
        numbers[values["id_type"]].append(values["id_number"])
    wanted = [getattr(Candidate, name) for name in (*FIELDS, "college_id", "kind")]
    connection = tx.session.connection()
    is_listed = bulk.among(connection, Candidate.id_number)
    found: dict[tuple[IdType, str], RowMapping] = {}
    for id_type, listed in numbers.items():
        query = select(*wanted).where(Candidate.id_type == id_type, is_listed)
        for row in tx.session.execute(query, bulk.listed(connection, listed)).mappings():
            found[row["id_type"], row["id_number"]] = row
    return found


def _insert(
    tx: Tx, college_id: int, kind: CandidateKind, fresh: Sequence[Mapping[str, Any]], import_job_id: int | None
) -> None:
    if not fresh:
        return
    first = tx.next_number("candidate", count=len(fresh))
    made_at = clock.local(tx.now)
    tx.insert_all(
        Candidate,
        [
            {
                **values,
                "college_id": college_id,
                "kind": kind,
                "state": C.NO_PHOTO,
                "candidate_no": candidate_no(values["id_number"], made_at, first + offset),
                "registered_count": 0,
                "import_job_id": import_job_id,
            }
            for offset, values in enumerate(fresh)
        ],
        reason=f"import {import_job_id}" if import_job_id else "",
    )


def create_candidate(tx: Tx, *, college_id: int, kind: CandidateKind, values: Mapping[str, Any]) -> Candidate:
    """One candidate typed into the form; as an import of one row, but refused by exception."""
    outcome = import_candidates(tx, college_id=college_id, kind=kind, rows=[(1, values)])
    if outcome.refused:
        raise outcome.refused[0].refusal
    if outcome.unchanged:
        raise AlreadyThere("candidate_exists", rule="R-077")
    return tx.one(
        select(Candidate).where(Candidate.id_number == values["id_number"], Candidate.id_type == values["id_type"])
    )


def edit_candidate(tx: Tx, *, candidate_id: int, changes: Mapping[str, Any]) -> Candidate:
    """Before 信息准确 everything, afterwards everything but name, ID and photo (R-089)."""
    candidate = tx.lock(Candidate, candidate_id)
    permit(tx.actor, "edit_candidates", candidate)
    changed = {name: value for name, value in changes.items() if getattr(candidate, name) != value}
    if candidate.state is C.VERIFIED and changed.keys() & LOCKED_WHEN_VERIFIED:
        raise IllegalMove("verified_is_locked", rule="R-089", thing=CANDIDATE.name, state=candidate.state.label)
    for name, value in changed.items():
        setattr(candidate, name, value)
    if candidate.id_type is IdType.RESIDENT and candidate.gender is not None:
        require_same_gender(candidate.id_number, candidate.gender)
    tx.session.flush()
    if changed.keys() & LOCKED_WHEN_VERIFIED:
        drop_open(tx, candidate_ids=[candidate.id])
    if candidate.state is C.INCOMPLETE and is_complete(_as_it_is(candidate), candidate.kind):
        tx.advance(candidate, CANDIDATE, "complete")
    elif candidate.state is C.NEEDS_MANUAL and changed.keys() & LOCKED_WHEN_VERIFIED:
        tx.advance(candidate, CANDIDATE, "correct")
    candidate_accounts.follow(tx, [candidate.id])
    tx.session.refresh(candidate)
    return candidate


def _as_it_is(candidate: Candidate) -> dict[str, Any]:
    return {name: getattr(candidate, name) for name in FIELDS}


@dataclass(frozen=True, slots=True)
class Photo:
    """A checked picture: owner by ID number, bytes, digest and size in pixels."""

    id_number: str
    data: bytes
    sha256: str
    width: int
    height: int


@dataclass(slots=True)
class PhotoOutcome(Outcome):
    """Outcome by position in the archive: whose each picture is, and which of them were there already."""

    owners: dict[int, int] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)


def put_photos(tx: Tx, *, college_id: int, photos: Iterable[tuple[int, Photo]], is_trial: bool = False) -> PhotoOutcome:
    """Give candidates of one college their pictures (R-082, R-083, R-089); numbers are positions in the archive.

    is_trial: the same judgement, and nobody gets one.
    """
    permit(tx.actor, "edit_candidates", tx.get(College, college_id))
    outcome = PhotoOutcome()
    for part in in_parts(photos, 500):
        taken = _judge_some(tx, college_id, part, outcome)
        if not is_trial:
            _store(tx, taken)
    return outcome


def _judge_some(
    tx: Tx, college_id: int, photos: Sequence[tuple[int, Photo]], outcome: PhotoOutcome
) -> dict[int, Photo]:
    """Photos to be stored, by candidate."""
    connection, wanted = tx.session.connection(), [photo.id_number for _, photo in photos]
    found = select(Candidate.id, Candidate.id_number, Candidate.state, Candidate.photo_hash).where(
        Candidate.college_id == college_id, bulk.one_of(connection, Candidate.id_number, wanted)
    )
    owners: dict[str, list[RowMapping]] = defaultdict(list)
    for row in tx.session.execute(found).mappings():
        owners[row["id_number"]].append(row)
    named_ids = [row["id"] for rows in owners.values() for row in rows]
    is_theirs = bulk.one_of(connection, CandidatePhoto.candidate_id, named_ids)
    kept = set(tx.all(select(CandidatePhoto.candidate_id).where(is_theirs)))
    taken: dict[int, Photo] = {}
    for number, photo in photos:
        named = owners[photo.id_number]
        refusal = _judge_photo(named, photo)
        if len(named) == 1:
            outcome.owners[number] = named[0]["id"]
        if refusal is not None:
            outcome.refuse(number, "photo", refusal)
        elif named[0]["photo_hash"] == photo.sha256 and named[0]["id"] in kept:  # not one erased in time (G-26)
            outcome.unchanged += 1
            outcome.known.add(number)
        else:
            taken[named[0]["id"]] = photo
            outcome.count(Taken.CHANGED if named[0]["photo_hash"] else Taken.NEW)
    return taken


def _judge_photo(owners: Sequence[RowMapping], photo: Photo) -> Refusal | None:
    if not owners:
        return NotFound("photo_of_nobody", rule="R-082")
    if len(owners) > 1:  # two kinds of document with one number
        return AlreadyThere("photo_of_several", rule="R-082")
    state = owners[0]["state"]
    if state is C.VERIFIED and owners[0]["photo_hash"] != photo.sha256:
        return IllegalMove("verified_is_locked", rule="R-089", thing=CANDIDATE.name, state=state.label)
    if state is C.INCOMPLETE:
        return Incomplete("candidate_incomplete", rule="R-083")
    return None


def _store(tx: Tx, taken: Mapping[int, Photo]) -> None:
    if not taken:
        return
    connection = tx.session.connection()
    tx.session.execute(delete(CandidatePhoto).where(bulk.one_of(connection, CandidatePhoto.candidate_id, taken)))
    tx.insert_all(
        CandidatePhoto,
        [
            {
                "candidate_id": owner,
                "data": photo.data,
                "sha256": photo.sha256,
                "width": photo.width,
                "height": photo.height,
            }
            for owner, photo in taken.items()
        ],
    )
    tx.update_each(Candidate, [{"id": owner, "photo_hash": photo.sha256} for owner, photo in taken.items()])
    tx.advance_all(Candidate, CANDIDATE, "add_photo", bulk.one_of(connection, Candidate.id, taken))
    drop_open(tx, candidate_ids=taken)


def delete_candidates(tx: Tx, *, candidate_ids: Sequence[int]) -> tuple[int, list[int]]:
    """Remove those without registrations; (removed, ids that stay because they are registered) (R-092)."""
    blocked: list[int] = []
    leaving: list[Candidate] = []
    for candidate in _all(tx, candidate_ids):
        permit(tx.actor, "edit_candidates", candidate)
        if candidate.registered_count:
            blocked.append(candidate.id)
        else:
            leaving.append(candidate)
    candidate_accounts.close_for(tx, [candidate.id for candidate in leaving])
    for candidate in leaving:
        tx.delete(candidate)
    return len(leaving), blocked


def _all(tx: Tx, ids: Sequence[int]) -> list[Candidate]:
    found: list[Candidate] = []
    for part in in_parts(ids, CHUNK):
        found += tx.all(select(Candidate).where(Candidate.id.in_(part)).order_by(Candidate.id))
    if len(found) != len(set(ids)):
        raise NotFound(thing="candidates")
    return found
