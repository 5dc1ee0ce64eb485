"""What a site prints before the exam: tickets, sign-in sheets, door and desk labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from core.documents.admission_ticket import CANDIDATE_RULES, Sitting, TicketFacts, draw_tickets
from core.documents.desk_label import DeskLabelFacts, draw_desk_labels
from core.documents.door_label import SEATS_PER_PAGE, DoorLabelFacts, DoorSeat, draw_door_labels
from core.documents.sign_in_sheet import ROWS_PER_PAGE, SignInRow, SignInSheetFacts, draw_sign_in_sheets
from core.errors import NotReady
from tests.core.documents.conftest import NAMES, portrait
from tests.core.documents.opened import Opened, opened

PRINTED_AT = datetime(2026, 9, 16, 2, 24, tzinfo=UTC)
MORNING = datetime(2026, 9, 19, 1, 0, tzinfo=UTC)
ID_NUMBER = "110101200301010012"


def ticket_no(seat: int) -> str:
    return f"202609160026110000007{seat:05d}"


def a_ticket(seat: int = 9, name: str = "王文丽") -> TicketFacts:
    theory = Sitting(
        "老年照护理论考核",
        "机考",
        MORNING,
        MORNING + timedelta(hours=1.5),
        "2号楼102",
        "北京市海淀区学院路38号102室",
        seat,
    )
    practice = replace(
        theory,
        subject="老年照护实操考核",
        mode="实操",
        room="实训中心310",
        starts_at=MORNING + timedelta(hours=4),
        ends_at=MORNING + timedelta(hours=6),
    )
    return TicketFacts(
        plan_no="202609160026",
        plan_name="2026年9月老年照护职业技能等级证书考核",
        ticket_no=ticket_no(seat),
        name=name,
        id_type="居民身份证",
        id_number=ID_NUMBER,
        college="新希望职业技术学院",
        certificate="老年照护职业技能等级证书",
        level="初级",
        site="新希望职业技术学院考核站点",
        sittings=(practice, theory),
        photo=portrait(),
        qr=f"https://exam.example.cn/t/{ticket_no(seat)}",
    )


def tickets(*facts: TicketFacts) -> Opened:
    out = BytesIO()
    draw_tickets(facts, out, printed_at=PRINTED_AT)
    return opened(out.getvalue())


def test_a_ticket_says_everything_the_candidate_needs() -> None:
    page = tickets(a_ticket()).pages[0]

    for fact in (
        "准 考 证", "王文丽", ID_NUMBER, "居民身份证", ticket_no(9), "202609160026", "老年照护职业技能等级证书（初级）",
        "新希望职业技术学院考核站点", "老年照护理论考核", "机考", "2026年9月19日 09:00—10:30", "2号楼102",
        "北京市海淀区学院路38号102室", "老年照护实操考核", "13:00—15:00", "实训中心310", "打印时间 2026-09-16 10:24",
    ):  # fmt: skip
        assert fact.replace(" ", "") in page.replace(" ", ""), fact
    assert all(rule in page for rule in CANDIDATE_RULES)


def test_the_level_stands_once_in_the_name_of_the_certificate() -> None:
    page = tickets(replace(a_ticket(), certificate="老年照护职业技能等级证书(初级)")).pages[0]

    assert "老年照护职业技能等级证书（初级）" in page
    assert page.count("初级") == 1


def test_the_subjects_stand_in_the_order_of_their_times() -> None:
    page = tickets(a_ticket()).pages[0]

    assert page.index("老年照护理论考核") < page.index("老年照护实操考核")


def test_every_candidate_has_a_page_with_the_whole_name() -> None:
    pdf = tickets(*[a_ticket(seat, name) for seat, name in enumerate(NAMES, 1)])

    assert len(pdf.pages) == len(NAMES)
    for seat, (page, name) in enumerate(zip(pdf.pages, NAMES, strict=True), 1):
        assert name in page
        assert ticket_no(seat) in page
    assert all(pdf.fonts.values())


def test_a_ticket_without_a_photo_leaves_a_place_for_one() -> None:
    assert "照片" in tickets(replace(a_ticket(), photo=None)).pages[0]


def test_a_ticket_with_many_subjects_still_is_one_page() -> None:
    first = a_ticket().sittings[1]
    many = tuple(
        replace(first, subject=f"第{n}科目考核", starts_at=first.starts_at + timedelta(hours=n)) for n in range(1, 13)
    )

    pdf = tickets(replace(a_ticket(), sittings=many))

    assert len(pdf.pages) == 1
    assert all(f"第{n}科目考核" in pdf.pages[0] for n in range(1, 13))
    assert CANDIDATE_RULES[-1] in pdf.pages[0]


def a_sheet(count: int) -> SignInSheetFacts:
    rows = tuple(
        SignInRow(seat, NAMES[seat % len(NAMES)], ID_NUMBER, ticket_no(seat), "新希望职业技术学院")
        for seat in range(count, 0, -1)
    )
    return SignInSheetFacts(
        plan_no="202609160026",
        room="2号楼102",
        site="新希望考核站点",
        college="新希望职业技术学院",
        subject="老年照护理论考核",
        certificate="老年照护职业技能等级证书",
        level="初级",
        starts_at=MORNING,
        ends_at=MORNING + timedelta(hours=1.5),
        rows=rows,
        invigilators=("赵敏", "孙立"),
        patrols=("周正",),
    )


def sign_in(*facts: SignInSheetFacts) -> Opened:
    out = BytesIO()
    draw_sign_in_sheets(facts, out, printed_at=PRINTED_AT)
    return opened(out.getvalue())


def test_the_sign_in_sheet_has_the_head_of_the_office_form() -> None:
    page = sign_in(a_sheet(3)).pages[0]

    for label in (
        "考场名称", "考核站点", "所属院校", "考试科目", "考试证书", "证书等级", "考试时间", "监考老师", "巡考老师",
        "应考人数", "实考人数", "缺考人数",
    ):  # fmt: skip
        assert label in page, label
    assert "赵敏、孙立" in page
    assert "周正" in page


def test_candidates_stand_by_seat_with_whole_names_and_masked_id_numbers() -> None:
    page = sign_in(a_sheet(len(NAMES))).pages[0]

    places = [page.index(ticket_no(seat)) for seat in range(1, len(NAMES) + 1)]
    assert places == sorted(places)
    assert all(name in page for name in NAMES)
    assert ID_NUMBER not in page
    assert "110****0012" in page


def test_long_rooms_go_on_over_pages_that_are_counted_per_sheet() -> None:
    pdf = sign_in(a_sheet(ROWS_PER_PAGE * 2 + 1), a_sheet(1))

    assert len(pdf.pages) == 4
    for page, number in zip(
        pdf.pages, ("第 1 页 共 3 页", "第 2 页 共 3 页", "第 3 页 共 3 页", "第 1 页 共 1 页"), strict=True
    ):
        assert number in page
        assert "签名" in page
        assert "计划编号 202609160026" in page
    assert sum(page.count("110****0012") for page in pdf.pages) == ROWS_PER_PAGE * 2 + 2


def test_attendance_is_left_blank_until_it_is_entered() -> None:
    blank = sign_in(a_sheet(3)).text
    entered = sign_in(replace(a_sheet(3), present=1, absent=2)).text

    assert len(entered) == len(blank) + 2


def test_the_door_label_lists_who_sits_inside() -> None:
    seats = tuple(
        DoorSeat(seat, NAMES[seat % len(NAMES)], ticket_no(seat)) for seat in range(SEATS_PER_PAGE + 1, 0, -1)
    )
    out = BytesIO()
    facts = DoorLabelFacts(
        "202609160026", "2号楼102", "学院路38号", "新希望考核站点", "老年照护理论考核", "老年照护职业技能等级证书",
        "初级", MORNING, MORNING + timedelta(hours=1.5), seats,
    )  # fmt: skip

    draw_door_labels([facts], out, printed_at=PRINTED_AT)
    pdf = opened(out.getvalue())

    assert len(pdf.pages) == 2
    assert "2号楼102" in pdf.pages[0]
    assert "2026年9月19日 09:00—10:30" in pdf.pages[0]
    assert f"{SEATS_PER_PAGE + 1} 人（1—{SEATS_PER_PAGE + 1} 号座位）" in pdf.pages[0]
    assert all(name in pdf.pages[0] for name in NAMES)
    assert ticket_no(SEATS_PER_PAGE + 1) in pdf.pages[1]


def test_desk_labels_match_the_tickets_and_hide_the_id_number() -> None:
    out = BytesIO()
    labels = [
        DeskLabelFacts(seat, NAMES[seat % len(NAMES)], ticket_no(seat), ID_NUMBER, "2号楼102", "老年照护理论考核")
        for seat in range(1, 26)
    ]

    draw_desk_labels(labels, out, printed_at=PRINTED_AT)
    pdf = opened(out.getvalue())

    assert [page.count("准考证号") for page in pdf.pages] == [24, 1]
    assert all(label.ticket_no in pdf.text and label.name in pdf.text for label in labels)
    assert ID_NUMBER not in pdf.text


@pytest.mark.parametrize("draw", [draw_tickets, draw_sign_in_sheets, draw_door_labels, draw_desk_labels])
def test_nothing_to_print_is_refused(draw) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotReady, match="nothing_to_print"):
        draw([], BytesIO(), printed_at=PRINTED_AT)
