"""Signing on the phone: the way in, the act, every no, and what is left of it in the rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from admin.app import create_app
from admin.session import PanelUser
from bot.simulator.init_data import sign_init_data
from core import clock, settings
from core.actors import SYSTEM
from core.db import reading, transaction
from core.models.accounts import UserAccount
from core.models.certificates import CertificateIssuance, SigningRecord, SigningSession
from core.models.organisations import ElectronicSeal
from core.models.plans import ExamPlan
from core.rules.certificates import ISSUANCE, IssuanceState, Party, SigningDecision, SigningState
from core.rules.organisations import SEAL
from core.usecases.second_factor import begin_second_factor, confirm_second_factor
from core.usecases.signing import open_signing, reject_batch
from tests.admin import signing_world
from tests.admin.signing_world import OFFICER_CHAT, STRANGER_CHAT, TEO_CHAT, SigningWorld, drawn

NOON = "2026-06-20 12:00"


@pytest.fixture
def app(database: str, at: Callable[[datetime | str], datetime]) -> Flask:
    """The real application at noon."""
    at(NOON)
    return create_app()


@pytest.fixture
def world(app: Flask) -> SigningWorld:
    """Three certificates that wait for the college."""
    return signing_world.build()


@pytest.fixture
def phone(app: Flask) -> FlaskClient:
    """A browser of its own."""
    return app.test_client()


# -- what a person does ---------------------------------------------------------------------------------------------


def csrf(client: FlaskClient, address: str) -> str:
    """The token of a page that has a form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(address).text)
    assert found is not None, address
    return found[1]


def send(client: FlaskClient, page: str, address: str, **fields: str) -> TestResponse:
    """Post a form of a page, as its button does."""
    return client.post(address, data={"csrf_token": csrf(client, page), **fields})


def init_data(user_id: int, token: str | None = None) -> str:
    """What Telegram would hand to the page for this user."""
    return sign_init_data(token or settings.simulator_token(), {"id": user_id, "first_name": "人物"})


def enter(
    client: FlaskClient, world: SigningWorld, user_id: int, party: Party = Party.COLLEGE, **odd: str
) -> TestResponse:
    """Tap the chat's button."""
    fields = {"plan": str(world.plan), "party": party.value, "init_data": init_data(user_id)} | odd
    return send(client, f"/phone/enter?plan={world.plan}&party={party.value}", "/phone/enter", **fields)


def sign(client: FlaskClient, count: int | str = 3, signature: str | None = None) -> TestResponse:
    """Go through the steps and confirm."""
    return send(
        client, "/phone/sign", "/phone/sign", count=str(count), signature=drawn() if signature is None else signature
    )


def log_in(client: FlaskClient, world: SigningWorld, account_id: int) -> None:
    """Log in to the panel in this browser, as the login page would."""
    with reading() as look:
        key = PanelUser(look.get_one(UserAccount, account_id), world.actor(account_id)).get_id()
    with client.session_transaction() as kept:
        kept["_user_id"], kept["_fresh"] = key, True


def scan(client: FlaskClient, token: str) -> TestResponse:
    """Open the code's address; the page posts by itself."""
    return send(client, f"/phone/s/{token}", f"/phone/s/{token}")


def shown_token(desk: FlaskClient, world: SigningWorld) -> str:
    """Open the code's page on the desk and read the code with the office's own eyes."""
    page = desk.get(f"/phone/qr?plan={world.plan}&party=college")
    assert page.status_code == 200, page.text
    with desk.session_transaction() as kept:
        return str(kept["phone_desk"])


def signings() -> list[SigningState]:
    """The states of all ceremonies, oldest first."""
    with reading() as look:
        return list(look.scalars(select(SigningSession.state).order_by(SigningSession.id)))


def approvals() -> int:
    """How many signatures are on record."""
    with reading() as look:
        where = SigningRecord.decision == SigningDecision.APPROVE
        return look.scalar(select(func.count(SigningRecord.id)).where(where)) or 0


# -- the way through ------------------------------------------------------------------------------------------------


def test_from_the_chat_button_to_signed_for_good(phone: FlaskClient, world: SigningWorld) -> None:
    assert enter(phone, world, OFFICER_CHAT).headers["Location"] == "/phone/sign"
    recap = phone.get("/phone/sign").text
    assert "<b>3</b>张证书" in recap
    assert "2026050001" in recap
    assert "江城示例职业技术学院" in recap
    assert "Web前端开发演示职业技能等级证书(初级)" in recap
    assert "2 张" in recap
    assert "江签发" in recap
    assert 'data-left="300"' in recap
    outcome = phone.get(sign(phone).headers["Location"])
    assert "已签发 3 张，不可撤回" in outcome.text
    assert world.states() == {"证书待发放"}
    with reading() as look:
        kept = look.scalars(select(SigningSession)).one()
        assert kept.hand_signature is not None
        assert {r.channel for r in look.scalars(select(SigningRecord))} == {"phone"}


def test_the_organisation_signs_first_and_the_college_next(
    phone: FlaskClient, app: Flask, at: Callable[[datetime | str], datetime]
) -> None:
    world = signing_world.build(state=IssuanceState.TEO_PENDING)
    assert enter(phone, world, OFFICER_CHAT).status_code == 404, "R-232: nothing waits for the college yet"
    enter(phone, world, TEO_CHAT, Party.TEO)
    assert "已通知各考核站点负责人" in phone.get(sign(phone).headers["Location"]).text
    assert world.states() == {"考核站点待签发"}
    officer = app.test_client()
    enter(officer, world, OFFICER_CHAT)
    assert sign(officer).status_code == 303


def test_full_width_digits_are_the_same_number(phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    assert sign(phone, "３ ").status_code == 303


def test_a_second_tap_sees_the_same_outcome_and_signs_nothing_twice(phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    fields = {"csrf_token": csrf(phone, "/phone/sign"), "count": "3", "signature": drawn()}
    answers = [phone.post("/phone/sign", data=fields) for _ in range(2)]
    assert [answer.headers["Location"] for answer in answers] == ["/phone/done"] * 2
    assert "已签发 3 张" in phone.get("/phone/done").text
    assert phone.get("/phone/sign").headers["Location"] == "/phone/done"
    assert approvals() == 3


# -- what is not enough to sign --------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["4", "", "三", "3.0", "3 张", "0x3"])
def test_another_number_signs_nothing(phone: FlaskClient, world: SigningWorld, typed: str) -> None:
    enter(phone, world, OFFICER_CHAT)
    answer = sign(phone, typed)
    assert answer.status_code == 422
    assert "输入的数量与待签发数量不符" in answer.text
    assert 'data-start="2"' in answer.text, "back at the step that went wrong"
    assert world.states() == {"考核站点待签发"}


@pytest.mark.parametrize(
    "signature",
    [
        drawn(strokes=0),
        "",
        "data:image/png;base64,AAAA",
        "data:image/png;base64,***",
        "data:text/html;base64,PHNjcmlwdD4=",
        "https://127.0.0.1/x.png",
    ],
    ids=["empty canvas", "nothing", "no picture", "no base64", "a page", "an address"],
)
def test_an_empty_signature_signs_nothing(phone: FlaskClient, world: SigningWorld, signature: str) -> None:
    enter(phone, world, OFFICER_CHAT)
    answer = sign(phone, signature=signature)
    assert answer.status_code == 422
    assert "签名" in answer.text
    assert 'data-start="3"' in answer.text
    assert world.states() == {"考核站点待签发"}


def test_after_five_minutes_one_button_starts_afresh(
    phone: FlaskClient, world: SigningWorld, at: Callable[[datetime | str], datetime]
) -> None:
    start = at(NOON)
    enter(phone, world, OFFICER_CHAT)
    fields = {"csrf_token": csrf(phone, "/phone/sign"), "count": "3", "signature": drawn()}
    at(start + timedelta(minutes=5))
    assert phone.get("/phone/sign").status_code == 200, "the last instant still counts"
    at(start + timedelta(minutes=5, seconds=1))
    late = phone.post("/phone/sign", data=fields)
    assert late.status_code == 410
    assert "签名页面已过期" in late.text
    assert approvals() == 0
    assert send(phone, "/phone/sign", "/phone/again").headers["Location"] == "/phone/sign"
    assert sign(phone).headers["Location"] == "/phone/done"
    assert approvals() == 3


def test_after_half_an_hour_one_comes_in_again(
    phone: FlaskClient, world: SigningWorld, at: Callable[[datetime | str], datetime]
) -> None:
    start = at(NOON)
    enter(phone, world, OFFICER_CHAT)
    token = csrf(phone, "/phone/sign")
    at(start + timedelta(minutes=30, seconds=1))
    answer = phone.post("/phone/again", data={"csrf_token": token})
    assert answer.status_code == 404
    assert "请回到聊天或面板重新打开" in answer.text


def test_a_batch_that_changed_meanwhile_shows_the_new_number_and_signs_nothing(
    phone: FlaskClient, world: SigningWorld
) -> None:
    enter(phone, world, OFFICER_CHAT)
    fields = {"csrf_token": csrf(phone, "/phone/sign"), "count": "3", "signature": drawn()}
    with transaction(world.actor(world.officer)) as tx:
        ids = [world.issuances[0]]
        reject_batch(tx, plan_id=world.plan, party=Party.COLLEGE, reason="姓名有误", issuance_ids=ids)
    answer = phone.post("/phone/sign", data=fields)
    assert answer.status_code == 409
    assert "您核对时</small>3 张" in answer.text
    assert "现在</small>2 张" in answer.text
    assert approvals() == 0
    send(phone, "/phone/sign", "/phone/again")
    assert sign(phone, 2).headers["Location"] == "/phone/done"
    assert approvals() == 2


def test_a_batch_a_colleague_has_dealt_with_needs_nobody_any_more(phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    fields = {"csrf_token": csrf(phone, "/phone/sign"), "count": "3", "signature": drawn()}
    with transaction(SYSTEM) as tx:
        tx.advance_all(CertificateIssuance, ISSUANCE, "sign_as_college", CertificateIssuance.plan_id == world.plan)
    answer = phone.post("/phone/sign", data=fields)
    assert answer.status_code == 404
    assert "没有等您签发的证书" in answer.text


def test_nothing_is_signed_while_scores_are_open(phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    with transaction(SYSTEM) as tx:
        tx.get(ExamPlan, world.plan).locked_at = None
    answer = sign(phone)
    assert answer.status_code == 409
    assert "成绩公示尚未结束" in answer.text


def test_without_a_seal_the_page_says_who_uploads_it_where(phone: FlaskClient, world: SigningWorld) -> None:
    with transaction(SYSTEM) as tx:
        for seal in tx.all(select(ElectronicSeal)):
            tx.advance(seal, SEAL, "replace")
    answer = enter(phone, world, OFFICER_CHAT)
    assert answer.status_code == 409
    assert "考核站点负责人" in answer.text
    assert "电子签章" in answer.text


# -- who may -----------------------------------------------------------------------------------------------------------


def test_a_forged_signature_of_telegram_opens_nothing(phone: FlaskClient, world: SigningWorld) -> None:
    answer = enter(phone, world, OFFICER_CHAT, init_data=init_data(OFFICER_CHAT, token="7000000001:" + "x" * 35))
    assert answer.status_code == 403
    assert "无法确认您的 Telegram 身份" in answer.text
    assert signings() == []


def test_somebody_elses_user_id_under_a_real_signature_opens_nothing(phone: FlaskClient, world: SigningWorld) -> None:
    own = init_data(STRANGER_CHAT)
    answer = enter(phone, world, OFFICER_CHAT, init_data=own.replace(str(STRANGER_CHAT), str(OFFICER_CHAT)))
    assert answer.status_code == 403
    assert signings() == []


def test_what_telegram_said_more_than_an_hour_ago_opens_nothing(
    phone: FlaskClient, world: SigningWorld, at: Callable[[datetime | str], datetime]
) -> None:
    start = at(NOON)
    old = init_data(OFFICER_CHAT)
    at(start + timedelta(hours=1, seconds=1))
    answer = enter(phone, world, OFFICER_CHAT, init_data=old)
    assert answer.status_code == 410
    assert "重新点击" in answer.text


def test_a_chat_nobody_has_bound_is_told_how(phone: FlaskClient, world: SigningWorld) -> None:
    answer = enter(phone, world, 99_999)
    assert answer.status_code == 403
    assert "还没有绑定考务账号" in answer.text


def test_another_colleges_officer_finds_nothing_to_sign(phone: FlaskClient, world: SigningWorld) -> None:
    answer = enter(phone, world, STRANGER_CHAT)
    assert answer.status_code == 404
    assert "没有等您签发的证书" in answer.text


def test_the_college_may_not_sign_for_the_organisation(phone: FlaskClient, world: SigningWorld) -> None:
    assert enter(phone, world, OFFICER_CHAT, Party.TEO).status_code == 403


def test_a_coordinator_may_not_sign(phone: FlaskClient, world: SigningWorld) -> None:
    log_in(phone, world, world.coordinator)
    answer = phone.get(f"/phone/qr?plan={world.plan}&party=college")
    assert answer.status_code == 403
    assert "您不能签发这批证书" in answer.text


@pytest.mark.parametrize(
    "link",
    [
        "",
        "?plan=1",
        "?plan=x&party=college",
        "?plan=1&party=mayor",
        "?plan=1'--&party=teo",
        "?plan=99999999999999999999&party=teo",
    ],
)
def test_a_link_that_makes_no_sense_says_so(phone: FlaskClient, world: SigningWorld, link: str) -> None:
    answer = phone.get(f"/phone/enter{link}")
    assert answer.status_code == 404
    assert "这个链接不完整" in answer.text


def test_without_a_visit_there_is_nothing_to_see(phone: FlaskClient, world: SigningWorld) -> None:
    assert phone.get("/phone/sign").status_code == 404
    assert phone.get("/phone/refuse").status_code == 404
    assert phone.get("/phone/done").status_code == 404


def test_a_visit_opens_nothing_of_the_panel(phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    assert "/admin/login" in phone.get("/admin/").headers["Location"]
    assert "/admin/login" in phone.get(f"/phone/qr?plan={world.plan}&party=college").headers["Location"]


def test_every_act_needs_a_token_of_its_own_page(phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    for address in (
        "/phone/sign",
        "/phone/again",
        "/phone/leave",
        "/phone/refuse",
        "/phone/refuse/confirm",
        "/phone/enter",
    ):
        answer = phone.post(address, data={"count": "3", "signature": drawn(), "reason": "x", "shown": "3"})
        assert answer.status_code == 400, address
    assert world.states() == {"考核站点待签发"}


def test_a_plain_link_leads_to_the_login_and_then_to_both_ways_of_signing(
    phone: FlaskClient, world: SigningWorld
) -> None:
    link = f"/phone/start?plan={world.plan}&party=college"
    assert link in phone.get(f"/phone/enter?plan={world.plan}&party=college").text.replace("&amp;", "&")
    answer = phone.get(link)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login?next=/phone/start")
    log_in(phone, world, world.officer)
    assert "用手机扫码签名" in phone.get(link).text
    began = send(phone, link, "/phone/start", plan=str(world.plan), party="college")
    assert began.headers["Location"] == "/phone/sign"
    assert sign(phone).headers["Location"] == "/phone/done"


# -- the code on the desk ----------------------------------------------------------------------------------------------


def test_the_code_on_the_desk_is_signed_on_the_phone(app: Flask, phone: FlaskClient, world: SigningWorld) -> None:
    desk = app.test_client()
    log_in(desk, world, world.officer)
    token = shown_token(desk, world)
    assert desk.get("/phone/qr/state").get_json() == {"state": "created", "label": "待扫码", "left": 300}
    assert scan(phone, token).headers["Location"] == "/phone/sign"
    phone.get("/phone/sign")
    assert desk.get("/phone/qr/state").get_json()["label"] == "已扫码"
    assert sign(phone).headers["Location"] == "/phone/done"
    assert desk.get("/phone/qr/state").get_json()["label"] == "已签名"
    assert world.states() == {"证书待发放"}


def test_looking_at_the_codes_address_claims_nothing(app: Flask, world: SigningWorld) -> None:
    desk, crawler, phone = (app.test_client() for _ in range(3))
    log_in(desk, world, world.officer)
    token = shown_token(desk, world)
    assert crawler.get(f"/phone/s/{token}").status_code == 200
    assert crawler.head(f"/phone/s/{token}").status_code == 200
    assert scan(phone, token).headers["Location"] == "/phone/sign"


def test_a_second_phone_is_told_that_another_has_it(app: Flask, world: SigningWorld) -> None:
    desk, first, second = (app.test_client() for _ in range(3))
    log_in(desk, world, world.officer)
    token = shown_token(desk, world)
    scan(first, token)
    answer = scan(second, token)
    assert answer.status_code == 409
    assert "已在另一台手机上打开" in answer.text
    assert second.get("/phone/sign").status_code == 404
    assert first.get(f"/phone/s/{token}").headers["Location"] == "/phone/sign", "the first phone may open it again"
    assert sign(first).headers["Location"] == "/phone/done"


def test_a_reload_of_the_desk_keeps_the_code_and_a_press_replaces_it(app: Flask, world: SigningWorld) -> None:
    desk, phone = app.test_client(), app.test_client()
    log_in(desk, world, world.officer)
    first = shown_token(desk, world)
    assert shown_token(desk, world) == first
    page = f"/phone/qr?plan={world.plan}&party=college"
    send(desk, page, "/phone/qr", plan=str(world.plan), party="college")
    assert shown_token(desk, world) != first
    assert signings() == [SigningState.CANCELLED, SigningState.CREATED]
    assert scan(phone, first).status_code == 410


def test_the_code_begins_nothing_but_its_own_ceremony(
    app: Flask, phone: FlaskClient, world: SigningWorld, at: Callable[[datetime | str], datetime]
) -> None:
    start = at(NOON)
    desk = app.test_client()
    log_in(desk, world, world.officer)
    scan(phone, shown_token(desk, world))
    token = csrf(phone, "/phone/sign")
    at(start + timedelta(minutes=6))
    expired = phone.get("/phone/sign")
    assert expired.status_code == 410
    assert "在电脑上点“重新生成二维码”" in expired.text
    assert phone.post("/phone/again", data={"csrf_token": token}).status_code == 403
    assert desk.get("/phone/qr/state").get_json()["state"] == "expired"


def test_a_phone_on_which_somebody_else_is_logged_in_signs_nothing_for_the_officer(
    app: Flask, phone: FlaskClient, world: SigningWorld
) -> None:
    desk = app.test_client()
    log_in(desk, world, world.officer)
    token = shown_token(desk, world)
    log_in(phone, world, world.outsider)
    answer = scan(phone, token)
    assert answer.status_code == 403
    assert "不是您的签发任务" in answer.text


def test_an_invented_token_opens_nothing(phone: FlaskClient, world: SigningWorld) -> None:
    answer = scan(phone, "A" * 43)
    assert answer.status_code == 404
    assert "签名链接无效" in answer.text


def test_somebody_elses_desk_hears_nothing_of_the_ceremony(app: Flask, world: SigningWorld) -> None:
    desk, other = app.test_client(), app.test_client()
    log_in(desk, world, world.officer)
    token = shown_token(desk, world)
    log_in(other, world, world.outsider)
    with other.session_transaction() as kept:
        kept["phone_desk"] = token
    assert other.get("/phone/qr/state").status_code == 404


def test_no_page_tells_its_address_or_is_kept(app: Flask, phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    for address in ("/phone/sign", "/phone/refuse", "/phone/s/abc", "/phone/nothing"):
        headers = phone.get(address).headers
        if address != "/phone/nothing":
            assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


# -- sending back ------------------------------------------------------------------------------------------------------


def test_sending_back_needs_a_reason_and_two_pages(phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    assert "请填写理由" in send(phone, "/phone/refuse", "/phone/refuse", reason="　 ").text
    named = send(phone, "/phone/refuse", "/phone/refuse", reason="请打 13900000000")
    assert (named.status_code, "请不要写证件号码或手机号" in named.text) == (422, True)
    recap = send(phone, "/phone/refuse", "/phone/refuse", reason="3 号考场 <b>成绩</b> 有误")
    assert "确认退回 3 张" in recap.text
    assert "3 号考场 &lt;b&gt;成绩&lt;/b&gt; 有误" in recap.text
    assert world.states() == {"考核站点待签发"}, "nothing has happened yet"
    fields = {"csrf_token": csrf(phone, "/phone/sign"), "reason": "成绩有误", "shown": "3"}
    answers = [phone.post("/phone/refuse/confirm", data=fields) for _ in range(2)]
    assert [answer.headers["Location"] for answer in answers] == ["/phone/done"] * 2, "a second tap ends the same"
    assert "已退回 3 张" in phone.get("/phone/done").text
    assert world.states() == {"考核站点拒绝签发"}
    with reading() as look:
        records = look.scalars(select(SigningRecord)).all()
        assert [(r.reason, r.channel) for r in records] == [("成绩有误", "phone")] * 3


def test_a_reason_may_not_be_a_novel(phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    answer = send(phone, "/phone/refuse", "/phone/refuse", reason="长" * 501)
    assert answer.status_code == 422
    assert "最多 500 个" in answer.text


@pytest.mark.parametrize("shown", ["2", "", "x", "9" * 30])
def test_sending_back_another_number_than_shown_does_nothing(
    phone: FlaskClient, world: SigningWorld, shown: str
) -> None:
    enter(phone, world, OFFICER_CHAT)
    answer = send(phone, "/phone/sign", "/phone/refuse/confirm", reason="成绩有误", shown=shown)
    assert answer.status_code == 409
    assert world.states() == {"考核站点待签发"}


def test_what_the_organisation_refused_itself_is_signed_or_left_but_not_refused_again(
    phone: FlaskClient, app: Flask
) -> None:
    world = signing_world.build(state=IssuanceState.TEO_REJECTED)
    enter(phone, world, TEO_CHAT, Party.TEO)
    assert "退回并说明" not in phone.get("/phone/sign").text
    assert "没有可以退回的证书" in phone.get("/phone/refuse").text
    assert sign(phone).headers["Location"] == "/phone/done"


def test_leaving_changes_nothing_and_ends_the_visit(phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    assert "没有签发" in send(phone, "/phone/sign", "/phone/leave").text
    assert signings() == [SigningState.CANCELLED]
    assert phone.get("/phone/sign").status_code == 404
    assert world.states() == {"考核站点待签发"}


def test_a_ceremony_replaced_by_a_newer_one_says_so(app: Flask, phone: FlaskClient, world: SigningWorld) -> None:
    enter(phone, world, OFFICER_CHAT)
    with transaction(world.actor(world.officer)) as tx:
        open_signing(tx, plan_id=world.plan, party=Party.COLLEGE)
    answer = phone.get("/phone/sign")
    assert answer.status_code == 410
    assert "这次签名已被取消" in answer.text


def test_no_token_reaches_the_log(
    app: Flask, phone: FlaskClient, world: SigningWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    desk = app.test_client()
    log_in(desk, world, world.officer)
    token = shown_token(desk, world)
    scan(phone, token)
    sign(phone)
    assert token not in caplog.text


# -- the second factor of whoever has one ------------------------------------------------------------------------------


def give_second_factor(world: SigningWorld) -> pyotp.TOTP:
    """The officer's account gets one; the app on their phone."""
    with transaction(world.actor(world.officer)) as tx:
        made = begin_second_factor(tx)
        confirm_second_factor(tx, typed=pyotp.TOTP(made.secret).at(clock.now() - timedelta(seconds=30)))
    return pyotp.TOTP(made.secret)


def test_the_code_is_asked_for_before_the_steps_and_before_any_signature(
    phone: FlaskClient, world: SigningWorld
) -> None:
    """chat.md L3."""
    app = give_second_factor(world)
    enter(phone, world, OFFICER_CHAT)
    page = phone.get("/phone/sign")
    assert "动态口令" in page.text
    assert "data-pad" not in page.text
    refused = sign(phone)
    assert refused.status_code == 409
    assert "动态口令" in refused.text
    wrong = send(phone, "/phone/sign", "/phone/step-up", code="000000")
    assert wrong.status_code == 422
    assert "不正确" in wrong.text
    assert world.states() == {"考核站点待签发"}
    assert send(phone, "/phone/sign", "/phone/step-up", code=app.at(clock.now())).location == "/phone/sign"
    assert "data-pad" in phone.get("/phone/sign").text
    sign(phone)
    assert world.states() == {"证书待发放"}


def test_five_wrong_codes_lock_the_account_and_end_the_visit(phone: FlaskClient, world: SigningWorld) -> None:
    """§3.5."""
    give_second_factor(world)
    enter(phone, world, OFFICER_CHAT)
    token = csrf(phone, "/phone/sign")
    answers = [phone.post("/phone/step-up", data={"csrf_token": token, "code": "000000"}).status_code for _ in range(6)]
    assert answers == [422] * 4 + [429, 403]
    assert world.states() == {"考核站点待签发"}
