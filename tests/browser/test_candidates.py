"""考生管理 under real hands, at a desk and under a thumb: looked through, checked in a batch, two entries merged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from core import clock
from core.demo.people import people
from core.models.candidates import Candidate
from core.rules.candidates import CandidateKind
from core.rules.values import IdType
from core.usecases import candidates
from tests.admin.conftest import PASSWORD, give_password
from tests.browser.ground import aside, fits, low, served
from tests.factories import Year, Years, candidate_values, moment, photo, rows, stage_folder, years

__all__ = ["stage_folder", "years"]

pytestmark = pytest.mark.browser
NEWCOMERS = people(98, 3, first=8_000)
PASSPORT = "E12345678"
TABS = ["全部8", "无照片1", "信息不全0", "信息待认证2", "需人工确认0", "信息准确5"]
ACTS = ".btn-main, .btn-quiet, .control, .tab, .switch a, summary, .acts a, .acts button, label.tick"


def prepare(year: Year) -> None:
    """Two who wait for the check, one without a photo, and the first student once more with a passport."""
    give_password(year, "coordinator")
    twin = candidate_values(year.students[0], id_type=IdType.PASSPORT, id_number=PASSPORT, mobile="19912340000")
    sheet = [candidate_values(person) for person in NEWCOMERS[:2]] + [twin]
    college = year["college"]
    year.do(
        "coordinator",
        candidates.import_candidates,
        college_id=college,
        kind=CandidateKind.COLLEGE,
        rows=list(enumerate(sheet, start=3)),
    )
    pictures = [(n, photo(person.id_number, 8_000 + n)) for n, person in enumerate(NEWCOMERS[:2], start=1)]
    year.do("coordinator", candidates.put_photos, college_id=college, photos=pictures)


@pytest.fixture
def year(years: Years) -> Iterator[Year]:
    with clock.pinned(moment("peopled") + timedelta(hours=1)):
        found: Year = aside(lambda: years("peopled"))
        aside(lambda: prepare(found))
        yield found


@pytest.fixture
def tab(year: Year, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The list of candidates, before somebody who has logged in."""
    tab: Page = request.getfixturevalue(request.param)
    with served() as address:
        tab.goto(f"{address}/admin/login")
        tab.get_by_label("账号", exact=True).fill("coordinator")
        tab.get_by_label("密码", exact=True).fill(PASSWORD)
        tab.get_by_role("button", name="登录").click()
        expect(tab.get_by_role("heading", level=1)).to_be_visible()
        tab.goto(f"{address}/admin/candidates/")
        yield tab


LOOKS = pytest.mark.parametrize("tab", ["page", "phone"], indirect=True)


def look(tab: Page, picture: Path) -> None:
    """Nothing moves sideways; under a thumb nothing is too low."""
    tab.screenshot(path=str(picture), full_page=True)
    assert fits(tab), picture.stem
    if tab.evaluate("() => matchMedia('(pointer: coarse)').matches"):
        assert low(tab.locator("main").locator(ACTS)) == [], picture.stem


def shown(tab: Page) -> Locator:
    """The rows of the list."""
    return tab.locator("table.is-list tbody tr")


@LOOKS
def test_the_list_is_looked_through_and_a_batch_is_checked(tab: Page, year: Year, tmp_path: Path) -> None:
    """R-010, R-075, R-079."""
    assert [re.sub(r"\s", "", text) for text in tab.locator(".tab").all_inner_texts()] == TABS
    expect(shown(tab)).to_have_count(8)
    everybody = tab.locator("main").inner_text()
    for person in (*year.students, *NEWCOMERS[:2]):
        assert person.name in everybody
        assert person.id_number not in everybody
        assert person.mobile not in everybody
    expect(tab.locator("table.is-list .thumb img")).to_have_count(7)
    for face in tab.locator("table.is-list .thumb img").all():
        face.scroll_into_view_if_needed()  # pictures come as they come into view
    tab.wait_for_function(
        "() => [...document.querySelectorAll('.thumb img')].every((i) => i.complete && i.naturalWidth)"
    )
    look(tab, tmp_path / "list.png")

    tab.get_by_role("link", name="社会考生").click()
    expect(shown(tab)).to_have_count(len(year.socials))
    look(tab, tmp_path / "social.png")
    tab.get_by_role("link", name="本校考生").click()
    tab.locator("details.filters-more summary").click()
    look(tab, tmp_path / "filters.png")
    tab.get_by_label("手机", exact=True).fill(NEWCOMERS[0].mobile)
    tab.get_by_role("button", name="查询").click()
    expect(shown(tab)).to_contain_text([NEWCOMERS[0].name])
    tab.get_by_role("link", name="重置").click()

    tab.locator(".tab", has_text="信息待认证").click()
    expect(shown(tab)).to_have_count(2)
    expect(tab.locator(".tab.is-open")).to_be_in_viewport(ratio=1)
    check = tab.get_by_role("button", name="批量认证")
    expect(check).to_be_disabled()
    tab.locator("[data-all]").and_(tab.locator(":visible")).click()
    expect(check).to_be_enabled()
    look(tab, tmp_path / "ticked.png")
    check.click()
    expect(tab.get_by_text("确定认证 2 名考生吗")).to_be_visible()
    look(tab, tmp_path / "batch.png")
    tab.get_by_role("button", name="批量认证（2）").click()
    expect(tab.locator(".tab", has_text="信息准确")).to_have_text(re.compile(r"7"))
    look(tab, tmp_path / "checked.png")


@LOOKS
def test_one_person_entered_twice_becomes_one(tab: Page, year: Year, tmp_path: Path) -> None:
    """R-077, R-089: two questions, and the number that is gone still finds the person."""
    twin = aside(lambda: rows(select(Candidate.candidate_no).where(Candidate.id_number == PASSPORT))[0])
    kept = aside(lambda: rows(select(Candidate.candidate_no).where(Candidate.id == year["student:0"]))[0])
    tab.get_by_label("搜索").fill(kept)
    tab.get_by_role("button", name="查询").click()
    shown(tab).get_by_role("link", name="查看").click()
    look(tab, tmp_path / "record.png")
    tab.get_by_role("link", name="合并重复考生").click()
    look(tab, tmp_path / "find.png")
    tab.get_by_role("link", name=twin).click()
    expect(tab.get_by_text(PASSPORT)).to_have_count(0)
    tab.get_by_label("手机号码采用记录二").check()
    look(tab, tmp_path / "choose.png")
    tab.get_by_role("button", name="下一步").click()
    expect(tab.get_by_text("合并后不能撤销")).to_be_visible()
    tab.get_by_label("我已核对").check()
    look(tab, tmp_path / "sure.png")
    tab.get_by_role("button", name="确定合并").click()
    expect(tab.get_by_text(f"（{kept}）。")).to_be_visible()
    look(tab, tmp_path / "merged.png")
    assert aside(lambda: rows(select(Candidate.mobile).where(Candidate.candidate_no == kept))) == ["19912340000"]
    assert aside(lambda: rows(select(Candidate.id).where(Candidate.candidate_no == twin))) == []
