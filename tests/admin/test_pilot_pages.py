"""The opening of the year through the panel: every step by its page, every refusal in words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core import clock
from core.models.pilots import DeclarationPlan, PilotApplication, Quota
from core.models.records import Notification
from core.rules.pilots import ApplicationState, DeclarationState
from core.usecases.applications import save_application, submit_application
from tests.admin.conftest import OpenPanel, words
from tests.factories import DECLARATION, SECOND, application_values, count, last_entries, one, rows

A = ApplicationState
PLAN = {
    "year": "2026",
    "batch_name": "第二批",
    "opens_at": "2026-04-01T08:00",
    "closes_at": "2026-04-20T18:00",
    "notes": "面向全省",
}


def newest(model: type) -> int:
    """The id of the row made last."""
    return int(rows(select(model.id).order_by(model.id.desc()).limit(1))[0])  # type: ignore[attr-defined]


def test_a_province_writes_publishes_and_changes_its_plan_until_it_starts(panel: OpenPanel) -> None:
    browser = panel("set_up").browser("province")
    made = browser.do("/admin/declarations/do/draft_declaration_plan/", PLAN | {"by_major_required": "y"})
    assert made.status_code == 303
    plan = one(DeclarationPlan, newest(DeclarationPlan))
    assert plan.apply_opens_at.isoformat() == "2026-04-01T00:00:00+00:00", "typed as Beijing time"
    assert (plan.by_major_required, plan.city_review_required, plan.state) == (True, False, DeclarationState.DRAFT)
    page = browser.text(f"/admin/declarations/do/edit_declaration_plan/?id={plan.id}")
    assert 'value="2026-04-01T08:00"' in page
    assert browser.do(f"/admin/declarations/do/publish_declaration_plan/?id={plan.id}").status_code == 303
    assert one(DeclarationPlan, plan.id).state is DeclarationState.PUBLISHED
    assert "编辑" not in words(browser.get("/admin/declarations/"))
    change = f"/admin/declarations/do/change_declaration_plan/?id={plan.id}"
    moved = {"closes_at": "2026-04-25T18:00", "city_review_required": "y"}
    assert browser.do(change, {"opens_at": "2026-04-02T08:00", "notes": "改期"} | moved).status_code == 303
    assert one(DeclarationPlan, plan.id).city_review_required
    again = browser.get(f"/admin/declarations/do/edit_declaration_plan/?id={plan.id}")
    assert again.status_code == 303


def test_an_open_plan_is_only_put_off_with_a_reason(panel: OpenPanel) -> None:
    place = panel("declared")
    browser, plan = place.browser("province"), place.year["declaration"]
    page = browser.text("/admin/declarations/")
    assert ">延期<" in page
    assert ">修改<" not in page
    url = f"/admin/declarations/do/extend_declaration_plan/?id={plan}"
    end = DECLARATION[1]
    typed = lambda instant: f"{clock.local(instant):%Y-%m-%dT%H:%M}"  # noqa: E731
    later = typed(end + timedelta(days=5))
    earlier = browser.do(url, {"closes_at": typed(end - timedelta(days=1)), "reason": "延期"})
    assert earlier.status_code == 422
    assert "只能往后延" in words(earlier)
    assert browser.do(url, {"closes_at": later, "reason": " "}).status_code == 422
    assert browser.do(url, {"closes_at": later, "reason": "系统维护"}).status_code == 303
    assert one(DeclarationPlan, plan).apply_closes_at == end + timedelta(days=5)
    told = place.browser("coordinator").text("/admin/notices/")
    assert "系统维护" in told


def test_a_draft_plan_is_deleted(panel: OpenPanel) -> None:
    browser = panel("set_up").browser("province")
    browser.do("/admin/declarations/do/draft_declaration_plan/", PLAN)
    ident = newest(DeclarationPlan)
    assert browser.do(f"/admin/declarations/do/delete_declaration_plan/?id={ident}").status_code == 303
    assert count(DeclarationPlan) == 0


@pytest.mark.parametrize(
    ("now", "open_tab"),
    [
        (DECLARATION[0] - SECOND, "未开始 1"),
        (DECLARATION[0], "进行中 1"),
        (DECLARATION[1], "进行中 1"),
        (DECLARATION[1] + SECOND, "已结束 1"),
    ],
)
def test_the_tabs_of_plans_follow_the_clock(panel: OpenPanel, now: datetime, open_tab: str) -> None:
    place = panel("declared", now)
    page = words(place.browser("coordinator").get("/admin/declarations/")).replace("  ", " ")
    counts = [f"{word} {int(open_tab.startswith(word))}" for word in ("未开始", "进行中", "已结束")]
    assert all(tab in page for tab in ("全部 1", *counts)), page[:400]
    assert ("立即申报" in page) is (open_tab == "进行中 1"), "R-024, R-025"
    assert "未发布" not in page
    assert "未发布 0" in words(place.browser("province").get("/admin/declarations/")).replace("  ", " ")


def test_a_college_sees_the_plans_of_its_province_only_R023(panel: OpenPanel) -> None:
    place = panel("declared")
    browser = place.browser("coordinator")
    theirs = place.year["other_declaration"]
    assert browser.get(f"/admin/declarations/details/?id={theirs}").status_code == 404
    assert browser.get(f"/admin/declarations/do/apply/?id={theirs}").status_code == 404


def test_without_a_plan_a_college_learns_whom_to_call_R021_R024(panel: OpenPanel) -> None:
    page = words(panel("set_up").browser("coordinator").get("/admin/declarations/"))
    assert "没有进行中的申报计划" in page
    assert "027-0000-0042" in page


def test_a_plan_that_ends_before_it_begins_is_refused_with_the_typed_values_kept(panel: OpenPanel) -> None:
    browser = panel("set_up").browser("province")
    wrong = PLAN | {"closes_at": "2026-03-01T08:00"}
    answer = browser.do("/admin/declarations/do/draft_declaration_plan/", wrong)
    assert answer.status_code == 422
    assert "R-026" in words(answer)
    assert 'value="第二批"' in answer.text
    assert count(DeclarationPlan) == 0


def test_errors_stand_beside_their_fields(panel: OpenPanel) -> None:
    browser = panel("set_up").browser("province")
    answer = browser.do("/admin/declarations/do/draft_declaration_plan/", PLAN | {"year": "12", "opens_at": "soon"})
    assert answer.status_code == 422
    assert "2020 到 2099" in words(answer)
    assert "请按“年-月-日 时:分”填写时间" in words(answer)


def test_a_college_applies_by_major_submits_and_waits(panel: OpenPanel) -> None:
    place = panel("declared")
    browser = place.browser("coordinator")
    saved = browser.do(
        "/admin/applications/do/apply/",
        {
            "plan_id": str(place.year["declaration"]),
            "certificate_id": str(place.year["certificate"]),
            "requested_count": "24",
            "faculty_description": "专任教师 6 人",
            "venue_description": "机房 1 间",
        },
    )
    ident = newest(PilotApplication)
    assert saved.location == f"/admin/applications/do/edit/?id={ident}"
    major = place.year["major:610205"]
    rest = {
        "requested_count": "24",
        "faculty_description": "专任教师 6 人",
        "venue_description": "机房 1 间",
        f"majors-{major}-requested_count": "20",
        f"majors-{major}-students_enrolled": "300",
    }
    uneven = browser.do(saved.location, rest)
    assert uneven.status_code == 422, "R-032: the majors' numbers add up to the whole"
    assert browser.do(saved.location, rest | {f"majors-{major}-requested_count": "24"}).status_code == 303
    assert "申请培训人数" in browser.text(saved.location)
    assert browser.do(f"/admin/applications/do/submit_application/?id={ident}").status_code == 303
    assert one(PilotApplication, ident).state is A.PENDING_INITIAL
    row = words(browser.get(f"/admin/applications/details/?id={ident}"))
    assert "待初审" in row
    assert "软件技术（610205）" in row
    assert browser.get(saved.location).status_code == 303, "R-035: no editing until the result"


def test_one_second_after_the_end_the_panel_says_when_it_closed(panel: OpenPanel) -> None:
    place = panel("declared")
    ident = place.year.do("coordinator", save_application, **application_values(place.year)).id
    browser = panel_at_end(place)
    late = browser.post(
        f"/admin/applications/do/submit_application/?id={ident}",
        {"row_version": str(one(PilotApplication, ident).version), "ticket": "t"},
    )
    assert late.status_code == 422
    assert "申报时间" in words(late)
    assert "18:00" in words(late)
    assert one(PilotApplication, ident).state is A.DRAFT


def panel_at_end(place):  # type: ignore[no-untyped-def]
    """A coordinator's browser, one second after the declaration window."""
    browser = place.browser("coordinator")
    clock._pinned = DECLARATION[1] + SECOND
    return browser


def test_city_and_province_pass_it_on_and_the_quota_is_there(panel: OpenPanel) -> None:
    place = panel("applied")
    ident = place.year["application"]
    url = "/admin/applications/do"
    assert place.browser("province").get(f"{url}/approve_application/?id={ident}").status_code == 404, "R-039"
    assert place.browser("city").do(f"{url}/pass_as_city/?id={ident}", {"comment": "材料齐全"}).status_code == 303
    province = place.browser("province")
    too_many = province.do(f"{url}/approve_application/?id={ident}", {"approved_count": "25"})
    assert too_many.status_code == 422
    assert "R-041" in words(too_many)
    assert province.do(f"{url}/approve_application/?id={ident}", {"approved_count": "4"}).status_code == 303
    assert rows(select(Quota.granted)) == [4]
    record = words(place.browser("coordinator").get(f"/admin/applications/details/?id={ident}"))
    assert "材料齐全" in record
    assert "地市级审核" in record
    assert "审核通过" in record


def test_a_return_needs_words_and_carries_them_to_the_college(panel: OpenPanel) -> None:
    place = panel("applied")
    url = f"/admin/applications/do/return_application/?id={place.year['application']}"
    city = place.browser("city")
    assert city.do(url, {"reason": " "}).status_code == 422
    assert city.do(url, {"reason": "请补充设备清单"}).status_code == 303
    coordinator = place.browser("coordinator")
    assert "请补充设备清单" in words(coordinator.get(f"/admin/applications/details/?id={place.year['application']}"))
    notices = coordinator.text("/admin/notices/")
    assert "请补充设备清单" in notices
    assert last_entries()[0].action != "", "the trail goes on"


def test_a_double_click_applies_once(panel: OpenPanel) -> None:
    place = panel("approved")
    browser = place.browser("province")
    url = f"/admin/quotas/do/adjust_quota/?id={place.year['quota']}"
    form = browser.hidden(url) | {"granted": "7", "reason": "扩大试点"}
    first, second = browser.client.post(url, data=form), browser.client.post(url, data=form)
    assert first.status_code == second.status_code == 303, "the second gets the first one's answer"
    quota = one(Quota, place.year["quota"])
    assert quota.granted == 7
    adjusted = [entry for entry in last_entries(20) if entry.action == "adjust_quota"]
    assert len(adjusted) == 1


def test_a_refused_form_may_be_sent_again(panel: OpenPanel) -> None:
    place = panel("approved")
    browser = place.browser("province")
    url = f"/admin/quotas/do/adjust_quota/?id={place.year['quota']}"
    form = browser.hidden(url) | {"granted": "9", "reason": ""}
    assert browser.client.post(url, data=form).status_code == 422
    assert browser.client.post(url, data=form | {"reason": "写明了"}).status_code == 303
    assert one(Quota, place.year["quota"]).granted == 9


def test_many_at_once_are_counted_first_and_then_done_one_by_one(panel: OpenPanel) -> None:
    place = panel("declared")
    for key in ("certificate", "certificate:2"):
        values = application_values(place.year, certificate_id=place.year[key])
        place.year.do("coordinator", save_application, **values)
    bare = application_values(place.year, certificate_id=place.year["other_certificate"], venue_description="")
    place.year.do("coordinator", save_application, **bare)
    ids = rows(select(PilotApplication.id).order_by(PilotApplication.id))
    browser = place.browser("coordinator")
    url = "/admin/applications/batch/submit_all/"
    assert browser.post(url, {}).status_code == 303, "nothing ticked"
    question = browser.post(url, {"ids": ids})
    assert "确定提交这 3 份申报吗" in words(question)
    assert {row.state for row in rows(select(PilotApplication))} == {A.DRAFT}
    done = browser.post(url, {"ids": ids, "confirmed": "1", "ticket": "once"}, follow_redirects=True)
    assert "已办理 2 份申报" in words(done)
    assert "1 份申报没有办理" in words(done)
    assert "场地情况" in words(done)


def test_ticking_somebody_elses_row_ticks_nothing(panel: OpenPanel) -> None:
    place = panel("applied")
    browser = place.browser("city")
    theirs = place.year["other_application"]
    answer = browser.post(
        "/admin/applications/batch/pass_all_as_city/", {"ids": [theirs], "confirmed": "1"}, follow_redirects=True
    )
    assert "请先勾选" in words(answer)
    assert one(PilotApplication, theirs).state is A.PENDING_INITIAL


def test_buttons_are_offered_only_where_the_machine_and_the_role_allow(panel: OpenPanel) -> None:
    place = panel("applied")
    for login, offered, withheld in (
        ("city", {"审核通过", "退回"}, {"批准", "删除", "提交"}),
        ("other_province", {"批准", "退回"}, {"初审通过", "编辑"}),
        ("coordinator", set(), {"编辑", "批准", "退回"}),
    ):
        page = place.browser(login).text("/admin/applications/")
        acts = page[page.index("<tbody>") :]
        assert all(f">{word}<" in acts for word in offered), login
        assert not any(f">{word}<" in acts for word in withheld), login


def test_without_an_open_plan_there_is_nothing_to_apply_for(panel: OpenPanel) -> None:
    browser = panel("set_up").browser("coordinator")
    page = browser.text("/admin/applications/")
    assert "没有进行中的申报计划" in page, "R-024"
    assert "申报证书试点" not in page


def test_a_college_short_of_quota_learns_whom_to_call(panel: OpenPanel) -> None:
    page = words(panel("approved").browser("coordinator").get("/admin/quotas/"))
    assert "027-0000-0042" in page, "R-021"


def test_tabs_count_what_they_hold(panel: OpenPanel) -> None:
    place = panel("applied")
    values = application_values(place.year, certificate_id=place.year["certificate:2"])
    twin = place.year.do("coordinator", save_application, **values).id
    page = words(place.browser("coordinator").get("/admin/applications/"))
    for tab in ("全部 2", "未提交 1", "审核中 1", "审核通过 0", "审核退回 0"):
        assert tab in page.replace("  ", " "), tab
    drafts = place.browser("coordinator").text("/admin/applications/?tab=1")
    assert f"details/?id={twin}" in drafts
    assert f"details/?id={place.year['application']}" not in drafts
    place.year.do("coordinator", submit_application, application_id=twin)
    assert count(Notification) >= 1
    assert DECLARATION[1] - DECLARATION[0] > timedelta(days=1)
