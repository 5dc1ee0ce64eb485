"""What goes out: blank templates, exports, failed rows; all of it opens elsewhere and comes back the same."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

from core.errors import Refusal, ValueRefused
from core.rules.candidates import CandidateState
from core.sheets.reader import read_rows
from core.sheets.spec import Column, SheetReading, SheetSpec
from core.sheets.template import write_template
from core.sheets.writer import Heading, Marked, letters, write_failed_rows, write_rows
from core.usecases.imports import RowRefused
from tests.core.sheets.broken_files import HEADER, STUDENTS, saved, some_id, student, xlsx


def written(rows: list[list[Any]], *, title: str = "") -> bytes:
    out = io.BytesIO()
    write_rows([Heading(f"列{n}") for n in range(len(rows[0]))], rows, out, title=title)
    return out.getvalue()


def opened(data: bytes) -> Worksheet:
    return openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]


def seen_by_calamine(data: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python(skip_empty_area=False)


def template(spec: SheetSpec = STUDENTS) -> bytes:
    out = io.BytesIO()
    write_template(spec, out)
    return out.getvalue()


def sentence(refusal: Refusal) -> str:
    return f"〔{refusal.sentence_code}〕"


def read(data: bytes) -> SheetReading:
    return read_rows(STUDENTS, data, file_name="学生.xlsx")


# --- exports ----------------------------------------------------------------------------------------------------------


def test_an_export_has_a_title_a_frozen_header_and_its_rows() -> None:
    sheet = opened(written([["甲", "1"], ["乙", "2"]], title="学生信息"))
    assert [[cell.value for cell in row] for row in sheet] == [
        ["学生信息", None],
        ["列0", "列1"],
        ["甲", "1"],
        ["乙", "2"],
    ]
    assert sheet.title == "学生信息"
    assert sheet.freeze_panes == "A3"
    assert [str(merged) for merged in sheet.merged_cells.ranges] == ["A1:B1"]
    assert sheet["A2"].font.bold
    assert sheet["A3"].border.left.style == "thin"


def test_an_export_of_more_rows_than_one_block_loses_none(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    count = write_rows([Heading("序号")], ([str(n)] for n in range(1_234)), path)
    assert count == 1_234
    assert seen_by_calamine(path.read_bytes()) == [["序号"], *([str(n)] for n in range(1_234))]


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", '=HYPERLINK("http://a","b")', "\t=1", "'=1", "|cmd"])
def test_nothing_written_is_ever_a_formula(text: str) -> None:
    cell = opened(written([[text]]))["A2"]
    assert cell.data_type == "s"
    assert cell.value == text
    assert cell.number_format == "@"
    assert cell.quotePrefix


@pytest.mark.parametrize(
    "text", ["<b>&amp;</b>", " 空格 ", "𠮷野家", "a\nb", "a\x0bb\x00", "_x000B_", "]]>", "\"'", "x" * 40_000]
)
def test_any_text_survives_being_written_and_read(text: str) -> None:
    assert seen_by_calamine(written([[text, "隔壁"]]))[1] == [text[:32_767], "隔壁"]


def test_values_are_written_as_the_office_reads_them() -> None:
    instant = datetime(2026, 5, 20, 1, 30, tzinfo=UTC)
    row = [CandidateState.VERIFIED, True, False, None, date(2026, 5, 20), instant, 3, Decimal("85.5"), 10**17]
    assert seen_by_calamine(written([row]))[1] == [
        "信息准确", "是", "否", "", "2026-05-20", "2026-05-20 09:30", 3.0, 85.5, "1E+17",
    ]  # fmt: skip


def test_the_same_rows_make_the_same_file() -> None:
    assert written([["甲"]]) == written([["甲"]])


def test_every_part_of_an_export_is_well_formed() -> None:
    with zipfile.ZipFile(io.BytesIO(written([["&", Marked("<")]], title="A&B[1]"))) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))  # noqa: S314  ours


def test_a_row_of_another_width_is_a_bug_and_not_a_shifted_row() -> None:
    with pytest.raises(ValueError, match="zip"):
        write_rows([Heading("a"), Heading("b")], [["x"]], io.BytesIO())


def test_columns_are_lettered_like_excel_does() -> None:
    assert [letters(n) for n in (0, 25, 26, 51, 52, 701, 702, 16383)] == [
        "A",
        "Z",
        "AA",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
        "XFD",
    ]


# --- failed rows ------------------------------------------------------------------------------------------------------


def failed(reading: SheetReading) -> bytes:
    out = io.BytesIO()
    write_failed_rows(reading.spec, [reading], out, sentence=sentence)
    return out.getvalue()


def test_failed_rows_carry_the_cells_as_uploaded_the_reasons_and_what_may_have_been_meant() -> None:
    reading = read(xlsx(student(1), student(2, mobile="12 3"), student(3, name="", gender="2"), [], student(2)))
    assert seen_by_calamine(failed(reading)) == [
        ["本校学生导入模板", "", "", "", "", "", ""],
        [*HEADER, "失败原因", "修改建议"],
        [*student(2, mobile="12 3"), "原第 4 行　手机号码：〔mobile_shape〕", ""],
        [
            *student(3, name="", gender="2"),
            "原第 5 行　学生姓名：〔value_missing〕　性别：〔choice_unknown〕",
            "性别：女",
        ],
        [*student(2), "原第 7 行　证件号码：〔duplicate_row〕", ""],
    ]


def test_the_wrong_cells_of_failed_rows_are_red_and_only_these() -> None:
    sheet = opened(failed(read(xlsx(student(1, mobile="1", name="")))))
    assert {cell.coordinate for cell in sheet[3] if cell.fill.fgColor.rgb == "FFFFC7CE"} == {"A3", "D3"}


def test_failed_rows_once_corrected_are_taken_by_the_same_import() -> None:
    book = openpyxl.load_workbook(io.BytesIO(failed(read(xlsx(student(1, mobile="1"), student(2, mobile="2"))))))
    book.active["D3"] = "13800138000"
    again = read(saved(book))
    assert [row["id_number"] for _, row in again.accepted] == [some_id(1)]
    assert [(error.row, error.code) for error in again.errors] == [(4, "mobile_shape")]


def test_rows_a_use_case_refused_are_among_the_failed_ones() -> None:
    reading = read(xlsx(student(1), student(2)))
    reading = reading.without([RowRefused(4, "", ValueRefused("already_there"))])
    assert seen_by_calamine(failed(reading))[2:] == [[*student(2), "原第 4 行　〔already_there〕", ""]]


@pytest.mark.parametrize("number", [110101200001010000, 12345])
def test_a_number_that_should_be_text_comes_back_as_a_number_for_its_digits_stay_in_doubt(number: int) -> None:
    returned = failed(read(xlsx(student(1, id_number=number))))
    cell = opened(returned)["C3"]
    assert (cell.value, cell.fill.fgColor.rgb) == (float(number), "FFFFC7CE")
    assert [error.code for error in read(returned).errors] == ["id_stored_as_number"]


FAULTY = (
    student(1, name="王 文丽"), student(2, gender="2"), student(3, id_number="11010120000101003"),
    student(4, id_number=110101200001010010), student(5, id_number="1.1E+17"), student(6, mobile="=1+1", year="#N/A"),
    student(7, year="20/21"), student(8, name="", mobile=1380013800013800138.0),
)  # fmt: skip


def test_failed_rows_sent_again_unchanged_fail_alike() -> None:
    first = read(xlsx(*FAULTY))
    again = read(failed(first))
    assert len(first.rejected) == len(FAULTY)
    assert [(e.row, e.column, e.code, e.suggestion) for e in again.errors] == [
        (e.row, e.column, e.code, e.suggestion) for e in first.errors
    ]


def test_what_was_uploaded_as_a_formula_comes_back_as_text_in_every_column() -> None:
    sheet = opened(failed(read(xlsx(student(1, name="=1+1", mobile='\'=HYPERLINK("http://a")', gender="@SUM(A1)")))))
    assert {cell.data_type for cell in sheet[3] if cell.value} == {"s"}


# --- templates --------------------------------------------------------------------------------------------------------


def test_a_template_has_title_starred_header_and_no_rows() -> None:
    sheet = opened(template())
    assert [[cell.value for cell in row] for row in sheet] == [["本校学生导入模板", *[None] * 4], HEADER]
    assert sheet.freeze_panes == "A3"


def test_every_column_of_a_template_is_text_so_that_numbers_keep_their_digits() -> None:
    sheet = opened(template())
    assert {sheet.column_dimensions[letter].number_format for letter in "ABCDE"} == {"@"}
    assert sheet.column_dimensions["C"].width == 24


def test_a_template_explains_its_columns_and_offers_choices() -> None:
    sheet = opened(template())
    assert "18 位身份证号码" in sheet["C2"].comment.text
    assert "王文丽" in sheet["A2"].comment.text
    [drop_down] = sheet.data_validations.dataValidation
    assert (drop_down.formula1, str(drop_down.sqref)) == ('"男,女"', "B3:B50000")
    guide = openpyxl.load_workbook(io.BytesIO(template()))["填写说明"]
    words = [cell.value for row in guide for cell in row]
    assert "一名学生只导入一次。" in words
    assert "可填：男、女" in words


def test_choices_too_long_for_a_drop_down_are_only_explained() -> None:
    many = tuple(f"选项{n:04}" for n in range(60))
    spec = SheetSpec(
        "s", "表", 1, (Column("项", "item", str, choices=many), Column("类", "kind", str, choices=("a,b", "c")))
    )
    assert opened(template(spec)).data_validations.dataValidation == []


def test_a_template_filled_in_is_taken_by_the_import() -> None:
    book = openpyxl.load_workbook(io.BytesIO(template()))
    book.worksheets[0].append(student(1))
    reading = read(saved(book))
    assert [number for number, _ in reading.accepted] == [3]
    assert reading.ignored_sheets == ()
