"""A file that does not say which sheet it is: recognised by its top, at the price of its top, whoever made it."""

from __future__ import annotations

import io
import time
from typing import Any

import openpyxl
import pytest

from core.errors import FileRefused
from core.sheets import desk, head
from core.sheets.candidates import STUDENTS
from core.sheets.catalogue import SHEETS
from core.sheets.reader import HEADER_WITHIN, open_sheet
from core.sheets.recognise import require_photos, sheets_of
from core.sheets.spec import shown
from core.sheets.writer import Heading, write_rows
from tests.core.sheets.broken_files import SHEET, edited, photo, saved, xls, xlsx, zipped
from tests.core.sheets.corpus.test_corpus import CORPUS
from tests.core.sheets.corpus.workbooks import Case
from tests.core.sheets.test_two_readers import workbook

SAME_COLUMNS = ("candidates", "social-candidates")
LINE = ["林小明", "Lin Xiaoming", "男", "身份证", "110101200001010010", "13800138000", "2025", "高职(专科)", "", ""]


def heading(sheet: str) -> list[str]:
    return [column.heading for column in SHEETS[sheet].spec.columns]


def kind_of(data: bytes, file_name: str = "表.xlsx") -> tuple[str, ...]:
    return sheets_of(data, file_name=file_name)


def refused(data: bytes, file_name: str = "表.xlsx") -> str:
    with pytest.raises(FileRefused) as caught:
        sheets_of(data, file_name=file_name)
    return caught.value.sentence_code


# -- what it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_template_of_every_sheet_is_recognised_as_itself(sheet: str) -> None:
    assert kind_of(desk.template_bytes(sheet)) == (sheet,)


@pytest.mark.parametrize("sheet", SHEETS)
def test_what_was_exported_or_came_back_as_failed_rows_is_recognised(sheet: str) -> None:
    spec, out = SHEETS[sheet].spec, io.BytesIO()
    headings = [*(Heading(column.heading) for column in spec.columns), Heading("失败原因"), Heading("修改建议")]
    write_rows(headings, [["x"] * len(headings)], out, title=spec.title)
    assert kind_of(out.getvalue()) == (sheet,)


@pytest.mark.parametrize("sheet", SHEETS)
def test_without_its_title_row_a_sheet_is_known_by_its_columns(sheet: str) -> None:
    found = kind_of(xlsx(title=None, header=heading(sheet)))
    assert found == (SAME_COLUMNS if sheet in SAME_COLUMNS else (sheet,))


@pytest.mark.parametrize("sheet", SHEETS)
def test_an_xls_is_recognised_with_and_without_its_title(sheet: str) -> None:
    titled, header = [SHEETS[sheet].spec.title], heading(sheet)
    assert kind_of(xls(titled, header), "表.xls") == (sheet,)
    assert sheet in kind_of(xls(header), "表.xls")


def test_columns_may_stand_in_another_order_and_wear_stars_or_blanks() -> None:
    header = [f" {title.replace('*', '')} " for title in reversed(heading("scores"))]
    assert kind_of(xlsx(title=None, header=header)) == ("scores",)


def test_a_title_row_decides_whatever_became_of_the_columns() -> None:
    header = ["姓名", "身份证号", "电话"]
    assert kind_of(xlsx(title="社会考生导入模板", header=header)) == ("social-candidates",)
    assert kind_of(xlsx(title="江城学院 科目成绩导入模板（第二批）", header=heading("candidates"))) == ("scores",)


def test_a_sentence_that_mentions_a_sheet_is_no_title() -> None:
    note = "请各系按照学校通知的要求认真填写，不要使用去年的社会考生导入模板，也不要改动任何列名"
    assert kind_of(xlsx(title=note, header=heading("candidates"))) == SAME_COLUMNS


def test_a_column_too_many_is_forgiven_and_a_renamed_one_is_not() -> None:
    header = heading("majors")
    assert kind_of(xlsx(title=None, header=[*header, "备注"])) == ("majors",)
    assert kind_of(xlsx(title=None, header=["代码", *header[1:]])) == ()


@pytest.mark.parametrize(
    "header",
    [["证件号码"], ["日期", "金额", "经办人"], ["学生姓名", "证件号码", "宿舍", "床位", "班主任", "备注"], ["1", "2"]],
)
def test_an_unknown_workbook_is_nothing(header: list[str]) -> None:
    assert kind_of(xlsx(title=None, header=header)) == ()


def test_the_header_may_stand_a_few_lines_down_but_not_out_of_sight() -> None:
    def below(lines: int) -> bytes:
        book = openpyxl.Workbook()
        for at, title in enumerate(heading("scores"), start=1):
            book.active.cell(lines + 1, at, title)
        return saved(book)

    assert kind_of(below(HEADER_WITHIN - 1)) == ("scores",)
    assert refused(below(HEADER_WITHIN)) == "sheet_empty"


def test_a_hidden_first_sheet_is_passed_over() -> None:
    book = openpyxl.Workbook()
    book.active.append(heading("majors"))
    book.active.sheet_state = "hidden"
    book.create_sheet("成绩").append(heading("scores"))
    assert kind_of(saved(book)) == ("scores",)


# -- as the reader sees it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in CORPUS if not case.refused], ids=lambda case: case.name)
def test_whatever_the_reader_takes_is_recognised_and_looks_the_same(case: Case) -> None:
    """Whoever made it: Excel, WPS, LibreOffice, prefixes, inline strings, rich text, gaps, an .xls (R-296)."""
    data = case.make()
    assert "candidates" in sheets_of(data, file_name=case.file_name)
    rows = {number: list(cells) for number, cells in open_sheet(data, file_name=case.file_name).rows()}
    titles = {column.heading for column in STUDENTS.columns} | {STUDENTS.title}
    for number, cells in enumerate(head.first_rows(data, file_name=case.file_name), start=1):
        told = [cell.strip() for cell in cells if cell.strip() in titles]
        assert told == [shown(cell).strip() for cell in rows.get(number, []) if shown(cell).strip() in titles]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<row ", b"<x:row "),
        (b'<row r="2"', b"<row"),
        (b"<sheetData>", b"<cols/><sheetData>"),
    ],
)
def test_spellings_of_other_programs_are_understood(old: bytes, new: bytes) -> None:
    def spelled(xml: bytes) -> bytes:
        if new.startswith(b"<x:"):
            xml = xml.replace(b"</row>", b"</x:row>").replace(b"<worksheet ", b'<worksheet xmlns:x="urn:x" ', 1)
        assert old in xml
        return xml.replace(old, new)

    assert kind_of(edited(xlsx(LINE, header=heading("candidates")), SHEET, spelled)) == ("candidates",)


def shared(*strings: str) -> bytes:
    """A workbook whose first row shows these shared strings, given as the insides of their si."""
    cells = "".join(f'<c t="s"><v>{at}</v></c>' for at in range(len(strings)))
    return workbook(f"<row>{cells}</row>", "".join(f"<si>{inside}</si>" for inside in strings))


def test_readings_printed_above_characters_are_no_part_of_a_title() -> None:
    data = shared('<r><t>科目成绩</t></r><r><t>导入模板</t></r><rPh sb="0" eb="1"><t>かもく</t></rPh>')
    assert kind_of(data) == ("scores",)
    assert head.first_rows(data, file_name="表.xlsx") == [["科目成绩导入模板"]]


# -- at what price, and from whom --------------------------------------------------------------------------------------


def test_a_long_file_costs_no_more_than_its_top(monkeypatch: pytest.MonkeyPatch) -> None:
    out, headings = io.BytesIO(), [Heading(title) for title in heading("candidates")]
    write_rows(headings, (LINE for _ in range(60_000)), out, title=STUDENTS.title)
    taken: list[int] = []
    whole = head.inflate

    def counted(data: bytes, entry: Any) -> Any:
        for chunk in whole(data, entry):
            taken.append(len(chunk))
            yield chunk

    monkeypatch.setattr(head, "inflate", counted)
    begun = time.perf_counter()
    assert kind_of(out.getvalue()) == ("candidates",)
    assert sum(taken) < 2 * 1024 * 1024
    assert time.perf_counter() - begun < 1


def test_words_far_back_among_the_shared_strings_are_found() -> None:
    titles = heading("scores")
    cells = "".join(f'<c t="s"><v>{at}</v></c>' for at in range(20_000, 20_000 + len(titles)))
    strings = "<si><t>x</t></si>" * 20_000 + "".join(f"<si><t>{title}</t></si>" for title in titles)
    assert kind_of(workbook(f"<row>{cells}</row>", strings)) == ("scores",)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (SHEET, b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet><sheetData/></worksheet>'),
        (SHEET, b"<worksheet><sheetData><row"),
        (SHEET, b'<worksheet><sheetData><row r="x"/>'),
        (SHEET, b'<worksheet><sheetData><row><c t="s"><v>x</v></c></row></sheetData></worksheet>'),
        ("xl/workbook.xml", b"<workbook/>"),
        ("xl/workbook.xml", b"<workbook" + b" " * 2_000_000 + b"/>"),
        ("xl/_rels/workbook.xml.rels", b"<Relationships/>"),
    ],
)
def test_a_hostile_or_broken_package_is_refused_or_nothing(part: str, text: bytes) -> None:
    data = edited(xlsx(header=heading("scores"), title=None), part, lambda _: text)
    assert refused(data) in {"file_damaged", "sheet_empty"}


@pytest.mark.parametrize(
    ("data", "file_name", "code"),
    [
        (b"", "表.xlsx", "file_empty"),
        (b"PK\x03\x04" + bytes(20 * 1024 * 1024), "表.xlsx", "file_too_large"),
        (b"<html></html>", "表.xls", "file_not_excel"),
        (b"1,2", "表.csv", "file_is_csv"),
        (zipped({"xl/workbook.xml": b"", "xl/vbaProject.bin": b""}), "表.xlsx", "file_with_macros"),
        (xlsx(), "表.xlsm", "file_with_macros"),
        (xlsx(title=None, header=[]), "表.xlsx", "sheet_empty"),
    ],
    ids=["empty", "large", "html", "csv", "macros", "xlsm", "blank"],
)
def test_what_the_gate_keeps_out_is_not_looked_at(data: bytes, file_name: str, code: str) -> None:
    """R-296."""
    assert refused(data, file_name) == code


# -- archives ----------------------------------------------------------------------------------------------------------


def test_an_archive_of_pictures_is_one_and_anything_else_is_not() -> None:
    require_photos(zipped({"照片/110101200001010010.JPG": photo()}))
    for files, code in (
        ({"xl/workbook.xml": b"<workbook/>", "xl/media/image1.png": photo()}, "zip_is_workbook"),
        ({"学生.xlsx": xlsx(), "说明.txt": b"x"}, "zip_of_no_photos"),
    ):
        with pytest.raises(FileRefused) as caught:
            require_photos(zipped(files))
        assert caught.value.sentence_code == code
    with pytest.raises(FileRefused):
        require_photos(b"PK\x03\x04 and no more")
