"""The year's end: reminders of quota nobody has used, and the word that it is gone (M-07, T-03)."""

from __future__ import annotations

from core import clock
from core.db import Tx
from core.notifications.quotas import QuotaLapsed, QuotaLapsing
from core.queries.lapses import colleges_about_to_lose, unused_places
from core.rules.pilots import lapse_rung
from core.usecases.quotas import lapse_quotas


def remind_of_lapse(tx: Tx, *, college_id: int) -> int:
    """M-07: the rung of the ladder this business day has reached, told to a college once; returns new messages."""
    today = clock.local(tx.now).date()
    rung = lapse_rung(today)
    if rung is None or not unused_places(tx.session, college_id, today.year):
        return 0
    return tx.notify(QuotaLapsing(college_id, today.year, rung))


def end_year(tx: Tx, *, before_year: int) -> int:
    """T-03: what earlier years left unused is void; whoever lost some of the year just ended is told what (R-019).

    Returns how many quotas lapsed. What still lived from years before that one goes without a word.
    """
    ended = before_year - 1
    losers = tx.all(colleges_about_to_lose(ended))
    lapsed = lapse_quotas(tx, before_year=before_year)
    for college_id in losers:
        tx.notify(QuotaLapsed(college_id, ended))
    return lapsed
