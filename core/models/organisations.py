"""Who takes part: regions, authorities, colleges, training evaluation organisations, and their seals."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Base, Code, Hash, Mobile, Name, Record, Region, Words, belongs, is_in, one_living
from core.rules.organisations import AuthorityLevel, CollegeType, InvigilatorMode, SealState, Switch

if TYPE_CHECKING:
    from core.models.catalogue import CertificateType


class RegionName(Base):
    """行政区划: six-digit code to name; the province of 420100 is 42."""

    __tablename__ = "regions"

    code: Mapped[Region] = mapped_column(unique=True)
    name: Mapped[Name]


class EducationAuthority(Record):
    """教育行政部门 (§2.3)."""

    __tablename__ = "education_authorities"

    name: Mapped[Name] = mapped_column(unique=True)
    level: Mapped[AuthorityLevel]
    province_code: Mapped[str] = mapped_column(String(2), index=True)
    city_code: Mapped[str | None] = mapped_column(String(6))
    contact_name: Mapped[Name] = mapped_column(default="")
    contact_phone: Mapped[Name] = mapped_column(default="")

    __table_args__ = (CheckConstraint("(level = 'city') = (city_code IS NOT NULL)", name="city_has_code"),)

    @property
    def authority_id(self) -> int:
        """An authority is its own."""
        return self.id

    @property
    def contact(self) -> str:
        """Whom a college calls (R-021)."""
        return f"{self.name} {self.contact_phone}".strip()


class EvaluationOrg(Record):
    """培训评价组织 (§2.4)."""

    __tablename__ = "evaluation_orgs"
    __private__ = frozenset({"seal_image"})

    org_code: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name] = mapped_column(unique=True)
    uscc: Mapped[str | None] = mapped_column(String(18), unique=True)
    contact_name: Mapped[Name] = mapped_column(default="")
    contact_mobile: Mapped[Mobile] = mapped_column(default="")
    contact_email: Mapped[Name] = mapped_column(default="")
    website: Mapped[Name] = mapped_column(default="")
    address: Mapped[Name] = mapped_column(default="")
    intro: Mapped[Words] = mapped_column(default="")
    is_platform_payment: Mapped[bool] = mapped_column(default=False)
    invigilator_mode: Mapped[InvigilatorMode] = mapped_column(default=InvigilatorMode.TEO_ASSIGNS)
    review_mailbox: Mapped[Name] = mapped_column(default="")
    review_phone: Mapped[Name] = mapped_column(default="")
    site_material_required: Mapped[bool] = mapped_column(default=False)
    site_material_note: Mapped[Words] = mapped_column(default="")
    state: Mapped[Switch] = mapped_column(default=Switch.ENABLED)
    seal_image: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)

    @property
    def org_id(self) -> int:
        """An organisation is its own."""
        return self.id


class College(Record):
    """试点院校 (§2.1); registered_at is empty for colleges an administrator has set up."""

    __tablename__ = "colleges"
    __private__ = frozenset({"logo"})

    college_code: Mapped[str] = mapped_column(String(10), unique=True)
    name: Mapped[Name] = mapped_column(unique=True)
    college_type: Mapped[CollegeType]
    uscc: Mapped[str | None] = mapped_column(String(18), unique=True)
    province_code: Mapped[str] = mapped_column(String(2), index=True)
    city_code: Mapped[Region]
    district_code: Mapped[Region] = mapped_column(default="")
    address: Mapped[Name] = mapped_column(default="")
    website: Mapped[Name] = mapped_column(default="")
    intro: Mapped[Words] = mapped_column(default="")
    logo: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    registered_mobile: Mapped[Mobile] = mapped_column(default="")
    registered_at: Mapped[datetime | None]
    contact_name: Mapped[Name] = mapped_column(default="")
    contact_mobile: Mapped[Mobile] = mapped_column(default="")
    contact_email: Mapped[Name] = mapped_column(default="")
    state: Mapped[Switch] = mapped_column(default=Switch.ENABLED)

    @property
    def college_id(self) -> int:
        """A college is its own."""
        return self.id


class InstitutionDirectoryEntry(Record):
    """院校名录 (§2.2): the official list a registering college chooses from; at most one college per entry (R-004)."""

    __tablename__ = "directory_entries"

    code: Mapped[str] = mapped_column(String(10), unique=True)
    name: Mapped[Name] = mapped_column(unique=True)
    province_code: Mapped[str] = mapped_column(String(2))
    city_code: Mapped[Region] = mapped_column(index=True)
    college_type: Mapped[CollegeType | None]
    college_id: Mapped[int | None] = mapped_column(ForeignKey("colleges.id", ondelete="RESTRICT"), unique=True)

    college: Mapped[College | None] = relationship()


class CertificateOfficer(Record):
    """证书负责人 of a college (§2.1): whom to ask about one certificate."""

    __tablename__ = "certificate_officers"

    college_id: Mapped[int] = belongs("colleges.id")
    certificate_id: Mapped[int] = belongs("certificate_types.id")
    name: Mapped[Name]
    mobile: Mapped[Mobile] = mapped_column(default="")
    email: Mapped[Name] = mapped_column(default="")

    college: Mapped[College] = relationship()
    certificate: Mapped[CertificateType] = relationship()

    __table_args__ = (UniqueConstraint("college_id", "certificate_id"),)


class ElectronicSeal(Record):
    """电子签章 with its authorisation (§2.6, R-254…R-260); at most one active per college."""

    __tablename__ = "electronic_seals"
    __private__ = frozenset({"image"})

    college_id: Mapped[int] = belongs("colleges.id")
    officer_name: Mapped[Name]
    image: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    image_hash: Mapped[Hash]
    authorization_version: Mapped[Code]
    authorized_at: Mapped[datetime]
    state: Mapped[SealState] = mapped_column(default=SealState.ACTIVE)

    college: Mapped[College] = relationship()

    __table_args__ = (one_living("uq_electronic_seals_active", "college_id", where=is_in("state", [SealState.ACTIVE])),)
