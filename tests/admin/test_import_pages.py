"""Importing a sheet through the panel: a file in, and of every rejected row the number, the reason and the way out."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import openpyxl
from sqlalchemy import select

from core import clock
from core.actors import SYSTEM
from core.db import transaction
from core.demo.people import people
from core.models.records import ImportJob
from core.rules.imports import ImportState
from core.usecases.retention import clear_imports
from tests.admin.conftest import Browser, OpenPanel, words
from tests.admin.sheets_of_paper import student_row, taken
from tests.factories import rows

PAGE = "/admin/candidates/import/candidates/"
GOOD, OTHER = people(97, 2, first=9_000)


def upload(browser: Browser, content: bytes, name: str = "students.xlsx", **fields: str) -> Any:
    """Send a file as the page does."""
    return browser.post(PAGE, {"file": (io.BytesIO(content), name)} | fields, content_type="multipart/form-data")


def filled(template: bytes, *lines: dict[str, str]) -> bytes:
    """The blank template with lines typed in under the headings it has."""
    book = openpyxl.load_workbook(io.BytesIO(template))
    page = book.worksheets[0]
    heads = next(row for row in page.iter_rows() if sum(cell.value is not None for cell in row) > 3)
    where = {str(cell.value).strip("*＊ "): cell.column for cell in heads if cell.value}
    for place, line in enumerate(lines, start=heads[0].row + 1):
        for word, value in line.items():
            column = next(number for head, number in where.items() if head.startswith(word))
            page.cell(place, column, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_page_offers_the_blank_template(panel: OpenPanel) -> None:
    browser = panel("sited").browser("coordinator")
    page = browser.text(PAGE)
    assert f"{PAGE}template" in page
    answer = browser.get(f"{PAGE}template")
    assert answer.data[:2] == b"PK"
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]


def test_every_rejected_row_says_where_and_why_and_can_be_downloaded(panel: OpenPanel) -> None:
    place = panel("sited")
    browser = place.browser("coordinator")
    sheet = filled(
        browser.get(f"{PAGE}template").data, {"学生姓名": "张三", "证件号码": "110101200001011230", "手机号码": "123"}
    )
    answer = upload(browser, sheet)
    assert answer.status_code == 303, words(answer)[:400]
    page = browser.text(answer.location)
    said = words(browser.get(answer.location))
    assert "不能导入的行" in said
    assert "手机号码应为 11 位数字" in said
    assert re.search(r'name="cell-3-mobile" value="123"', page), "the row Excel shows, the column, the value and why"
    job = rows(select(ImportJob))[0]
    assert (job.state, job.accepted_count, job.rejected_count) == (ImportState.PREVIEW, 0, 1)
    link = f"/admin/imports/{job.id}/failed"
    assert link in page
    assert browser.get(link).data[:2] == b"PK"
    assert place.browser("other_coordinator").get(link).status_code == 404


def test_rejected_rows_that_were_put_away_are_not_offered_and_the_old_link_says_so(panel: OpenPanel) -> None:
    """G-26, R-295: to those who might see them, and to nobody else."""
    place = panel("sited")
    browser, other = place.browser("coordinator"), place.browser("other_coordinator")
    template = browser.get(f"{PAGE}template").data
    sheet = filled(template, student_row(GOOD), student_row(OTHER, 手机号码="123"))
    taken(browser, upload(browser, sheet))
    job = rows(select(ImportJob))[0]
    assert (job.state, job.rejected_count) == (ImportState.DONE, 1)
    record, links = (
        f"/admin/imports/details/?id={job.id}",
        [f"/admin/imports/{job.id}/failed", f"{PAGE}failed/{job.id}"],
    )
    assert links[0] in browser.text(record)
    with clock.pinned(clock.now() + timedelta(days=200)), transaction(SYSTEM) as tx:
        assert clear_imports(tx) == 1
    assert links[0] not in browser.text(record)
    assert "已清理" in words(browser.get(record))
    assert "不能再撤销" in words(browser.get(f"/admin/imports/{job.id}/"))
    for link in links:
        answer = browser.get(link)
        assert answer.status_code == 303
        assert "未通过的行在导入 200 天后已按规定清理" in words(browser.get(answer.location))
        assert other.get(link).status_code == 404


def test_a_file_that_is_no_sheet_is_refused_in_words(panel: OpenPanel) -> None:
    browser = panel("sited").browser("coordinator")
    for content in (b"%PDF-1.7 not a sheet", b"PK\x03\x04broken", b"a,b,c\n1,2,3\n"):
        answer = upload(browser, content)
        assert answer.status_code == 422
        assert "文件" in words(answer)
    assert "请选择一个文件" in words(browser.post(PAGE, {}, content_type="multipart/form-data"))
    assert {job.state for job in rows(select(ImportJob))} <= {ImportState.REJECTED}, "what was opened leaves a record"


def test_who_may_not_import_finds_no_such_page(panel: OpenPanel) -> None:
    place = panel("sited")
    for login in ("teo", "province", "admin", "reviewer"):
        assert place.browser(login).get(PAGE).status_code == 404, login
    assert place.browser("coordinator").get("/admin/candidates/import/scores/").status_code == 404
