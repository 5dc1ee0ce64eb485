"""Files that people attach: checked by content, kept by the storage gateway, found by the thing they hang on."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Hash, Name, Record, part_of
from core.rules.catalogue import AttachmentKind

_OWNERS = ("application_id", "standard_id", "site_standard_id", "certificate_id")


class Attachment(Record):
    """附件 of exactly one thing. file_name: as the person called it, for showing only; storage_key: where it lies."""

    __tablename__ = "attachments"

    application_id: Mapped[int | None] = part_of("pilot_applications.id", nullable=True)
    standard_id: Mapped[int | None] = part_of("skill_standards.id", nullable=True)
    site_standard_id: Mapped[int | None] = part_of("site_standards.id", nullable=True)
    certificate_id: Mapped[int | None] = part_of("certificate_types.id", nullable=True)
    kind: Mapped[AttachmentKind]
    file_name: Mapped[Name]
    media_type: Mapped[str] = mapped_column(String(100))
    storage_key: Mapped[Name]
    sha256: Mapped[Hash]
    size: Mapped[int]

    __table_args__ = (
        CheckConstraint(
            " + ".join(f"(CASE WHEN {owner} IS NULL THEN 0 ELSE 1 END)" for owner in _OWNERS) + " = 1",
            name="of_one_thing",
        ),
    )
