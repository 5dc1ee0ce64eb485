"""Issuances waiting for somebody's word, and the batches they form: one plan, one college."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.certificates import Certificate, CertificateIssuance, SigningSession
from core.models.plans import ExamPlan
from core.rules.certificates import OPEN_SIGNING, IssuanceState, Party
from core.rules.organisations import Role


@dataclass(frozen=True, slots=True)
class SigningBatch:
    """What one person is asked to sign at once: numbers and plan only."""

    plan_id: int
    plan_no: str
    plan_name: str
    party: Party
    college_id: int | None
    count: int


def waiting_for_college() -> ColumnElement[bool]:
    """考核站点待签发, and what the college refused once and the TEO has handled (D-18)."""
    return or_(
        CertificateIssuance.state == IssuanceState.SITE_PENDING,
        and_(
            CertificateIssuance.state == IssuanceState.SITE_REJECTED, CertificateIssuance.is_rejection_handled.is_(True)
        ),
    )


def waiting_for_teo() -> ColumnElement[bool]:
    """培训评价组织待签发, and what the TEO itself refused and may sign after mending the cause."""
    return CertificateIssuance.state.in_([IssuanceState.TEO_PENDING, IssuanceState.TEO_REJECTED])


def pending_for(
    party: Party, plan_id: int, *, org_id: int | None = None, college_id: int | None = None
) -> ColumnElement[bool]:
    """The issuances of a plan that wait for this party of this organisation."""
    if party is Party.TEO:
        return and_(waiting_for_teo(), CertificateIssuance.plan_id == plan_id, CertificateIssuance.org_id == org_id)
    return and_(
        waiting_for_college(), CertificateIssuance.plan_id == plan_id, CertificateIssuance.college_id == college_id
    )


def ready_to_order(plan_id: int) -> ColumnElement[bool]:
    """The issuances of a plan that both have signed and nobody has ordered (R-242)."""
    return and_(
        CertificateIssuance.plan_id == plan_id,
        CertificateIssuance.state == IssuanceState.READY,
        CertificateIssuance.is_generation_ordered.is_(False),
    )


def signing_batches(session: Session, actor: Actor) -> list[SigningBatch]:
    """Everything that waits for this person's signature, a row per plan (and college)."""
    found: list[SigningBatch] = []
    if actor.college_id and actor.roles & {Role.SIGNATORY, Role.SIGN_REVIEWER}:
        mine = and_(waiting_for_college(), CertificateIssuance.college_id == actor.college_id)
        found += _batches(session, Party.COLLEGE, mine, actor.college_id)
    if actor.org_id and Role.TEO in actor.roles:
        found += _batches(session, Party.TEO, and_(waiting_for_teo(), CertificateIssuance.org_id == actor.org_id), None)
    return found


def _batches(session: Session, party: Party, where: ColumnElement[bool], college_id: int | None) -> list[SigningBatch]:
    rows = session.execute(
        select(ExamPlan.id, ExamPlan.plan_no, ExamPlan.name, func.count(CertificateIssuance.id))
        .join(CertificateIssuance, CertificateIssuance.plan_id == ExamPlan.id)
        .where(where)
        .group_by(ExamPlan.id, ExamPlan.plan_no, ExamPlan.name)
        .order_by(ExamPlan.plan_no)
    ).all()
    return [SigningBatch(row[0], row[1], row[2], party, college_id, row[3]) for row in rows]


def waiting_count(session: Session, where: ColumnElement[bool]) -> int:
    """How many issuances a condition finds."""
    return session.scalar(select(func.count(CertificateIssuance.id)).where(where)) or 0


def fingerprint(pairs: Sequence[tuple[int, int]]) -> str:
    """What exactly is put before a signer: every issuance at its version, as one hash."""
    text = ",".join(f"{ident}:{version}" for ident, version in sorted(pairs))
    return hashlib.sha256(text.encode()).hexdigest()


def batch_version(session: Session, where: ColumnElement[bool]) -> int:
    """The fingerprint of a batch as a number that fits a button."""
    rows = session.execute(select(CertificateIssuance.id, CertificateIssuance.version).where(where)).all()
    return int(fingerprint([(a, b) for a, b in rows])[:7], 16)


def certificate_by_number(session: Session, certificate_no: str) -> Certificate | None:
    """An issued certificate; who asks must know the ID number too (R-247), which the caller compares."""
    return session.scalar(select(Certificate).where(Certificate.certificate_no == certificate_no))


def issuances_to_generate() -> Select[int]:
    """Ids that wait for their certificate, oldest first; a bounded bite, the next tick takes the next."""
    return (
        select(CertificateIssuance.id)
        .where(CertificateIssuance.state == IssuanceState.GENERATING)
        .order_by(CertificateIssuance.id)
        .limit(500)
    )


def signings_to_expire(now: datetime) -> Select[int]:
    """Ids of open ceremonies whose time is over (T-19)."""
    return select(SigningSession.id).where(SigningSession.state.in_(OPEN_SIGNING), SigningSession.expires_at < now)
