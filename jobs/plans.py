"""Windows of exam plans, and the ladder of reminders to their ends."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from core.queries.plans import plans_closing_entry, plans_closing_registration, plans_due, plans_in_publication
from core.usecases import plans
from jobs.due import each


def pass_edges() -> None:
    """T-04…T-07, T-12…T-16."""
    each("plan edge", plans_due(clock.now()), lambda tx, ident: plans.pass_plan_edges(tx, plan_id=ident))


def remind() -> None:
    """M-11: three days, one day, two hours before registration closes; M-21, M-23."""
    now = clock.now()
    soon = plans_closing_registration(now, now + timedelta(hours=max(plans.RUNGS)))
    each("registration reminder", soon, lambda tx, ident: plans.remind_of_registration(tx, plan_id=ident))
    each("score reminder", plans_closing_entry(now), lambda tx, ident: plans.remind_of_scores(tx, plan_id=ident))
    each("review reminder", plans_in_publication(now), lambda tx, ident: plans.remind_of_review(tx, plan_id=ident))
