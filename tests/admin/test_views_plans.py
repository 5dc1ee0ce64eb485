"""考试计划 in the panel: drafted, filled, published, extended, and read by those who take part."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from core import clock
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamSession
from core.rules.plans import PlanState
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.factories import SECOND, WINDOWS, count, one, rows

EDGES = {
    f"{name}_{edge}": instant
    for name, pair in WINDOWS.items()
    for edge, instant in zip(("opens_at", "closes_at"), pair, strict=True)
}


def typed(instant: datetime) -> str:
    """As a browser sends a date and time."""
    return f"{clock.local(instant):%Y-%m-%dT%H:%M}"


def plan_form(panel: Panel, **other: Any) -> dict[str, Any]:
    """A complete draft."""
    times = {name: typed(at) for name, at in EDGES.items()}
    return times | {"name": "2026年第三次考核", "exam_year": "2026", "college_ids": [panel.year["college"]]} | other


def certificate_form(panel: Panel, **other: Any) -> dict[str, Any]:
    """Both subjects, the theory in two sessions."""
    theory, practice = panel.year["subject:theory"], panel.year["subject:practice"]
    return {
        "pass_rule": "composite",
        "composite_pass_score": "60",
        f"subject_{theory}-is_taken": "y",
        f"subject_{theory}-pass_score": "59.5",
        f"subject_{theory}-weight_percent": "30",
        f"subject_{theory}-sessions-0-starts_at": "2026-05-20T09:00",
        f"subject_{theory}-sessions-0-ends_at": "2026-05-20T10:30",
        f"subject_{theory}-sessions-1-starts_at": "2026-05-20T11:00",
        f"subject_{theory}-sessions-1-ends_at": "2026-05-20T12:30",
        f"subject_{practice}-is_taken": "y",
        f"subject_{practice}-pass_score": "60",
        f"subject_{practice}-weight_percent": "70",
        f"subject_{practice}-sessions-0-starts_at": "2026-05-20T13:00",
        f"subject_{practice}-sessions-0-ends_at": "2026-05-20T15:00",
    } | other


def certificate_page(panel: Panel, plan: int) -> str:
    return f"/admin/plans/certificate/?id={plan}&certificate={panel.year['certificate']}"


def draft(panel: Panel, teo: Browser, **other: Any) -> int:
    """A draft made through the form; its id."""
    answer = teo.do("/admin/plans/do/draft_plan/", plan_form(panel, **other))
    assert answer.status_code == 303, words(answer)
    found = re.search(r"id=(\d+)", answer.location)
    assert found
    return int(found[1])


def test_a_teo_drafts_fills_and_publishes_a_plan_that_its_college_then_sees(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, college = place.browser("teo"), place.browser("coordinator")
    plan = draft(place, teo)
    assert one(ExamPlan, plan).registration_opens_at == WINDOWS["registration"][0]
    assert college.get(f"/admin/plans/details/?id={plan}").status_code == 404
    assert "示例证书（初级）" in words(teo.get(f"/admin/plans/certificate/?id={plan}"))
    assert teo.do(certificate_page(place, plan), certificate_form(place)).status_code == 303
    shown = words(teo.get(f"/admin/plans/details/?id={plan}"))
    assert "59.5 分" in shown
    assert "180 分钟" in shown, "R-066: two sessions of ninety minutes"
    asked = words(teo.get(f"/admin/plans/do/publish_plan/?id={plan}"))
    assert "参考院校 1 所" in asked
    assert "考核证书 1 个" in asked
    assert "2 个科目，3 场" in asked
    assert teo.do(f"/admin/plans/do/publish_plan/?id={plan}").status_code == 303
    assert one(ExamPlan, plan).state is PlanState.PUBLISHED
    assert college.get(f"/admin/plans/details/?id={plan}").status_code == 200
    assert place.browser("other_coordinator").get(f"/admin/plans/details/?id={plan}").status_code == 404


def test_a_plan_without_certificates_is_not_published_and_says_why(panel: OpenPanel) -> None:
    place = panel("planned")
    teo = place.browser("teo")
    plan = draft(place, teo)
    answer = teo.do(f"/admin/plans/do/publish_plan/?id={plan}")
    assert answer.status_code == 422
    assert "还缺少：考核证书" in words(answer)
    assert one(ExamPlan, plan).state is PlanState.DRAFT


def test_a_draft_needs_sensible_windows_and_somebody_to_take_part(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, before = place.browser("teo"), count(ExamPlan)
    page = "/admin/plans/do/draft_plan/"
    backwards = {"exam_opens_at": typed(WINDOWS["registration"][0] - timedelta(days=9))}
    assert "请按 报考→排考→考试→登记→公示 的顺序填写" in words(teo.do(page, plan_form(place, **backwards)))
    assert "请选择参考院校" in words(teo.do(page, plan_form(place, college_ids=[])))
    assert "请从列表中选择" in words(teo.do(page, plan_form(place, college_ids=["999999"])))
    assert "年-月-日" in words(teo.do(page, plan_form(place, exam_opens_at="明天上午")))
    assert count(ExamPlan) == before


def test_overlapping_windows_are_allowed_and_warned_about(panel: OpenPanel) -> None:
    place = panel("planned")
    teo = place.browser("teo")
    plan = draft(place, teo, arrangement_opens_at=typed(WINDOWS["registration"][1] - timedelta(days=1)))
    assert "“报考时间”与“排考时间”有重叠" in words(teo.get(f"/admin/plans/details/?id={plan}"))


def test_the_new_plan_form_proposes_the_week_after_registration_for_arranging(panel: OpenPanel) -> None:
    page = panel("planned").browser("teo").text("/admin/plans/do/draft_plan/")
    times = dict(re.findall(r'name="(\w+_(?:opens|closes)_at)"[^>]*value="([^"]+)"', page))
    registered = datetime.fromisoformat(times["registration_closes_at"])
    arranged = datetime.fromisoformat(times["arrangement_opens_at"])
    assert timedelta() < arranged - registered < timedelta(days=2), "R-057"


def test_weights_that_do_not_sum_to_a_hundred_are_refused_and_nothing_typed_is_lost(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, plan = place.browser("teo"), place.year["draft_plan"]
    wrong = certificate_form(place, **{f"subject_{place.year['subject:theory']}-weight_percent": "40"})
    answer = teo.do(certificate_page(place, plan), wrong)
    assert answer.status_code == 422
    assert "合计为 110%" in words(answer)
    assert 'value="59.5"' in answer.text
    assert not rows(select(ExamPlanCertificate.id).where(ExamPlanCertificate.plan_id == plan))


def test_sessions_outside_the_exam_or_backwards_are_refused(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, plan, theory = place.browser("teo"), place.year["draft_plan"], place.year["subject:theory"]
    page = certificate_page(place, plan)
    late = {f"subject_{theory}-sessions-1-ends_at": "2026-05-21T12:30"}
    assert "须在计划的考试时间之内" in words(teo.do(page, certificate_form(place, **late)))
    backwards = {f"subject_{theory}-sessions-1-ends_at": "2026-05-20T10:59"}
    assert "结束时间须晚于开始时间" in words(teo.do(page, certificate_form(place, **backwards)))
    half = {f"subject_{theory}-sessions-1-ends_at": ""}
    assert "请填写开始和结束两个时间" in words(teo.do(page, certificate_form(place, **half)))
    too_good = {f"subject_{theory}-pass_score": "101"}
    assert "请填写 0 到 100 之间的分数" in words(teo.do(page, certificate_form(place, **too_good)))


def test_an_empty_session_line_is_no_session_and_a_subject_can_be_left_out(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, plan = place.browser("teo"), place.year["draft_plan"]
    theory, practice = place.year["subject:theory"], place.year["subject:practice"]
    form = certificate_form(place, pass_rule="all_subjects", composite_pass_score="")
    form |= {f"subject_{theory}-sessions-1-starts_at": "", f"subject_{theory}-sessions-1-ends_at": ""}
    del form[f"subject_{practice}-is_taken"]
    assert teo.do(certificate_page(place, plan), form).status_code == 303
    shown = words(teo.get(f"/admin/plans/details/?id={plan}"))
    assert "1 个科目，1 场" in shown
    assert "各科成绩合格" in shown


def test_two_people_changing_the_same_certificate_do_not_overwrite_each_other(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, plan = place.browser("teo"), place.year["draft_plan"]
    page = certificate_page(place, plan)
    early = teo.hidden(page)
    assert teo.do(page, certificate_form(place)).status_code == 303
    late = teo.client.post(page, data=early | certificate_form(place, composite_pass_score="70") | {"ticket": "other"})
    assert late.status_code == 409
    assert "综合成绩合格（60 分）" in words(teo.get(f"/admin/plans/details/?id={plan}"))


def test_a_form_that_comes_twice_makes_one_plan(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, before = place.browser("teo"), count(ExamPlan)
    sent = teo.hidden("/admin/plans/do/draft_plan/") | plan_form(place)
    answers = [teo.client.post("/admin/plans/do/draft_plan/", data=sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    assert count(ExamPlan) == before + 1


def test_a_certificate_leaves_a_draft_and_a_draft_can_be_thrown_away(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, plan = place.browser("teo"), place.year["draft_plan"]
    teo.do(certificate_page(place, plan), certificate_form(place))
    page = f"/admin/plans/do/remove_certificate/?id={plan}"
    assert teo.do(page, {"certificate_id": place.year["certificate"]}).status_code == 303
    assert not rows(select(ExamPlanCertificate.id).where(ExamPlanCertificate.plan_id == plan))
    before = count(ExamSession)
    assert teo.do(f"/admin/plans/do/delete_plan/?id={plan}").location.endswith("/admin/plans/")
    assert not rows(select(ExamPlan.id).where(ExamPlan.id == plan))
    assert count(ExamSession) == before, "the published plan's sessions are untouched"


def test_a_published_plan_is_changed_by_longer_windows_only(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, plan = place.browser("teo"), place.year["plan"]
    assert teo.get(f"/admin/plans/do/edit_plan/?id={plan}").status_code == 303
    assert teo.get(certificate_page(place, plan)).status_code == 303
    page = f"/admin/plans/do/extend_window/?id={plan}"
    later = typed(WINDOWS["registration"][1] + timedelta(hours=2))
    assert teo.do(page, {"window": "registration", "closes_at": later}).status_code == 303
    assert one(ExamPlan, plan).registration_closes_at == WINDOWS["registration"][1] + timedelta(hours=2)
    shorter = teo.do(page, {"window": "registration", "closes_at": typed(WINDOWS["registration"][1])})
    assert shorter.status_code == 422
    assert "只能在结束前延长" in words(shorter)


def test_a_window_that_is_over_is_not_offered_for_extension(panel: OpenPanel) -> None:
    place = panel("planned", WINDOWS["registration"][1] + SECOND)
    page = place.browser("teo").text(f"/admin/plans/do/extend_window/?id={place.year['plan']}")
    assert 'value="registration"' not in page
    assert 'value="arrangement"' in page


def test_tabs_and_the_phase_in_brackets_follow_the_clock(panel: OpenPanel) -> None:
    place = panel("planned")
    browser, address = place.browser("coordinator"), f"details/?id={place.year['plan']}"
    for instant, status, tab in (
        (WINDOWS["registration"][0] - SECOND, "未开始", 1),
        (WINDOWS["registration"][0], "进行中（报考中）", 2),
        (WINDOWS["score_entry"][0], "进行中（登记中）", 2),
        (WINDOWS["publication"][1], "进行中（公示中）", 2),
        (WINDOWS["publication"][1] + SECOND, "已结束", 3),
    ):
        with clock.pinned(instant):
            assert status in words(browser.get("/admin/plans/")), instant
            shown = [address in browser.text(f"/admin/plans/?tab={number}") for number in (1, 2, 3)]
        assert shown == [number == tab for number in (1, 2, 3)], instant


def test_colleges_have_no_tab_for_drafts_and_no_buttons_to_change_a_plan(panel: OpenPanel) -> None:
    place = panel("planned")
    page = words(place.browser("coordinator").get("/admin/plans/"))
    assert "未发布" not in page
    assert "新建考试计划" not in page
    assert "未发布 1" in words(place.browser("teo").get("/admin/plans/"))
    assert place.browser("coordinator").get("/admin/plans/do/draft_plan/").status_code == 404


def test_somebody_elses_plan_is_unknown_to_another_teo_in_every_way(panel: OpenPanel) -> None:
    place = panel("planned")
    other, plan = place.browser("other_teo"), place.year["draft_plan"]
    for address in (f"details/?id={plan}", f"certificate/?id={plan}", f"do/publish_plan/?id={plan}", "details/?id=x"):
        assert other.get(f"/admin/plans/{address}").status_code == 404
    forged = other.post(f"/admin/plans/do/delete_plan/?id={plan}", {"row_version": "1"})
    assert forged.status_code == 404
    foreign = f"/admin/plans/certificate/?id={plan}&certificate={place.year['other_certificate']}"
    assert place.browser("teo").get(foreign).status_code == 404


def test_a_college_finds_its_checklist_with_what_is_done_and_what_is_open(panel: OpenPanel) -> None:
    place = panel("registered")
    page = words(place.browser("coordinator").get(f"/admin/plans/details/?id={place.year['plan']}"))
    assert "本校准备情况 已完成 4 / 5" in page
    assert "已报考 4 人" in page
    assert "0 / 8 科次已发布座位" in page
    teo = words(place.browser("teo").get(f"/admin/plans/details/?id={place.year['plan']}"))
    assert "本校准备情况" not in teo
    assert "各院校进度" in teo


def test_rules_are_shown_as_text_and_never_as_markup(panel: OpenPanel) -> None:
    place = panel("planned")
    teo = place.browser("teo")
    plan = draft(place, teo, rules_text="<script>alert(1)</script>第一条")
    page = teo.text(f"/admin/plans/details/?id={plan}")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;第一条" in page


def test_a_plan_for_all_colleges_lists_none(panel: OpenPanel) -> None:
    place = panel("planned")
    teo = place.browser("teo")
    plan = draft(place, teo, is_open_to_all="y")
    assert one(ExamPlan, plan).is_open_to_all
    assert "面向平台上的全部院校" in words(teo.get(f"/admin/plans/details/?id={plan}"))
