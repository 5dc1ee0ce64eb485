"""The desk every export leaves by: what is asked for, the code, and the file with the mark of who took it and when.

Rows are read again, with the rights of that moment, whenever a file is made; the file is written before the note that
it leaves, and leaves only after that note is committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from core import clock
from core.actors import Actor
from core.db import reading, transaction
from core.errors import NotFound, NotPermitted, NotReady, Refusal, ValueRefused
from core.gateways.courier import CourierTrouble, Letter, courier
from core.models.plans import ExamPlan
from core.models.records import ExportJob
from core.queries.exports import is_of, organisation_of, phase_of
from core.rules import exports as rules
from core.rules.exports import Asked
from core.rules.permissions import has_role
from core.sheets.exports import EXPORTS, Asking, ExportSpec, Row, export_spec
from core.sheets.writer import Heading, Marking, in_words
from core.usecases.exports import (
    ask_for_code_again,
    ask_for_export,
    begin_direct_export,
    finish_direct_export,
    hand_out_export,
    verify_export,
)

Where = ColumnElement[bool] | None
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Taken:
    """A file on its way out: what it is called, and how many rows are in it."""

    file_name: str
    row_count: int


def export_names() -> dict[str, str]:
    """Name → Chinese title of every export that is no sheet to import."""
    return {name: spec.title for name, spec in EXPORTS.items()}


def row_count(actor: Actor, name: str, where: Where) -> int:
    """How many rows would leave now, said before anything is asked for (R-012)."""
    with reading() as session:
        return export_spec(name).count(Asking(session, actor, clock.now()), where)


def ask(actor: Actor, name: str, asked: Asked, where: Where) -> tuple[int, Refusal | None]:
    """Fix what is asked for and send the code where one is needed (R-011…R-013).

    The export's number, and why its code did not leave, for which another can be asked.
    """
    spec = export_spec(name)
    _require(actor, spec)
    count = row_count(actor, name, where)
    with transaction(actor) as tx:
        job, sent = ask_for_export(
            tx, sheet=name, act=spec.act, asked=asked, row_count=count, needs_code=spec.needs_code
        )
    return job.id, _post(sent.letter if sent else None)


def ask_again(actor: Actor, export_id: int) -> Refusal | None:
    """Another code for the same rows; why it did not leave."""
    spec = _spec_of(actor, export_id)
    with transaction(actor) as tx:
        sent = ask_for_code_again(tx, export_id=export_id, act=spec.act)
    return _post(sent.letter)


def verify(actor: Actor, export_id: int, typed: str) -> Refusal | None:
    """The code typed back; a refusal as a value, see core.usecases.exports.verify_export."""
    spec = _spec_of(actor, export_id)
    with transaction(actor) as tx:
        return verify_export(tx, export_id=export_id, act=spec.act, typed=typed)


def take(actor: Actor, export_id: int, where: Where, out: BinaryIO) -> Taken:
    """Write the file to out (which can seek and read) and note that it leaves; the same person only (T-20)."""
    with reading() as session:
        job = session.get(ExportJob, export_id)
        if job is None or not is_of(job, actor):
            raise NotFound(thing=ExportJob.__tablename__)
        spec, now = export_spec(job.sheet), clock.now()
        _require(actor, spec)
        rules.require_ready(phase_of(job, now))
        asking = Asking(session, actor, now)
        rules.require_within_cap(spec.count(asking, where), rules.ROW_CAP)
        marking = marking_of(session, actor, now, spec.title, Asked.of(job.asked).in_words, export_id)
        count = spec.write(
            spec.columns_for(actor), _capped(spec.rows(asking, where)), out, title=spec.title, marking=marking
        )
    digest = file_hash(out)
    with transaction(actor) as tx:
        hand_out_export(tx, export_id=export_id, act=spec.act, row_count=count, file_hash=digest)
    return Taken(f"{spec.title}-{clock.local(now):%Y%m%d-%H%M}{spec.suffix}", count)


def take_directly(
    actor: Actor, name: str, out: BinaryIO, *, plan_id: int | None = None, where: Mapping[str, str] | None = None
) -> int:
    """The same on the operator's machine, at once and without a code; where: column title → its text (R-012)."""
    spec = export_spec(name)
    _require(actor, spec)
    if plan_id is not None and not spec.has_plan:
        raise ValueRefused("export_not_by_plan", rule="R-013", title=spec.title)
    with transaction(actor) as tx:
        asked = asked_directly(tx.session, plan_id, where or {})
        asking = Asking(tx.session, actor, tx.now)
        headings = spec.columns_for(actor)
        rows = _wanted(headings, spec.rows(asking, _of_plan(plan_id)), where or {})
        job = begin_direct_export(tx, sheet=name, asked=asked)
        marking = marking_of(tx.session, actor, tx.now, spec.title, asked.in_words, job.id)
        count = spec.write(headings, _capped(rows), out, title=spec.title, marking=marking)
        finish_direct_export(tx, job, row_count=count, file_hash=file_hash(out))
    return count


# -- the mark ----------------------------------------------------------------------------------------------------------


def marking_of(session: Session, actor: Actor, now: datetime, title: str, asked: str, number: int) -> Marking:
    """Who took out what, when and by which number; the second worksheet and the document's properties."""
    place = organisation_of(session, actor)
    who = f"{actor.login}（{place}）" if place else actor.login
    return Marking(
        by=who,
        at=now,
        number=str(number),
        lines=lambda count: (
            ("内容", title),
            ("导出人", who),
            ("导出时间", f"{clock.local(now):%Y-%m-%d %H:%M:%S}"),
            ("条件", asked),
            ("条数", str(count)),
            ("导出编号", str(number)),
            ("提示", "本文件可能含有个人信息，请妥善保管，用完及时删除。"),
        ),
    )


def file_hash(out: Path | BinaryIO) -> str:
    """SHA-256 of what was written; an open file stands at its beginning afterwards."""
    if isinstance(out, Path):
        with out.open("rb") as file:
            return file_hash(file)
    out.seek(0)
    digest = hashlib.sha256()
    while part := out.read(_CHUNK):
        digest.update(part)
    out.seek(0)
    return digest.hexdigest()


def asked_directly(session: Session, plan_id: int | None, where: Mapping[str, str]) -> Asked:
    """What the command line asked for."""
    plan = session.get(ExamPlan, plan_id) if plan_id is not None else None
    chosen = (("考试计划", str(plan.id), plan.plan_no),) if plan is not None else ()
    return Asked(filters=(*chosen, *((name, text, text) for name, text in where.items())))


# -- inside ------------------------------------------------------------------------------------------------------------


def _spec_of(actor: Actor, export_id: int) -> ExportSpec:
    with reading() as session:
        job = session.get(ExportJob, export_id)
        if job is None or not is_of(job, actor):
            raise NotFound(thing=ExportJob.__tablename__)
        return export_spec(job.sheet)


def _require(actor: Actor, spec: ExportSpec) -> None:
    if not has_role(actor, spec.act):
        raise NotPermitted(rule="§8.8", act=spec.act)


def _post(letter: Letter | None) -> Refusal | None:
    """After the commit: what is asked for stays asked for."""
    try:
        if letter is not None:
            courier().send(letter)
    except CourierTrouble:
        return NotReady("letter_not_sent", rule="M-33")
    return None


def _capped(rows: Iterator[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        rules.require_within_cap(number, rules.ROW_CAP)
        yield row


def _of_plan(plan_id: int | None) -> Where:
    return None if plan_id is None else ExamPlan.id == plan_id


def _wanted(headings: tuple[Heading, ...], rows: Iterator[Row], where: Mapping[str, str]) -> Iterator[Row]:
    places = {heading.title: at for at, heading in enumerate(headings)}
    for name in where:
        if name not in places:
            raise ValueRefused("export_filter_unknown", value=name, known=list(places))
    asked = [(places[name], text) for name, text in where.items()]
    return (row for row in rows if all(in_words(row[at]) == text for at, text in asked))
