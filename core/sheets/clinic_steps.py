"""What processes do with a file at the clinic: look it over, write it; one at a time, safe to call twice.

A process killed anywhere leaves a state and a lease behind; whoever comes after the lease does the step again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import undefer

from core import clock
from core.actors import SYSTEM, Actor
from core.db import Tx, reading, transaction
from core.errors import (
    AlreadyThere,
    FileRefused,
    NotPermitted,
    Refusal,
    StaleState,
    ValueRefused,
)
from core.models.records import ImportCorrection, ImportFault, ImportFile, ImportJob
from core.notifications.imports import ImportChecked, ImportDone, ImportNotTaken
from core.notifications.words import sentence
from core.queries.accounts import actor_for
from core.rules.imports import IMPORT, LEASE, MOST_ATTEMPTS, WORTH_TELLING, ImportState
from core.rules.permissions import has_role
from core.sheets import desk
from core.sheets.catalogue import sheet
from core.sheets.desk import Verdict
from core.sheets.kind import SheetKind
from core.sheets.reader import collector_resting
from core.sheets.spec import CellError
from core.usecases import notices

WORKING = (ImportState.READING, ImportState.WRITING)
_ATTEMPTS = 3  # a race lost at a constraint: from then on the winner's rows are seen and judged
_rows_read: dict[int, int] = {}  # how far the readers of this process are


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


def rows_read(job_id: int) -> int:
    """How many rows of a file this process has read so far; 0 where another one reads, or nobody."""
    return _rows_read.get(job_id, 0)


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
        actor = actor_for(tx.session, job.created_by or 0, paper.channel)
        if actor is None or paper.attempts >= MOST_ATTEMPTS:
            why = NotPermitted(rule="§8.8") if actor is None else FileRefused("import_given_up", rule="R-295")
            paper.refusal = sentence(why)
            tx.advance(job, IMPORT, "reject")
            _tell(tx, job, paper, why)
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
    for left in reversed(range(_ATTEMPTS)):
        try:
            verdict = _rehearse(task)
        except Refusal as refusal:
            if not _is_race(refusal):  # the file as a whole: R-297, a window, a right
                _settle(task, None, "reject", refusal)
                return
            if not left:
                raise  # the lease runs out, and somebody looks again
        else:
            _settle(task, verdict, "preview", None)
            return


def _is_race(refusal: Refusal) -> bool:
    """Somebody else wrote at the same moment: nothing that is wrong with the file."""
    return isinstance(refusal, StaleState) or (isinstance(refusal, AlreadyThere) and "constraint" in refusal.facts)


def _rehearse(task: _Task) -> Verdict:
    """Judge as writing would, and take everything back."""
    verdict: Verdict | None = None
    with collector_resting(), suppress(_Rehearsed), transaction(task.actor) as tx:
        verdict = _judge(tx, task)
        raise _Rehearsed
    assert verdict is not None
    return verdict


def _judge(tx: Tx, task: _Task) -> Verdict:
    require_importer(task.actor, task.kind)
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


def _settle(task: _Task, verdict: Verdict | None, action: str, refusal: Refusal | None) -> None:
    """What was found, in one unit: counts, faults, the workbook of bad rows, and the state that says so."""
    with transaction(task.actor) as tx:
        job = tx.lock(ImportJob, task.job_id)
        if job.state is not task.state:
            return
        if verdict is not None:
            _note(tx, job, verdict)
        paper = tx.one(select(ImportFile).where(ImportFile.job_id == job.id))
        paper.refusal, paper.lease_until, paper.attempts = sentence(refusal) if refusal else "", None, 0
        tx.advance(job, IMPORT, action)
        _tell(tx, job, paper, refusal)


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
            why = ValueRefused("import_all_or_none", rule="R-294", count=meanwhile.verdict.rejected)
            _settle(task, meanwhile.verdict, "give_back", why)
            return
        except Refusal as refusal:
            if not _is_race(refusal):  # a window that closed, a right that went, since it was looked over
                _settle(task, None, "give_back", refusal)
                return
            if not left:
                raise  # the lease runs out, and somebody writes it again


def _written(task: _Task) -> None:
    with transaction(task.actor) as tx:
        job = tx.lock(ImportJob, task.job_id)
        if job.state is not ImportState.WRITING:
            return
        verdict = _judge(tx, task)
        if job.is_all_or_none and verdict.rejected:
            raise _NotAll(verdict)
        _keep_faults(tx, job.id, task.kind, verdict.errors)
        desk.record(tx, job, verdict)
        paper = tx.one(select(ImportFile).where(ImportFile.job_id == job.id))
        if _is_awaited(tx, paper):
            tx.notify(ImportDone(job.id, task.kind.spec.title, job.version))
        tx.session.delete(paper)


# -- telling -----------------------------------------------------------------------------------------------------------


def _is_awaited(tx: Tx, paper: ImportFile) -> bool:
    """Whoever asked is in chat, or has gone on to other things meanwhile."""
    return paper.channel == "chat" or tx.now - paper.begun_at > WORTH_TELLING


def _tell(tx: Tx, job: ImportJob, paper: ImportFile, refusal: Refusal | None) -> None:
    """The sender's word is asked for once per file; what is asked already shows the new counts instead."""
    tx.session.flush()
    title, thing = sheet(job.sheet).spec.title, ImportJob.__tablename__
    if job.state is ImportState.PREVIEW and job.accepted_count and refusal is None:
        is_asked = notices.retarget_tasks(tx, thing_type=thing, thing_id=job.id)
        if not is_asked and _is_awaited(tx, paper):
            tx.notify(ImportChecked(job.id, title, job.version))
        return
    notices.close_tasks(tx, thing_type=thing, thing_id=job.id, note=title)
    if _is_awaited(tx, paper):
        tx.notify(ImportNotTaken(job.id, title, job.version, _tellable(refusal)))


def _tellable(refusal: Refusal | None) -> str:
    """Why, without what the file holds: where it has no header, people's cells stand in its place (chat.md law 3)."""
    if refusal is None:
        return ""
    if "unknown" in refusal.facts:
        facts = {"title": refusal.facts["title"], "missing": refusal.facts["missing"]}
        return sentence(FileRefused("columns_missing", rule=refusal.rule, **facts))
    return sentence(refusal)


def require_importer(actor: Actor, kind: SheetKind) -> None:
    """NotPermitted for who may not import this sheet at all; whose things its rows are, the use case asks."""
    if not has_role(actor, kind.act):
        raise NotPermitted(rule="§8.8", act=kind.act)
