"""Scores: entered by the TEO in their window, corrected with a reason, locked by the clock; results follow."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core.db import Tx
from core.errors import IllegalMove, NotFound, NotPermitted, ReasonMissing, Refusal, ValueRefused
from core.models.plans import ExamPlan, ExamPlanSubject, ExamSession
from core.models.records import ImportChange
from core.models.registrations import (
    CandidateSnapshot,
    Registration,
    RoomArrangement,
    SeatAssignment,
    SubjectRegistration,
)
from core.models.scores import ScoreAmendment, SubjectScore
from core.rules.permissions import permit
from core.rules.plans import PlanState
from core.rules.registrations import Attendance, SittingState
from core.rules.scores import SCORE, ScoreState
from core.usecases.imports import Outcome, Row, Taken, in_parts
from core.usecases.results import recompute_results

CHUNK = 5_000


@dataclass(slots=True)
class _Seated:
    """A sitting a score may belong to, and the score it has."""

    sitting_id: int
    registration_id: int
    name: str
    id_number: str
    full_tenths: int
    is_required: bool
    ends_at: Any
    score: SubjectScore | None


def enter_scores(tx: Tx, *, plan_id: int, rows: Sequence[Row], import_job_id: int | None = None) -> Outcome:
    """Import of scores inside the entry window (R-199, R-201, R-207, R-208); again later in it, the last word counts.

    rows hold: ticket_no, subject_code, name, id_number, score_tenths (None when absent), is_absent. With an
    import_job_id every score that is not as before leaves an ImportChange by its sitting, for undoing.
    """
    plan = tx.lock(ExamPlan, plan_id)
    permit(tx.actor, "enter_scores", plan)
    if plan.state is not PlanState.PUBLISHED:
        raise NotPermitted("plan_not_published", rule="R-199")
    plan.windows.score_entry.require(tx.now, rule="R-199")
    if plan.windows.publication.over(tx.now):
        plan.windows.publication.require(tx.now, rule="R-205")  # locked by the clock, whether the job has come or not
    seated = _seated(tx, plan, [values["ticket_no"] for _, values in rows])
    outcome = Outcome()
    fresh: list[dict[str, Any]] = []
    changed: set[int] = set()
    changes: list[dict[str, Any]] = []
    for number, values in rows:
        place = seated.get((values["ticket_no"], values["subject_code"]))
        fault = _fault(tx, place, values)
        if fault is not None or place is None:
            outcome.refuse(number, *(fault or ("ticket_no", NotFound("ticket_unknown", rule="R-208"))))
        elif place.score is not None and _is_same(place.score, values):
            outcome.unchanged += 1
        else:
            outcome.count(Taken.NEW if place.score is None else Taken.CHANGED)
            changed.add(place.registration_id)
            changes.append(_change(place, values, import_job_id))
            _enter(tx, place, values, fresh)
    tx.insert_all(SubjectScore, fresh)
    if import_job_id is not None:
        tx.insert_all(ImportChange, changes)
    _note_attendance(tx, seated, rows, outcome)
    recompute_results(tx, plan=plan, registration_ids=changed)
    return outcome


def _seated(tx: Tx, plan: ExamPlan, tickets: Sequence[str]) -> dict[tuple[str, str], _Seated]:
    found: dict[tuple[str, str], _Seated] = {}
    for part in in_parts(tickets, CHUNK):
        rows = tx.session.execute(
            select(CandidateSnapshot, ExamPlanSubject, SubjectRegistration, SubjectScore, ExamSession.ends_at)
            .join(Registration, Registration.snapshot_id == CandidateSnapshot.id)
            .join(SubjectRegistration, SubjectRegistration.registration_id == Registration.id)
            .join(ExamPlanSubject, ExamPlanSubject.id == SubjectRegistration.plan_subject_id)
            .outerjoin(SubjectScore, SubjectScore.subject_registration_id == SubjectRegistration.id)
            .outerjoin(SeatAssignment, SeatAssignment.subject_registration_id == SubjectRegistration.id)
            .outerjoin(RoomArrangement, RoomArrangement.id == SeatAssignment.room_arrangement_id)
            .outerjoin(ExamSession, ExamSession.id == RoomArrangement.session_id)
            .where(CandidateSnapshot.plan_id == plan.id, CandidateSnapshot.ticket_no.in_(part))
        )
        for person, subject, sitting, score, ends_at in rows:
            found[person.ticket_no or "", subject.code] = _Seated(
                sitting.id,
                sitting.registration_id,
                person.name,
                person.id_number,
                subject.full_tenths,
                sitting.state is SittingState.SEATED,
                ends_at,
                score,
            )
    return found


def _fault(tx: Tx, place: _Seated | None, values: Mapping[str, Any]) -> tuple[str, Refusal] | None:
    if place is None:
        return "ticket_no", NotFound("ticket_unknown", rule="R-208")
    if not place.is_required:
        return "subject_code", ValueRefused("subject_not_required", rule="R-208")
    if place.name != values["name"] or place.id_number != values["id_number"]:
        return "name", ValueRefused("person_differs", rule="R-208")
    if place.ends_at is None or tx.now < place.ends_at:
        return "subject_code", IllegalMove("exam_not_over", rule="§3.15", thing=SCORE.name)
    tenths, is_absent = values["score_tenths"], values["is_absent"]
    if is_absent and tenths is not None:
        return "score_tenths", ValueRefused("absent_with_score", rule="R-207")
    if not is_absent and tenths is None:
        return "score_tenths", ValueRefused("score_missing", rule="R-201")
    if tenths is not None and not 0 <= tenths <= place.full_tenths:
        return "score_tenths", ValueRefused("score_range", rule="R-201", full=place.full_tenths // 10)
    return None


def _change(place: _Seated, values: Mapping[str, Any], import_job_id: int | None) -> dict[str, Any]:
    score = place.score
    before = "" if score is None else score_words(score.score_tenths, score.is_absent)
    return {
        "job_id": import_job_id,
        "thing": SubjectRegistration.__tablename__,
        "thing_id": place.sitting_id,
        "before": before,
        "after": score_words(values["score_tenths"], values["is_absent"]),
    }


def score_words(tenths: int | None, is_absent: bool) -> str:
    """A score as an ImportChange keeps it; json.loads gives [tenths or null, is_absent]."""
    return json.dumps([tenths, is_absent])


def _is_same(score: SubjectScore, values: Mapping[str, Any]) -> bool:
    entered = score.state is ScoreState.ENTERED
    return entered and (score.score_tenths, score.is_absent) == (values["score_tenths"], values["is_absent"])


def _enter(tx: Tx, place: _Seated, values: Mapping[str, Any], fresh: list[dict[str, Any]]) -> None:
    if place.score is None:
        fresh.append(
            {
                "subject_registration_id": place.sitting_id,
                "score_tenths": values["score_tenths"],
                "is_absent": values["is_absent"],
                "is_invalid": False,
                "state": ScoreState.ENTERED,
                "entered_at": tx.now,
            }
        )
        return
    amend(tx, place.score, values["score_tenths"], values["is_absent"], "re-import")
    tx.advance(
        place.score,
        SCORE,
        "enter",
        score_tenths=values["score_tenths"],
        is_absent=values["is_absent"],
        entered_at=tx.now,
    )


def amend(tx: Tx, score: SubjectScore, tenths: int | None, is_absent: bool, reason: str) -> None:
    """修改记录 of a score that is about to become another one (R-204)."""
    tx.add(
        ScoreAmendment(
            score_id=score.id,
            old_tenths=score.score_tenths,
            old_absent=score.is_absent,
            new_tenths=tenths,
            new_absent=is_absent,
            reason=reason,
            actor_id=tx.actor.account_id,
            at=tx.now,
        )
    )


def _note_attendance(tx: Tx, seated: Mapping[tuple[str, str], _Seated], rows: Sequence[Row], outcome: Outcome) -> None:
    refused = {item.row for item in outcome.refused}
    groups: dict[Attendance, list[int]] = defaultdict(list)
    for number, values in rows:
        if number not in refused:
            there = Attendance.ABSENT if values["is_absent"] else Attendance.PRESENT
            groups[there].append(seated[values["ticket_no"], values["subject_code"]].sitting_id)
    for there, ids in groups.items():
        for part in in_parts(ids, CHUNK):
            tx.update_all(
                SubjectRegistration,
                SubjectRegistration.id.in_(part),
                SubjectRegistration.attendance.is_distinct_from(there),
                attendance=there,
            )


def correct_score(tx: Tx, *, score_id: int, score_tenths: int | None, is_absent: bool, reason: str) -> SubjectScore:
    """During publication, by the TEO, with a reason (R-204, R-205); the result is computed anew (R-227)."""
    if not reason.strip():
        raise ReasonMissing(rule="R-204")
    registration = tx.get(SubjectScore, score_id).sitting.registration
    plan = tx.lock(ExamPlan, registration.plan_id)  # the plan first, as the lock at the end of publication does
    score = tx.lock(SubjectScore, score_id)
    permit(tx.actor, "enter_scores", plan)
    plan.windows.publication.require(tx.now, rule="R-204")
    if (score_tenths is None) is not is_absent:
        raise ValueRefused("score_missing" if score_tenths is None else "absent_with_score", rule="R-207")
    full = score.sitting.plan_subject.full_tenths
    if score_tenths is not None and not 0 <= score_tenths <= full:
        raise ValueRefused("score_range", rule="R-201", full=full // 10)
    amend(tx, score, score_tenths, is_absent, reason.strip())
    tx.advance(
        score,
        SCORE,
        "correct",
        reason=reason.strip(),
        score_tenths=score_tenths,
        is_absent=is_absent,
        entered_at=score.entered_at or tx.now,
    )
    recompute_results(tx, plan=plan, registration_ids={registration.id})
    return score
