"""Where exams are held: sites, borrowed sites and rooms."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Base, Code, Mobile, Modes, Name, Record, Region, Words, belongs, is_in, one_living, part_of
from core.models.catalogue import CertificateType
from core.models.organisations import College, EvaluationOrg
from core.models.plans import ExamPlan, ExamPlanSubject
from core.rules.sites import AllocationState, SiteReview, SiteStatus


class ExamSite(Record):
    """考核站点 (§2.21): what the TEO says of it, and whether it may be used."""

    __tablename__ = "exam_sites"

    site_no: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name]
    college_id: Mapped[int] = belongs("colleges.id")
    org_id: Mapped[int] = belongs("evaluation_orgs.id")
    region_code: Mapped[Region]
    address: Mapped[Name]
    intro: Mapped[Words]
    contact_name: Mapped[Name]
    contact_mobile: Mapped[Mobile]
    contact_email: Mapped[Name]
    material_key: Mapped[Name | None]
    material_name: Mapped[Name | None]
    review_state: Mapped[SiteReview] = mapped_column(default=SiteReview.DRAFT)
    site_state: Mapped[SiteStatus] = mapped_column(default=SiteStatus.NOT_ENABLED)

    college: Mapped[College] = relationship()
    org: Mapped[EvaluationOrg] = relationship()
    certificate_links: Mapped[list[ExamSiteCertificate]] = relationship(
        back_populates="site", cascade="all, delete-orphan", order_by="ExamSiteCertificate.id"
    )

    __table_args__ = (
        CheckConstraint("(review_state = 'approved') = (site_state <> 'not_enabled')", name="enabled_when_approved"),
    )

    @property
    def certificates(self) -> list[CertificateType]:
        """考核证书 of the application."""
        return [link.certificate for link in self.certificate_links]


class ExamSiteCertificate(Base):
    """A certificate of a site; a living one stands in the way of a second application (R-104)."""

    __tablename__ = "exam_site_certificates"

    site_id: Mapped[int] = part_of("exam_sites.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    college_id: Mapped[int] = belongs("colleges.id")
    is_living: Mapped[bool] = mapped_column(default=True)

    site: Mapped[ExamSite] = relationship(back_populates="certificate_links")
    certificate: Mapped[CertificateType] = relationship()

    __table_args__ = (
        UniqueConstraint("site_id", "certificate_id"),
        one_living("uq_exam_site_certificates_living", "college_id", "certificate_id", where="is_living"),
    )


class SiteAllocation(Record):
    """考核站点分配: a borrowed site, for one plan and certificate (R-118…R-121)."""

    __tablename__ = "site_allocations"

    plan_id: Mapped[int] = belongs("exam_plans.id")
    site_id: Mapped[int] = belongs("exam_sites.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    borrowing_college_id: Mapped[int] = belongs("colleges.id")
    state: Mapped[AllocationState] = mapped_column(default=AllocationState.ACTIVE)

    plan: Mapped[ExamPlan] = relationship()
    site: Mapped[ExamSite] = relationship()
    certificate: Mapped[CertificateType] = relationship()
    borrowing_college: Mapped[College] = relationship()

    __table_args__ = (
        one_living(
            "uq_site_allocations_active",
            "plan_id",
            "certificate_id",
            "borrowing_college_id",
            where=is_in("state", [AllocationState.ACTIVE]),
        ),
    )

    @property
    def org_id(self) -> int:
        """Made by the TEO of the plan."""
        return self.plan.org_id


class ExamRoom(Record):
    """考场 of a plan, site and certificate (§2.24); its type is the union of its subjects' modes (R-126)."""

    __tablename__ = "exam_rooms"

    plan_id: Mapped[int] = belongs("exam_plans.id")
    site_id: Mapped[int] = belongs("exam_sites.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    college_id: Mapped[int] = belongs("colleges.id")
    name: Mapped[Name]
    region_code: Mapped[Region]
    address: Mapped[Name]
    seat_count: Mapped[int]
    room_type: Mapped[Modes]

    plan: Mapped[ExamPlan] = relationship()
    site: Mapped[ExamSite] = relationship()
    certificate: Mapped[CertificateType] = relationship()
    subjects: Mapped[list[ExamPlanSubject]] = relationship(secondary="exam_room_subjects", order_by=ExamPlanSubject.id)

    __table_args__ = (
        UniqueConstraint("plan_id", "site_id", "certificate_id", "name"),
        CheckConstraint("seat_count >= 1", name="seat_count"),
    )


class ExamRoomSubject(Base):
    """A subject a room is set up for."""

    __tablename__ = "exam_room_subjects"

    room_id: Mapped[int] = part_of("exam_rooms.id")
    plan_subject_id: Mapped[int] = belongs("exam_plan_subjects.id")

    __table_args__ = (UniqueConstraint("room_id", "plan_subject_id"),)
