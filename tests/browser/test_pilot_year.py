"""An application under real hands: written in the editor, lost and found again, sent, returned, mended, approved."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from admin.app import create_app
from admin.session import PanelUser
from core.db import reading
from core.models.accounts import UserAccount
from core.models.files import Attachment
from core.models.pilots import PilotApplication, Quota
from tests.core.attached_files import pdf, picture
from tests.factories import Year, Years, moment, one, rows, stage_folder, years

__all__ = ["stage_folder", "years"]
pytestmark = pytest.mark.browser

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(years: Years, at: At) -> Year:
    """Applications may be filed, and nobody has."""
    found = years("declared")
    at(moment("declared"))
    return found


@pytest.fixture
def app(year: Year) -> Flask:
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


@pytest.fixture
def enter(page: Page, app: Flask, site: str, year: Year) -> Callable[[str, str], None]:
    """enter("city", "applications/"): open a page as somebody who has logged in."""

    def as_somebody(login: str, path: str) -> None:
        with reading() as look:
            account = look.get_one(UserAccount, year[f"account:{login}"])
            key = PanelUser(account, year.actor(login)).get_id()
        signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        cookie = signer.dumps({"_user_id": key, "_fresh": True})
        page.context.clear_cookies()
        page.context.add_cookies([{"name": app.config["SESSION_COOKIE_NAME"], "value": cookie, "url": site}])
        page.goto(f"{site}/admin/{path}")

    return as_somebody


@pytest.fixture
def trouble(page: Page) -> Iterator[list[str]]:
    """What the browser complains of; nothing, at the end."""
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield said
    assert [line for line in said if "422" not in line] == []


def editor(page: Page, label: str) -> Locator:
    """The editor of a description, found as a screen reader finds it; the bare field it replaces is none."""
    return page.locator(".editor-text").and_(page.get_by_role("textbox", name=label))


def begin(page: Page, year: Year) -> int:
    """立即申报, as far as the form."""
    page.get_by_role("link", name="立即申报").click()
    page.get_by_label("申报证书").select_option(str(year["certificate"]))
    page.get_by_label("申请总培训人数").fill("24")
    page.get_by_role("button", name="保存并继续填写").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("编辑")
    return int(re.findall(r"id=(\d+)", page.url)[0])


def test_an_application_from_the_editor_to_the_approval(
    page: Page, enter: Callable[[str, str], None], year: Year, trouble: list[str], tmp_path: Path
) -> None:
    (tmp_path / "设备清单.pdf").write_bytes(pdf())
    (tmp_path / "机房.png").write_bytes(picture())
    enter("coordinator", "declarations/")
    ident = begin(page, year)
    write(page, tmp_path)
    page.get_by_role("button", name="保存并提交").click()
    expect(page.get_by_text("内容指纹")).to_be_visible()
    page.wait_for_function("Object.keys(localStorage).length === 0")  # what has been saved is not kept in the browser
    page.get_by_role("button", name="确认提交").click()
    expect(page.get_by_text("申报已提交")).to_be_visible()
    kept = one(PilotApplication, ident)
    assert kept.faculty_description == "<p>专任教师 6 人，<strong>双师型 3 人</strong></p>"
    number = rows(select(Attachment.id).where(Attachment.kind == "picture"))[0]
    assert kept.venue_description == f'<p>机房 1 间<img src="/admin/files/{number}"></p>'

    enter("city", f"applications/do/pass_as_city/?id={ident}")
    page.get_by_role("button", name="审核通过").click()
    enter("province", f"applications/do/return_application/?id={ident}")
    page.get_by_label("理由").fill("请写明座位数")
    page.get_by_role("button", name="退回").click()

    enter("coordinator", f"applications/do/edit/?id={ident}")
    expect(page.get_by_text("省级初审退回：请写明座位数")).to_be_visible()
    editor(page, "场地情况").click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("End")
    page.keyboard.type("，座位 45 个")
    page.get_by_role("button", name="保存并提交").click()
    expect(page.get_by_text("，座位 45 个").last).to_be_visible()
    page.get_by_role("button", name="确认提交").click()

    enter("city", f"applications/do/pass_as_city/?id={ident}")
    page.get_by_role("button", name="审核通过").click()
    enter("province", f"applications/details/?id={ident}")
    page.get_by_text("与上次提交相比").first.click()
    expect(page.locator("ins")).to_have_text("增，座位 45 个")
    page.emulate_media(media="print")  # F-19: basic info, contacts, details, review records on one paper
    for title in ("院校基本信息", "联系人信息", "证书申报明细", "审核流程", "审核记录"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_role("heading", name="操作记录")).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("link", name="批准").click()
    page.get_by_label("批准总培训人数").fill("20")
    expect(page.locator("[data-sum-says]")).to_contain_text("多出 4 人")
    page.get_by_label("软件技术（610205） 批准培训人数").fill("20")
    page.get_by_role("button", name="批准").click()
    expect(page.get_by_text("已批准，指标已下达")).to_be_visible()
    assert rows(select(Quota.granted)) == [20]


def write(page: Page, folder: Path) -> None:
    """Words with the keyboard, a picture, a file, and a sum that is watched while it is typed."""
    editor(page, "师资情况").click()
    page.keyboard.type("专任教师 6 人，")
    page.keyboard.press("Control+b")
    page.keyboard.type("双师型 3 人")
    editor(page, "场地情况").click()
    page.keyboard.type("机房 1 间")
    page.locator(".editor").nth(1).locator("input[type=file]").set_input_files(folder / "机房.png")
    expect(page.get_by_text("图片已插入。")).to_be_visible()
    major = page.get_by_label("软件技术（610205） 申请培训人数")
    major.fill("20")
    expect(page.locator("[data-sum-says]")).to_have_text("各专业合计 20 人，总人数 24 人，还差 4 人。")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("R-032")).to_be_visible()
    expect(editor(page, "师资情况")).to_have_text("专任教师 6 人，双师型 3 人")
    expect(page.locator("[data-draft-offer]")).to_be_hidden()
    major.fill("24")
    expect(page.locator("[data-sum-says]")).to_have_text("各专业合计 24 人，总人数 24 人，相符。")
    page.get_by_label("其他佐证材料").set_input_files(folder / "设备清单.pdf")


def test_what_was_typed_is_offered_back_after_a_crash(
    page: Page, enter: Callable[[str, str], None], year: Year, trouble: list[str]
) -> None:
    enter("coordinator", "declarations/")
    ident = begin(page, year)
    editor(page, "师资情况").click()
    page.keyboard.type("写到一半")
    expect(page.get_by_text("已在这台电脑上暂存")).to_be_visible()
    enter("signatory", f"applications/do/edit/?id={ident}")
    expect(page.locator("[data-draft-offer]")).to_be_hidden()  # another person at the same computer
    enter("coordinator", f"applications/do/edit/?id={ident}")
    expect(editor(page, "师资情况")).to_have_text("")
    page.get_by_role("button", name="恢复").click()
    expect(editor(page, "师资情况")).to_have_text("写到一半")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("申报已保存")).to_be_visible()
    assert one(PilotApplication, ident).faculty_description == "<p>写到一半</p>"
    page.goto(page.url.split("/admin/")[0] + f"/admin/applications/do/edit/?id={ident}")
    expect(page.locator("[data-draft-offer]")).to_be_hidden()


def test_pasted_markup_is_fitted_to_the_house(page: Page, enter: Callable[[str, str], None], year: Year) -> None:
    """What comes from a word processor loses its looks and scripts before it is shown, not only when it is saved."""
    enter("coordinator", "declarations/")
    begin(page, year)
    page.locator(".editor-text").first.wait_for()  # the editor is made by a script that comes after the page
    page.evaluate(
        """() => {
          const place = document.querySelector('.editor-text');
          place.focus();
          const data = new DataTransfer();
          data.setData('text/html', '<h1 style="color:red">标题</h1><p onclick="x()">正文<img src="https://x.invalid/a">'
            + '<script>window.bad = 1</script></p>');
          place.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
        }"""
    )
    kept = page.locator("textarea[name=faculty_description]").input_value()
    assert kept == "<h3>标题</h3><p>正文</p>"
    assert page.evaluate("window.bad") is None
