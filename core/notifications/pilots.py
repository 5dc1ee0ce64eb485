"""Facts of the pilot year: declaration windows, submissions, decisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from core.models.pilots import DeclarationPlan, PilotApplication
from core.notifications import audiences
from core.notifications.message import Button, Message, Press, told
from core.rules.pilots import ApplicationState


@told
@dataclass(frozen=True, slots=True)
class DeclarationOpened(Message):
    """T-01, M-06: colleges of the province may apply."""

    kind: ClassVar[str] = "pilots.declaration_opened"
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看申报计划", page="/admin/declarations/"),)
    plan_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.colleges_of_province(session, session.get_one(DeclarationPlan, self.plan_id).province_code)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(DeclarationPlan, self.plan_id)
        return {
            "authority": plan.authority.name,
            "year": plan.year,
            "batch": plan.batch_name,
            "closes_at": plan.apply_closes_at,
            "is_by_major": plan.by_major_required,
        }

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(DeclarationPlan, self.plan_id).apply_window.contains(now)


@told
@dataclass(frozen=True, slots=True)
class DeclarationClosed(Message):
    """T-02: nothing can be submitted any more; what remains a draft stays one."""

    kind: ClassVar[str] = "pilots.declaration_closed"
    plan_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.colleges_of_province(session, session.get_one(DeclarationPlan, self.plan_id).province_code)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(DeclarationPlan, self.plan_id)
        return {"authority": plan.authority.name, "year": plan.year, "batch": plan.batch_name}


@told
@dataclass(frozen=True, slots=True)
class ApplicationWaiting(Message):
    """M-05: an application waits for this reviewer; step is a ReviewStep, round counts submissions."""

    kind: ClassVar[str] = "pilots.application_waiting"
    buttons: ClassVar[tuple[Button, ...]] = (Button("去审核", page="/admin/applications/"),)
    asks: ClassVar[bool] = True
    useful_for: ClassVar[timedelta] = timedelta(days=60)
    application_id: int
    step: str
    round: int

    def recipients(self, session: Session) -> Iterable[int]:
        application = session.get_one(PilotApplication, self.application_id)
        if self.step == "city":
            return audiences.city(session, application.city_code)
        return audiences.province(session, application.province_code)

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        return PilotApplication.__tablename__, self.application_id, 0

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        application = session.get_one(PilotApplication, self.application_id)
        return {
            "college": application.college.name,
            "certificate": application.certificate.full_name,
            "requested": application.requested_count,
            "year": application.plan.year,
            "batch": application.plan.batch_name,
        }

    def is_still_true(self, session: Session, now: datetime) -> bool:
        state = session.get_one(PilotApplication, self.application_id).state
        return state not in {ApplicationState.APPROVED, ApplicationState.RETURNED, ApplicationState.DRAFT}


@told
@dataclass(frozen=True, slots=True)
class ApplicationDecided(Message):
    """M-03, M-04: approved with a number, or returned with a reason; the college says it has seen it."""

    kind: ClassVar[str] = "pilots.application_decided"
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("已知悉", press=Press.ACKNOWLEDGE),
        Button("查看明细", page="/admin/applications/"),
    )
    asks: ClassVar[bool] = True
    useful_for: ClassVar[timedelta] = timedelta(days=30)
    application_id: int
    is_approved: bool
    reason: str
    round: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.college_staff(session, session.get_one(PilotApplication, self.application_id).college_id)

    def dedupe_key(self) -> str:
        return f"{self.kind}:{self.application_id}:{self.round}"

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        application = session.get_one(PilotApplication, self.application_id)
        return {
            "certificate": application.certificate.full_name,
            "requested": application.requested_count,
            "approved": application.approved_count,
            "is_approved": self.is_approved,
            "reason": self.reason,
            "year": application.plan.year,
            "batch": application.plan.batch_name,
            "closes_at": application.plan.apply_closes_at,
            "may_resubmit": application.plan.apply_window.contains(now),
        }
