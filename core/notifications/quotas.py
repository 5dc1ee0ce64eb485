"""Facts of the year's end: quota about to lapse, and quota that has lapsed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from core.notifications import audiences
from core.notifications.message import Button, Message, told
from core.queries.lapses import Share, lapsed_shares, last_minute_of, total, unused_places, unused_shares, year_end
from core.rules.telling import Tempo

MOST_SHARES = 4
_QUOTAS = (Button("查看指标", page="/admin/quotas/"),)


@told
@dataclass(frozen=True, slots=True)
class QuotaLapsing(Message):
    """M-07, R-019: places nobody has used yet, told once per rung of the ladder to 31 December."""

    kind: ClassVar[str] = "quotas.lapsing"
    buttons: ClassVar[tuple[Button, ...]] = _QUOTAS
    college_id: int
    year: int
    rung: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.college_staff(session, self.college_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        shares = unused_shares(session, self.college_id, self.year)
        return _listed(shares) | {"year": self.year, "ends_at": last_minute_of(self.year)}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return now < year_end(self.year) and unused_places(session, self.college_id, self.year) > 0

    def useful_until(self, now: datetime) -> datetime:
        return min(now + timedelta(days=30), year_end(self.year))


@told
@dataclass(frozen=True, slots=True)
class QuotaLapsed(Message):
    """T-03, R-019: the year has ended, and this was lost."""

    kind: ClassVar[str] = "quotas.lapsed"
    tempo: ClassVar[Tempo] = Tempo.DIGEST
    buttons: ClassVar[tuple[Button, ...]] = _QUOTAS
    college_id: int
    year: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.college_staff(session, self.college_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        return _listed(lapsed_shares(session, self.college_id, self.year)) | {"year": self.year}


def _listed(shares: Sequence[Share]) -> dict[str, Any]:
    return {"total": total(shares), "shares": shares[:MOST_SHARES], "more": len(shares[MOST_SHARES:])}
