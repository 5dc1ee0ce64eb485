"""Windows of declaration plans, and the end of the year's quota."""

from __future__ import annotations

from core import clock
from core.queries.lapses import colleges_about_to_lose
from core.queries.pilots import declaration_plans_due, years_to_lapse
from core.rules.pilots import lapse_rung
from core.usecases import declarations, lapses
from jobs.due import each


def pass_edges() -> None:
    """T-01, T-02, M-06."""
    due = declaration_plans_due(clock.now())
    each("declaration edge", due, lambda tx, ident: declarations.pass_declaration_edge(tx, plan_id=ident))


def remind() -> None:
    """M-07, T-22: sixty, thirty and seven days before 31 December."""
    today = clock.business_today()
    if lapse_rung(today) is not None:
        losers = colleges_about_to_lose(today.year)
        each("quota reminder", losers, lambda tx, ident: lapses.remind_of_lapse(tx, college_id=ident))


def lapse() -> None:
    """T-03: the year has ended, what was not used is void."""
    year = clock.business_today().year
    each("quota lapse", years_to_lapse(year), lambda tx, _: lapses.end_year(tx, before_year=year))
