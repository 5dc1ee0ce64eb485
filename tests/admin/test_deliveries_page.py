"""消息送达: what each may see of it, and what failed sent once more."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from admin.views.deliveries import lasting
from core import clock
from core.models.records import AuditEntry, Notification
from core.rules.notices import DeliveryState, ReplyState
from tests.admin.conftest import OpenPanel, Panel, words
from tests.factories import SECOND, on, one, rows

D = DeliveryState
NOON, DAY = on("2026-05-20 12:00"), timedelta(days=1)


def put(place: Panel, login: str = "coordinator", **columns: Any) -> int:
    """A message to somebody, as some sender left it."""
    with place.year.acting("system") as tx:
        given = {
            "kind": "quotas.lapsed",
            "account_id": place.year[f"account:{login}"],
            "facts": "{}",
            "dedupe_key": f"test:{tx.next_number('test')}",
            "delivery_state": D.FAILED,
            "last_error": "Forbidden",
            "created_at": tx.now,
            "not_before": tx.now,
            "next_attempt_at": tx.now,
            "useful_until": tx.now + 7 * DAY,
        }
        return tx.add(Notification(**given | columns)).id


def test_the_page_counts_and_shows_that_the_sum_holds(panel: OpenPanel) -> None:
    place = panel("set_up", NOON)
    put(place, delivery_state=D.DELIVERED, last_error=None, delivered_at=NOON + 83 * SECOND)
    put(place, delivery_state=D.SUPPRESSED, last_error="no chat")
    put(place)
    page = words(place.browser("signatory").get("/admin/deliveries/"))
    assert "产生 3 = 已送达 1 + 发送失败 1 + 未经聊天 1 + 待发送 0" in page
    assert "核对 相符" in page
    assert "没有绑定聊天，只在面板显示 1" in page
    assert "1 分 23 秒" in page
    assert re.search(r"coordinator 指标已作废 5月20日 周三 12:00 对方停用了机器人或注销了账号 重新发送", page)


def test_other_organisations_see_nothing_of_it_and_can_send_nothing(panel: OpenPanel) -> None:
    place = panel("set_up", NOON)
    ident = put(place)
    for login in ("other_coordinator", "teo", "province", "city"):
        browser = place.browser(login)
        page = words(browser.get("/admin/deliveries/"))
        assert "这段时间没有消息" in page, login
        assert "重新发送" not in page
        assert browser.post(f"/admin/deliveries/{ident}/again").status_code == 404
        assert browser.post("/admin/deliveries/again").status_code == 404
    for login in ("reviewer", "invigilator"):
        browser = place.browser(login)
        assert browser.get("/admin/deliveries/").status_code == 404
        assert browser.post(f"/admin/deliveries/{ident}/again").status_code == 404
    assert one(Notification, ident).delivery_state is D.FAILED


def test_a_failed_message_is_sent_again_with_one_press(panel: OpenPanel) -> None:
    place = panel("set_up", NOON)
    ident = put(place)
    browser = place.browser("coordinator")
    sent = browser.post(f"/admin/deliveries/{ident}/again", {"days": "7"})
    assert (sent.status_code, sent.location) == (303, "/admin/deliveries/?days=7")
    page = words(browser.get(sent.location))
    assert "已重新排队" in page
    assert "待发送 1" in page
    assert one(Notification, ident).delivery_state is D.PENDING
    browser.post(f"/admin/deliveries/{ident}/again")
    assert "已变为“待发送”" in words(browser.get("/admin/deliveries/"))
    trail = words(place.browser("admin").get("/admin/trail/"))
    assert re.search(r"coordinator 面板 重新发送 通知", trail)


def test_what_is_over_or_answered_has_no_button_and_says_why(panel: OpenPanel) -> None:
    place = panel("set_up", NOON)
    over = put(place, useful_until=NOON - SECOND)
    answered = put(place, reply_state=ReplyState.DONE)
    browser = place.browser("coordinator")
    page = browser.text("/admin/deliveries/")
    assert "已过期，不再发送" in page
    assert "已答复，不再发送" in page
    assert "/again" not in page
    for ident, said in ((over, "有效期已于"), (answered, "已经“已办理”")):
        browser.post(f"/admin/deliveries/{ident}/again")
        assert said in words(browser.get("/admin/deliveries/"))


def test_the_platform_replays_everything_that_failed_within_the_days_shown(panel: OpenPanel) -> None:
    place = panel("set_up", NOON)
    old = put(place)
    with clock.pinned(NOON + 2 * DAY):
        new, foreign = put(place), put(place, login="teo")
        browser = place.browser("admin")
        assert "重新发送全部失败的 2 条" in browser.text("/admin/deliveries/?days=1")
        assert "重新发送全部失败的 3 条" in browser.text("/admin/deliveries/")
        assert "重新发送全部失败的" not in place.browser("coordinator").text("/admin/deliveries/")
        browser.post("/admin/deliveries/again", {"days": "1"})
        assert "已重新排队 2 条" in words(browser.get("/admin/deliveries/"))
    assert [one(Notification, ident).delivery_state for ident in (old, new, foreign)] == [
        D.FAILED,
        D.PENDING,
        D.PENDING,
    ]
    assert len(rows(select(AuditEntry.id).where(AuditEntry.action == "send_again"))) == 2


def test_a_period_nobody_offers_is_the_longest_one(panel: OpenPanel) -> None:
    browser = panel("set_up", NOON).browser("admin")
    for days in ("0", "-3", "8", "x", "99999999999"):
        assert 'href="/admin/deliveries/?days=30" class="is-open"' in browser.text(f"/admin/deliveries/?days={days}")


def test_times_are_said_in_the_units_that_matter() -> None:
    said = [lasting(seconds) for seconds in (None, 0, 59, 60, 3599, 3600, 90_061)]
    assert said == ["—", "0 秒", "59 秒", "1 分 0 秒", "59 分 59 秒", "1 小时 0 分", "25 小时 1 分"]
