"""Who sits what where: the snapshot of a candidate in a plan, registrations and their subjects."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Base, Code, Mobile, Name, Record, belongs, part_of
from core.models.candidates import Candidate
from core.models.catalogue import CertificateType
from core.models.organisations import College
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanSubject, ExamSession
from core.models.sites import ExamRoom, ExamSite
from core.rules.candidates import CandidateKind
from core.rules.registrations import Attendance, PaymentState, RegistrationSource, SittingState
from core.rules.values import EducationLevel, Gender, IdType


class CandidateSnapshot(Record):
    """考试计划内考生信息 (§2.19, R-090): one per plan and candidate, with the one ticket number of R-177."""

    __tablename__ = "candidate_snapshots"

    plan_id: Mapped[int] = belongs("exam_plans.id")
    candidate_id: Mapped[int] = belongs("candidates.id")
    name: Mapped[Name]
    name_pinyin: Mapped[Name]
    gender: Mapped[Gender]
    id_type: Mapped[IdType]
    id_number: Mapped[str] = mapped_column(String(32), index=True)
    mobile: Mapped[Mobile]
    education_level: Mapped[EducationLevel]
    major_name: Mapped[Name]
    major_code: Mapped[Code]
    photo_hash: Mapped[str] = mapped_column(String(64))
    ticket_no: Mapped[str | None] = mapped_column(String(40), unique=True)

    candidate: Mapped[Candidate] = relationship()

    __table_args__ = (UniqueConstraint("plan_id", "candidate_id"),)


class Registration(Record):
    """报考: a candidate, a certificate, a plan, a site (§2.25, R-150)."""

    __tablename__ = "registrations"

    plan_id: Mapped[int] = belongs("exam_plans.id", index=False)
    candidate_id: Mapped[int] = belongs("candidates.id")
    snapshot_id: Mapped[int] = belongs("candidate_snapshots.id")
    plan_certificate_id: Mapped[int] = belongs("exam_plan_certificates.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    site_id: Mapped[int] = belongs("exam_sites.id")
    college_id: Mapped[int] = belongs("colleges.id", index=False)
    org_id: Mapped[int] = belongs("evaluation_orgs.id")
    kind: Mapped[CandidateKind]
    examinee_category: Mapped[Name] = mapped_column(default="")
    source: Mapped[RegistrationSource]
    payment_state: Mapped[PaymentState] = mapped_column(default=PaymentState.UNPAID)
    import_job_id: Mapped[int | None] = belongs("import_jobs.id", nullable=True)

    plan: Mapped[ExamPlan] = relationship()
    candidate: Mapped[Candidate] = relationship()
    snapshot: Mapped[CandidateSnapshot] = relationship()
    plan_certificate: Mapped[ExamPlanCertificate] = relationship()
    certificate: Mapped[CertificateType] = relationship()
    site: Mapped[ExamSite] = relationship()
    college: Mapped[College] = relationship()
    sittings: Mapped[list[SubjectRegistration]] = relationship(
        back_populates="registration", cascade="all, delete-orphan", order_by="SubjectRegistration.id"
    )

    __table_args__ = (
        UniqueConstraint("plan_id", "candidate_id", "certificate_id"),
        Index("ix_registrations_plan_college", "plan_id", "college_id"),
    )


class SubjectRegistration(Record):
    """科目报考: one subject of a registration; the seat is its SeatAssignment."""

    __tablename__ = "subject_registrations"

    registration_id: Mapped[int] = part_of("registrations.id")
    plan_subject_id: Mapped[int] = belongs("exam_plan_subjects.id", index=False)
    state: Mapped[SittingState] = mapped_column(default=SittingState.NOT_ARRANGED)
    attendance: Mapped[Attendance | None]

    registration: Mapped[Registration] = relationship(back_populates="sittings")
    plan_subject: Mapped[ExamPlanSubject] = relationship()
    seat: Mapped[SeatAssignment | None] = relationship(back_populates="sitting", passive_deletes="all")

    __table_args__ = (
        UniqueConstraint("registration_id", "plan_subject_id"),
        Index("ix_subject_registrations_subject_state", "plan_subject_id", "state"),
    )


class RoomArrangement(Record):
    """考场编排: a room, a session and a subject (§2.28)."""

    __tablename__ = "room_arrangements"

    plan_id: Mapped[int] = belongs("exam_plans.id")
    room_id: Mapped[int] = belongs("exam_rooms.id")
    session_id: Mapped[int] = belongs("exam_sessions.id")
    plan_subject_id: Mapped[int] = belongs("exam_plan_subjects.id")

    plan: Mapped[ExamPlan] = relationship()
    room: Mapped[ExamRoom] = relationship()
    session: Mapped[ExamSession] = relationship()
    plan_subject: Mapped[ExamPlanSubject] = relationship()
    seats: Mapped[list[SeatAssignment]] = relationship(
        back_populates="room_arrangement", passive_deletes="all", order_by="SeatAssignment.seat_no"
    )

    __table_args__ = (UniqueConstraint("room_id", "session_id"),)


class SeatAssignment(Base):
    """排考明细: one seat for one sitting (R-171, R-176)."""

    __tablename__ = "seat_assignments"

    room_arrangement_id: Mapped[int] = part_of("room_arrangements.id", index=False)
    subject_registration_id: Mapped[int] = part_of("subject_registrations.id", index=False)
    seat_no: Mapped[int]
    assigned_at: Mapped[datetime]

    room_arrangement: Mapped[RoomArrangement] = relationship(back_populates="seats")
    sitting: Mapped[SubjectRegistration] = relationship(back_populates="seat")

    __table_args__ = (
        UniqueConstraint("room_arrangement_id", "seat_no"),
        UniqueConstraint("subject_registration_id"),
        CheckConstraint("seat_no >= 1", name="seat_no"),
    )
