"""Issuance, the two signatures, and the certificate that comes of them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.accounts import UserAccount
from core.models.base import Base, Hash, Name, Record, Words, belongs, is_in, one_living, part_of
from core.models.catalogue import CertificateType
from core.models.plans import ExamPlan
from core.models.registrations import Registration
from core.models.scores import CertificateResult
from core.models.sites import ExamSite
from core.rules.certificates import (
    OPEN_SIGNING,
    IssuanceState,
    IssueMethod,
    Party,
    SigningDecision,
    SigningState,
)


class CertificateIssuance(Record):
    """证书发放 (§2.34); exactly one per passed result (R-228, R-250)."""

    __tablename__ = "certificate_issuances"

    result_id: Mapped[int] = mapped_column(ForeignKey("certificate_results.id", ondelete="RESTRICT"), unique=True)
    registration_id: Mapped[int] = belongs("registrations.id")
    plan_id: Mapped[int] = belongs("exam_plans.id", index=False)
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    site_id: Mapped[int] = belongs("exam_sites.id")
    college_id: Mapped[int] = belongs("colleges.id", index=False)
    org_id: Mapped[int] = belongs("evaluation_orgs.id", index=False)
    certificate_no: Mapped[str] = mapped_column(String(40), unique=True)
    issue_method: Mapped[IssueMethod | None]
    issued_on: Mapped[date | None]
    state: Mapped[IssuanceState] = mapped_column(default=IssuanceState.TEO_PENDING)
    is_rejection_handled: Mapped[bool] = mapped_column(default=False)
    rejection_note: Mapped[Words] = mapped_column(default="")
    is_generation_ordered: Mapped[bool] = mapped_column(default=False)
    failure_code: Mapped[str | None] = mapped_column(String(60))

    result: Mapped[CertificateResult] = relationship()
    registration: Mapped[Registration] = relationship()
    plan: Mapped[ExamPlan] = relationship()
    certificate: Mapped[CertificateType] = relationship()
    site: Mapped[ExamSite] = relationship()
    signings: Mapped[list[SigningRecord]] = relationship(
        back_populates="issuance", passive_deletes="all", order_by="SigningRecord.id"
    )
    document: Mapped[Certificate | None] = relationship(back_populates="issuance", passive_deletes="all")

    __table_args__ = (
        Index("ix_certificate_issuances_batch", "plan_id", "college_id", "state"),
        Index("ix_certificate_issuances_org", "org_id", "state"),
        CheckConstraint(
            "state NOT IN ('generating', 'issued', 'stamp_failed')"
            " OR (issue_method IS NOT NULL AND issued_on IS NOT NULL)",
            name="generation_has_method",
        ),
        CheckConstraint(
            f"({is_in('state', [IssuanceState.STAMP_FAILED])}) = (failure_code IS NOT NULL)", name="failure_has_code"
        ),
    )


class SigningSession(Record):
    """在线签名 (§3.19): one ceremony over a fixed set of issuances; the set's fingerprint is what is signed.

    stepped_up_at: when the signer's second factor was seen in this ceremony.
    """

    __tablename__ = "signing_sessions"
    __private__ = frozenset({"token_hash", "hand_signature"})

    party: Mapped[Party]
    account_id: Mapped[int] = belongs("user_accounts.id")
    plan_id: Mapped[int] = belongs("exam_plans.id")
    college_id: Mapped[int | None] = belongs("colleges.id", nullable=True)
    org_id: Mapped[int] = belongs("evaluation_orgs.id")
    token_hash: Mapped[Hash] = mapped_column(unique=True)
    item_count: Mapped[int]
    fingerprint: Mapped[Hash]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    stepped_up_at: Mapped[datetime | None]
    state: Mapped[SigningState] = mapped_column(default=SigningState.CREATED)
    signed_at: Mapped[datetime | None]
    hand_signature: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    signature_hash: Mapped[str | None] = mapped_column(String(64))

    account: Mapped[UserAccount] = relationship()
    plan: Mapped[ExamPlan] = relationship()
    items: Mapped[list[SigningItem]] = relationship(back_populates="session", cascade="all, delete-orphan")

    __table_args__ = (
        CheckConstraint("item_count > 0", name="signs_something"),
        CheckConstraint(
            f"({is_in('state', [SigningState.SIGNED])}) = (hand_signature IS NOT NULL)", name="signed_by_hand"
        ),
        one_living(
            "uq_signing_sessions_open",
            "account_id",
            "plan_id",
            "party",
            where=is_in("state", OPEN_SIGNING),
        ),
    )


class SigningItem(Base):
    """One issuance in a ceremony, at the version the signer was shown."""

    __tablename__ = "signing_items"
    __audited__ = False  # the session's fingerprint covers them

    session_id: Mapped[int] = part_of("signing_sessions.id")
    issuance_id: Mapped[int] = belongs("certificate_issuances.id")
    issuance_version: Mapped[int]

    session: Mapped[SigningSession] = relationship(back_populates="items")
    issuance: Mapped[CertificateIssuance] = relationship()

    __table_args__ = (UniqueConstraint("session_id", "issuance_id"),)


class SigningRecord(Base):
    """签发记录: who said what of one issuance (R-234…R-238); never changed.

    principal_id, principal_name: for whom somebody else has signed (R-240, chat.md), None and "" for oneself.
    """

    __tablename__ = "signing_records"

    issuance_id: Mapped[int] = belongs("certificate_issuances.id")
    party: Mapped[Party]
    decision: Mapped[SigningDecision]
    actor_id: Mapped[int] = belongs("user_accounts.id")
    signer_name: Mapped[Name]
    principal_id: Mapped[int | None] = belongs("user_accounts.id", nullable=True, index=False)
    principal_name: Mapped[Name] = mapped_column(default="", server_default="")
    session_id: Mapped[int | None] = belongs("signing_sessions.id", nullable=True)
    reason: Mapped[Words] = mapped_column(default="")
    channel: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]

    issuance: Mapped[CertificateIssuance] = relationship(back_populates="signings")

    __table_args__ = (
        CheckConstraint("decision <> 'reject' OR length(reason) > 0", name="reject_has_reason"),
        CheckConstraint("decision <> 'approve' OR session_id IS NOT NULL", name="approve_has_signature"),
        one_living("uq_signing_records_approval", "issuance_id", "party", where="decision = 'approve'"),
        CheckConstraint("(principal_id IS NULL) = (principal_name = '')", name="principal_has_name"),
    )

    @property
    def signer(self) -> str:
        """乙 代 甲 where somebody signed for another one, else the signer."""
        return f"{self.signer_name} 代 {self.principal_name}" if self.principal_name else self.signer_name


class Certificate(Record):
    """证书: the sealed PDF, made once (R-241, §2.35)."""

    __tablename__ = "certificates"

    issuance_id: Mapped[int] = mapped_column(ForeignKey("certificate_issuances.id", ondelete="RESTRICT"), unique=True)
    certificate_no: Mapped[str] = mapped_column(String(40), unique=True)
    storage_key: Mapped[Name]
    sha256: Mapped[Hash]
    template_version: Mapped[str] = mapped_column(String(20))
    sealed_at: Mapped[datetime]

    issuance: Mapped[CertificateIssuance] = relationship(back_populates="document")
