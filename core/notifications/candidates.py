"""Facts about candidates: numbers only, for chat never carries a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models.candidates import Candidate
from core.notifications import audiences
from core.notifications.message import Button, Message, told
from core.rules.candidates import CandidateState


@told
@dataclass(frozen=True, slots=True)
class ManualConfirmationNeeded(Message):
    """M-12: the automatic check did not pass some candidates; batch is the number of the batch."""

    kind: ClassVar[str] = "candidates.manual_confirmation_needed"
    buttons: ClassVar[tuple[Button, ...]] = (Button("去人工确认", page="/admin/candidates/"),)
    college_id: int
    batch: str

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.coordinators(session, self.college_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        waiting = session.scalar(
            select(func.count(Candidate.id)).where(
                Candidate.college_id == self.college_id, Candidate.state == CandidateState.NEEDS_MANUAL
            )
        )
        return {"count": waiting}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return bool(self.details(session, now)["count"])
