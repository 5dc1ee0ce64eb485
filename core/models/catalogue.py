"""What can be certified: majors, certificate types (one per level) and their subjects."""

from __future__ import annotations

from datetime import date

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Base, Code, Modes, Name, Record, Words, belongs, part_of
from core.models.organisations import EvaluationOrg
from core.rules.catalogue import EVERYBODY, CertificateLevel
from core.rules.organisations import Switch


class Major(Record):
    """专业; matched by code, never by name (G-24)."""

    __tablename__ = "majors"

    code: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name]
    category: Mapped[Name] = mapped_column(default="")


class CertificateType(Record):
    """证书信息: one certificate at one level (§2.9, R-051)."""

    __tablename__ = "certificate_types"

    code: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name]
    short_name: Mapped[Name]
    level: Mapped[CertificateLevel]
    org_id: Mapped[int] = belongs("evaluation_orgs.id")
    standard_code: Mapped[str] = mapped_column(String(6))
    english_name: Mapped[Name] = mapped_column(default="")
    opened_on: Mapped[date | None]
    obtain_requirements: Mapped[Words] = mapped_column(default="")
    state: Mapped[Switch] = mapped_column(default=Switch.ENABLED)

    org: Mapped[EvaluationOrg] = relationship()
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
