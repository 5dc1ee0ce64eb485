"""证书试点申报 page by page: form, second look, details, reviews (§8.1, §8.2, R-029…R-047)."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import event, select

from core.models.files import Attachment
from core.models.pilots import DeclarationPlan, PilotApplication, PilotApplicationMajor, Quota
from core.rules.pilots import ApplicationState
from core.usecases import applications, declarations, organisations, reviews
from core.usecases.applications import DeclaredMajor
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.core.attached_files import pdf, picture
from tests.factories import DECLARATION, application_values, count, one, rows

A = ApplicationState
BASE = "/admin/applications"
WORDS = {
    "requested_count": "24",
    "faculty_description": "<p>专任教师 <b>6</b> 人</p>",
    "venue_description": "机房 1 间",
}


def saved(place: Panel, login: str = "coordinator", **other: Any) -> int:
    """A draft of ours."""
    return int(place.year.do(login, applications.save_application, **application_values(place.year, **other)).id)


def sent(place: Panel, **other: Any) -> int:
    ident = saved(place, **other)
    place.year.do("coordinator", applications.submit_application, application_id=ident)
    return ident


def batch(place: Panel, **other: Any) -> int:
    """Another open batch of the province."""
    given = {
        "authority_id": place.year["province"],
        "year": 2026,
        "batch_name": "第二批",
        "opens_at": DECLARATION[0],
        "closes_at": DECLARATION[1],
    }
    plan = place.year.do("province", declarations.draft_declaration_plan, **(given | other))
    place.year.do("province", declarations.publish_declaration_plan, plan_id=plan.id)
    return int(plan.id)


def edit(ident: int) -> str:
    return f"{BASE}/do/edit/?id={ident}"


def details(browser: Browser, ident: int) -> str:
    return words(browser.get(f"{BASE}/details/?id={ident}"))


# -- the form --------------------------------------------------------------------------------------------------------


def test_apply_at_once_from_the_plan_leads_to_the_form(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, plan = place.browser("coordinator"), place.year["declaration"]
    url = f"/admin/declarations/do/apply/?id={plan}"
    given = {"certificate_id": str(place.year["certificate"]), "requested_count": "24"}
    answer = browser.do(url, given)
    ident = rows(select(PilotApplication.id))[0]
    assert answer.location == edit(ident)
    offered = browser.text(url)
    assert f'<option value="{place.year["certificate:2"]}">' in offered
    assert f'<option value="{place.year["certificate"]}">' not in offered, "R-027: it is there already"


def test_saving_stays_a_draft_and_saving_to_submit_shows_it_all_again_R034_R035(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, ident = place.browser("coordinator"), saved(place)
    file = {"new_files": (io.BytesIO(pdf()), "设备清单.pdf")}
    kept = browser.do(edit(ident), WORDS | file | {"next": "save"})
    assert kept.location == f"{BASE}/details/?id={ident}&saved=1"
    assert one(PilotApplication, ident).state is A.DRAFT
    on = browser.do(edit(ident), WORDS | {"next": "submit"})
    assert on.location.startswith(f"{BASE}/do/submit_application/?id={ident}")
    look = browser.text(on.location)
    said = re.sub(r"<[^>]+>", "", look)
    assert "<strong>6</strong>" in look
    for word in ("示例证书(初级)", "第一批", "24", "设备清单.pdf", "机房 1 间", "内容指纹"):
        assert word in said, word
    assert one(PilotApplication, ident).state is A.DRAFT, "nothing is submitted by looking"
    assert browser.do(on.location).status_code == 303
    assert one(PilotApplication, ident).state is A.PENDING_INITIAL


def test_what_changed_after_the_second_look_is_not_submitted_R035(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, ident = place.browser("coordinator"), saved(place)
    url = f"{BASE}/do/submit_application/?id={ident}"
    form = browser.hidden(url)
    file = applications.GivenFile("a.pdf", pdf())
    place.year.do(
        "signatory",
        applications.save_application,
        **application_values(place.year, application_id=ident, new_files=[file]),
    )
    answer = browser.client.post(url, data=form | {"row_version": str(one(PilotApplication, ident).version)})
    assert answer.status_code == 409
    assert "又有改动" in words(answer)
    assert one(PilotApplication, ident).state is A.DRAFT


def test_the_second_look_says_what_is_missing_R029_R033(panel: OpenPanel) -> None:
    place = panel("declared")
    ident = saved(place, plan_id=batch(place, by_major_required=True), venue_description="")
    page = words(place.browser("coordinator").get(f"{BASE}/do/submit_application/?id={ident}"))
    assert "还缺少：场地情况、拟申报专业" in page


def test_a_refusal_loses_nothing_that_was_typed(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, ident = place.browser("coordinator"), saved(place)
    major = f"majors-{place.year['major:610205']}-"
    given = WORDS | {f"{major}requested_count": "20", f"{major}students_enrolled": "300"}
    answer = browser.do(edit(ident), given)
    assert answer.status_code == 422
    assert "合计 20 人，与总人数 24 人不一致" in words(answer)
    assert "&lt;b&gt;6&lt;/b&gt;" in answer.text
    assert f'name="{major}students_enrolled" value="300"' in answer.text
    assert count(PilotApplicationMajor) == 0


def test_a_refused_file_keeps_the_words_and_says_why(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, ident = place.browser("coordinator"), saved(place)
    answer = browser.do(edit(ident), WORDS | {"new_files": (io.BytesIO(b"MZ"), "程序.exe")})
    assert answer.status_code == 422
    assert ".pdf、.doc、.docx" in words(answer)
    assert "&lt;b&gt;6&lt;/b&gt;" in answer.text
    assert count(Attachment) == 0


def test_evidence_is_taken_off_by_ticking_it(panel: OpenPanel) -> None:
    place = panel("declared")
    ident = saved(place, new_files=[applications.GivenFile("设备清单.pdf", pdf())])
    browser, file = place.browser("coordinator"), rows(select(Attachment.id))[0]
    assert "设备清单.pdf" in browser.text(edit(ident))
    assert browser.get(f"/admin/files/{file}").data == pdf()
    assert browser.do(edit(ident), WORDS | {"dropped_ids": str(file)}).status_code == 303
    assert count(Attachment) == 0


def test_cancelling_saves_nothing_and_goes_back_R037(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, ident = place.browser("coordinator"), saved(place)
    listed = "/admin/applications/?tab=1"
    page = browser.text(f"{edit(ident)}&back={listed}")
    assert re.search(r'<a class="btn-quiet" href="/admin/applications/\?tab=1">取消</a>', page)
    plan = browser.text(f"/admin/declarations/do/apply/?id={place.year['declaration']}")
    assert '<a class="btn-quiet" href="/admin/declarations/">取消</a>' in plan
    assert one(PilotApplication, ident).version == 1


def test_without_scripts_a_description_is_typed_as_lines(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, ident = place.browser("coordinator"), saved(place, venue_description="机房 1 间\n座位 45 个 <60")
    assert ">\r\n机房 1 间\n座位 45 个 &lt;60</textarea>" in browser.text(edit(ident))


# -- pictures --------------------------------------------------------------------------------------------------------


def upload(browser: Browser, ident: int, data: bytes, name: str = "机房.png") -> Any:
    return browser.post(f"{BASE}/picture/?id={ident}", {"picture": (io.BytesIO(data), name)})


def test_a_picture_comes_back_with_its_address_and_is_shown_to_the_reviewer(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, ident = place.browser("coordinator"), saved(place)
    src = upload(browser, ident, picture()).json["src"]
    assert browser.do(edit(ident), WORDS | {"venue_description": f'<p>机房</p><img src="{src}">'}).status_code == 303
    place.year.do("coordinator", applications.submit_application, application_id=ident)
    city = place.browser("city")
    assert f'src="{src}"' in city.text(f"{BASE}/details/?id={ident}")
    shown = city.get(src)
    assert (shown.status_code, shown.data) == (200, picture())
    assert place.browser("other_city").get(src).status_code == 404


def test_what_is_no_picture_is_refused_in_words(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, ident = place.browser("coordinator"), saved(place)
    for data, name in ((b"<svg onload=alert(1)>", "a.png"), (b"", "a.png"), (pdf(), "a.pdf")):
        answer = upload(browser, ident, data, name)
        assert answer.status_code == 422
        assert "没有保存" in answer.json["problem"]
    assert browser.post(f"{BASE}/picture/?id={ident}").status_code == 422
    assert count(Attachment) == 0


def test_nobody_puts_a_picture_into_anothers_application(panel: OpenPanel) -> None:
    place = panel("applied")
    ident = place.year["application"]
    for login, status in (("other_coordinator", 404), ("city", 422), ("teo", 422), ("coordinator", 422)):
        assert upload(place.browser(login), ident, picture()).status_code == status, login
    assert count(Attachment) == 0


# -- last year's application -----------------------------------------------------------------------------------------


def test_an_earlier_application_is_taken_over_with_one_press_R017_R027(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, earlier = place.browser("coordinator"), saved(place)
    assert ">沿用</a>" not in browser.text(f"{BASE}/"), "there is nowhere to take it"
    plan = batch(place)
    assert ">沿用</a>" in browser.text(f"{BASE}/")
    page = browser.text(f"/admin/declarations/do/apply/?id={plan}")
    form = page[page.index("沿用以往的申报") :]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    action = re.search(r'action="([^"]+)"', form)
    assert action is not None
    answer = browser.client.post(action[1].replace("&amp;", "&"), data=hidden)
    fresh = rows(select(PilotApplication).where(PilotApplication.plan_id == plan))[0]
    assert answer.location == edit(fresh.id)
    assert (fresh.id != earlier, fresh.state, fresh.requested_count) == (True, A.DRAFT, 24)
    assert "沿用以往的申报" not in browser.text(f"/admin/declarations/do/apply/?id={plan}")


# -- one application -------------------------------------------------------------------------------------------------


def test_the_details_say_who_asks_for_what_and_how_far_it_is_R046_R047(panel: OpenPanel) -> None:
    place = panel("applied")
    ident = place.year["application"]
    browser = place.browser("coordinator")
    page = details(browser, ident)
    for word in (
        "申报信息",
        "审核信息",
        "院校基本信息",
        "联系人信息",
        "证书申报明细",
        "4142010901",
        "审核流程",
        "审核记录",
    ):
        assert word in page, word
    flow = re.search(r'<ol class="flow".*?</ol>', browser.text(f"{BASE}/details/?id={ident}"), re.S)
    assert flow is not None
    steps = [
        re.sub(r"<[^>]+>|\s", "", step) for step in re.findall(r'<span class="flow-words">.*?</span>', flow[0], re.S)
    ]
    assert [step[:7] for step in steps] == ["提交已提交演c", "地市级审核审核", "省级初审未开始", "结果未开始"]
    assert re.search(r"演coordinator3月\d+日周.\d\d:\d\d:\d\d", steps[0]), "to the second"
    assert flow[0].count("<svg") == 4


@pytest.mark.parametrize(
    ("acts", "wanted"),
    [
        ([], ["done", "now", "ahead", "ahead", "ahead"]),
        ([("city", "return_application")], ["done", "back", "ahead", "ahead", "back"]),
        ([("city", "pass_as_city")], ["done", "done", "now", "ahead", "ahead"]),
        ([("city", "pass_as_city"), ("province", "pass_preliminary")], ["done", "done", "done", "now", "ahead"]),
        (
            [("city", "pass_as_city"), ("province", "pass_preliminary"), ("province", "approve_as_requested")],
            ["done"] * 5,
        ),
    ],
)
def test_the_picture_of_the_review_walks_with_it_D19(panel: OpenPanel, acts: list[Any], wanted: list[str]) -> None:
    place = panel("declared")
    ident = sent(place, plan_id=batch(place, city_review_required=True, final_review_required=True))
    for login, name in acts:
        given = {"reason": "请补充"} if name == "return_application" else {}
        place.year.do(login, getattr(reviews, name), application_id=ident, **given)
    page = place.browser("coordinator").text(f"{BASE}/details/?id={ident}")
    assert re.findall(r'<li class="is-(\w+)"', page) == wanted


def test_a_draft_has_its_whole_way_ahead(panel: OpenPanel) -> None:
    place = panel("declared")
    page = place.browser("coordinator").text(f"{BASE}/details/?id={saved(place)}")
    assert re.findall(r'<li class="is-(\w+)"', page) == ["now", "ahead", "ahead", "ahead"]


def test_after_a_return_the_new_round_begins_afresh_and_shows_what_changed(panel: OpenPanel) -> None:
    place = panel("applied")
    ident = place.year["application"]
    place.year.do("city", reviews.return_application, application_id=ident, reason="请补充设备清单")
    browser = place.browser("coordinator")
    assert "地市级审核退回：请补充设备清单" in words(browser.get(edit(ident))), "R-042"
    given = WORDS | {"requested_count": "20", "faculty_description": "专任教师 8 人"}
    browser.do(edit(ident), given | {"new_files": (io.BytesIO(pdf()), "设备清单.pdf"), "next": "submit"})
    assert "与上次提交相比" in words(browser.get(f"{BASE}/do/submit_application/?id={ident}"))
    browser.do(f"{BASE}/do/submit_application/?id={ident}")
    page = place.browser("city").text(f"{BASE}/details/?id={ident}")
    assert re.findall(r'<li class="is-(\w+)"', page) == ["done", "now", "ahead", "ahead"]
    assert "<del><small>删</small>6</del><ins><small>增</small>8</ins>" in page
    assert "<ins><small>增</small>设备清单.pdf</ins>" in page
    assert "<del><small>原</small>24</del>" in page
    assert "<ins><small>改</small>20</ins>" in page


def test_what_a_college_writes_cannot_act_in_a_reviewers_browser(panel: OpenPanel) -> None:
    place = panel("declared")
    evil = '<p>字<img src=x onerror="alert(1)"><script>alert(2)</script><a href="javascript:alert(3)">点</a></p>'
    ident = sent(place, faculty_description=evil, venue_description=evil)
    page = place.browser("city").text(f"{BASE}/details/?id={ident}")
    assert "alert(" not in page
    assert "<p>字点</p>" in page


# -- the lists -------------------------------------------------------------------------------------------------------


def test_the_list_shows_asked_approved_and_used_with_one_query_for_all_R045(panel: OpenPanel) -> None:
    place = panel("registered")
    browser = place.browser("coordinator")
    page = browser.text(f"{BASE}/")
    for label, number in (("申请总培训人数", 24), ("批准总培训人数", 4), ("已使用指标数", 3)):
        assert f'data-label="{label}">{number}<' in page, label
    asked: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "FROM quotas" in statement:
            asked.append(statement)

    with place.app.app_context():
        reading = place.app.extensions["sqlalchemy"].engine
    event.listen(reading, "before_cursor_execute", note)
    try:
        browser.text(f"{BASE}/")
    finally:
        event.remove(reading, "before_cursor_execute", note)
    assert len(asked) == 1


def test_reviewers_filter_by_city(panel: OpenPanel) -> None:
    """§8.2; a city of another province is no choice, and no filter."""
    place = panel("applied")
    for code, name in (("420100", "甲市"), ("330100", "乙市")):
        place.year.do("admin", organisations.name_region, code=code, name=name)
    place.year.do("city", reviews.pass_as_city, application_id=place.year["application"])
    browser = place.browser("province")
    page = browser.text(f"{BASE}/")
    assert '<option value="420100">甲市</option>' in page
    assert "乙市" not in page
    row = f"details/?id={place.year['application']}"
    control = re.search(r'name="(flt\d+_\d+)"[^>]*><option value="">全部</option><option value="420100"', page)
    assert control is not None
    assert row in browser.text(f"{BASE}/?{control[1]}=420100")
    admin = place.browser("admin")
    assert row in admin.text(f"{BASE}/?{control[1]}=420100")
    assert row not in admin.text(f"{BASE}/?{control[1]}=330100")


def test_only_a_draft_offers_to_be_deleted_R038(panel: OpenPanel) -> None:
    place = panel("applied")
    draft, returned = saved(place, certificate_id=place.year["certificate:2"]), place.year["application"]
    place.year.do("city", reviews.return_application, application_id=returned, reason="请补充")
    browser = place.browser("coordinator")
    page = browser.text(f"{BASE}/")
    assert f"do/delete_application/?id={draft}" in page
    assert f"do/delete_application/?id={returned}" not in page
    assert f"do/edit/?id={returned}" in page
    token = {"row_version": str(one(PilotApplication, returned).version), "ticket": "t"}
    refused = browser.post(f"{BASE}/do/delete_application/?id={returned}", token)
    assert refused.status_code == 422
    assert "R-038" in words(refused)
    assert browser.do(f"{BASE}/do/delete_application/?id={draft}").status_code == 303
    assert rows(select(PilotApplication.id).where(PilotApplication.id == draft)) == []


# -- reviewing -------------------------------------------------------------------------------------------------------


def approving(place: Panel) -> tuple[int, int, str]:
    """An application with a major, at the province: its id, its line's id, the page of the approval."""
    ident = sent(place, majors=[DeclaredMajor(place.year["major:610205"], 24, 120, 6)])
    place.year.do("city", reviews.pass_as_city, application_id=ident)
    return ident, rows(select(PilotApplicationMajor.id))[0], f"{BASE}/do/approve_application/?id={ident}"


@pytest.mark.parametrize(
    ("total", "major", "said"), [("10", "9", "合计 9 人"), ("25", "25", "不能超过申请人数"), ("30", "24", "R-041")]
)
def test_counts_per_major_stay_within_the_request_and_add_up_R041(
    panel: OpenPanel, total: str, major: str, said: str
) -> None:
    place = panel("declared")
    _, line, url = approving(place)
    answer = place.browser("province").do(url, {"approved_count": total, f"by_major-{line}": major})
    assert answer.status_code == 422
    assert said in words(answer)
    assert f'name="by_major-{line}" value="{major}"' in answer.text
    assert count(Quota) == 0


def test_a_reduced_count_is_approved_major_by_major_R040_R041(panel: OpenPanel) -> None:
    place = panel("declared")
    ident, line, url = approving(place)
    browser = place.browser("province")
    assert f'name="by_major-{line}" value="24"' in browser.text(url)
    assert browser.do(url, {"approved_count": "10", f"by_major-{line}": "10"}).status_code == 303
    assert one(PilotApplicationMajor, line).approved_count == 10
    assert one(PilotApplication, ident).approved_count == 10
    assert rows(select(Quota.granted)) == [10]


@pytest.mark.parametrize(
    ("login", "verb", "given", "state"),
    [
        ("city", "pass_all_as_city", {"comment": "同意"}, A.PRELIMINARY_REVIEW),
        ("city", "return_all_review_as_city", {"reason": "材料不全"}, A.RETURNED),
        ("province", "approve_all", {}, A.APPROVED),
        ("province", "return_all_review_as_province", {"reason": "材料不全"}, A.RETURNED),
    ],
)
def test_many_are_reviewed_at_once_each_on_its_own_R040_R042(
    panel: OpenPanel, login: str, verb: str, given: dict[str, str], state: ApplicationState
) -> None:
    place = panel("applied")
    ids = [place.year["application"], sent(place, certificate_id=place.year["certificate:2"])]
    late = sent(place, certificate_id=place.year["other_certificate"])
    if login == "province":
        for ident in (*ids, late):
            place.year.do("city", reviews.pass_as_city, application_id=ident)
    browser = place.browser(login)
    url = f"{BASE}/batch/{verb}/"
    assert "这 3 份申报" in words(browser.post(url, {"ids": [*ids, late]}))
    place.year.do(login, reviews.return_application, application_id=late, reason="另有问题")
    sent_form = {"ids": [*ids, late], "confirmed": "1", "ticket": "once"} | given
    done = words(browser.post(url, sent_form, follow_redirects=True))
    assert "已办理 2 份申报" in done
    assert "1 份申报没有办理" in done
    assert [one(PilotApplication, ident).state for ident in ids] == [state, state]
    assert one(PilotApplication, late).state is A.RETURNED
    assert rows(select(Quota.granted).order_by(Quota.id)) == ([24, 24] if state is A.APPROVED else [])


def test_a_batch_of_first_looks_waits_for_the_second_D19(panel: OpenPanel) -> None:
    place = panel("declared")
    ident = sent(place, plan_id=batch(place, final_review_required=True))
    browser = place.browser("province")
    form = {"ids": [ident], "confirmed": "1", "ticket": "a"}
    refused = browser.post(f"{BASE}/batch/approve_all/", form, follow_redirects=True)
    assert "1 份申报没有办理" in words(refused)
    browser.post(f"{BASE}/batch/pass_all_preliminary/", form | {"ticket": "b", "comment": ""})
    assert one(PilotApplication, ident).state is A.FINAL_REVIEW
    assert count(DeclarationPlan) == 3
