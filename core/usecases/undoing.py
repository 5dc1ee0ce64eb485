"""Imports taken back: all of what a file brought, while nothing leans on any of it (R-295)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from core import clock
from core.db import Tx
from core.errors import IllegalMove, Refusal
from core.models.candidates import Candidate
from core.models.organisations import College
from core.models.plans import ExamPlan
from core.models.records import ImportJob
from core.models.registrations import Registration, SubjectRegistration
from core.rules.candidates import CandidateState
from core.rules.imports import IMPORT
from core.rules.permissions import permit
from core.rules.registrations import PaymentState, SittingState
from core.usecases.registrations import delete_registration

_UNTOUCHED = and_(
    Candidate.version == 1,
    Candidate.registered_count == 0,
    Candidate.photo_hash.is_(None),
    Candidate.state.in_({CandidateState.INCOMPLETE, CandidateState.NO_PHOTO}),
)


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


def _count(session: Session, model: type[Candidate] | type[Registration], *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(model.id)).where(*where)) or 0


def _refusal(job: ImportJob, leaning: int) -> Refusal | None:
    if not leaning:
        return None
    return IllegalMove("import_leaned_on", rule="R-295", thing=IMPORT.name, state=job.state.label, count=leaning)
