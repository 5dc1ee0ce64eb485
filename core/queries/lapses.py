"""指标 that the end of the year takes away: whose it is, how much, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from core import clock
from core.models.catalogue import CertificateType
from core.models.pilots import Quota
from core.rules.pilots import QuotaState

_LEFT = Quota.granted - Quota.used - Quota.lapsed


@dataclass(frozen=True, slots=True)
class Share:
    """Places of one certificate."""

    certificate: str
    count: int


def year_end(year: int) -> datetime:
    """31 December 24:00 where the exams are held (T-03)."""
    return datetime(year + 1, 1, 1, tzinfo=clock.zone())


def last_minute_of(year: int) -> datetime:
    """The same deadline as people read it: 31 December 23:59."""
    return year_end(year) - timedelta(minutes=1)


def colleges_about_to_lose(year: int) -> Select[int]:
    """Ids of colleges with living quota of this year that nobody has used yet."""
    unused = (Quota.year == year, Quota.state == QuotaState.ACTIVE, _LEFT > 0)
    return select(Quota.college_id).where(*unused).distinct().order_by(Quota.college_id)


def unused_shares(session: Session, college_id: int, year: int) -> list[Share]:
    """What a college would lose today, per certificate, the largest first."""
    return _shares(session, _LEFT, Quota.college_id == college_id, Quota.year == year, Quota.state == QuotaState.ACTIVE)


def lapsed_shares(session: Session, college_id: int, year: int) -> list[Share]:
    """What a college has lost at the end of a year, per certificate, the largest first."""
    return _shares(session, Quota.lapsed.expression, Quota.college_id == college_id, Quota.year == year)


def total(shares: Sequence[Share]) -> int:
    """All of them together."""
    return sum(share.count for share in shares)


def unused_places(session: Session, college_id: int, year: int) -> int:
    """How many places of a college would lapse, all certificates together."""
    wanted = select(func.coalesce(func.sum(_LEFT), 0)).where(
        Quota.college_id == college_id, Quota.year == year, Quota.state == QuotaState.ACTIVE
    )
    return int(session.scalar(wanted) or 0)


def _shares(session: Session, count: ColumnElement[int], *where: ColumnElement[bool]) -> list[Share]:
    rows = session.execute(
        select(CertificateType, count)
        .join(Quota, Quota.certificate_id == CertificateType.id)
        .where(*where, count > 0)
        .order_by(count.desc(), CertificateType.id)
    )
    return [Share(certificate.full_name, number) for certificate, number in rows]
