"""The desk every file goes through: read outside, judged and recorded in one transaction, answered row by row."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import select

from core.actors import Actor
from core.db import Tx, transaction
from core.errors import AlreadyThere, FileRefused, NotFound, NotPermitted, ValueRefused
from core.models.records import ImportJob
from core.notifications.words import sentence
from core.queries.scoping import visible
from core.rules.exports import ROW_CAP, require_within_cap
from core.rules.permissions import has_role
from core.sheets import gate, photo_desk, scores
from core.sheets.catalogue import SHEETS, sheet
from core.sheets.export_desk import asked_directly, file_hash, marking_of
from core.sheets.kind import Batch, Export, SheetKind, chosen
from core.sheets.packed import Faults
from core.sheets.photo_desk import Pictures, asked_background, take_photos
from core.sheets.photo_zip import ARCHIVE_BYTES, read_photos
from core.sheets.reader import Blocks, Corrections, Progress, collector_resting, open_sheet, read_blocks
from core.sheets.spec import CellError, SheetReading, SheetSpec
from core.sheets.template import write_template
from core.sheets.writer import Heading, in_words, write_failed_rows, write_rows
from core.usecases.exports import begin_direct_export, finish_direct_export
from core.usecases.imports import Outcome, open_import, record_import

PHOTOS = photo_desk.PHOTOS
PHOTOS_ACT = "edit_candidates"
EXPORT_CAP = ROW_CAP
_ATTEMPTS = 3  # a race lost at a constraint: from then on the winner's rows are seen and judged


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: row_count = accepted + rejected + unchanged; changed: of the accepted, those not new.

    job_id: None after a dry run. offered: of the rejected, photos of which a crop waits to be taken.
    """

    job_id: int | None
    sheet: str
    row_count: int
    accepted: int
    rejected: int
    unchanged: int
    errors: Sequence[CellError]
    ignored_sheets: tuple[str, ...] = ()
    changed: int = 0
    offered: int = 0

    def as_json(self) -> dict[str, Any]:
        """The shape `kaowu import --json` promises."""
        return {
            "sheet": self.sheet,
            "job": self.job_id,
            "rows": self.row_count,
            "accepted": self.accepted,
            "changed": self.changed,
            "rejected": self.rejected,
            "unchanged": self.unchanged,
            "errors": [error.as_json() for error in self.errors],
        }


@dataclass(frozen=True, slots=True)
class _Paper:
    """A file as the record names it."""

    sheet: str
    file_name: str
    file_hash: str
    plan_id: int | None = None
    is_all_or_none: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a file's rows: the refused ones are in errors, with a workbook of their own."""

    row_count: int
    outcome: Outcome
    errors: Sequence[CellError]
    rejected: int
    failed_rows: bytes | None
    ignored_sheets: tuple[str, ...] = ()
    offered: int = 0


def record(tx: Tx, job: ImportJob, verdict: Verdict) -> None:
    """The import is done, and what became of its rows is written down (R-295)."""
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


class _Rehearsed(Exception):
    """A dry run has seen enough: everything is taken back."""


def sheet_names() -> dict[str, str]:
    """Name → Chinese title of every sheet."""
    return {name: kind.spec.title for name, kind in SHEETS.items()}


def template_bytes(sheet_name: str) -> bytes:
    """The blank workbook to fill in."""
    out = io.BytesIO()
    write_template(sheet(sheet_name).spec, out)
    return out.getvalue()


# -- in ----------------------------------------------------------------------------------------------------------------


def import_file(
    actor: Actor,
    sheet_name: str,
    data: bytes | Path,
    file_name: str,
    *,
    plan_id: int | None = None,
    dry_run: bool = False,
    all_or_none: bool = False,
) -> ImportReport:
    """Import a workbook (R-294, R-295): good rows are in, every rejected one is told why.

    FileRefused where the file as a whole cannot be taken, nothing being written; so are window, permission and plan
    refusals, which concern every row. dry_run: the same judgement, nothing stays. all_or_none: a file with a rejected
    row is refused as a whole.
    """
    if sheet_name == PHOTOS:
        return import_photos(actor, data, file_name, dry_run=dry_run, all_or_none=all_or_none)
    kind = sheet(sheet_name)
    _require(actor, kind.act)
    if kind.needs_plan:
        chosen(plan_id)
    content = gate.load(data, limit=gate.WORKBOOK_BYTES)
    paper = _Paper(sheet_name, file_name, hashlib.sha256(content).hexdigest(), plan_id, all_or_none)
    opened = open_sheet(content, file_name=file_name)  # before the transaction: SQLite lets one write at a time
    del content
    return _take_in(
        actor,
        paper,
        lambda tx, job_id: _judged(tx, kind, read_blocks(kind.spec, opened), plan_id, job_id),
        dry_run,
    )


def judge_file(
    tx: Tx,
    kind: SheetKind,
    content: bytes,
    file_name: str,
    *,
    job_id: int,
    plan_id: int | None = None,
    corrections: Corrections | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Read a workbook and take its good rows within a transaction somebody else opened, and will end.

    corrections: cells typed anew, in place of what the file holds. progress: told how many rows are read so far, in
    the middle of the transaction. FileRefused as in import_file.
    """
    opened = open_sheet(content, file_name=file_name)
    blocks = read_blocks(kind.spec, opened, corrections=corrections, progress=progress)
    return _judged(tx, kind, blocks, plan_id, job_id)


def _judged(tx: Tx, kind: SheetKind, blocks: Blocks, plan_id: int | None, job_id: int) -> Verdict:
    """Take what is good, block by block or all at once; what is not goes to its workbook as it comes."""
    rows, outcome, errors = 0, Outcome(), Faults()

    def left_over() -> Iterator[SheetReading]:
        nonlocal rows
        for reading in blocks.readings if kind.takes_blocks else [blocks.joined()]:
            taken = kind.take(tx, Batch(reading.accepted, job_id, plan_id))
            outcome.add(taken)
            left = reading.without(taken.refused)
            rows += left.row_count
            errors.extend(left.errors)
            yield left

    failed = io.BytesIO()
    with collector_resting(), tx.sparing_pages():
        rejected = write_failed_rows(kind.spec, left_over(), failed, sentence=sentence)
    return Verdict(rows, outcome, errors, rejected, failed.getvalue() if rejected else None, blocks.ignored)


def import_photos(
    actor: Actor, data: bytes | Path, file_name: str, *, dry_run: bool = False, all_or_none: bool = False
) -> ImportReport:
    """Import a zip of photos named after ID numbers (R-081…R-083); a row is a file, by its place in the archive."""
    _require(actor, PHOTOS_ACT)
    content = gate.load(data, limit=ARCHIVE_BYTES)
    paper = _Paper(PHOTOS, file_name, hashlib.sha256(content).hexdigest(), is_all_or_none=all_or_none)
    with Pictures(content, read_photos(content, file_name=file_name, background=asked_background())) as pictures:
        return _take_in(actor, paper, lambda tx, job_id: _judged_photos(tx, job_id, pictures), dry_run)


def _judged_photos(tx: Tx, job_id: int, pictures: Pictures) -> Verdict:
    taken = take_photos(tx, import_job_id=job_id, pictures=pictures)
    errors = taken.errors
    return Verdict(taken.row_count, taken.outcome, errors, len(errors), taken.failed_rows, offered=taken.offered)


def _take_in(actor: Actor, paper: _Paper, judge: Callable[[Tx, int], Verdict], dry_run: bool) -> ImportReport:
    """Judge, write and record in one transaction; a race lost at a unique constraint is judged anew."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            with collector_resting():
                return _taken_in(actor, paper, judge, dry_run)
        except AlreadyThere as clash:
            if "constraint" not in clash.facts or not left:
                raise
    raise AssertionError("unreachable")


def _taken_in(actor: Actor, paper: _Paper, judge: Callable[[Tx, int], Verdict], dry_run: bool) -> ImportReport:
    with suppress(_Rehearsed), transaction(actor) as tx:
        job = open_import(
            tx,
            sheet=paper.sheet,
            file_name=paper.file_name,
            file_hash=paper.file_hash,
            plan_id=paper.plan_id,
            is_all_or_none=paper.is_all_or_none,
        )
        verdict = judge(tx, job.id)
        if paper.is_all_or_none and verdict.rejected and not dry_run:
            raise FileRefused("import_all_or_none", rule="R-294", count=verdict.rejected)
        record(tx, job, verdict)
        if dry_run:
            raise _Rehearsed
    return ImportReport(
        job_id=None if dry_run else job.id,
        sheet=paper.sheet,
        row_count=verdict.row_count,
        accepted=verdict.outcome.accepted,
        changed=verdict.outcome.changed,
        rejected=verdict.rejected,
        unchanged=verdict.outcome.unchanged,
        errors=verdict.errors,
        ignored_sheets=verdict.ignored_sheets,
        offered=verdict.offered,
    )


def failed_rows(actor: Actor, job_id: int) -> bytes:
    """The rejected rows of one's own organisation's import, with reasons (R-295, E-14); NotFound for all others."""
    with transaction(actor) as tx:
        job = tx.one(select(ImportJob).where(ImportJob.id == job_id, visible(ImportJob, actor, tx.now)))
        if not has_role(actor, PHOTOS_ACT if job.sheet == PHOTOS else sheet(job.sheet).act):
            raise NotFound(thing=ImportJob.__tablename__)
        if job.failed_rows is None:
            raise NotFound("import_without_failures", rule="R-295")
        tx.record(job, "download_failed_rows")
        return job.failed_rows


# -- out ---------------------------------------------------------------------------------------------------------------


def export_rows(
    actor: Actor,
    sheet_name: str,
    out: Path | BinaryIO,
    *,
    plan_id: int | None = None,
    where: Mapping[str, str] | None = None,
) -> int:
    """The sheet filled in with what one's own organisation has, in full and written to the trail; how many rows.

    where: column title or field → its text; TooMany above 50,000 rows (R-012).
    """
    kind = sheet(sheet_name)
    return _hand_out(actor, kind, kind.export, out, plan_id=plan_id, where=where or {})


def score_sheet(actor: Actor, plan_id: int, out: Path | BinaryIO) -> int:
    """The scores sheet of a plan with everybody who has no score yet, ready to fill in and import; how many rows."""
    return _hand_out(actor, scores.SCORES, scores.missing, out, plan_id=plan_id, where={})


def _hand_out(
    actor: Actor,
    kind: SheetKind,
    export: Callable[[Tx, int | None], Export],
    out: Path | BinaryIO,
    *,
    plan_id: int | None,
    where: Mapping[str, str],
) -> int:
    _require(actor, kind.act)
    headings = [Heading(column.heading, column.width) for column in kind.spec.columns]
    with transaction(actor) as tx:
        found = export(tx, plan_id)
        rows = list(islice(_wanted(kind.spec, found.rows, where), EXPORT_CAP + 1))
        require_within_cap(len(rows), EXPORT_CAP)
        asked = asked_directly(tx.session, plan_id, where)
        job = begin_direct_export(tx, sheet=kind.spec.name, asked=asked)
        marking = marking_of(tx.session, actor, tx.now, kind.spec.title, asked.in_words, job.id)
        count = write_rows(headings, rows, out, title=kind.spec.title, marking=marking)
        finish_direct_export(tx, job, row_count=count, file_hash=file_hash(out))
        tx.record(found.whose, "export", after={"sheet": kind.spec.name, "rows": count})
    return count


def _wanted(spec: SheetSpec, rows: Iterable[Sequence[Any]], where: Mapping[str, str]) -> Iterable[Sequence[Any]]:
    places = {name: at for at, column in enumerate(spec.columns) for name in (column.field, column.title)}
    for name in where:
        if name not in places:
            raise ValueRefused("export_filter_unknown", value=name, known=[column.title for column in spec.columns])
    asked = [(places[name], text) for name, text in where.items()]
    return (row for row in rows if all(in_words(row[at]) == text for at, text in asked))


def _require(actor: Actor, act: str) -> None:
    """Before a file is even opened; whose things they are, the use case asks."""
    if not has_role(actor, act):
        raise NotPermitted(rule="§8.8", act=act)
