"""/my/: one candidate, the own data, and nobody else's; and no way from here into the panel or back (§8.5, R-097)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from core import clock, settings
from core.actors import SYSTEM
from core.db import reading, transaction
from core.models.accounts import UserAccount
from core.models.candidates import Candidate
from core.models.certificates import CertificateIssuance
from core.models.records import AuditEntry, Notification
from core.notifications.render import letter_of
from core.usecases import accounts, plans
from core.usecases.candidates import edit_candidate
from tests.admin.conftest import PASSWORD, Browser, OpenPanel, Panel, words
from tests.admin.test_tenants import OWN_SPACE, contents, rules, some_address
from tests.core.documents.opened import opened
from tests.factories import CAST, on, one, rows

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
LATER = on("2026-03-15 11:00")
PUBLISHED = on("2026-05-16 09:00")
SECOND = timedelta(seconds=1)


def account_of(place: Panel, key: str = "student:0") -> UserAccount:
    return rows(select(UserAccount).where(UserAccount.candidate_id == place.year[key]))[0]


def send(browser: Browser, url: str, data: dict[str, Any]) -> Any:
    """With a token of this browser's own."""
    token = TOKEN.search(browser.client.get("/my/login").text) or TOKEN.search(browser.client.get("/my/").text)
    assert token
    return browser.client.post(url, data={"csrf_token": token[1]} | data)


def candidate(place: Panel, key: str = "student:0") -> Browser:
    """A candidate who has logged in by ID number."""
    with transaction(SYSTEM) as tx:
        accounts.set_password(tx, account_id=account_of(place, key).id, password=PASSWORD)
    browser = place.browser()
    number = one(Candidate, place.year[key]).id_number
    assert send(browser, "/my/login", {"login": number, "password": PASSWORD}).location == "/my/"
    return browser


def link_of(place: Panel, key: str = "student:0") -> str:
    """The address in the newest letter."""
    newest = select(Notification).where(Notification.account_id == account_of(place, key).id)
    row = rows(newest.order_by(Notification.id.desc()))[0]
    with reading() as session:
        letter = letter_of(session, session.get_one(Notification, row.id), clock.now())
    assert letter is not None
    found = re.search(r"(/my/link/\S+)$", letter.text)
    assert found
    return found[1]


# -- the doors -------------------------------------------------------------------------------------------------------


def test_the_link_of_the_letter_leads_to_a_password_and_in(panel: OpenPanel) -> None:
    """M-35."""
    place = panel("peopled")
    browser, address = place.browser(), link_of(place)
    page = browser.text(address)
    assert account_of(place).login in page
    assert place.year.students[0].name not in page, "whoever finds the phone learns no name"
    answer = send(browser, address, {"password": PASSWORD, "again": PASSWORD})
    assert answer.location == "/my/"
    assert place.year.students[0].name in browser.text("/my/")
    for dead in (address, "/my/link/invented"):
        assert place.browser().get(dead).status_code == 404
    assert place.browser().get(address.replace("/my/link/", "/activate/")).status_code == 404


def test_wrong_numbers_and_wrong_passwords_sound_alike_and_the_picture_is_asked_for(panel: OpenPanel) -> None:
    """R-008, §3.5."""
    place = panel("peopled")
    number = one(Candidate, place.year["student:0"]).candidate_no
    wrong = send(place.browser(), "/my/login", {"login": number, "password": "nope-nope-1"})
    unknown = send(place.browser(), "/my/login", {"login": "nobody", "password": "nope-nope-1"})
    assert wrong.status_code == unknown.status_code == 422
    assert words(wrong) == words(unknown)
    assert "captcha_token" in wrong.text
    again = send(place.browser(), "/my/login", {"login": number, "password": "nope-nope-1"})
    assert "图形验证码不正确" in words(again)


def test_where_a_captcha_is_always_asked_it_is_asked_here_too(
    panel: OpenPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-008."""
    monkeypatch.setenv("KAOWU_LOGIN_CAPTCHA", "always")
    settings.current.cache_clear()
    place = panel("peopled")
    browser = place.browser()
    with transaction(SYSTEM) as tx:
        accounts.set_password(tx, account_id=account_of(place).id, password=PASSWORD)
    good = {"login": account_of(place).login, "password": PASSWORD}
    assert send(browser, "/my/login", good).status_code == 422
    assert send(browser, "/my/login", good | browser.captcha("/my/login")).location == "/my/"


def test_whoever_guesses_is_slowed_down_by_address(panel: OpenPanel) -> None:
    browser = panel("peopled").browser()
    token = TOKEN.search(browser.text("/my/login"))
    assert token
    tries = [browser.client.post("/my/login", data={"csrf_token": token[1]}).status_code for _ in range(21)]
    assert tries[:20] == [200] * 20
    assert tries[20] == 429


def test_a_forgotten_password_is_answered_alike_for_everybody(panel: OpenPanel) -> None:
    """R-096: by the number on the ID card as well; only the right mobile hears of it."""
    place = panel("peopled", at=LATER)
    before = link_of(place)
    seen = []
    for typed in (one(Candidate, place.year["student:0"]).id_number, "coordinator", "11010119900307123X"):
        browser = place.browser()
        seen.append(words(send(browser, "/my/forgot", {"login": typed} | browser.captcha("/my/forgot"))))
    assert len(set(seen)) == 1
    assert "链接已在发送途中" in seen[0]
    assert link_of(place) != before
    assert place.browser().get(before).status_code == 404


def test_another_password_another_state_or_no_candidate_any_more_ends_the_login(panel: OpenPanel) -> None:
    place = panel("peopled")
    browser, ident = candidate(place), account_of(place).id
    assert browser.get("/my/").status_code == 200
    with transaction(SYSTEM) as tx:
        accounts.set_password(tx, account_id=ident, password="newer-and-better-2")
    assert browser.get("/my/").location == "/my/login"


def test_logging_out_takes_a_button(panel: OpenPanel) -> None:
    browser = candidate(panel("peopled"))
    assert browser.get("/my/logout").status_code == 405
    assert send(browser, "/my/logout", {}).location == "/my/login"
    assert browser.get("/my/").location == "/my/login"


# -- two houses ------------------------------------------------------------------------------------------------------


def test_a_candidate_gets_nowhere_in_the_panel(panel: OpenPanel) -> None:
    """R-097: every route, looked at and written to."""
    place = panel("issued")
    browser = candidate(place)
    token = TOKEN.search(browser.text("/my/"))
    assert token
    before, tried = contents(), 0
    for rule in rules(place.app):
        if not rule.rule.startswith(("/admin/", "/phone/")) or rule.endpoint.endswith("static"):
            continue
        address = some_address(rule) + "?plan=1&party=teo"
        tried += 1
        if "GET" in rule.methods:
            answer = browser.get(address)
            is_door = rule.endpoint.startswith("auth.") or rule.endpoint in ("phone.enter", "phone.scan")
            is_out = answer.status_code == 404 or "/admin/login" in (answer.location or "")
            assert is_door or is_out or rule.endpoint == "phone.qr_state", (rule, answer.status_code)
            assert place.year.students[0].name not in answer.text
        if "POST" in rule.methods and rule.endpoint not in ("auth.logout",):
            answer = browser.client.post(address, data={"csrf_token": token[1], "plan": "1", "party": "teo"})
            inside = answer.status_code in (302, 303) and not re.match("/(admin/login|phone/)", answer.location)
            assert not inside or rule.endpoint == "auth.reset", (rule, answer.status_code)
    assert tried > 60
    assert contents() == before
    login = account_of(place).login
    refused = place.browser().post("/admin/login", {"login": login, "password": PASSWORD})
    assert refused.status_code == 422


@pytest.mark.parametrize("login", sorted(CAST))
def test_nobody_of_the_panel_gets_into_the_personal_space(panel: OpenPanel, login: str) -> None:
    place = panel("issued")
    browser = place.browser(login)
    for rule in rules(place.app):
        if rule.endpoint in OWN_SPACE:
            assert browser.get(some_address(rule)).location == "/my/login", rule
    assert send(place.browser(), "/my/login", {"login": login, "password": PASSWORD}).status_code == 422


def test_one_browser_is_either_here_or_there(panel: OpenPanel) -> None:
    place = panel("peopled")
    browser = candidate(place)
    officer = place.browser("coordinator")
    assert officer.get("/admin/").status_code == 200
    token = browser.token()
    answer = browser.client.post(
        "/admin/login", data={"csrf_token": token, "login": "coordinator", "password": PASSWORD}
    )
    assert answer.status_code == 303
    assert browser.get("/admin/").status_code == 200
    assert browser.get("/my/").location == "/my/login"
    number = account_of(place).login
    assert send(browser, "/my/login", {"login": number, "password": PASSWORD}).location == "/my/"
    assert "/admin/login" in browser.get("/admin/").location


@pytest.mark.parametrize("number", ["0", "９", "2147483648", "99999999999999999999", "-1", "x"])
def test_a_number_no_row_can_have_is_no_address_for_anybody(panel: OpenPanel, number: str) -> None:
    place = panel("issued")
    for browser in (place.browser(), candidate(place)):
        for page in ("ticket", "certificate"):
            assert browser.get(f"/my/{page}/{number}").status_code == 404, page


def test_what_is_somebody_elses_does_not_exist(panel: OpenPanel) -> None:
    """R-097: plan and certificate of another, and numbers nobody has."""
    place = panel("issued")
    browser, before = candidate(place, "student:4"), contents()
    for address in (
        f"/my/ticket/{place.year['plan']}",
        f"/my/ticket/{place.year['draft_plan']}",
        f"/my/certificate/{place.year['issuance:0']}",
        "/my/certificate/4711",
    ):
        assert browser.get(address).status_code == 404, address
    assert contents() == before
    page = browser.text("/my/")
    assert "还没有报考" in page
    with reading() as session:
        others = session.execute(
            select(Candidate.name, Candidate.id_number, Candidate.mobile, Candidate.candidate_no).where(
                Candidate.id != place.year["student:4"]
            )
        ).all()
    assert not [fact for person in others for fact in person if fact in page]


# -- what is one's own -----------------------------------------------------------------------------------------------


def test_the_page_shows_the_own_name_and_masks_the_rest(panel: OpenPanel) -> None:
    """R-010, R-097."""
    place = panel("registered")
    page, person = candidate(place).text("/my/"), one(Candidate, place.year["student:0"])
    assert person.name in page
    assert person.candidate_no in page
    assert person.id_number not in page
    assert person.mobile not in page
    assert person.mobile[-4:] in page


def test_the_photo_is_the_own_one(panel: OpenPanel) -> None:
    place = panel("peopled")
    pictures = {candidate(place, key).get("/my/photo").data for key in ("student:0", "student:1")}
    assert len(pictures) == 2
    assert all(picture[:2] == b"\xff\xd8" for picture in pictures)


def test_seats_and_tickets_are_there_from_the_publication_of_the_arrangement_on(panel: OpenPanel) -> None:
    """R-179, R-180."""
    place = panel("arranged")
    browser, address = candidate(place), f"/my/ticket/{place.year['plan']}"
    assert "考试时间与座位待公布" in browser.text("/my/")
    assert browser.get(address).location == "/my/"
    assert "准考证尚未开放打印" in browser.text("/my/")
    with clock.pinned(PUBLISHED):
        place.year.do("system", plans.pass_plan_edges, plan_id=place.year["plan"])
        page = browser.text("/my/")
        assert "下载准考证" in page
        assert "座位" in page
        answer = browser.get(address)
    assert answer.data.startswith(b"%PDF")
    said = opened(answer.data).text
    assert place.year.students[0].id_number in said
    assert not [person for person in place.year.students[1:] if person.id_number in said]
    assert place.year.students[0].name not in unquote(answer.headers["Content-Disposition"])
    taken = rows(select(AuditEntry.actor_login).where(AuditEntry.action == "print_own_ticket"))
    assert taken == [account_of(place).login]


@pytest.mark.parametrize(("late", "is_shown"), [(-SECOND, False), (timedelta(0), False), (SECOND, True)])
def test_scores_and_results_are_there_once_they_are_published(
    panel: OpenPanel, late: timedelta, is_shown: bool
) -> None:
    """R-203, T-14: the same edge as core.queries.scoping has it."""
    place = panel("scored", at=on("2026-06-01 09:00") + late)
    page = candidate(place, "student:1").text("/my/")
    assert ("成绩 60" in page) is is_shown
    assert ("59.93" in page) is is_shown
    assert ("未通过" in page) is is_shown
    assert ("申请复查" in page) is (late >= timedelta(0))


def test_there_is_no_certificate_before_it_is_issued(panel: OpenPanel) -> None:
    place = panel("signed")
    browser = candidate(place)
    assert browser.get(f"/my/certificate/{place.year['issuance:0']}").status_code == 404
    assert "下载电子证书" not in browser.text("/my/")


def test_the_certificate_is_there_once_it_is_issued(panel: OpenPanel) -> None:
    """R-247."""
    place = panel("issued")
    browser, ident = candidate(place), place.year["issuance:0"]
    assert "下载电子证书" in browser.text("/my/")
    answer = browser.get(f"/my/certificate/{ident}")
    assert answer.data.startswith(b"%PDF")
    assert f"/verify?no={one(CertificateIssuance, ident).certificate_no}" in browser.text("/my/")
    assert rows(select(AuditEntry.actor_login).where(AuditEntry.action == "download")) == [account_of(place).login]


def test_a_private_page_stays_in_nobodys_cache_and_has_no_panel_frame(panel: OpenPanel) -> None:
    place = panel("peopled")
    browser = candidate(place)
    for address in ("/my/", "/my/photo"):
        answer = browser.get(address)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "/admin/" not in browser.text("/my/").replace("/admin/static/", "")


# -- the panel's button ----------------------------------------------------------------------------------------------


def test_the_panel_offers_a_new_link_for_verified_candidates_only(panel: OpenPanel) -> None:
    """R-096."""
    place = panel("peopled", at=LATER)
    coordinator = place.browser("coordinator")
    base, ident = "/admin/candidates/", place.year["student:0"]
    assert "重置密码" in coordinator.text(f"{base}details/?id={ident}")
    before = link_of(place)
    assert coordinator.do(f"{base}do/send_link/?id={ident}").status_code == 303
    assert link_of(place) != before
    again = coordinator.do(f"{base}do/send_link/?id={ident}")
    assert "刚刚发过" in words(again)
    assert place.browser("other_coordinator").get(f"{base}do/send_link/?id={ident}").status_code == 404


def test_the_accounts_page_is_not_flooded_with_candidates(panel: OpenPanel) -> None:
    place = panel("peopled")
    page = place.browser("admin").text("/admin/accounts/")
    assert account_of(place).login not in page
    assert place.browser("admin").get(f"/admin/accounts/details/?id={account_of(place).id}").status_code == 404


def test_another_mobile_ends_a_link_that_is_on_its_way(panel: OpenPanel) -> None:
    place = panel("peopled")
    before = link_of(place)
    place.year.do(
        "coordinator", edit_candidate, candidate_id=place.year["student:0"], changes={"mobile": "13900007777"}
    )
    assert place.browser().get(before).status_code == 404
    assert place.browser().get(link_of(place)).status_code == 200


def test_the_login_page_fits_a_phone_and_names_what_can_be_typed(panel: OpenPanel) -> None:
    page = panel("set_up").browser().text("/my/login")
    assert 'content="width=device-width' in page
    assert "考生编号或证件号码" in page


def test_the_monitors_page_names_nobody(panel: OpenPanel) -> None:
    """Neither people nor the numbers and logins by which they are found."""
    page = panel("issued").browser().text("/metrics")
    with reading() as session:
        facts = session.execute(
            select(Candidate.name, Candidate.id_number, Candidate.mobile, Candidate.candidate_no)
        ).all()
    assert "kaowu_up 1" in page
    assert len(facts) == 8
    assert not [fact for person in facts for fact in person if fact in page]
