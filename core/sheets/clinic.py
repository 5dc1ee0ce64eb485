"""The clinic: a file is looked over first, mended where it stands, then taken, and undone while nothing leans on it.

receive → work → (correct → work)* → confirm → work → undo. Every step is a state of the import (§3.22), so a process
killed at any of them leaves a file somebody else takes up: `work` reads what state says and is safe to call twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.actors import Actor
from core.db import Tx, transaction
from core.errors import NotFound, NotPermitted, TooMany, ValueRefused
from core.models.records import ImportCorrection, ImportFault, ImportFile, ImportJob
from core.notifications.words import sentence
from core.queries.scoping import visible
from core.rules.imports import IMPORT, MOST_CORRECTED, ImportState
from core.rules.permissions import has_role
from core.sheets import gate
from core.sheets.catalogue import sheet
from core.sheets.clinic_steps import require_importer, rows_read
from core.sheets.kind import SheetKind, chosen
from core.sheets.photo_desk import PHOTOS
from core.usecases.imports import asked_for, open_import, put_away, require_own, take_rows
from core.usecases.undoing import past_undoing

LONGEST_CELL = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an import stands. created = accepted - changed; refusal: why the whole file was not taken, or its commit.

    rows_read: 0 where another process reads. why_not: why it cannot be undone, "" where it can or was never taken.
    """

    job_id: int
    sheet: str
    title: str
    file_name: str
    state: ImportState
    row_count: int
    created: int
    changed: int
    unchanged: int
    rejected: int
    rows_read: int
    refusal: str
    may_undo: bool
    why_not: str
    is_mine: bool
    is_all_or_none: bool


# -- what people do ----------------------------------------------------------------------------------------------------


def receive(actor: Actor, sheet_name: str, data: bytes | Path, file_name: str, *, plan_id: int | None = None) -> int:
    """Take a file in to be looked over; the job's id. Refused at once: role, plan, size and kind of file (R-296)."""
    kind = sheet(sheet_name)
    require_importer(actor, kind)
    if kind.needs_plan:
        chosen(plan_id)
    content = gate.load(data, limit=gate.WORKBOOK_BYTES)
    gate.require_workbook(content, file_name=file_name)
    digest = hashlib.sha256(content).hexdigest()
    with transaction(actor) as tx:
        job = open_import(
            tx,
            sheet=sheet_name,
            file_name=file_name,
            file_hash=digest,
            plan_id=plan_id if kind.needs_plan else None,
            state=ImportState.READING,
        )
        tx.add(ImportFile(job_id=job.id, data=content, begun_at=tx.now, channel=actor.channel))
        return job.id


def correct(actor: Actor, job_id: int, cells: Mapping[tuple[int, str], str]) -> None:
    """Type cells anew: {(row as Excel numbers it, field): text}. The file is judged again by the next `work`.

    Only cells of rows something is wrong with; at most MOST_CORRECTED in one file.
    """
    if not cells:
        return
    with transaction(actor) as tx:
        job, kind = _own(tx, actor, job_id)
        fields = {column.field for column in kind.spec.columns}
        wrong = set(tx.all(select(ImportFault.row).where(ImportFault.job_id == job.id)))
        for (row, field), text in cells.items():
            if field not in fields or row not in wrong:
                raise NotFound("import_cell_unknown", rule="R-294", row=row)
            if len(text) > LONGEST_CELL:
                raise ValueRefused("import_cell_too_long", rule="R-294", row=row, limit=LONGEST_CELL)
        held = {
            (cell.row, cell.field): cell
            for cell in tx.all(select(ImportCorrection).where(ImportCorrection.job_id == job.id))
        }
        if len(held.keys() | cells.keys()) > MOST_CORRECTED:
            raise TooMany("import_corrections_too_many", rule="R-294", limit=MOST_CORRECTED)
        for (row, field), text in cells.items():
            if (row, field) in held:
                held[row, field].value = text
            else:
                tx.add(ImportCorrection(job_id=job.id, row=row, field=field, value=text))
        tx.advance(job, IMPORT, "correct")
        asked_for(tx, job)


def confirm(actor: Actor, job_id: int, *, all_or_none: bool) -> None:
    """Take the good rows, or, all_or_none, every row or none (R-294); the next `work` writes them."""
    with transaction(actor) as tx:
        job, _ = _own(tx, actor, job_id)
        take_rows(tx, job, all_or_none=all_or_none)


def discard(actor: Actor, job_id: int) -> None:
    """Do not take it; the file and what was found in it are gone, the record stays."""
    with transaction(actor) as tx:
        job, _ = _own(tx, actor, job_id)
        put_away(tx, job)


def undo(actor: Actor, job_id: int) -> int:
    """Take back all an import did; how many rows. Refused as a whole while anything leans on one of them."""
    with transaction(actor) as tx:
        job, kind = _own(tx, actor, job_id)
        IMPORT.target(job.state, "undo")
        if kind.undo is None:
            raise NotPermitted("import_not_undoable", rule="R-295", title=kind.spec.title)
        refusal = past_undoing(job) or kind.undo.blocked(tx.session, job)
        if refusal is not None:
            raise refusal
        taken_back = kind.undo.take_back(tx, job)
        tx.advance(job, IMPORT, "undo", reason=f"{taken_back}")
        return taken_back


def standing(session: Session, actor: Actor, job_id: int) -> Standing:
    """Where one's own organisation's import stands; NotFound for everybody else."""
    job, kind = _visible(session, actor, job_id)
    paper = session.scalars(select(ImportFile.refusal).where(ImportFile.job_id == job.id)).one_or_none()
    why_not = _why_not_undone(session, actor, job, kind) if job.state is ImportState.DONE else ""
    return Standing(
        job_id=job.id,
        sheet=job.sheet,
        title=kind.spec.title,
        file_name=job.file_name,
        state=job.state,
        row_count=job.row_count,
        created=job.accepted_count - job.changed_count,
        changed=job.changed_count,
        unchanged=job.unchanged_count,
        rejected=job.rejected_count,
        rows_read=rows_read(job.id),
        refusal=paper or "",
        may_undo=job.state is ImportState.DONE and not why_not,
        why_not=why_not,
        is_mine=job.created_by == actor.account_id,
        is_all_or_none=job.is_all_or_none,
    )


def _why_not_undone(session: Session, actor: Actor, job: ImportJob, kind: SheetKind) -> str:
    if kind.undo is None:
        return sentence(NotPermitted("import_not_undoable", rule="R-295", title=kind.spec.title))
    refusal = past_undoing(job) or kind.undo.blocked(session, job)
    return "" if refusal is None else sentence(refusal)


# -- inside ------------------------------------------------------------------------------------------------------------


def _visible(session: Session, actor: Actor, job_id: int) -> tuple[ImportJob, SheetKind]:
    query = select(ImportJob).where(ImportJob.id == job_id, visible(ImportJob, actor, clock.now()))
    job = session.scalars(query).one_or_none()
    if job is None or job.sheet == PHOTOS or not has_role(actor, sheet(job.sheet).act):
        raise NotFound(thing=ImportJob.__tablename__)
    return job, sheet(job.sheet)


def _own(tx: Tx, actor: Actor, job_id: int) -> tuple[ImportJob, SheetKind]:
    """The job, locked, of the actor's organisation; who may import the sheet may go on with a colleague's file."""
    found, kind = _visible(tx.session, actor, job_id)
    job = tx.lock(ImportJob, found.id)
    require_own(actor, job)
    return job, kind
