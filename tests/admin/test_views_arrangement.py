"""排考管理 in the panel: tried, done, cleared and published by the TEO; read by colleges as far as it is theirs."""

from __future__ import annotations

from sqlalchemy import select

from admin.views.seating import reasons
from core import clock
from core.demo.people import Person
from core.models.candidates import Candidate
from core.models.plans import ExamPlanSubject
from core.models.registrations import CandidateSnapshot, RoomArrangement, SeatAssignment
from core.queries.arrangement import Demand
from core.rules.arrangement import ArrangementState
from core.usecases import registrations, sites
from core.usecases.arrangement import Seating
from tests.admin.conftest import OpenPanel, Panel, words
from tests.factories import SECOND, WINDOWS, codes, count, moment, one, registration_row, rows

NOW = moment("arranged")


def seating(panel: Panel) -> str:
    return f"/admin/seating/details/?id={panel.year['plan']}"


def verb(panel: Panel, name: str) -> str:
    return f"/admin/seating/do/{name}/?id={panel.year['plan']}"


def states(panel: Panel) -> set[ArrangementState]:
    return {
        one(ExamPlanSubject, panel.year[f"plan_subject:{name}"]).arrangement_state for name in ("theory", "practice")
    }


def shrink(panel: Panel, seats: int) -> None:
    """The room for the theory holds fewer than the four registered."""
    panel.year.do(
        "coordinator",
        sites.edit_room,
        room_id=panel.year["room:theory"],
        name="实训楼 theory",
        seat_count=seats,
        address="",
    )


def borrow(panel: Panel) -> Person | None:
    """The other college registers one of its own at the first college's site."""
    year = panel.year
    year.do(
        "teo",
        sites.allocate_site,
        plan_id=year["plan"],
        site_id=year["site"],
        certificate_id=year["certificate"],
        borrowing_college_id=year["other_college"],
    )
    guest = one(Candidate, year["other_student:0"])
    code, site_no = codes(year)
    row = registration_row(guest, code, site_no)
    outcome = year.do(
        "other_coordinator",
        registrations.register_by_certificate,
        plan_id=year["plan"],
        college_id=year["other_college"],
        rows=[(3, row)],
    )
    assert not outcome.refused, outcome.refused
    return guest


def test_the_teo_tries_seats_and_publishes_a_plan(panel: OpenPanel) -> None:
    place = panel("registered", NOW)
    teo = place.browser("teo")
    assert "共编排了 0 个考点，共 0 人，还剩 4 人未排考" in words(teo.get("/admin/arrangements/"))
    tried = words(teo.get(verb(place, "arrange_seats")))
    assert "8 科次将有座位" in tried
    assert "0 科次仍无座位" in tried
    assert count(SeatAssignment) == 0, "a preview seats nobody"
    assert teo.do(verb(place, "arrange_seats")).status_code == 303
    assert count(SeatAssignment) == 8
    assert states(place) == {ArrangementState.ARRANGED}
    assert "共编排了 1 个考点，共 4 人，还剩 0 人未排考" in words(teo.get(seating(place)))
    assert teo.do(verb(place, "publish_arrangement")).status_code == 303
    assert states(place) == {ArrangementState.PUBLISHED}
    assert teo.get(verb(place, "arrange_seats")).status_code == 303, "seats stand once they are published"


def test_the_preview_says_how_many_stay_without_a_seat_and_why(panel: OpenPanel) -> None:
    place = panel("registered", NOW)
    shrink(place, 3)
    teo = place.browser("teo")
    tried = words(teo.get(verb(place, "arrange_seats")))
    assert "1 科次仍无座位" in tried
    assert "理论考核：已报考 4 人，1 个考场、1 场最多安排 3 人，差 1 个考位。" in tried
    assert teo.do(verb(place, "arrange_seats")).status_code == 303
    assert states(place) == {ArrangementState.ARRANGED, ArrangementState.NOT_ARRANGED}
    shown = words(teo.get(seating(place)))
    assert "还剩 1 科次未排考" in shown
    assert "还剩 1 人未排考" in shown


def test_reasons_name_missing_rooms_and_clashes_in_time() -> None:
    without = Demand(1, "甲站点", "101", "理论考核", 5, 0, 0, 2)
    enough = Demand(1, "甲站点", "102", "实操考核", 5, 1, 10, 1)
    found = reasons(Seating(0, 7, {"101": 5, "102": 2}), [without, enough], {"101": "理论考核", "102": "实操考核"})
    assert found[0] == "甲站点 · 理论考核：已报考 5 人，还没有设置考场。"
    assert found[1].startswith("实操考核：2 人的场次或考场与其他科目在同一时间冲突")
    assert len(found) == 2


def test_clearing_takes_the_seats_back_and_keeps_the_tickets(panel: OpenPanel) -> None:
    place = panel("arranged")
    teo = place.browser("teo")
    tickets = sorted(rows(select(CandidateSnapshot.ticket_no)))
    assert teo.do(verb(place, "clear_arrangement")).status_code == 303
    assert count(SeatAssignment) == 0
    assert states(place) == {ArrangementState.NOT_ARRANGED}
    assert sorted(rows(select(CandidateSnapshot.ticket_no))) == tickets


def test_nobody_is_seated_outside_the_arrangement_window(panel: OpenPanel) -> None:
    place = panel("registered", WINDOWS["arrangement"][1])
    teo = place.browser("teo")
    filled_in = teo.hidden(verb(place, "arrange_seats"))
    with clock.pinned(WINDOWS["arrangement"][1] + SECOND):
        late = teo.client.post(verb(place, "arrange_seats"), data=filled_in)
        assert late.status_code == 422
        assert "“排考时间”已于" in words(late)
        assert teo.get(verb(place, "arrange_seats")).status_code == 303
    with clock.pinned(WINDOWS["arrangement"][0] - SECOND):
        early = teo.client.post(verb(place, "arrange_seats"), data=filled_in | {"ticket": "early"})
        assert "“排考时间”尚未开始" in words(early)
    assert count(SeatAssignment) == 0


def test_a_double_click_seats_once(panel: OpenPanel) -> None:
    place = panel("registered", NOW)
    teo = place.browser("teo")
    sent = teo.hidden(verb(place, "arrange_seats"))
    answers = [teo.client.post(verb(place, "arrange_seats"), data=sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert count(SeatAssignment) == 8


def test_colleges_read_and_do_not_arrange(panel: OpenPanel) -> None:
    place = panel("arranged")
    college = place.browser("coordinator")
    shown = words(college.get(seating(place)))
    assert "共编排了 1 个考点，共 4 人，还剩 0 人未排考" in shown
    assert "清除编排" not in shown
    assert college.get(verb(place, "arrange_seats")).status_code == 303
    forged = college.post(verb(place, "clear_arrangement"), {"row_version": "2", "ticket": "x"})
    assert forged.status_code in (409, 422)
    assert count(SeatAssignment) == 8
    for login in ("other_teo", "province", "city", "invigilator"):
        assert place.browser(login).get(seating(place)).status_code == 404, login


def test_every_seat_is_listed_with_ticket_and_a_masked_number(panel: OpenPanel) -> None:
    place = panel("arranged")
    college = place.browser("coordinator")
    student = place.year.students[0]
    shown = words(college.get("/admin/seats/?page_size=50"))
    assert student.name in shown
    assert f"{student.id_number[:3]}****{student.id_number[-4:]}" in shown
    assert student.id_number not in shown
    ticket = rows(select(CandidateSnapshot.ticket_no).order_by(CandidateSnapshot.id))[0]
    assert ticket in shown
    arrangement = rows(select(RoomArrangement.id).order_by(RoomArrangement.id))[0]
    plan = words(college.get(f"/admin/room-arrangements/details/?id={arrangement}"))
    assert student.name in plan
    assert "空位" in plan
    seat = rows(select(SeatAssignment.id))[0]
    assert college.get(f"/admin/seats/details/?id={seat}").status_code == 200


def test_a_borrower_sees_its_own_people_and_the_host_sees_its_whole_site(panel: OpenPanel) -> None:
    place = panel("registered")
    guest = borrow(place)
    assert guest is not None
    with clock.pinned(NOW):
        place.browser("teo").do(verb(place, "arrange_seats"))
        borrower, host = place.browser("other_coordinator"), place.browser("coordinator")
        lists = {browser: words(browser.get("/admin/seats/?page_size=50")) for browser in (borrower, host)}
        assert "共 2 个座位" in lists[borrower]
        assert "共 10 个座位" in lists[host]
        assert place.year.students[0].name not in lists[borrower]
        assert "还剩 0 人未排考" in words(borrower.get(seating(place)))
        arrangement = rows(select(RoomArrangement.id).order_by(RoomArrangement.id))[0]
        page = words(borrower.get(f"/admin/room-arrangements/details/?id={arrangement}"))
        assert guest.name in page
        assert "另有 4 个座位属于其他院校的考生" in page
        assert "另有" not in words(host.get(f"/admin/room-arrangements/details/?id={arrangement}"))


def test_drafts_are_nowhere_in_the_lists_of_arrangement(panel: OpenPanel) -> None:
    place = panel("planned")
    assert place.browser("teo").get(f"/admin/seating/details/?id={place.year['draft_plan']}").status_code == 404
