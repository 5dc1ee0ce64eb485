"""Reviews of pilot applications: city, province, counts and returns (R-039…R-047)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.errors import IllegalMove, NotPermitted, ReasonMissing, ValueRefused, WindowClosed
from core.models.pilots import PilotApplication, PilotApplicationMajor, Quota, ReviewRecord
from core.models.records import Notification
from core.queries.applications import used_quota
from core.queries.scoping import visible
from core.usecases import applications, reviews
from core.usecases.applications import DeclaredMajor
from tests.core.usecases.pilot_steps import At, declare, refused, save, submit
from tests.factories import DECLARATION, SECOND, Year, Years, count, moment, notices, one, register, rows


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
    submit(declared, application.id)
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
    submit(declared, application.id)
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


def test_a_return_names_nobody_by_number(applied: Year) -> None:
    """From the panel as from the chat: the college reads it there."""
    given = {"application_id": applied["application"], "reason": "请联系 13900000000"}
    refused(lambda: applied.do("city", reviews.return_application, **given), ValueRefused, "reason_personal", "chat.md")
    assert one(PilotApplication, applied["application"]).state == "pending_initial"


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


def test_nobody_is_told_twice_of_one_decision(applied: Year) -> None:
    before = count(Notification)
    applied.do("city", reviews.return_application, application_id=applied["application"], reason="缺材料")
    assert count(Notification) == before + 3


def test_a_batch_is_approved_as_asked_for_and_majors_with_it_R040(declared: Year) -> None:
    application = save(declared, majors=[DeclaredMajor(declared["major:610205"], 24, 120, 6)])
    submit(declared, application.id)
    declared.do("city", reviews.pass_as_city, application_id=application.id)
    done = declared.do("province", reviews.approve_as_requested, application_id=application.id)
    assert (done.state, done.approved_count) == ("approved", 24)
    assert rows(select(PilotApplicationMajor.approved_count)) == [24]
    assert rows(select(Quota.granted)) == [24]


def test_the_college_reads_its_status_and_every_step_while_it_is_reviewed_R047(applied: Year) -> None:
    ident = applied["application"]
    applied.do("city", reviews.pass_as_city, application_id=ident, comment="材料齐全")
    with applied.acting("coordinator") as tx:
        mine = visible(ReviewRecord, tx.actor)
        read = tx.all(select(ReviewRecord).where(ReviewRecord.application_id == ident, mine).order_by(ReviewRecord.id))
        assert [(row.step, row.decision, row.reason) for row in read] == [
            ("submit", "submit", ""),
            ("city", "pass", "材料齐全"),
        ]
        assert tx.first(select(PilotApplication.state).where(visible(PilotApplication, tx.actor))) == (
            "preliminary_review"
        )


def test_the_province_does_not_see_it_before_the_city_has_passed_it_R039(applied: Year) -> None:
    ident = applied["application"]

    def seen() -> bool:
        with applied.acting("province") as tx:
            wanted = select(PilotApplication.id).where(
                PilotApplication.id == ident, visible(PilotApplication, tx.actor)
            )
            return tx.first(wanted) is not None

    assert not seen()
    applied.do("city", reviews.pass_as_city, application_id=ident)
    assert seen()


def test_each_application_carries_the_used_quota_of_its_certificate_and_year_R045(years: Years, at: At) -> None:
    year = years("registered")
    at(moment("registered"))
    other = rows(select(Quota).where(Quota.college_id == year["other_college"]))[0]
    with year.acting("admin") as tx:
        every = tx.all(select(PilotApplication))
        used = used_quota(tx.session, every)
        assert used == {year["application"]: 3, year["other_application"]: other.used}
        assert used_quota(tx.session, []) == {}
    register(year, [3])
    with year.acting("admin") as tx:
        assert used_quota(tx.session, tx.all(select(PilotApplication)))[year["application"]] == 4


def test_a_draft_has_no_used_quota_R045(declared: Year) -> None:
    save(declared)
    with declared.acting("coordinator") as tx:
        assert used_quota(tx.session, tx.all(select(PilotApplication))) == {}
