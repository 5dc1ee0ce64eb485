"""申报计划: drafted, published, changed before its start, extended after, told about by the clock (R-023…R-028)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from core.db import Tx
from core.errors import IllegalMove, ValueRefused
from core.models.catalogue import CertificateType
from core.models.organisations import EducationAuthority
from core.models.pilots import DeclarationPlan
from core.notifications.message import Message
from core.notifications.pilots import (
    DeclarationClosed,
    DeclarationClosing,
    DeclarationComing,
    DeclarationExtended,
    DeclarationOpened,
)
from core.queries.applications import has_applications
from core.queries.pilots import colleges_of
from core.rules.permissions import permit
from core.rules.pilots import (
    DECLARATION_PLAN,
    NOTICE,
    CertificateScope,
    DeclarationEdge,
    DeclarationPhase,
    DeclarationState,
    declaration_edges,
    declaration_phase,
    next_declaration_edge,
)
from core.rules.reasons import require_tellable
from core.usecases.edits import set_only

EDITABLE_DECLARATION = frozenset({
    "year", "batch_name", "apply_opens_at", "apply_closes_at", "notes",
    "by_major_required", "city_review_required", "final_review_required",
})  # fmt: skip
CHANGEABLE_DECLARATION = EDITABLE_DECLARATION - {"year", "batch_name"}  # by these two the colleges know it
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
    plan = _draft(tx, plan_id, "edit")
    set_only(plan, EDITABLE_DECLARATION, changes)
    plan.apply_window.require_order(rule="R-026")
    _set_scope(tx, plan, certificate_ids)
    tx.session.flush()
    return plan


def delete_declaration_plan(tx: Tx, *, plan_id: int) -> None:
    """Only a draft: what colleges have seen stays (§3.1)."""
    tx.delete(_draft(tx, plan_id, "delete"))


def _draft(tx: Tx, plan_id: int, action: str) -> DeclarationPlan:
    plan = tx.lock(DeclarationPlan, plan_id)
    permit(tx.actor, "edit_declaration_plan", plan)
    if plan.state is not DeclarationState.DRAFT:
        raise IllegalMove(thing=DECLARATION_PLAN.name, state=plan.state.label, action=action)
    return plan


def change_declaration_plan(
    tx: Tx, *, plan_id: int, certificate_ids: Sequence[int] | None = None, **changes: object
) -> DeclarationPlan:
    """A published plan that has not started: window, scope, switches and notes may still change (§3.1, R-026)."""
    plan = tx.lock(DeclarationPlan, plan_id)
    permit(tx.actor, "edit_declaration_plan", plan)
    phase = _phase(tx, plan)
    # The lock may have been waited for past the opening, and a college may have been quicker.
    if phase is not DeclarationPhase.NOT_STARTED or has_applications(tx.session, plan.id):
        raise IllegalMove("declaration_started", rule="§3.1", state=phase.label)
    set_only(plan, CHANGEABLE_DECLARATION, changes)
    plan.apply_window.require_order(rule="R-026")
    _require_end_ahead(tx, plan)
    _set_scope(tx, plan, certificate_ids)
    plan.next_edge_at = _first_edge(tx, plan)
    tx.because(plan, "change")
    tx.session.flush()
    return plan


def extend_declaration_plan(
    tx: Tx, *, plan_id: int, closes_at: datetime, reason: str, certificate_ids: Sequence[int] | None = None
) -> DeclarationPlan:
    """A later end for a plan that is open or over, with a reason the colleges hear (§3.1).

    What was returned may be mended again, because the window is open again. certificate_ids None leaves the scope,
    an empty list opens all certificates; once somebody has applied the scope only grows (R-028).
    """
    words = require_tellable(reason, rule="§3.1")
    plan = tx.lock(DeclarationPlan, plan_id)
    permit(tx.actor, "edit_declaration_plan", plan)
    phase = _phase(tx, plan)
    if phase not in (DeclarationPhase.OPEN, DeclarationPhase.CLOSED):
        raise IllegalMove("declaration_not_started", rule="§3.1", state=phase.label)
    if closes_at <= plan.apply_closes_at:
        raise ValueRefused("only_later_end", rule="§3.1", closes_at=plan.apply_closes_at)
    if phase is DeclarationPhase.CLOSED and plan.ended_first_at is None:
        plan.ended_first_at = plan.apply_closes_at
    plan.apply_closes_at = closes_at
    _require_end_ahead(tx, plan)
    if certificate_ids is not None:
        _grow_scope(tx, plan, certificate_ids)
    if plan.next_edge_at is None or plan.next_edge_at > tx.now:  # an edge that waits to be told keeps its turn
        plan.next_edge_at = next_declaration_edge(plan.apply_window, tx.now)
    tx.because(plan, "extend", words)
    tx.notify(DeclarationExtended(plan.id, closes_at.isoformat(), words))
    return plan


def _phase(tx: Tx, plan: DeclarationPlan) -> DeclarationPhase:
    return declaration_phase(plan.state, plan.apply_window, tx.now)


def _require_end_ahead(tx: Tx, plan: DeclarationPlan) -> None:
    if plan.apply_window.over(tx.now):
        raise ValueRefused("end_already_past", rule="§3.1", closes_at=plan.apply_closes_at)


def _grow_scope(tx: Tx, plan: DeclarationPlan, certificate_ids: Sequence[int]) -> None:
    is_narrower = bool(certificate_ids) and (
        plan.scope is CertificateScope.ALL or not {one.id for one in plan.certificates} <= set(certificate_ids)
    )
    if is_narrower and has_applications(tx.session, plan.id):
        raise ValueRefused("scope_only_grows", rule="R-028")
    _set_scope(tx, plan, certificate_ids)


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
    tx.advance(plan, DECLARATION_PLAN, "publish", announced_until=tx.now, next_edge_at=_first_edge(tx, plan))
    return plan


def _first_edge(tx: Tx, plan: DeclarationPlan) -> datetime:
    """When the colleges first hear of a published plan: three days before it opens, or at once."""
    return max(plan.apply_opens_at - NOTICE, tx.now)


def pass_declaration_edge(tx: Tx, *, plan_id: int) -> None:
    """T-01, T-02, M-06: tell the province's colleges what the clock has made true, and note when to look again."""
    plan = tx.lock(DeclarationPlan, plan_id)
    if plan.next_edge_at is None or plan.next_edge_at > tx.now:
        return
    for message in _news(tx, plan):
        tx.notify(message)
    plan.announced_until = tx.now
    plan.next_edge_at = next_declaration_edge(plan.apply_window, tx.now)
    tx.because(plan, "pass_edge")
    tx.session.flush()


def _news(tx: Tx, plan: DeclarationPlan) -> Iterator[Message]:
    """What the latest edge says; of earlier ones a late job tells nothing, and nothing of an end long past."""
    passed = [pair for pair in declaration_edges(plan.apply_window) if pair[0] <= tx.now]
    instant, edge = passed[-1] if passed else (tx.now, None)
    if edge is DeclarationEdge.COMING:
        yield DeclarationComing(plan.id, plan.apply_opens_at.isoformat())
    elif edge is DeclarationEdge.CLOSING and (plan.announced_until or tx.now) < instant:
        for college_id in tx.all(colleges_of(plan.province_code)):
            yield DeclarationClosing(plan.id, college_id, plan.apply_closes_at.isoformat())
    elif edge in (DeclarationEdge.OPENS, DeclarationEdge.CLOSING):  # published only now, its end near: it has opened
        yield DeclarationOpened(plan.id)
    elif edge is DeclarationEdge.CLOSED and tx.now - plan.apply_closes_at < STILL_NEWS:
        yield DeclarationClosed(plan.id, plan.apply_closes_at.isoformat())
