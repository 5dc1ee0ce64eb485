"""The pilot year: declaration plans, applications, reviews and quota (R-017…R-048)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import (
    AlreadyThere,
    IllegalMove,
    Incomplete,
    NotFound,
    NotPermitted,
    ReasonMissing,
    Refusal,
    ValueRefused,
    WindowClosed,
)
from core.models.pilots import DeclarationPlan, PilotApplication, Quota, ReviewRecord
from core.models.records import Notification
from core.rules.pilots import CertificateScope
from core.usecases import applications, catalogue, declarations, quotas, reviews
from core.usecases.applications import DeclaredMajor
from tests.factories import (
    DECLARATION,
    SECOND,
    Year,
    Years,
    application_values,
    count,
    moment,
    notices,
    on,
    one,
    register,
    rows,
)

At = Callable[[datetime | str], datetime]


@pytest.fixture
def declared(years: Years, at: At) -> Year:
    year = years("declared")
    at(moment("declared"))
    return year


@pytest.fixture
def applied(years: Years, at: At) -> Year:
    year = years("applied")
    at(moment("applied"))
    return year


def save(year: Year, login: str = "coordinator", **other: Any) -> PilotApplication:
    found: PilotApplication = year.do(login, applications.save_application, **application_values(year, **other))
    return found


def refused(verb: Callable[[], Any], kind: type[Refusal], code: str, rule: str) -> Refusal:
    with pytest.raises(kind) as caught:
        verb()
    assert (caught.value.sentence_code, caught.value.rule) == (code, rule)
    return caught.value


def declare(year: Year, **other: Any) -> int:
    """Another published batch of the province."""
    given = {
        "authority_id": year["province"],
        "year": 2026,
        "batch_name": "第二批",
        "opens_at": DECLARATION[0],
        "closes_at": DECLARATION[1],
    }
    plan = year.do("province", declarations.draft_declaration_plan, **(given | other))
    year.do("province", declarations.publish_declaration_plan, plan_id=plan.id)
    return int(plan.id)


# -- declaration plans -----------------------------------------------------------------------------------------------


def test_a_plan_that_ends_before_it_starts_is_refused_R026(declared: Year) -> None:
    given = {"opens_at": DECLARATION[1], "closes_at": DECLARATION[0]}
    refused(lambda: declare(declared, **given), ValueRefused, "window_order", "R-026")


def test_a_published_plan_is_not_edited_any_more(declared: Year) -> None:
    with pytest.raises(IllegalMove):
        declared.do("province", declarations.edit_declaration_plan, plan_id=declared["declaration"], notes="x")


def test_a_plan_is_published_once(declared: Year) -> None:
    with pytest.raises(IllegalMove):
        declared.do("province", declarations.publish_declaration_plan, plan_id=declared["declaration"])


def test_a_draft_may_change_its_dates_and_its_certificates(declared: Year) -> None:
    plan = declared.do(
        "province",
        declarations.draft_declaration_plan,
        authority_id=declared["province"],
        year=2026,
        batch_name="第三批",
        opens_at=DECLARATION[0],
        closes_at=DECLARATION[1],
    )
    assert plan.scope is CertificateScope.ALL
    given = {"certificate_ids": [declared["certificate"]], "apply_closes_at": DECLARATION[1] + timedelta(days=1)}
    plan = declared.do("province", declarations.edit_declaration_plan, plan_id=plan.id, **given)
    assert plan.scope is CertificateScope.PART
    assert plan.apply_closes_at == DECLARATION[1] + timedelta(days=1)


def test_colleges_of_the_province_are_told_when_a_plan_opens_and_when_it_closes_T01_T02(declared: Year, at: At) -> None:
    tick = lambda: declared.do("system", declarations.pass_declaration_edge, plan_id=declared["declaration"])  # noqa: E731
    tick()
    told = {n.account_id for n in notices("pilots.declaration_opened")}
    assert told == {declared[f"account:{who}"] for who in ("coordinator", "second_coordinator", "signatory")}
    tick()
    assert len(notices("pilots.declaration_opened")) == 3
    assert notices("pilots.declaration_closed") == []
    at(DECLARATION[1] + SECOND)
    tick()
    tick()
    assert len(notices("pilots.declaration_closed")) == 3
    assert one(DeclarationPlan, declared["declaration"]).next_edge_at is None


def test_a_window_that_opened_and_closed_while_no_job_ran_is_not_announced_as_open(declared: Year, at: At) -> None:
    at(DECLARATION[1] + timedelta(days=1))
    declared.do("system", declarations.pass_declaration_edge, plan_id=declared["declaration"])
    assert notices("pilots.declaration_opened") == []
    assert len(notices("pilots.declaration_closed")) == 3


# -- applying --------------------------------------------------------------------------------------------------------


def test_a_saved_application_is_a_draft_that_can_be_changed_and_deleted_R034(declared: Year) -> None:
    application = save(declared)
    assert application.state == "draft"
    again = save(declared, application_id=application.id, requested_count=30, venue_description=" 机房 2 间 ")
    assert (again.id, again.requested_count, again.venue_description) == (application.id, 30, "机房 2 间")
    declared.do("coordinator", applications.delete_application, application_id=application.id)
    assert count(PilotApplication) == 0


def test_a_certificate_is_applied_for_once_per_batch_R027(declared: Year) -> None:
    save(declared)
    refused(lambda: save(declared, "signatory"), AlreadyThere, "application_exists", "R-027")
    save(declared, certificate_id=declared["certificate:2"])
    save(declared, plan_id=declare(declared))
    assert count(PilotApplication) == 3


@pytest.mark.parametrize("asked", [0, -5])
def test_an_application_asks_for_somebody_R033(declared: Year, asked: int) -> None:
    refused(lambda: save(declared, requested_count=asked), ValueRefused, "requested_count", "R-033")


def test_another_provinces_plan_is_not_open_to_a_college_R023(declared: Year) -> None:
    given = {"plan_id": declared["other_declaration"]}
    refused(lambda: save(declared, **given), NotPermitted, "not_your_province", "R-023")


def test_an_unpublished_plan_is_not_open_to_anybody_R024(declared: Year) -> None:
    plan = declared.do(
        "province",
        declarations.draft_declaration_plan,
        authority_id=declared["province"],
        year=2026,
        batch_name="第四批",
        opens_at=DECLARATION[0],
        closes_at=DECLARATION[1],
    )
    refused(lambda: save(declared, plan_id=plan.id), NotPermitted, "not_your_province", "R-023")


def test_only_listed_certificates_are_open_when_the_plan_opens_part_of_them_R028(declared: Year) -> None:
    plan = declare(declared, certificate_ids=[declared["certificate:2"]])
    refused(lambda: save(declared, plan_id=plan), ValueRefused, "certificate_not_open", "R-028")
    save(declared, plan_id=plan, certificate_id=declared["certificate:2"])


def test_a_disabled_certificate_is_not_open_R054(declared: Year) -> None:
    declared.do("teo", catalogue.switch_certificate, certificate_id=declared["certificate"], action="disable")
    refused(lambda: save(declared), ValueRefused, "certificate_disabled", "R-054")


def test_a_major_must_belong_to_the_certificate_R031(declared: Year) -> None:
    rows_ = [DeclaredMajor(declared["major:620201"], 24)]
    refused(lambda: save(declared, majors=rows_), ValueRefused, "major_not_of_certificate", "R-031")


@pytest.mark.parametrize(("asked", "code"), [(23, "majors_sum"), (25, "majors_sum"), (-1, "number_negative")])
def test_majors_add_up_to_the_total_R032(declared: Year, asked: int, code: str) -> None:
    rows_ = [DeclaredMajor(declared["major:610205"], asked)]
    refused(lambda: save(declared, majors=rows_), ValueRefused, code, "R-032")


def test_majors_are_kept_with_their_counts_R032(declared: Year) -> None:
    application = save(declared, majors=[DeclaredMajor(declared["major:610205"], 24, 120, 6)])
    with declared.acting("coordinator") as tx:
        row = tx.get(PilotApplication, application.id).majors[0]
        assert (row.requested_count, row.students_enrolled, row.full_time_teachers) == (24, 120, 6)


@pytest.mark.parametrize(("missing", "word"), [("faculty_description", "师资情况"), ("venue_description", "场地情况")])
def test_an_incomplete_application_is_saved_but_not_submitted_R033(declared: Year, missing: str, word: str) -> None:
    application = save(declared, **{missing: "  "})
    with pytest.raises(Incomplete) as caught:
        declared.do("coordinator", applications.submit_application, application_id=application.id)
    assert (caught.value.rule, caught.value.facts["fields"]) == ("R-033", word)


def test_majors_are_required_where_the_plan_asks_for_them_R029(declared: Year) -> None:
    plan = declare(declared, by_major_required=True)
    application = save(declared, plan_id=plan)
    with pytest.raises(Incomplete) as caught:
        declared.do("coordinator", applications.submit_application, application_id=application.id)
    assert caught.value.facts["fields"] == "拟申报专业"
    majors = [DeclaredMajor(declared["major:610205"], 24)]
    save(declared, plan_id=plan, application_id=application.id, majors=majors)
    assert declared.do("coordinator", applications.submit_application, application_id=application.id).submitted_at


def test_a_submitted_application_is_neither_edited_nor_deleted_R035_R038(applied: Year) -> None:
    ident = applied["application"]
    refused(lambda: save(applied, application_id=ident), IllegalMove, "not_editable", "R-038")
    delete = lambda: applied.do("coordinator", applications.delete_application, application_id=ident)  # noqa: E731
    refused(delete, IllegalMove, "not_editable", "R-038")


def test_submitting_is_recorded_with_who_and_when_and_the_first_reviewer_is_told_R036(applied: Year) -> None:
    application = one(PilotApplication, applied["application"])
    assert (application.state, application.submitted_at) == ("pending_initial", moment("applied"))
    record = rows(select(ReviewRecord).where(ReviewRecord.application_id == application.id))[0]
    assert (record.step, record.decision, record.actor_id) == ("submit", "submit", applied["account:coordinator"])
    told = {n.account_id for n in notices("pilots.application_waiting")}
    assert told == {applied["account:city"], applied["account:other_province"]}


def test_an_application_cannot_slip_into_another_batch_whose_window_is_open(declared: Year, at: At) -> None:
    """The first batch has closed; naming the second must not open the first one's application again (R-025)."""
    application = save(declared)
    later = declare(declared, closes_at=DECLARATION[1] + timedelta(days=30))
    at(DECLARATION[1] + SECOND)
    with pytest.raises(WindowClosed):
        save(declared, application_id=application.id)
    with pytest.raises(NotFound):
        save(declared, application_id=application.id, plan_id=later, requested_count=99)
    assert one(PilotApplication, application.id).requested_count == 24


# -- reviewing -------------------------------------------------------------------------------------------------------


def test_the_city_passes_first_where_the_plan_says_so_R039(applied: Year) -> None:
    assert applied.do("city", reviews.pass_as_city, application_id=applied["application"]).state == "preliminary_review"
    assert {n.account_id for n in notices("pilots.application_waiting") if '"preliminary"' in n.facts} >= {
        applied["account:province"]
    }


def test_without_city_review_the_province_comes_first(applied: Year) -> None:
    with pytest.raises(NotPermitted):
        applied.do("other_city", reviews.pass_as_city, application_id=applied["other_application"])
    done = applied.do(
        "other_province", reviews.approve_application, application_id=applied["other_application"], approved_count=24
    )
    assert done.state == "approved"


def test_the_province_approves_fewer_than_asked_for_24_become_4_R040(years: Years) -> None:
    year = years("approved")
    application = one(PilotApplication, year["application"])
    assert (application.state, application.requested_count, application.approved_count) == ("approved", 24, 4)
    quota = one(Quota, year["quota"])
    assert (quota.granted, quota.used, quota.year, quota.state) == (4, 0, 2026, "active")


@pytest.mark.parametrize("number", [0, -1, 25])
def test_approving_nobody_or_more_than_asked_for_is_refused_R041(applied: Year, number: int) -> None:
    applied.do("city", reviews.pass_as_city, application_id=applied["application"])
    refused(
        lambda: applied.do(
            "province", reviews.approve_application, application_id=applied["application"], approved_count=number
        ),
        ValueRefused,
        "approved_count",
        "R-041",
    )
    assert count(Quota) == 0


def test_approved_majors_add_up_R041(declared: Year) -> None:
    majors = [DeclaredMajor(declared["major:610205"], 24)]
    application = save(declared, majors=majors)
    declared.do("coordinator", applications.submit_application, application_id=application.id)
    declared.do("city", reviews.pass_as_city, application_id=application.id)
    with declared.acting("province") as tx:
        row = tx.get(PilotApplication, application.id).majors[0].id
    given = {"application_id": application.id, "approved_count": 10}
    with pytest.raises(ValueRefused):
        declared.do("province", reviews.approve_application, **given, by_major={row: 9})
    with pytest.raises(ValueRefused):
        declared.do("province", reviews.approve_application, application_id=application.id, approved_count=30)
    declared.do("province", reviews.approve_application, **given, by_major={row: 10})
    with declared.acting("province") as tx:
        assert tx.get(PilotApplication, application.id).majors[0].approved_count == 10


def test_the_final_review_comes_after_the_preliminary_one_where_the_plan_wants_it_D19(declared: Year) -> None:
    application = save(declared, plan_id=declare(declared, final_review_required=True))
    declared.do("coordinator", applications.submit_application, application_id=application.id)
    with pytest.raises(IllegalMove):
        declared.do("province", reviews.approve_application, application_id=application.id, approved_count=4)
    declared.do("province", reviews.pass_preliminary, application_id=application.id)
    done = declared.do("province", reviews.approve_application, application_id=application.id, approved_count=4)
    assert done.state == "approved"
    steps = rows(select(ReviewRecord.step).order_by(ReviewRecord.id))
    assert steps == ["submit", "preliminary", "final"]


def test_without_a_final_review_there_is_no_preliminary_pass_D19(applied: Year) -> None:
    with pytest.raises(IllegalMove):
        applied.do("other_province", reviews.pass_preliminary, application_id=applied["other_application"])


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_return_needs_words_R042(applied: Year, reason: str) -> None:
    with pytest.raises(ReasonMissing) as caught:
        applied.do("city", reviews.return_application, application_id=applied["application"], reason=reason)
    assert caught.value.rule == "R-042"


def test_a_returned_application_is_mended_and_sent_again_while_the_plan_is_open(applied: Year) -> None:
    ident = applied["application"]
    applied.do("city", reviews.return_application, application_id=ident, reason="请补充设备清单")
    told = notices("pilots.application_decided", applied["account:coordinator"])
    assert "请补充设备清单" in told[0].facts
    save(applied, application_id=ident, requested_count=12)
    assert applied.do("coordinator", applications.submit_application, application_id=ident).state == "pending_initial"
    refused(
        lambda: applied.do("coordinator", applications.delete_application, application_id=ident),
        IllegalMove,
        "not_editable",
        "R-038",
    )


def test_a_returned_application_is_not_sent_again_after_the_end(applied: Year, at: At) -> None:
    ident = applied["application"]
    at(DECLARATION[1] + SECOND)
    applied.do("city", reviews.return_application, application_id=ident, reason="请补充设备清单")
    with pytest.raises(WindowClosed):
        applied.do("coordinator", applications.submit_application, application_id=ident)


def test_a_decision_closes_the_reviewers_task_and_tells_the_college_once_R043(applied: Year) -> None:
    applied.do("city", reviews.pass_as_city, application_id=applied["application"])
    task = notices("pilots.application_waiting", applied["account:city"])[0]
    assert (task.reply_state, task.delivery_state) == ("done", "suppressed")
    applied.do("province", reviews.approve_application, application_id=applied["application"], approved_count=4)
    assert len(notices("pilots.application_decided")) == 3


# -- quota -----------------------------------------------------------------------------------------------------------


def test_a_second_batch_adds_to_the_quota_of_the_year(years: Years, at: At) -> None:
    year = years("approved")
    at(moment("approved"))
    application = save(year, plan_id=declare(year))
    year.do("coordinator", applications.submit_application, application_id=application.id)
    year.do("province", reviews.approve_application, application_id=application.id, approved_count=6)
    assert rows(select(Quota.granted).where(Quota.college_id == year["college"])) == [10]


def test_a_quota_is_raised_and_lowered_with_a_reason_but_never_below_what_is_used_R020(years: Years, at: At) -> None:
    year = years("registered")  # three of four are used
    at(moment("registered"))
    adjust = lambda n, why="调整": year.do(  # noqa: E731
        "province", quotas.adjust_quota, quota_id=year["quota"], granted=n, reason=why
    )
    refused(lambda: adjust(2), ValueRefused, "quota_below_used", "§3.3")
    refused(lambda: adjust(9, " "), ReasonMissing, "reason_missing", "R-020")
    assert adjust(3).granted == 3
    assert register(year, [3]).refused[0].refusal.rule == "R-139"
    adjust(5)
    assert register(year, [3, 4]).accepted == 2


def test_quota_lapses_with_its_year_and_stays_void_R019_T03(years: Years, at: At) -> None:
    year = years("approved")
    at(on("2026-12-31 23:59"))
    assert year.do("system", quotas.lapse_quotas, before_year=2026) == 0
    at(on("2027-01-01 00:00"))
    assert year.do("system", quotas.lapse_quotas, before_year=2027) == 2
    assert year.do("system", quotas.lapse_quotas, before_year=2027) == 0
    with pytest.raises(IllegalMove):
        year.do("province", quotas.adjust_quota, quota_id=year["quota"], granted=9, reason="延期")


def test_nobody_is_told_twice_of_one_decision(applied: Year) -> None:
    before = count(Notification)
    applied.do("city", reviews.return_application, application_id=applied["application"], reason="缺材料")
    assert count(Notification) == before + 3
