"""The frame of every page: headers, error pages, notices, the bound chat, and the demo's clock."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from admin.app import create_app
from core import clock, settings
from core.errors import NotReady
from core.models.accounts import ChatBinding
from core.queries.health import BOT_POLL
from core.rules.organisations import BindingState
from core.usecases.bindings import bind_chat
from core.usecases.reviews import pass_as_city, return_application
from tests.admin.conftest import OpenPanel, give_password, words
from tests.factories import rows


def test_every_answer_keeps_to_its_own_origin_and_out_of_frames(panel: OpenPanel) -> None:
    place = panel("set_up")
    for browser, url in ((place.browser(), "/admin/login"), (place.browser("teo"), "/admin/"), (place.browser(), "/x")):
        headers = browser.get(url).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


def test_phone_pages_may_stand_in_a_frame_of_our_own(panel: OpenPanel) -> None:
    headers = panel("set_up").browser().get("/phone/nowhere").headers
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "SAMEORIGIN"


def test_no_page_asks_for_anything_outside(panel: OpenPanel) -> None:
    browser = panel("applied").browser("coordinator")
    for url in ("/admin/", "/admin/applications/", "/admin/telegram/", "/admin/notices/", "/admin/password/"):
        page = browser.text(url)
        assert not re.search(r'(src|href)="(https?:)?//', page), url
        assert not re.search(r"<[^>]+\s(on\w+|style)=", page), f"{url}: the policy would block it"


def test_errors_speak_chinese_and_show_no_trace(panel: OpenPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    place = panel("set_up")
    browser = place.browser("coordinator")
    assert "没有找到" in words(browser.get("/admin/nowhere/"))
    assert "页面已经过期" in words(browser.client.post("/admin/telegram/code"))
    too_big = browser.client.post("/admin/telegram/code", data={"x": "y" * (22 * 1024 * 1024)})
    assert too_big.status_code == 413
    assert "文件太大" in words(too_big)
    assert "请求有误" in words(browser.get("/admin/logout"))


def test_a_bug_says_sorry_and_logs_where_not_what(panel: OpenPanel, caplog: pytest.LogCaptureFixture) -> None:
    app: Flask = panel("set_up").app
    app.testing = False
    number = "110101" + "200001011237"

    def broken() -> str:
        raise ValueError(number)

    app.add_url_rule("/broken", "broken", broken)
    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert "系统出错了" in words(answer)
    assert number not in answer.text + caplog.text
    assert "ValueError" in caplog.text
    assert "in broken" in caplog.text


def test_a_refusal_nobody_caught_is_said_in_words(panel: OpenPanel) -> None:
    app: Flask = panel("set_up").app

    def refuse() -> str:
        raise NotReady("seal_missing", rule="R-260")

    app.add_url_rule("/refuse", "refuse", refuse)
    answer = app.test_client().get("/refuse")
    assert answer.status_code == 422
    assert "R-260" in words(answer)


def test_the_bell_counts_and_looking_empties_it(panel: OpenPanel) -> None:
    place = panel("applied")
    place.year.do("city", pass_as_city, application_id=place.year["application"])
    browser = place.browser("province")
    assert "1 条未读" in browser.text("/admin/")
    assert "未读" in words(browser.get("/admin/notices/"))
    assert "条未读" not in browser.text("/admin/")


def test_a_notice_is_acknowledged_in_the_panel_as_in_chat_and_by_its_owner_only(panel: OpenPanel) -> None:
    place = panel("applied")
    place.year.do("city", return_application, application_id=place.year["application"], reason="请补充")
    browser = place.browser("coordinator")
    action = re.search(r'action="(/admin/notices/\d+/acknowledge)"', browser.text("/admin/notices/"))
    assert action
    assert place.browser("other_coordinator").post(action[1]).status_code == 403
    assert browser.post(action[1]).status_code == 303
    assert "已知悉 · " in words(browser.get("/admin/notices/"))


def test_binding_shows_a_link_a_picture_and_a_code_once(panel: OpenPanel) -> None:
    place = panel("set_up")
    browser = place.browser("second_coordinator")
    page = browser.post("/admin/telegram/code")
    code = re.search(r"/start ([\w-]+)", words(page))
    assert code
    assert f"/simulator/?start={code[1]}" in page.text, "no token: the simulator stands in"
    assert "data:image/svg+xml" in page.text
    assert code[1] not in browser.text("/admin/telegram/"), "shown once"
    with place.year.acting("system") as tx:
        bind_chat(tx, code=code[1], telegram_user_id=77)
    assert "已绑定" in words(browser.get("/admin/telegram/"))
    assert browser.post("/admin/telegram/end").status_code == 303
    mine = select(ChatBinding.state).where(ChatBinding.telegram_user_id == 77)
    assert rows(mine) == [BindingState.ENDED]


def test_with_a_real_bot_the_binding_link_leads_to_it(panel: OpenPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    place = panel("set_up")
    browser = place.browser("second_coordinator")
    monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", "1:real")
    settings.current.cache_clear()
    assert "t.me" not in browser.post("/admin/telegram/code").text, "the bot has not met Telegram yet"
    with place.year.acting("system") as tx:
        tx.beat(BOT_POLL, "our_exam_bot")
    page = browser.post("/admin/telegram/code")
    assert re.search(r'href="https://t\.me/our_exam_bot\?start=[\w-]+"', page.text)
    assert "/simulator/" not in page.text


def test_the_clock_travels_in_the_demo_only_and_forward_to_the_next_event(panel: OpenPanel, tmp_path: Path) -> None:
    place = panel("declared")
    browser = place.browser("coordinator")
    assert browser.post("/admin/clock/", {"step": "day"}).status_code == 404
    assert "演示时间" not in browser.text("/admin/")
    clock._pinned = None
    clock.configure(travel_file=tmp_path / "clock")
    app = create_app()
    give_password(place.year, "coordinator")
    demo = type(browser)(app.test_client())
    demo.post("/admin/login", {"login": "coordinator", "password": "correct-horse-7"})
    assert "演示时间" in demo.text("/admin/")
    before = clock.offset()
    assert demo.post("/admin/clock/", {"step": "hour", "back": "/admin/quotas/"}).location == "/admin/quotas/"
    assert clock.offset() - before == timedelta(hours=1)
    assert demo.post("/admin/clock/", {"step": "day", "back": "//evil.example"}).location == "/admin/"
    assert clock.offset() - before == timedelta(days=1, hours=1)
    assert demo.post("/admin/clock/", {"step": "backwards"}).status_code == 303
    assert clock.offset() >= before + timedelta(days=1, hours=1)


def test_the_home_page_says_whose_turn_it_is(panel: OpenPanel) -> None:
    place = panel("applied")
    assert "待审核的试点申报" in words(place.browser("city").get("/admin/"))
    assert "没有等您办理的事项" in words(place.browser("other_teo").get("/admin/"))
    assert "申报截止" in words(place.browser("coordinator").get("/admin/"))
