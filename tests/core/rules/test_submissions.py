"""What changed between two submissions, in facts and in words."""

from __future__ import annotations

from typing import Any

import pytest

from core.rules.submissions import Fate, Piece, changes_between, pieces_between

MAJOR = {
    "major_id": 1,
    "name": "软件技术（610205）",
    "requested_count": 24,
    "students_enrolled": 120,
    "full_time_teachers": 6,
}
CONTENT: dict[str, Any] = {
    "certificate_id": 1,
    "certificate": "示例证书(初级)",
    "requested_count": 24,
    "faculty_description": "<p>专任教师 6 人，其中双师型 2 人。</p>",
    "venue_description": "<p>机房 1 间</p>",
    "majors": [MAJOR],
    "files": [["a.pdf", "11"], ["b.pdf", "22"]],
}


def facts(**other: Any) -> list[tuple[str, str, str]]:
    return list(changes_between(CONTENT, CONTENT | other).facts)


def test_the_same_is_no_change() -> None:
    assert not changes_between(CONTENT, dict(CONTENT))


@pytest.mark.parametrize(
    ("other", "wanted"),
    [
        ({"requested_count": 20}, [("申请总培训人数", "24", "20")]),
        ({"certificate_id": 2, "certificate": "示例证书(中级)"}, [("申报证书", "示例证书(初级)", "示例证书(中级)")]),
        ({"majors": [MAJOR | {"requested_count": 20}]}, [("软件技术（610205） · 申请人数", "24", "20")]),
        ({"majors": [MAJOR | {"full_time_teachers": 8}]}, [("软件技术（610205） · 专任教师数", "6", "8")]),
        ({"majors": []}, [("拟申报专业 软件技术（610205）", "申请人数 24，在校学生数 120，专任教师数 6", "")]),
        ({"files": [["a.pdf", "11"]]}, [("附件", "b.pdf", "")]),
        ({"files": [["a.pdf", "11"], ["b.pdf", "22"], ["c.pdf", "33"]]}, [("附件", "", "c.pdf")]),
        ({"files": [["a.pdf", "11"], ["b.pdf", "99"]]}, [("附件", "b.pdf", "b.pdf（内容已更换）")]),
    ],
)
def test_a_changed_fact_is_named_with_what_it_was_and_is(other: dict[str, Any], wanted: list[Any]) -> None:
    assert facts(**other) == wanted


def test_an_added_major_is_named_whole() -> None:
    added = MAJOR | {"major_id": 2, "name": "护理（620201）"}
    assert facts(majors=[MAJOR, added]) == [
        ("拟申报专业 护理（620201）", "", "申请人数 24，在校学生数 120，专任教师数 6")
    ]


def test_words_are_shown_in_order_with_what_went_and_what_came() -> None:
    changed = CONTENT | {"faculty_description": "<p>专任教师 <strong>8</strong> 人，其中双师型 2 人。</p>"}
    ((title, pieces),) = changes_between(CONTENT, changed).words
    assert title == "师资情况"
    assert pieces == (
        Piece(Fate.KEPT, "专任教师 "),
        Piece(Fate.REMOVED, "6"),
        Piece(Fate.ADDED, "8"),
        Piece(Fate.KEPT, " 人，其中双师型 2 人。"),
    )


def test_a_change_of_layout_or_pictures_alone_is_said_to_be_one() -> None:
    changed = CONTENT | {"venue_description": "<p><strong>机房 1 间</strong></p>"}
    ((title, _),) = changes_between(CONTENT, changed).words
    assert title == "场地情况（仅排版或图片有变化）"


@pytest.mark.parametrize(("before", "after"), [("", "新"), ("旧", ""), ("一，二。三", "一。二，三"), ("a b", "a  b")])
def test_both_texts_can_be_read_off_the_pieces(before: str, after: str) -> None:
    pieces = list(pieces_between(before, after))
    assert "".join(piece.text for piece in pieces if piece.fate is not Fate.ADDED) == before
    assert "".join(piece.text for piece in pieces if piece.fate is not Fate.REMOVED) == after
