"""Imports taken back: all of what a file brought, while nothing leans on any of it (R-295)."""

from __future__ import annotations

import json
from collections import defaultdict

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from core import clock
from core.actors import Actor
from core.db import Tx
from core.errors import IllegalMove, NotReady, Refusal
from core.models.candidates import Candidate
from core.models.organisations import College
from core.models.plans import ExamPlan
from core.models.records import ImportChange, ImportJob
from core.models.registrations import Registration, SubjectRegistration
from core.models.scores import SubjectScore
from core.queries.scoping import visible
from core.rules.candidates import CandidateState
from core.rules.imports import IMPORT
from core.rules.permissions import permit
from core.rules.registrations import Attendance, PaymentState, SittingState
from core.rules.scores import SCORE, ScoreState
from core.usecases.imports import in_parts
from core.usecases.registrations import delete_registration
from core.usecases.results import recompute_results
from core.usecases.scores import CHUNK, amend, score_words

_UNTOUCHED = and_(
    Candidate.version == 1,
    Candidate.registered_count == 0,
    Candidate.photo_hash.is_(None),
    Candidate.state.in_({CandidateState.INCOMPLETE, CandidateState.NO_PHOTO}),
)


def past_undoing(job: ImportJob) -> Refusal | None:
    """Why an import is final whatever its rows are like: what was there before has been put away (G-26)."""
    if job.cleared_at is None:
        return None
    days = (job.cleared_at - job.created_at).days
    return IllegalMove("import_cleared", rule="R-295", thing=IMPORT.name, state=job.state.label, days=days)


def rows_cleared(session: Session, actor: Actor, job_id: int) -> Refusal | None:
    """Why the rejected rows of an import this person may see are not to be had any more; None where it is not time."""
    job = session.scalar(select(ImportJob).where(ImportJob.id == job_id, visible(ImportJob, actor, clock.now())))
    if job is None or job.cleared_at is None or not job.rejected_count:
        return None
    return NotReady("failed_rows_cleared", rule="R-295", days=(job.cleared_at - job.created_at).days)


def candidates_leaned_on(session: Session, job: ImportJob) -> Refusal | None:
    """Why new candidates of a file stay: some were edited, photographed, checked or registered since."""
    return _refusal(job, _count(session, Candidate, Candidate.import_job_id == job.id, ~_UNTOUCHED))


def take_back_candidates(tx: Tx, job: ImportJob) -> int:
    """Remove the candidates a file brought; how many. Those its people deleted themselves are gone already."""
    permit(tx.actor, "edit_candidates", tx.get(College, job.college_id or 0))
    removed = tx.delete_all(Candidate, Candidate.import_job_id == job.id, _UNTOUCHED, reason=f"undo import {job.id}")
    left = _refusal(job, _count(tx.session, Candidate, Candidate.import_job_id == job.id))
    if left is not None:
        raise left  # somebody was quicker
    return len(removed)


def registrations_leaned_on(session: Session, job: ImportJob) -> Refusal | None:
    """Why registrations of a file stay: the window has closed (R-135), or some are seated or paid (R-153, R-154)."""
    plan = session.get_one(ExamPlan, job.plan_id)
    try:
        plan.windows.registration.require(clock.now(), rule="R-135")
    except Refusal as refusal:
        return refusal.with_traceback(None)
    seated = (
        select(SubjectRegistration.id)
        .where(SubjectRegistration.registration_id == Registration.id, SubjectRegistration.state == SittingState.SEATED)
        .exists()
    )
    fixed = or_(seated, Registration.payment_state == PaymentState.PAID)
    return _refusal(job, _count(session, Registration, Registration.import_job_id == job.id, fixed))


def take_back_registrations(tx: Tx, job: ImportJob) -> int:
    """Delete the registrations a file brought, quota places and snapshots with them; how many."""
    brought = tx.all(select(Registration.id).where(Registration.import_job_id == job.id).order_by(Registration.id))
    for registration_id in brought:
        delete_registration(tx, registration_id=registration_id)
    return len(brought)


def scores_leaned_on(session: Session, job: ImportJob) -> Refusal | None:
    """Why scores of a file stay: their window has closed (R-199), or some were entered or corrected anew since."""
    plan = session.get_one(ExamPlan, job.plan_id)
    try:
        plan.windows.score_entry.require(clock.now(), rule="R-199")
    except Refusal as refusal:
        return refusal.with_traceback(None)
    return _refusal(job, sum(not _is_as_left(score, change) for score, change in _scores_of(session, job)))


def take_back_scores(tx: Tx, job: ImportJob) -> int:
    """Scores and attendance as they were before a file, results computed anew (R-227); how many scores."""
    plan = tx.lock(ExamPlan, job.plan_id or 0)
    permit(tx.actor, "enter_scores", plan)
    refusal = scores_leaned_on(tx.session, job)
    if refusal is not None:
        raise refusal
    pairs = _scores_of(tx.session, job)
    new = [score.id for score, change in pairs if score is not None and not change.before]
    for part in in_parts(new, CHUNK):
        tx.delete_all(SubjectScore, SubjectScore.id.in_(part), reason=f"undo import {job.id}")
    attendance: dict[Attendance | None, list[int]] = defaultdict(list)
    for score, change in pairs:
        there = None
        if change.before and score is not None:
            tenths, is_absent = json.loads(change.before)
            amend(tx, score, tenths, is_absent, f"undo import {job.id}")
            tx.advance(score, SCORE, "enter", score_tenths=tenths, is_absent=is_absent)
            there = Attendance.ABSENT if is_absent else Attendance.PRESENT
        attendance[there].append(change.thing_id)
    for there, sittings in attendance.items():
        for part in in_parts(sittings, CHUNK):
            tx.update_all(SubjectRegistration, SubjectRegistration.id.in_(part), attendance=there)
    touched = select(SubjectRegistration.registration_id).where(
        SubjectRegistration.id.in_(select(ImportChange.thing_id).where(ImportChange.job_id == job.id))
    )
    recompute_results(tx, plan=plan, registration_ids=set(tx.all(touched)))
    return len(pairs)


def _scores_of(session: Session, job: ImportJob) -> list[tuple[SubjectScore | None, ImportChange]]:
    rows = session.execute(
        select(SubjectScore, ImportChange)
        .select_from(ImportChange)
        .outerjoin(SubjectScore, SubjectScore.subject_registration_id == ImportChange.thing_id)
        .where(ImportChange.job_id == job.id)
        .order_by(ImportChange.id)
    )
    return [(score, change) for score, change in rows]


def _is_as_left(score: SubjectScore | None, change: ImportChange) -> bool:
    return (
        score is not None
        and score.state is ScoreState.ENTERED
        and score_words(score.score_tenths, score.is_absent) == change.after
    )


def _count(session: Session, model: type[Candidate] | type[Registration], *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(model.id)).where(*where)) or 0


def _refusal(job: ImportJob, leaning: int) -> Refusal | None:
    if not leaning:
        return None
    return IllegalMove("import_leaned_on", rule="R-295", thing=IMPORT.name, state=job.state.label, count=leaning)
