"""The page of an import: looked over, mended in place, taken or not, undone; small files at once, large ones aside."""

from __future__ import annotations

import re
import time
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from admin import clinic_work
from core.demo.people import people
from core.models.candidates import Candidate
from core.models.records import ImportJob
from core.rules.imports import ImportState
from core.sheets import clinic_steps
from tests.admin.conftest import Browser, OpenPanel, words
from tests.admin.sheets_of_paper import filled, student_row, taken
from tests.conftest import PATIENCE
from tests.factories import count, rows

PAGE = "/admin/candidates/import/candidates/"
A, B, C = people(98, 3)
BAD_MOBILE = "1390000"


def upload(browser: Browser, *lines: dict[str, Any]) -> str:
    """Send a sheet with these lines; the address of its page."""
    sheet = filled(browser.get(f"{PAGE}template").data, lines)
    answer = browser.post(PAGE, {"file": (BytesIO(sheet), "students.xlsx")}, content_type="multipart/form-data")
    assert answer.status_code == 303, words(answer)[:300]
    return str(answer.location)


def numbers() -> set[str]:
    """Who is there."""
    return set(rows(select(Candidate.id_number)))


def tiles(browser: Browser, job: str) -> list[int]:
    """新增, 修改, 没有变化, 不能导入."""
    return [int(n) for n in re.findall(r'class="tile[^"]*"><b>(\d+)</b>', browser.text(job))]


def test_a_cell_is_mended_on_the_page_and_the_good_rows_are_taken(panel: OpenPanel) -> None:
    """R-294, R-295: nothing is written before it is confirmed; a typed cell stands in for the file's."""
    browser = panel("sited").browser("coordinator")
    job = upload(browser, student_row(A), student_row(B, 手机号码=BAD_MOBILE), student_row(C, 专业代码="999999"))
    assert tiles(browser, job) == [1, 0, 0, 2]
    assert not numbers()
    cell = {"cell-4-mobile": B.mobile, "was-4-mobile": BAD_MOBILE}
    assert browser.post(job, {"act": "mend"} | cell).status_code == 303
    assert tiles(browser, job) == [2, 0, 0, 1]
    assert "确认导入 2 行" in browser.text(job)
    refused = browser.post(job, {"act": "commit", "all_or_none": "1"})
    assert refused.status_code == 422
    assert "一行也没有写入" in words(refused)
    assert not numbers()
    assert browser.post(job, {"act": "commit", "all_or_none": "0"}).status_code == 303
    assert numbers() == {A.id_number, B.id_number}
    assert "导入完成：2 行已写入，1 行未导入" in words(browser.get(job))
    assert browser.post(job, {"act": "commit", "all_or_none": "0"}).status_code == 422, "it has been taken"


def test_a_suggestion_is_taken_without_a_script(panel: OpenPanel) -> None:
    """R-294: 采用建议 sends the whole page, with the suggestion in its cell."""
    browser = panel("sited").browser("coordinator")
    spaced = f"{A.name[0]} {A.name[1:]}"
    job = upload(browser, student_row(A, 学生姓名=spaced), student_row(B))
    page = browser.text(job)
    name, better = re.search(r'name="better-(3-\w+)" value="([^"]*)"', page).groups()  # type: ignore[union-attr]
    form = {f"cell-{name}": spaced, f"was-{name}": spaced, f"better-{name}": better, "act": f"take:{name}"}
    assert browser.post(job, form).status_code == 303
    assert tiles(browser, job) == [2, 0, 0, 0], words(browser.get(job))[-600:]


def test_a_cell_that_cannot_be_mended_is_said_and_what_was_typed_stays(panel: OpenPanel) -> None:
    """R-294: a cell of a good row is not for this page."""
    browser = panel("sited").browser("coordinator")
    job = upload(browser, student_row(A), student_row(B, 手机号码=BAD_MOBILE))
    forged = {"act": "mend", "cell-3-name": "别名", "was-3-name": A.name, "cell-4-mobile": "139", "was-4-mobile": "1"}
    answer = browser.post(job, forged)
    assert answer.status_code == 422
    assert "没有可以修改的这一格" in words(answer)
    assert 'name="cell-4-mobile" value="139"' in answer.text
    assert browser.post(job, {"act": "mend", "cell-x-mobile": "1", "cell-4": "2"}).status_code in (303, 422)
    assert browser.post(job, {"act": "eat"}).status_code == 400
    assert tiles(browser, job) == [1, 0, 0, 1]


def test_an_import_is_undone_after_a_question_and_says_so(panel: OpenPanel) -> None:
    """R-295: 撤销本次导入, while nothing leans on it."""
    browser = panel("sited").browser("coordinator")
    job = upload(browser, student_row(A), student_row(B))
    assert "撤销本次导入" not in browser.text(job)
    assert browser.post(job, {"act": "commit", "all_or_none": "1"}).status_code == 303
    assert "确定撤销吗" in words(browser.get(job))
    assert numbers() == {A.id_number, B.id_number}
    assert browser.post(job, {"act": "undo"}).status_code == 303
    assert "本次导入已撤销" in words(browser.get(job))
    assert not numbers()
    assert browser.post(job, {"act": "undo"}).status_code == 422


def test_what_somebody_has_changed_since_is_not_undone_and_the_page_says_why(panel: OpenPanel) -> None:
    """R-295."""
    place = panel("sited")
    browser = place.browser("coordinator")
    job = upload(browser, student_row(A))
    assert browser.post(job, {"act": "commit"}).status_code == 303
    ident = rows(select(Candidate.id))[0]
    assert browser.do(f"/admin/candidates/do/edit/?id={ident}", _as_filled(browser, ident)).status_code == 303
    page = browser.text(job)
    assert "本次导入不能撤销" in page
    assert 'value="undo"' not in page
    assert browser.post(job, {"act": "undo"}).status_code == 422
    assert numbers() == {A.id_number}


def _as_filled(browser: Browser, ident: int) -> dict[str, str]:
    """The edit form as the page shows it, with another mobile number."""
    page = browser.text(f"/admin/candidates/do/edit/?id={ident}")
    form = page[page.index('class="card form') :]
    fields = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*type="text"[^>]*value="([^"]*)"', form))
    fields |= dict(re.findall(r'<select[^>]*name="(\w+)".*?<option selected value="([^"]*)"', form, re.S))
    return fields | {"mobile": C.mobile}


def test_a_large_file_is_worked_off_aside_while_the_page_tells(
    panel: OpenPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """§3.22: the request is answered at once; the page looks again until there is something to decide."""
    monkeypatch.setattr(clinic_work, "SMALL", 0)
    browser = panel("sited").browser("coordinator")
    asked: list[int] = []
    monkeypatch.setattr(clinic_work._bench, "put", asked.append)
    job = upload(browser, student_row(A))
    page = browser.text(job)
    assert "正在检查" in page
    assert 'http-equiv="refresh"' in page
    assert browser.get(f"{job}standing").json == {"state": "reading", "rows_read": 0}
    monkeypatch.undo()
    for ident in asked:
        clinic_work._bench.put(ident)
    until = time.monotonic() + PATIENCE
    while browser.get(f"{job}standing").json["state"] == "reading" and time.monotonic() < until:
        time.sleep(0.02)
    assert tiles(browser, job) == [1, 0, 0, 0]


def test_what_the_panel_left_lying_is_taken_up_elsewhere(panel: OpenPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    """§3.22: a panel that ended before it began."""
    monkeypatch.setattr(clinic_work, "work", lambda job_id, size: None)
    browser = panel("sited").browser("coordinator")
    job = upload(browser, student_row(A))
    assert clinic_steps.work_off() == 1
    assert tiles(browser, job) == [1, 0, 0, 0]


def test_many_faults_are_turned_page_by_page(panel: OpenPanel) -> None:
    """R-295: fifty to a page, each with its cell."""
    browser = panel("sited").browser("coordinator")
    job = upload(browser, *[student_row(A, 证件号码=f"bad{n}") for n in range(60)])
    first, second = browser.text(job), browser.text(f"{job}?page=1")
    assert "共 60 处" in words(browser.get(job))
    assert ("cell-3-id_number" in first, "cell-62-id_number" in first) == (True, False)
    assert ("cell-3-id_number" in second, "cell-62-id_number" in second) == (False, True)


def test_the_record_of_an_import_says_where_it_stands_and_leads_to_its_page(panel: OpenPanel) -> None:
    """R-156."""
    browser = panel("sited").browser("coordinator")
    job = upload(browser, student_row(A))
    assert f'href="{job}"' in browser.text("/admin/imports/")
    assert "待确认" in words(browser.get("/admin/imports/"))
    taken(browser, browser.post(job, {"act": "commit"}))
    assert rows(select(ImportJob.state)) == [ImportState.DONE]
    assert count(Candidate) == 1
