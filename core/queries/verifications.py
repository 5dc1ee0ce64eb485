"""Verification of identity for its worker and its watchers: what is due, how far a batch has come, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from core.models.accounts import UserAccount
from core.models.candidates import Candidate, IdentityVerification, VerificationBatch, VerificationRequest
from core.queries.accounts import people
from core.rules.permissions import GRANTS
from core.rules.verification import OPEN, RequestState


@dataclass(frozen=True, slots=True)
class Progress:
    """One batch under way: of asked candidates so many have their answer; trouble: the newest one's word, or ""."""

    batch_id: int
    asked_at: datetime
    asked_by: str
    asked: int
    answered: int
    trouble: str


def is_due(now: datetime) -> ColumnElement[bool]:
    """Waiting and its time has come, or asked by a worker whose lease is over."""
    return or_(
        and_(VerificationRequest.state == RequestState.WAITING, VerificationRequest.next_attempt_at <= now),
        and_(VerificationRequest.state == RequestState.ASKING, VerificationRequest.lease_until <= now),
    )


def is_anything_due(session: Session, now: datetime) -> bool:
    """A cheap look before taking the write lock."""
    return session.scalar(select(VerificationRequest.id).where(is_due(now)).limit(1)) is not None


def is_any_batch_over(session: Session) -> bool:
    """True where the last candidate of a batch was deleted or changed, so that no answer will finish it."""
    still_open = exists().where(VerificationRequest.batch_id == VerificationBatch.id, is_open())
    over = select(VerificationBatch.id).where(VerificationBatch.finished_at.is_(None), ~still_open)
    return session.scalar(over.limit(1)) is not None


def is_open() -> ColumnElement[bool]:
    """Not answered yet."""
    return VerificationRequest.state.in_(OPEN)


def being_checked(session: Session, candidate_ids: Sequence[int]) -> set[int]:
    """Those of the candidates who are 认证中."""
    wanted = select(VerificationRequest.candidate_id).where(
        VerificationRequest.candidate_id.in_(candidate_ids), is_open()
    )
    return set(session.scalars(wanted))


def last_reasons(session: Session, candidate_ids: Sequence[int]) -> dict[int, str]:
    """Candidate id to what was said when the identity was checked last, a code of WHY or a person's note."""
    newest = (
        select(func.max(IdentityVerification.id))
        .where(IdentityVerification.candidate_id.in_(candidate_ids))
        .group_by(IdentityVerification.candidate_id)
    )
    found = select(IdentityVerification.candidate_id, IdentityVerification.reason)
    return dict(session.execute(found.where(IdentityVerification.id.in_(newest))).all())


def progress(session: Session, college_id: int) -> list[Progress]:
    """The batches of a college that are under way, the newest first."""
    open_count = func.count(VerificationRequest.id)
    found = session.execute(
        select(VerificationBatch, open_count, func.max(VerificationRequest.trouble), UserAccount.real_name)
        .join(VerificationRequest, and_(VerificationRequest.batch_id == VerificationBatch.id, is_open()))
        .outerjoin(UserAccount, UserAccount.id == VerificationBatch.asked_by)
        .where(VerificationBatch.college_id == college_id, VerificationBatch.finished_at.is_(None))
        .group_by(VerificationBatch.id, UserAccount.real_name)
        .order_by(VerificationBatch.id.desc())
    )
    return [
        Progress(batch.id, batch.asked_at, who or "", batch.asked_count, batch.asked_count - left, trouble or "")
        for batch, left, trouble, who in found
    ]


def vouchers(session: Session, college_id: int) -> dict[int, str]:
    """Account id to name of everybody of a college who may confirm by hand."""
    roles = [role for role, _ in GRANTS["edit_candidates"]]
    staff = people(*roles).where(UserAccount.college_id == college_id)
    found = select(UserAccount.id, UserAccount.real_name).where(UserAccount.id.in_(staff)).order_by(UserAccount.id)
    return dict(session.execute(found).all())


def shared_photos(session: Session, hashes: Sequence[str]) -> set[str]:
    """Those of the pictures that more than one candidate of the platform has."""
    counted = select(Candidate.photo_hash).where(Candidate.photo_hash.in_(hashes)).group_by(Candidate.photo_hash)
    return {found for found in session.scalars(counted.having(func.count(Candidate.id) > 1)) if found}


def overdue(session: Session, since: datetime) -> int:
    """Candidates who have waited for an answer since before then."""
    asked = select(VerificationBatch.id).where(VerificationBatch.asked_at < since)
    late = select(func.count(VerificationRequest.id)).where(is_open(), VerificationRequest.batch_id.in_(asked))
    return session.scalar(late) or 0


def next_asking_at(session: Session, now: datetime) -> datetime | None:
    """The next instant at which a question is put again."""
    ahead = select(func.min(VerificationRequest.next_attempt_at)).where(
        VerificationRequest.state == RequestState.WAITING, VerificationRequest.next_attempt_at > now
    )
    return session.scalar(ahead)
