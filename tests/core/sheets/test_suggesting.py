"""Beside every fault of a row, what may have been meant; nothing is ever changed (R-076, R-079, R-297)."""

from __future__ import annotations

from typing import Any

import pytest

from core.sheets.candidates import STUDENTS
from core.sheets.reader import read_rows
from core.sheets.spec import SheetReading, SheetSpec
from tests.core.sheets.broken_files import some_id, xlsx

FOREIGNER = "H12345678"
GOOD: dict[str, Any] = {
    "name": "王文丽",
    "name_pinyin": "Wang Wenli",
    "gender": "女",
    "id_type": "身份证",
    "id_number": some_id(22),
    "mobile": "13800138000",
    "enrolment_year": "2025",
    "education_level": "高职(专科)",
    "major_name": "软件技术",
    "major_code": "610205",
}


def read(*rows: dict[str, Any], spec: SheetSpec = STUDENTS) -> SheetReading:
    cells = [[(GOOD | row)[column.field] for column in spec.columns] for row in rows]
    header = [column.heading for column in spec.columns]
    return read_rows(spec, xlsx(*cells, title=spec.title, header=header), file_name="学生.xlsx")


def faults(**changes: Any) -> list[tuple[str, str, str | None]]:
    return [(error.column, error.code, error.suggestion) for error in read(changes).errors]


ID = some_id(22)
WRONG = ID[:17] + ("1" if ID[17] != "1" else "2")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"id_number": WRONG}, [("证件号码", "id_number_check", ID)]),
        ({"id_number": "99" + WRONG[2:]}, [("证件号码", "id_number_check", None)]),
        ({"id_number": 110101200001010220}, [("证件号码", "id_stored_as_number", None)]),
        ({"id_number": "1.1E+17"}, [("证件号码", "number_rewritten", None)]),
        ({"id_number": ID.replace("0", "O")}, [("证件号码", "id_number_shape", ID)]),
        ({"mobile": 13800138000}, []),
        ({"mobile": "I3800138000"}, [("手机号码", "mobile_shape", "13800138000")]),
        ({"gender": ""}, [("性别", "value_missing", "女")]),
        ({"gender": "1"}, [("性别", "choice_unknown", "女")]),  # the number knows better
        ({"gender": "1", "id_type": "护照", "id_number": "E12345678"}, [("性别", "choice_unknown", "男")]),
        ({"enrolment_year": "2020年9月"}, []),
        ({"enrolment_year": "2020.09"}, []),
        ({"enrolment_year": "2020级"}, []),
        ({"enrolment_year": "20/21"}, [("入学年份", "year_shape", "2020")]),
        ({"education_level": "大专"}, []),
        ({"education_level": "大专生"}, [("专业层次", "choice_unknown", "高职(专科)")]),
        ({"name": "王 文丽"}, [("学生姓名", "name_has_space", "王文丽")]),
        ({"name": "王\u200b文丽\n", "mobile": "１３８００１３８０００", "id_number": f"\u00a0{ID} "}, []),
        ({"name_pinyin": "Wáng Wénlì"}, [("姓名拼音", "pinyin_tones", "Wang Wenli")]),
        ({"name_pinyin": ""}, [("姓名拼音", "value_missing", "Wang Wenli")]),
        ({"name": "曾单", "name_pinyin": "1"}, [("姓名拼音", "pinyin_shape", "Zeng Dan")]),
        ({"name": "单小雨", "name_pinyin": ""}, [("姓名拼音", "value_missing", "Shan Xiaoyu")]),
        ({"name": "仇解", "name_pinyin": "王"}, [("姓名拼音", "pinyin_shape", "Qiu Jie")]),
        ({"name": "曾小雨", "name_pinyin": "Ceng Xiaoyu"}, []),  # odd, but people may insist
    ],
)
def test_a_cell_is_refused_with_what_may_have_been_meant(
    changes: dict[str, Any], expected: list[tuple[str, str, str | None]]
) -> None:
    assert faults(**changes) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("name", "name_pinyin"), ("id_number", "mobile"), ("major_name", "major_code"), ("gender", "education_level")],
)
def test_swapped_cells_are_blamed_both_and_each_is_offered_the_other(one: str, other: str) -> None:
    found = read({one: GOOD[other], other: GOOD[one]}).errors
    titles = {column.field: column.title for column in STUDENTS.columns}
    assert {(error.column, error.code, error.suggestion) for error in found} == {
        (titles[one], "columns_swapped", GOOD[one]),
        (titles[other], "columns_swapped", GOOD[other]),
    }
    assert titles[other] in next(error.message for error in found if error.column == titles[one])


def test_a_foreign_name_beside_a_bad_pinyin_is_not_taken_for_a_swap() -> None:
    assert faults(name="Anna Smith", name_pinyin="Anna 3") == [("姓名拼音", "pinyin_shape", None)]


@pytest.mark.parametrize(
    ("id_type", "number", "meant"), [("护照", ID, "身份证"), ("身份证", FOREIGNER, "港澳居民来往内地通行证")]
)
def test_a_number_of_another_kind_of_document_puts_the_kind_in_doubt(id_type: str, number: str, meant: str) -> None:
    assert ("证件类型", "id_type_differs", meant) in faults(id_type=id_type, id_number=number)


def test_no_cell_is_changed_by_a_suggestion() -> None:
    reading = read({"gender": "1", "enrolment_year": "20/21"}, {"mobile": "1"})
    assert reading.accepted == []
    assert reading.cells[3][2] == "1"
    assert reading.cells[3][6] == "20/21"


BROKEN = (
    "", "1", "2", "王 文丽", "王文丽（女）", "Wáng", "20/21", "二〇二一", "大专生", "身份正", WRONG, ID[:17],
    "110101800101001", "138O0138000", "软件技术(610205)", "#N/A", "𠮷", "٣٣", "a" * 300, "4.2E+17", FOREIGNER, "=1+1",
    "2020-2021",
)  # fmt: skip


@pytest.mark.parametrize("field", [column.field for column in STUDENTS.columns])
def test_every_suggestion_put_into_its_cell_is_taken_there(field: str) -> None:
    """A proposal that is refused in its turn would be a joke at the coordinator's expense."""
    column = next(column for column in STUDENTS.columns if column.field == field)
    for text in BROKEN:
        for error in read({field: text}).errors:
            if error.column == column.title and error.suggestion and error.code != "columns_swapped":
                again = read({field: error.suggestion}).errors
                assert column.title not in [found.column for found in again], (text, error.suggestion)
