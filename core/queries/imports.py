"""Imports, read: what is wrong with a file that is decided on, a page at a time, and whether one was taken in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.records import ImportCorrection, ImportFault, ImportFile, ImportJob
from core.queries.scoping import visible

PAGE = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: row as Excel numbers it, column by title ("": the row as a whole), field, value as it stands.

    corrected: the cell was typed anew on the page already.
    """

    row: int
    column: str
    field: str
    value: str
    message: str
    suggestion: str | None
    corrected: bool


def taken_in(session: Session, account_id: int | None, file_hash: str, since: datetime) -> int | None:
    """The id of the import this person's file of this content became at that time or later; None for none."""
    return session.scalars(
        select(ImportJob.id)
        .where(ImportJob.created_by == account_id, ImportJob.file_hash == file_hash, ImportJob.created_at >= since)
        .order_by(ImportJob.id)
        .limit(1)
    ).one_or_none()


def faults(
    session: Session, actor: Actor, job_id: int, *, page: int = 0, per_page: int = PAGE
) -> tuple[int, list[Fault]]:
    """How many there are, and those of a page (from 0) in the order of the file; nothing of others' imports."""
    mine = (
        ImportFault.job_id == job_id,
        ImportFault.job_id.in_(select(ImportJob.id).where(ImportJob.id == job_id, visible(ImportJob, actor))),
    )
    total = session.scalar(select(func.count(ImportFault.id)).where(*mine)) or 0
    rows = session.scalars(
        select(ImportFault)
        .where(*mine)
        .order_by(ImportFault.row, ImportFault.id)
        .offset(page * per_page)
        .limit(per_page)
    ).all()
    typed = {
        (row, field)
        for row, field in session.execute(
            select(ImportCorrection.row, ImportCorrection.field).where(
                ImportCorrection.job_id == job_id, ImportCorrection.row.in_({row.row for row in rows})
            )
        )
    }
    return total, [
        Fault(row.row, row.column, row.field, row.value, row.message, row.suggestion, (row.row, row.field) in typed)
        for row in rows
    ]


def file_size(session: Session, job_id: int) -> int:
    """Bytes of the file that is decided on, 0 where it is gone."""
    return session.scalar(select(func.length(ImportFile.data)).where(ImportFile.job_id == job_id)) or 0
