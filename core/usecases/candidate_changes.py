"""批量修改学生信息 (I-04): many candidates changed by one file, judged row by row, remembered for undoing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from sqlalchemy import RowMapping, select

from core import bulk, clock, trail
from core.db import Tx
from core.errors import AlreadyThere, IllegalMove, NotFound, NotReady, Refusal, ValueRefused
from core.models.candidates import Candidate
from core.models.catalogue import Major
from core.models.organisations import College
from core.models.records import ImportChange, ImportJob
from core.models.registrations import Registration
from core.rules.candidates import CANDIDATE, LOCKED_WHEN_VERIFIED, CandidateState, is_complete
from core.rules.permissions import permit
from core.rules.values import IdType, document_number, require_same_gender
from core.usecases import candidate_accounts
from core.usecases.candidates import CHUNK, FIELDS
from core.usecases.imports import Outcome, Row, in_parts

C = CandidateState
THING = "candidates"
CHANGEABLE = tuple(name for name in FIELDS if name != "id_number")  # rows are matched by it, so no file can change it
NAMED_AT_MOST = 20  # candidates a refusal names


def update_candidates(tx: Tx, *, college_id: int, rows: Sequence[Row], import_job_id: int | None = None) -> Outcome:
    """Change the college's own candidates, matched by ID number (R-094, R-089, R-085, R-090).

    rows: cleaned values by FIELDS and candidate_no; None and "" leave what there is. Plans keep their snapshots.
    """
    college = tx.get(College, college_id)
    permit(tx.actor, "edit_candidates", college)
    outcome = Outcome()
    desk = _Desk(tx, college_id, [values["id_number"] for _, values in rows])
    changed: list[tuple[RowMapping, dict[str, Any]]] = []
    for number, values in rows:
        try:
            person, changes = desk.judge(number, values)
        except _Fault as fault:
            outcome.refuse(number, fault.field, fault.refusal)
            continue
        if changes:
            changed.append((person, changes))
        else:
            outcome.unchanged += 1
    _write(tx, changed, import_job_id)
    outcome.accepted = outcome.changed = len(changed)
    return outcome


class _Fault(Exception):
    def __init__(self, column: str, refusal: Refusal) -> None:
        self.field, self.refusal = column, refusal


class _Desk:
    """What the rows are judged against; candidates are held until the end, so that nothing changes in between."""

    def __init__(self, tx: Tx, college_id: int, numbers: Sequence[str]) -> None:
        self.today = clock.local(tx.now).date()
        self.majors: dict[str, str] = dict(tx.session.execute(select(Major.code, Major.name)).all())
        self.people: dict[str, list[RowMapping]] = defaultdict(list)
        self.documents: set[tuple[IdType, str]] = set()
        self.seen: dict[int, int] = {}
        connection = tx.session.connection()
        is_listed, listed = bulk.among(connection, Candidate.id_number), bulk.listed(connection, numbers)
        wanted = [getattr(Candidate, name) for name in ("id", "candidate_no", "kind", "state", "photo_hash", *FIELDS)]
        own = select(*wanted).where(Candidate.college_id == college_id, is_listed).order_by(Candidate.id)
        for row in tx.session.execute(own.with_for_update(), listed).mappings():
            self.people[row["id_number"]].append(row)
        everywhere = select(Candidate.id_type, Candidate.id_number).where(is_listed)
        self.documents.update((kind, number) for kind, number in tx.session.execute(everywhere, listed))

    def judge(self, number: int, values: Mapping[str, Any]) -> tuple[RowMapping, dict[str, Any]]:
        """The candidate and what changes; _Fault names the field."""
        person = self._person(values)
        if self.seen.setdefault(person["id"], number) != number:
            first = self.seen[person["id"]]
            raise _Fault("id_number", AlreadyThere("candidate_twice_in_file", rule="R-077", first_row=first))
        changes = self._changes(person, values)
        if person["state"] is C.VERIFIED:
            for name in CHANGEABLE:
                if name in changes and name in LOCKED_WHEN_VERIFIED:
                    locked = IllegalMove(
                        "verified_is_locked", rule="R-089", thing=CANDIDATE.name, state=person["state"].label
                    )
                    raise _Fault(name, locked)
        self._require_sense(person, changes)
        return person, changes

    def _person(self, values: Mapping[str, Any]) -> RowMapping:
        found = self.people.get(values["id_number"], [])
        if len(found) > 1:  # one number on two documents: the kind of document tells them apart
            found = [person for person in found if person["id_type"] is values.get("id_type")]
            if not found:
                raise _Fault("id_type", ValueRefused("candidate_ambiguous", rule="R-094"))
        if not found:
            raise _Fault("id_number", NotFound("candidate_unknown", rule="R-094"))
        stated = values.get("candidate_no")
        if stated and stated != found[0]["candidate_no"]:
            raise _Fault("candidate_no", ValueRefused("candidate_no_differs", rule="R-094"))
        return found[0]

    def _changes(self, person: RowMapping, values: Mapping[str, Any]) -> dict[str, Any]:
        typed = {name: values.get(name) for name in CHANGEABLE}
        if typed["major_code"] and not typed["major_name"]:
            typed["major_name"] = self.majors.get(typed["major_code"], "")
        return {name: value for name, value in typed.items() if value not in (None, "") and person[name] != value}

    def _require_sense(self, person: RowMapping, changes: Mapping[str, Any]) -> None:
        """The same judgement as over new rows (R-076, R-079), on what the candidate would be."""
        if changes.get("major_code", "") not in {"", *self.majors}:
            raise _Fault("major_code", ValueRefused("major_unknown", rule="R-076", value=changes["major_code"]))
        kind, number = changes.get("id_type", person["id_type"]), person["id_number"]
        if "id_type" in changes:
            if (kind, number) in self.documents:
                raise _Fault("id_type", AlreadyThere("candidate_exists", rule="R-077"))
            try:
                document_number(kind, number, today=self.today)
            except ValueRefused as refusal:
                raise _Fault("id_type", refusal.with_traceback(None)) from None
        gender = changes.get("gender", person["gender"])
        if kind is IdType.RESIDENT and gender is not None and changes.keys() & {"gender", "id_type"}:
            try:
                require_same_gender(number, gender)
            except ValueRefused as refusal:
                raise _Fault("gender", refusal.with_traceback(None)) from None


def _write(tx: Tx, changed: Sequence[tuple[RowMapping, dict[str, Any]]], job_id: int | None) -> None:
    if not changed:
        return
    reason = f"import {job_id}" if job_id else ""
    whole = {person["id"]: {name: person[name] for name in CHANGEABLE} | changes for person, changes in changed}
    tx.update_each(Candidate, [{"id": ident} | values for ident, values in whole.items()], reason=reason)
    if job_id is not None:
        tx.insert_all(
            ImportChange,
            [
                {
                    "job_id": job_id,
                    "thing": THING,
                    "thing_id": person["id"],
                    "before": trail.as_text({name: person[name] for name in changes}),
                    "after": trail.as_text(changes),
                }
                for person, changes in changed
            ],
        )
    completed = [
        person
        for person, _ in changed
        if person["state"] is C.INCOMPLETE and is_complete(whole[person["id"]] | _number(person), person["kind"])
    ]
    doubtful = [
        person["id"]
        for person, changes in changed
        if person["state"] is C.NEEDS_MANUAL and changes.keys() & LOCKED_WHEN_VERIFIED
    ]
    _advance(tx, "complete", (person["id"] for person in completed), reason)
    _advance(tx, "add_photo", (person["id"] for person in completed if person["photo_hash"]), reason)
    _advance(tx, "correct", doubtful, reason)
    candidate_accounts.follow(tx, sorted(whole))


def _number(person: RowMapping) -> dict[str, Any]:
    return {"id_number": person["id_number"]}


def _advance(tx: Tx, action: str, ids: Iterable[int], reason: str) -> None:
    for part in in_parts(ids, CHUNK):
        tx.advance_all(Candidate, CANDIDATE, action, Candidate.id.in_(part), reason=reason)


# -- undoing -----------------------------------------------------------------------------------------------------------


def restore(tx: Tx, job: ImportJob) -> int:
    """Put back what the file changed, all of it or nothing (R-295); how many candidates.

    NotReady names the candidates that changed since, are verified under their new identity (R-089), or have been
    registered since then (R-138 looked at the new data).
    """
    permit(tx.actor, "edit_candidates", tx.get(College, job.college_id or 0))
    done = tx.all(
        select(ImportChange)
        .where(ImportChange.job_id == job.id, ImportChange.thing == THING, ImportChange.before != "")
        .order_by(ImportChange.thing_id)
    )
    held = _held(tx, [change.thing_id for change in done])
    registered = _registered_since(tx, job, list(held))
    stuck: list[str] = []
    for change in done:
        candidate = held.get(change.thing_id)
        before, after = _values(change.before), _values(change.after)
        if candidate is None:
            stuck.append(f"（已删除的考生 {change.thing_id}）")
        elif candidate.id in registered or not _can_go_back(candidate, before, after):
            stuck.append(f"{candidate.name}（{candidate.candidate_no}）")
    if stuck:
        more = "等" if len(stuck) > NAMED_AT_MOST else ""
        names = "、".join(stuck[:NAMED_AT_MOST]) + more
        raise NotReady("undo_candidates_changed", rule="R-295", count=len(stuck), names=names)
    for change in done:
        _put_back(tx, held[change.thing_id], _values(change.before), f"undo import {job.id}")
    candidate_accounts.follow(tx, [change.thing_id for change in done])
    return len(done)


def _held(tx: Tx, ids: Sequence[int]) -> dict[int, Candidate]:
    found: dict[int, Candidate] = {}
    for part in in_parts(ids, CHUNK):
        query = select(Candidate).where(Candidate.id.in_(part)).order_by(Candidate.id).with_for_update()
        for row in tx.all(query.execution_options(populate_existing=True)):
            found[row.id] = row
    return found


def _registered_since(tx: Tx, job: ImportJob, ids: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for part in in_parts(ids, CHUNK):
        since = Registration.created_at >= job.created_at
        found.update(tx.all(select(Registration.candidate_id).where(Registration.candidate_id.in_(part), since)))
    return found


def _can_go_back(candidate: Candidate, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if any(getattr(candidate, name) != value for name, value in after.items()):
        return False
    if candidate.state is C.VERIFIED and before.keys() & LOCKED_WHEN_VERIFIED:
        return False
    was = {name: getattr(candidate, name) for name in FIELDS} | dict(before)
    return is_complete(was, candidate.kind) or candidate.state in (C.NO_PHOTO, C.INCOMPLETE)


def _put_back(tx: Tx, candidate: Candidate, before: Mapping[str, Any], reason: str) -> None:
    tx.because(candidate, "undo_import", reason)
    for name, value in before.items():
        setattr(candidate, name, value)
    tx.session.flush()
    now = {name: getattr(candidate, name) for name in FIELDS}
    if candidate.state is C.NO_PHOTO and not is_complete(now, candidate.kind):
        tx.advance(candidate, CANDIDATE, "reopen", reason=reason)
    elif candidate.state is C.NEEDS_MANUAL and before.keys() & LOCKED_WHEN_VERIFIED:
        tx.advance(candidate, CANDIDATE, "correct", reason=reason)


def _values(kept: str) -> dict[str, Any]:
    """Columns as the table has them, out of the JSON an ImportChange keeps."""
    return {name: _value(name, value) for name, value in json.loads(kept).items()}


def _value(name: str, value: Any) -> Any:
    kind: type[Enum] | None = getattr(Candidate.__table__.c[name].type, "enum_class", None)
    return value if kind is None or value is None else kind(value)
