"""/my/ under a thumb and at a desk: from the one-time link to a password, in, out, in again, and all of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from core import clock
from core.db import reading
from core.models.accounts import UserAccount
from core.models.candidates import Candidate
from core.models.records import Notification
from core.notifications.render import letter_of
from core.usecases.candidate_accounts import send_link
from tests.browser.ground import aside, fits, low, served
from tests.factories import Year, Years, moment, on, one, pass_edges, rows, stage_folder, years

__all__ = ["stage_folder", "years"]

pytestmark = pytest.mark.browser
PASSWORD = "qian-tang-2026"
LOOKS = pytest.mark.parametrize("looks", ["page", "phone"])
ACTS = "button, a.go, nav a, .leave a, input:not([type=hidden])"


def letter(year: Year) -> str:
    """A fresh one-time link, as far as it is the same on every host."""
    student = year["student:0"]
    year.do("coordinator", send_link, candidate_id=student)
    account = rows(select(UserAccount.id).where(UserAccount.candidate_id == student))[0]
    newest = select(Notification).where(Notification.account_id == account).order_by(Notification.id.desc())
    with reading() as session:
        told = letter_of(session, session.scalars(newest).first(), clock.now())
    assert told is not None
    found = re.search(r"(/my/link/\S+)$", told.text)
    assert found is not None
    return found[1]


@pytest.fixture
def opened(request: pytest.FixtureRequest, years: Years) -> Iterator[tuple[str, str, Candidate]]:
    """The application at a moment of the year, a link that has just been sent, and whose it is."""
    stage, instant = request.param
    with clock.pinned(instant):
        year: Year = aside(lambda: years(stage))
        aside(lambda: pass_edges(year))
        link, student = aside(lambda: letter(year)), aside(lambda: one(Candidate, year["student:0"]))
        with served() as address:
            yield address, link, student


def at(stage: str, instant: datetime) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("opened", [(stage, instant)], indirect=True, ids=[stage])


@LOOKS
@at("issued", moment("issued") + timedelta(hours=2))
def test_from_the_letter_to_the_certificate(
    looks: str, opened: tuple[str, str, Candidate], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """M-35, R-096, R-097."""
    tab: Page = request.getfixturevalue(looks)
    address, link, student = opened

    def looked_at(name: str) -> None:
        assert fits(tab), name
        assert low(tab.locator(ACTS)) == []
        tab.screenshot(path=str(tmp_path / f"{name}.png"), full_page=True)

    tab.goto(address + link)
    looked_at("link")
    tab.get_by_label("新密码", exact=True).fill(PASSWORD)
    tab.get_by_label("再输入一次", exact=True).fill("something-else-9")
    tab.get_by_role("button", name="设置密码并登录").click()
    expect(tab.get_by_role("alert")).to_be_visible()
    looked_at("link-wrong")
    for label in ("新密码", "再输入一次"):
        tab.get_by_label(label, exact=True).fill(PASSWORD)
    tab.get_by_role("button", name="设置密码并登录").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(student.name)
    tab.get_by_role("button", name="退出").click()
    expect(tab.get_by_text("您已退出登录")).to_be_visible()
    looked_at("login")

    tab.get_by_label("考生编号或证件号码").fill(student.id_number)
    tab.get_by_label("密码", exact=True).fill("not-this-one-1")
    tab.get_by_role("button", name="登录", exact=True).click()
    expect(tab.get_by_label("图形验证码", exact=True)).to_be_visible()
    looked_at("login-wrong")
    tab.get_by_role("link", name="忘记密码").click()
    expect(tab.get_by_role("button", name="发送链接")).to_be_visible()
    looked_at("forgot")

    tab.goto(f"{address}/my/login")
    tab.get_by_label("考生编号或证件号码").fill(student.candidate_no)
    tab.get_by_label("密码", exact=True).fill(PASSWORD)
    tab.get_by_role("button", name="登录", exact=True).click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(student.name)
    expect(tab.get_by_text(student.id_number)).to_have_count(0)
    expect(tab.get_by_role("img", name="您的照片")).to_be_visible()
    looked_at("home")
    with tab.expect_download() as certificate:
        tab.get_by_role("link", name="下载电子证书").click()
    assert certificate.value.path().read_bytes().startswith(b"%PDF")
    tab.goto(address + link)
    expect(tab.get_by_role("heading", name="链接已失效")).to_be_visible()
    looked_at("link-used")


@LOOKS
@at("arranged", on("2026-05-18 09:00"))
def test_before_the_exam_the_ticket_is_at_hand(
    looks: str, opened: tuple[str, str, Candidate], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """R-179."""
    tab: Page = request.getfixturevalue(looks)
    address, link, student = opened
    tab.goto(address + link)
    for label in ("新密码", "再输入一次"):
        tab.get_by_label(label, exact=True).fill(PASSWORD)
    tab.get_by_role("button", name="设置密码并登录").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(student.name)
    assert fits(tab)
    assert low(tab.locator(ACTS)) == []
    tab.screenshot(path=str(tmp_path / "before.png"), full_page=True)
    with tab.expect_download() as ticket:
        tab.get_by_role("link", name="下载准考证").click()
    assert ticket.value.path().read_bytes().startswith(b"%PDF")
