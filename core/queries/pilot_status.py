"""Whether a college is a pilot, as the clock has it (R-044, §3.4): asked by rules and pages, stored nowhere."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.orm import Session

from core import clock
from core.models.organisations import College, EducationAuthority
from core.models.pilots import DeclarationPlan, PilotApplication
from core.rules.organisations import PilotStatus
from core.rules.pilots import ApplicationState, DeclarationState


def has_ended(now: datetime) -> ColumnElement[bool]:
    """A declaration plan whose end has passed, be it that it was opened again afterwards."""
    return func.coalesce(DeclarationPlan.ended_first_at, DeclarationPlan.apply_closes_at) < now


def is_pilot(college_id: ColumnElement[int], year: int, now: datetime) -> ColumnElement[bool]:
    """R-044 as a condition: something approved in a batch of the year whose end has passed."""
    approved = (
        select(PilotApplication.id)
        .join(DeclarationPlan, DeclarationPlan.id == PilotApplication.plan_id)
        .where(
            PilotApplication.college_id == college_id,
            PilotApplication.state == ApplicationState.APPROVED,
            DeclarationPlan.year == year,
            has_ended(now),
        )
    )
    return approved.exists()


def was_made_pilot(session: Session, college_id: int, year: int, now: datetime) -> bool:
    """True once a year's batch has made the college a pilot; what its plans still have to do goes on after December."""
    return bool(session.scalar(select(is_pilot(literal(college_id), year, now))))


def pilot_status(session: Session, college: College, now: datetime) -> PilotStatus:
    """What the clock makes of a college this year; last year's approval ended with its year (T-03)."""
    year = clock.local(now).year
    if was_made_pilot(session, college.id, year, now):
        return PilotStatus.PILOT
    is_over = session.scalar(_ended(college, year, now)) is not None
    return PilotStatus.NOT_PILOT if is_over else PilotStatus.REGISTERED


def _ended(college: College, year: int, now: datetime) -> Select[int]:
    """A batch of the college's province in that year that has closed."""
    return (
        select(DeclarationPlan.id)
        .join(EducationAuthority, EducationAuthority.id == DeclarationPlan.authority_id)
        .where(
            EducationAuthority.province_code == college.province_code,
            DeclarationPlan.state == DeclarationState.PUBLISHED,
            DeclarationPlan.year == year,
            has_ended(now),
        )
        .limit(1)
    )
