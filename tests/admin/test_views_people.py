"""考生管理, the rest of §8.1: filters, whole filters, 批量修改, both numbers, history, merging (R-089…R-097)."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from core.demo.people import people
from core.models.candidates import Candidate, MergedCandidate
from core.models.records import AuditEntry, ImportJob
from core.models.registrations import CandidateSnapshot, Registration
from core.rules.candidates import CandidateState
from core.rules.values import IdType, mask_mobile
from core.usecases import candidates
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.admin.sheets_of_paper import archive, filled, student_row, taken
from tests.factories import candidate_values, one, rows

LIST = "/admin/candidates/"
NEWCOMERS = people(98, 12, first=5_500)


@pytest.fixture
def open_panel(panel: OpenPanel) -> Panel:
    return panel("peopled")


def names_on(page: str) -> set[str]:
    return set(re.findall(r'aria-label="勾选 ([^"]+)"', page))


def filter_named(page: str, label: str) -> str:
    """The name of a filter's control."""
    return re.search(rf'<label for="(flt\d+_\d+)">{label}</label>', page)[1]  # type: ignore[index]


def import_many(browser: Browser, who: Any = NEWCOMERS) -> None:
    template = browser.get(f"{LIST}import/candidates/template").data
    sheet = filled(template, [student_row(person) for person in who])
    assert (
        taken(browser, browser.do(f"{LIST}import/candidates/", {"file": (BytesIO(sheet), "新生.xlsx")})).status_code
        == 200
    )


# -- filters ----------------------------------------------------------------------------------------------------------


def test_the_list_is_asked_for_by_major_registration_and_import(panel: OpenPanel) -> None:
    open_panel = panel("registered")
    browser, year = open_panel.browser("coordinator"), open_panel.year
    import_many(browser, NEWCOMERS[:2])
    page = browser.text(LIST)
    everybody = names_on(page)
    assert everybody == {person.name for person in (*year.students, *NEWCOMERS[:2])}

    registered = filter_named(page, "是否报考")
    assert names_on(browser.text(f"{LIST}?{registered}=yes")) == {person.name for person in year.students[:3]}
    assert names_on(browser.text(f"{LIST}?{registered}=no")) == everybody - {p.name for p in year.students[:3]}

    by_import = filter_named(page, "导入批次")
    job = rows(select(ImportJob.id).where(ImportJob.file_name == "新生.xlsx"))[0]
    assert names_on(browser.text(f"{LIST}?{by_import}={job}")) == {person.name for person in NEWCOMERS[:2]}

    major = filter_named(page, "专业 / 层次")
    code = one(Candidate, year["student:0"]).major_code
    assert names_on(browser.text(f"{LIST}?{major}={code}")) >= {person.name for person in year.students}
    assert names_on(browser.text(f"{LIST}?{major}=999999")) == set()


def test_another_colleges_imports_are_offered_to_nobody_R097(open_panel: Panel) -> None:
    import_many(open_panel.browser("coordinator"), NEWCOMERS[:1])
    assert "新生.xlsx" in open_panel.browser("coordinator").text(LIST)
    assert "新生.xlsx" not in open_panel.browser("other_coordinator").text(LIST)


# -- everything the list shows, page after page ----------------------------------------------------------------------


def test_deleting_what_a_filter_finds_asks_with_the_number_and_spares_the_rest_R092_R093(panel: OpenPanel) -> None:
    open_panel = panel("registered")
    browser, year = open_panel.browser("coordinator"), open_panel.year
    import_many(browser)
    page = browser.text(LIST)
    assert f"符合条件的全部 {5 + len(NEWCOMERS)} 名考生" in page
    url = f"{LIST}batch/delete-all/?tab=1"
    asked = browser.post(url, {"everything": "1"})
    assert f"确定删除 {len(NEWCOMERS)} 个学生信息吗？" in words(asked)
    expected = re.search(r'name="expected" value="(\w+)"', asked.text)[1]  # type: ignore[index]
    browser.post(url, {"everything": "1", "expected": expected, "confirmed": "1", "ticket": "all"})
    assert f"已删除 {len(NEWCOMERS)} 个学生信息" in words(browser.get(LIST))
    assert names_on(browser.text(LIST)) == {person.name for person in year.students}


def test_a_filter_that_finds_others_by_now_is_asked_about_again(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    import_many(browser, NEWCOMERS[:3])
    url = f"{LIST}batch/delete-all/?tab=1"
    asked = browser.post(url, {"everything": "1"})
    expected = re.search(r'name="expected" value="(\w+)"', asked.text)[1]  # type: ignore[index]
    import_many(browser, NEWCOMERS[3:5])
    late = browser.post(url, {"everything": "1", "expected": expected, "confirmed": "1", "ticket": "late"})
    assert "已经变化" in words(late)
    assert "确定删除 5 个学生信息吗？" in words(late)
    assert len(names_on(browser.text(f"{LIST}?tab=1"))) == 5


def test_checking_what_a_filter_finds_R086(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    import_many(browser)
    photos = {"file": (BytesIO(archive(list(NEWCOMERS))), "photos.zip")}
    assert browser.do(f"{LIST}import/photos/", photos).status_code == 200
    asked = browser.post(f"{LIST}batch/verify-all/?tab=3", {"everything": "1"})
    assert f"确定认证 {len(NEWCOMERS)} 名考生吗" in words(asked)
    expected = re.search(r'name="expected" value="(\w+)"', asked.text)[1]  # type: ignore[index]
    facts = {"everything": "1", "expected": expected, "confirmed": "1", "ticket": "check"}
    browser.post(f"{LIST}batch/verify-all/?tab=3", facts)
    numbers = [person.id_number for person in NEWCOMERS]
    assert set(rows(select(Candidate.state).where(Candidate.id_number.in_(numbers)))) == {CandidateState.VERIFIED}


# -- 批量修改 ---------------------------------------------------------------------------------------------------------


def update(browser: Browser, *typed: dict[str, str]) -> Any:
    template = browser.get(f"{LIST}import/candidates-update/template").data
    return taken(
        browser,
        browser.do(f"{LIST}import/candidates-update/", {"file": (BytesIO(filled(template, list(typed))), "改.xlsx")}),
    )


def test_many_are_changed_by_a_file_and_the_history_says_so_R010_R094(open_panel: Panel) -> None:
    browser, ident = open_panel.browser("coordinator"), open_panel.year["student:0"]
    before = one(Candidate, ident)
    assert "批量修改学生信息" in browser.text(LIST)
    report = update(browser, {"证件号码": before.id_number, "手机号码": "19912340000"})
    assert report.status_code == 200, words(report)
    assert one(Candidate, ident).mobile == "19912340000"
    page = words(browser.get(f"{LIST}details/?id={ident}"))
    assert f"手机号码 {mask_mobile(before.mobile)} → {mask_mobile('19912340000')}" in page
    assert "改.xlsx" in page
    assert "19912340000" not in page
    assert before.mobile not in page


def test_a_locked_value_is_refused_in_its_row_R089(open_panel: Panel) -> None:
    browser, ident = open_panel.browser("coordinator"), open_panel.year["student:0"]
    report = update(browser, {"证件号码": one(Candidate, ident).id_number, "学生姓名": "别人"})
    assert "不能再修改" in words(report)
    assert one(Candidate, ident).name != "别人"


def test_the_template_says_that_empty_means_unchanged(open_panel: Panel) -> None:
    template = open_panel.browser("coordinator").get(f"{LIST}import/candidates-update/template").data
    guide = load_workbook(BytesIO(template)).worksheets[1]
    assert any("空白的单元格表示不修改" in str(cell.value) for line in guide.iter_rows() for cell in line)


# -- numbers and history ----------------------------------------------------------------------------------------------


def test_a_whole_mobile_is_shown_after_a_reason_and_leaves_a_trace_R010(open_panel: Panel) -> None:
    browser, ident = open_panel.browser("coordinator"), open_panel.year["student:0"]
    mobile = one(Candidate, ident).mobile
    url = f"{LIST}number/?id={ident}&of=mobile"
    assert mobile not in browser.text(url)
    assert browser.do(url, {"reason": " "}).status_code == 422
    shown = browser.do(url, {"reason": "通知考试改期"})
    assert mobile in shown.text
    assert one(Candidate, ident).id_number not in shown.text
    entry = rows(select(AuditEntry).where(AuditEntry.action == "reveal"))[-1]
    assert (entry.object_id, entry.reason) == (ident, "通知考试改期")
    assert mobile not in entry.after + entry.before
    page = words(browser.get(f"{LIST}details/?id={ident}"))
    assert "查看完整号码 手机号码 通知考试改期" in page


@pytest.mark.parametrize("login", ["other_coordinator", "other_teo", "teo"])
def test_nobody_looks_at_a_number_of_somebody_elses_candidate_R097(open_panel: Panel, login: str) -> None:
    url = f"{LIST}number/?id={open_panel.year['student:0']}&of=mobile"
    assert open_panel.browser(login).get(url).status_code == 404


def test_the_history_goes_from_the_import_to_the_check(open_panel: Panel) -> None:
    browser, person = open_panel.browser("coordinator"), NEWCOMERS[0]
    import_many(browser, [person])
    browser.do(f"{LIST}import/photos/", {"file": (BytesIO(archive([person])), "photos.zip")})
    ident = rows(select(Candidate.id).where(Candidate.id_number == person.id_number))[0]
    browser.post(f"{LIST}do/verify/?id={ident}", {"row_version": str(one(Candidate, ident).version)})
    page = words(browser.get(f"{LIST}details/?id={ident}"))
    history = page[page.index("操作记录") :]
    found = [history.index(word) for word in ("认证通过", "上传照片", "导入 新生.xlsx")]
    assert found == sorted(found)
    assert person.id_number not in page


def test_a_plans_snapshot_is_put_right_by_the_organisation_R091(panel: OpenPanel) -> None:
    open_panel = panel("registered")
    year = open_panel.year
    ident = year["registration:0"]
    url = f"/admin/registrations/do/correct/?id={ident}"
    typed = {"name_pinyin": "Ou Yang", "mobile": "19912340000"}
    answer = open_panel.browser("teo").do(url, typed)
    assert answer.status_code == 303, words(answer)
    snapshot = one(CandidateSnapshot, one(Registration, ident).snapshot_id)
    assert (snapshot.name_pinyin, snapshot.mobile) == ("Ou Yang", "19912340000")
    assert one(Candidate, year["student:0"]).mobile != "19912340000"
    assert "更正考试信息" not in open_panel.browser("coordinator").text("/admin/registrations/")


# -- merging ----------------------------------------------------------------------------------------------------------


def twin(panel: Panel) -> Candidate:
    """The first student once more, with a passport and another mobile."""
    year = panel.year
    values = candidate_values(year.students[0], id_type=IdType.PASSPORT, id_number="E12345678", mobile="19912340000")
    kind = one(Candidate, year["student:0"]).kind
    made = year.do("coordinator", candidates.create_candidate, college_id=year["college"], kind=kind, values=values)
    return one(Candidate, made.id)


def test_two_entries_are_merged_after_two_questions(open_panel: Panel) -> None:
    browser, ident, other = open_panel.browser("coordinator"), open_panel.year["student:0"], twin(open_panel)
    assert other.candidate_no in browser.text(f"{LIST}merge/?id={ident}")  # found by the name
    found = browser.do(f"{LIST}merge/?id={ident}", {"other": "e12345678"})
    assert found.status_code == 303
    url = f"{LIST}merge/?id={ident}&other={other.id}"
    page = browser.text(url)
    assert "E12345678" not in page
    assert "19912340000" not in page
    choice = {"keep": "0", "from_mobile": "1"}
    asked = browser.do(url, choice)
    assert "合并后不能撤销" in words(asked)
    assert one(Candidate, other.id).id == other.id  # nothing has happened yet
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', asked.text))
    assert browser.post(url, hidden).status_code == 422  # the second yes is missing
    done = browser.post(url, hidden | {"sure": "y", "ticket": "merge"})
    assert done.status_code == 303, words(done)
    assert one(Candidate, ident).mobile == "19912340000"
    assert rows(select(MergedCandidate.candidate_no)) == [other.candidate_no]
    again = browser.get(f"{LIST}?search={other.candidate_no}")
    assert names_on(again.text) == {open_panel.year.students[0].name}
    assert other.candidate_no in words(browser.get(f"{LIST}details/?id={ident}"))


def test_a_merge_that_is_refused_says_why_and_changes_nothing_R089(open_panel: Panel) -> None:
    browser, ident, other = open_panel.browser("coordinator"), open_panel.year["student:0"], twin(open_panel)
    url = f"{LIST}merge/?id={ident}&other={other.id}"
    asked = browser.do(url, {"keep": "1"})
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', asked.text))
    refused = browser.post(url, hidden | {"sure": "y", "ticket": "no"})
    assert refused.status_code == 422
    assert "请选择信息准确的考生作为保留的考生" in words(refused)
    assert one(Candidate, other.id).id == other.id


def test_only_those_who_edit_candidates_merge_them_R097(panel: OpenPanel) -> None:
    open_panel = panel("registered")
    year = open_panel.year
    pair = f"{LIST}merge/?id={year['student:0']}&other={year['student:1']}"
    foreign = f"{LIST}merge/?id={year['student:0']}&other={year['other_student:0']}"
    assert open_panel.browser("coordinator").get(pair).status_code == 200
    assert open_panel.browser("coordinator").get(foreign).status_code == 404
    for login in ("teo", "other_coordinator"):
        assert open_panel.browser(login).get(pair).status_code == 404


def test_a_merge_of_what_was_merged_meanwhile_says_so(open_panel: Panel) -> None:
    first, second = open_panel.browser("coordinator"), open_panel.browser("second_coordinator")
    ident, other = open_panel.year["student:0"], twin(open_panel)
    url = f"{LIST}merge/?id={ident}&other={other.id}"
    facts = []
    for browser in (first, second):
        asked = browser.do(url, {"keep": "0"})
        facts.append(dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', asked.text)))
    assert first.post(url, facts[0] | {"sure": "y"}).status_code == 303
    assert second.post(url, facts[1] | {"sure": "y"}).status_code == 404
    assert len(rows(select(MergedCandidate.id))) == 1
