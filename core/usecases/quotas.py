"""指标: granted by an approval, adjusted by the province alone, void at the year's end."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.db import Tx
from core.errors import IllegalMove, ReasonMissing, ValueRefused
from core.models.pilots import PilotApplication, Quota
from core.rules.permissions import permit
from core.rules.pilots import (
    QUOTA,
    ApplicationState,
    QuotaState,
)

A = ApplicationState
STILL_NEWS = timedelta(days=2)  # an edge noticed later than this is recorded, but nobody needs telling


def grant_quota(tx: Tx, application: PilotApplication, count: int) -> None:
    quota: Quota | None = tx.first(
        select(Quota)
        .where(
            Quota.college_id == application.college_id,
            Quota.certificate_id == application.certificate_id,
            Quota.year == application.plan.year,
        )
        .with_for_update()
    )
    if quota is None:
        tx.add(
            Quota(
                college_id=application.college_id,
                certificate_id=application.certificate_id,
                year=application.plan.year,
                province_code=application.province_code,
                granted=count,
            )
        )
        return
    quota.granted += count
    tx.because(quota, "grant")
    tx.session.flush()


def adjust_quota(tx: Tx, *, quota_id: int, granted: int, reason: str) -> Quota:
    """Only the province, with a reason, and never below what is used (R-020, §3.3)."""
    if not reason.strip():
        raise ReasonMissing(rule="R-020")
    quota = tx.lock(Quota, quota_id)
    permit(tx.actor, "adjust_quota", quota)
    if quota.state is not QuotaState.ACTIVE:
        raise IllegalMove(thing="指标", state=quota.state.label, action="adjust")
    if granted < quota.used:
        raise ValueRefused("quota_below_used", rule="§3.3", granted=granted, used=quota.used)
    quota.granted = granted
    tx.because(quota, "adjust", reason.strip())
    tx.session.flush()
    return quota


def lapse_quotas(tx: Tx, *, before_year: int) -> int:
    """T-03: quotas of years before this one are void (R-019); returns how many lapsed."""
    return len(tx.advance_all(Quota, QUOTA, "lapse", Quota.year < before_year, lapsed_at=tx.now))
