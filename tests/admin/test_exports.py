"""Taking lists away through the panel: ticked or filtered, counted first, proved by a code, fetched within a day."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from core import clock, settings
from core.actors import SYSTEM
from core.db import transaction
from core.models.accounts import AccountRole, UserAccount, VerificationCode
from core.models.candidates import Candidate
from core.models.records import AuditEntry, ExportJob
from core.rules import exports as rules
from core.rules.codes import digits_of
from core.rules.organisations import Role
from core.sheets.exports import EXPORTS
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.core.sheets.test_exports import MAY
from tests.factories import CAST, census, count, moment, one, rows

CANDIDATES = "/admin/candidates/export/candidate-list/"
APPLICATIONS = "/admin/applications/export/application-list/"
# Export → the list it stands above.
PAGES = {
    "organisation-list": "orgs",
    "college-list": "colleges",
    "application-list": "applications",
    "quota-list": "quotas",
    "candidate-list": "candidates",
    "candidate-photos": "candidates",
    "registration-list": "registrations",
    "score-list": "scores",
    "result-list": "results",
    "issuance-list": "issuances",
}


@pytest.fixture
def place(panel: OpenPanel) -> Panel:
    return panel("issued")


def digits(export_id: int) -> str:
    return digits_of(settings.secret_key(), one(VerificationCode, one(ExportJob, export_id).code_id).nonce)


def ask(browser: Browser, address: str, ids: tuple[int, ...] = ()) -> Any:
    """Press the button of the export's page."""
    return browser.post(address, {"confirmed": "1", "ids": [str(ident) for ident in ids]})


def asked(browser: Browser, address: str, ids: tuple[int, ...] = ()) -> int:
    """Its number."""
    answer = ask(browser, address, ids)
    assert answer.status_code == 303, words(answer)[-400:]
    found = re.fullmatch(r"/admin/exports/(\d+)/", answer.location)
    assert found
    return int(found[1])


def proved(browser: Browser, address: str, ids: tuple[int, ...] = ()) -> int:
    """The same with its code typed back."""
    export_id = asked(browser, address, ids)
    answer = browser.post(f"/admin/exports/{export_id}/", {"code": digits(export_id)})
    assert answer.status_code == 303, words(answer)[-400:]
    return export_id


def fetched(browser: Browser, export_id: int) -> list[tuple[Any, ...]]:
    """Rows of the file."""
    answer = browser.get(f"/admin/exports/{export_id}/file")
    assert answer.status_code == 200, words(answer)[-300:]
    assert answer.headers["Cache-Control"] == "no-store"
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
    return list(sheet.iter_rows(min_row=3, values_only=True))


# -- which rows (R-013) ------------------------------------------------------------------------------------------------


def test_without_a_tick_the_filter_the_search_and_the_tab_say_which_rows(place: Panel) -> None:
    """R-013: what the list shows is what leaves."""
    browser = place.browser("coordinator")
    women = [person for person in place.year.students if person.gender.label == "女"]
    gender = next(
        found
        for found in re.findall(r'<select id="(flt\d+_\d+)"[^>]*>(.*?)</select>', browser.text("/admin/candidates/"))
        if "女" in found[1]
    )[0]
    page = browser.get(f"{CANDIDATES}?{gender}=female")
    assert f"根据列表中的查询条件，共查询出 {len(women)} 条数据" in words(page)
    export_id = proved(browser, f"{CANDIDATES}?{gender}=female")
    assert [row[1] for row in fetched(browser, export_id)] == [person.name for person in women]


@pytest.mark.parametrize(("tab", "expected"), [("", 5), ("?tab=5", 5), ("?tab=1", 0)])
def test_a_tab_is_a_condition_like_any_other(place: Panel, tab: str, expected: int) -> None:
    """无照片 is the first tab and nobody is in it; 信息准确 the fifth."""
    said = words(place.browser("coordinator").get(f"{CANDIDATES}{tab}"))
    assert f"共查询出 {expected} 条数据" in said


def test_the_photos_of_the_ticked_leave_as_an_archive(place: Panel) -> None:
    """E-04, R-013: from the list, behind the code, as a zip."""
    browser, year = place.browser("coordinator"), place.year
    address = "/admin/candidates/export/candidate-photos/"
    export_id = proved(browser, address, (year["student:0"], year["student:2"]))
    answer = browser.get(f"/admin/exports/{export_id}/file")
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("application/zip", "no-store")
    assert answer.headers["Content-Disposition"].endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.namelist() == [f"{year.students[n].id_number}.jpg" for n in (0, 2)]


def test_a_search_is_kept_with_what_was_asked_for(place: Panel) -> None:
    browser, person = place.browser("coordinator"), place.year.students[1]
    export_id = proved(browser, f"{CANDIDATES}?search={person.name}")
    assert [row[5] for row in fetched(browser, export_id)] == [person.id_number]


@pytest.mark.parametrize("name", ["registration-list", "score-list", "result-list", "issuance-list"])
def test_a_search_through_other_tables_finds_the_same_rows_as_the_list(place: Panel, name: str) -> None:
    browser, person = place.browser("coordinator"), place.year.students[0]
    listed = words(browser.get(f"/admin/{PAGES[name]}/?search={person.name}"))
    export_id = proved(browser, f"/admin/{PAGES[name]}/export/{name}/?search={person.name}")
    found = fetched(browser, export_id)
    assert {row[6] if name != "issuance-list" else row[3] for row in found} == {person.id_number}
    assert f"共 {len(found)} " in listed


def test_ticked_rows_alone_leave_and_only_those_one_may_see(place: Panel) -> None:
    """R-013; a number of another college's candidate among the ticks brings nothing."""
    browser, year = place.browser("coordinator"), place.year
    ids = (year["student:0"], year["student:2"], year["other_student:0"])
    page = browser.post(CANDIDATES, {"ids": [str(ident) for ident in ids]})
    assert "您选中了 2 条数据" in words(page)
    export_id = proved(browser, CANDIDATES, ids)
    assert [row[1] for row in fetched(browser, export_id)] == [year.students[0].name, year.students[2].name]


def test_what_was_asked_for_stays_fixed_whatever_the_list_shows_later(place: Panel) -> None:
    browser = place.browser("coordinator")
    export_id = asked(browser, CANDIDATES, (place.year["student:0"],))
    browser.post(f"/admin/exports/{export_id}/?tab=1", {"code": digits(export_id), "ids": "2"})
    assert len(fetched(browser, export_id)) == 1


def test_social_candidates_are_not_among_the_colleges_own(place: Panel) -> None:
    browser = place.browser("coordinator")
    export_id = proved(browser, "/admin/social-candidates/export/candidate-list/")
    assert [row[1] for row in fetched(browser, export_id)] == [place.year.socials[0].name]


def test_a_filter_that_is_gone_does_not_widen_what_leaves(place: Panel) -> None:
    browser = place.browser("coordinator")
    export_id = proved(browser, f"{CANDIDATES}?search={place.year.students[1].name}")
    with transaction(SYSTEM) as tx:
        job = tx.get(ExportJob, export_id)
        job.asked = rules.Asked(page="candidates", filters=(("去年的条件", "1", "1"),)).kept()
    answer = browser.get(f"/admin/exports/{export_id}/file")
    assert answer.status_code == 303
    assert "不能在面板下载" in words(browser.get(answer.location))


# -- how many (R-012) --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cap", "is_refused"), [(4, True), (5, False)])
def test_more_than_the_cap_is_refused_before_a_code_is_sent(
    place: Panel, monkeypatch: pytest.MonkeyPatch, cap: int, is_refused: bool
) -> None:
    """R-012."""
    browser = place.browser("coordinator")
    monkeypatch.setattr(rules, "ROW_CAP", cap)
    monkeypatch.setattr("admin.export_page.ROW_CAP", cap)
    answer = ask(browser, CANDIDATES)
    if not is_refused:
        assert answer.status_code == 303
        return
    assert answer.status_code == 422
    assert f"每次最多可下载{cap}条数据" in words(answer)
    assert (count(ExportJob), count(VerificationCode)) == (0, 0)


def test_the_page_says_the_cap_and_where_the_code_goes(place: Panel) -> None:
    """R-011, R-012: the words of the platform."""
    said = words(place.browser("coordinator").get(CANDIDATES))
    assert "温馨提示 ：每次最多可下载5万条数据" in said
    assert "用您绑定的 Telegram 获取验证码，进行身份验证" in said
    with transaction(SYSTEM) as tx:
        tx.get(UserAccount, place.year["account:second_coordinator"]).mobile = "19900000123"
    said = words(place.browser("second_coordinator").get(CANDIDATES))
    assert "用您绑定的尾号为 0123 的手机号获取验证码，进行身份验证" in said
    assert "19900000123" not in said


# -- the code (R-011) --------------------------------------------------------------------------------------------------


def test_a_wrong_code_brings_no_file_and_says_how_often_one_may_try(place: Panel) -> None:
    """R-011."""
    browser = place.browser("coordinator")
    export_id = asked(browser, CANDIDATES)
    wrong = f"{(int(digits(export_id)) + 1) % 10**6:06d}"
    answer = browser.post(f"/admin/exports/{export_id}/", {"code": wrong})
    assert answer.status_code == 422
    assert "还可以再试 4 次" in words(answer)
    answer = browser.get(f"/admin/exports/{export_id}/file")
    assert answer.status_code == 303
    assert "请先输入验证码" in words(browser.get(answer.location))


def test_an_export_without_personal_data_needs_no_code(place: Panel) -> None:
    """R-048: E-03 leaves at once."""
    browser = place.browser("coordinator")
    assert "获取验证码" not in words(browser.get(APPLICATIONS))
    export_id = asked(browser, APPLICATIONS)
    assert [row[:2] for row in fetched(browser, export_id)] == [(2026, "第一批")]
    assert count(VerificationCode) == 0


def test_a_letter_is_sent_after_the_commit_when_there_is_no_chat(place: Panel) -> None:
    """M-33: the code lies where the courier leaves letters, and nowhere in the page or the trail."""
    with transaction(SYSTEM) as tx:
        tx.get(UserAccount, place.year["account:second_coordinator"]).mobile = "19900000123"
    browser = place.browser("second_coordinator")
    export_id = asked(browser, CANDIDATES)
    letters = [path.read_text() for path in (settings.current().data_dir / "letters").iterdir()]
    assert len(letters) == 1
    assert digits(export_id) in letters[0]
    assert digits(export_id) not in browser.text(f"/admin/exports/{export_id}/")


def test_another_code_is_a_press_away_and_not_too_soon(place: Panel) -> None:
    browser = place.browser("coordinator")
    export_id = asked(browser, CANDIDATES)
    answer = browser.post(f"/admin/exports/{export_id}/again")
    assert "秒后再获取" in words(browser.get(answer.location))
    with clock.pinned(moment("issued") + rules.KEPT_FOR / 24):
        browser.post(f"/admin/exports/{export_id}/again")
    assert count(VerificationCode) == 2


# -- a day, one person -------------------------------------------------------------------------------------------------


def test_the_file_is_there_again_from_the_records_for_a_day(place: Panel) -> None:
    """T-20; and the rows are read again."""
    browser = place.browser("coordinator")
    export_id = proved(browser, CANDIDATES)
    assert len(fetched(browser, export_id)) == 5
    assert f"/admin/exports/{export_id}/" in browser.text("/admin/exports/")
    with transaction(SYSTEM) as tx:
        tx.get(Candidate, place.year["student:0"]).name_pinyin = "Gai Ming"
    with clock.pinned(moment("issued") + rules.KEPT_FOR):
        assert fetched(browser, export_id)[0][2] == "Gai Ming"
    assert count(AuditEntry, AuditEntry.object_type == "export_jobs", AuditEntry.action == "hand_out") == 2


def test_after_a_day_the_file_is_gone(place: Panel) -> None:
    """T-20."""
    browser = place.browser("coordinator")
    export_id = proved(browser, CANDIDATES)
    with transaction(SYSTEM) as tx:
        tx.get(ExportJob, export_id).created_at = moment("issued") - rules.KEPT_FOR
    assert len(fetched(browser, export_id)) == 5
    with transaction(SYSTEM) as tx:
        tx.get(ExportJob, export_id).created_at = moment("issued") - rules.KEPT_FOR * 1.01
    assert browser.get(f"/admin/exports/{export_id}/file").status_code == 303
    assert "超过 24 小时" in words(browser.get(f"/admin/exports/{export_id}/"))


@pytest.mark.parametrize("login", ["second_coordinator", "signatory", "other_coordinator", "admin", "teo", "reviewer"])
def test_nobody_else_gets_the_file(place: Panel, login: str) -> None:
    export_id = proved(place.browser("coordinator"), CANDIDATES)
    browser = place.browser(login)
    for address in (f"/admin/exports/{export_id}/", f"/admin/exports/{export_id}/file"):
        assert browser.get(address).status_code == 404, address
    assert browser.post(f"/admin/exports/{export_id}/", {"code": digits(export_id)}).status_code == 404
    assert browser.post(f"/admin/exports/{export_id}/again").status_code == 404


def test_a_role_lost_meanwhile_ends_it(place: Panel) -> None:
    browser = place.browser("coordinator")
    export_id = proved(browser, CANDIDATES)
    with transaction(SYSTEM) as tx:
        role = tx.one(select(AccountRole).where(AccountRole.account_id == place.year["account:coordinator"]))
        role.role = Role.SIGN_REVIEWER
    assert browser.get(f"/admin/exports/{export_id}/file").status_code == 404


def test_the_administrator_sees_that_something_left_and_not_what_was_searched(place: Panel) -> None:
    person = place.year.students[0]
    asked(place.browser("coordinator"), f"{CANDIDATES}?search={person.id_number}")
    page = place.browser("admin").text("/admin/exports/")
    assert "学生信息" in page
    assert person.id_number not in page


# -- tenants -----------------------------------------------------------------------------------------------------------


def test_a_button_stands_for_whoever_may_and_for_others_there_is_no_such_page(place: Panel) -> None:
    """§8.8: the table of who may is the one the files are tried with."""
    before, wrong = census(), []
    for login in sorted(CAST):
        browser = place.browser(login)
        for name, page in PAGES.items():
            address, is_theirs = f"/admin/{page}/export/{name}/", login in MAY[name]
            shown = browser.get(f"/admin/{page}/")
            has_button = shown.status_code == 200 and address in shown.text
            is_empty = "<td" not in shown.text
            opens = browser.get(address).status_code
            sends = 404 if is_theirs else ask(browser, address).status_code
            if (has_button, opens, sends) != (is_theirs and not is_empty, 200 if is_theirs else 404, 404):
                wrong.append((login, name, has_button, opens, sends))
    assert wrong == []
    assert census()["export_jobs"] == before["export_jobs"]


def test_every_export_stands_above_a_list_of_its_own_table(place: Panel) -> None:
    found = {
        door.sheet: view.model
        for view in place.app.extensions["admin"][0]._views
        for door in getattr(view, "exports", ())
    }
    assert set(found) == set(EXPORTS)
    assert {name: EXPORTS[name].model for name in found} == found


@pytest.mark.parametrize("name", ["nothing", "candidate-list", "csv"])
def test_no_list_exports_what_is_not_its_own(place: Panel, name: str) -> None:
    assert place.browser("coordinator").get(f"/admin/colleges/export/{name}/").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["?_scheme=x", "?endpoint=x", "?flt0_0=%00", "?tab=99999999999999999999", "?tab=-1", "?flt9_99=1&search=%00"],
)
def test_no_address_breaks_the_page(place: Panel, address: str) -> None:
    browser = place.browser("coordinator")
    assert browser.get(f"{CANDIDATES}{address}").status_code == 200


def test_too_many_ticks_are_refused_and_none_is_dropped_in_silence(place: Panel) -> None:
    answer = ask(place.browser("coordinator"), CANDIDATES, tuple(range(1, rules.MOST_TICKED + 2)))
    assert answer.status_code == 422
    assert "一次最多勾选 1000 条" in words(answer)
    assert rows(select(ExportJob)) == []
