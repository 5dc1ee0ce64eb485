"""What the panel says of a college that is no pilot, and the ledger of its quota (R-018, R-021, R-044)."""

from __future__ import annotations

import re

import pytest

from core.usecases import quotas
from tests.admin.conftest import OpenPanel, words
from tests.factories import DECLARATION, SECOND, WINDOWS, register

LISTS = ("candidates", "sites", "rooms")


def test_a_college_reads_on_its_home_page_what_it_is_this_year(panel: OpenPanel) -> None:
    page = panel("approved", at=DECLARATION[1]).browser("coordinator").text("/admin/")
    assert "2026 年 · 注册完成" in page
    assert "申报时间截止后" in page


def test_a_pilot_reads_that_it_is_one(panel: OpenPanel) -> None:
    page = panel("approved", at=DECLARATION[1] + SECOND).browser("coordinator").text("/admin/")
    assert "2026 年 · 试点院校" in page


@pytest.mark.parametrize("slug", LISTS)
def test_lists_of_exam_work_say_why_they_are_closed_and_whom_to_call(panel: OpenPanel, slug: str) -> None:
    page = panel("applied", at=DECLARATION[1] + SECOND).browser("coordinator").text(f"/admin/{slug}/")
    assert "今年没有审核通过的试点申报" in page
    assert "027-0000-0042" in page


@pytest.mark.parametrize("slug", LISTS)
def test_pilots_and_offices_read_no_such_thing(panel: OpenPanel, slug: str) -> None:
    place = panel("approved", at=DECLARATION[1] + SECOND)
    for login in ("coordinator", "teo", "admin"):
        assert "试点申报，考生" not in place.browser(login).text(f"/admin/{slug}/")


def test_the_quota_shows_how_it_came_to_stand_so(panel: OpenPanel) -> None:
    """R-019, R-020: granted, used, adjusted with its reason and by whom; used up is said in words (§3.3)."""
    place = panel("planned", at=WINDOWS["registration"][0])
    year = place.year
    register(year, [0, 1])
    year.do("province", quotas.adjust_quota, quota_id=year["quota"], granted=2, reason="按实训条件核减")
    browser = place.browser("coordinator")
    assert "已用完" in browser.text("/admin/quotas/")
    page = words(browser.get(f"/admin/quotas/details/?id={year['quota']}"))
    assert "指标流水" in page
    assert "按实训条件核减" in page
    for line in (r"批准 \+4", r"使用 .{0,3}\+2", r"调整 -2"):
        assert re.search(line, page)
