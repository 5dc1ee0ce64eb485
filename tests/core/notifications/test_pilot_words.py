"""What a decision on an application says: how it ended, why, what comes next (M-03, M-04, M-05, R-042, R-043)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from core import clock
from core.actors import SYSTEM
from core.db import reading, transaction
from core.models.pilots import PilotApplication
from core.models.records import Notification
from core.notifications import render
from core.notifications.message import Message
from core.notifications.plans import PlanPublished
from core.notifications.sites import SiteDecided, SiteSubmitted
from core.notifications.words import when
from core.rules.notices import ReplyState
from core.usecases import applications, reviews
from tests.factories import DECLARATION, SECOND, WINDOWS, Year, Years, moment, rows

At = Callable[[datetime | str], datetime]
DECIDED, WAITING = "pilots.application_decided", "pilots.application_waiting"
REASON = "请补充实训室的设备数量和软件清单。"


@pytest.fixture
def applied(years: Years, at: At) -> Year:
    year = years("applied")
    at(moment("applied"))
    return year


def newest(year: Year, login: str, kind: str) -> tuple[Notification, render.Rendered]:
    """The newest message of a kind told to somebody, as it reads now."""
    mine = select(Notification).where(Notification.account_id == year[f"account:{login}"], Notification.kind == kind)
    row = rows(mine.order_by(Notification.id.desc()))[0]
    with reading() as session:
        return row, render.chat_text(session, session.get_one(Notification, row.id), clock.now())


def labels(shown: render.Rendered) -> list[str]:
    return [key.label for line in shown.keys for key in line]


def test_an_approval_says_how_many_of_how_many_and_what_comes_next_M03_R043(applied: Year) -> None:
    ident = applied["application"]
    applied.do("city", reviews.pass_as_city, application_id=ident)
    applied.do("province", reviews.approve_application, application_id=ident, approved_count=4)
    _, shown = newest(applied, "coordinator", DECIDED)
    assert shown.text.startswith("<b>【审核通过】")
    assert "批准 4 人</b>" in shown.text
    assert "申请 24 人，少批 20 人" in shown.text
    assert "下一步：导入考生信息" in shown.text
    assert labels(shown) == ["已知悉", "查看明细"]
    assert shown.keys[1][0].url == f"http://127.0.0.1:8000/admin/applications/details/?id={ident}"


@pytest.mark.parametrize(
    ("now", "says", "label"),
    [
        (DECLARATION[1] - SECOND, "下一步：按理由修改后重新提交", "去修改"),
        (DECLARATION[1], f"{when(DECLARATION[1])} 前可重报", "去修改"),
        (DECLARATION[1] + SECOND, "不能重报。下一步：等待下一批，或联系", "查看明细"),
    ],
    ids=["before", "at", "after"],
)
def test_a_return_says_why_and_until_when_it_may_be_mended_M04_R042(
    applied: Year, at: At, now: datetime, says: str, label: str
) -> None:
    applied.do("city", reviews.return_application, application_id=applied["application"], reason=REASON)
    at(now)
    _, shown = newest(applied, "coordinator", DECIDED)
    assert f"理由：{REASON}" in shown.text
    assert says in shown.text
    assert labels(shown) == ["已知悉", label]


def test_everybody_of_the_college_hears_the_result_R043(applied: Year) -> None:
    applied.do("city", reviews.return_application, application_id=applied["application"], reason=REASON)
    told = rows(select(Notification.account_id).where(Notification.kind == DECIDED))
    assert set(told) == {applied[f"account:{who}"] for who in ("coordinator", "second_coordinator", "signatory")}


def test_new_work_is_told_singly_to_whose_act_it_needs_and_says_how_it_ended_M05_R039(applied: Year) -> None:
    row, shown = newest(applied, "city", WAITING)
    assert (row.reply_state, bool(row.task_code)) == (ReplyState.OPEN, True)
    assert labels(shown) == ["审核通过", "查看明细", "退回并说明"]
    assert f"{when(DECLARATION[1])} 前退回，院校还能修改重报" in shown.text
    applied.do("city", reviews.pass_as_city, application_id=applied["application"])
    row, shown = newest(applied, "city", WAITING)
    assert "结果：通过" in shown.text
    assert "已办理 · city" in shown.text
    assert labels(shown) == []
    _, asked = newest(applied, "province", WAITING)
    assert labels(asked)[0] == "通过 24 人"


def test_the_final_review_is_asked_for_D19(applied: Year) -> None:
    """Until now nobody told whoever has the last word that it was their turn."""
    with applied.acting("system") as tx:
        tx.get(PilotApplication, applied["other_application"]).plan.final_review_required = True
    first, shown = newest(applied, "other_province", WAITING)
    assert labels(shown)[0] == "初审通过"
    applied.do("other_province", reviews.pass_preliminary, application_id=applied["other_application"])
    final, shown = newest(applied, "other_province", WAITING)
    assert final.id != first.id
    assert shown.text.startswith("<b>【待省厅复审】")
    assert labels(shown)[0] == "通过 24 人"
    assert rows(select(Notification.reply_state).where(Notification.id == first.id)) == [ReplyState.DONE]


def test_a_request_still_reads_its_own_end_after_the_college_has_sent_it_again(applied: Year) -> None:
    ident = applied["application"]
    asked, _ = newest(applied, "city", WAITING)
    applied.do("city", reviews.return_application, application_id=ident, reason=REASON)
    applied.do("coordinator", applications.submit_application, application_id=ident)
    again, shown = newest(applied, "city", WAITING)
    assert (again.id != asked.id, again.reply_state) == (True, ReplyState.OPEN)
    assert "结果" not in shown.text
    row = rows(select(Notification).where(Notification.id == asked.id))[0]
    with reading() as session:
        shown = render.chat_text(session, session.get_one(Notification, asked.id), clock.now())
    assert "结果：退回，请补充实训室" in shown.text
    assert (row.reply_state, "已退回 · city" in shown.text) == (ReplyState.REFUSED, True)


# -- what else waits for an answer -------------------------------------------------------------------------------------


def words_of(message: Message) -> str:
    """As somebody it is for reads it now."""
    with transaction(SYSTEM) as tx:
        tx.notify(message)
        row = tx.session.scalars(select(Notification).order_by(Notification.id.desc()).limit(1)).one()
        return render.chat_text(tx.session, row, clock.now()).text


def test_a_decided_site_says_why_and_what_comes_next_M08(years: Years, at: At) -> None:
    year = years("sited")
    at(moment("sited"))
    returned = words_of(SiteDecided(year["site"], False, REASON, 7))
    assert f"理由：{REASON}" in returned
    assert "修改后可重新提交" in returned
    assert "现在可以设置考场" in words_of(SiteDecided(year["site"], True, "", 8))


def test_a_submitted_site_says_what_waits_for_its_review_M09(years: Years, at: At) -> None:
    year = years("sited")
    at(moment("sited"))
    said = words_of(SiteSubmitted(year["site"], 7))
    assert "通过后院校才能设置考场" in said
    assert "退回须写明理由" in said


def test_a_published_plan_says_until_when_to_register_and_that_nothing_follows_M10(years: Years, at: At) -> None:
    year = years("planned")
    at(moment("planned"))
    with transaction(SYSTEM) as tx:
        row = tx.session.scalars(
            select(Notification).where(Notification.kind == PlanPublished.kind).order_by(Notification.id).limit(1)
        ).one()
        said = render.chat_text(tx.session, row, clock.now()).text
    assert json.loads(row.facts) == {"plan_id": year["plan"]}
    assert said.splitlines()[0].endswith(f"报考 {when(WINDOWS['registration'][1])} 截止</b>")
    assert "逾期不补报" in said
