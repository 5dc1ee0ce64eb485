"""What every sheet's use case answers with, and the record an import leaves (R-294, R-295)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import delete, select

from core.actors import Actor
from core.db import Tx
from core.errors import IllegalMove, Refusal, ValueRefused
from core.models.records import ImportCorrection, ImportFault, ImportFile, ImportJob
from core.rules.imports import IMPORT, ImportState
from core.usecases.notices import close_tasks


@dataclass(frozen=True, slots=True)
class RowRefused:
    """One row that was not taken: its number as Excel shows it, the field at fault, and why."""

    row: int
    field: str
    refusal: Refusal


class Taken(Enum):
    """What a row that was not refused did."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(slots=True)
class Outcome:
    """accepted and unchanged rows counted, refused ones listed; changed: of the accepted, those not new."""

    accepted: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[RowRefused] = field(default_factory=list)

    def refuse(self, row: int, column: str, refusal: Refusal) -> None:
        """Note a row that is not taken."""
        self.refused.append(RowRefused(row, column, refusal))

    def count(self, taken: Taken) -> None:
        """Note a row that is."""
        self.accepted += taken is not Taken.UNCHANGED
        self.changed += taken is Taken.CHANGED
        self.unchanged += taken is Taken.UNCHANGED

    def add(self, further: Outcome) -> None:
        """Count what became of further rows; what was refused of them is told by whoever adds."""
        self.accepted += further.accepted
        self.changed += further.changed
        self.unchanged += further.unchanged


T = TypeVar("T")
Row = tuple[int, Mapping[str, Any]]  # the row number Excel shows, and the cleaned values by field


def in_parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most size items: SQL statements take only so many parameters."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def open_import(
    tx: Tx,
    *,
    sheet: str,
    file_name: str,
    file_hash: str,
    plan_id: int | None = None,
    state: ImportState = ImportState.WRITING,
    is_all_or_none: bool = False,
) -> ImportJob:
    """导入记录 of a file, before its rows are judged, so that those it brings can name it; counts follow."""
    return tx.add(
        ImportJob(
            sheet=sheet,
            file_name=file_name[:200],
            file_hash=file_hash,
            plan_id=plan_id,
            college_id=tx.actor.college_id,
            org_id=tx.actor.org_id,
            state=state,
            is_all_or_none=is_all_or_none,
            row_count=0,
            accepted_count=0,
            rejected_count=0,
            unchanged_count=0,
        )
    )


def record_import(
    tx: Tx,
    job: ImportJob,
    *,
    row_count: int,
    accepted: int,
    rejected: int,
    unchanged: int,
    changed: int = 0,
    failed_rows: bytes | None = None,
) -> ImportJob:
    """What became of the rows; rows = accepted + rejected + unchanged, by the table itself.

    changed: of the accepted, those not new; failed_rows: a workbook of the rejected ones.
    """
    job.row_count, job.failed_rows = row_count, failed_rows
    job.accepted_count, job.rejected_count, job.unchanged_count = accepted, rejected, unchanged
    job.changed_count = changed
    tx.advance(job, IMPORT, "finish")
    return job


def require_own(actor: Actor, job: ImportJob) -> None:
    """IllegalMove unless the file was sent in for the actor's own organisation (R-097)."""
    if job.org_id != actor.org_id or job.college_id != actor.college_id:
        raise IllegalMove("import_of_others", rule="R-097", thing=IMPORT.name, state=job.state.label)


def asked_for(tx: Tx, job: ImportJob) -> None:
    """Somebody wants something done with a file: from now on, and through this channel, they wait for it."""
    paper = tx.one(select(ImportFile).where(ImportFile.job_id == job.id))
    paper.begun_at, paper.channel = tx.now, tx.actor.channel


def take_rows(tx: Tx, job: ImportJob, *, all_or_none: bool) -> None:
    """确认写入: the good rows, or, all_or_none, every row or none (R-294); whoever works on files next writes them."""
    IMPORT.target(job.state, "confirm")
    if all_or_none and job.rejected_count:
        raise ValueRefused("import_all_or_none", rule="R-294", count=job.rejected_count)
    if not job.accepted_count:
        raise ValueRefused("import_nothing_to_take", rule="R-294")
    tx.advance(job, IMPORT, "confirm", is_all_or_none=all_or_none)
    asked_for(tx, job)
    close_tasks(tx, thing_type=ImportJob.__tablename__, thing_id=job.id)


def put_away(tx: Tx, job: ImportJob, *, reason: str = "") -> None:
    """放弃: a file that is not taken; it and what was found in it are gone, the record stays."""
    tx.advance(job, IMPORT, "discard", reason=reason, failed_rows=None)
    close_tasks(tx, thing_type=ImportJob.__tablename__, thing_id=job.id)
    for part in (ImportFile, ImportFault, ImportCorrection):
        tx.session.execute(delete(part).where(part.job_id == job.id))
