"""Exam sites and rooms: applied for, decided, lent, set up (R-098…R-134)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.demo.people import people
from core.errors import AlreadyThere, IllegalMove, Incomplete, NotPermitted, ReasonMissing, Refusal, ValueRefused
from core.models.candidates import Candidate
from core.models.organisations import EvaluationOrg
from core.models.pilots import ReviewRecord
from core.models.sites import ExamRoom, ExamSite, SiteAllocation
from core.usecases import arrangement, catalogue, plans, registrations, sites
from tests.factories import (
    Year,
    Years,
    codes,
    count,
    moment,
    notices,
    on,
    one,
    plan_values,
    planned,
    register,
    registration_row,
    room_values,
    rows,
    site_values,
)

At = Callable[[datetime | str], datetime]


@pytest.fixture
def pilot(years: Years, at: At) -> Year:
    """Approved for the year, without any site."""
    year = years("approved")
    at(moment("approved"))
    return year


@pytest.fixture
def planned_year(years: Years, at: At) -> Year:
    year = years("planned")
    at(moment("planned"))
    return year


def draft(year: Year, login: str = "coordinator", **other: Any) -> int:
    return int(year.do(login, sites.draft_site, **site_values(year, **other)).id)


def submit(year: Year, ident: int) -> ExamSite:
    found: ExamSite = year.do("coordinator", sites.submit_site, site_id=ident)
    return found


def refused(verb: Callable[[], Any], kind: type[Refusal], code: str, rule: str) -> Refusal:
    with pytest.raises(kind) as caught:
        verb()
    assert (caught.value.sentence_code, caught.value.rule) == (code, rule)
    return caught.value


# -- applying --------------------------------------------------------------------------------------------------------


def test_only_a_pilot_college_applies_for_a_site_R099(years: Years, at: At) -> None:
    year = years("declared")
    at(moment("declared"))
    refused(lambda: draft(year), NotPermitted, "not_a_pilot", "R-099")


def test_the_name_is_made_of_college_certificate_and_levels_and_the_number_of_the_province_R102_R111(
    pilot: Year,
) -> None:
    ident = draft(pilot, certificate_ids=[pilot["certificate:2"], pilot["certificate"]])
    site = one(ExamSite, ident)
    assert site.name == "江城示例职业技术学院示例职业技能等级证书(初级、中级)考核站点"
    assert (site.site_no[:2], len(site.site_no)) == ("42", 9)
    assert (site.review_state, site.site_state) == ("draft", "not_enabled")
    pilot.do("coordinator", sites.edit_site, site_id=ident, certificate_ids=[pilot["certificate:2"]])
    assert one(ExamSite, ident).name.endswith("(中级)考核站点")


def test_a_certificate_level_covered_by_a_living_application_is_not_applied_for_again_R104(pilot: Year) -> None:
    """A site for 初级 stands; an application for 初级、中级 is refused because 初级 is covered (Appendix A.1)."""
    ident = draft(pilot)
    both = [pilot["certificate"], pilot["certificate:2"]]
    for state in ("draft", "pending", "approved"):
        assert one(ExamSite, ident).review_state == state
        refused(lambda: draft(pilot, certificate_ids=both), AlreadyThere, "site_exists", "R-104")
        {
            "draft": lambda: submit(pilot, ident),
            "pending": lambda: pilot.do("teo", sites.approve_site, site_id=ident),
        }.get(state, lambda: None)()
    draft(pilot, certificate_ids=[pilot["certificate:2"]])
    assert count(ExamSite) == 2


def test_a_returned_application_frees_its_certificates_D29(pilot: Year) -> None:
    ident = draft(pilot)
    submit(pilot, ident)
    pilot.do("teo", sites.return_site, site_id=ident, reason="缺申请表")
    second = draft(pilot)
    refused(lambda: submit(pilot, ident), AlreadyThere, "site_exists", "R-104")
    pilot.do("coordinator", sites.delete_site, site_id=second)
    assert submit(pilot, ident).review_state == "pending"


def test_editing_a_returned_application_does_not_take_its_certificates_again_before_it_is_sent_D29(
    pilot: Year,
) -> None:
    ident = draft(pilot)
    submit(pilot, ident)
    pilot.do("teo", sites.return_site, site_id=ident, reason="缺申请表")
    pilot.do("coordinator", sites.edit_site, site_id=ident, certificate_ids=[pilot["certificate"]])
    draft(pilot)
    refused(lambda: submit(pilot, ident), AlreadyThere, "site_exists", "R-104")


def test_all_certificates_of_an_application_are_of_the_addressed_organisation_R103(pilot: Year) -> None:
    both = [pilot["certificate"], pilot["other_certificate"]]
    refused(lambda: draft(pilot, certificate_ids=both), ValueRefused, "certificates_of_two_orgs", "R-103")
    refused(lambda: draft(pilot, certificate_ids=[]), Incomplete, "incomplete", "R-101")


def test_a_disabled_certificate_is_not_applied_for_R054(pilot: Year) -> None:
    pilot.do("teo", catalogue.switch_certificate, certificate_id=pilot["certificate"], action="disable")
    refused(lambda: draft(pilot), ValueRefused, "certificate_disabled", "R-054")


def test_everything_required_is_named_at_once_R101(pilot: Year) -> None:
    ident = draft(pilot, address="", contact_email="")
    caught = refused(lambda: submit(pilot, ident), Incomplete, "incomplete", "R-101")
    assert caught.facts["fields"] == "详细地址、联系人邮箱"


def test_material_is_required_where_the_organisation_demands_it_R105(pilot: Year) -> None:
    with pilot.acting("admin") as tx:
        tx.get(EvaluationOrg, pilot["org"]).site_material_required = True
    ident = draft(pilot)
    caught = refused(lambda: submit(pilot, ident), Incomplete, "incomplete", "R-101")
    assert caught.facts["fields"] == "其他材料"
    pilot.do("coordinator", sites.attach_material, site_id=ident, data=b"%PDF-1.4 x", file_name="申请表.pdf")
    assert submit(pilot, ident).review_state == "pending"


def test_an_attachment_of_another_kind_is_refused_R106(pilot: Year) -> None:
    ident = draft(pilot)
    with pytest.raises(Refusal):
        pilot.do("coordinator", sites.attach_material, site_id=ident, data=b"MZ\x90", file_name="申请表.pdf")


def test_the_organisation_is_told_and_its_task_closes_with_the_decision(pilot: Year) -> None:
    ident = draft(pilot)
    submit(pilot, ident)
    assert [n.account_id for n in notices("sites.submitted")] == [pilot["account:teo"]]
    site = pilot.do("teo", sites.approve_site, site_id=ident)
    assert (site.review_state, site.site_state) == ("approved", "enabled")
    assert [n.delivery_state for n in notices("sites.submitted")] == ["suppressed"]
    told = {n.account_id for n in notices("sites.decided")}
    assert told == {pilot["account:coordinator"], pilot["account:second_coordinator"]}


def test_a_waiting_application_is_withdrawn_but_not_edited_or_deleted_R107_R108(pilot: Year) -> None:
    ident = draft(pilot)
    submit(pilot, ident)
    for verb, given in ((sites.edit_site, {"address": "x"}), (sites.delete_site, {}), (sites.submit_site, {})):
        refused(
            lambda v=verb, g=given: pilot.do("coordinator", v, site_id=ident, **g), IllegalMove, "not_editable", "R-107"
        )
    assert pilot.do("coordinator", sites.withdraw_site, site_id=ident).review_state == "draft"
    with pytest.raises(IllegalMove):
        pilot.do("coordinator", sites.withdraw_site, site_id=ident)
    with pytest.raises(IllegalMove):
        pilot.do("teo", sites.approve_site, site_id=ident)


def test_a_decided_application_is_not_withdrawn_R108(years: Years, at: At) -> None:
    year = years("sited")
    at(moment("sited"))
    with pytest.raises(IllegalMove):
        year.do("coordinator", sites.withdraw_site, site_id=year["site"])


def test_a_return_and_a_disqualification_need_words(years: Years, at: At) -> None:
    year = years("sited")
    at(moment("sited"))
    with pytest.raises(ReasonMissing):
        year.do("teo", sites.return_site, site_id=year["site"], reason=" ")
    with pytest.raises(ValueRefused, match="reason_personal"):
        year.do("teo", sites.return_site, site_id=year["site"], reason="请打 13900000000")
    refused(
        lambda: year.do("teo", sites.disqualify_site, site_id=year["site"], reason=""),
        ReasonMissing,
        "reason_missing",
        "R-112",
    )


def test_a_draft_nobody_has_reviewed_is_deleted_with_its_certificates_R107(pilot: Year) -> None:
    ident = draft(pilot)
    pilot.do("coordinator", sites.delete_site, site_id=ident)
    assert count(ExamSite) == 0
    draft(pilot)


def test_every_decision_is_on_record(pilot: Year) -> None:
    ident = draft(pilot)
    submit(pilot, ident)
    pilot.do("coordinator", sites.withdraw_site, site_id=ident)
    submit(pilot, ident)
    pilot.do("teo", sites.return_site, site_id=ident, reason="缺申请表")
    found = rows(select(ReviewRecord).where(ReviewRecord.site_id == ident).order_by(ReviewRecord.id))
    assert [r.decision for r in found] == ["submit", "withdraw", "submit", "return"]
    assert found[-1].reason == "缺申请表"


# -- a disqualified site ---------------------------------------------------------------------------------------------


def test_a_disqualified_site_takes_no_rooms_and_no_registrations_but_keeps_its_seats_R112(years: Years, at: At) -> None:
    year = years("arranged")
    at(moment("arranged"))
    year.do("teo", sites.disqualify_site, site_id=year["site"], reason="现场不符")
    refused(
        lambda: year.do("coordinator", sites.create_room, **room_values(year, name="新")),
        ValueRefused,
        "site_not_enabled",
        "R-134",
    )
    at("2026-05-10 09:00")
    assert register(year, [3]).refused[0].refusal.rule == "R-149"
    at("2026-05-14 09:00")
    year.do("teo", arrangement.publish_arrangement, plan_id=year["plan"])


# -- borrowing -------------------------------------------------------------------------------------------------------


def lend(year: Year, **other: Any) -> SiteAllocation:
    given = {
        "plan_id": year["plan"],
        "site_id": year["site"],
        "certificate_id": year["certificate"],
        "borrowing_college_id": year["other_college"],
    }
    found: SiteAllocation = year.do("teo", sites.allocate_site, **(given | other))
    return found


def register_elsewhere(year: Year, site_no: str) -> Any:
    code, _ = codes(year)
    person = people(7, 8)[6]
    assert one(Candidate, year["other_student:0"]).id_number == person.id_number
    sheet = [(3, registration_row(person, code, site_no))]
    return year.do(
        "other_coordinator",
        registrations.register_by_certificate,
        plan_id=year["plan"],
        college_id=year["other_college"],
        rows=sheet,
    )


def test_a_borrowed_site_is_used_for_the_plan_and_certificate_of_the_allocation_R118_R121(
    planned_year: Year, at: At
) -> None:
    year = planned_year
    _, site_no = codes(year)
    at("2026-05-02 09:00")
    assert register_elsewhere(year, site_no).refused[0].refusal.rule == "R-149"
    lend(year)
    assert register_elsewhere(year, site_no).accepted == 1
    with year.acting("teo") as tx:
        other = plans.draft_plan(tx, **plan_values(year, name="另一计划"))
        plans.put_certificate(tx, plan_id=other.id, planned=planned(year))
        plans.publish_plan(tx, plan_id=other.id)
    year.ids["plan"] = other.id
    assert register_elsewhere(year, site_no).refused[0].refusal.rule == "R-149"


def test_a_cancelled_allocation_lends_nothing(planned_year: Year, at: At) -> None:
    allocation = lend(planned_year)
    planned_year.do("teo", sites.cancel_allocation, allocation_id=allocation.id)
    at("2026-05-02 09:00")
    assert register_elsewhere(planned_year, codes(planned_year)[1]).refused[0].refusal.rule == "R-149"


def test_borrowers_set_no_rooms_at_a_site_that_is_not_theirs_R132(planned_year: Year) -> None:
    lend(planned_year)
    with pytest.raises(NotPermitted):
        planned_year.do("other_coordinator", sites.create_room, **room_values(planned_year, name="借"))


# -- rooms -----------------------------------------------------------------------------------------------------------


def make(year: Year, **other: Any) -> ExamRoom:
    found: ExamRoom = year.do("coordinator", sites.create_room, **room_values(year, name="新考场", **other))
    return found


def test_the_type_of_a_room_is_the_union_of_its_subjects_modes_R126(planned_year: Year) -> None:
    both = [planned_year["plan_subject:theory"], planned_year["plan_subject:practice"]]
    room = make(planned_year, plan_subject_ids=both)
    assert {mode.label for mode in room.room_type} == {"机考", "实操"}
    assert {mode.label for mode in one(ExamRoom, planned_year["room:theory"]).room_type} == {"机考"}


def test_a_room_takes_the_sites_address_unless_it_has_its_own_R129(planned_year: Year) -> None:
    assert make(planned_year).address == "示例大道 1 号实训楼"
    own = room_values(planned_year, name="二楼", address=" 2 楼 201 ")
    assert planned_year.do("coordinator", sites.create_room, **own).address == "2 楼 201"


def test_a_room_has_a_name_a_subject_and_at_least_one_seat(planned_year: Year) -> None:
    year = planned_year
    blank = room_values(year, name="  ")
    refused(lambda: year.do("coordinator", sites.create_room, **blank), Incomplete, "incomplete", "R-125")
    refused(lambda: make(year, plan_subject_ids=[]), Incomplete, "incomplete", "R-123")
    refused(lambda: make(year, seat_count=0), ValueRefused, "seat_count", "R-128")


def test_a_name_is_used_once_per_plan_site_and_certificate_R125(planned_year: Year) -> None:
    make(planned_year)
    refused(lambda: make(planned_year), AlreadyThere, "room_exists", "R-125")


def test_a_rooms_subjects_belong_to_its_plan_and_certificate_R124(planned_year: Year) -> None:
    year = planned_year
    refused(lambda: make(year, certificate_id=year["certificate:2"]), ValueRefused, "site_not_for_certificate", "R-149")
    row = year.do("teo", plans.put_certificate, plan_id=year["draft_plan"], planned=planned(year))
    with year.acting("teo") as tx:
        strange = tx.get(type(row), row.id).subjects[0].id
    refused(lambda: make(year, plan_subject_ids=[strange]), ValueRefused, "subject_not_of_certificate", "R-124")


def test_rooms_of_an_unpublished_plan_or_of_one_the_college_is_not_in_are_refused_R061(planned_year: Year) -> None:
    year = planned_year
    refused(lambda: make(year, plan_id=year["draft_plan"]), NotPermitted, "not_taking_part", "R-061")


def test_a_room_with_seats_taken_is_neither_deleted_nor_made_too_small_R131(years: Years, at: At) -> None:
    year = years("arranged")
    at(on("2026-05-13 09:00"))
    edit = lambda n: year.do(  # noqa: E731
        "coordinator", sites.edit_room, room_id=year["room:theory"], name="机房", seat_count=n, address=""
    )
    caught = refused(lambda: edit(3), ValueRefused, "seats_taken", "R-131")
    assert caught.facts["taken"] == 4
    assert edit(4).seat_count == 4
    refused(
        lambda: year.do("coordinator", sites.delete_room, room_id=year["room:theory"]),
        ValueRefused,
        "seats_taken",
        "R-131",
    )
    year.do("teo", arrangement.clear_arrangement, plan_id=year["plan"])
    year.do("coordinator", sites.delete_room, room_id=year["room:theory"])
    assert count(ExamRoom) == 1
