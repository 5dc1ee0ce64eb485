"""考场管理 in the panel: set step by step at one's own sites, until arrangement ends."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.models.sites import ExamRoom
from core.rules.catalogue import ExamMode
from core.usecases import sites
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.factories import SECOND, WINDOWS, count, moment, one, rows


def room_page(panel: Panel, **other: int) -> str:
    """The last step, with every answer given."""
    chosen = {"plan": panel.year["plan"], "site": panel.year["site"], "certificate": panel.year["certificate"]} | other
    return "/admin/rooms/do/create_room/?" + "&".join(f"{name}={ident}" for name, ident in chosen.items())


def room_form(panel: Panel, **other: Any) -> dict[str, Any]:
    """A room for both subjects."""
    return {
        "plan_subject_ids": [panel.year["plan_subject:theory"], panel.year["plan_subject:practice"]],
        "name": "实训楼 401 机房",
        "seat_count": "30",
        "region_code": "",
        "address": "示例大道 1 号实训楼 401",
    } | other


def test_each_answer_narrows_the_next_question_and_the_address_is_already_there(panel: OpenPanel) -> None:
    place = panel("planned")
    college = place.browser("coordinator")
    page = "/admin/rooms/do/create_room/"
    first = words(college.get(page))
    assert "第 1 步：选择考试计划" in first
    assert "2026年第一次考核" in first
    assert "2026年第二次考核" not in first, "a draft is nobody's business yet"
    assert "第 2 步：选择考核站点" in words(college.get(f"{page}?plan={place.year['plan']}"))
    third = words(college.get(f"{page}?plan={place.year['plan']}&site={place.year['site']}"))
    assert "第 3 步：选择本次组织考试的证书" in third
    assert "示例证书（初级）" in third
    assert "示例证书（中级）" not in third, "R-124: plan ∩ site"
    assert 'value="示例大道 1 号实训楼"' in college.text(room_page(place))


def test_a_room_is_set_with_the_type_its_subjects_give_it(panel: OpenPanel) -> None:
    place = panel("planned")
    college, before = place.browser("coordinator"), count(ExamRoom)
    assert college.do(room_page(place), room_form(place)).status_code == 303
    (ident,) = rows(select(ExamRoom.id).where(ExamRoom.name == "实训楼 401 机房"))
    room = one(ExamRoom, ident)
    assert room.room_type == {ExamMode.COMPUTER, ExamMode.PRACTICAL}
    assert count(ExamRoom) == before + 1
    assert "机考+实操" in words(college.get(f"/admin/rooms/details/?id={ident}"))
    again = college.do(room_page(place), room_form(place))
    assert again.status_code == 422
    assert "已有名为“实训楼 401 机房”的考场" in words(again)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seat_count": "0"}, "请填写 1 到 2000 之间的整数"),
        ({"seat_count": "三十"}, "整数"),
        ({"plan_subject_ids": []}, "请至少选择一项"),
        ({"plan_subject_ids": ["999999"]}, "请从列表中选择"),
        ({"address": ""}, "不能为空"),
    ],
)
def test_bad_input_is_said_beside_its_field(panel: OpenPanel, wrong: dict[str, Any], said: str) -> None:
    place = panel("planned")
    before = count(ExamRoom)
    answer = place.browser("coordinator").do(room_page(place), room_form(place, **wrong))
    assert answer.status_code == 422
    assert said in words(answer)
    assert count(ExamRoom) == before


def test_a_borrower_sets_no_rooms_at_a_site_that_is_not_its_own(panel: OpenPanel) -> None:
    place = panel("planned")
    place.year.do(
        "teo",
        sites.allocate_site,
        plan_id=place.year["plan"],
        site_id=place.year["site"],
        certificate_id=place.year["certificate"],
        borrowing_college_id=place.year["other_college"],
    )
    other = place.browser("other_coordinator")
    assert "第 2 步：选择考核站点" in words(other.get(room_page(place)))
    forged = other.post(room_page(place), room_form(place))
    assert forged.status_code == 200, "asked for a site of its own again"
    assert not rows(select(ExamRoom.id).where(ExamRoom.name == "实训楼 401 机房"))


def test_only_the_coordinator_sets_rooms_the_signing_officer_and_the_teo_read(panel: OpenPanel) -> None:
    place = panel("planned")
    for login in ("signatory", "teo", "admin"):
        browser = place.browser(login)
        assert "实训楼 theory" in words(browser.get("/admin/rooms/"))
        assert browser.get("/admin/rooms/do/create_room/").status_code == 404
    for login in ("other_teo", "other_coordinator"):
        assert place.browser(login).get(f"/admin/rooms/details/?id={place.year['room:theory']}").status_code == 404


def test_rooms_are_changed_until_arrangement_ends_and_not_a_second_longer(panel: OpenPanel) -> None:
    place = panel("planned", WINDOWS["arrangement"][1])
    college, room = place.browser("coordinator"), place.year["room:theory"]
    page = f"/admin/rooms/do/edit_room/?id={room}"
    changed = {"name": "实训楼 302 机房", "seat_count": "12", "address": "示例大道 1 号"}
    assert college.do(page, changed).status_code == 303
    assert one(ExamRoom, room).seat_count == 12
    filled_in = college.hidden(page)
    with clock.pinned(WINDOWS["arrangement"][1] + SECOND):
        late = college.client.post(page, data=filled_in | changed | {"seat_count": "40"})
        assert late.status_code == 422
        assert "“排考时间”已于" in words(late)
        assert "没有可以设置考场的考试计划" in words(college.get("/admin/rooms/do/create_room/"))
        assert "已结束 2" in words(college.get("/admin/rooms/"))
    assert one(ExamRoom, room).seat_count == 12


def test_tabs_follow_the_arrangement_window(panel: OpenPanel) -> None:
    place = panel("planned")
    college = place.browser("coordinator")
    opens, closes = WINDOWS["arrangement"]
    for instant, word in (
        (opens - SECOND, "未排考 2"),
        (opens, "排考中 2"),
        (closes, "排考中 2"),
        (closes + SECOND, "已结束 2"),
    ):
        with clock.pinned(instant):
            assert word in words(college.get("/admin/rooms/")), instant


def test_seats_that_are_taken_stay(panel: OpenPanel) -> None:
    place = panel("arranged")
    college, room = place.browser("coordinator"), place.year["room:theory"]
    page = f"/admin/rooms/do/edit_room/?id={room}"
    fewer = college.do(page, {"name": "实训楼 theory", "seat_count": "3", "address": "示例大道 1 号"})
    assert fewer.status_code == 422
    assert "已有考生排到第 4 号座位" in words(fewer)
    gone = college.do(f"/admin/rooms/do/delete_room/?id={room}")
    assert gone.status_code == 422
    assert rows(select(ExamRoom.id).where(ExamRoom.id == room))


def test_an_empty_room_can_be_deleted(panel: OpenPanel) -> None:
    place = panel("planned")
    college, room = place.browser("coordinator"), place.year["room:theory"]
    assert college.do(f"/admin/rooms/do/delete_room/?id={room}").location.endswith("/admin/rooms/")
    assert not rows(select(ExamRoom.id).where(ExamRoom.id == room))


def test_too_few_seats_are_warned_about_after_saving_and_on_the_rooms_page(panel: OpenPanel) -> None:
    place = panel("registered")
    college, room = place.browser("coordinator"), place.year["room:theory"]
    page = f"/admin/rooms/do/edit_room/?id={room}"
    answer = college.do(page, {"name": "实训楼 theory", "seat_count": "3", "address": "示例大道 1 号"})
    assert answer.status_code == 303, words(answer)
    listed = words(college.get("/admin/rooms/"))
    assert "“理论考核”已报考 4 人" in listed
    assert "还差 1 个" in listed
    assert "差 1 个考位" in words(college.get(f"/admin/rooms/details/?id={room}"))


def test_two_people_editing_a_room_do_not_overwrite_each_other(panel: OpenPanel) -> None:
    place = panel("planned", moment("planned"))
    first: Browser = place.browser("coordinator")
    second = place.browser("second_coordinator")
    page = f"/admin/rooms/do/edit_room/?id={place.year['room:theory']}"
    early = second.hidden(page)
    changed = {"name": "实训楼 theory", "seat_count": "20", "address": "示例大道 1 号"}
    assert first.do(page, changed).status_code == 303
    late = second.client.post(page, data=early | changed | {"seat_count": "5"})
    assert late.status_code == 409
    assert one(ExamRoom, place.year["room:theory"]).seat_count == 20
