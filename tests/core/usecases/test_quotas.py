"""指标: granted by approval, adjusted by the province, void with its year (R-019, R-020, §2.15)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.errors import IllegalMove, ReasonMissing, ValueRefused
from core.models.pilots import Quota
from core.usecases import quotas, reviews
from tests.core.usecases.pilot_steps import At, declare, refused, save, submit
from tests.factories import DECLARATION, Years, moment, on, register, rows


def test_a_second_batch_adds_to_the_quota_of_the_year(years: Years, at: At) -> None:
    year = years("approved")
    at(moment("approved"))
    application = save(year, plan_id=declare(year, closes_at=DECLARATION[1] + timedelta(days=60)))
    submit(year, application.id)
    year.do("province", reviews.approve_application, application_id=application.id, approved_count=6)
    assert rows(select(Quota.granted).where(Quota.college_id == year["college"])) == [10]


def test_a_quota_is_raised_and_lowered_with_a_reason_but_never_below_what_is_used_R020(years: Years, at: At) -> None:
    year = years("registered")  # three of four are used
    at(moment("registered"))
    adjust = lambda n, why="调整": year.do(  # noqa: E731
        "province", quotas.adjust_quota, quota_id=year["quota"], granted=n, reason=why
    )
    refused(lambda: adjust(2), ValueRefused, "quota_below_used", "§3.3")
    refused(lambda: adjust(9, " "), ReasonMissing, "reason_missing", "R-020")
    assert adjust(3).granted == 3
    assert register(year, [3]).refused[0].refusal.rule == "R-139"
    adjust(5)
    assert register(year, [3, 4]).accepted == 2


def test_quota_lapses_with_its_year_and_stays_void_R019_T03(years: Years, at: At) -> None:
    year = years("approved")
    at(on("2026-12-31 23:59"))
    assert year.do("system", quotas.lapse_quotas, before_year=2026) == 0
    at(on("2027-01-01 00:00"))
    assert year.do("system", quotas.lapse_quotas, before_year=2027) == 2
    assert year.do("system", quotas.lapse_quotas, before_year=2027) == 0
    with pytest.raises(IllegalMove):
        year.do("province", quotas.adjust_quota, quota_id=year["quota"], granted=9, reason="延期")
