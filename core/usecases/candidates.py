"""Candidates: imported, given photos, checked, confirmed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, delete, select

from core import bulk, clock
from core.db import Tx
from core.errors import AlreadyThere, IllegalMove, Incomplete, NotFound, ReasonMissing, Refusal, ValueRefused
from core.gateways.identity import Verifier
from core.models.candidates import Candidate, CandidatePhoto, IdentityVerification
from core.models.catalogue import Major
from core.models.organisations import College
from core.notifications.candidates import ManualConfirmationNeeded
from core.rules.candidates import (
    CANDIDATE,
    LOCKED_WHEN_VERIFIED,
    CandidateKind,
    CandidateState,
    VerificationMethod,
    VerificationResult,
)
from core.rules.numbering import candidate_no
from core.rules.permissions import permit
from core.rules.values import IdType, require_same_gender
from core.usecases import candidate_accounts
from core.usecases.imports import Outcome, Row, in_parts
from core.usecases.pilots import require_pilot

C = CandidateState
CHUNK = 5_000
FIELDS = (
    "name",
    "name_pinyin",
    "gender",
    "id_type",
    "id_number",
    "mobile",
    "enrolment_year",
    "education_level",
    "major_name",
    "major_code",
)


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
    known = _known_people(tx, rows)
    today = f"{clock.local(tx.now):%Y%m%d}"
    fresh = []
    for number, values in rows:
        person = known.get((values["id_type"], values["id_number"]))
        refusal = (
            _judge_new(values, majors, today) if person is None else _judge_known(values, person, college_id, kind)
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


def _judge_new(values: Mapping[str, Any], majors: Mapping[str, str], today: str) -> tuple[str, Refusal] | None:
    """None = good, else (field, refusal); today as yyyymmdd."""
    if values["major_code"] not in majors:
        near = next((code for code in _one_slip_away(values["major_code"]) if code in majors), "")
        suggestion = f"{near} {majors[near]}" if near else None
        return "major_code", ValueRefused(
            "major_unknown", rule="R-076", value=values["major_code"], suggestion=suggestion
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


def _one_slip_away(code: str) -> Iterator[str]:
    """What a hurried hand may have meant: two characters swapped, one wrong, one too many, one missing."""
    cuts = [(code[:at], code[at:]) for at in range(len(code) + 1)]
    yield from (a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1)
    yield from (a + other + b[1:] for a, b in cuts if b for other in "0123456789")
    yield from (a + b[1:] for a, b in cuts if b)
    yield from (a + other + b for a, b in cuts for other in "0123456789KT")


def _known_people(tx: Tx, rows: Sequence[Row]) -> dict[tuple[IdType, str], RowMapping]:
    """Those of the rows' people who are there already, wherever they study."""
    numbers: dict[IdType, list[str]] = defaultdict(list)
    for _, values in rows:
        numbers[values["id_type"]].append(values["id_number"])
    wanted = [getattr(Candidate, name) for name in (*FIELDS, "college_id", "kind")]
    found: dict[tuple[IdType, str], RowMapping] = {}
    for id_type, listed in numbers.items():
        is_listed = bulk.among(tx.session.connection(), Candidate.id_number, listed)
        query = select(*wanted).where(Candidate.id_type == id_type, is_listed)
        for row in tx.session.execute(query).mappings():
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
    if candidate.state is C.INCOMPLETE and _is_complete(candidate):
        tx.advance(candidate, CANDIDATE, "complete")
    elif candidate.state is C.NEEDS_MANUAL and changed.keys() & LOCKED_WHEN_VERIFIED:
        tx.advance(candidate, CANDIDATE, "correct")
    candidate_accounts.follow(tx, [candidate.id])
    tx.session.refresh(candidate)
    return candidate


def _is_complete(candidate: Candidate) -> bool:
    return all(getattr(candidate, name) not in (None, "") for name in FIELDS)


@dataclass(frozen=True, slots=True)
class Photo:
    """A checked picture: owner by ID number, bytes, digest and size in pixels."""

    id_number: str
    data: bytes
    sha256: str
    width: int
    height: int


def put_photos(tx: Tx, *, college_id: int, photos: Iterable[tuple[int, Photo]]) -> Outcome:
    """Give candidates of one college their pictures (R-082, R-083, R-089); numbers are positions in the archive."""
    permit(tx.actor, "edit_candidates", tx.get(College, college_id))
    outcome = Outcome()
    for part in in_parts(photos, 500):
        _put_some(tx, college_id, part, outcome)
    return outcome


def _put_some(tx: Tx, college_id: int, photos: Sequence[tuple[int, Photo]], outcome: Outcome) -> None:
    wanted = [photo.id_number for _, photo in photos]
    owners = {
        row.id_number: row
        for row in tx.session.scalars(
            select(Candidate).where(Candidate.college_id == college_id, Candidate.id_number.in_(wanted))
        )
    }
    kept = set(
        tx.all(
            select(CandidatePhoto.candidate_id).where(
                CandidatePhoto.candidate_id.in_([owner.id for owner in owners.values()])
            )
        )
    )  # whose picture has been erased in time (G-26) may bring the same one again
    taken: dict[int, Photo] = {}
    for number, photo in photos:
        owner = owners.get(photo.id_number)
        refusal = _judge_photo(owner, photo)
        if refusal is not None or owner is None:
            outcome.refuse(number, "photo", refusal or NotFound("photo_of_nobody", rule="R-082"))
        elif owner.photo_hash == photo.sha256 and owner.id in kept:
            outcome.unchanged += 1
        else:
            taken[owner.id] = photo
            outcome.accepted += 1
    _store(tx, taken)


def _judge_photo(owner: Candidate | None, photo: Photo) -> Refusal | None:
    if owner is None:
        return NotFound("photo_of_nobody", rule="R-082")
    if owner.state is C.VERIFIED and owner.photo_hash != photo.sha256:
        return IllegalMove("verified_is_locked", rule="R-089", thing=CANDIDATE.name, state=owner.state.label)
    if owner.state is C.INCOMPLETE:
        return Incomplete("candidate_incomplete", rule="R-083")
    return None


def _store(tx: Tx, taken: Mapping[int, Photo]) -> None:
    if not taken:
        return
    tx.session.execute(delete(CandidatePhoto).where(CandidatePhoto.candidate_id.in_(taken)))
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
    tx.advance_all(Candidate, CANDIDATE, "add_photo", Candidate.id.in_(taken))


def verify_candidates(tx: Tx, *, candidate_ids: Sequence[int], verifier: Verifier) -> tuple[int, int]:
    """认证 of one or many: (passed, sent to manual confirmation) (R-086, M-12)."""
    passed: list[int] = []
    failed: dict[int, str] = {}
    colleges: set[int] = set()
    for candidate in _all(tx, candidate_ids):
        permit(tx.actor, "edit_candidates", candidate)
        CANDIDATE.target(candidate.state, "pass_verification")
        reason = verifier.check(candidate, candidate.photo.data if candidate.photo else b"", tx.session)
        if reason is None:
            passed.append(candidate.id)
        else:
            failed[candidate.id] = reason
            colleges.add(candidate.college_id)
    tx.insert_all(
        IdentityVerification,
        [_verification(tx, ident, VerificationResult.PASS, "") for ident in passed]
        + [_verification(tx, ident, VerificationResult.FAIL, reason) for ident, reason in failed.items()],
    )
    if passed:
        tx.advance_all(Candidate, CANDIDATE, "pass_verification", Candidate.id.in_(passed))
    if failed:
        tx.advance_all(Candidate, CANDIDATE, "fail_verification", Candidate.id.in_(failed))
    for college_id in colleges:
        tx.notify(ManualConfirmationNeeded(college_id, tx.now.isoformat(timespec="minutes")))
    candidate_accounts.open_for(tx, passed)
    return len(passed), len(failed)


def _verification(tx: Tx, candidate_id: int, result: VerificationResult, reason: str) -> dict[str, Any]:
    return {
        "candidate_id": candidate_id,
        "method": VerificationMethod.RULES,
        "result": result,
        "reason": reason,
        "actor_id": tx.actor.account_id,
        "at": tx.now,
    }


def confirm_by_hand(tx: Tx, *, candidate_id: int, note: str) -> Candidate:
    """人工确认: the college vouches, in words (R-087)."""
    if not note.strip():
        raise ReasonMissing(rule="R-087")
    candidate = tx.lock(Candidate, candidate_id)
    permit(tx.actor, "edit_candidates", candidate)
    tx.advance(candidate, CANDIDATE, "confirm_by_hand", reason=note.strip())
    tx.add(
        IdentityVerification(
            candidate_id=candidate.id,
            method=VerificationMethod.MANUAL,
            result=VerificationResult.PASS,
            reason=note.strip(),
            actor_id=tx.actor.account_id,
            at=tx.now,
        )
    )
    candidate_accounts.open_for(tx, [candidate.id])
    return candidate


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
