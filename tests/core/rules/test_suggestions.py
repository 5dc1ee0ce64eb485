"""What a refused cell may have meant: proposed where it can be known, and nothing where it cannot (R-076, R-079)."""

from __future__ import annotations

import pytest

from core.rules.likeness import is_one_slip, only_near
from core.rules.suggestions import near_major, proposal
from core.rules.values import EducationLevel, Gender, IdType, id_check

GENDERS, ID_TYPES, LEVELS = (tuple(word.label for word in words) for words in (Gender, IdType, EducationLevel))


def identity(first_17: str) -> str:
    return first_17 + id_check(first_17)


ENDS_IN_X = next(number for n in range(100, 999) if (number := identity(f"11010120000101{n}")).endswith("X"))


@pytest.mark.parametrize(
    ("typed", "meant", "expected"),
    [
        ("610205", "610250", True),
        ("610205", "610206", True),
        ("61020", "610205", True),
        ("6102055", "610205", True),
        ("610205", "610205", False),
        ("610205", "601250", False),
        ("", "6", True),
        ("", "", False),
        ("ab", "ba", True),
        ("abcd", "badc", False),
    ],
)
def test_a_slip_is_one_character_or_two_swapped(typed: str, meant: str, expected: bool) -> None:
    assert is_one_slip(typed, meant) is is_one_slip(meant, typed) is expected


def test_of_two_words_equally_near_none_is_proposed() -> None:
    assert only_near("610205", ["610206", "630701"]) == "610206"
    assert only_near("610205", ["610206", "610207"]) is None


@pytest.mark.parametrize(
    ("code", "typed", "choices", "meant"),
    [
        ("choice_unknown", "1", GENDERS, "男"),
        ("choice_unknown", " ２ ", GENDERS, "女"),
        ("choice_unknown", "女生", GENDERS, "女"),
        ("choice_unknown", "不详", GENDERS, None),
        ("choice_unknown", "3", GENDERS, None),
        ("choice_unknown", "大专生", LEVELS, "高职(专科)"),
        ("choice_unknown", "专升本", LEVELS, "本科"),
        ("choice_unknown", "研究牲", LEVELS, "研究生"),
        ("choice_unknown", "高中", LEVELS, None),
        ("choice_unknown", "1", LEVELS, None),
        ("choice_unknown", "身份正", ID_TYPES, "身份证"),
        ("choice_unknown", "SFZ", ID_TYPES, "身份证"),
        ("choice_unknown", "学生证", ID_TYPES, None),
        ("year_shape", "20/21", (), "2020"),
        ("year_shape", "20/25", (), None),
        ("year_shape", "2020-2021学年", (), "2020"),
        ("year_shape", "20级", (), "2020"),
        ("year_shape", "二〇二一年", (), "2021"),
        ("year_shape", "二零二五", (), "2025"),
        ("year_shape", "2021年秋季", (), "2021"),
        ("year_shape", "44075", (), "2020"),
        ("year_shape", "去年", (), None),
        ("year_shape", "2020或2021", (), None),
        ("name_shape", "1.王文丽", (), "王文丽"),
        ("name_shape", "王文丽（女）", (), "王文丽"),
        ("name_shape", "王Wen丽", (), None),
        ("mobile_shape", "138O0138000", (), "13800138000"),
        ("mobile_shape", "013800138000", (), "13800138000"),
        ("mobile_shape", "13800138000（父亲）", (), "13800138000"),
        ("mobile_shape", "13800138000/13900139000", (), None),
        ("mobile_shape", "12345", (), None),
        ("major_code_shape", "软件技术(610205)", (), "610205"),
        ("major_code_shape", "610205/610206", (), None),
        ("id_number_shape", ENDS_IN_X[:17], (), ENDS_IN_X),
        ("id_number_shape", ENDS_IN_X[:17] + "×", (), ENDS_IN_X),
        ("id_number_shape", ENDS_IN_X.replace("0", "O"), (), ENDS_IN_X),
        ("id_number_shape", "1101012000010", (), None),
        ("number_shape", "30人", (), "30"),
        ("number_shape", "-3", (), None),
        ("number_shape", "2至3", (), None),
        ("code_shape", "hb-001", (), "HB001"),
        ("email_shape", "li@example。com", (), "li@example.com"),
        ("id_stored_as_number", "110101200001010000", (), None),
        ("number_rewritten", "4.2E+17", (), None),
        ("value_missing", "", (), None),
    ],
)
def test_what_may_have_been_meant(code: str, typed: str, choices: tuple[str, ...], meant: str | None) -> None:
    assert proposal(code, typed, choices) == meant


def test_seventeen_digits_are_only_completed_where_just_an_x_can_have_been_lost() -> None:
    ends_in_digit = identity("11010120000101003")
    assert ends_in_digit[17] != "X"
    assert proposal("id_number_shape", ends_in_digit[:17]) is None


MAJORS = {"610205": "软件技术", "610301": "通信技术", "630701": "市场营销", "630702": "汽车营销与服务", "": ""}


@pytest.mark.parametrize(
    ("code", "name", "meant"),
    [
        ("999999", "软件技术", "610205"),  # the name is right
        ("610250", "", "610205"),  # the code is a slip away
        ("999999", "软件枝术", "610205"),  # the name is a slip away
        ("63070", "", None),  # 630701 or 630702
        ("63070", "市场营销", "630701"),
        ("999999", "考古", None),
        ("", "", None),
    ],
)
def test_a_major_is_found_by_its_name_or_by_a_slip(code: str, name: str, meant: str | None) -> None:
    assert near_major(code, name, MAJORS) == meant


def test_a_name_that_two_majors_share_says_nothing() -> None:
    assert near_major("999999", "软件技术", MAJORS | {"510203": "软件技术"}) is None
