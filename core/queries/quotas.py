"""The quota's ledger as pages and reconcilers read it."""

from __future__ import annotations

from sqlalchemy import Select, func, or_, select

from core.models.pilots import Quota, QuotaPosting

BALANCES = ("granted", "used", "lapsed")


def off_balance() -> Select[int]:
    """Ids of quotas whose balances are not the sums of their postings; none, while all is well."""
    sums = {
        name: select(func.coalesce(func.sum(getattr(QuotaPosting, name)), 0))
        .where(QuotaPosting.quota_id == Quota.id)
        .scalar_subquery()
        for name in BALANCES
    }
    return select(Quota.id).where(or_(*(getattr(Quota, name) != sums[name] for name in BALANCES)))


def ledger_of(quota_id: int) -> Select[QuotaPosting]:
    """The postings of a quota, first to last."""
    return select(QuotaPosting).where(QuotaPosting.quota_id == quota_id).order_by(QuotaPosting.id)
