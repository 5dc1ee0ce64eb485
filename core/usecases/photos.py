"""Photo imports: the verdict on every file kept, and crops taken or dropped by a person (I-03, R-081…R-083, R-089)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import undefer

from core.db import Tx
from core.errors import NotFound, NotReady, StaleState
from core.models.candidates import Candidate
from core.models.photos import PhotoVerdict
from core.models.records import ImportJob
from core.queries.photos import twins_of
from core.rules.permissions import permit
from core.rules.photo_verdicts import PHOTO_OFFER, PhotoState
from core.rules.photos import HEIGHT, WIDTH
from core.usecases.candidates import Photo, PhotoOutcome, put_photos
from core.usecases.imports import in_parts

_AT_ONCE = 200  # pictures held in memory


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What was found of one file. sha256: of the picture taken or offered; message: in words, if it was not taken."""

    place: int
    file_name: str
    state: PhotoState
    candidate_id: int | None = None
    sha256: str | None = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of 全部采用: crops taken, and those left because their candidates may get no photo any more."""

    import_job_id: int
    taken: int
    left: int


def keep_verdicts(
    tx: Tx, *, import_job_id: int, verdicts: Sequence[FileVerdict], offer: Callable[[int], bytes]
) -> None:
    """A row per file; the same picture under two names is marked. offer: the crop by its place in the archive."""
    job = tx.get(ImportJob, import_job_id)
    permit(tx.actor, "edit_candidates", job)
    assert job.college_id is not None
    pictures = {verdict.place: verdict.sha256 for verdict in verdicts if verdict.sha256}
    owners = {verdict.place: verdict.candidate_id for verdict in verdicts if verdict.candidate_id}
    twins = twins_of(tx.session, job.college_id, pictures, owners)
    is_offered = {verdict.place for verdict in verdicts if verdict.state is PhotoState.OFFERED}
    plain = [verdict for verdict in verdicts if verdict.place not in is_offered]
    waiting = (verdict for verdict in verdicts if verdict.place in is_offered)
    for part in (plain, *in_parts(waiting, _AT_ONCE)):
        tx.insert_all(
            PhotoVerdict,
            [
                {
                    "job_id": job.id,
                    "place": verdict.place,
                    "file_name": verdict.file_name[:200],
                    "candidate_id": verdict.candidate_id,
                    "state": verdict.state,
                    "code": verdict.code,
                    "message": verdict.message,
                    "twin": twin.kind if twin else None,
                    "twin_place": twin.place if twin else None,
                    "twin_id": twin.candidate_id if twin else None,
                    "sha256": verdict.sha256,
                    "offer": offer(verdict.place) if verdict.place in is_offered else None,
                }
                for verdict in part
                for twin in (twins.get(verdict.place),)
            ],
            reason=f"import {job.id}",
        )


def adopt_offer(tx: Tx, *, verdict_id: int) -> PhotoVerdict:
    """采用裁剪 of one: the candidate gets the crop, if he may still get a photo (R-083, R-089)."""
    verdict = tx.lock(PhotoVerdict, verdict_id)
    outcome = _adopt(tx, verdict.job_id, [verdict])
    if outcome.refused:
        raise outcome.refused[0].refusal
    return verdict


def adopt_all_offers(tx: Tx, *, import_job_id: int) -> Adopted:
    """全部采用 of one import; where nothing waits, NotReady."""
    waiting = select(PhotoVerdict.id).where(
        PhotoVerdict.job_id == import_job_id, PhotoVerdict.state == PhotoState.OFFERED
    )
    permit(tx.actor, "edit_candidates", tx.get(ImportJob, import_job_id))
    taken = left = 0
    for part in in_parts(tx.all(waiting.order_by(PhotoVerdict.id)), _AT_ONCE):
        rows = select(PhotoVerdict).where(PhotoVerdict.id.in_(part)).with_for_update()
        outcome = _adopt(tx, import_job_id, tx.all(rows.options(undefer(PhotoVerdict.offer))))
        taken += outcome.accepted + outcome.unchanged
        left += len(outcome.refused)
    if not taken and not left:
        raise NotReady("photo_nothing_offered", rule="R-081")
    return Adopted(import_job_id, taken, left)


def drop_offer(tx: Tx, *, verdict_id: int) -> PhotoVerdict:
    """放弃 of one: the crop is deleted, the candidate stays as he is."""
    verdict = tx.lock(PhotoVerdict, verdict_id)
    permit(tx.actor, "edit_candidates", verdict.job)
    _decide(tx, "drop", [verdict])
    return verdict


def _adopt(tx: Tx, job_id: int, offered: Sequence[PhotoVerdict]) -> PhotoOutcome:
    """The judgement and the storing are those of an archive; verdicts stand in for places."""
    job = tx.lock(ImportJob, job_id)
    permit(tx.actor, "edit_candidates", job)
    assert job.college_id is not None
    for verdict in offered:
        PHOTO_OFFER.target(verdict.state, "adopt")
    numbers = _id_numbers(tx, offered)
    photos = [(verdict.id, _crop_of(verdict, number)) for verdict in offered if (number := numbers.get(verdict.id))]
    outcome = put_photos(tx, college_id=job.college_id, photos=photos)
    for verdict in offered:
        if verdict.id not in numbers:  # the candidate has been deleted meanwhile
            outcome.refuse(verdict.id, "photo", NotFound("photo_of_nobody", rule="R-082"))
    refused = {item.row for item in outcome.refused}
    taken = [verdict for verdict in offered if verdict.id not in refused]
    _decide(tx, "adopt", taken)
    job.accepted_count += len(taken)
    job.rejected_count -= len(taken)
    tx.session.flush()
    return outcome


def _id_numbers(tx: Tx, offered: Sequence[PhotoVerdict]) -> Mapping[int, str]:
    """By verdict, as they are now: a corrected number must not lose its photo."""
    query = (
        select(PhotoVerdict.id, Candidate.id_number)
        .join(Candidate, Candidate.id == PhotoVerdict.candidate_id)
        .where(PhotoVerdict.id.in_([verdict.id for verdict in offered]))
    )
    return dict(tx.session.execute(query).all())


def _crop_of(verdict: PhotoVerdict, id_number: str) -> Photo:
    assert verdict.offer is not None
    assert verdict.sha256 is not None
    return Photo(id_number, verdict.offer, verdict.sha256, WIDTH, HEIGHT)


def _decide(tx: Tx, action: str, verdicts: Sequence[PhotoVerdict]) -> None:
    ids = [verdict.id for verdict in verdicts]
    for verdict in verdicts:
        PHOTO_OFFER.target(verdict.state, action)
    moved = tx.advance_all(
        PhotoVerdict,
        PHOTO_OFFER,
        action,
        PhotoVerdict.id.in_(ids),
        offer=None,
        decided_at=tx.now,
        decided_by=tx.actor.account_id,
    )
    if len(moved) != len(ids):
        raise StaleState(thing=PHOTO_OFFER.name, state=PhotoState.OFFERED.label)
