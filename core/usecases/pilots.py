"""Pilot colleges: the gate before everything that only they may do (§3.4, R-018, R-044)."""

from __future__ import annotations

from core.db import Tx
from core.errors import NotPermitted
from core.models.organisations import College
from core.queries.accounts import province_contact
from core.queries.pilot_status import pilot_status, was_made_pilot
from core.rules.organisations import PilotStatus


def require_pilot(tx: Tx, college: College, *, rule: str, year: int | None = None) -> None:
    """NotPermitted unless the clock says that the college is a pilot of the year; the refusal names whom to call.

    A batch that has not ended yet makes nobody a pilot. Without a year this one counts, and ends with December (T-03);
    with one, that of an exam plan, the plan's work goes on until it is done (G-40).
    """
    status = pilot_status(tx.session, college, tx.now)
    is_one = status is PilotStatus.PILOT if year is None else was_made_pilot(tx.session, college.id, year, tx.now)
    if not is_one:
        contact = province_contact(tx.session, college.province_code)
        raise NotPermitted("not_a_pilot", rule=rule, status=status.label, contact=contact)
