"""A person's desk: what they ask about is counted within their own scope, and gets an urgency from its deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.plans import ExamPlan
from core.queries.scoping import visible

SOON = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class DueItem:
    """Something that waits for this person. url: where it is done; urgency: 3 within a day, 2 soon, 1 otherwise."""

    kind: str
    title: str
    detail: str
    due_at: datetime | None
    count: int
    url: str
    urgency: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Who asks, when, and with which session."""

    session: Session
    actor: Actor
    now: datetime

    def count(self, model: Any, *where: ColumnElement[bool]) -> int:
        """Rows in this person's scope."""
        wanted = select(func.count(model.id)).where(visible(model, self.actor, self.now), *where)
        return self.session.scalar(wanted) or 0

    def plans(self, *where: ColumnElement[bool]) -> list[ExamPlan]:
        """Exam plans in this person's scope."""
        wanted = select(ExamPlan).where(visible(ExamPlan, self.actor, self.now), *where).order_by(ExamPlan.plan_no)
        return list(self.session.scalars(wanted))

    def item(
        self, kind: str, title: str, count: int, url: str, *, detail: str = "", due_at: datetime | None = None
    ) -> DueItem:
        """A due item with its urgency worked out from the deadline."""
        return DueItem(kind, title, detail, due_at, count, url, urgency_of(due_at, self.now))


def urgency_of(due_at: datetime | None, now: datetime) -> int:
    """3 within a day or overdue, 2 within three days, 1 otherwise."""
    if due_at is None or due_at - now > SOON:
        return 1
    return 3 if due_at - now <= timedelta(days=1) else 2
