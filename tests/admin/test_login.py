"""Getting in and out of the panel, and staying out."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
import time_machine

from admin import auth, letters
from admin.app import create_app
from admin.captcha import VALID_FOR, letters_of
from core import clock, settings
from core.db import reading, transaction
from core.gateways.courier import Letter
from core.models.accounts import UserAccount, VerificationCode
from core.queries.accounts import newest_code
from core.rules.codes import digits_of
from core.rules.organisations import AccountState, CodePurpose, Role
from core.usecases.accounts import (
    create_account,
    disable_account,
    edit_account,
    issue_activation_code,
    set_password,
)
from core.usecases.second_factor import begin_second_factor, confirm_second_factor
from tests.admin.conftest import PASSWORD, Browser, OpenPanel, Panel, give_password, words
from tests.conftest import comes_true
from tests.factories import CAST, notices, one


def test_the_panel_asks_for_a_login_first_and_brings_you_back(panel: OpenPanel) -> None:
    place = panel("applied")
    stranger = place.browser()
    answer = stranger.get("/admin/applications/?tab=2")
    assert answer.status_code == 302
    assert answer.location.startswith("/admin/login?next=")
    give_password(place.year, "coordinator")
    inside = stranger.post(answer.location, {"login": "coordinator", "password": PASSWORD})
    assert inside.location == "/admin/applications/?tab=2"


def test_a_foreign_address_to_go_back_to_is_not_followed(panel: OpenPanel) -> None:
    place = panel("set_up")
    give_password(place.year, "coordinator")
    for wanted in ("https://evil.example/admin/", "//evil.example/admin/", "/\\evil.example", "javascript:alert(1)"):
        answer = place.browser().post(f"/admin/login?next={wanted}", {"login": "coordinator", "password": PASSWORD})
        assert answer.location == "/admin/", wanted


def test_unknown_logins_and_wrong_passwords_sound_alike(panel: OpenPanel) -> None:
    place = panel("set_up")
    give_password(place.year, "coordinator")
    wrong = place.browser().post("/admin/login", {"login": "coordinator", "password": "nope"})
    unknown = place.browser().post("/admin/login", {"login": "nobody", "password": "nope"})
    assert wrong.status_code == unknown.status_code == 422
    assert words(wrong) == words(unknown)


def try_in(browser: Browser, login: str, password: str, **typed: str) -> Any:
    """Type a login and a password, and the letters of the picture where the page shows one."""
    page = browser.client.post("/admin/login", data={"csrf_token": browser.token(), "login": login, "password": ""})
    token = re.search(r'name="captcha_token" value="([^"]+)"', page.text)
    seen = {"captcha_token": token[1], "captcha": letters_of(token[1])} if token else {}
    return browser.post("/admin/login", {"login": login, "password": password} | seen | typed)


def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(panel: OpenPanel) -> None:
    """§3.5, G-08."""
    place = panel("set_up")
    give_password(place.year, "coordinator")
    for _ in range(5):
        try_in(place.browser(), "coordinator", "nope")
    assert one(UserAccount, place.year["account:coordinator"]).state is AccountState.LOCKED
    answer = try_in(place.browser(), "coordinator", PASSWORD)
    assert answer.status_code == 422
    assert "锁定" in words(answer)


# -- the picture -------------------------------------------------------------------------------------------------------


def test_where_a_captcha_is_always_asked_the_right_password_alone_is_not_enough(
    panel: OpenPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-008."""
    monkeypatch.setenv("KAOWU_LOGIN_CAPTCHA", "always")
    settings.current.cache_clear()
    place = panel("set_up")
    give_password(place.year, "coordinator")
    browser, good = place.browser(), {"login": "coordinator", "password": PASSWORD}
    for typed in ({}, {"captcha": ""}, {"captcha": "####"}, {"captcha_token": "1.forged.mac", "captcha": "ACEF"}):
        answer = browser.post("/admin/login", good | (browser.captcha("/admin/login") if typed else {}) | typed)
        assert answer.status_code == 422
        assert "图形验证码" in words(answer)
    assert one(UserAccount, place.year["account:coordinator"]).wrong_passwords == 0, "no password was looked at"
    seen = browser.captcha("/admin/login")
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in seen["captcha"].lower())
    assert browser.post("/admin/login", good | seen | {"captcha": f" {wide} "}).status_code == 303


def test_a_picture_is_good_for_one_answer_and_ten_minutes(panel: OpenPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-008: right or wrong, the next try has another one."""
    monkeypatch.setenv("KAOWU_LOGIN_CAPTCHA", "always")
    settings.current.cache_clear()
    place = panel("set_up")
    give_password(place.year, "coordinator")
    wrong, good = {"login": "coordinator", "password": "nope"}, {"login": "coordinator", "password": PASSWORD}
    browser = place.browser()
    seen = browser.captcha("/admin/login")
    assert "密码不正确" in words(browser.post("/admin/login", wrong | seen))
    assert "图形验证码不正确" in words(browser.post("/admin/login", good | seen))
    for wait, status in ((VALID_FOR, 303), (VALID_FOR + timedelta(seconds=1), 422)):
        browser = place.browser()
        seen = browser.captcha("/admin/login")
        with clock.pinned(clock.now() + wait):
            assert browser.post("/admin/login", good | seen).status_code == status, wait


def test_after_a_failure_the_picture_is_asked_for_and_unknown_logins_see_no_difference(panel: OpenPanel) -> None:
    """R-008: KAOWU_LOGIN_CAPTCHA=after_failure."""
    place = panel("set_up")
    give_password(place.year, "coordinator")
    for login in ("coordinator", "nobody"):
        first = place.browser().post("/admin/login", {"login": login, "password": "nope"})
        assert "captcha_token" in first.text
        again = place.browser().post("/admin/login", {"login": login, "password": "nope"})
        assert "图形验证码不正确" in words(again)
    assert try_in(place.browser(), "coordinator", PASSWORD).status_code == 303
    assert place.browser().post("/admin/login", {"login": "coordinator", "password": PASSWORD}).status_code == 303


def test_another_picture_comes_with_and_without_scripts_and_keeps_what_was_typed(
    panel: OpenPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """看不清，换一张."""
    monkeypatch.setenv("KAOWU_LOGIN_CAPTCHA", "always")
    settings.current.cache_clear()
    browser = panel("set_up").browser()
    answer = browser.get("/captcha")
    assert letters_of(answer.json["token"])
    assert answer.json["src"].startswith("data:image/png;base64,")
    seen = browser.captcha("/admin/login")
    page = browser.post("/admin/login", seen | {"login": "coordinator", "act": "again"})
    assert page.status_code == 200
    assert 'value="coordinator"' in page.text
    assert seen["captcha_token"] not in page.text


# -- forgotten ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No floor under the answers; how long they take has a test of its own."""
    monkeypatch.setattr(auth, "FLOOR", 0.0)


def ask(browser: Browser, login: str) -> Any:
    """Ask for a code, and open the page that takes it."""
    answer = browser.post("/admin/forgot", {"login": login} | browser.captcha("/admin/forgot"))
    assert answer.location == "/admin/forgot/new", words(answer)
    return browser.get(answer.location)


def code_for(place: Panel, login: str) -> str:
    """The digits that were sent last."""
    with reading() as session:
        ident = newest_code(session, CodePurpose.RESET_PASSWORD, place.year[f"account:{login}"])
    assert ident is not None
    return digits_of(settings.secret_key(), one(VerificationCode, ident).nonce)


NEW = {"password": "another-horse-8", "again": "another-horse-8"}


@pytest.mark.usefixtures("patient")
def test_a_forgotten_password_comes_back_by_a_code_in_the_bound_chat(panel: OpenPanel) -> None:
    """R-008, §3.5: ends other logins and a lock, and tells the person."""
    place = panel("set_up")
    elsewhere = place.browser("coordinator")
    for _ in range(5):
        try_in(place.browser(), "coordinator", "nope")
    browser = place.browser()
    ask(browser, "coordinator")
    assert notices("accounts.code_sent", place.year["account:coordinator"])
    answer = browser.post("/admin/forgot/new", NEW | {"code": code_for(place, "coordinator")})
    assert answer.location == "/admin/login"
    assert one(UserAccount, place.year["account:coordinator"]).state is AccountState.ENABLED
    assert notices("accounts.password_reset", place.year["account:coordinator"])
    assert elsewhere.get("/admin/").status_code == 302
    assert try_in(place.browser(), "coordinator", NEW["password"]).status_code == 303


@pytest.mark.usefixtures("patient")
def test_without_a_chat_the_code_goes_to_the_mobile(panel: OpenPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    place = panel("set_up")
    sent: list[Letter] = []
    monkeypatch.setattr(letters, "courier", lambda: SimpleNamespace(send=sent.append))
    with place.year.acting("coordinator") as tx:
        edit_account(tx, account_id=place.year["account:second_coordinator"], real_name="演示", mobile="13900001234")
    browser = place.browser()
    ask(browser, "second_coordinator")
    assert comes_true(lambda: sent)
    assert sent[0].mobile == "13900001234"
    assert code_for(place, "second_coordinator") in sent[0].text
    answer = browser.post("/admin/forgot/new", NEW | {"code": code_for(place, "second_coordinator")})
    assert answer.status_code == 303


@pytest.mark.usefixtures("patient")
def test_unknown_unreachable_disabled_and_known_logins_are_answered_alike(panel: OpenPanel) -> None:
    """R-008: nobody learns from this page who is here."""
    place = panel("set_up")
    with place.year.acting("admin") as tx:
        disable_account(tx, account_id=place.year["account:city"])
    pages, refusals = set(), set()
    for login in ("nobody", "second_coordinator", "city", "coordinator", "coordinator"):  # the last too soon after
        browser = place.browser()
        pages.add(words(ask(browser, login)).replace(login, "…"))
        answer = browser.post("/admin/forgot/new", NEW | {"code": "000000"})
        refusals.add((answer.status_code, words(answer).replace(login, "…")))
        cookies = [cookie for cookie in browser.client._cookies.values() if cookie.key == "kaowu"]
        assert "code_id" not in str(cookies)
    assert len(pages) == len(refusals) == 1
    assert refusals.pop()[0] == 422


def test_asking_takes_as_long_for_nobody_as_for_somebody(panel: OpenPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    """However fast there was nothing to do, and however slow the carrier of letters is."""
    place, never = panel("set_up"), threading.Event()
    given = {"account_id": place.year["account:second_coordinator"], "real_name": "演示", "mobile": "13900001234"}
    place.year.do("coordinator", edit_account, **given)
    monkeypatch.setattr(letters, "courier", lambda: SimpleNamespace(send=lambda letter: never.wait(60)))
    slept: list[float] = []
    monkeypatch.setattr(auth.time, "sleep", slept.append)
    monkeypatch.setattr(auth.time, "monotonic", lambda: 100.0)
    for login in ("nobody", "second_coordinator"):
        ask(place.browser(), login)
    never.set()
    assert slept == pytest.approx([auth.FLOOR, auth.FLOOR])


@pytest.mark.usefixtures("patient")
def test_a_reset_wants_a_captcha_a_good_password_and_the_right_code_within_five_tries(panel: OpenPanel) -> None:
    place = panel("set_up")
    browser = place.browser()
    assert browser.post("/admin/forgot", {"login": "coordinator", "captcha": "####"}).status_code == 422
    assert browser.get("/admin/forgot/new").location == "/admin/forgot"
    ask(browser, "coordinator")
    right = code_for(place, "coordinator")
    weak = browser.post("/admin/forgot/new", {"code": right, "password": "short1", "again": "short1"})
    assert "10" in words(weak)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(5):
        assert browser.post("/admin/forgot/new", NEW | {"code": wrong}).status_code == 422
    assert browser.post("/admin/forgot/new", NEW | {"code": right}).status_code == 422, "worn out"


# -- the second factor -------------------------------------------------------------------------------------------------


def enrolled(place: Panel, login: str) -> tuple[pyotp.TOTP, list[str]]:
    """A person with a second factor: their app, and their recovery words."""
    made = place.year.do(login, begin_second_factor)
    app = pyotp.TOTP(made.secret)
    code = app.at(clock.now() - timedelta(seconds=30))
    return app, place.year.do(login, confirm_second_factor, typed=code)


def test_after_the_password_comes_the_code_of_whoever_has_one(panel: OpenPanel) -> None:
    place = panel("set_up")
    give_password(place.year, "teo")
    app, recovery = enrolled(place, "teo")
    browser = place.browser()
    answer = browser.post("/admin/login?next=/admin/plans/", {"login": "teo", "password": PASSWORD})
    assert answer.location == "/admin/login/code"
    assert browser.get("/admin/plans/").status_code == 302, "half of the way in opens nothing"
    assert "不正确" in words(browser.post("/admin/login/code", {"code": "000000"}))
    assert browser.post("/admin/login/code", {"code": app.at(clock.now())}).location == "/admin/plans/"
    assert browser.get("/admin/plans/").status_code == 200
    other = place.browser()
    other.post("/admin/login", {"login": "teo", "password": PASSWORD})
    assert other.post("/admin/login/code", {"code": app.at(clock.now())}).status_code == 422, "used up"
    assert other.post("/admin/login/code", {"code": recovery[0].upper()}).status_code == 303


def test_half_of_the_way_in_lasts_five_minutes_and_ends_with_the_password(panel: OpenPanel) -> None:
    place = panel("set_up")
    give_password(place.year, "teo")
    app, _ = enrolled(place, "teo")
    start, browser = clock.now(), place.browser()
    browser.post("/admin/login", {"login": "teo", "password": PASSWORD})
    for wait, location in ((timedelta(minutes=5, seconds=1), "/admin/login"), (timedelta(minutes=5), "/admin/")):
        browser = place.browser()
        with clock.pinned(start):
            browser.post("/admin/login", {"login": "teo", "password": PASSWORD})
        with clock.pinned(start + wait):
            assert browser.post("/admin/login/code", {"code": app.at(clock.now())}).location == location
    late = place.browser()
    late.post("/admin/login", {"login": "teo", "password": PASSWORD})
    place.year.do("system", set_password, account_id=place.year["account:teo"], password="another-horse-8")
    assert late.post("/admin/login/code", {"code": app.at(clock.now())}).location == "/admin/login"


def test_five_wrong_codes_lock_the_account(panel: OpenPanel) -> None:
    place = panel("set_up")
    give_password(place.year, "teo")
    enrolled(place, "teo")
    browser = place.browser()
    browser.post("/admin/login", {"login": "teo", "password": PASSWORD})
    for _ in range(5):
        answer = browser.post("/admin/login/code", {"code": "000000"})
    assert "锁定" in words(answer)


def test_an_activation_link_is_no_way_around_it(panel: OpenPanel) -> None:
    place = panel("set_up")
    enrolled(place, "teo")
    code = place.year.do("admin", issue_activation_code, account_id=place.year["account:teo"])
    browser = place.browser()
    answer = browser.post(f"/activate/{code}", {"password": "fresh-horse-9", "again": "fresh-horse-9"})
    assert answer.location == "/admin/login/code"
    assert browser.get("/admin/").status_code == 302


MUST = {"admin", "province", "other_province", "city", "other_city", "teo", "other_teo", "signatory",
        "other_signatory", "reviewer"}  # fmt: skip


def test_where_it_is_required_those_who_sign_or_approve_are_led_there_first(
    panel: OpenPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KAOWU_SECOND_FACTOR=required."""
    monkeypatch.setenv("KAOWU_SECOND_FACTOR", "required")
    settings.current.cache_clear()
    place = panel("set_up")
    led = {login for login in CAST if place.browser(login).get("/admin/").status_code == 303}
    assert led == MUST
    browser = place.browser("teo")
    for address in ("/admin/plans/", "/admin/password/", "/admin/telegram/", "/admin/notices/"):
        assert browser.get(address).location == "/admin/second-factor/", address
    assert "须先启用" in words(browser.get("/admin/second-factor/"))
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.text("/admin/second-factor/"))
    assert token
    sent = {"csrf_token": token[1]}
    browser.client.post("/admin/second-factor/begin", data=sent)
    page = browser.text("/admin/second-factor/")
    assert "<svg" in page
    secret = re.search(r"<code class=\"code\">([A-Z2-7]{32})<", page)
    assert secret
    assert browser.client.post("/admin/second-factor/confirm", data=sent | {"code": "000000"}).status_code == 422
    code = pyotp.TOTP(secret[1]).at(clock.now())
    shown = browser.client.post("/admin/second-factor/confirm", data=sent | {"code": code})
    assert len(re.findall(r"<code>[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}</code>", shown.text)) == 10
    assert browser.get("/admin/plans/").status_code == 200
    assert secret[1] not in browser.text("/admin/second-factor/"), "shown while it is set up, and never again"


def test_switching_it_off_in_the_profile_needs_a_code(panel: OpenPanel) -> None:
    place = panel("set_up")
    browser = place.browser("teo")
    app, _ = enrolled(place, "teo")
    assert "已启用" in words(browser.get("/admin/second-factor/"))
    assert browser.post("/admin/second-factor/end", {"code": "000000"}).status_code == 422
    assert browser.post("/admin/second-factor/end", {"code": app.at(clock.now())}).status_code == 303
    assert one(UserAccount, place.year["account:teo"]).second_factor_since is None


def test_guessing_from_one_address_is_slowed_down(panel: OpenPanel) -> None:
    stranger = panel("set_up").browser()
    answers = [stranger.post("/admin/login", {"login": f"guess{n}", "password": "x"}).status_code for n in range(21)]
    assert answers == [422] * 20 + [429]
    assert stranger.get("/admin/login").status_code == 200, "looking is not guessing"


def test_a_login_starts_a_new_session(panel: OpenPanel) -> None:
    place = panel("set_up")
    give_password(place.year, "coordinator")
    browser = place.browser()
    with browser.client.session_transaction() as before:
        before["planted"] = "by somebody else"
    old_token = browser.token()
    browser.post("/admin/login", {"login": "coordinator", "password": PASSWORD})
    with browser.client.session_transaction() as after:
        assert "planted" not in after
    assert browser.token() != old_token
    refused = browser.client.post("/admin/telegram/code", data={"csrf_token": old_token})
    assert refused.status_code == 400, "a token of before the login is worth nothing"


def test_a_disabled_account_is_out_at_once(panel: OpenPanel) -> None:
    place = panel("set_up")
    browser = place.browser("second_coordinator")
    assert browser.get("/admin/").status_code == 200
    with transaction(place.year.actor("coordinator")) as tx:
        disable_account(tx, account_id=place.year["account:second_coordinator"])
    assert browser.get("/admin/").status_code == 302


def test_an_idle_browser_is_logged_out_and_a_busy_one_is_not(panel: OpenPanel) -> None:
    place = panel("set_up")
    start = clock.now()
    with time_machine.travel(start.timestamp(), tick=False) as travel:
        browser = place.browser("coordinator")
        for _ in range(3):
            travel.shift(timedelta(minutes=55))
            assert browser.get("/admin/").status_code == 200
        travel.shift(timedelta(minutes=61))
        assert browser.get("/admin/").status_code == 302


def test_a_new_password_ends_every_other_login(panel: OpenPanel) -> None:
    place = panel("set_up")
    here, elsewhere = place.browser("coordinator"), place.browser("coordinator")
    new = {"old": PASSWORD, "password": "another-horse-8", "again": "another-horse-8"}
    assert here.post("/admin/password/", new).status_code == 303
    assert here.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302


def test_changing_the_password_wants_the_old_one_and_a_good_new_one_twice(panel: OpenPanel) -> None:
    browser = panel("set_up").browser("coordinator")
    good = {"old": PASSWORD, "password": "another-horse-8", "again": "another-horse-8"}
    for wrong, said in (
        ({"old": "nope"}, "密码"),
        ({"password": "short1", "again": "short1"}, "10"),
        ({"again": "different"}, "不一致"),
    ):
        answer = browser.post("/admin/password/", good | wrong)
        assert answer.status_code in (200, 422)
        assert said in words(answer)


def test_logging_out_takes_a_button_not_a_link(panel: OpenPanel) -> None:
    browser = panel("set_up").browser("coordinator")
    assert browser.get("/admin/logout").status_code == 405
    assert browser.client.post("/admin/logout").status_code == 400, "no token, no logout"
    assert browser.post("/admin/logout").status_code == 303
    assert browser.get("/admin/").status_code == 302


def test_an_activation_link_sets_the_first_password_once(panel: OpenPanel) -> None:
    place = panel("set_up")
    with transaction(place.year.actor("coordinator")) as tx:
        made = create_account(
            tx, login="newcomer", real_name="新来", roles=[Role.COORDINATOR], college_id=place.year["college"]
        )
        code = issue_activation_code(tx, account_id=made.id)
    browser = place.browser()
    assert "newcomer" in browser.text(f"/activate/{code}")
    answer = browser.post(f"/activate/{code}", {"password": "fresh-horse-9", "again": "fresh-horse-9"})
    assert answer.location == "/admin/"
    assert browser.get("/admin/").status_code == 200
    assert place.browser().get(f"/activate/{code}").status_code == 404
    assert place.browser().get("/activate/no-such-code").status_code == 404


def test_cookies_are_closed_to_scripts_and_secure_behind_https(
    panel: OpenPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = panel("set_up").browser().get("/admin/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie, "the office may run it on plain http in its own network"
    monkeypatch.setenv("KAOWU_PUBLIC_URL", "https://kaowu.example")
    settings.current.cache_clear()
    secure = create_app().test_client().get("/admin/login", base_url="https://kaowu.example")
    assert "Secure" in secure.headers["Set-Cookie"]
    assert "max-age" in secure.headers["Strict-Transport-Security"]
