"""The desk for photos: an archive or a single one, judged outside, taken and written down in one unit of work."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Self

from core import settings
from core.db import Tx
from core.errors import Refusal
from core.models.candidates import Candidate
from core.notifications.words import sentence
from core.rules.photo_crops import PhotoJudgement, judge_photo
from core.rules.photo_verdicts import PhotoState
from core.rules.photos import Colour, PhotoFacts
from core.sheets.kind import own_college
from core.sheets.photo_zip import PhotoFile
from core.sheets.spec import CellError
from core.sheets.writer import Heading, write_rows
from core.usecases.candidates import Photo, PhotoOutcome, put_photos
from core.usecases.imports import Outcome, open_import, record_import
from core.usecases.photos import FileVerdict, keep_verdicts

PHOTOS = "photos"
IN_MEMORY = 16 * 1024 * 1024  # of pictures waiting to be stored; the rest waits on disk
_COLUMN = "照片"


@dataclass(frozen=True, slots=True)
class PhotosTaken:
    """What became of the files: outcome counts them, errors says of every one not taken why; offered: crops waiting."""

    row_count: int
    outcome: Outcome
    errors: tuple[CellError, ...]
    failed_rows: bytes | None
    offered: int


def asked_background() -> Colour | None:
    """The colour that has to be behind people, by the settings; None where nobody looks (Appendix B)."""
    wanted = settings.current().photo_background
    return Colour(wanted) if wanted else None


class Pictures:
    """Checked files without their pictures, and these in one temporary file, so that memory stays small.

    A context manager; files: (place in the archive, what was found) from 1. What lies in the archive as it is to be
    stored is taken from there, and not written a second time.
    """

    def __init__(self, archive: bytes, found: Iterable[PhotoFile]) -> None:
        self._archive = archive
        self._kept: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed by __exit__
        self._where: dict[int, tuple[int, int, bool]] = {}
        self._size = 0  # counted: to ask the file is to have it written first
        self.files = [(place, self._without_picture(place, file)) for place, file in enumerate(found, start=1)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    def of(self, place: int) -> bytes:
        """The picture of a file that passed, or the crop that is offered for it."""
        start, size, is_in_archive = self._where[place]
        if is_in_archive:
            return self._archive[start : start + size]
        self._kept.seek(start)
        return self._kept.read(size)

    def _without_picture(self, place: int, file: PhotoFile) -> PhotoFile:
        facts = file.facts or file.offer
        if facts is None:
            return file
        if file.lies_at is not None:
            self._where[place] = (file.lies_at, len(facts.jpeg), True)
        else:
            self._where[place] = (self._size, len(facts.jpeg), False)
            self._size += self._kept.write(facts.jpeg)
        bare = replace(facts, jpeg=b"")
        return replace(file, facts=bare) if file.facts else replace(file, offer=bare)


def take_photos(tx: Tx, *, import_job_id: int, pictures: Pictures) -> PhotosTaken:
    """Store what passed, keep a verdict per file (I-03): files = accepted + unchanged + refused + offered."""
    files, college_id = pictures.files, own_college(tx.actor)
    good = ((place, _photo(file, pictures.of(place))) for place, file in files if file.facts)
    outcome = put_photos(tx, college_id=college_id, photos=good)
    crops = [(place, _photo(file, b"")) for place, file in files if file.offer]
    offers = put_photos(tx, college_id=college_id, photos=crops, is_trial=True)
    refusals: dict[int, Refusal] = {place: file.refusal for place, file in files if file.refusal}
    for place in offers.known:
        del refusals[place]
    refusals |= {item.row: item.refusal for item in (*outcome.refused, *offers.refused)}
    outcome.unchanged += offers.unchanged
    verdicts = list(_verdicts(files, outcome, offers, refusals))
    keep_verdicts(tx, import_job_id=import_job_id, verdicts=verdicts, offer=pictures.of)
    errors = tuple(
        CellError(verdict.place, _COLUMN, verdict.file_name, refusals[verdict.place])
        for verdict in verdicts
        if verdict.place in refusals
    )
    return PhotosTaken(len(files), outcome, errors, _failed_rows(errors), offers.accepted)


def _photo(file: PhotoFile, jpeg: bytes) -> Photo:
    facts = file.facts or file.offer
    assert facts is not None
    return Photo(file.id_number, jpeg, facts.sha256, facts.width, facts.height)


def _verdicts(
    files: Sequence[tuple[int, PhotoFile]],
    outcome: PhotoOutcome,
    offers: PhotoOutcome,
    refusals: dict[int, Refusal],
) -> Iterator[FileVerdict]:
    untaken = {item.row for item in (*outcome.refused, *offers.refused)}
    for place, file in files:
        facts, refusal = file.facts or file.offer, refusals.get(place)
        if place in outcome.known or place in offers.known:
            state = PhotoState.UNCHANGED
        elif facts is None or place in untaken:
            state = PhotoState.REFUSED
        else:
            state = PhotoState.ACCEPTED if file.facts else PhotoState.OFFERED
        yield FileVerdict(
            place,
            file.name,
            state,
            candidate_id=outcome.owners.get(place) or offers.owners.get(place),
            sha256=facts.sha256 if facts and state is not PhotoState.REFUSED else None,
            code=refusal.sentence_code if refusal else "",
            message=sentence(refusal) if refusal else "",
        )


def _failed_rows(errors: Sequence[CellError]) -> bytes | None:
    """A workbook of the files not taken, with reasons (R-295)."""
    if not errors:
        return None
    out = io.BytesIO()
    headings = [Heading("序号", 8), Heading("文件名", 40), Heading("失败原因", 60)]
    write_rows(headings, ((e.row, e.value, e.message) for e in errors), out, title="未采用的照片")
    return out.getvalue()


# -- one photo, from the candidate's own page --------------------------------------------------------------------------


def put_one_photo(tx: Tx, *, candidate_id: int, data: bytes) -> int | None:
    """One picture for one candidate, judged like those of an archive (R-081…R-083, R-089).

    None: it is the candidate's photo now. A number: it was not taken, but a crop of it waits in the import of that
    number. Refused by exception where neither is possible.
    """
    candidate = tx.get(Candidate, candidate_id)
    judged = judge_photo(data, background=asked_background())
    facts = _facts_of(judged)
    photo = Photo(candidate.id_number, facts.jpeg, facts.sha256, facts.width, facts.height)
    is_crop = judged.facts is None
    outcome = put_photos(tx, college_id=candidate.college_id, photos=[(1, photo)], is_trial=is_crop)
    if outcome.refused:
        raise outcome.refused[0].refusal
    return _offered(tx, candidate, judged, data) if is_crop and outcome.accepted else None


def _facts_of(judged: PhotoJudgement) -> PhotoFacts:
    facts = judged.facts or judged.offer
    if facts is None:
        assert judged.refusal is not None
        raise judged.refusal
    return facts


def _offered(tx: Tx, candidate: Candidate, judged: PhotoJudgement, data: bytes) -> int:
    """An import of one file, so that the crop waits where those of archives wait."""
    assert judged.offer is not None
    assert judged.refusal is not None
    offer, refusal = judged.offer, judged.refusal
    file_name = f"单张照片-{candidate.candidate_no}.{'png' if offer.format == 'PNG' else 'jpg'}"
    job = open_import(tx, sheet=PHOTOS, file_name=file_name, file_hash=hashlib.sha256(data).hexdigest())
    verdict = FileVerdict(
        1, file_name, PhotoState.OFFERED, candidate.id, offer.sha256, refusal.sentence_code, sentence(refusal)
    )
    keep_verdicts(tx, import_job_id=job.id, verdicts=[verdict], offer=lambda place: offer.jpeg)
    failed = _failed_rows([CellError(1, _COLUMN, file_name, refusal)])
    record_import(tx, job, row_count=1, accepted=0, rejected=1, unchanged=0, failed_rows=failed)
    return job.id
