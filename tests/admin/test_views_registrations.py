"""报考管理 through the browser: imported inside the window and the quota, taken back, seen by those concerned."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from admin.app import create_app
from core import clock
from core.models.pilots import Quota
from core.models.registrations import Registration
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.admin.sheets_of_paper import filled, taken
from tests.factories import (
    PRACTICE,
    THEORY,
    WINDOWS,
    Year,
    Years,
    codes,
    moment,
    on,
    one,
    postgres_stages,
    postgres_years,
    rows,
)

__all__ = ["postgres_stages", "postgres_years"]

LIST = "/admin/registrations/"
IMPORT = f"{LIST}import/registrations-by-certificate/"
SECOND = timedelta(seconds=1)


def line(year: Year, place: int, **other: Any) -> dict[str, Any]:
    """A student as a line of the registrations sheet."""
    person, (code, site_no) = year.students[place], codes(year)
    return {
        "考生姓名": person.name,
        "证件号码": person.id_number,
        "考生类型": "院校考生",
        "证书编号": code,
        "报考证书": "示例证书",
        "证书等级": "初级",
        "考核站点编号": site_no,
    } | other


def sheet(browser: Browser, lines: list[dict[str, Any]]) -> bytes:
    """The downloaded template with these lines."""
    return filled(browser.get(f"{IMPORT}template").data, lines)


def send(browser: Browser, year: Year, content: bytes, plan: str = "plan") -> Any:
    """Upload and confirm; the import's page, or the refusal of the file as a whole."""
    answer = browser.do(IMPORT, {"plan_id": str(year[plan]), "file": (BytesIO(content), "baokao.xlsx")})
    return taken(browser, answer) if answer.status_code == 303 else answer


def tabs(page: str) -> dict[str, int]:
    """Tab → count."""
    return {word: int(count) for word, count in re.findall(r'class="tab[^>]*>([^<]+)<span>(\d+)</span>', page)}


@pytest.fixture
def registering(panel: OpenPanel) -> Panel:
    return panel("planned", on("2026-05-02 10:00"))


def test_the_plan_shows_its_deadline_and_what_is_left_of_the_quota(registering: Panel) -> None:
    browser = registering.browser("coordinator")
    assert re.search(r"<b>4</b>剩余指标", browser.text(LIST))
    choices = re.findall(r'<option[^>]*value="(\d+)"[^>]*>([^<]+)', browser.text(IMPORT))
    assert [int(value) for value, _ in choices] == [registering.year["plan"]]  # the draft is not among them
    assert "剩余指标 4" in choices[0][1]
    assert "5月10日" in choices[0][1]


def test_good_rows_come_in_and_the_one_over_the_quota_is_said(registering: Panel) -> None:
    browser, year = registering.browser("coordinator"), registering.year
    report = send(browser, year, sheet(browser, [line(year, place) for place in range(5)]))
    assert report.status_code == 200, words(report)
    assert len(rows(select(Registration.id))) == 4
    assert "R-139" in words(report)
    page = browser.text(LIST)
    assert tabs(page)["未排考"] == 4
    assert year.students[0].id_number not in page
    assert one(Quota, year["quota"]).used == 4


def test_the_same_file_twice_registers_nobody_twice(registering: Panel) -> None:
    browser, year = registering.browser("coordinator"), registering.year
    content = sheet(browser, [line(year, 0)])
    send(browser, year, content)
    again = send(browser, year, content)
    assert "R-150" in words(again)
    assert len(rows(select(Registration.id))) == 1


@pytest.mark.parametrize(
    ("moment", "offered"),
    [
        (WINDOWS["registration"][0] - SECOND, False),
        (WINDOWS["registration"][0], True),
        (WINDOWS["registration"][1], True),
        (WINDOWS["registration"][1] + SECOND, False),
    ],
)
def test_a_plan_is_offered_inside_its_window_only(registering: Panel, moment: datetime, offered: bool) -> None:
    browser, year = registering.browser("coordinator"), registering.year
    with clock.pinned(moment):
        assert (f'value="{year["plan"]}"' in browser.text(IMPORT)) is offered
        answer = send(browser, year, sheet(browser, [line(year, 0)]))
        assert answer.status_code == (200 if offered else 422)
    assert len(rows(select(Registration.id))) == int(offered)


def test_a_window_that_closes_while_the_page_is_open_is_said(registering: Panel) -> None:
    browser, year = registering.browser("coordinator"), registering.year
    form, content = browser.hidden(IMPORT), sheet(browser, [line(year, 0)])
    with clock.pinned(WINDOWS["registration"][1] + SECOND):
        data = form | {"plan_id": str(year["plan"]), "file": (BytesIO(content), "late.xlsx")}
        assert browser.client.post(IMPORT, data=data).status_code == 422
    assert not rows(select(Registration.id))


def test_a_registration_is_taken_back_inside_the_window_and_the_place_returns(panel: OpenPanel) -> None:
    open_panel = panel("registered")
    browser, year = open_panel.browser("coordinator"), open_panel.year
    url = f"{LIST}do/delete/?id={year['registration:0']}"
    assert "确定删除这条报考吗" in browser.text(url)
    form = browser.hidden(url)
    assert browser.client.post(url, data=form).status_code == 303
    assert browser.client.post(url, data=form).status_code == 404  # there is nothing left to delete
    assert year["registration:0"] not in rows(select(Registration.id))
    assert one(Quota, year["quota"]).used == 2


@pytest.mark.parametrize(
    ("stage", "moment"),
    [("registered", WINDOWS["registration"][1] + SECOND), ("arranged", on("2026-05-12 10:00"))],
)
def test_nothing_is_taken_back_too_late(panel: OpenPanel, stage: str, moment: datetime) -> None:
    open_panel = panel(stage, moment)
    browser, ident = open_panel.browser("coordinator"), open_panel.year["registration:0"]
    assert f"do/delete/?id={ident}" not in browser.text(LIST)
    version = str(one(Registration, ident).version)
    answer = browser.post(f"{LIST}do/delete/?id={ident}", {"row_version": version})
    assert answer.status_code in (303, 422)
    assert ident in rows(select(Registration.id))


@pytest.mark.parametrize(
    ("moment", "tab"),
    [
        (THEORY[0] - SECOND, "待考试"),
        (THEORY[0], "考试中"),
        (THEORY[1], "待考试"),
        (PRACTICE[1] - SECOND, "考试中"),
        (PRACTICE[1], "已结束"),
    ],
)
def test_registrations_walk_through_the_tabs_with_the_clock(panel: OpenPanel, moment: datetime, tab: str) -> None:
    browser = panel("arranged", moment).browser("coordinator")
    page = browser.text(LIST)
    assert {word: count for word, count in tabs(page).items() if count} == {"全部": 4, tab: 4}
    place = list(tabs(page)).index(tab)
    assert browser.text(f"{LIST}?tab={place}").count('class="col-acts"><div') == 4


@pytest.mark.postgres
def test_the_tabs_count_on_postgres_too(postgres_years: Years) -> None:
    year = postgres_years("arranged")
    with clock.pinned(moment("arranged")):
        panel = Panel(year, create_app())
        assert tabs(panel.browser("coordinator").text(LIST))["待考试"] == 4
        assert tabs(panel.browser("teo").text("/admin/scores/"))["未开始"] == 8


def test_the_organisation_looks_and_touches_nothing(panel: OpenPanel) -> None:
    open_panel = panel("registered")
    teo, year = open_panel.browser("teo"), open_panel.year
    page = teo.text(LIST)
    assert year.students[0].name in page
    assert "报考查看" in page
    assert teo.get(IMPORT).status_code == 404
    version = str(one(Registration, year["registration:0"]).version)
    refused = teo.post(f"{LIST}do/delete/?id={year['registration:0']}", {"row_version": version})
    assert refused.status_code in (403, 422)
    assert len(rows(select(Registration.id))) == 4


@pytest.mark.parametrize("login", ["other_coordinator", "other_teo", "other_province"])
def test_somebody_elses_registration_does_not_exist(panel: OpenPanel, login: str) -> None:
    open_panel = panel("registered")
    ident = open_panel.year["registration:0"]
    browser = open_panel.browser(login)
    assert browser.get(f"{LIST}details/?id={ident}").status_code == 404
    assert browser.get(f"{LIST}do/delete/?id={ident}").status_code == 404
