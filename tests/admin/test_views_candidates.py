"""考生管理 through the browser: made, imported, photographed, checked, vouched for, removed, looked at."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from admin.views import candidate_verbs
from core import settings
from core.actors import SYSTEM
from core.db import transaction
from core.demo.people import people
from core.gateways.identity import Answer, Verdict
from core.models.candidates import Candidate, IdentityVerification
from core.models.records import AuditEntry, ImportJob
from core.rules.candidates import CandidateKind, CandidateState, VerificationMethod
from core.usecases.verification import claim_questions, record_answers
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.admin.sheets_of_paper import archive, filled, read, student_row, taken
from tests.factories import one, photo_bytes, rows

LIST = "/admin/candidates/"
NEWCOMERS = people(99, 4, first=5_000)


def made(person: Any, **other: str) -> dict[str, str]:
    """The form of a new candidate, filled in."""
    return {
        "name": person.name,
        "name_pinyin": "",
        "gender": person.gender.value,
        "id_type": "resident",
        "id_number": person.id_number,
        "mobile": person.mobile,
        "enrolment_year": "2025",
        "education_level": "junior_college",
        "major_code": "610205",
    } | other


def by_number(number: str) -> Candidate | None:
    found = rows(select(Candidate).where(Candidate.id_number == number))
    return found[0] if found else None


def add(browser: Browser, person: Any, *, with_photo: int | None = None, page: str = LIST) -> Candidate:
    """A candidate made through the form."""
    data: dict[str, Any] = made(person)
    if with_photo is not None:
        data["photo"] = (BytesIO(photo_bytes(with_photo)), "photo.jpg")
    answer = browser.do(f"{page}do/create/", data)
    assert answer.status_code == 303, words(answer)
    found = by_number(person.id_number)
    assert found is not None
    return found


@pytest.fixture
def open_panel(panel: OpenPanel) -> Panel:
    return panel("peopled")


def test_the_list_masks_numbers_and_counts_states_in_their_order(open_panel: Panel) -> None:
    page = open_panel.browser("coordinator").text(LIST)
    tabs = re.findall(r'class="tab[^>]*>([^<]+)<span>(\d+)</span>', page)
    assert tabs == [
        ("全部", "5"),
        ("无照片", "0"),
        ("信息不全", "0"),
        ("信息待认证", "0"),
        ("需人工确认", "0"),
        ("信息准确", "5"),
    ]
    person = open_panel.year.students[0]
    assert person.name in page
    assert person.id_number not in page
    assert person.mobile not in page


def test_the_two_kinds_have_pages_of_their_own(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    social, student = open_panel.year.socials[0].name, open_panel.year.students[0].name
    assert social not in browser.text(LIST)
    page = browser.text("/admin/social-candidates/")
    assert social in page
    assert student not in page


def test_a_candidate_made_with_a_photo_waits_for_verification_at_once(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    found = add(browser, NEWCOMERS[0], with_photo=900)
    assert found.state is CandidateState.PENDING_VERIFICATION
    assert found.kind is CandidateKind.COLLEGE
    assert found.major_name
    assert found.name_pinyin == NEWCOMERS[0].pinyin
    assert add(browser, NEWCOMERS[1]).state is CandidateState.NO_PHOTO


def test_a_social_candidate_needs_no_major(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    answer = browser.do("/admin/social-candidates/do/create/", made(NEWCOMERS[2], major_code=""))
    assert answer.status_code == 303, words(answer)
    found = by_number(NEWCOMERS[2].id_number)
    assert found is not None
    assert (found.kind, found.major_code) == (CandidateKind.SOCIAL, "")


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("id_number", "420111200501011235", "校验"),
        ("name", "", "必填"),
        ("mobile", "12345", "手机"),
        ("enrolment_year", "20", "年"),
        ("major_code", "999999", "请从列表中选择"),
        ("gender", "", "请选择一项"),
    ],
)
def test_a_wrong_field_is_said_beside_it_and_nothing_is_kept(
    open_panel: Panel, field: str, typed: str, said: str
) -> None:
    browser = open_panel.browser("coordinator")
    answer = browser.do(f"{LIST}do/create/", made(NEWCOMERS[0], **{field: typed}))
    assert answer.status_code == 422
    assert said in words(answer)
    assert by_number(NEWCOMERS[0].id_number) is None


def test_the_same_person_twice_is_refused_in_words(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    answer = browser.do(f"{LIST}do/create/", made(open_panel.year.students[0]))
    assert answer.status_code == 422
    assert "已经导入" in words(answer)


def test_pressing_save_twice_makes_one_candidate(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    form = browser.hidden(f"{LIST}do/create/") | made(NEWCOMERS[0])
    answers = [browser.client.post(f"{LIST}do/create/", data=form).status_code for _ in range(2)]
    assert answers == [303, 303]
    assert len(rows(select(Candidate).where(Candidate.id_number == NEWCOMERS[0].id_number))) == 1


# -- editing ----------------------------------------------------------------------------------------------------------


def test_a_verified_candidate_shows_four_fields_closed_and_the_server_holds_them(open_panel: Panel) -> None:
    browser, ident = open_panel.browser("coordinator"), open_panel.year["student:0"]
    url = f"{LIST}do/edit/?id={ident}"
    page = browser.text(url)
    closed = {re.search(r'name="(\w+)"', tag)[1] for tag in re.findall(r"<(?:input|select)[^>]*disabled[^>]*>", page)}  # type: ignore[index]
    assert closed == {"name", "id_type", "id_number"}
    before = one(Candidate, ident)
    assert before.id_number not in page

    kept = {"mobile": "19912345678", "gender": before.gender.value, "enrolment_year": "2024"}
    rest = {"education_level": "bachelor", "major_code": before.major_code, "name_pinyin": before.name_pinyin}
    assert browser.do(url, kept | rest).status_code == 303
    assert one(Candidate, ident).mobile == "19912345678"

    forged = browser.do(url, kept | rest | {"name": "别人", "id_type": "resident"})
    assert forged.status_code == 422
    assert "不能再修改" in words(forged)
    assert one(Candidate, ident).name == before.name


def test_an_unverified_candidate_can_be_corrected_without_retyping_the_number(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    found = add(browser, NEWCOMERS[0])
    answer = browser.do(f"{LIST}do/edit/?id={found.id}", made(NEWCOMERS[0], name="演示甲", id_number=""))
    assert answer.status_code == 303, words(answer)
    after = one(Candidate, found.id)
    assert (after.name, after.id_number) == ("演示甲", NEWCOMERS[0].id_number)


def test_another_kind_of_document_wants_its_number(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    found = add(browser, NEWCOMERS[0])
    answer = browser.do(f"{LIST}do/edit/?id={found.id}", made(NEWCOMERS[0], id_type="passport", id_number=""))
    assert answer.status_code == 422
    assert "新的证件号码" in words(answer)


def test_a_form_gone_stale_is_not_saved(open_panel: Panel) -> None:
    first, second = open_panel.browser("coordinator"), open_panel.browser("second_coordinator")
    found = add(first, NEWCOMERS[0])
    url = f"{LIST}do/edit/?id={found.id}"
    seen = first.hidden(url)
    assert second.do(url, made(NEWCOMERS[0], mobile="19900000001")).status_code == 303
    late = first.client.post(url, data=seen | made(NEWCOMERS[0], mobile="19900000002"))
    assert late.status_code == 409
    assert "已被他人修改" in words(late)
    assert one(Candidate, found.id).mobile == "19900000001"


# -- photo and identity -----------------------------------------------------------------------------------------------


def test_a_photo_is_checked_and_kept(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    found = add(browser, NEWCOMERS[0])
    url = f"{LIST}do/photo/?id={found.id}"
    broken = browser.do(url, {"photo": (BytesIO(b"GIF89a no photo"), "a.jpg")})
    assert broken.status_code == 422
    assert one(Candidate, found.id).photo_hash is None
    assert browser.do(url, {"photo": (BytesIO(photo_bytes(901)), "a.jpg")}).status_code == 303
    after = one(Candidate, found.id)
    assert (after.state, after.photo_hash is None) == (CandidateState.PENDING_VERIFICATION, False)
    answer = browser.get(f"{LIST}{found.id}/photo")
    assert answer.data == photo_bytes(901)
    assert answer.headers["Cache-Control"].startswith("private")


def test_a_verified_candidates_photo_is_offered_to_nobody(open_panel: Panel) -> None:
    browser, ident = open_panel.browser("coordinator"), open_panel.year["student:0"]
    assert browser.get(f"{LIST}do/photo/?id={ident}").status_code == 303
    form = {"photo": (BytesIO(photo_bytes(903)), "a.jpg"), "row_version": str(one(Candidate, ident).version)}
    answer = browser.post(f"{LIST}do/photo/?id={ident}", form)
    assert answer.status_code == 422
    assert "不能再修改" in words(answer)


def test_checking_one_says_what_came_of_it(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    good, twin = (add(browser, person, with_photo=910) for person in NEWCOMERS[:2])
    rest = {"row_version": str(one(Candidate, good.id).version), "ticket": "t1"}
    browser.post(f"{LIST}do/verify/?id={good.id}", rest)
    assert one(Candidate, good.id).state is CandidateState.NEEDS_MANUAL  # the same picture under two names
    page = browser.text(f"{LIST}details/?id={good.id}")
    assert "同一张照片已用于其他考生" in page
    assert "需人工确认" in browser.text(LIST)
    assert one(Candidate, twin.id).state is CandidateState.PENDING_VERIFICATION


def test_many_are_checked_at_once_and_the_others_are_left_alone(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    waiting = [add(browser, person, with_photo=920 + place) for place, person in enumerate(NEWCOMERS[:2])]
    ids = [*(str(row.id) for row in waiting), str(open_panel.year["student:0"])]
    asked = browser.post(f"{LIST}batch/verify-all/", {"ids": ids})
    assert "确定认证 3 名考生吗" in words(asked)
    browser.post(f"{LIST}batch/verify-all/", {"ids": ids, "confirmed": "1", "ticket": "once"})
    assert {one(Candidate, row.id).state for row in waiting} == {CandidateState.VERIFIED}
    said = words(browser.get(LIST))
    assert "2 人认证通过" in said
    assert "1 人不在“信息待认证”" in said


def test_vouching_by_hand_needs_words_and_a_second_person_R087(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    first = add(browser, NEWCOMERS[0], with_photo=930)
    add(browser, NEWCOMERS[1], with_photo=930)
    browser.post(f"{LIST}do/verify/?id={first.id}", {"row_version": str(one(Candidate, first.id).version)})
    url = f"{LIST}do/confirm_by_hand/?id={first.id}"
    own = browser.do(url, {"note": "已当面核对身份证原件。"})
    assert own.status_code == 422
    assert "演second_coordinator" in words(own)  # who asked does not vouch; the refusal names who can
    second = open_panel.browser("second_coordinator")
    assert second.do(url, {"note": " "}).status_code == 422
    assert second.do(url, {"note": "已当面核对身份证原件。"}).status_code == 303
    assert one(Candidate, first.id).state is CandidateState.VERIFIED
    notes = rows(select(IdentityVerification.reason).where(IdentityVerification.candidate_id == first.id))
    assert notes[-1] == "已当面核对身份证原件。"


def test_a_service_is_waited_for_in_the_background_and_the_list_says_how_far_it_is(
    open_panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAOWU_IDENTITY_URL", "http://127.0.0.1:9/check")
    settings.forget()
    browser = open_panel.browser("coordinator")
    mine, other = (add(browser, person, with_photo=940 + place) for place, person in enumerate(NEWCOMERS[:2]))
    browser.post(f"{LIST}do/verify/?id={mine.id}", {"row_version": str(mine.version), "ticket": "q1"})
    page = browser.text(LIST)
    assert "1 人已提交认证，正在核验" in page
    assert "提交 1 人，已完成 0 人" in page
    assert page.count("<small>认证中</small>") == 1
    assert f"do/verify/?id={mine.id}" not in page
    assert f"do/verify/?id={other.id}" in page
    details = browser.text(f"{LIST}details/?id={mine.id}")
    assert "认证中" in details
    assert one(Candidate, mine.id).state is CandidateState.PENDING_VERIFICATION
    assert "提交 1 人" not in open_panel.browser("other_coordinator").text(LIST)

    with transaction(SYSTEM.on("jobs")) as tx:
        (question,) = claim_questions(tx, limit=10)
        said = Answer(Verdict.FAIL, "photo_differs", VerificationMethod.PHOTO_MATCH)
        record_answers(tx, answers=[(question, said)])
    page = browser.text(LIST)
    assert "认证中" not in page
    assert "照片与证件照片不符" in page
    assert "照片比对" in browser.text(f"{LIST}details/?id={mine.id}")


def test_more_than_a_few_are_checked_in_the_background(open_panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate_verbs, "AT_ONCE", 1)
    browser = open_panel.browser("coordinator")
    ids = [str(add(browser, person, with_photo=950 + n).id) for n, person in enumerate(NEWCOMERS[:2])]
    browser.post(f"{LIST}batch/verify-all/", {"ids": ids, "confirmed": "1", "ticket": "many"})
    assert "2 人已提交认证" in words(browser.get(LIST))
    assert {one(Candidate, int(ident)).state for ident in ids} == {CandidateState.PENDING_VERIFICATION}


# -- removing ---------------------------------------------------------------------------------------------------------


def test_deleting_asks_with_the_number_and_names_those_who_stay(panel: OpenPanel) -> None:
    open_panel = panel("registered")
    browser, year = open_panel.browser("coordinator"), open_panel.year
    ids = [str(year["student:0"]), str(year["student:4"])]  # the first is registered, the last is not
    assert "确定删除 2 个学生信息吗？" in words(browser.post(f"{LIST}batch/delete-all/", {"ids": ids}))
    browser.post(f"{LIST}batch/delete-all/", {"ids": ids, "confirmed": "1", "ticket": "gone"})
    said = words(browser.get(LIST))
    assert "已删除 1 个学生信息" in said
    assert f"没有删除：{year.students[0].name}" in said
    assert by_number(year.students[0].id_number) is not None
    assert by_number(year.students[4].id_number) is None


def test_one_is_deleted_after_a_question(open_panel: Panel) -> None:
    browser, ident = open_panel.browser("coordinator"), open_panel.year["student:4"]
    url = f"{LIST}do/delete/?id={ident}"
    assert "确定删除 1 个学生信息吗？" in browser.text(url)
    assert browser.do(url).status_code == 303
    assert not rows(select(Candidate.id).where(Candidate.id == ident))


# -- files ------------------------------------------------------------------------------------------------------------


def send(browser: Browser, sheet: str, content: bytes, name: str, **other: str) -> Any:
    """Upload a file on an import page."""
    url = f"{LIST}import/{sheet}/"
    return browser.do(url, {"file": (BytesIO(content), name)} | other)


def test_a_sheet_comes_in_row_by_row_and_the_record_keeps_what_did_not(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    template = browser.get(f"{LIST}import/candidates/template").data
    sheet = filled(template, [student_row(NEWCOMERS[0]), student_row(NEWCOMERS[1], 手机号码="1")])
    looked_over = send(browser, "candidates", sheet, "students.xlsx")
    assert "还没有写入任何数据" in words(browser.get(looked_over.location))
    assert by_number(NEWCOMERS[0].id_number) is None
    assert "导入完成：1 行已写入，1 行未导入" in words(taken(browser, looked_over))
    assert by_number(NEWCOMERS[0].id_number) is not None
    records = words(browser.get("/admin/imports/"))
    assert "students.xlsx" in records
    assert "演coordinator" in records
    job = rows(select(ImportJob.id))[-1]
    failed = read(browser.get(f"/admin/imports/{job}/failed").data)
    assert [row["证件号码"] for row in failed] == [NEWCOMERS[1].id_number]
    assert failed[0]["失败原因"]


def test_a_zip_of_photos_is_taken(open_panel: Panel) -> None:
    browser = open_panel.browser("coordinator")
    mine = add(browser, NEWCOMERS[0])
    report = send(browser, "photos", archive([NEWCOMERS[0], NEWCOMERS[1]]), "photos.zip")
    assert "没有找到与文件名" in words(report)
    assert one(Candidate, mine.id).state is CandidateState.PENDING_VERIFICATION


@pytest.mark.parametrize("content", [b"", b"not a zip at all", b"PK\x03\x04broken"])
def test_a_file_that_is_no_archive_is_refused_in_words(open_panel: Panel, content: bytes) -> None:
    answer = send(open_panel.browser("coordinator"), "photos", content, "photos.zip")
    assert answer.status_code == 422
    assert re.search(r"请|不能|不是", words(answer))


# -- who sees what ----------------------------------------------------------------------------------------------------


def test_a_whole_number_is_shown_after_a_reason_and_leaves_a_trace(open_panel: Panel) -> None:
    browser, ident = open_panel.browser("coordinator"), open_panel.year["student:0"]
    number = one(Candidate, ident).id_number
    url = f"{LIST}number/?id={ident}"
    assert number not in browser.text(url)
    refused = browser.do(url, {"reason": ""})
    assert (refused.status_code, number in refused.text) == (422, False)
    shown = browser.do(url, {"reason": "核对准考证"})
    assert number in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    entry = rows(select(AuditEntry).where(AuditEntry.action == "reveal"))[-1]
    assert (entry.object_id, entry.reason, entry.actor_login) == (ident, "核对准考证", "coordinator")
    assert number not in entry.after + entry.before


@pytest.mark.parametrize("path", ["details/?id={}", "{}/photo", "number/?id={}", "do/edit/?id={}", "do/delete/?id={}"])
@pytest.mark.parametrize("login", ["other_coordinator", "teo", "other_teo"])
def test_somebody_elses_candidate_does_not_exist(open_panel: Panel, path: str, login: str) -> None:
    ident = open_panel.year["student:0"]
    assert open_panel.browser(login).get(LIST + path.format(ident)).status_code == 404


def test_the_organisation_sees_the_candidates_of_its_plans_only_and_changes_nothing(panel: OpenPanel) -> None:
    open_panel = panel("registered")
    teo, year = open_panel.browser("teo"), open_panel.year
    page = teo.text(LIST)
    assert year.students[0].name in page
    assert year.students[4].name not in page
    assert "新增学生信息" not in page
    assert teo.get(f"{LIST}do/create/").status_code == 404
    assert teo.get(f"{LIST}import/candidates/").status_code == 404
    version = str(one(Candidate, year["student:0"]).version)
    refused = teo.post(f"{LIST}do/delete/?id={year['student:0']}", {"row_version": version})
    assert refused.status_code in (403, 422)
    assert open_panel.browser("other_teo").get(f"{LIST}{year['student:0']}/photo").status_code == 404


@pytest.mark.parametrize("login", ["province", "city", "reviewer", "invigilator"])
def test_authorities_and_reviewers_have_no_such_page(open_panel: Panel, login: str) -> None:
    assert open_panel.browser(login).get(LIST).status_code == 404


def test_nobody_gets_a_photo_without_logging_in(open_panel: Panel) -> None:
    answer = open_panel.browser().get(f"{LIST}{open_panel.year['student:0']}/photo")
    assert answer.status_code == 302
    assert "/admin/login" in answer.headers["Location"]
