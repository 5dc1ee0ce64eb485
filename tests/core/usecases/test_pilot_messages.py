"""What the clock tells colleges about batches and quota (M-06, M-07, T-01…T-03), and when it stays silent."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from core.db import reading
from core.models.accounts import UserAccount
from core.models.pilots import DeclarationPlan, Quota
from core.models.records import Notification
from core.notifications import quotas as quota_messages
from core.notifications import render
from core.notifications.quotas import QuotaLapsing
from core.queries.lapses import Share
from core.rules.pilots import lapse_rung
from core.usecases import declarations, lapses, quotas
from jobs import pilots
from tests.core.usecases.pilot_steps import At, declare, save, submit
from tests.factories import SECOND, Year, Years, count, moment, notices, on, one

COMING, OPENED = "pilots.declaration_coming", "pilots.declaration_opened"
CLOSING, CLOSED = "pilots.declaration_closing", "pilots.declaration_closed"
LAPSING, LAPSED = "quotas.lapsing", "quotas.lapsed"
OPENS, CLOSES = on("2026-04-10 09:00"), on("2026-04-20 18:00")
THREE = timedelta(days=3)
OURS = ("coordinator", "second_coordinator", "signatory")


@pytest.fixture
def batch(declared: Year, at: At) -> int:
    """A batch of ours, published long before it opens; the older ones are announced already."""
    pilots.pass_edges()
    return declare(declared, opens_at=OPENS, closes_at=CLOSES)


def told(kind: str, plan_id: int | None = None) -> list[Notification]:
    """Messages of a kind, of one batch if named."""
    return [row for row in notices(kind) if plan_id is None or json.loads(row.facts)["plan_id"] == plan_id]


def words(row: Notification, now: datetime) -> str:
    """The message as it would be read at an instant."""
    with reading() as session:
        return render.chat_text(session, session.get_one(Notification, row.id), now).text


def tick_at(at: At, instant: datetime) -> datetime:
    """The job runs at that instant, twice."""
    at(instant)
    pilots.pass_edges()
    pilots.pass_edges()
    return instant


# -- batches: M-06 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edge", "kind"),
    [(OPENS - THREE, COMING), (OPENS, OPENED), (CLOSES - THREE, CLOSING), (CLOSES + timedelta(microseconds=1), CLOSED)],
    ids=["three days before it opens", "opens", "three days before it closes", "closed"],
)
def test_each_edge_is_told_once_and_not_a_second_too_early_M06(
    batch: int, at: At, declared: Year, edge: datetime, kind: str
) -> None:
    tick_at(at, edge - SECOND)
    assert told(kind, batch) == []
    tick_at(at, edge)
    tick_at(at, edge + SECOND)
    assert {row.account_id for row in told(kind, batch)} == {declared[f"account:{who}"] for who in OURS}
    assert len(told(kind, batch)) == len(OURS)


def test_only_colleges_of_the_province_hear_of_its_batch_R023(batch: int, at: At, declared: Year) -> None:
    for instant in (OPENS - THREE, OPENS, CLOSES - THREE, CLOSES + SECOND):
        tick_at(at, instant)
    abroad = {declared["account:other_coordinator"], declared["account:other_signatory"]}
    mine = [row for kind in (COMING, OPENED, CLOSING, CLOSED) for row in told(kind, batch)]
    assert len(mine) == 4 * len(OURS)
    assert not abroad & {row.account_id for row in mine}


def test_the_reminder_names_what_is_not_in_yet(batch: int, at: At, declared: Year) -> None:
    tick_at(at, OPENS)
    save(declared, plan_id=batch)
    submit(declared, save(declared, plan_id=batch, certificate_id=declared["certificate:2"]).id)
    now = tick_at(at, CLOSES - THREE)
    text = words(told(CLOSING, batch)[0], now)
    assert "未提交 1 份，被退回 0 份，已提交 1 份" in text
    assert text.startswith("<b>【申报即将截止】2026 年 第二批 · 4月20日 周一 18:00 前</b>")
    assert "逾期不能提交" in text


@pytest.mark.parametrize(
    ("wakes", "kinds"),
    [
        (OPENS - timedelta(days=1), [COMING]),
        (OPENS + timedelta(days=1), [OPENED]),
        (CLOSES - timedelta(days=1), [CLOSING]),
        (CLOSES + timedelta(days=1), [CLOSED]),
        (CLOSES + timedelta(days=2), []),
    ],
    ids=["coming", "opened", "closing", "closed", "long past"],
)
def test_a_job_that_slept_tells_the_latest_news_and_no_old_ones(
    batch: int, at: At, wakes: datetime, kinds: list[str]
) -> None:
    tick_at(at, wakes)
    assert [kind for kind in (COMING, OPENED, CLOSING, CLOSED) if told(kind, batch)] == kinds


def test_a_batch_published_within_its_last_days_is_announced_as_open_not_as_closing(declared: Year, at: At) -> None:
    at(CLOSES - timedelta(days=1))
    late = declare(declared, opens_at=OPENS, closes_at=CLOSES)
    pilots.pass_edges()
    assert [len(told(kind, late)) for kind in (COMING, OPENED, CLOSING)] == [0, 3, 0]


def test_a_batch_published_two_days_before_it_opens_is_announced_at_once(declared: Year, at: At) -> None:
    at(OPENS - timedelta(days=2))
    soon = declare(declared, opens_at=OPENS, closes_at=CLOSES)
    pilots.pass_edges()
    assert len(told(COMING, soon)) == 3
    assert one(DeclarationPlan, soon).next_edge_at == OPENS


def test_a_batch_shorter_than_three_days_has_no_reminder_of_its_end(declared: Year, at: At) -> None:
    short = declare(declared, opens_at=OPENS, closes_at=OPENS + timedelta(days=2))
    for hours in range(0, 60, 6):
        tick_at(at, OPENS + timedelta(hours=hours))
    assert [len(told(kind, short)) for kind in (OPENED, CLOSING, CLOSED)] == [3, 0, 3]


def test_a_later_end_is_told_with_its_reason_and_gets_a_reminder_of_its_own_M39(
    batch: int, at: At, declared: Year
) -> None:
    tick_at(at, CLOSES - THREE)
    later = CLOSES + timedelta(days=10)
    given = {"closes_at": later, "reason": "多所院校材料未齐"}
    declared.do("province", declarations.extend_declaration_plan, plan_id=batch, **given)
    (row, *others) = told("pilots.declaration_extended", batch)
    assert len(others) == 2
    text = words(row, CLOSES - THREE)
    assert text.startswith("<b>【申报延期】2026 年 第二批 · 延至 4月30日 周四 18:00</b>")
    assert "多所院校材料未齐" in text
    tick_at(at, CLOSES + SECOND)
    assert told(CLOSED, batch) == [], "the old end means nothing any more"
    tick_at(at, later - THREE - SECOND)
    assert len(told(CLOSING, batch)) == 3
    tick_at(at, later - THREE)
    assert len(told(CLOSING, batch)) == 6


# -- quota: M-07 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "rung"),
    [
        (date(2026, 10, 31), None),
        (date(2026, 11, 1), 60),
        (date(2026, 11, 30), 60),
        (date(2026, 12, 1), 30),
        (date(2026, 12, 23), 30),
        (date(2026, 12, 24), 7),
        (date(2026, 12, 31), 7),
        (date(2027, 1, 1), None),
    ],
)
def test_the_ladder_to_the_years_end_counts_in_days_before_31_december(today: date, rung: int | None) -> None:
    assert lapse_rung(today) == rung


def remind_at(at: At, instant: datetime) -> int:
    """The job runs at that instant, twice; how many messages there are afterwards."""
    at(instant)
    pilots.remind()
    pilots.remind()
    return len(notices(LAPSING))


@pytest.mark.parametrize("first", ["2026-11-01 00:00", "2026-12-01 00:00", "2026-12-24 00:00"])
def test_a_rung_begins_with_the_business_day_and_is_told_once_M07_T22(years: Years, at: At, first: str) -> None:
    years("approved")
    before = remind_at(at, on(first) - SECOND)
    assert remind_at(at, on(first)) == before + 5
    assert remind_at(at, on(first) + SECOND) == before + 5
    assert remind_at(at, on(first) + timedelta(days=5)) == before + 5


def test_days_without_a_job_cost_no_rung_and_bring_no_old_one(years: Years, at: At) -> None:
    years("approved")
    assert remind_at(at, on("2026-11-05 10:00")) == 5
    assert remind_at(at, on("2026-12-28 10:00")) == 10
    assert {json.loads(row.facts)["rung"] for row in notices(LAPSING)} == {60, 7}


def test_coordinators_and_the_signing_officer_read_what_will_be_lost_M07(years: Years, at: At) -> None:
    year = years("approved")
    remind_at(at, on("2026-12-24 09:00"))
    mine = [row for row in notices(LAPSING) if json.loads(row.facts)["college_id"] == year["college"]]
    assert {row.account_id for row in mine} == {year[f"account:{who}"] for who in OURS}
    text = words(mine[0], on("2026-12-24 09:00"))
    assert text.startswith("<b>【指标将作废】4 人 · 12月31日 周四 23:59 前</b>")
    assert "职业技能等级证书" in text or "示例" in text
    assert "作废，不能转到下一年" in text


def test_nobody_is_reminded_of_nothing(years: Years, at: At) -> None:
    """Used up, or never granted: silence."""
    year = years("approved")
    at(moment("approved"))
    with year.acting("system") as tx:
        tx.update_all(Quota, Quota.college_id == year["college"], used=Quota.granted)
    assert remind_at(at, on("2026-12-24 09:00")) == 2
    college = {"college_id": year["college"]}
    assert year.do("system", lapses.remind_of_lapse, **college) == 0
    assert {row.account_id for row in notices(LAPSING)} == {
        year["account:other_coordinator"],
        year["account:other_signatory"],
    }


def test_pilots_without_quota_hear_nothing(years: Years, at: At) -> None:
    years("declared")
    assert remind_at(at, on("2026-12-24 09:00")) == 0


def test_a_message_lists_at_most_four_certificates(years: Years, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    year = years("approved")
    at(on("2026-12-24 09:00"))
    many = [Share(f"示例职业技能等级证书（第 {n} 种）", 10 - n) for n in range(6)]
    monkeypatch.setattr(quota_messages, "unused_shares", lambda *_: many)
    with reading() as session:
        details = QuotaLapsing(year["college"], 2026, 7).details(session, on("2026-12-24 09:00"))
    assert (details["total"], len(details["shares"]), details["more"]) == (45, 4, 2)


def test_a_reminder_is_pointless_once_the_places_are_used_or_the_year_is_over(years: Years, at: At) -> None:
    year = years("approved")
    at(on("2026-12-24 09:00"))
    message = QuotaLapsing(year["college"], 2026, 7)
    with reading() as session:
        assert message.is_still_true(session, on("2026-12-31 23:59:59"))
        assert not message.is_still_true(session, on("2027-01-01 00:00"))
    with year.acting("system") as tx:
        tx.update_all(Quota, Quota.college_id == year["college"], used=Quota.granted)
    with reading() as session:
        assert not message.is_still_true(session, on("2026-12-24 09:00"))


# -- the year's end: T-03 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wakes", [timedelta(), timedelta(seconds=1), timedelta(days=20)])
def test_what_is_lost_at_the_years_end_is_told_once_T03(years: Years, at: At, wakes: timedelta) -> None:
    year = years("approved")
    at(on("2026-12-31 23:59:59"))
    pilots.lapse()
    assert (count(Quota, Quota.state == "lapsed"), notices(LAPSED)) == (0, [])
    at(on("2027-01-01 00:00") + wakes)
    pilots.lapse()
    pilots.lapse()
    assert count(Quota, Quota.state == "lapsed") == 2
    told_here = [row for row in notices(LAPSED) if json.loads(row.facts)["college_id"] == year["college"]]
    assert {row.account_id for row in told_here} == {year[f"account:{who}"] for who in OURS}
    assert "【指标已作废】2026 年 · 4 人" in words(told_here[0], on("2027-01-01 00:00") + wakes)


def test_who_has_used_everything_loses_nothing_and_hears_nothing_T03(years: Years, at: At) -> None:
    year = years("approved")
    at(moment("approved"))
    with year.acting("system") as tx:
        tx.update_all(Quota, Quota.college_id == year["college"], used=Quota.granted)
    at(on("2027-01-01 00:00"))
    pilots.lapse()
    assert {json.loads(row.facts)["college_id"] for row in notices(LAPSED)} == {year["other_college"]}


def test_quota_forgotten_for_years_lapses_without_a_word(years: Years, at: At) -> None:
    years("approved")
    at(on("2028-02-01 00:00"))
    pilots.lapse()
    assert count(Quota, Quota.state == "lapsed") == 2
    assert notices(LAPSED) == []


def test_lapsing_itself_is_left_to_the_ledger(years: Years, at: At) -> None:
    year = years("approved")
    at(on("2027-01-01 00:00"))
    assert year.do("system", lapses.end_year, before_year=2027) == 2
    assert year.do("system", quotas.lapse_quotas, before_year=2027) == 0
    assert one(Quota, year["quota"]).lapsed == 4


def test_no_message_about_quota_names_a_person(years: Years, at: At) -> None:
    years("approved")
    remind_at(at, on("2026-12-24 09:00"))
    with reading() as session:
        names = list(session.scalars(select(UserAccount.real_name)))
    assert not [n for n in names for row in notices(LAPSING) if n in words(row, on("2026-12-24 09:00"))]
