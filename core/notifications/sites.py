"""Facts about exam sites: applied for, decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from core.models.sites import ExamSite, SiteAllocation
from core.notifications import audiences
from core.notifications.message import Button, Message, Press, told
from core.rules.sites import AllocationState, SiteReview


@told
@dataclass(frozen=True, slots=True)
class SiteSubmitted(Message):
    """M-09: the TEO has a site to look at; round is the version submitted."""

    kind: ClassVar[str] = "sites.submitted"
    answer_within: ClassVar[timedelta | None] = timedelta(days=2)  # checked daily
    buttons: ClassVar[tuple[Button, ...]] = (Button("去审核", page="/admin/sites/"),)
    asks: ClassVar[bool] = True
    useful_for: ClassVar[timedelta] = timedelta(days=60)
    site_id: int
    round: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.teo(session, session.get_one(ExamSite, self.site_id).org_id)

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        return ExamSite.__tablename__, self.site_id, 0

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        site = session.get_one(ExamSite, self.site_id)
        return {"site_no": site.site_no, "name": site.name, "count": len(site.certificate_links)}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(ExamSite, self.site_id).review_state is SiteReview.PENDING


@told
@dataclass(frozen=True, slots=True)
class SiteDecided(Message):
    """M-08: passed, or returned with a reason."""

    kind: ClassVar[str] = "sites.decided"
    answer_within: ClassVar[timedelta | None] = timedelta(days=3)
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("已知悉", press=Press.ACKNOWLEDGE),
        Button("查看站点", page="/admin/sites/"),
    )
    asks: ClassVar[bool] = True
    useful_for: ClassVar[timedelta] = timedelta(days=30)
    site_id: int
    is_approved: bool
    reason: str
    round: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.coordinators(session, session.get_one(ExamSite, self.site_id).college_id)

    def dedupe_key(self) -> str:
        return f"{self.kind}:{self.site_id}:{self.round}"

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        site = session.get_one(ExamSite, self.site_id)
        return {"site_no": site.site_no, "name": site.name, "is_approved": self.is_approved, "reason": self.reason}


@told
@dataclass(frozen=True, slots=True)
class SiteAllocated(Message):
    """M-37: a site was lent to a college for a plan and certificate, or taken back; both colleges hear of it."""

    kind: ClassVar[str] = "sites.allocated"
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看站点分配", page="/admin/allocations/"),)
    allocation_id: int
    is_cancelled: bool

    def recipients(self, session: Session) -> Iterable[int]:
        row = session.get_one(SiteAllocation, self.allocation_id)
        colleges = (row.borrowing_college_id, row.site.college_id)
        return {ident for college_id in colleges for ident in audiences.coordinators(session, college_id)}

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        row = session.get_one(SiteAllocation, self.allocation_id)
        return {
            "plan_no": row.plan.plan_no,
            "certificate": row.certificate.full_name,
            "site_no": row.site.site_no,
            "site": row.site.name,
            "borrower": row.borrowing_college.name,
            "is_cancelled": self.is_cancelled,
        }

    def is_still_true(self, session: Session, now: datetime) -> bool:
        state = session.get_one(SiteAllocation, self.allocation_id).state
        return (state is AllocationState.CANCELLED) is self.is_cancelled
