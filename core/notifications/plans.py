"""Facts of an exam plan: published, its windows opening and closing, its deadlines coming near."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models.plans import ExamPlan, ExamPlanCertificate
from core.models.registrations import Registration
from core.notifications import audiences
from core.notifications.message import Button, Message, Press, told
from core.queries.plans import registration_standing, scores_missing
from core.rules.plans import ENTRY_NOTICE, REVIEW_NOTICE, PlanEdge
from core.rules.telling import Tempo

TO_COLLEGES = frozenset(
    {
        PlanEdge.REGISTRATION_OPENS,
        PlanEdge.REGISTRATION_CLOSES,
        PlanEdge.ARRANGEMENT_CLOSES,
        PlanEdge.ENTRY_CLOSES,
        PlanEdge.PUBLICATION_OPENS,
        PlanEdge.PUBLICATION_CLOSES,
    }
)
TO_TEO = frozenset(
    {
        PlanEdge.REGISTRATION_CLOSES,
        PlanEdge.ARRANGEMENT_OPENS,
        PlanEdge.ARRANGEMENT_CLOSES,
        PlanEdge.ENTRY_OPENS,
        PlanEdge.ENTRY_CLOSES,
        PlanEdge.PUBLICATION_CLOSES,
    }
)


@told
@dataclass(frozen=True, slots=True)
class PlanPublished(Message):
    """M-10: the colleges of a plan learn its windows."""

    kind: ClassVar[str] = "plans.published"
    tempo: ClassVar[Tempo] = Tempo.DIGEST
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看考试计划", page="/admin/plans/"),)
    plan_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.colleges_of_plan(session, self.plan_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(ExamPlan, self.plan_id)
        certificates = session.scalar(
            select(func.count(ExamPlanCertificate.id)).where(ExamPlanCertificate.plan_id == plan.id)
        )
        return {"plan_no": plan.plan_no, "name": plan.name, "count": certificates, "windows": plan.windows}


@told
@dataclass(frozen=True, slots=True)
class PlanEdgePassed(Message):
    """T-04…T-07, T-12…T-16: the clock has opened or closed something; edge is a PlanEdge."""

    kind: ClassVar[str] = "plans.edge_passed"
    tempo: ClassVar[Tempo] = Tempo.DIGEST
    buttons: ClassVar[tuple[Button, ...]] = (Button("打开考试计划", page="/admin/plans/"),)
    useful_for: ClassVar[timedelta] = timedelta(days=2)
    plan_id: int
    edge: str

    def recipients(self, session: Session) -> Iterable[int]:
        plan = session.get_one(ExamPlan, self.plan_id)
        found: set[int] = set()
        if self.edge in TO_COLLEGES:
            found.update(audiences.colleges_of_plan(session, plan.id))
        if self.edge in TO_TEO:
            found.update(audiences.teo(session, plan.org_id))
        return found

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(ExamPlan, self.plan_id)
        registered = session.scalar(select(func.count(Registration.id)).where(Registration.plan_id == plan.id))
        return {
            "plan_no": plan.plan_no,
            "name": plan.name,
            "edge": self.edge,
            "windows": plan.windows,
            "registered": registered,
        }


@told
@dataclass(frozen=True, slots=True)
class RegistrationClosing(Message):
    """M-11: registration closes soon; rung is the number of hours before the end this reminder belongs to."""

    kind: ClassVar[str] = "plans.registration_closing"
    has_ladder: ClassVar[bool] = False  # it is a rung itself
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("已知悉", press=Press.ACKNOWLEDGE),
        Button("稍后提醒", press=Press.SNOOZE),
        Button("去报考", page="/admin/registrations/"),
    )
    asks: ClassVar[bool] = True
    plan_id: int
    college_id: int
    rung: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.coordinators(session, self.college_id)

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        return ExamPlan.__tablename__, self.plan_id, 0

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(ExamPlan, self.plan_id)
        standing = registration_standing(session, plan, self.college_id)
        return {
            "plan_no": plan.plan_no,
            "name": plan.name,
            "closes_at": plan.registration_closes_at,
            "registered": standing.registered,
            "quota_left": standing.quota_left,
            "unverified": standing.waiting_for_photo + standing.waiting_for_verification,
        }

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(ExamPlan, self.plan_id).windows.registration.contains(now)

    def due_at(self, session: Session, now: datetime) -> datetime | None:
        return session.get_one(ExamPlan, self.plan_id).registration_closes_at

    def useful_until(self, now: datetime) -> datetime:
        return now + timedelta(hours=self.rung)


@told
@dataclass(frozen=True, slots=True)
class ScoresMissing(Message):
    """M-21: score entry closes within a day, and not every seat has its score; closes_at: told again when put off."""

    kind: ClassVar[str] = "plans.scores_missing"
    buttons: ClassVar[tuple[Button, ...]] = (Button("去登记成绩", page="/admin/scores/"),)
    plan_id: int
    closes_at: str

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.teo(session, session.get_one(ExamPlan, self.plan_id).org_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(ExamPlan, self.plan_id)
        return {
            "plan_no": plan.plan_no,
            "name": plan.name,
            "closes_at": plan.score_entry_closes_at,
            "count": scores_missing(session, plan.id),
        }

    def due_at(self, session: Session, now: datetime) -> datetime | None:
        return session.get_one(ExamPlan, self.plan_id).score_entry_closes_at

    def is_still_true(self, session: Session, now: datetime) -> bool:
        window = session.get_one(ExamPlan, self.plan_id).windows.score_entry
        return window.contains(now) and scores_missing(session, self.plan_id) > 0

    def useful_until(self, now: datetime) -> datetime:
        return now + ENTRY_NOTICE


@told
@dataclass(frozen=True, slots=True)
class ReviewClosing(Message):
    """M-23: two days are left in which a review of scores may be asked for."""

    kind: ClassVar[str] = "plans.review_closing"
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看成绩", page="/admin/scores/"),)
    plan_id: int
    closes_at: str

    def recipients(self, session: Session) -> Iterable[int]:
        taking_part = select(Registration.college_id).where(Registration.plan_id == self.plan_id).distinct()
        found: set[int] = set()
        for college_id in session.scalars(taking_part):
            found.update(audiences.coordinators(session, college_id))
        return found

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(ExamPlan, self.plan_id)
        return {"plan_no": plan.plan_no, "name": plan.name, "closes_at": plan.windows.review.closes_at}

    def due_at(self, session: Session, now: datetime) -> datetime | None:
        return session.get_one(ExamPlan, self.plan_id).windows.review.closes_at

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(ExamPlan, self.plan_id).windows.review.contains(now)

    def useful_until(self, now: datetime) -> datetime:
        return now + REVIEW_NOTICE


@told
@dataclass(frozen=True, slots=True)
class PlanWindowExtended(Message):
    """M-39: a window of a published plan is longer now; window: its field in PlanWindows."""

    kind: ClassVar[str] = "plans.window_extended"
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看考试计划", page="/admin/plans/"),)
    plan_id: int
    window: str
    closes_at: str

    def recipients(self, session: Session) -> Iterable[int]:
        plan = session.get_one(ExamPlan, self.plan_id)
        return {*audiences.colleges_of_plan(session, plan.id), *audiences.teo(session, plan.org_id)}

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(ExamPlan, self.plan_id)
        return {"plan_no": plan.plan_no, "name": plan.name, "window": getattr(plan.windows, self.window)}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return not getattr(session.get_one(ExamPlan, self.plan_id).windows, self.window).over(now)
