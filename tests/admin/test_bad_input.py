"""Bad input through the real panel: refused in Chinese, nothing changed, nothing personal in the log, never a 500."""

from __future__ import annotations

import io
import itertools
import logging
import re
import zipfile
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from core import clock
from core.demo.people import people
from core.models.accounts import UserAccount
from core.models.candidates import Candidate
from core.models.pilots import DeclarationPlan
from core.models.records import ImportJob
from core.rules.imports import ImportState
from tests.admin.conftest import PASSWORD, Browser, OpenPanel, Panel, give_password, words
from tests.admin.sheets_of_paper import filled, student_row, taken
from tests.admin.test_tenants import all_views, contents, rules, some_address
from tests.core.sheets.broken_files import edited, ole, some_id
from tests.factories import CAST, count, on, photo_bytes, rows
from tests.journeys.office import Form, Page

STUDENTS = "/admin/candidates/import/candidates/"
PHOTOS = "/admin/candidates/import/photos/"
CHINESE = re.compile("[一-鿿]{4}")
SQL_OR_TRACE = re.compile(r"Traceback|SELECT |INSERT INTO|UPDATE |psycopg|sqlite3|\.py\b")
NOBODY_YET = people(99, 4)


def send(browser: Browser, page: str, content: bytes, name: str) -> Any:
    """Upload a file as the page does."""
    return browser.post(page, {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data")


def renamed(template: bytes) -> bytes:
    """A good sheet with one heading of somebody's own."""
    book = openpyxl.load_workbook(io.BytesIO(filled(template, [student_row(NOBODY_YET[0])])))
    next(cell for cell in book.worksheets[0][2] if "证件号码" in str(cell.value)).value = "身份证"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def assert_says_no(answer: Any, *said: str, status: int = 422) -> None:
    """Refused in Chinese words, without anything of the machinery."""
    assert answer.status_code == status, words(answer)[:300]
    assert CHINESE.search(words(answer))
    assert not SQL_OR_TRACE.search(words(answer)), words(answer)
    for word in said:
        assert word in words(answer), words(answer)[-400:]


# -- files -------------------------------------------------------------------------------------------------------------


def test_files_that_are_no_sheet_are_refused_each_in_its_own_words(
    panel: OpenPanel, caplog: pytest.LogCaptureFixture
) -> None:
    place = panel("peopled")
    browser = place.browser("coordinator")
    template = browser.get(f"{STUDENTS}template").data
    good = filled(template, [student_row(NOBODY_YET[0])])
    before = contents()
    with caplog.at_level(logging.DEBUG):
        for content, name, said in (
            (renamed(template), "学生.xlsx", "证件号码"),
            (b"a,b\n1,2\n", "学生.csv", ".csv"),
            (b"", "学生.xlsx", "请选择一个文件"),
            (template, "学生.xlsx", "没有"),
            (ole(EncryptedPackage=b"x", EncryptionInfo=b"x"), "学生.xlsx", "密码"),
            (edited(good, "xl/vbaProject.bin", lambda _: b"x"), "学生.xlsm", "宏"),
            (good[:-300], "学生.xlsx", "文件"),
        ):
            assert_says_no(send(browser, STUDENTS, content, name), said)
        assert_says_no(send(browser, STUDENTS, b"0" * (22 * 1024 * 1024), "学生.xlsx"), "20 MB", status=413)
    assert set(rows(select(ImportJob.state))) == {ImportState.REJECTED}, "the record says what was not taken"
    kept = {"import_jobs", "import_files", "audit_entries"}
    assert {name: rest for name, rest in contents().items() if name not in kept} == {
        name: rest for name, rest in before.items() if name not in kept
    }
    assert NOBODY_YET[0].id_number not in caplog.text
    assert NOBODY_YET[0].name not in caplog.text


def test_bad_rows_are_named_and_messy_ones_are_cleaned(panel: OpenPanel, caplog: pytest.LogCaptureFixture) -> None:
    place = panel("sited")
    browser = place.browser("coordinator")
    a, b, c, d = NOBODY_YET
    wide = "".join(chr(ord(digit) + 0xFEE0) if digit.isdigit() else digit for digit in b.id_number)
    sheet = filled(
        browser.get(f"{STUDENTS}template").data,
        [
            student_row(a, 证件号码=int(some_id(7)[:17] + "0")),
            student_row(b, 证件号码=f" {wide} ", 手机号码=f"\u3000{b.mobile} "),
            student_row(b),
            student_row(c, 专业代码="999999"),
            student_row(d, 性别="未知"),
        ],
    )
    with caplog.at_level(logging.DEBUG):
        answer = taken(browser, send(browser, STUDENTS, sheet, "学生.xlsx"))
    assert answer.status_code == 200
    told = words(answer)
    for row, column in ((3, "证件号码"), (6, "专业代码"), (7, "性别")):
        assert re.search(rf" {row} {column}", told), (row, told[-900:])
    assert "R-077" in told, "the second line of the same person"
    assert rows(select(Candidate.id_number)) == [b.id_number], "full-width digits and stray blanks are no fault"
    assert b.mobile in rows(select(Candidate.mobile))
    for person in NOBODY_YET:
        assert person.id_number not in caplog.text
        assert person.mobile not in caplog.text


def packed(files: dict[str, bytes]) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_photos_that_do_not_fit_are_named_and_archives_not_to_be_trusted_are_refused(panel: OpenPanel) -> None:
    place = panel("peopled")
    browser = place.browser("coordinator")
    before = contents()
    mine = place.year.students[0].id_number
    for content, said in (
        (packed({"../../etc/passwd.jpg": photo_bytes(1)}), "文件"),
        (packed({f"{n}.jpg": bytes(2_000_000) for n in range(12)}), "压缩"),
        (b"PK\x03\x04broken", "压缩"),
    ):
        assert_says_no(send(browser, PHOTOS, content, "照片.zip"), said)
    assert contents() == before
    answer = send(
        browser,
        PHOTOS,
        packed(
            {
                "张三.jpg": photo_bytes(2),
                f"{some_id(9)}.jpg": photo_bytes(3),
                f"{mine}.jpg": b"\xff\xd8\xff not a picture",
                f"{place.year.students[1].id_number}.jpg": b"\xff\xd8" + bytes(5 * 1024 * 1024 + 1),
            }
        ),
        "照片.zip",
    )
    assert answer.status_code == 200, words(answer)[:300]
    for row in (1, 2, 3, 4):
        assert re.search(rf" {row} 照片 ", words(answer)), words(answer)[-600:]
    assert contents()["candidate_photos"] == before["candidate_photos"]


# -- forged, stale, repeated -------------------------------------------------------------------------------------------


def test_every_write_needs_the_sessions_own_token(panel: OpenPanel) -> None:
    place = panel("issued")
    browser, stranger = place.browser("teo"), place.browser("other_teo")
    before = contents()
    for rule in rules(place.app):
        if "POST" not in rule.methods:
            continue
        for data in ({}, {"csrf_token": "forged"}, {"csrf_token": stranger.token()} if "do/" in rule.rule else {}):
            assert_says_no(browser.client.post(some_address(rule), data=data), "页面已经过期", status=400)
    assert contents() == before


def test_looking_never_writes(panel: OpenPanel) -> None:
    """But for what is meant to: opening notices empties the bell, and documents handed out are in the trail."""
    place = panel("issued")
    meant = {"admin.notices", "issuances.document_view", "documents.download", "scores.sheet_view", "phone.qr"}
    for login in ("admin", "teo", "coordinator"):
        browser = place.browser(login)
        before = contents()
        for rule in rules(place.app):
            if "GET" not in rule.methods or rule.endpoint in meant or rule.endpoint.endswith("failed_rows_view"):
                continue
            browser.get(f"{some_address(rule)}?id=1&plan=1&party=teo")
        for view in all_views(place):
            for verb in (v for v in (view.create_with, *view.page_verbs, view.edit_with, *view.row_verbs) if v):
                browser.get(f"/admin/{view.slug}/do/{verb.name}/?id=1")
                browser.get(f"/admin/{view.slug}/do/{verb.name}/")
        assert contents() == before, login


def test_other_methods_are_answered_in_chinese(panel: OpenPanel) -> None:
    place = panel("set_up")
    browser = place.browser("admin")
    for rule in rules(place.app)[::7]:
        for method in ("PUT", "PATCH", "DELETE"):
            assert_says_no(browser.client.open(some_address(rule), method=method), "请求有误", status=405)


def test_a_double_click_drafts_once(panel: OpenPanel) -> None:
    place = panel("declared")
    browser = place.browser("province")
    url = "/admin/declarations/do/draft_declaration_plan/"
    data = filled_in(form_of(browser, url))
    before = count(DeclarationPlan)
    first, second = browser.client.post(url, data=data), browser.client.post(url, data=data)
    assert (first.status_code, second.status_code) == (303, 303), words(first)[-300:]
    assert count(DeclarationPlan) == before + 1


def test_a_locked_account_opens_again_when_its_time_is_over(panel: OpenPanel) -> None:
    place = panel("set_up")
    give_password(place.year, "coordinator")
    right, wrong = ({"login": "coordinator", "password": word} for word in (PASSWORD, "不对的密码"))
    for _ in range(5):
        assert_says_no(place.browser().post("/admin/login", wrong))
    assert_says_no(place.browser().post("/admin/login", right), "锁定")
    with clock.pinned(clock.now() + timedelta(hours=1)):
        assert place.browser().post("/admin/login", right).status_code == 303


# -- lists and addresses -----------------------------------------------------------------------------------------------

ODD_QUERIES = (
    "tab=abc&page=-1&sort=999&page_size=abc&goto=-3",
    "tab=99999999999999999999&page=999999999999999999999999&sort=-1&desc=9",
    "search=%00%27%22%25_--&flt0_0=%00&flt1_1=%27%3B--&flt2_2=99999999999999999999",
    "flt0_0=0001-01-01&flt1_1=9999-12-31&flt2_2=-1&flt3_3=NaN&flt4_4=%F0%9F%98%80&flt5_5=1e9&flt6_6=true",
    f"search={'字' * 2000}&flt0_0={'9' * 500}",
)


@pytest.mark.parametrize("login", ["admin", "teo", "coordinator"])
def test_no_query_breaks_a_list(panel: OpenPanel, login: str) -> None:
    place = panel("issued")
    browser = place.browser(login)
    for view in all_views(place):
        usual = browser.get(f"/admin/{view.slug}/").status_code
        for query in ODD_QUERIES:
            assert browser.get(f"/admin/{view.slug}/?{query}").status_code == usual, (view.slug, query)


NO_NUMBERS = ("0", "-1", "2147483648", "99999999999999999999", "９", "1.5", "x" * 3000)


@pytest.mark.parametrize("number", NO_NUMBERS, ids=range(len(NO_NUMBERS)))
def test_a_number_no_row_can_have_is_no_address(panel: OpenPanel, number: str) -> None:
    place = panel("issued")
    browser = place.browser("teo")
    for rule in rules(place.app):
        if "<int:" in rule.rule and "GET" in rule.methods:
            address = re.sub(r"<int:\w+>", number, rule.rule).replace("<sheet>", "scores")
            assert_says_no(browser.get(address), status=404)
    for view in all_views(place):
        assert browser.get(f"/admin/{view.slug}/details/?id={number}").status_code == 404


# -- every field of every form that makes something -------------------------------------------------------------------

NASTY = (
    "\x00", "甲\x00乙", "-1", "99999999999999999999", "NaN", "sNaN", "-Infinity", "1e309", "😀😀😀", "字" * 10_000,
    "9" * 5_000, "'; DROP TABLE x; --", "0001-01-01T00:00", "9999-12-31T23:59",
)  # fmt: skip
TYPED = ("text", "textarea", "number", "date", "datetime-local", "email", "tel")
_fresh = itertools.count(1)
MAKERS = {
    "admin": ("authorities", "orgs", "colleges", "accounts", "majors"),
    "province": ("declarations",),
    "teo": ("certificates", "subjects", "plans"),
    "coordinator": ("applications", "candidates", "social-candidates", "sites", "rooms"),
}


def sample(name: str) -> str:
    """Something a field of this name takes, new each time where it has to be."""
    k = next(_fresh)
    return {
        "org_code": f"{100 + k % 800}", "college_code": f"41420{k:05d}", "login": f"newcomer{k}",
        "code": f"{600000 + k}", "address": "示例路 1 号",
        "id_number": some_id(k % 1000), "batch_name": f"第{k}批", "name": "测试名称", "real_name": "新来",
        "year": "2026",
        "mobile": "19900000001", "contact_mobile": "19900000000", "contact_phone": "027-00000042",
        "short_name": "示例", "standard_code": "990009", "requested_count": "5", "name_pinyin": "Wang Wenli",
        "enrolment_year": "2025", "seat_count": "10",
        "opens_at": "2026-07-01T09:00", "closes_at": "2026-07-20T09:00",
    }.get(name, "")  # fmt: skip


def form_of(browser: Browser, url: str) -> Form:
    """The verb's form."""
    page = Page(SimpleNamespace(status_code=200, url=f"http://localhost{url}", text=browser.text(url)))  # type: ignore[arg-type]
    return next(form for form in page.forms if any(control.name == "ticket" for control in form.controls))


def filled_in(form: Form, **typed: str) -> dict[str, str]:
    """What the page proposes, else something that fits, else the first option; and what is typed on top."""
    data: dict[str, str] = {}
    for control in form.controls:
        if control.kind == "select":
            offered = [value for value, _, _ in control.options if value]
            chosen = [value for value, _, is_chosen in control.options if is_chosen and value]
            data[control.name] = next(iter(chosen + offered), "")
        elif control.kind in ("checkbox", "radio"):
            data.setdefault(control.name, control.value or "y")
        elif control.kind != "file":
            data[control.name] = control.value or sample(control.name)
    return data | {"ticket": f"t{next(_fresh)}"} | typed


def maker_url(place: Panel, browser: Browser, slug: str) -> str | None:
    """The page of the verb that makes something, choices before it made."""
    view = next(view for view in all_views(place) if view.slug == slug)
    url = f"/admin/{slug}/do/{view.create_with.name}/"
    for _ in range(4):
        page = browser.get(url)
        further = re.findall(rf'href="(/admin/{slug}/do/{view.create_with.name}/\?[^"]+)"', page.text)
        if 'name="ticket"' in page.text or not further:
            return url if 'name="ticket"' in page.text else None
        url = further[0].replace("&amp;", "&")
    return None


@pytest.mark.parametrize("login", list(MAKERS))
def test_no_field_of_a_form_that_makes_something_can_be_broken(panel: OpenPanel, login: str) -> None:
    """Each typed field gets each nasty value once, the others stay good; what is refused is refused in Chinese."""
    place = panel(
        "declared" if login in ("admin", "province") else "planned",
        on("2026-03-19 09:00") if login == "province" else None,
    )
    browser = place.browser(login)
    tried = 0
    for slug in MAKERS[login]:
        url = maker_url(place, browser, slug)
        if url is None:
            continue
        form = form_of(browser, url)
        for control in form.controls:
            for value in NASTY if control.kind in TYPED else ():
                tried += 1
                answer = browser.client.post(url, data=filled_in(form, **{control.name: value}))
                assert answer.status_code in (200, 303, 422), (slug, control.name, value[:20], answer.status_code)
                assert answer.status_code == 303 or not SQL_OR_TRACE.search(
                    re.sub("DROP TABLE.*?--", "", words(answer))
                )
        assert browser.get(f"/admin/{slug}/?page_size=100").status_code == 200, "and the list still opens"
    assert tried > 50
    assert set(CAST) <= set(rows(select(UserAccount.login))), "and everybody is still there"
