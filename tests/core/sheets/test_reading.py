"""What people upload: cleaned where it can be, else refused by the cell, and as a whole where it is no template."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from core.errors import FileRefused, ValueRefused
from core.notifications.words import sentence
from core.rules import values
from core.sheets import gate, reader, survey
from core.sheets.reader import read_rows
from core.sheets.spec import Column, SheetReading, SheetSpec
from core.usecases.imports import RowRefused
from tests.core.sheets.broken_files import (
    HEADER,
    SHEET,
    STUDENTS,
    edited,
    lying,
    ole,
    record,
    saved,
    some_id,
    student,
    xls,
    xlsx,
    zipped,
)


def read(data: bytes | Path, spec: SheetSpec = STUDENTS, file_name: str = "学生.xlsx") -> SheetReading:
    return read_rows(spec, data, file_name=file_name)


def refused(data: bytes | Path, file_name: str = "学生.xlsx") -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        read(data, file_name=file_name)
    return caught.value


def errors(reading: SheetReading) -> list[tuple[int, str, str]]:
    return [(error.row, error.column, error.code) for error in reading.errors]


def with_sheet(old: bytes, new: bytes, *rows: list[Any]) -> bytes:
    data = xlsx(*rows or [student(1)])
    assert old in _part(data)
    return edited(data, SHEET, lambda xml: xml.replace(old, new, 1))


def _part(data: bytes) -> bytes:
    found: list[bytes] = []
    edited(data, SHEET, lambda xml: found.append(xml) or xml)
    return found[0]


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_a_filled_in_template_gives_clean_rows_with_the_numbers_excel_shows(kind: str) -> None:
    rows = [student(1), student(2, year="")]
    data = xlsx(*rows) if kind == "xlsx" else xls(["本校学生导入模板"], HEADER, *rows)
    reading = read(data, file_name=f"学生.{kind}")
    assert errors(reading) == []
    assert [number for number, _ in reading.accepted] == [3, 4]
    assert reading.accepted[0][1] == {
        "name": "王文丽",
        "gender": values.Gender.FEMALE,
        "id_number": some_id(1),
        "mobile": "13800138000",
        "year": 2021,
    }
    assert reading.accepted[1][1]["year"] is None


def test_every_error_of_every_row_is_found_in_one_pass() -> None:
    reading = read(
        xlsx(
            student(1, name="", gender="不详"),
            student(2),
            student(3, id_number="110101200001010031", mobile="12345"),
        )
    )
    assert errors(reading) == [
        (3, "学生姓名", "value_missing"),
        (3, "性别", "choice_unknown"),
        (5, "证件号码", "id_number_check"),
        (5, "手机号码", "mobile_shape"),
    ]
    assert [number for number, _ in reading.accepted] == [4]
    assert reading.row_count == len(reading.accepted) + len(reading.rejected) == 3


def test_full_width_digits_and_stray_spaces_are_cleaned() -> None:
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in "13800138000")
    row = student(1, name=" 王文丽\u3000\n", mobile=f"\u00a0{wide} ", year=" 2021 ", gender="\u200b女")
    row[2] = f" {some_id(1)}\t"
    assert read(xlsx(row)).accepted == read(xlsx(student(1))).accepted


def test_empty_rows_are_skipped_and_still_counted_by_number() -> None:
    data = xlsx(student(1), [], ["", "  ", "\u3000"], student(2))
    assert [number for number, _ in read(data).accepted] == [3, 6]


def test_hidden_rows_are_read_like_any_other() -> None:
    book = openpyxl.Workbook()
    for row in (HEADER, student(1), student(2)):
        book.active.append(row)
    book.active.row_dimensions[2].hidden = True
    assert [number for number, _ in read(saved(book)).accepted] == [2, 3]


def test_leading_rows_and_columns_left_empty_do_not_shift_anything() -> None:
    book = openpyxl.Workbook()
    for at, row in ((5, HEADER), (6, student(1)), (8, student(2, mobile="1"))):
        for column, cell in enumerate(row, start=4):
            book.active.cell(at, column, cell)
    reading = read(saved(book))
    assert [number for number, _ in reading.accepted] == [6]
    assert errors(reading) == [(8, "手机号码", "mobile_shape")]


@pytest.mark.parametrize("number", [110101200001010010, 110101200001010.0, 12345])
def test_an_id_stored_as_a_number_is_refused_for_its_digits_are_gone(number: float) -> None:
    assert errors(read(xlsx(student(1, id_number=number)))) == [(3, "证件号码", "id_stored_as_number")]


def test_other_numbers_come_back_as_their_digits() -> None:
    row = read(xlsx(student(1, mobile=13800138000, year=2021.0))).accepted[0][1]
    assert (row["mobile"], row["year"]) == ("13800138000", 2021)


def test_a_number_too_long_for_excel_is_refused_in_any_column() -> None:
    assert errors(read(xlsx(student(1, mobile=1380013800013800138)))) == [(3, "手机号码", "id_stored_as_number")]


def test_a_month_that_excel_made_a_date_is_still_a_year() -> None:
    assert read(xlsx(student(1, year=date(2020, 9, 1)))).accepted[0][1]["year"] == 2020


def test_error_cells_are_named_and_not_taken_for_empty() -> None:
    data = with_sheet(
        b'<c r="E4" t="inlineStr"><is><t>2021</t></is></c>', b'<c r="E4" t="e"><v>#N/A</v></c>', student(1), student(2)
    )
    reading = read(data)
    assert errors(reading) == [(4, "入学年份", "cell_is_error")]
    assert reading.errors[0].value == "#N/A"


def test_error_cells_of_another_sheet_do_not_matter() -> None:
    book = openpyxl.load_workbook(_as_file(xlsx(student(1))))
    book.create_sheet("笔记")["E3"] = "#N/A"
    assert errors(read(saved(book))) == []


def test_formulas_are_taken_as_stored_and_never_evaluated() -> None:
    cell = b'<c r="D3"><f>HYPERLINK("http://example.com")</f><v>13900139000</v></c>'
    data = with_sheet(b'<c r="D3" t="inlineStr"><is><t>13800138000</t></is></c>', cell)
    assert read(data).accepted[0][1]["mobile"] == "13900139000"


def test_a_formula_nobody_calculated_is_an_empty_cell() -> None:
    assert errors(read(xlsx(student(1, mobile="=1+1")))) == [(3, "手机号码", "value_missing")]


def test_a_repeated_key_is_refused_naming_the_first_row() -> None:
    reading = read(xlsx(student(1), student(2), student(1, name="李雷", gender="男")))
    assert errors(reading) == [(5, "证件号码", "duplicate_row")]
    assert reading.errors[0].refusal.facts["first_row"] == 3


def test_a_repeat_is_told_even_where_the_row_is_wrong_otherwise() -> None:
    reading = read(xlsx(student(1, mobile="1"), student(1, mobile="2")))
    assert errors(reading) == [
        (3, "手机号码", "mobile_shape"),
        (4, "手机号码", "mobile_shape"),
        (4, "证件号码", "duplicate_row"),
    ]


def test_a_key_that_cannot_be_read_repeats_nothing() -> None:
    reading = read(xlsx(student(1, id_number="1"), student(1, id_number="1")))
    assert {code for _, _, code in errors(reading)} == {"id_number_shape"}


def test_a_blank_becomes_what_the_cleaner_of_an_optional_column_makes_of_it() -> None:
    absent = Column("缺考", "absent", values.absence, required=False)
    spec = SheetSpec("s", "成绩", 1, (Column("考号", "no", values.ticket_no), absent))
    reading = read(xlsx(["1", ""], ["2", "缺考"], title=None, header=["*考号", "缺考"]), spec)
    assert [row["absent"] for _, row in reading.accepted] == [False, True]


def test_a_blank_in_a_required_column_is_refused_whatever_the_cleaner_says() -> None:
    spec = SheetSpec("s", "成绩", 1, (Column("考号", "no", str), Column("备注", "note", str, required=False)))
    reading = read(xlsx(["", "x"], title=None, header=["考号", "备注"]), spec)
    assert errors(reading) == [(2, "考号", "value_missing")]


def test_a_use_case_can_take_rows_back_and_point_at_the_cell() -> None:
    reading = read(xlsx(student(1), student(2)))
    reading = reading.without([RowRefused(4, "mobile", ValueRefused("choice_unknown", value="", allowed=""))])
    assert errors(reading) == [(4, "手机号码", "choice_unknown")]
    assert reading.errors[0].value == "13800138000"
    assert [number for number, _ in reading.accepted] == [3]


def test_an_error_answers_in_the_shape_the_command_line_promises() -> None:
    error = read(xlsx(student(1, mobile="1"))).errors[0]
    assert error.as_json() == {
        "row": 3, "column": "手机号码", "code": "mobile_shape", "value": "1", "message": sentence(error.refusal),
        "suggestion": None,
    }  # fmt: skip


PEOPLE = SheetSpec(
    "people",
    "人员",
    1,
    columns=(
        Column("证件号码", "id_number", values.document_number, judged_by="id_type", text_only=True),
        Column("证件类型", "id_type", values.id_type),
    ),
    key=("id_type", "id_number"),
)


def people(*rows: tuple[Any, str]) -> SheetReading:
    return read(xlsx(*rows, header=["证件号码", "证件类型"]), PEOPLE)


def test_a_number_is_judged_by_the_kind_of_document_wherever_that_column_stands() -> None:
    reading = people(("e12 345678", "护照"), (some_id(1), "身份证"), ("E12345678", "身份证"), ("1", "护照"))
    assert [row["id_number"] for _, row in reading.accepted] == ["E12345678", some_id(1)]
    assert errors(reading) == [(5, "证件号码", "id_number_shape"), (6, "证件号码", "other_id_shape")]


def test_a_number_that_cannot_be_judged_is_not_blamed() -> None:
    reading = people(("E12345678", "学生证"), ("E12345678", "学生证"), ("", "护照"), (12345678, "护照"))
    assert errors(reading) == [
        (3, "证件类型", "choice_unknown"),
        (4, "证件类型", "choice_unknown"),
        (5, "证件号码", "value_missing"),
        (6, "证件号码", "id_stored_as_number"),
    ]


def test_judged_numbers_that_repeat_are_found() -> None:
    assert errors(people(("E12345678", "护照"), ("e12345678", "护照"))) == [(4, "证件号码、证件类型", "duplicate_row")]


# --- columns ----------------------------------------------------------------------------------------------------------


def test_a_renamed_column_refuses_the_file_and_says_which() -> None:
    refusal = refused(xlsx(student(1), header=[*HEADER[:3], "*电话", HEADER[4]]))
    assert refusal.sentence_code == "columns_differ"
    assert refusal.rule == "R-297"
    assert refusal.facts["missing"] == ["手机号码"]
    assert refusal.facts["unknown"] == ["电话"]


@pytest.mark.parametrize(
    ("header", "fact", "title"),
    [
        (HEADER[:4], "missing", "入学年份"),
        ([*HEADER, "备注"], "unknown", "备注"),
        ([*HEADER, "手机号码"], "repeated", "手机号码"),
    ],
)
def test_a_missing_extra_or_repeated_column_refuses_the_file(header: list[str], fact: str, title: str) -> None:
    refusal = refused(xlsx(student(1), header=header))
    assert {name: refusal.facts[name] for name in ("missing", "unknown", "repeated")} == {
        "missing": [], "unknown": [], "repeated": [],
    } | {fact: [title]}  # fmt: skip


def test_columns_in_another_order_are_taken_by_their_titles() -> None:
    data = xlsx(student(1)[::-1], header=HEADER[::-1])
    assert read(data).accepted == read(xlsx(student(1))).accepted


def test_titles_may_have_lost_their_star_or_gained_spaces() -> None:
    header = ["学生姓名", " ＊性别", "* 证件\n号码", "*手机号码\u3000", "*入学年份"]
    assert read(xlsx(student(1), header=header)).accepted == read(xlsx(student(1))).accepted


def test_the_columns_of_failed_rows_are_no_strangers() -> None:
    assert read(xlsx([*student(1), "手机号码有误"], header=[*HEADER, "失败原因"])).errors == []
    assert read(xlsx([*student(1), "有误", "13800138000"], header=[*HEADER, "失败原因", "修改建议"])).errors == []


def test_only_the_first_visible_sheet_is_read_and_the_others_are_named() -> None:
    book = openpyxl.load_workbook(_as_file(xlsx(student(1))))
    book.create_sheet("第二页").append(["别的"])
    book.create_sheet("藏", 0).sheet_state = "hidden"
    book.create_sheet("填写说明")
    reading = read(saved(book))
    assert len(reading.accepted) == 1
    assert set(reading.ignored_sheets) == {"第二页", "藏"}


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "file_name", "code"),
    [
        (b"", "a.xlsx", "file_empty"),
        (b"name,id\n", "a.csv", "file_is_csv"),
        (b"name,id\n", "a.xlsx", "file_not_excel"),
        (b"<html><table></table></html>", "a.xls", "file_not_excel"),
        (b"%PDF-1.4", "a.pdf", "file_kind"),
        (b"x", "学生", "file_kind"),
        (xlsx(student(1)), "a.xlsm", "file_with_macros"),
        (edited(xlsx(student(1)), "xl/vbaProject.bin", lambda _: b"x"), "a.xlsx", "file_with_macros"),
        (xls(HEADER, student(1), _VBA_PROJECT_CUR=b"x"), "a.xls", "file_with_macros"),
        (ole(EncryptedPackage=b"x", EncryptionInfo=b"x"), "a.xlsx", "file_encrypted"),
        (xls(HEADER, student(1), before=record(0x2F, bytes(54))), "a.xls", "file_encrypted"),
        (zipped({"word/document.xml": b"<w/>"}), "a.xlsx", "file_not_excel"),
        (xlsx(student(1))[:-300], "a.xlsx", "file_damaged"),
        (xls(HEADER, student(1))[:3000], "a.xls", "file_damaged"),
        (edited(xlsx(student(1)), SHEET, lambda xml: xml[:-60]), "a.xlsx", "file_damaged"),
        (saved(openpyxl.Workbook()), "a.xlsx", "sheet_empty"),
        (xlsx(["", ""], title=None, header=[" "]), "a.xlsx", "sheet_empty"),
        (xlsx(), "a.xlsx", "sheet_without_rows"),
        (xlsx(["甲", "乙"], title=None, header=["a", "b"]), "a.xlsx", "columns_differ"),
    ],
)
def test_a_file_that_is_no_filled_in_template_is_refused_in_its_own_words(
    data: bytes, file_name: str, code: str
) -> None:
    assert refused(data, file_name).sentence_code == code


def test_what_a_file_is_its_content_decides_not_its_name() -> None:
    assert len(read(xlsx(student(1)), file_name="学生.XLS").accepted) == 1
    assert len(read(xls(HEADER, student(1)), file_name="学生.xlsx").accepted) == 1


def test_a_file_of_100_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    refusal = refused(path)
    assert refusal.sentence_code == "file_too_large"
    assert (refusal.facts["size_mb"], refusal.facts["limit_mb"]) == (100, 20)


def test_a_workbook_may_come_as_a_path(tmp_path: Path) -> None:
    path = tmp_path / "学生.xlsx"
    path.write_bytes(xlsx(student(1)))
    assert len(read(path).accepted) == 1


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 KB instead of 128 MB, so that a bomb of a test need not be one."""
    monkeypatch.setattr(gate, "INFLATED_BYTES", 64 * 1024)
    monkeypatch.setattr(survey, "INFLATED_BYTES", 64 * 1024)
    monkeypatch.setattr(gate.open_zip, "__kwdefaults__", {"entries": 20, "inflated": 64 * 1024})


@pytest.mark.usefixtures("small_limits")
def test_a_zip_bomb_is_refused_by_what_it_promises() -> None:
    assert refused(edited(xlsx(student(1)), "xl/media/a", lambda _: bytes(10**6))).sentence_code == "zip_inflates"


@pytest.mark.usefixtures("small_limits")
def test_a_zip_bomb_that_lies_about_its_size_is_refused_by_what_it_holds() -> None:
    bomb = lying(edited(xlsx(student(1)), "xl/media/a", lambda _: bytes(10**6)), claim=10)
    assert refused(bomb).sentence_code == "zip_inflates"


@pytest.mark.usefixtures("small_limits")
def test_a_package_of_too_many_parts_is_refused() -> None:
    parts = {"xl/workbook.xml": b"<w/>"} | {f"xl/{n}": b"" for n in range(20)}
    assert refused(zipped(parts)).sentence_code == "zip_too_many_entries"


FAR = b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row></sheetData>'


@pytest.mark.parametrize(
    "cells",
    [
        FAR,
        FAR.replace(b"<c r=", b"<c  r="),
        FAR.replace(b'"XFD1048576"', b"'XFD1048576'"),
        FAR.replace(b"<row", b"<x:row xmlns:x='http://schemas.openxmlformats.org/x'").replace(b"</row", b"</x:row"),
        b'<row r="9999999"><c><v>1</v></c></row></sheetData>',
    ],
)
def test_one_far_away_cell_cannot_take_the_process_down(cells: bytes) -> None:
    assert refused(with_sheet(b"</sheetData>", cells)).sentence_code == "sheet_too_large"


def test_a_place_that_does_not_exist_is_damage() -> None:
    assert refused(with_sheet(b'r="A3"', b'r="A99999999999"')).sentence_code == "file_damaged"


def test_entities_are_not_expanded() -> None:
    data = with_sheet(b"<worksheet", b'<!DOCTYPE w [<!ENTITY a "b">]><worksheet')
    odd = edited(data, SHEET, lambda xml: xml.replace(b'<c r="A3"', b'<c  r="A3"'))
    assert refused(odd).sentence_code == "file_damaged"


def test_far_away_cells_without_content_are_ghosts_and_harmless() -> None:
    ghosts = b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'
    assert len(read(with_sheet(b"</sheetData>", ghosts)).accepted) == 1


def test_an_xls_too_large_is_refused_like_an_xlsx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "AREA", 1_000)
    refusal = refused(xls(HEADER, student(1), far=(199, 9)), "a.xls")
    assert refusal.sentence_code == "sheet_too_large"
    assert (refusal.facts["row"], refusal.facts["column"]) == (200, 10)


def test_an_xls_that_makes_its_reader_abort_is_a_damaged_file() -> None:
    assert refused(xls(HEADER, student(1), far=(65535, 65535)), "a.xls").sentence_code == "file_damaged"


def test_titles_and_fields_of_a_sheet_are_unique_and_its_key_exists() -> None:
    with pytest.raises(ValueError, match="students"):
        replace(STUDENTS, key=("shoe_size",))
    with pytest.raises(ValueError, match="students"):
        replace(STUDENTS, columns=STUDENTS.columns + STUDENTS.columns[:1])


def _as_file(data: bytes) -> io.BytesIO:
    return io.BytesIO(data)


def test_a_refused_file_says_in_chinese_which_columns_differ() -> None:
    said = sentence(refused(xlsx(student(1), header=[*HEADER, "备注"])))
    assert "缺少的列：无；多出的列：备注；重复的列：无" in said
    assert "没有导入任何数据" in said
