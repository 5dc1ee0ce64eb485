"""What is personal is kept as long as it is of use, and no longer (G-26): each step removes some, and says how many.

The trail, the hashes and the records stay; bytes, files and dead links go. Photos on sealed PDFs are untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from core import settings
from core.db import Tx
from core.errors import NotReady
from core.models.accounts import OneTimeCode
from core.models.candidates import CandidatePhoto
from core.models.photos import PhotoVerdict
from core.models.records import Heartbeat, ImportChange, ImportCorrection, ImportFault, ImportFile, ImportJob
from core.notifications.words import sentence
from core.queries.retention import (
    imports_to_clear,
    imports_to_discard,
    imports_to_empty,
    is_past,
    links_to_forget,
    offers_to_drop,
    photos_to_erase,
)
from core.rules.imports import KEPT_FOR
from core.rules.photo_verdicts import PHOTO_OFFER
from core.rules.retention import due_before
from core.usecases.imports import put_away

BITE = 1_000  # rows in one unit: nobody waits long for the database
NIBBLE = 20  # imports in one unit: each may have changed thousands of rows
SWEEP = "jobs.retention"


def erase_photos(tx: Tx) -> int:
    """The bytes of pictures nobody needs any more; the hash on the candidate and in the plans stays."""
    cutoff = due_before(settings.current().photo_retention_days, tx.now)
    if cutoff is None:
        return 0
    return _delete(tx, CandidatePhoto, CandidatePhoto.id, tx.all(photos_to_erase(cutoff, tx.now, BITE)))


def discard_imports(tx: Tx) -> int:
    """放弃: files nobody has decided on in time."""
    undecided = tx.all(imports_to_discard(tx.now - KEPT_FOR, BITE))
    for ident in undecided:
        put_away(tx, tx.get(ImportJob, ident), reason="retention")
    return len(undecided)


def empty_imports(tx: Tx) -> int:
    """Files, faults and corrections of imports that are over; the record with its counts stays (R-295)."""
    old = tx.all(imports_to_empty(tx.now - KEPT_FOR, BITE))
    for part in (ImportFile, ImportFault, ImportCorrection):
        _delete(tx, part, part.job_id, old)
    return len(old)


def clear_imports(tx: Tx) -> int:
    """The workbook of rejected rows and what was there before; with them goes the way back, the record stays (R-295).

    Marked first, which takes the rows' locks: an undoing under way is waited for, and keeps what it needs.
    """
    cutoff = due_before(settings.current().import_retention_days, tx.now)
    if cutoff is None:
        return 0
    old = tx.all(imports_to_clear(cutoff, NIBBLE))
    if not old:
        return 0
    gone = {"failed_rows": None, "cleared_at": tx.now}
    cleared = tx.update_all(ImportJob, ImportJob.id.in_(old), is_past(cutoff), reason="retention", **gone)
    return _delete(tx, ImportChange, ImportChange.job_id, cleared)


def drop_offers(tx: Tx) -> int:
    """放弃: crops of photos nobody has decided on in time; the verdict says so, and no person is named (R-081)."""
    undecided = tx.all(offers_to_drop(tx.now - KEPT_FOR, BITE))
    if not undecided:
        return 0
    lapsed = NotReady("photo_offer_lapsed", rule="R-081", days=KEPT_FOR.days)
    dropped = tx.advance_all(
        PhotoVerdict,
        PHOTO_OFFER,
        "drop",
        PhotoVerdict.id.in_(undecided),
        reason="retention",
        offer=None,
        decided_at=tx.now,
        code=lapsed.sentence_code,
        message=sentence(lapsed),
    )
    return len(dropped)


def forget_links(tx: Tx) -> int:
    """One-time links and chat codes that open nothing any more."""
    return _delete(tx, OneTimeCode, OneTimeCode.id, tx.all(links_to_forget(tx.now, BITE)))


def note_sweep(tx: Tx, *, counts: Mapping[str, int]) -> None:
    """One entry of the trail for the whole run, also when there was nothing to do; the next one waits for tomorrow."""
    tx.beat(SWEEP, ",".join(f"{name}={count}" for name, count in sorted(counts.items())))
    mark: Heartbeat = tx.one(select(Heartbeat).where(Heartbeat.name == SWEEP))
    tx.record(mark, "retention", after=dict(counts))


def _delete(tx: Tx, model: Any, column: Any, ids: Any) -> int:
    if ids:
        tx.session.execute(delete(model).where(column.in_(ids)))
    return len(ids)
