"""Exam plans: five windows, certificates with their pass rules, subjects, sessions, and who takes part."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Base, Code, Modes, Name, Record, Words, belongs, part_of, window_check
from core.models.catalogue import CertificateType
from core.models.organisations import College, EvaluationOrg
from core.rules.arrangement import ArrangementState
from core.rules.catalogue import EVERYBODY, PassRule
from core.rules.plans import PlanState, PlanWindows
from core.rules.windows import Window


class ExamPlan(Record):
    """考试计划 (§2.16). next_edge_at: when the clock next changes it, None when it no longer will."""

    __tablename__ = "exam_plans"

    plan_no: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[Name]
    org_id: Mapped[int] = belongs("evaluation_orgs.id")
    exam_year: Mapped[int]
    registration_opens_at: Mapped[datetime]
    registration_closes_at: Mapped[datetime]
    arrangement_opens_at: Mapped[datetime]
    arrangement_closes_at: Mapped[datetime]
    exam_opens_at: Mapped[datetime]
    exam_closes_at: Mapped[datetime]
    score_entry_opens_at: Mapped[datetime]
    score_entry_closes_at: Mapped[datetime]
    publication_opens_at: Mapped[datetime]
    publication_closes_at: Mapped[datetime]
    is_open_to_all: Mapped[bool] = mapped_column(default=False)
    rules_text: Mapped[Words] = mapped_column(default="")
    state: Mapped[PlanState] = mapped_column(default=PlanState.DRAFT)
    announced_until: Mapped[datetime | None]
    next_edge_at: Mapped[datetime | None] = mapped_column(index=True)
    locked_at: Mapped[datetime | None]

    org: Mapped[EvaluationOrg] = relationship()
    colleges: Mapped[list[College]] = relationship(secondary="exam_plan_colleges", order_by=College.college_code)
    certificates: Mapped[list[ExamPlanCertificate]] = relationship(
        back_populates="plan", cascade="all, delete-orphan", order_by="ExamPlanCertificate.id"
    )

    __table_args__ = tuple(
        window_check(name) for name in ("registration", "arrangement", "exam", "score_entry", "publication")
    )

    @property
    def windows(self) -> PlanWindows:
        """The five windows, each with the Chinese name its refusals show."""
        return PlanWindows(
            registration=Window("报考时间", self.registration_opens_at, self.registration_closes_at),
            arrangement=Window("排考时间", self.arrangement_opens_at, self.arrangement_closes_at),
            exam=Window("考试时间", self.exam_opens_at, self.exam_closes_at),
            score_entry=Window("成绩登记时间", self.score_entry_opens_at, self.score_entry_closes_at),
            publication=Window("成绩公示时间", self.publication_opens_at, self.publication_closes_at),
        )


class ExamPlanCollege(Base):
    """参考院校 (R-061)."""

    __tablename__ = "exam_plan_colleges"

    plan_id: Mapped[int] = part_of("exam_plans.id")
    college_id: Mapped[int] = belongs("colleges.id")

    __table_args__ = (UniqueConstraint("plan_id", "college_id"),)


class ExamPlanCertificate(Record):
    """A certificate of a plan with its pass rule (R-064); names are copied so that later edits do not flow in."""

    __tablename__ = "exam_plan_certificates"

    plan_id: Mapped[int] = part_of("exam_plans.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    pass_rule: Mapped[PassRule]
    composite_pass_tenths: Mapped[int | None]

    plan: Mapped[ExamPlan] = relationship(back_populates="certificates")
    certificate: Mapped[CertificateType] = relationship()
    subjects: Mapped[list[ExamPlanSubject]] = relationship(
        back_populates="plan_certificate", cascade="all, delete-orphan", order_by="ExamPlanSubject.id"
    )

    __table_args__ = (
        UniqueConstraint("plan_id", "certificate_id"),
        CheckConstraint("(pass_rule = 'composite') = (composite_pass_tenths IS NOT NULL)", name="composite_has_score"),
    )


class ExamPlanSubject(Record):
    """A subject of a plan's certificate; code, name and modes are a snapshot (§2.17). Scores in tenths."""

    __tablename__ = "exam_plan_subjects"

    plan_id: Mapped[int] = belongs("exam_plans.id")
    plan_certificate_id: Mapped[int] = part_of("exam_plan_certificates.id")
    subject_id: Mapped[int] = belongs("subjects.id")
    code: Mapped[Code]
    name: Mapped[Name]
    exam_modes: Mapped[Modes]
    examinee_category: Mapped[Name] = mapped_column(default=EVERYBODY)
    full_tenths: Mapped[int] = mapped_column(default=1000)
    pass_tenths: Mapped[int]
    weight_percent: Mapped[int | None]
    arrangement_state: Mapped[ArrangementState] = mapped_column(default=ArrangementState.NOT_ARRANGED)

    plan: Mapped[ExamPlan] = relationship()
    plan_certificate: Mapped[ExamPlanCertificate] = relationship(back_populates="subjects")
    sessions: Mapped[list[ExamSession]] = relationship(
        back_populates="plan_subject", cascade="all, delete-orphan", order_by="ExamSession.starts_at"
    )

    __table_args__ = (
        UniqueConstraint("plan_certificate_id", "subject_id"),
        CheckConstraint("weight_percent BETWEEN 0 AND 100", name="weight"),
        CheckConstraint("pass_tenths BETWEEN 0 AND full_tenths", name="pass_within_full"),
    )


class ExamSession(Record):
    """One sitting of a subject, the same instant everywhere (R-067, R-068)."""

    __tablename__ = "exam_sessions"

    plan_subject_id: Mapped[int] = part_of("exam_plan_subjects.id")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    plan_subject: Mapped[ExamPlanSubject] = relationship(back_populates="sessions")

    __table_args__ = (
        UniqueConstraint("plan_subject_id", "starts_at"),
        CheckConstraint("starts_at < ends_at", name="order"),
    )
