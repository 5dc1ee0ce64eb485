"""What can be certified: majors, certificate types (one per level) and their subjects."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Base, Code, Modes, Name, Record, Words, belongs, part_of
from core.models.organisations import EvaluationOrg
from core.rules.catalogue import EVERYBODY, CertificateLevel, ExamMode, RequirementKind
from core.rules.organisations import Switch


class Major(Record):
    """专业; matched by code, never by name (G-24)."""

    __tablename__ = "majors"

    code: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name]
    category: Mapped[Name] = mapped_column(default="")


class SkillStandard(Record):
    """职业技能等级标准 (§2.7, N11)."""

    __tablename__ = "skill_standards"

    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[Name]
    edition: Mapped[Code]
    org_id: Mapped[int] = belongs("evaluation_orgs.id")
    major_categories: Mapped[Name] = mapped_column(default="")
    state: Mapped[Switch] = mapped_column(default=Switch.ENABLED)

    org: Mapped[EvaluationOrg] = relationship()
    certificates: Mapped[list[CertificateType]] = relationship(
        back_populates="standard", order_by="CertificateType.code", passive_deletes="all"
    )


class SiteStandard(Record):
    """考核站点建设标准 (§2.8, N12) with its checkable items."""

    __tablename__ = "site_standards"

    code: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name]
    edition: Mapped[Code]
    org_id: Mapped[int] = belongs("evaluation_orgs.id")
    state: Mapped[Switch] = mapped_column(default=Switch.ENABLED)

    org: Mapped[EvaluationOrg] = relationship()
    certificates: Mapped[list[CertificateType]] = relationship(
        secondary="site_standard_certificates", order_by="CertificateType.code"
    )
    items: Mapped[list[SiteStandardItem]] = relationship(
        back_populates="standard", cascade="all, delete-orphan", order_by="SiteStandardItem.position"
    )


class SiteStandardCertificate(Base):
    """对应证书 of a site standard."""

    __tablename__ = "site_standard_certificates"

    standard_id: Mapped[int] = part_of("site_standards.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")

    __table_args__ = (UniqueConstraint("standard_id", "certificate_id"),)


class SiteStandardItem(Base):
    """考场条件: one thing a site must have (§9.7); minimum is a number for items that are counted."""

    __tablename__ = "site_standard_items"

    standard_id: Mapped[int] = part_of("site_standards.id")
    position: Mapped[int]
    code: Mapped[Code]
    title: Mapped[Name]
    kind: Mapped[RequirementKind]
    minimum: Mapped[int | None]
    minimum_words: Mapped[Words] = mapped_column(default="")
    recommended: Mapped[Words] = mapped_column(default="")
    is_mandatory: Mapped[bool] = mapped_column(default=True)

    standard: Mapped[SiteStandard] = relationship(back_populates="items")

    __table_args__ = (
        UniqueConstraint("standard_id", "code"),
        CheckConstraint("minimum IS NULL OR kind = 'number'", name="only_numbers_have_a_minimum"),
    )


class CertificateTemplate(Record):
    """证书样本 as words (G-07): what a certificate of this organisation says around the facts of a person.

    statement and statement_en hold gaps in braces; revision counts up with every change, and a sealed certificate
    keeps the revision it was made with.
    """

    __tablename__ = "certificate_templates"

    org_id: Mapped[int] = belongs("evaluation_orgs.id")
    name: Mapped[Name]
    title: Mapped[Name]
    title_en: Mapped[Name]
    statement: Mapped[Words]
    statement_en: Mapped[Words]
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[Switch] = mapped_column(default=Switch.ENABLED)

    org: Mapped[EvaluationOrg] = relationship()

    __table_args__ = (UniqueConstraint("org_id", "name"),)


class CertificateType(Record):
    """证书信息: one certificate at one level (§2.9, R-051)."""

    __tablename__ = "certificate_types"

    code: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name]
    short_name: Mapped[Name]
    level: Mapped[CertificateLevel]
    org_id: Mapped[int] = belongs("evaluation_orgs.id")
    standard_code: Mapped[str] = mapped_column(String(6))
    standard_id: Mapped[int | None] = belongs("skill_standards.id", nullable=True)
    template_id: Mapped[int | None] = belongs("certificate_templates.id", nullable=True)
    english_name: Mapped[Name] = mapped_column(default="")
    national_batch: Mapped[Code] = mapped_column(default="")
    opened_on: Mapped[date | None]
    exam_modes: Mapped[Modes] = mapped_column(default=frozenset[ExamMode]())
    exam_time_note: Mapped[Name] = mapped_column(default="")
    study_hours: Mapped[Code] = mapped_column(default="")
    credit_tenths: Mapped[int | None] = mapped_column(Integer)
    major_category: Mapped[Name] = mapped_column(default="")
    target_group: Mapped[Words] = mapped_column(default="")
    obtain_requirements: Mapped[Words] = mapped_column(default="")
    intro: Mapped[Words] = mapped_column(default="")
    state: Mapped[Switch] = mapped_column(default=Switch.ENABLED)

    org: Mapped[EvaluationOrg] = relationship()
    standard: Mapped[SkillStandard | None] = relationship(back_populates="certificates")
    template: Mapped[CertificateTemplate | None] = relationship()
    subjects: Mapped[list[Subject]] = relationship(
        back_populates="certificate", order_by="Subject.code", passive_deletes="all"
    )
    majors: Mapped[list[Major]] = relationship(secondary="certificate_majors", order_by=Major.code)

    __table_args__ = (UniqueConstraint("org_id", "name", "level"),)

    @property
    def full_name(self) -> str:
        """Name with the level in brackets, as everything printed carries it."""
        return f"{self.name}({self.level.label})"

    @property
    def full_name_wide(self) -> str:
        """The same with full-width brackets, as people type it."""
        return f"{self.name}（{self.level.label}）"


class CertificateMajor(Base):
    """证书对应专业 (R-031, R-138)."""

    __tablename__ = "certificate_majors"

    certificate_id: Mapped[int] = part_of("certificate_types.id")
    major_id: Mapped[int] = belongs("majors.id")

    __table_args__ = (UniqueConstraint("certificate_id", "major_id"),)


class Subject(Record):
    """考试科目 (§2.10)."""

    __tablename__ = "subjects"

    code: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name]
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    exam_modes: Mapped[Modes]
    examinee_category: Mapped[Name] = mapped_column(default=EVERYBODY)
    full_score: Mapped[int] = mapped_column(default=100)
    state: Mapped[Switch] = mapped_column(default=Switch.ENABLED)

    certificate: Mapped[CertificateType] = relationship(back_populates="subjects")

    @property
    def org_id(self) -> int:
        """Belongs to whoever owns the certificate."""
        return self.certificate.org_id
