"""院校注册 as a visitor walks it: lists that follow the region, captcha, short message, and a password of one's own."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from admin import letters
from core import clock, settings
from core.gateways.courier import CourierTrouble, Letter
from core.models.accounts import UserAccount, VerificationCode
from core.models.organisations import College
from core.rules.codes import digits_of
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.core.usecases.test_joining import CODE, MOBILE, NAME, list_colleges
from tests.factories import census, count, one, rows

FILLED = {
    "province": "42",
    "city": "420800",
    "name": NAME,
    "college_code": CODE,
    "registrant": "沙注册",
    "mobile": MOBILE,
}


@pytest.fixture
def post_box(monkeypatch: pytest.MonkeyPatch) -> list[Letter]:
    """Every letter that leaves."""
    sent: list[Letter] = []
    monkeypatch.setattr(letters, "courier", lambda: SimpleNamespace(send=sent.append))
    return sent


@pytest.fixture
def place(panel: OpenPanel) -> Panel:
    """The panel of a year with a directory."""
    found = panel("set_up")
    list_colleges(found.year)
    return found


def fill_in(browser: Browser, **other: str) -> Any:
    """Send the first page."""
    seen = browser.captcha("/register")
    return browser.client.post("/register", data={"csrf_token": token(browser)} | seen | FILLED | other)


def token(browser: Browser, page: str = "/register") -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.text(page))
    assert found
    return found[1]


def last_digits() -> str:
    row = rows(select(VerificationCode).order_by(VerificationCode.id.desc()))[0]
    return digits_of(settings.secret_key(), row.nonce)


def type_code(browser: Browser, code: str) -> Any:
    return browser.client.post("/register/code", data={"csrf_token": token(browser, "/register/code"), "code": code})


def listed(page: str) -> list[str]:
    return re.findall(r'<option value="([^"]+)"></option>', page)


# -- the lists ---------------------------------------------------------------------------------------------------------


def test_names_appear_when_province_and_city_are_chosen(place: Panel) -> None:
    """R-001, with scripts: one small answer of names."""
    browser = place.browser()
    assert listed(browser.text("/register")) == []
    assert browser.get("/register/names").json == {"cities": [], "names": [], "contact": ""}
    province = browser.get("/register/names?province=42").json
    assert (province["names"], [code for code, _ in province["cities"]]) == ([], ["420100", "420800"])
    assert province["contact"].startswith("甲省教育厅")
    city = browser.get("/register/names?province=42&city=420800").json
    assert city["names"] == ["沙洋示例职业学院", "荆门演示学校"]
    assert CODE not in browser.get("/register/names?province=42&city=420800").text, "names only"


def test_the_same_step_by_step_without_scripts_keeping_what_was_typed(place: Panel) -> None:
    """R-001."""
    browser = place.browser()
    sent = {"csrf_token": token(browser), "act": "region", "registrant": "沙注册"}
    page = browser.client.post("/register", data=sent | {"province": "42"})
    assert page.status_code == 200
    assert listed(page.text) == []
    assert '<option value="420800">荆门市</option>' in page.text
    page = browser.client.post("/register", data=sent | {"province": "42", "city": "420800"})
    assert listed(page.text) == ["沙洋示例职业学院", "荆门演示学校"]
    assert 'value="沙注册"' in page.text
    page = browser.client.post("/register", data=sent | {"province": "33", "city": "420800"})
    assert listed(page.text) == [], "the city of another province"


@pytest.mark.parametrize("asked", ["province=4_&city=420800", "province=%25&city=%25", "province=42&city=4208001x"])
def test_an_address_made_up_lists_nothing_foreign(place: Panel, asked: str) -> None:
    found = place.browser().get(f"/register/names?{asked}").json
    assert found["names"] in ([], ["沙洋示例职业学院", "荆门演示学校"])
    assert all(code.startswith("42") for code, _ in found["cities"])


# -- the way through ---------------------------------------------------------------------------------------------------


def test_from_the_directory_to_the_first_login(place: Panel, post_box: list[Letter]) -> None:
    """R-003, R-005, R-007, M-01, M-02."""
    browser = place.browser()
    assert fill_in(browser, mobile="+８６ 139-0000-1234").location == "/register/code"
    assert (post_box[0].mobile, last_digits() in post_box[0].text) == (MOBILE, True)
    assert "139****1234" in words(browser.get("/register/code"))
    assert type_code(browser, last_digits()).location == "/register/done"
    page = browser.text("/register/done")
    link = re.search(r'href="(/activate/[^"]+)"', page)
    assert link
    assert CODE in page
    assert link[1] in post_box[1].text
    assert post_box[1].mobile == MOBILE
    assert "/activate/" not in browser.text("/register/done"), "shown once"
    answer = browser.post(link[1], {"password": "fresh-horse-9", "again": "fresh-horse-9"})
    assert answer.location == "/admin/"
    assert NAME in words(browser.get("/admin/"))
    assert "考核站点负责人" in words(browser.get("/admin/"))


def test_a_wrong_code_keeps_what_was_filled_in(place: Panel, post_box: list[Letter]) -> None:
    browser = place.browser()
    fill_in(browser)
    answer = type_code(browser, "000000" if last_digits() != "000000" else "000001")
    assert answer.status_code == 422
    assert "验证码不正确" in words(answer)
    assert NAME in words(browser.get("/register/code"))
    assert f'value="{MOBILE}"' in browser.text("/register")
    assert type_code(browser, last_digits()).location == "/register/done"


def test_an_old_code_is_refused_and_a_new_one_works(place: Panel, post_box: list[Letter]) -> None:
    """T-20."""
    browser, start = place.browser(), clock.now()
    fill_in(browser)
    with clock.pinned(start + timedelta(minutes=5, seconds=1)):
        assert "已失效" in words(type_code(browser, last_digits()))
        fill_in(browser)
        assert type_code(browser, last_digits()).location == "/register/done"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"province": ""}, "请选择一项"),
        ({"city": ""}, "请选择一项"),
        ({"name": ""}, "此项必填"),
        ({"college_code": ""}, "此项必填"),
        ({"registrant": ""}, "此项必填"),
        ({"mobile": "12345"}, "R-003"),
        ({"captcha": ""}, "图形验证码不正确"),
        ({"captcha": "####"}, "图形验证码不正确"),
        ({"captcha_token": ""}, "图形验证码不正确"),
        ({"name": "没有这所学校"}, "甲省教育厅（演示） 027-0000-0042"),
        ({"college_code": "4142080907"}, "代码不一致"),
        ({"city": "330100"}, "请选择一项"),  # the city of another province
    ],
)
def test_what_does_not_fit_is_said_beside_what_was_typed(
    place: Panel, post_box: list[Letter], other: dict[str, str], said: str
) -> None:
    """R-002, R-003: nothing is sent and nothing is written."""
    browser, before = place.browser(), census()
    answer = fill_in(browser, **other)
    assert answer.status_code == 422
    assert said in words(answer)
    if "registrant" not in other:
        assert 'value="沙注册"' in answer.text
    assert (post_box, census()) == ([], before)


def test_a_slip_elsewhere_does_not_cost_another_picture(place: Panel, post_box: list[Letter]) -> None:
    browser = place.browser()
    answer = fill_in(browser, mobile="1")
    kept = re.search(r'name="captcha_token" value="([^"]+)"', answer.text)
    typed = re.search(r'id="captcha" name="captcha" value="([^"]+)"', answer.text)
    assert kept
    assert typed
    sent = {"csrf_token": token(browser), "captcha_token": kept[1], "captcha": typed[1]}
    assert browser.client.post("/register", data=sent | FILLED).location == "/register/code"


def test_a_college_with_an_account_is_sent_to_the_login(place: Panel, post_box: list[Letter]) -> None:
    """R-004: 已有账号，立即登录."""
    own = one(College, place.year["college"])
    answer = fill_in(place.browser(), name=own.name, city=own.city_code, college_code=own.college_code)
    assert "已有账号，立即登录" in words(answer)
    assert 'href="/admin/login"' in answer.text


def test_whoever_was_slower_is_sent_to_the_login_too(place: Panel, post_box: list[Letter]) -> None:
    """R-004, between the two pages."""
    first, second = place.browser(), place.browser()
    fill_in(first)
    theirs = last_digits()
    fill_in(second, mobile="13900005678")
    assert type_code(second, last_digits()).location == "/register/done"
    answer = type_code(first, theirs)
    assert answer.status_code == 422
    assert "已有账号，立即登录" in words(answer)
    assert count(UserAccount, UserAccount.login == CODE) == 1


def test_a_letter_that_does_not_leave_is_said(place: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(letter: Letter) -> None:
        raise CourierTrouble

    monkeypatch.setattr(letters, "courier", lambda: SimpleNamespace(send=fail))
    answer = fill_in(place.browser())
    assert answer.status_code == 422
    assert "没有发出" in words(answer)


def test_when_the_last_letter_is_lost_the_page_says_to_go_on_at_once(
    place: Panel, post_box: list[Letter], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = place.browser()
    fill_in(browser)

    def fail(letter: Letter) -> None:
        raise CourierTrouble

    monkeypatch.setattr(letters, "courier", lambda: SimpleNamespace(send=fail))
    type_code(browser, last_digits())
    page = words(browser.get("/register/done"))
    assert "短信没有发出" in page


def test_in_the_demo_the_letters_are_shown(
    place: Panel, post_box: list[Letter], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = place.browser()
    fill_in(browser)
    assert last_digits() not in browser.text("/register/code"), "only in the demo"
    monkeypatch.setenv("KAOWU_DEMO", "true")
    settings.current.cache_clear()
    with clock.pinned(clock.now() + timedelta(minutes=2)):
        fill_in(browser)
        assert last_digits() in browser.text("/register/code")
        type_code(browser, last_digits())
        assert "演示环境没有短信" in words(browser.get("/register/done"))


def test_pages_out_of_turn_lead_to_the_beginning(place: Panel) -> None:
    browser = place.browser()
    assert browser.get("/register/code").location == "/register"
    assert browser.get("/register/done").location == "/admin/login"


def test_a_mobile_gets_one_code_a_minute(place: Panel, post_box: list[Letter]) -> None:
    browser = place.browser()
    fill_in(browser)
    assert "秒后" in words(fill_in(browser))
    assert len(post_box) == 1


def test_trying_from_one_address_is_slowed_down(place: Panel) -> None:
    browser = place.browser()
    sent = {"csrf_token": token(browser)}
    answers = [browser.client.post("/register", data=sent).status_code for _ in range(21)]
    assert answers == [422] * 20 + [429]


def test_the_ways_in_are_where_people_look(place: Panel) -> None:
    """R-008: 忘记密码; R-004: 院校注册."""
    browser = place.browser()
    assert 'href="/register"' in browser.text("/")
    login = browser.text("/admin/login")
    assert 'href="/register"' in login
    assert 'href="/admin/forgot"' in login
