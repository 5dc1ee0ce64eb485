"""The clinic: a file is looked over first, mended where it stands, then taken, and undone while nothing leans on it.

receive → work → (correct → work)* → commit → work → undo. Every step is a state of the import (§3.22), so a process
killed at any of them leaves a file somebody else takes up: `work` reads what state says and is safe to call twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session, undefer

from core import clock
from core.actors import SYSTEM, Actor
from core.db import Tx, reading, transaction
from core.errors import (
    AlreadyThere,
    FileRefused,
    IllegalMove,
    NotFound,
    NotPermitted,
    Refusal,
    StaleState,
    TooMany,
    ValueRefused,
)
from core.models.records import ImportCorrection, ImportFault, ImportFile, ImportJob
from core.notifications.words import sentence
from core.queries.accounts import actor_for
from core.queries.scoping import visible
from core.rules.imports import IMPORT, LEASE, MOST_ATTEMPTS, MOST_CORRECTED, ImportState
from core.rules.permissions import has_role
from core.sheets import desk, gate
from core.sheets.catalogue import sheet
from core.sheets.desk import Verdict
from core.sheets.kind import SheetKind, chosen
from core.sheets.photo_desk import PHOTOS
from core.sheets.reader import collector_resting
from core.sheets.spec import CellError
from core.usecases.imports import open_import, record_import

WORKING = (ImportState.READING, ImportState.WRITING)
LONGEST_CELL = 500
_ATTEMPTS = 3  # a race lost at a constraint: from then on the winner's rows are seen and judged
_rows_read: dict[int, int] = {}  # how far the readers of this process are


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


@dataclass(frozen=True, slots=True)
class _Task:
    """One job's next step, claimed: everything reading and judging need, nothing that is tied to a session."""

    job_id: int
    state: ImportState
    kind: SheetKind
    actor: Actor
    content: bytes
    file_name: str
    plan_id: int | None
    corrections: Mapping[tuple[int, str], str]


class _Rehearsed(Exception):
    """A preview has seen enough: everything is taken back."""


class _NotAll(Exception):
    """All or none was asked for, and meanwhile a row went bad."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


# -- what people do ----------------------------------------------------------------------------------------------------


def receive(actor: Actor, sheet_name: str, data: bytes | Path, file_name: str, *, plan_id: int | None = None) -> int:
    """Take a file in to be looked over; the job's id. Refused at once: role, plan, size and kind of file (R-296)."""
    kind = sheet(sheet_name)
    _require(actor, kind)
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
        tx.add(ImportFile(job_id=job.id, data=content, begun_at=tx.now))
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


def commit(actor: Actor, job_id: int, *, all_or_none: bool) -> None:
    """Take the good rows, or, all_or_none, every row or none (R-294); the next `work` writes them."""
    with transaction(actor) as tx:
        job, _ = _own(tx, actor, job_id)
        IMPORT.target(job.state, "commit")
        if all_or_none and job.rejected_count:
            raise ValueRefused("import_all_or_none", rule="R-294", count=job.rejected_count)
        if not job.accepted_count:
            raise ValueRefused("import_nothing_to_take", rule="R-294")
        tx.advance(job, IMPORT, "commit", is_all_or_none=all_or_none)


def discard(actor: Actor, job_id: int) -> None:
    """Do not take it; the file and what was found in it are gone, the record stays."""
    with transaction(actor) as tx:
        job, _ = _own(tx, actor, job_id)
        put_away(tx, job)


def put_away(tx: Tx, job: ImportJob) -> None:
    """The same in a unit of work already open."""
    tx.advance(job, IMPORT, "discard", failed_rows=None)
    _forget(tx, job.id)


def undo(actor: Actor, job_id: int) -> int:
    """Take back all an import did; how many rows. Refused as a whole while anything leans on one of them."""
    with transaction(actor) as tx:
        job, kind = _own(tx, actor, job_id)
        IMPORT.target(job.state, "undo")
        if kind.undo is None:
            raise NotPermitted("import_not_undoable", rule="R-295", title=kind.spec.title)
        refusal = kind.undo.blocked(tx.session, job)
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
        rows_read=_rows_read.get(job.id, 0),
        refusal=paper or "",
        may_undo=job.state is ImportState.DONE and not why_not,
        why_not=why_not,
        is_mine=job.created_by == actor.account_id,
        is_all_or_none=job.is_all_or_none,
    )


def _why_not_undone(session: Session, actor: Actor, job: ImportJob, kind: SheetKind) -> str:
    if kind.undo is None:
        return sentence(NotPermitted("import_not_undoable", rule="R-295", title=kind.spec.title))
    refusal = kind.undo.blocked(session, job)
    return "" if refusal is None else sentence(refusal)


# -- what processes do -------------------------------------------------------------------------------------------------


def work(job_id: int) -> None:
    """Do what the job waits for: look its file over, or write it. Nothing where somebody is at it or nothing is due."""
    task = _claim(job_id)
    if task is None:
        return
    try:
        if task.state is ImportState.READING:
            _look(task)
        else:
            _write(task)
    finally:
        _rows_read.pop(job_id, None)


def work_off(limit: int = 10) -> int:
    """The step of each job that nobody is at, oldest first; how many there were."""
    with reading() as session:
        waiting = session.scalars(
            select(ImportJob.id)
            .join(ImportFile, ImportFile.job_id == ImportJob.id)
            .where(ImportJob.state.in_(WORKING), _free(clock.now()))
            .order_by(ImportJob.id)
            .limit(limit)
        ).all()
    for job_id in waiting:
        work(job_id)
    return len(waiting)


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(ImportFile.lease_until.is_(None), ImportFile.lease_until < now)


def _claim(job_id: int) -> _Task | None:
    with transaction(SYSTEM) as tx:
        paper = tx.session.scalars(
            select(ImportFile)
            .where(ImportFile.job_id == job_id, _free(tx.now))
            .options(undefer(ImportFile.data))
            .with_for_update(skip_locked=True)
        ).one_or_none()
        job = tx.session.get(ImportJob, job_id)
        if paper is None or job is None or job.state not in WORKING:
            return None
        actor = actor_for(tx.session, job.created_by or 0, "panel")
        if actor is None or paper.attempts >= MOST_ATTEMPTS:
            why = NotPermitted(rule="§8.8") if actor is None else FileRefused("import_given_up", rule="R-295")
            paper.refusal = sentence(why)
            tx.advance(job, IMPORT, "reject")
            return None
        paper.lease_until, paper.attempts = tx.now + LEASE, paper.attempts + 1
        typed = tx.all(select(ImportCorrection).where(ImportCorrection.job_id == job_id))
        return _Task(
            job_id,
            job.state,
            sheet(job.sheet),
            actor,
            paper.data,
            job.file_name,
            job.plan_id,
            {(cell.row, cell.field): cell.value for cell in typed},
        )


def _look(task: _Task) -> None:
    try:
        verdict = _rehearse(task)
    except Refusal as refusal:  # the file as a whole: R-297, a window, a right
        _settle(task, None, "reject", sentence(refusal))
        return
    _settle(task, verdict, "preview", "")


def _rehearse(task: _Task) -> Verdict:
    """Judge as writing would, and take everything back."""
    verdict: Verdict | None = None
    with collector_resting(), suppress(_Rehearsed), transaction(task.actor) as tx:
        verdict = _judge(tx, task)
        raise _Rehearsed
    assert verdict is not None
    return verdict


def _judge(tx: Tx, task: _Task) -> Verdict:
    _require(task.actor, task.kind)
    return desk.judge_file(
        tx,
        task.kind,
        task.content,
        task.file_name,
        plan_id=task.plan_id,
        job_id=task.job_id,
        corrections=task.corrections,
        progress=lambda rows: _rows_read.__setitem__(task.job_id, rows),
    )


def _settle(task: _Task, verdict: Verdict | None, action: str, refusal: str) -> None:
    """What was found, in one unit: counts, faults, the workbook of bad rows, and the state that says so."""
    with transaction(task.actor) as tx:
        job = tx.lock(ImportJob, task.job_id)
        if job.state is not task.state:
            return
        if verdict is not None:
            _note(tx, job, verdict)
        paper = tx.one(select(ImportFile).where(ImportFile.job_id == job.id))
        paper.refusal, paper.lease_until, paper.attempts = refusal, None, 0
        tx.advance(job, IMPORT, action)


def _note(tx: Tx, job: ImportJob, verdict: Verdict) -> None:
    outcome = verdict.outcome
    job.row_count, job.failed_rows = verdict.row_count, verdict.failed_rows
    job.accepted_count, job.changed_count = outcome.accepted, outcome.changed
    job.rejected_count, job.unchanged_count = verdict.rejected, outcome.unchanged
    tx.because(job, "look_over")
    _keep_faults(tx, job.id, sheet(job.sheet), verdict.errors)


def _keep_faults(tx: Tx, job_id: int, kind: SheetKind, errors: Sequence[CellError]) -> None:
    fields = {column.title: column.field for column in kind.spec.columns}
    tx.session.execute(delete(ImportFault).where(ImportFault.job_id == job_id))
    tx.insert_all(
        ImportFault,
        [
            {
                "job_id": job_id,
                "row": error.row,
                "field": fields.get(error.column, ""),
                "column": error.column,
                "code": error.code,
                "value": error.value,
                "message": error.message,
                "suggestion": error.suggestion,
            }
            for error in errors
        ],
    )


def _write(task: _Task) -> None:
    for left in reversed(range(_ATTEMPTS)):
        try:
            with collector_resting():
                _written(task)
            return
        except _NotAll as meanwhile:
            words = sentence(ValueRefused("import_all_or_none", rule="R-294", count=meanwhile.verdict.rejected))
            _settle(task, meanwhile.verdict, "give_back", words)
            return
        except StaleState:
            return  # somebody else wrote it: the job's own state says which of us was first
        except AlreadyThere as clash:
            if "constraint" not in clash.facts or not left:
                raise
        except Refusal as refusal:  # a window that closed, a right that went, since it was looked over
            _settle(task, None, "give_back", sentence(refusal))
            return


def _written(task: _Task) -> None:
    with transaction(task.actor) as tx:
        job = tx.lock(ImportJob, task.job_id)
        if job.state is not ImportState.WRITING:
            return
        verdict = _judge(tx, task)
        if job.is_all_or_none and verdict.rejected:
            raise _NotAll(verdict)
        _keep_faults(tx, job.id, task.kind, verdict.errors)
        record_import(
            tx,
            job,
            row_count=verdict.row_count,
            accepted=verdict.outcome.accepted,
            changed=verdict.outcome.changed,
            rejected=verdict.rejected,
            unchanged=verdict.outcome.unchanged,
            failed_rows=verdict.failed_rows,
        )
        tx.session.execute(delete(ImportFile).where(ImportFile.job_id == job.id))


# -- inside ------------------------------------------------------------------------------------------------------------


def _forget(tx: Tx, job_id: int) -> None:
    for table in (ImportFile, ImportFault, ImportCorrection):
        tx.session.execute(delete(table).where(table.job_id == job_id))


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
    if found.org_id != actor.org_id or found.college_id != actor.college_id:
        raise IllegalMove("import_of_others", rule="R-097", thing=IMPORT.name, state=job.state.label)
    return job, kind


def _require(actor: Actor, kind: SheetKind) -> None:
    if not has_role(actor, kind.act):
        raise NotPermitted(rule="§8.8", act=kind.act)
