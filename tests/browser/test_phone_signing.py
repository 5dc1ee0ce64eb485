"""The ceremony under a finger: in from the chat, drawn on the glass, signed for good; and the desk that waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from admin.app import create_app
from admin.session import PanelUser
from bot.simulator.init_data import sign_init_data, with_init_data
from core import settings
from core.db import reading
from core.models.accounts import UserAccount
from core.models.certificates import SigningSession
from tests.admin import signing_world
from tests.admin.signing_world import OFFICER_CHAT, SigningWorld

pytestmark = pytest.mark.browser


@pytest.fixture
def world(database: str) -> SigningWorld:
    """Three certificates that wait for the college; made away from the browser's own event loop."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(signing_world.build).result()


@pytest.fixture
def app(world: SigningWorld) -> Flask:
    """The real application."""
    return create_app()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """Its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def from_the_chat(site: str, world: SigningWorld) -> str:
    """The address as Telegram opens it for the officer."""
    word = sign_init_data(settings.simulator_token(), {"id": OFFICER_CHAT, "first_name": "江签发"})
    return with_init_data(f"{site}/phone/enter?plan={world.plan}&party=college", word)


def go_on(page: Page) -> None:
    """The button that leads to the next step."""
    page.locator("[data-step]:not([hidden]) [data-next]").click()


def draw(page: Page, *, strokes: int = 3) -> None:
    """Some strokes across the pad."""
    box = page.locator("[data-pad]").bounding_box()
    assert box is not None
    for stroke in range(strokes):
        height = box["y"] + box["height"] * (0.25 + 0.2 * stroke)
        page.mouse.move(box["x"] + 30, height)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 40, height + 20, steps=6)
        page.mouse.up()


def test_a_signature_from_the_chat_to_the_outcome(phone: Page, site: str, world: SigningWorld) -> None:
    trouble: list[str] = []
    phone.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    phone.on("pageerror", lambda error: trouble.append(str(error)))
    phone.goto(from_the_chat(site, world))
    expect(phone.get_by_text("核对码")).to_be_visible()
    assert "tgWebAppData" not in phone.url
    go_on(phone)
    phone.locator("[name=count]").fill("2")
    go_on(phone)
    expect(phone.get_by_text("请输入页面上的数量 3。")).to_be_visible()
    phone.locator("[name=count]").fill("３")
    phone.keyboard.press("Enter")
    go_on(phone)
    expect(phone.get_by_text("请在框内手写签名。")).to_be_visible()
    draw(phone)
    phone.get_by_text("清空重写").click()
    expect(phone.get_by_text("在此签名")).to_be_visible()
    draw(phone)
    phone.get_by_text("撤销一笔").click()
    go_on(phone)
    confirm = phone.get_by_role("button", name="确认签发 3 张")
    expect(confirm).to_be_disabled()
    expect(confirm).to_be_enabled()
    confirm.dblclick()
    expect(phone.get_by_text("已签发 3 张，不可撤回")).to_be_visible()
    assert world.states() == {"证书待发放"}
    with reading() as look:
        kept = look.query(SigningSession).one()
        assert kept.hand_signature is not None
        assert kept.hand_signature.startswith(b"\x89PNG")
    assert trouble == []


def test_without_telegram_the_button_leads_to_the_login(phone: Page, site: str, world: SigningWorld) -> None:
    phone.goto(f"{site}/phone/enter?plan={world.plan}&party=college")
    phone.wait_for_url("**/admin/login?next=**")


def test_the_desk_sees_the_phone_scan_and_sign(
    page: Page, phone: Page, app: Flask, site: str, world: SigningWorld
) -> None:
    with reading() as look:
        key = PanelUser(look.get_one(UserAccount, world.officer), world.actor(world.officer)).get_id()
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    cookie = signer.dumps({"_user_id": key, "_fresh": True})
    page.context.add_cookies([{"name": app.config["SESSION_COOKIE_NAME"], "value": cookie, "url": site}])
    page.goto(f"{site}/phone/qr?plan={world.plan}&party=college")
    expect(page.locator("svg.code")).to_be_visible()
    phone.goto(site + str(page.get_by_text("在本机新窗口打开签名页面").get_attribute("href")))
    expect(phone.get_by_text("核对码")).to_be_visible()
    expect(page.get_by_role("heading", name="已扫码")).to_be_visible()
    expect(page.locator("svg.code")).to_be_hidden()
    go_on(phone)
    phone.locator("[name=count]").fill("3")
    go_on(phone)
    draw(phone)
    go_on(phone)
    phone.get_by_role("button", name="确认签发 3 张").click()
    expect(phone.get_by_text("已签发 3 张，不可撤回")).to_be_visible()
    expect(page.get_by_role("heading", name="已签发 3 张，不可撤回")).to_be_visible()
