"""The opening of the year: declaration plans, pilot applications, reviews and quota."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    String,
    UniqueConstraint,
    and_,
    case,
    cast,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.accounts import UserAccount
from core.models.base import Base, Hash, Name, Record, Words, belongs, part_of, window_check
from core.models.catalogue import CertificateType, Major
from core.models.organisations import College, EducationAuthority
from core.rules.pilots import (
    WITH_CITY,
    ApplicationState,
    CertificateScope,
    DeclarationState,
    PostingKind,
    QuotaState,
    ReviewDecision,
    ReviewStep,
)
from core.rules.windows import Window

AT_CITY = "@city"
# One list of applications per kind of reader; each is walked backwards by id, with and without a state.
APPLICATION_SCOPES = {"college": "college_id", "province": "province_code", "city": "city_code", "org": "org_id"}


class DeclarationPlan(Record):
    """申报计划 (§2.11). next_edge_at: when the clock next changes it, None when it no longer will.

    ended_first_at: the end that had passed when the province opened it again; what it made pilots stay pilots (R-044).
    """

    __tablename__ = "declaration_plans"

    authority_id: Mapped[int] = belongs("education_authorities.id")
    year: Mapped[int]
    batch_name: Mapped[Name]
    apply_opens_at: Mapped[datetime]
    apply_closes_at: Mapped[datetime]
    by_major_required: Mapped[bool] = mapped_column(default=False)
    city_review_required: Mapped[bool] = mapped_column(default=False)
    final_review_required: Mapped[bool] = mapped_column(default=False)
    scope: Mapped[CertificateScope] = mapped_column(default=CertificateScope.ALL)
    notes: Mapped[Words] = mapped_column(default="")
    state: Mapped[DeclarationState] = mapped_column(default=DeclarationState.DRAFT)
    announced_until: Mapped[datetime | None]
    next_edge_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_first_at: Mapped[datetime | None]

    authority: Mapped[EducationAuthority] = relationship()
    certificates: Mapped[list[CertificateType]] = relationship(secondary="declaration_plan_certificates")

    __table_args__ = (UniqueConstraint("authority_id", "year", "batch_name"), window_check("apply"))

    @property
    def apply_window(self) -> Window:
        """申报时间."""
        return Window("申报时间", self.apply_opens_at, self.apply_closes_at)

    @property
    def province_code(self) -> str:
        """Whose plan it is."""
        return self.authority.province_code


class DeclarationPlanCertificate(Base):
    """开放证书 of a plan with scope 部分 (R-028)."""

    __tablename__ = "declaration_plan_certificates"

    plan_id: Mapped[int] = part_of("declaration_plans.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")

    __table_args__ = (UniqueConstraint("plan_id", "certificate_id"),)


class PilotApplication(Record):
    """证书试点申报 (§2.12); one per college, plan and certificate (R-027).

    org_id, province_code, city_code and has_city_review are copies of what the certificate, the college and the plan
    say and never change: a list of a million is filtered by this row alone. The descriptions are sanitised HTML.
    """

    __tablename__ = "pilot_applications"
    __tallied__ = ("college_id", "province_code", "city_code", "org_id")

    college_id: Mapped[int] = belongs("colleges.id", index=False)
    plan_id: Mapped[int] = belongs("declaration_plans.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    org_id: Mapped[int] = belongs("evaluation_orgs.id", index=False)
    province_code: Mapped[str] = mapped_column(String(2))
    city_code: Mapped[str] = mapped_column(String(6))
    has_city_review: Mapped[bool] = mapped_column(default=False)
    requested_count: Mapped[int]
    approved_count: Mapped[int | None]
    faculty_description: Mapped[Words] = mapped_column(default="")
    venue_description: Mapped[Words] = mapped_column(default="")
    state: Mapped[ApplicationState] = mapped_column(default=ApplicationState.DRAFT)
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]

    college: Mapped[College] = relationship()
    plan: Mapped[DeclarationPlan] = relationship()
    certificate: Mapped[CertificateType] = relationship()
    majors: Mapped[list[PilotApplicationMajor]] = relationship(
        back_populates="application", cascade="all, delete-orphan", order_by="PilotApplicationMajor.id"
    )

    __table_args__ = (
        UniqueConstraint("college_id", "plan_id", "certificate_id"),
        CheckConstraint("requested_count > 0", name="asks_for_somebody"),
        CheckConstraint("approved_count <= requested_count", name="approved_at_most_requested"),
        CheckConstraint("(state = 'approved') = (approved_count IS NOT NULL)", name="approved_has_count"),
        *(
            index
            for scope, column in APPLICATION_SCOPES.items()
            for index in (
                Index(f"ix_pilot_applications_{scope}", column, "id"),
                Index(f"ix_pilot_applications_{scope}_state", column, "state", "id"),
            )
        ),
    )

    @hybrid_property
    def tally(self) -> str:
        """Under which word this row is counted: its state, with a mark while the city has it first (R-039)."""
        is_with_city = self.has_city_review and self.state in WITH_CITY
        return f"{self.state.value}{AT_CITY}" if is_with_city else self.state.value

    @tally.inplace.expression
    @classmethod
    def _tally(cls) -> ColumnElement[str]:
        mark = case((and_(cls.has_city_review, cls.state.in_(WITH_CITY)), AT_CITY), else_="")
        return cast(cls.state, String(32)) + mark


class PilotSubmission(Base):
    """What a college submitted, word for word, once per round: the reviewer is shown what changed since the last."""

    __tablename__ = "pilot_submissions"

    application_id: Mapped[int] = part_of("pilot_applications.id", index=False)
    round: Mapped[int]
    content: Mapped[Words]
    fingerprint: Mapped[Hash]
    at: Mapped[datetime]
    by: Mapped[int | None]

    __table_args__ = (UniqueConstraint("application_id", "round"),)


class PilotApplicationMajor(Base):
    """拟申报专业 (§2.13)."""

    __tablename__ = "pilot_application_majors"

    application_id: Mapped[int] = part_of("pilot_applications.id")
    major_id: Mapped[int] = belongs("majors.id")
    students_enrolled: Mapped[int] = mapped_column(default=0)
    full_time_teachers: Mapped[int] = mapped_column(default=0)
    requested_count: Mapped[int]
    approved_count: Mapped[int | None]

    application: Mapped[PilotApplication] = relationship(back_populates="majors")
    major: Mapped[Major] = relationship()

    __table_args__ = (UniqueConstraint("application_id", "major_id"),)


class ReviewRecord(Base):
    """审核记录 of an application or a site (§2.14); written once, never changed."""

    __tablename__ = "review_records"

    application_id: Mapped[int | None] = belongs("pilot_applications.id", nullable=True)
    site_id: Mapped[int | None] = belongs("exam_sites.id", nullable=True)
    step: Mapped[ReviewStep]
    decision: Mapped[ReviewDecision]
    reason: Mapped[Words] = mapped_column(default="")
    approved_count: Mapped[int | None]
    actor_id: Mapped[int | None] = belongs("user_accounts.id", nullable=True)
    channel: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]

    actor: Mapped[UserAccount | None] = relationship()

    __table_args__ = (
        CheckConstraint("(application_id IS NULL) <> (site_id IS NULL)", name="of_one_thing"),
        CheckConstraint("decision <> 'return' OR length(reason) > 0", name="return_has_reason"),
    )


class Quota(Record):
    """指标 of a college, certificate and year (§2.15, R-139); used never passes granted, by the table itself.

    The three numbers are the sums of its postings, kept beside them so that one lock is enough to spend from.
    """

    __tablename__ = "quotas"

    college_id: Mapped[int] = belongs("colleges.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    year: Mapped[int]
    province_code: Mapped[str] = mapped_column(String(2))
    granted: Mapped[int]
    used: Mapped[int] = mapped_column(default=0)
    lapsed: Mapped[int] = mapped_column(default=0)
    state: Mapped[QuotaState] = mapped_column(default=QuotaState.ACTIVE)
    lapsed_at: Mapped[datetime | None]

    college: Mapped[College] = relationship()
    certificate: Mapped[CertificateType] = relationship()

    __table_args__ = (
        UniqueConstraint("college_id", "certificate_id", "year"),
        CheckConstraint("used >= 0 AND lapsed >= 0 AND used + lapsed <= granted", name="used_at_most_granted"),
        CheckConstraint("(state = 'lapsed') = (lapsed_at IS NOT NULL)", name="lapsed_has_time"),
    )

    @property
    def left(self) -> int:
        """Places that can still be used."""
        return self.granted - self.used - self.lapsed


class QuotaPosting(Base):
    """One line of the quota's ledger: what was added to granted, used and lapsed, why, by whom; written once."""

    __tablename__ = "quota_postings"

    quota_id: Mapped[int] = belongs("quotas.id")
    kind: Mapped[PostingKind]
    granted: Mapped[int] = mapped_column(default=0)
    used: Mapped[int] = mapped_column(default=0)
    lapsed: Mapped[int] = mapped_column(default=0)
    reason: Mapped[Words] = mapped_column(default="")
    application_id: Mapped[int | None] = belongs("pilot_applications.id", nullable=True)
    actor_id: Mapped[int | None] = belongs("user_accounts.id", nullable=True)
    at: Mapped[datetime]

    quota: Mapped[Quota] = relationship()
    actor: Mapped[UserAccount | None] = relationship()

    __table_args__ = (CheckConstraint("kind <> 'adjust' OR length(reason) > 0", name="adjustment_has_reason"),)
