"""How far the certificates of exam plans are, as numbers, and what was said when one was refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.certificates import CertificateIssuance, SigningRecord
from core.models.organisations import College, ElectronicSeal, EvaluationOrg
from core.queries.certificates import pending_for
from core.queries.scoping import visible
from core.rules.certificates import IssuanceState, Party, SigningDecision
from core.rules.organisations import SealState
from core.rules.permissions import has_role


@dataclass(frozen=True, slots=True)
class PlanNumbers:
    """A plan's issuances in this person's scope: by state, and how many of them wait for this person's signature."""

    by_state: dict[IssuanceState, int] = field(default_factory=dict)
    for_me: int = 0
    unhandled: int = 0  # refused by a college, not yet handled by the TEO

    @property
    def total(self) -> int:
        """Every certificate of the plan."""
        return sum(self.by_state.values())

    def of(self, *states: IssuanceState) -> int:
        """How many stand in one of these states."""
        return sum(self.by_state.get(state, 0) for state in states)


def party_of(actor: Actor) -> Party | None:
    """Which of the two parties this person signs for, if any."""
    if actor.org_id is not None and has_role(actor, "sign_as_teo"):
        return Party.TEO
    return Party.COLLEGE if actor.college_id is not None and has_role(actor, "sign_as_college") else None


def numbers_of(session: Session, actor: Actor, plan_ids: Sequence[int]) -> dict[int, PlanNumbers]:
    """Numbers of these plans, in two statements; a plan without issuances has zeros."""
    mine = (visible(CertificateIssuance, actor), CertificateIssuance.plan_id.in_(plan_ids))
    counted = select(
        CertificateIssuance.plan_id,
        CertificateIssuance.state,
        CertificateIssuance.is_rejection_handled,
        func.count(CertificateIssuance.id),
    ).where(*mine)
    states: dict[int, dict[IssuanceState, int]] = defaultdict(lambda: defaultdict(int))
    unhandled: dict[int, int] = defaultdict(int)
    grouped = counted.group_by(
        CertificateIssuance.plan_id, CertificateIssuance.state, CertificateIssuance.is_rejection_handled
    )
    for plan_id, state, is_handled, count in session.execute(grouped):
        states[plan_id][state] += count
        if state is IssuanceState.SITE_REJECTED and not is_handled:
            unhandled[plan_id] += count
    waiting = {ident: _waiting(session, actor, ident) for ident in plan_ids}
    return {ident: PlanNumbers(dict(states[ident]), waiting[ident], unhandled[ident]) for ident in plan_ids}


def _waiting(session: Session, actor: Actor, plan_id: int) -> int:
    party = party_of(actor)
    if party is None:
        return 0
    where = pending_for(party, plan_id, org_id=actor.org_id, college_id=actor.college_id)
    return session.scalar(select(func.count(CertificateIssuance.id)).where(where)) or 0


def refusals_of(session: Session, plan_id: int) -> list[tuple[str, str, int]]:
    """(college, reason, how many) of what colleges have refused and the TEO has not handled, by the latest word."""
    latest = (
        select(func.max(SigningRecord.id))
        .where(SigningRecord.decision == SigningDecision.REJECT, SigningRecord.party == Party.COLLEGE)
        .group_by(SigningRecord.issuance_id)
    )
    found = session.execute(
        select(College.name, SigningRecord.reason, func.count(SigningRecord.id))
        .join(CertificateIssuance, CertificateIssuance.id == SigningRecord.issuance_id)
        .join(College, College.id == CertificateIssuance.college_id)
        .where(
            SigningRecord.id.in_(latest),
            CertificateIssuance.plan_id == plan_id,
            CertificateIssuance.state == IssuanceState.SITE_REJECTED,
            CertificateIssuance.is_rejection_handled.is_(False),
        )
        .group_by(College.name, SigningRecord.reason)
        .order_by(College.name)
    )
    return list(found.all())


def refusing_colleges(session: Session, plan_id: int) -> list[tuple[int, str]]:
    """(id, name) of the colleges whose refusals wait to be handled."""
    refused = select(CertificateIssuance.college_id).where(
        CertificateIssuance.plan_id == plan_id,
        CertificateIssuance.state == IssuanceState.SITE_REJECTED,
        CertificateIssuance.is_rejection_handled.is_(False),
    )
    found = session.execute(select(College.id, College.name).where(College.id.in_(refused)).order_by(College.name))
    return list(found.all())


def has_seal(session: Session, actor: Actor) -> bool:
    """Whether the party this person signs for has a seal in use (R-244, R-260)."""
    if party_of(actor) is Party.TEO:
        wanted = select(EvaluationOrg.id).where(EvaluationOrg.id == actor.org_id, EvaluationOrg.seal_image.is_not(None))
    else:
        wanted = select(ElectronicSeal.id).where(
            ElectronicSeal.college_id == actor.college_id, ElectronicSeal.state == SealState.ACTIVE
        )
    return session.scalar(wanted) is not None
