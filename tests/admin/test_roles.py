"""What each role finds in the panel: its menu, and nothing that is somebody else's."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from core.models.records import AuditEntry
from tests.admin.conftest import OpenPanel
from tests.admin.test_flask_admin_traps import views
from tests.factories import CAST, rows

MENU = re.compile(r'class="menu-item[^"]*"[^>]*>(?:<svg.*?</svg>)?([^<]+)</a>', re.S)


WHOLE = {"certificates": "?flt0_0=all"}  # where a list begins with a part of what one may see


def menu(page: str) -> list[str]:
    """The words of the side menu."""
    return [word.strip() for word in MENU.findall(page)]


def test_every_role_has_its_own_menu(panel: OpenPanel) -> None:
    place = panel("planned")
    seen = {login: set(menu(place.browser(login).text("/admin/"))) for login in CAST}
    assert {"首页", "证书试点申报", "指标", "考试计划"} <= seen["coordinator"]
    assert {"申报计划管理", "试点申报审核", "指标管理"} <= seen["province"]
    assert "试点申报审核" in seen["city"]
    assert {"证书信息", "考试科目", "考试计划"} <= seen["teo"]
    assert not {"申报计划", "申报计划管理"} & seen["teo"], "§8.8: a TEO has no business with declaration plans"
    assert {"用户管理", "操作日志", "试点院校"} <= seen["admin"]
    assert [login for login in CAST if "逾期事项" not in seen[login]] == ["invigilator"]
    assert [login for login in CAST if "消息送达" not in seen[login]] == ["reviewer", "invigilator"]
    assert [login for login in CAST if "操作日志" in seen[login]] == ["admin"]
    assert [login for login in CAST if "用户管理" in seen[login]] == [
        "admin", "coordinator", "second_coordinator", "signatory", "other_coordinator", "other_signatory",
    ]  # fmt: skip
    assert seen["invigilator"] == {"首页"}


def test_a_page_without_a_place_in_the_menu_does_not_exist_for_that_role(panel: OpenPanel) -> None:
    place = panel("planned")
    everything = {view.title: view for view in views(place)}
    for login in ("city", "teo", "invigilator"):
        browser = place.browser(login)
        offered = set(menu(browser.text("/admin/")))
        for view in everything.values():
            names = {view.title, *view.titles.values()}
            status = browser.get(f"/admin/{view.slug}/").status_code
            assert status == (200 if names & offered else 404), (login, view.slug)


@pytest.mark.parametrize("login", ["province", "teo", "coordinator", "other_coordinator", "reviewer"])
def test_every_foreign_row_of_every_page_is_unknown(panel: OpenPanel, login: str) -> None:
    """Whatever a list does not show must not open by its number either."""
    place = panel("issued")
    everybody, browser = place.browser("admin"), place.browser(login)
    for view in views(place):
        shown = ids(browser.get(f"/admin/{view.slug}/{WHOLE.get(view.slug, '')}").text)
        foreign = ids(everybody.get(f"/admin/{view.slug}/").text) - shown
        for ident in sorted(foreign)[:1]:
            for address in (f"details/?id={ident}", *verb_addresses(view, ident)):
                assert browser.get(f"/admin/{view.slug}/{address}").status_code == 404, (view.slug, address)


def ids(page: str) -> set[str]:
    """The rows a list shows."""
    return set(re.findall(r"/details/\?id=(\d+)", page))


def verb_addresses(view: object, ident: str) -> list[str]:
    """Pages of the verbs of a row."""
    verbs = [view.edit_with, *view.row_verbs]  # type: ignore[attr-defined]
    return [f"do/{verb.name}/?id={ident}" for verb in verbs if verb is not None]


@pytest.mark.parametrize("login", ["admin", "province", "city", "teo", "coordinator", "signatory", "reviewer"])
def test_every_page_of_every_role_opens(panel: OpenPanel, login: str) -> None:
    browser = panel("issued").browser(login)
    for url in sorted(set(re.findall(r'class="menu-item[^"]*" href="(/admin/[^"]*)"', browser.text("/admin/")))):
        for ident in sorted(ids(browser.text(url)))[:1]:
            assert browser.get(f"{url}details/?id={ident}").status_code in (200, 302), (url, ident)


def test_a_college_reads_its_own_name_in_no_column(panel: OpenPanel) -> None:
    place = panel("applied")
    assert "<th>" in place.browser("coordinator").text("/admin/applications/")
    assert ">院校</a></th>" not in place.browser("coordinator").text("/admin/applications/")
    assert "院校" in place.browser("province").text("/admin/applications/")


def test_mobiles_and_id_numbers_are_masked(panel: OpenPanel) -> None:
    place = panel("sited")
    page = place.browser("teo").text(f"/admin/sites/details/?id={place.year['site']}")
    assert "199****0000" in page, "R-010"
    assert "19900000000" not in page


def test_the_trail_shows_what_changed_in_words_and_masks_people(panel: OpenPanel) -> None:
    place = panel("peopled")
    browser = place.browser("admin")
    person = place.year.students[0]
    pages = [browser.text(f"/admin/trail/details/?id={entry}") for entry in sorted(ids(browser.text("/admin/trail/")))]
    assert not any(person.id_number in page or person.mobile in page for page in pages)
    (found,) = rows(select(AuditEntry.id).where(AuditEntry.object_type == "quotas").limit(1))
    page = browser.text(f"/admin/trail/details/?id={found}")
    assert "批准指标" in page
    assert "有效" in page
