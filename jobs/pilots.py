"""Windows of declaration plans, and the end of the year's quota."""

from __future__ import annotations

from core import clock
from core.queries.pilots import declaration_plans_due, years_to_lapse
from core.usecases import declarations, quotas
from jobs.due import each


def pass_edges() -> None:
    """T-01, T-02."""
    due = declaration_plans_due(clock.now())
    each("declaration edge", due, lambda tx, ident: declarations.pass_declaration_edge(tx, plan_id=ident))


def lapse() -> None:
    """T-03: the year has ended, what was not used is void."""
    year = clock.business_today().year
    each("quota lapse", years_to_lapse(year), lambda tx, _: quotas.lapse_quotas(tx, before_year=year))
