"""What organisations announce."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, String, TypeDecorator, false
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Name, Record, Words, belongs, is_in
from core.models.organisations import EducationAuthority, EvaluationOrg
from core.rules.announcements import AnnouncementKind, AnnouncementState
from core.rules.organisations import Role


class RoleSet(TypeDecorator[frozenset[Role]]):
    """A set of roles as one text in the order of Role, e.g. `coordinator,signatory`."""

    impl = String(120)
    cache_ok = True

    def process_bind_param(self, value: Iterable[Role] | None, dialect: Dialect) -> str | None:
        return None if value is None else ",".join(role.value for role in Role if role in set(value))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> frozenset[Role] | None:
        return None if value is None else frozenset(Role(part) for part in value.split(",") if part)


class Announcement(Record):
    """通知公告 (§2.38); issued by one organisation, by the platform where both are empty.

    roles: whom it addresses. answer_until: until when everybody addressed is to confirm having read it, where that is
    asked. told_count: how many people were told when it was published.
    """

    __tablename__ = "announcements"

    kind: Mapped[AnnouncementKind]
    title: Mapped[Name]
    body: Mapped[Words]
    authority_id: Mapped[int | None] = belongs("education_authorities.id", nullable=True)
    org_id: Mapped[int | None] = belongs("evaluation_orgs.id", nullable=True)
    roles: Mapped[frozenset[Role]] = mapped_column(RoleSet)
    is_receipt_asked: Mapped[bool] = mapped_column(default=False, server_default=false())
    answer_until: Mapped[datetime | None]
    told_count: Mapped[int] = mapped_column(default=0, server_default="0")
    published_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_because: Mapped[Words] = mapped_column(default="")
    state: Mapped[AnnouncementState] = mapped_column(default=AnnouncementState.DRAFT)

    authority: Mapped[EducationAuthority | None] = relationship()
    org: Mapped[EvaluationOrg | None] = relationship()

    __table_args__ = (
        CheckConstraint("authority_id IS NULL OR org_id IS NULL", name="one_issuer"),
        CheckConstraint("is_receipt_asked = (answer_until IS NOT NULL)", name="receipt_has_time"),
        CheckConstraint(
            f"({is_in('state', [AnnouncementState.DRAFT])}) = (published_at IS NULL)", name="published_has_time"
        ),
        CheckConstraint(
            f"({is_in('state', [AnnouncementState.WITHDRAWN])}) = (withdrawn_at IS NOT NULL)", name="withdrawn_has_time"
        ),
    )

    @property
    def issuer(self) -> str:
        """Who says it, in words."""
        home = self.org or self.authority
        return home.name if home is not None else "平台管理"
