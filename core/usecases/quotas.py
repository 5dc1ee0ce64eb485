"""指标 as a ledger: granted by approval, spent by registrations, adjusted by the province, void at the end of the year.

Every change is a posting; the balances beside them are their sums, changed in the same statement's transaction.
"""

from __future__ import annotations

from sqlalchemy import func, select

from core.db import Tx
from core.errors import IllegalMove, ReasonMissing, ValueRefused
from core.models.pilots import PilotApplication, Quota, QuotaPosting
from core.queries.quotas import BALANCES, off_balance
from core.rules.permissions import permit
from core.rules.pilots import QUOTA, PostingKind, QuotaState


def post(
    tx: Tx,
    quota: Quota,
    kind: PostingKind,
    *,
    granted: int = 0,
    used: int = 0,
    reason: str = "",
    application_id: int | None = None,
) -> None:
    """Write one line of the ledger and move the balances with it; the caller holds the quota's lock."""
    quota.granted += granted
    quota.used += used
    tx.because(quota, f"{kind.value}_quota", reason)
    tx.add(
        QuotaPosting(
            quota_id=quota.id,
            kind=kind,
            granted=granted,
            used=used,
            reason=reason,
            application_id=application_id,
            actor_id=tx.actor.account_id,
            at=tx.now,
        )
    )


def grant_quota(tx: Tx, application: PilotApplication, count: int) -> None:
    """What an approval grants, added to what earlier batches of the year have granted (§2.15)."""
    key = {
        "college_id": application.college_id,
        "certificate_id": application.certificate_id,
        "year": application.plan.year,
    }
    same = select(Quota).where(*(getattr(Quota, name) == value for name, value in key.items()))
    quota: Quota | None = tx.first(same.with_for_update().execution_options(populate_existing=True))
    if quota is None:
        quota = tx.add(Quota(**key, province_code=application.province_code, granted=0))
    post(tx, quota, PostingKind.GRANT, granted=count, application_id=application.id)


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
    if granted != quota.granted:
        post(tx, quota, PostingKind.ADJUST, granted=granted - quota.granted, reason=reason.strip())
    return quota


def lapse_quotas(tx: Tx, *, before_year: int) -> int:
    """T-03: what was not used in years before this one is void (R-019); returns how many quotas lapsed."""
    due = (Quota.year < before_year, Quota.state == QuotaState.ACTIVE)
    held = tx.all(select(Quota).where(*due).order_by(Quota.id).with_for_update())
    line = {"kind": PostingKind.LAPSE, "granted": 0, "used": 0, "reason": "", "application_id": None}
    line |= {"actor_id": tx.actor.account_id, "at": tx.now}
    tx.insert_all(QuotaPosting, [line | {"quota_id": quota.id, "lapsed": quota.left} for quota in held])
    lapsed = Quota.granted - Quota.used
    return len(tx.advance_all(Quota, QUOTA, "lapse", *due, lapsed=lapsed, lapsed_at=tx.now))


def rebuild_balances(tx: Tx) -> int:
    """Set every balance to the sum of its postings; how many were wrong (`kaowu reconcile --rebuild`)."""
    wrong = tx.all(off_balance().order_by(Quota.id))
    for quota_id in wrong:
        quota = tx.lock(Quota, quota_id)
        sums = [func.coalesce(func.sum(getattr(QuotaPosting, name)), 0) for name in BALANCES]
        found = tx.session.execute(select(*sums).where(QuotaPosting.quota_id == quota_id)).one()
        for name, total in zip(BALANCES, found, strict=True):
            setattr(quota, name, total)
        tx.because(quota, "rebuild_quota")
        tx.session.flush()
    return len(wrong)
