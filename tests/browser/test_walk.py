"""The running demo as people walk it: from the front door to a genuine certificate, each page at two widths."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, ViewportSize, expect

from core.demo.cast import PASSWORD, PEOPLE
from core.gateways.seal import LocalSealer
from core.settings import PREFIX
from tests.conftest import comes_true

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
DAY = 24 * 60  # minutes
PATIENCE = 60_000  # ms, for what the bot or a job does in its own time
WIDE: ViewportSize = {"width": 1366, "height": 768}
NARROW: ViewportSize = {"width": 390, "height": 844}
TO_SIGN = "Web前端第二次考核"  # the plan both Wuhan colleges are asked to sign

ENGLISH = (  # what Flask-Admin says where nobody translated it
    "Create|Save|Select|List|Edit|Delete|Search|Cancel|Submit|Details|Actions?|Export|Filters?|Home|"
    "With selected|Are you sure|Not a valid|This field"
)
LOOK = """(english) => {
  const leaves = [...document.querySelectorAll('main *')].filter((node) => !node.children.length);
  const words = leaves.map((node) => node.textContent.trim());
  return {
    headings: document.querySelectorAll('h1').length,
    blanks: words.filter((word) => /^(None|null|undefined|nan|True|False)$/.test(word)),
    english: document.body.innerText.match(new RegExp(`\\\\b(${english})\\\\b`, 'g')) || [],
  };
}"""
TOO_WIDE = "() => Math.max(0, document.scrollingElement.scrollWidth - window.innerWidth - 2)"
DOORS = """() => [
  ...document.querySelectorAll('.page-acts a'),
  ...[document.querySelector('td.col-acts a')].filter(Boolean),
].map((link) => link.href)"""
A_FILE = re.compile(r"(export|template|document|material|\.(xlsx|pdf|csv|zip))(/|$)|/filled/[^/]+$")


@dataclass(frozen=True)
class Demo:
    """A running demo: its address, its data directory, what it says, and the cookies of those who have logged in."""

    site: str
    folder: Path
    said: Path
    cookies: dict[str, Any] = field(default_factory=dict)

    def enter(self, page: Page, login: str, path: str = "") -> None:
        """Open a page of the panel as one of the cast; the password is typed once per person."""
        if login in self.cookies:
            page.context.add_cookies(self.cookies[login])
        else:
            page.goto(f"{self.site}/admin/login")
            page.get_by_label("账号", exact=True).fill(login)
            page.get_by_label("密码", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="登录").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("您好")
            self.cookies[login] = page.context.cookies()
        page.goto(f"{self.site}/admin/{path}")

    def id_number_on(self, certificate_no: str) -> str:
        """The holder's ID number, which no page shows."""
        with closing(sqlite3.connect(f"file:{self.folder / 'kaowu.db'}?mode=ro", uri=True)) as look:
            (number,) = look.execute(
                "SELECT s.id_number FROM certificate_issuances i JOIN registrations r ON r.id = i.registration_id"
                " JOIN candidate_snapshots s ON s.id = r.snapshot_id WHERE i.certificate_no = ?",
                [certificate_no],
            ).fetchone()
        return str(number)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`kaowu demo` as a newcomer starts it, one for this file; it has to end cleanly when told to."""
    data, port = tmp_path_factory.mktemp("walk"), free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    said = data / "said.txt"
    with said.open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "kaowu.py", "demo"],
            cwd=ROOT,
            env=clean | {"KAOWU_DATA_DIR": str(data), "KAOWU_PORT": str(port)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        site = f"http://127.0.0.1:{port}"
        wait_for(site, running, said)
        yield Demo(site, data / "demo", said)
        running.terminate()
        assert running.wait(30) == 0, said.read_text("utf-8")
    finally:
        running.kill()
        running.wait()


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(site: str, running: subprocess.Popen[bytes], said: Path) -> None:
    """Until the demo is ready; its own words where it is not."""
    until = time.monotonic() + 90
    while time.monotonic() < until and running.poll() is None:
        try:
            with urlopen(f"{site}/readyz", timeout=5):
                return
        except URLError:
            time.sleep(0.2)
    pytest.fail(f"the demo did not start:\n{said.read_text('utf-8')}")


@pytest.fixture(params=["page", "phone"], ids=["1366", "390"])
def screen(request: pytest.FixtureRequest) -> Page:
    """Once a desk's browser, once a phone's."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@dataclass
class Ears:
    """What a page complains about while nobody looks: script errors and answers that are refusals."""

    heard: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> Ears:
        """Hear everything from now on."""
        page.on("console", lambda said: self.heard.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        page.on("response", lambda got: self.heard.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        return self

    def drain(self) -> list[str]:
        """What was heard since the last time."""
        heard, self.heard = self.heard, []
        return heard


# -- from the front door to a genuine certificate -------------------------------------------------------------------


def telegram_of(login: str) -> int:
    """The simulated person of an account."""
    (found,) = (person.telegram for person in PEOPLE if person.login == login)
    assert found is not None
    return found


def chat_of(page: Page, demo: Demo, login: str) -> Locator:
    """The simulated phone of one person, opened by its address."""
    page.goto(f"{demo.site}/simulator/?persona={telegram_of(login)}")
    return page.locator(f".phone[data-persona='{telegram_of(login)}']")


def draw(page: Page, pad: Locator) -> None:
    """Three strokes of a hand across the pad."""
    box = pad.bounding_box()
    assert box is not None
    for stroke in range(3):
        height = box["y"] + box["height"] * (0.25 + 0.2 * stroke)
        page.mouse.move(box["x"] + 25, height)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 35, height + 18, steps=6)
        page.mouse.up()


def sign_on(page: Page, ceremony: FrameLocator) -> int:
    """Through the four steps of the signing page as a person takes them; the number of certificates signed."""
    following = ceremony.locator("[data-step]:not([hidden]) [data-next]")
    count = int(ceremony.locator("[data-step]:not([hidden]) .number b").inner_text())
    expect(ceremony.get_by_text("核对码")).to_be_visible()
    following.click()
    ceremony.get_by_label("待签发的数量").fill(str(count))
    following.click()
    draw(page, ceremony.locator("[data-pad]"))
    following.click()
    ceremony.get_by_role("button", name=f"确认签发 {count} 张").click()
    expect(ceremony.get_by_role("heading", name=f"已签发 {count} 张，不可撤回")).to_be_visible(timeout=PATIENCE)
    return count


def sign_in_chat(page: Page, demo: Demo, login: str) -> int:
    """From the message to the outcome, all inside the simulator; the message says afterwards that it is done."""
    chat = chat_of(page, demo, login)
    asked = chat.locator(".message").filter(has_text="【待签发】").filter(has_text=TO_SIGN)
    asked.get_by_role("button", name="签字确认").click(timeout=PATIENCE)
    count = sign_on(page, chat.frame_locator("[data-role=webapp-frame]"))
    chat.locator("[data-role=webapp-close]").click()
    done = chat.locator(".message").filter(has_text=TO_SIGN).filter(has_text="已签发")
    expect(done.first).to_be_visible(timeout=PATIENCE)
    expect(asked.get_by_role("button", name="签字确认")).to_have_count(0, timeout=PATIENCE)
    return count


def come_back_until(page: Page, wanted: Locator, count: int) -> None:
    """Load the page again until the jobs have done what it waits for."""
    until = time.monotonic() + PATIENCE / 1000
    while wanted.count() != count and time.monotonic() < until:
        page.wait_for_timeout(400)
        page.reload()
    expect(wanted).to_have_count(count)


def aside(call: Callable[[], Any]) -> Any:
    """Run away from the browser's own event loop."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(call).result()


def test_a_newcomer_signs_from_the_chat_and_the_certificate_is_genuine(page: Page, demo: Demo, tmp_path: Path) -> None:
    ears = Ears().listen(page)
    page.goto(demo.site)
    page.get_by_role("link", name="打开聊天模拟器").click()
    expect(page).to_have_title(re.compile("聊天模拟器"))
    count = sign_in_chat(page, demo, "jiangcheng-fzr")

    demo.enter(page, "jiangcheng-fzr")
    page.get_by_role("link", name="证书发放", exact=True).click()
    page.get_by_label("考试计划", exact=True).fill(TO_SIGN)
    page.get_by_role("button", name="查询").click()
    documents = page.get_by_role("link", name="下载电子证书")
    come_back_until(page, documents, count)
    row = page.locator("tbody tr").first
    number = row.locator("[data-label='证书 / 编号'] small, [data-label='证书 / 编号'] span").last.inner_text()
    with page.expect_download() as coming:
        documents.first.click()
    saved = tmp_path / "certificate.pdf"
    coming.value.save_as(saved)
    assert saved.read_bytes().startswith(b"%PDF")
    assert aside(lambda: LocalSealer(demo.folder / "seal").check(saved.read_bytes())).is_valid

    page.goto(f"{demo.site}/verify")
    page.get_by_label("证书编号").fill(number)
    page.get_by_label("证件号码").fill(demo.id_number_on(number))
    page.get_by_role("button", name="查验", exact=True).click()
    expect(page.get_by_role("heading", name="证书真实有效")).to_be_visible()
    page.get_by_role("link", name="再查一张").click()
    page.get_by_label("电子证书（PDF").set_input_files(saved)
    page.get_by_role("button", name="核对文件").click()
    expect(page.get_by_role("heading", name="文件完好，与存档一致")).to_be_visible()
    assert ears.drain() == []


def test_a_signing_officer_signs_on_a_phone(phone: Page, demo: Demo) -> None:
    ears = Ears().listen(phone)
    assert sign_in_chat(phone, demo, "chutian-fzr") > 0
    assert phone.evaluate(TOO_WIDE) == 0
    assert ears.drain() == []


# -- every page of the panel ----------------------------------------------------------------------------------------


def other_first(page: Page) -> list[ViewportSize]:
    """Both widths, the one the page was loaded at last: it stays for the next page, and one change of size is saved."""
    return [NARROW, WIDE] if page.viewport_size == NARROW else [WIDE, NARROW]


def faults_of(page: Page, ears: Ears, address: str) -> list[str]:
    """What is wrong with one page at both widths; empty when it is fit to be shown."""
    answer = page.goto(address)
    assert answer is not None
    faults = [] if answer.status == 200 else [f"status {answer.status}"]
    seen = page.evaluate(LOOK, ENGLISH)
    faults += [f"{key}: {seen[key]}" for key in ("blanks", "english") if seen[key]]
    faults += [] if seen["headings"] == 1 else [f"{seen['headings']} main headings"]
    for size in other_first(page):
        page.set_viewport_size(size)
        beyond = page.evaluate(TOO_WIDE)
        faults += [f"{beyond} px too wide at {size['width']}"] if beyond else []
    return [f"{address}: {fault}" for fault in faults + ears.drain()]


def pages_of_the_menu(page: Page) -> list[str]:
    """Addresses in the side menu, in its order."""
    return page.locator(".side nav a").evaluate_all("(links) => links.map((link) => link.href)")  # type: ignore[no-any-return]


def test_a_newcomer_finds_the_personal_space_on_the_list_of_accounts(screen: Page, demo: Demo) -> None:
    """R-097: address, login and password as the console shows them; a year's worth of exams and one's certificate."""
    assert comes_true(lambda: "试一试" in demo.said.read_text("utf-8"))
    said = demo.said.read_text("utf-8")
    address = re.search(r"个人空间 +(http\S+/my/)\n", said)
    account = re.search(r"^ +(\d{17}[\dX]) +(\S+) +考生（个人空间）$", said, re.MULTILINE)
    assert address is not None, said
    assert account is not None, said
    screen.goto(address[1])
    screen.get_by_label("考生编号或证件号码").fill(account[1])
    screen.get_by_label("密码", exact=True).fill(account[2])
    screen.get_by_role("button", name="登录", exact=True).click()
    expect(screen.get_by_role("img", name="您的照片")).to_be_visible()
    expect(screen.get_by_role("link", name="下载电子证书")).to_be_visible()
    assert screen.locator(".exam").count() > 1
    assert account[1] not in screen.content()


@pytest.mark.parametrize("login", ["hubei", "wuhan", "yunfan", "jiangcheng", "jiangcheng-fzr", "admin"])
def test_every_page_of_the_panel_is_fit_to_be_shown(page: Page, demo: Demo, login: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    demo.enter(page, login)
    ears = Ears().listen(page)
    menu = pages_of_the_menu(page)
    assert len(menu) > 8
    faults, seen = [], set()
    for address in [*menu, f"{demo.site}/admin/notices/"]:
        faults += faults_of(page, ears, address)
        for door in page.evaluate(DOORS):  # the first record, and every page that creates or imports something
            if door not in seen and door not in menu and not A_FILE.search(door.split("?")[0]):
                seen.add(door)
                faults += faults_of(page, ears, door)
    assert any("/details/" in address for address in seen)
    assert faults == []


@pytest.mark.parametrize("login", ["wuhan", "jiangcheng"])
def test_a_phone_finds_its_way_by_the_menu(phone: Page, demo: Demo, login: str) -> None:
    demo.enter(phone, login)
    menu, opener = phone.get_by_label("主菜单"), phone.get_by_role("button", name="打开菜单")
    places = [name.strip() for name in menu.locator("nav a").all_text_contents()]
    for place in (places[1], places[-1]):
        expect(menu).not_to_be_visible()
        opener.tap()
        expect(menu).to_be_visible()
        menu.get_by_role("link", name=place, exact=True).tap()
        expect(phone.get_by_role("heading", level=1, name=place)).to_be_visible()
        assert phone.evaluate(TOO_WIDE) == 0
    opener.tap()
    phone.locator("[data-menu-close]").click(position={"x": 360, "y": 400})
    expect(menu).not_to_be_visible()


# -- the simulator --------------------------------------------------------------------------------------------------


def say(chat: Locator, words: str) -> None:
    """Type and send."""
    chat.get_by_role("textbox", name="消息").fill(words)
    chat.get_by_title("发送", exact=True).click()


def told(chat: Locator, words: str) -> Locator:
    """What the bot said with these words in it."""
    return chat.locator(".message:not(.mine)").filter(has_text=words)


def go_to_people(page: Page) -> None:
    """On a phone the list of people is a page of its own."""
    back = page.locator("[data-role=back]:visible")
    if back.count():
        back.first.click()


def test_every_person_of_the_simulator_is_answered_even_after_a_failure(screen: Page, demo: Demo) -> None:
    chat = chat_of(screen, demo, "hubei")
    expect(told(chat, "【").first).to_be_visible(timeout=PATIENCE)
    go_to_people(screen)
    screen.locator(f".person button[data-persona='{telegram_of('chutian')}']").first.click()
    chat = screen.locator(f".phone[data-persona='{telegram_of('chutian')}']")
    expect(chat.get_by_text("楚考务的手机")).to_be_attached()
    before = told(chat, "【待办】").count()
    say(chat, "/todo")
    expect(told(chat, "【待办】")).to_have_count(before + 1, timeout=PATIENCE)
    helped = told(chat, "考务助手能做什么").count()

    go_to_people(screen)
    screen.get_by_role("radio", name="故障").click()
    expect(screen.get_by_role("radio", name="故障")).to_be_checked()
    screen.locator(f".person button[data-persona='{telegram_of('chutian')}']").first.click()
    expect(chat.get_by_text("Telegram 故障，机器人暂时收发不了消息")).to_be_visible()
    say(chat, "/help")
    expect(chat.locator(".message.mine").last).to_contain_text("/help")
    screen.wait_for_timeout(600)
    expect(told(chat, "考务助手能做什么")).to_have_count(helped)

    go_to_people(screen)
    screen.get_by_role("radio", name="正常").click()
    screen.locator(f".person button[data-persona='{telegram_of('chutian')}']").first.click()
    expect(chat.get_by_text("Telegram 故障")).to_be_hidden()
    say(chat, "/help")
    expect(told(chat, "考务助手能做什么").nth(helped)).to_be_visible(timeout=PATIENCE)
    assert screen.evaluate(TOO_WIDE) == 0


# -- the demo's clock, last: it only goes forward --------------------------------------------------------------------


def minutes_of(shown: str) -> int:
    """Minutes since midnight of a time as shown."""
    hour, minute = re.findall(r"(\d\d):(\d\d)", shown)[0]
    return int(hour) * 60 + int(minute)


def test_the_clock_of_the_demo_goes_forward_an_hour(screen: Page, demo: Demo) -> None:
    demo.enter(screen, "jiangcheng")
    shown = screen.locator(".clock-now b")
    before = minutes_of(shown.inner_text())
    screen.get_by_role("button", name="+1 小时").click()
    expect(screen.get_by_role("status")).to_contain_text("演示时钟已前进到")
    assert (minutes_of(shown.inner_text()) - before) % DAY in (60, 61, 62)


def test_a_coordinator_hears_in_the_chat_what_the_next_event_has_done(page: Page, demo: Demo) -> None:
    chat = chat_of(page, demo, "jiangcheng")
    expect(chat.locator(".message").first).to_be_visible(timeout=PATIENCE)
    demo.enter(page, "jiangcheng")
    due = page.locator(".line li").first
    expect(due).to_contain_text("报考截止")
    then = due.locator(".line-at").inner_text()
    page.get_by_role("button", name="下一事件").click()
    expect(page.get_by_role("status")).to_contain_text("演示时钟已前进到")
    expect(page.locator(".clock-now b")).to_have_text(then)
    chat = chat_of(page, demo, "jiangcheng")
    expect(told(chat, "Web前端第四次考核").filter(has_text="【报考截止】")).to_be_visible(timeout=PATIENCE)
