"""A college on a phone: from the official directory to the first login, lists and captcha under a finger."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from admin import letters
from admin.app import create_app
from admin.captcha import letters_of
from core.actors import Actor
from core.db import transaction
from core.gateways.courier import Letter
from core.usecases import directory, organisations

pytestmark = pytest.mark.browser
NAME, CODE = "东湖示例职业学院", "4142010906"
TOO_WIDE = "() => document.scrollingElement.scrollWidth - window.innerWidth"


@pytest.fixture
def post_box(monkeypatch: pytest.MonkeyPatch) -> list[Letter]:
    """Every letter that leaves."""
    sent: list[Letter] = []
    monkeypatch.setattr(letters, "courier", lambda: SimpleNamespace(send=sent.append))
    return sent


def aside(act: Callable[[], Any]) -> Any:
    """Away from the browser's own event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(act).result()


def list_colleges() -> None:
    """A province with two cities and three colleges."""
    with transaction(Actor("system", frozenset({"admin"}), is_system=True)) as tx:
        for code, name in (("420000", "湖北省"), ("420100", "武汉市"), ("420500", "宜昌市"), ("330000", "浙江省")):
            organisations.name_region(tx, code=code, name=name)
        organisations.create_authority(
            tx, name="湖北省教育厅（演示）", province_code="42", contact_phone="027-0000-0042"
        )
        for code, name, city in (
            (CODE, NAME, "420100"),
            ("4142010907", "南湖演示学院", "420100"),
            ("4142050908", "夷陵演示学校", "420500"),
        ):
            directory.create_entry(tx, code=code, name=name, city_code=city)


@pytest.fixture
def site(database: str, post_box: list[Letter]) -> Iterator[str]:
    """The application on a directory, and its address."""
    aside(list_colleges)
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def read_picture(page: Page) -> None:
    """Type what the picture shows."""
    token = page.locator('input[name="captcha_token"]').input_value()
    page.get_by_label("图形验证码", exact=True).fill(letters_of(token).lower())


def test_a_college_registers_on_a_phone_and_logs_in(phone: Page, site: str, post_box: list[Letter]) -> None:
    """R-001…R-007, M-01, M-02."""
    phone.goto(site)
    phone.get_by_role("link", name="院校注册").first.click()
    name = phone.get_by_label("院校名称")
    expect(name).to_be_disabled()
    phone.get_by_label("省（自治区、直辖市）").select_option("湖北省")
    phone.get_by_label("市", exact=True).select_option("武汉市")
    expect(phone.locator("#names option")).to_have_count(2)
    expect(phone.get_by_text("湖北省教育厅（演示） 027-0000-0042")).to_be_visible()
    name.fill(NAME)
    phone.get_by_label("院校代码").fill(CODE)
    phone.get_by_label("注册人姓名").fill("东注册")
    phone.get_by_label("手机号").fill("139 0000 1234")
    before = phone.locator('input[name="captcha_token"]').input_value()
    phone.get_by_role("button", name="看不清，换一张").click()
    expect(phone.locator('input[name="captcha_token"]')).not_to_have_value(before)
    expect(name).to_have_value(NAME)
    assert phone.evaluate(TOO_WIDE) <= 2
    read_picture(phone)
    phone.get_by_role("button", name="获取短信验证码").click()
    expect(phone.get_by_role("heading", name="输入短信验证码")).to_be_visible()
    digits = re.search(r"\d{6}", post_box[0].text)
    assert digits
    phone.get_by_label("短信验证码", exact=True).fill(digits[0])
    phone.get_by_role("button", name="完成注册").click()
    expect(phone.get_by_text("注册完成")).to_be_visible()
    assert phone.evaluate(TOO_WIDE) <= 2
    phone.get_by_role("link", name="设置密码").click()
    for label in ("新密码", "再输入一次"):
        phone.get_by_label(label, exact=True).fill("fresh-horse-9")
    phone.get_by_role("button", name="设置密码并登录").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("您好")
    phone.goto("about:blank")  # an answer still under way would bring the cookie back
    phone.context.clear_cookies()
    log_in(phone, site)
    assert post_box[1].mobile == "13900001234"


def log_in(phone: Page, site: str) -> None:
    """R-007: with the same account, later."""
    phone.goto(f"{site}/admin/login")
    phone.get_by_label("账号", exact=True).fill(CODE)
    phone.get_by_label("密码", exact=True).fill("fresh-horse-9")
    phone.get_by_role("button", name="登录").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("您好")
    assert urlsplit(phone.url).path == "/admin/"
