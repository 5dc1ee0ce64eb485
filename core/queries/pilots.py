"""The pilot year as jobs and pages look at it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, select

from core.models.organisations import College
from core.models.pilots import DeclarationPlan, Quota
from core.queries.moments import moment, word
from core.rules.pilots import DeclarationPhase, DeclarationState, QuotaState


def declaration_phase_at(now: datetime) -> ColumnElement[Any]:
    """core.rules.pilots.declaration_phase as a column of DeclarationPlan, so that the database can count tabs."""
    at = moment(now)
    return case(
        (DeclarationPlan.state == DeclarationState.DRAFT, word(DeclarationPhase.DRAFT)),
        (DeclarationPlan.apply_opens_at > at, word(DeclarationPhase.NOT_STARTED)),
        (DeclarationPlan.apply_closes_at < at, word(DeclarationPhase.CLOSED)),
        else_=word(DeclarationPhase.OPEN),
    )


def declaration_plans_due(now: datetime) -> Select[int]:
    """Ids of declaration plans at which the clock has passed an edge nobody has announced."""
    return select(DeclarationPlan.id).where(DeclarationPlan.next_edge_at <= now).order_by(DeclarationPlan.next_edge_at)


def colleges_of(province_code: str) -> Select[int]:
    """Ids of a province's colleges."""
    return select(College.id).where(College.province_code == province_code).order_by(College.id)


def years_to_lapse(year: int) -> Select[int]:
    """Years before this one that still hold living quota."""
    return select(Quota.year).where(Quota.year < year, Quota.state == QuotaState.ACTIVE).distinct()
