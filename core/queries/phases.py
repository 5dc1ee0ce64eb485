"""Registrations and scores by the phase people see (§3.11, §3.15), said in SQL so that tabs can count them.

The decisions are core.rules.registrations' and core.rules.scores'; the tests compare row by row. Phases come as their
place in an order, small whole numbers, because the least of several is wanted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, case, func, literal_column, or_, select, true
from sqlalchemy.orm import aliased

from core.actors import Actor
from core.models.plans import ExamPlan, ExamSession
from core.models.registrations import Registration, RoomArrangement, SeatAssignment, SubjectRegistration
from core.models.scores import SubjectScore
from core.rules.organisations import Role
from core.rules.registrations import PHASES_OF_A_REGISTRATION, SittingPhase, SittingState
from core.rules.scores import ScorePhase, ScoreState

SCORE_PHASES = tuple(ScorePhase)


def _place(phases: tuple[Any, ...], phase: Any) -> ColumnElement[int]:
    return literal_column(str(phases.index(phase)))


def registration_phase_place(now: datetime) -> ScalarSelect[int]:
    """Of a registration: the place of its phase in PHASES_OF_A_REGISTRATION; NULL without a single subject."""
    sitting = aliased(SubjectRegistration)
    order = PHASES_OF_A_REGISTRATION
    phase = case(
        (sitting.state == SittingState.NOT_REQUIRED, _place(order, SittingPhase.NOT_REQUIRED)),
        (
            or_(sitting.state == SittingState.NOT_ARRANGED, ExamSession.starts_at.is_(None)),
            _place(order, SittingPhase.NOT_ARRANGED),
        ),
        (ExamSession.starts_at > now, _place(order, SittingPhase.PENDING_EXAM)),
        (ExamSession.ends_at > now, _place(order, SittingPhase.IN_EXAM)),
        else_=_place(order, SittingPhase.FINISHED),
    )
    return (
        select(func.min(phase))
        .select_from(sitting)
        .outerjoin(SeatAssignment, SeatAssignment.subject_registration_id == sitting.id)
        .outerjoin(RoomArrangement, RoomArrangement.id == SeatAssignment.room_arrangement_id)
        .outerjoin(ExamSession, ExamSession.id == RoomArrangement.session_id)
        .where(sitting.registration_id == Registration.id)
        .correlate(Registration)
        .scalar_subquery()
    )


def _scores_are_known(actor: Actor, now: datetime) -> ColumnElement[bool]:
    """Whether one who sees a sitting of this ExamPlan may know its score: what scoping says of SubjectScore, a plan at
    a time, because asked row by row it would read every score there is for each of them."""
    if actor.is_system or actor.roles & {Role.ADMIN, Role.TEO}:
        return true()
    if actor.roles & {Role.PROVINCE, Role.COORDINATOR, Role.SIGNATORY}:
        return ExamPlan.score_entry_closes_at < now
    return ExamPlan.publication_opens_at < now


def score_phase_place(actor: Actor, now: datetime) -> ScalarSelect[int]:
    """Of a subject registration: the place of its score's phase in SCORE_PHASES, as far as one may know (D-08)."""
    sitting, owner = aliased(SubjectRegistration), aliased(Registration)
    score = aliased(SubjectScore)
    public = and_(ExamPlan.publication_opens_at <= now, ExamPlan.publication_closes_at >= now)
    phase = case(
        (score.state == ScoreState.LOCKED, _place(SCORE_PHASES, ScorePhase.LOCKED)),
        (and_(score.state == ScoreState.ENTERED, public), _place(SCORE_PHASES, ScorePhase.PUBLISHED)),
        (score.state == ScoreState.ENTERED, _place(SCORE_PHASES, ScorePhase.ENTERED)),
        (
            or_(ExamSession.starts_at.is_(None), ExamSession.starts_at > now),
            _place(SCORE_PHASES, ScorePhase.NOT_STARTED),
        ),
        (ExamSession.ends_at > now, _place(SCORE_PHASES, ScorePhase.IN_EXAM)),
        else_=_place(SCORE_PHASES, ScorePhase.NOT_ENTERED),
    )
    return (
        select(phase)
        .select_from(sitting)
        .join(owner, owner.id == sitting.registration_id)
        .join(ExamPlan, ExamPlan.id == owner.plan_id)
        .outerjoin(score, and_(score.subject_registration_id == sitting.id, _scores_are_known(actor, now)))
        .outerjoin(SeatAssignment, SeatAssignment.subject_registration_id == sitting.id)
        .outerjoin(RoomArrangement, RoomArrangement.id == SeatAssignment.room_arrangement_id)
        .outerjoin(ExamSession, ExamSession.id == RoomArrangement.session_id)
        .where(sitting.id == SubjectRegistration.id)
        .correlate(SubjectRegistration)
        .scalar_subquery()
    )
