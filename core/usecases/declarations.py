"""申报计划: drafted, published, changed before its start, extended after, told about by the clock (R-023…R-028)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.db import Tx
from core.errors import IllegalMove, ValueRefused
from core.models.catalogue import CertificateType
from core.models.organisations import EducationAuthority
from core.models.pilots import DeclarationPlan
from core.notifications.pilots import DeclarationClosed, DeclarationOpened
from core.rules.permissions import permit
from core.rules.pilots import DECLARATION_PLAN, CertificateScope, DeclarationState
from core.usecases.edits import set_only

EDITABLE_DECLARATION = frozenset({
    "year", "batch_name", "apply_opens_at", "apply_closes_at", "notes",
    "by_major_required", "city_review_required", "final_review_required",
})  # fmt: skip
STILL_NEWS = timedelta(days=2)  # an edge noticed later than this is recorded, but nobody needs telling


def draft_declaration_plan(
    tx: Tx,
    *,
    authority_id: int,
    year: int,
    batch_name: str,
    opens_at: datetime,
    closes_at: datetime,
    by_major_required: bool = False,
    city_review_required: bool = False,
    final_review_required: bool = False,
    certificate_ids: Sequence[int] | None = None,
    notes: str = "",
) -> DeclarationPlan:
    """A province's plan, not yet seen by colleges; certificate_ids None opens all certificates (R-028)."""
    authority = tx.get(EducationAuthority, authority_id)
    plan = DeclarationPlan(
        authority_id=authority_id,
        authority=authority,
        year=year,
        batch_name=batch_name.strip(),
        apply_opens_at=opens_at,
        apply_closes_at=closes_at,
        by_major_required=by_major_required,
        city_review_required=city_review_required,
        final_review_required=final_review_required,
        notes=notes,
    )
    permit(tx.actor, "edit_declaration_plan", plan)
    plan.apply_window.require_order(rule="R-026")
    _set_scope(tx, plan, certificate_ids)
    return tx.add(plan)


def edit_declaration_plan(
    tx: Tx, *, plan_id: int, certificate_ids: Sequence[int] | None = None, **changes: object
) -> DeclarationPlan:
    """Change a draft; a published plan has been read by colleges and stays as it is."""
    plan = tx.get(DeclarationPlan, plan_id)
    permit(tx.actor, "edit_declaration_plan", plan)
    if plan.state is not DeclarationState.DRAFT:
        raise IllegalMove(thing=DECLARATION_PLAN.name, state=plan.state.label, action="edit")
    set_only(plan, EDITABLE_DECLARATION, changes)
    plan.apply_window.require_order(rule="R-026")
    _set_scope(tx, plan, certificate_ids)
    tx.session.flush()
    return plan


def _set_scope(tx: Tx, plan: DeclarationPlan, certificate_ids: Sequence[int] | None) -> None:
    chosen = certificate_ids or []
    plan.scope = CertificateScope.PART if chosen else CertificateScope.ALL
    plan.certificates = [tx.get(CertificateType, ident) for ident in chosen]


def publish_declaration_plan(tx: Tx, *, plan_id: int) -> DeclarationPlan:
    """Colleges see it from now on; its end must still lie ahead (§3.1)."""
    plan = tx.get(DeclarationPlan, plan_id)
    permit(tx.actor, "edit_declaration_plan", plan)
    plan.apply_window.require_order(rule="R-026")
    if plan.apply_window.over(tx.now):
        raise ValueRefused("window_already_over", rule="§3.1", window=plan.apply_window.name)
    tx.advance(plan, DECLARATION_PLAN, "publish", announced_until=tx.now, next_edge_at=max(plan.apply_opens_at, tx.now))
    return plan


def pass_declaration_edge(tx: Tx, *, plan_id: int) -> None:
    """T-01, T-02: tell the province's colleges what the clock has made true, and note when to look again."""
    plan = tx.lock(DeclarationPlan, plan_id)
    if plan.next_edge_at is None or plan.next_edge_at > tx.now:
        return
    window = plan.apply_window
    if window.contains(tx.now):
        tx.notify(DeclarationOpened(plan.id))
        plan.next_edge_at = window.closed_from
    elif window.over(tx.now):
        if tx.now - window.closes_at < STILL_NEWS:
            tx.notify(DeclarationClosed(plan.id))
        plan.next_edge_at = None
    else:
        plan.next_edge_at = window.opens_at
    plan.announced_until = tx.now
    tx.because(plan, "pass_edge")
    tx.session.flush()
