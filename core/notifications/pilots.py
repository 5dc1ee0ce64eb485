"""Facts of the pilot year: declaration windows, submissions, decisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models.files import Attachment
from core.models.pilots import DeclarationPlan, PilotApplication, ReviewRecord
from core.notifications import audiences
from core.notifications.message import Button, Message, Press, told
from core.queries.accounts import province_contact
from core.queries.changes import changes_of, review_version
from core.rules.pilots import (
    LEAST_TO_REVIEW,
    NOTICE,
    REVIEW_WITHIN,
    ApplicationState,
    ReviewDecision,
    ReviewStep,
    pass_action,
    step_due,
)
from core.rules.telling import Tempo

PASS_LABELS = {"pass_city": "审核通过", "pass_preliminary": "初审通过", "approve": "通过 {requested} 人"}
_APPLICATION_PAGE = "/admin/applications/details/?id={application_id}"


# -- declaration windows ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _OfPlan(Message):
    """Common to what a batch tells the colleges of its province."""

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
            "opens_at": plan.apply_opens_at,
            "closes_at": plan.apply_closes_at,
            "is_by_major": plan.by_major_required,
        }


@told
@dataclass(frozen=True, slots=True)
class DeclarationComing(_OfPlan):
    """M-06: a batch opens within three days; opens_at tells it again when the province moves the start."""

    kind: ClassVar[str] = "pilots.declaration_coming"
    tempo: ClassVar[Tempo] = Tempo.DIGEST
    useful_for: ClassVar[timedelta] = NOTICE
    opens_at: str

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return not session.get_one(DeclarationPlan, self.plan_id).apply_window.started(now)


@told
@dataclass(frozen=True, slots=True)
class DeclarationOpened(_OfPlan):
    """T-01, M-06: colleges of the province may apply."""

    kind: ClassVar[str] = "pilots.declaration_opened"
    tempo: ClassVar[Tempo] = Tempo.DIGEST

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(DeclarationPlan, self.plan_id).apply_window.contains(now)


@told
@dataclass(frozen=True, slots=True)
class DeclarationExtended(_OfPlan):
    """M-39: the province has put off the end and says why; returned applications may be mended again (§3.1)."""

    kind: ClassVar[str] = "pilots.declaration_extended"
    closes_at: str
    reason: str

    def dedupe_key(self) -> str:
        return f"{self.kind}:{self.plan_id}:{self.closes_at}"

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        return _OfPlan.details(self, session, now) | {"reason": self.reason}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(DeclarationPlan, self.plan_id).apply_window.contains(now)


@told
@dataclass(frozen=True, slots=True)
class DeclarationClosing(_OfPlan):
    """M-06: a batch closes within three days; each college hears how much of its own is not in yet.

    closes_at tells it again when the end has been put off.
    """

    kind: ClassVar[str] = "pilots.declaration_closing"
    buttons: ClassVar[tuple[Button, ...]] = (Button("去申报", page="/admin/applications/"),)
    useful_for: ClassVar[timedelta] = NOTICE
    college_id: int
    closes_at: str

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.college_staff(session, self.college_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        mine = select(PilotApplication.state, func.count(PilotApplication.id)).where(
            PilotApplication.plan_id == self.plan_id, PilotApplication.college_id == self.college_id
        )
        rows = session.execute(mine.group_by(PilotApplication.state)).all()
        numbers: dict[ApplicationState, int] = {row[0]: row[1] for row in rows}
        drafts = numbers.pop(ApplicationState.DRAFT, 0)
        returned = numbers.pop(ApplicationState.RETURNED, 0)
        counts = {"drafts": drafts, "returned": returned, "submitted": sum(numbers.values())}
        return _OfPlan.details(self, session, now) | counts

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(DeclarationPlan, self.plan_id).apply_window.contains(now)


@told
@dataclass(frozen=True, slots=True)
class DeclarationClosed(_OfPlan):
    """T-02: nothing can be submitted any more; closes_at tells it again when the end had been put off."""

    kind: ClassVar[str] = "pilots.declaration_closed"
    tempo: ClassVar[Tempo] = Tempo.DIGEST
    buttons: ClassVar[tuple[Button, ...]] = ()
    closes_at: str = ""

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(DeclarationPlan, self.plan_id).apply_window.over(now)


# -- applications ----------------------------------------------------------------------------------------------------


@told
@dataclass(frozen=True, slots=True)
class ApplicationWaiting(Message):
    """M-05: an application waits for this reviewer; step is a ReviewStep, round counts what was recorded before."""

    kind: ClassVar[str] = "pilots.application_waiting"
    answer_within: ClassVar[timedelta | None] = REVIEW_WITHIN
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("{pass_label}", press=Press.APPROVE),
        Button("查看明细", page=_APPLICATION_PAGE),
        Button("退回并说明", press=Press.SEND_BACK),
    )
    asks: ClassVar[bool] = True
    useful_for: ClassVar[timedelta] = timedelta(days=60)
    application_id: int
    step: str
    round: int

    def recipients(self, session: Session) -> Iterable[int]:
        application = session.get_one(PilotApplication, self.application_id)
        if self.step == ReviewStep.CITY:
            return audiences.city(session, application.city_code)
        return audiences.province(session, application.province_code)

    def due_at(self, session: Session, now: datetime) -> datetime | None:
        """While the window is open the college can still mend what is returned: the answer is due before it closes."""
        window = session.get_one(PilotApplication, self.application_id).plan.apply_window
        usual = now + REVIEW_WITHIN
        return min(usual, window.closes_at) if window.closes_at - now > LEAST_TO_REVIEW else usual

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        version = review_version(session, session.get_one(PilotApplication, self.application_id))
        return PilotApplication.__tablename__, self.application_id, version

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        application = session.get_one(PilotApplication, self.application_id)
        act = pass_action(ReviewStep(self.step), has_final_review=application.plan.final_review_required)
        decision = self.decision(session)
        return {
            "application_id": application.id,
            "step": ReviewStep(self.step).label,
            "pass_label": PASS_LABELS[act].format(requested=application.requested_count),
            "college": application.college.name,
            "certificate": application.certificate.full_name,
            "requested": application.requested_count,
            "year": application.plan.year,
            "batch": application.plan.batch_name,
            "closes_at": application.plan.apply_closes_at,
            "may_resubmit": application.plan.apply_window.contains(now),
            "majors": len(application.majors),
            "files": files_of(session, application.id),
            "changes": changes_of(session, application),
            "decision": decision,
            "is_passed": decision is not None and decision.decision is ReviewDecision.PASS,
        }

    def decision(self, session: Session) -> ReviewRecord | None:
        """What was decided about this very request: the record that follows those it was told after."""
        records = select(ReviewRecord).where(ReviewRecord.application_id == self.application_id)
        return session.scalar(records.order_by(ReviewRecord.id).offset(self.round).limit(1))

    def is_still_true(self, session: Session, now: datetime) -> bool:
        application = session.get_one(PilotApplication, self.application_id)
        return step_due(application.state, has_city_review=application.has_city_review) == self.step


def files_of(session: Session, application_id: int) -> int:
    """How many files hang on an application."""
    return session.scalar(select(func.count(Attachment.id)).where(Attachment.application_id == application_id)) or 0


@told
@dataclass(frozen=True, slots=True)
class ApplicationDecided(Message):
    """M-03, M-04, R-043: approved with a number, or returned with a reason; the college says it has seen it."""

    kind: ClassVar[str] = "pilots.application_decided"
    answer_within: ClassVar[timedelta | None] = timedelta(days=3)
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("已知悉", press=Press.ACKNOWLEDGE),
        Button("{open_label}", page=_APPLICATION_PAGE),
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

    def letter(self) -> str:
        """R-043: the result reaches the registrant's mobile where no chat is bound."""
        return "application_approved" if self.is_approved else "application_returned"

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        application = session.get_one(PilotApplication, self.application_id)
        may_resubmit = application.plan.apply_window.contains(now)
        return {
            "application_id": application.id,
            "open_label": "去修改" if may_resubmit and not self.is_approved else "查看明细",
            "certificate": application.certificate.full_name,
            "requested": application.requested_count,
            "approved": application.approved_count,
            "is_approved": self.is_approved,
            "reason": self.reason,
            "year": application.plan.year,
            "batch": application.plan.batch_name,
            "closes_at": application.plan.apply_closes_at,
            "may_resubmit": may_resubmit,
            "contact": province_contact(session, application.province_code),
        }
