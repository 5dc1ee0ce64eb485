"""Data that leaves: asked for, proved by a code where it is personal, handed out within a day (R-011…R-013, T-20)."""

from __future__ import annotations

from core.db import Tx
from core.errors import AlreadyThere, NotFound, NotReady, Refusal
from core.models.records import ExportJob
from core.queries.exports import is_of, phase_of
from core.rules import exports as rules
from core.rules.exports import Asked, ExportPhase
from core.rules.organisations import CodePurpose
from core.rules.permissions import permit
from core.usecases.codes import SentCode, send_code, use_code


def ask_for_export(
    tx: Tx, *, sheet: str, act: str, asked: Asked, row_count: int, needs_code: bool
) -> tuple[ExportJob, SentCode | None]:
    """What is asked for is fixed here; the code that goes out is of use for this export alone (R-011, M-33)."""
    permit(tx.actor, act)
    if not row_count:
        raise NotReady("export_nothing", rule="R-013")
    rules.require_within_cap(row_count, rules.ROW_CAP)
    sent = _send(tx) if needs_code else None
    job = _written_down(tx, sheet, asked, "ask", row_count=row_count, code_id=sent.code_id if sent else None)
    return job, sent


def ask_for_code_again(tx: Tx, *, export_id: int, act: str) -> SentCode:
    """Another code for the same rows; the one before is of no use any more."""
    job = _own(tx, export_id, act)
    if phase_of(job, tx.now) is not ExportPhase.WAITING:
        raise AlreadyThere("export_needs_no_code", rule="R-011")
    sent = _send(tx)
    job.code_id = sent.code_id
    tx.because(job, "ask_again")
    tx.session.flush()
    return sent


def verify_export(tx: Tx, *, export_id: int, act: str, typed: str) -> Refusal | None:
    """None when the digits were right; a refusal is a value, for wrong tries are counted and kept (R-011, T-20)."""
    job = _own(tx, export_id, act)
    if job.is_verified or job.code_id is None:
        return None  # pressed twice: the first press has settled it
    refusal = use_code(tx, code_id=job.code_id, typed=typed, purpose=CodePurpose.EXPORT, account_id=tx.actor.account_id)
    if refusal is None:
        job.is_verified = True
        tx.because(job, "verify")
        tx.session.flush()
    return refusal


def hand_out_export(tx: Tx, *, export_id: int, act: str, row_count: int, file_hash: str) -> ExportJob:
    """The note that the file leaves, without which it does not; refused like require_ready."""
    job = _own(tx, export_id, act)
    rules.require_ready(phase_of(job, tx.now))
    return _handed_out(tx, job, row_count, file_hash)


def begin_direct_export(tx: Tx, *, sheet: str, asked: Asked) -> ExportJob:
    """An export that leaves at once, on the operator's own machine or as a sheet to fill in; its number marks the file.

    The caller has permitted it.
    """
    return _written_down(tx, sheet, asked, "ask", row_count=0, code_id=None)


def finish_direct_export(tx: Tx, job: ExportJob, *, row_count: int, file_hash: str) -> ExportJob:
    """How many rows left, and in which file."""
    return _handed_out(tx, job, row_count, file_hash)


def _own(tx: Tx, export_id: int, act: str) -> ExportJob:
    job = tx.lock(ExportJob, export_id)
    if not is_of(job, tx.actor):
        raise NotFound(thing=ExportJob.__tablename__)
    permit(tx.actor, act)
    return job


def _send(tx: Tx) -> SentCode:
    return send_code(tx, purpose=CodePurpose.EXPORT, account_id=tx.actor.account_id)


def _written_down(tx: Tx, sheet: str, asked: Asked, action: str, *, row_count: int, code_id: int | None) -> ExportJob:
    job = ExportJob(
        sheet=sheet,
        asked=asked.kept(),
        row_count=row_count,
        authority_id=tx.actor.authority_id,
        college_id=tx.actor.college_id,
        org_id=tx.actor.org_id,
        code_id=code_id,
    )
    tx.because(job, action)
    return tx.add(job)


def _handed_out(tx: Tx, job: ExportJob, row_count: int, file_hash: str) -> ExportJob:
    job.row_count, job.file_hash, job.handed_out_at = row_count, file_hash, tx.now
    tx.because(job, "hand_out")
    tx.session.flush()
    return job
