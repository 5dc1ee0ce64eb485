"""Getting in and out of the panel, and staying out."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from admin.app import create_app
from core import clock, settings
from core.db import transaction
from core.models.accounts import UserAccount
from core.rules.organisations import AccountState, Role
from core.usecases.accounts import create_account, disable_account, issue_activation_code
from tests.admin.conftest import PASSWORD, OpenPanel, give_password, words
from tests.factories import one


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


def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(panel: OpenPanel) -> None:
    place = panel("set_up")
    give_password(place.year, "coordinator")
    for _ in range(5):
        place.browser().post("/admin/login", {"login": "coordinator", "password": "nope"})
    assert one(UserAccount, place.year["account:coordinator"]).state is AccountState.LOCKED
    answer = place.browser().post("/admin/login", {"login": "coordinator", "password": PASSWORD})
    assert answer.status_code == 422
    assert "锁定" in words(answer)


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
