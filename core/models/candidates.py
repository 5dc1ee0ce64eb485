"""Candidates, their photos and how their identity was checked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import (
    Base,
    Code,
    Hash,
    Mobile,
    Name,
    Record,
    Words,
    belongs,
    is_in,
    one_living,
    only_when,
    part_of,
)
from core.models.organisations import College
from core.rules.candidates import CandidateKind, CandidateState, VerificationMethod, VerificationResult
from core.rules.values import EducationLevel, Gender, IdType
from core.rules.verification import OPEN, RequestState


class Candidate(Record):
    """考生 (§2.18); one per ID type and number on the whole platform (R-077)."""

    __tablename__ = "candidates"

    candidate_no: Mapped[Code] = mapped_column(unique=True)
    kind: Mapped[CandidateKind]
    college_id: Mapped[int] = belongs("colleges.id", index=False)
    name: Mapped[Name]
    name_pinyin: Mapped[Name] = mapped_column(default="")
    gender: Mapped[Gender | None]
    id_type: Mapped[IdType]
    id_number: Mapped[str] = mapped_column(String(32))
    mobile: Mapped[Mobile] = mapped_column(default="")
    enrolment_year: Mapped[int | None]
    education_level: Mapped[EducationLevel | None]
    major_name: Mapped[Name] = mapped_column(default="")
    major_code: Mapped[Code] = mapped_column(default="")
    photo_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    state: Mapped[CandidateState] = mapped_column(default=CandidateState.INCOMPLETE)
    registered_count: Mapped[int] = mapped_column(default=0)
    import_job_id: Mapped[int | None] = belongs("import_jobs.id", nullable=True)

    college: Mapped[College] = relationship()
    photo: Mapped[CandidatePhoto | None] = relationship(back_populates="candidate", passive_deletes="all")

    __table_args__ = (
        UniqueConstraint("id_type", "id_number"),
        Index("ix_candidates_college_state", "college_id", "kind", "state"),
        CheckConstraint("registered_count >= 0", name="registered_count"),
        CheckConstraint(
            "state NOT IN ('pending_verification', 'needs_manual', 'verified') OR photo_hash IS NOT NULL",
            name="checked_has_photo",
        ),
    )


class CandidatePhoto(Base):
    """The picture itself, apart from the row that lists read."""

    __tablename__ = "candidate_photos"
    __private__ = frozenset({"data"})

    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id", ondelete="CASCADE"), unique=True)
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[Hash]
    width: Mapped[int]
    height: Mapped[int]

    candidate: Mapped[Candidate] = relationship(back_populates="photo")


class IdentityVerification(Base):
    """实名认证记录 (§2.20); written once."""

    __tablename__ = "identity_verifications"

    candidate_id: Mapped[int] = part_of("candidates.id")
    method: Mapped[VerificationMethod]
    result: Mapped[VerificationResult]
    reason: Mapped[Words] = mapped_column(default="")
    actor_id: Mapped[int | None] = belongs("user_accounts.id", nullable=True)
    at: Mapped[datetime]

    __table_args__ = (CheckConstraint("method <> 'manual' OR length(reason) > 0", name="by_hand_has_note"),)


class VerificationBatch(Base):
    """认证 pressed once: who asked for how many; finished_at when the last of them has its answer."""

    __tablename__ = "verification_batches"

    college_id: Mapped[int] = belongs("colleges.id")
    asked_by: Mapped[int | None] = belongs("user_accounts.id", nullable=True)
    asked_at: Mapped[datetime]
    asked_count: Mapped[int]
    finished_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("asked_count > 0", name="asked"),)


class VerificationRequest(Base):
    """One question about one candidate; about holds the fingerprint of what was asked, so that no answer is misread."""

    __tablename__ = "verification_requests"
    __audited__ = False  # the batch, the record of §2.20 and the candidate's states are its trail

    candidate_id: Mapped[int] = part_of("candidates.id")
    batch_id: Mapped[int] = part_of("verification_batches.id")
    state: Mapped[RequestState] = mapped_column(default=RequestState.WAITING)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    about: Mapped[Hash]
    edited_by: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    trouble: Mapped[Code] = mapped_column(default="")
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        one_living("uq_verification_requests_open", "candidate_id", where=is_in("state", OPEN)),
        Index("ix_verification_requests_due", "state", "next_attempt_at"),
        only_when("asking_has_lease", "lease_until", "state", {RequestState.ASKING}),
        only_when("open_is_unsettled", "settled_at", "state", frozenset(RequestState) - OPEN),
    )


class MergedCandidate(Base):
    """The number of a candidate that was merged into another; it keeps finding the person. Written once."""

    __tablename__ = "merged_candidates"

    candidate_id: Mapped[int] = part_of("candidates.id")
    candidate_no: Mapped[Code] = mapped_column(unique=True)
    merged_at: Mapped[datetime]
    actor_id: Mapped[int | None] = belongs("user_accounts.id", nullable=True)
