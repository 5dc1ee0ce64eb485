"""Where a signing ceremony stands, for the pages around it: what it covers, whose it is, and what is still waiting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.certificates import CertificateIssuance, SigningItem, SigningRecord, SigningSession
from core.models.plans import ExamPlan
from core.queries.accounts import secret_hash
from core.queries.certificates import pending_for, waiting_count
from core.rules.certificates import (
    ISSUANCE,
    OPEN_SIGNING,
    IssuanceState,
    Party,
    SigningDecision,
    SigningState,
    signing_is_open,
)


@dataclass(frozen=True, slots=True)
class CeremonyView:
    """A ceremony as its pages show it; state is what the clock makes of it, whether a job has recorded that or not."""

    id: int
    account_id: int
    plan_id: int
    plan_no: str
    plan_name: str
    party: Party
    state: SigningState
    count: int
    opened_at: datetime
    expires_at: datetime
    signed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """True while it can still be signed."""
        return self.state in OPEN_SIGNING


def ceremony_of(session: Session, token: str, now: datetime) -> CeremonyView | None:
    """The ceremony this token opens, whoever asks; None for a token nobody was given."""
    row = session.execute(
        select(SigningSession, ExamPlan.plan_no, ExamPlan.name)
        .join(ExamPlan, ExamPlan.id == SigningSession.plan_id)
        .where(SigningSession.token_hash == secret_hash(token))
    ).one_or_none()
    if row is None:
        return None
    held, plan_no, plan_name = row
    is_over = held.state in OPEN_SIGNING and not signing_is_open(held.state, held.created_at, now)
    return CeremonyView(
        id=held.id,
        account_id=held.account_id,
        plan_id=held.plan_id,
        plan_no=plan_no,
        plan_name=plan_name,
        party=held.party,
        state=SigningState.EXPIRED if is_over else held.state,
        count=held.item_count,
        opened_at=held.created_at,
        expires_at=held.expires_at,
        signed_at=held.signed_at,
    )


def refusable(session: Session, ceremony_id: int, party: Party) -> list[int]:
    """Ids of what a ceremony shows that may still be sent back; what the TEO refused once waits for the TEO itself."""
    action = "reject_as_teo" if party is Party.TEO else "reject_as_college"
    return list(
        session.scalars(
            select(CertificateIssuance.id)
            .join(SigningItem, SigningItem.issuance_id == CertificateIssuance.id)
            .where(
                SigningItem.session_id == ceremony_id,
                CertificateIssuance.version == SigningItem.issuance_version,
                CertificateIssuance.state.in_(ISSUANCE.sources(action)),
            )
            .order_by(CertificateIssuance.id)
        )
    )


def waiting_now(session: Session, actor: Actor, plan_id: int, party: Party) -> int:
    """How many of a plan wait for this person's organisation at this moment."""
    return waiting_count(session, pending_for(party, plan_id, org_id=actor.org_id, college_id=actor.college_id))


def sent_back(session: Session, ceremony_id: int) -> int:
    """How many of a ceremony its own signer has refused since it was opened."""
    return (
        session.scalar(
            select(func.count(SigningRecord.id))
            .join(SigningItem, SigningItem.issuance_id == SigningRecord.issuance_id)
            .join(SigningSession, SigningSession.id == SigningItem.session_id)
            .where(
                SigningSession.id == ceremony_id,
                SigningSession.state == SigningState.CANCELLED,
                SigningRecord.decision == SigningDecision.REJECT,
                SigningRecord.actor_id == SigningSession.account_id,
                SigningRecord.at >= SigningSession.created_at,
            )
        )
        or 0
    )


def being_made(session: Session, ceremony_id: int) -> int:
    """How many of a signed ceremony are already on their way through the printer, or out of it."""
    return (
        session.scalar(
            select(func.count(CertificateIssuance.id))
            .join(SigningItem, SigningItem.issuance_id == CertificateIssuance.id)
            .where(
                SigningItem.session_id == ceremony_id,
                CertificateIssuance.state.in_([IssuanceState.GENERATING, IssuanceState.ISSUED]),
            )
        )
        or 0
    )
