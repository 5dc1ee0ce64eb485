"""The usual .xlsx has a reader of its own: what it takes it reads as calamine does, and it knows what is not for it."""

from __future__ import annotations

import io
import random
from datetime import date
from typing import Any

import openpyxl
import pytest

from core.sheets.reader import open_unusual, read_rows
from core.sheets.stream import Unusual, usual_sheet
from core.sheets.writer import Heading, write_rows
from tests.core.sheets.broken_files import HEADER, SHEET, STUDENTS, edited, saved, some_id, student, xlsx

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
Rows = list[tuple[int, list[Any]]]


def workbook(rows: str, strings: str | None = None, *, tail: str = "", styles: str = "") -> bytes:
    """A package as Excel makes it, with the inside of its sheetData and sst written by hand."""
    sheet = f'{DECLARED}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{tail}</worksheet>'
    data = edited(saved(openpyxl.Workbook()), SHEET, lambda _: sheet.encode())
    if styles:
        data = edited(data, "xl/styles.xml", lambda _: f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>'.encode())
    if strings is None:
        return data
    listed = f'{DECLARED}<sst xmlns="{MAIN}">{strings}</sst>'
    return edited(data, "xl/sharedStrings.xml", lambda _: listed.encode())


def table(*cells: str) -> str:
    """Rows of one cell each, whose insides are given."""
    return "".join(f'<row r="{at}"><c r="A{at}"{cell}</row>' for at, cell in enumerate(cells, start=1))


def inline(text: str, marks: str = "") -> str:
    return f' t="inlineStr"><is><t{marks}>{text}</t></is></c>'


def styles(*formats: int) -> str:
    return "".join(["<cellXfs>", *(f'<xf numFmtId="{one}"/>' for one in formats), "</cellXfs>"])


def by_us(data: bytes) -> Rows:
    return said(usual_sheet(data).rows())


def by_calamine(data: bytes) -> Rows:
    return said(open_unusual(data)[2]())


def said(rows: Any) -> Rows:
    """Rows that say something, without blanks at their end; a cell's kind counts too."""
    found = []
    for number, cells in rows:
        cells = list(cells)
        while cells and cells[-1] == "":
            cells.pop()
        if cells:
            found.append((number, [(type(cell), cell) for cell in cells]))
    return found


def bent(old: bytes, new: bytes, part: str = SHEET) -> bytes:
    """A workbook with something of its XML replaced."""
    return edited(workbook(table(inline("a"))), part, lambda xml: xml.replace(old, new))


PRESERVED = ' xml:space="preserve"'
STRINGS = (
    "<si><t>王文丽</t></si>"
    f"<si><t{PRESERVED}> 两边 </t></si>"
    '<si><t>拼音</t><phoneticPr fontId="1" type="noConversion"/></si>'
    '<si><r><rPr><color rgb="FFFF0000"/><sz val="11"/></rPr><t>*</t></r><r><t>学生姓名</t></r></si>'
    "<si><t/></si><si><t></t></si><si><t>a&amp;b &lt;c&gt; &quot;d&quot; &apos;</t></si><si><t>&#29579;</t></si>"
    f"<si><t{PRESERVED}>两\n行</t></si><si><t>𬭚䶮</t></si><si><t>\u3000全角\u3000</t></si>"
)
SHARED = [f' t="s"><v>{at}</v></c>' for at in range(11)]
TAKEN = {
    "shared strings": workbook(table(*SHARED), STRINGS),
    "the last string first": workbook(table(*SHARED[::-1]), STRINGS),
    "strings nobody uses": workbook(table(inline("a")), STRINGS),
    "an empty list of strings": workbook(table(inline("a")), ""),
    "inline text": workbook(table(inline("甲"), inline(" 乙 ", PRESERVED),
                                  inline(" 丙\u3000", PRESERVED), inline(""), inline("&#20013;"))),
    "references with and without text": workbook(table(*map(inline, ("&#26446;&#38647;", "&#26446;a", "&lt;&gt;")))),
    "numbers": workbook(table(*(f"><v>{n}</v></c>" for n in ("1", "0.1", "-3", "1.10101199003071E+17", "2021.0")))),
    "numbers that say so": workbook(table(' t="n"><v>5</v></c>', ' s="0"><v>6</v></c>')),
    "text a formula left": workbook(table(' t="str"><v>甲&amp;乙</v></c>')),
    "cells without content": workbook(table(inline("a"), ' s="0"/>', ' s="0"></c>', ' t="s"/>'), STRINGS),
    "gaps": workbook('<row r="2"/><row r="3"><c r="A3"><v>1</v></c><c r="D3"><v>2</v></c></row><row r="12"/>'
                     '<row r="14" spans="1:3" ht="20" customHeight="1"><c r="B14"><v>3</v></c></row>'),
    "cells of a row in another order": workbook('<row r="1"><c r="A1"><v>1</v></c><c r="C1"><v>3</v></c>'
                                                '<c r="B1"><v>2</v></c></row>'),
    "a cell twice": workbook('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>3</v></c></row>'),
    "a title above": xlsx(student(1), student(2, year="")),
    "numbers typed": xlsx(student(1, mobile=13800138000, year=2021.5), student(2, year=1e20)),
    "a tail": workbook(table(inline("a")), tail='<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>'),
    "plain styles": workbook(table(' s="1"><v>1</v></c>'), styles=styles(0, 49)),
    "no rows": workbook(""),
}  # fmt: skip
LEFT = {
    "a date": xlsx(student(1, year=date(2020, 9, 1))),
    "a format of somebody's own": workbook(table(' s="1"><v>1</v></c>'), styles=styles(0, 164)),
    "a formula": xlsx(student(1, mobile="=1+1")),
    "an error": workbook(table(' t="e"><v>#N/A</v></c>')),
    "a yes": workbook(table(' t="b"><v>1</v></c>')),
    "spelled control characters": workbook(table(inline("a_x000D_b"))),
    "a reference to a control character": workbook(table(inline("a&#13;b"))),
    "blanks that nobody asked to keep": workbook(table(inline("a "))),
    "blanks in a list nobody asked to keep": workbook(table(SHARED[0]), "<si><r><t>a</t></r><r><t> b</t></r></si>"),
    "a reference to a blank": workbook(table(inline("a&#32;", PRESERVED))),
    "another carriage return": workbook(table(inline("a\rb"))),
    "an entity nobody declared": workbook(table(inline("a&nbsp;b"))),
    "an & that begins nothing": workbook(table(inline("&&#26446;"))),
    "an & at the end": workbook(table(inline("&#26446;&"))),
    "a reference without its end": workbook(table(inline("&#26446;&#38647"))),
    "phonetic runs": workbook(table(SHARED[0]), '<si><t>王</t><rPh sb="0" eb="1"><t>wáng</t></rPh></si>'),
    "rows out of order": workbook('<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>'),
    "a cell in another row": workbook('<row r="2"><c r="A3"><v>1</v></c></row>'),
    "a cell without a place": workbook('<row r="2"><c><v>1</v></c></row>'),
    "far to the right": workbook('<row r="2"><c r="AA2"><v>1</v></c></row>'),
    "a string that is not there": workbook(table(SHARED[1]), "<si><t>a</t></si>"),
    "text where a number stands": workbook(table("><v>1_000</v></c>")),
    "a comment": workbook("<!-- a -->" + table(inline("a"))),
    "CDATA": workbook(table(inline("<![CDATA[a]]>"))),
    "a doctype": bent(b"<worksheet", b'<!DOCTYPE w [<!ENTITY a "b">]><worksheet'),
    "a prefix": edited(bent(b"<row", b"<x:row"), SHEET, lambda xml: xml.replace(b"</row", b"</x:row")),
    "another encoding": bent(b"UTF-8", b"GBK"),
    "no UTF-8": bent(b">a<", b">\xff<"),
    "an end that is missing": bent(b"</worksheet>", b""),
    "a sheet that is missing": bent(b"sheet1.xml", b"sheet9.xml", "xl/_rels/workbook.xml.rels"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_what_our_reader_takes_it_reads_as_calamine_does(name: str) -> None:
    assert by_us(TAKEN[name]) == by_calamine(TAKEN[name])


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_quite_usual_is_left_to_calamine(name: str) -> None:
    with pytest.raises(Unusual):
        list(usual_sheet(LEFT[name]).rows())


def test_the_sheets_are_the_same_ones() -> None:
    book = openpyxl.Workbook()
    book.active.append(["甲"])
    book.create_sheet("藏", 0).sheet_state = "hidden"
    book.create_sheet("第三页")
    data = saved(book)
    ours, theirs = usual_sheet(data), open_unusual(data)
    assert (ours.name, ours.names) == (theirs[0], theirs[1]) == ("Sheet", ["藏", "Sheet", "第三页"])


def test_our_own_workbooks_are_usual() -> None:
    rows = [[f"王{at}", some_id(at), at, "=1+1", "a\n b ", ""] for at in range(3_000)]
    out = io.BytesIO()
    write_rows([Heading(f"列{at}") for at in range(6)], rows, out, title="名单")
    assert by_us(out.getvalue()) == by_calamine(out.getvalue())


def test_rows_can_be_had_again() -> None:
    sheet = usual_sheet(xlsx(*(student(at % 999) for at in range(4_500))))
    assert list(sheet.rows()) == list(sheet.rows())
    assert [number for number, _ in sheet.rows()] == list(range(1, 4_503))


@pytest.mark.parametrize("seed", range(40))
def test_random_tables_are_read_alike(seed: int) -> None:
    """Cells missing, blank, shared, inline and numeric, in shapes that change from row to row."""
    chance = random.Random(seed)
    makers = [
        lambda: f' t="s"><v>{chance.randrange(11)}</v></c>',
        lambda: inline(chance.choice(["甲", "", "&lt;&#20013;", "x y"]), chance.choice(["", PRESERVED])),
        lambda: f' s="0"><v>{chance.choice([chance.randrange(10**12), chance.random()])}</v></c>',
        lambda: ' s="0"/>',
    ]
    rows, number = [], 0
    for _ in range(chance.randrange(1, 60)):
        number += chance.choice([1, 1, 1, 1, 2, 9])
        letters = ["A", *(letter for letter in "BCDEFGHIJ" if chance.random() < 0.8)]
        cells = "".join(f'<c r="{letter}{number}"{chance.choice(makers)()}' for letter in letters)
        rows.append(f'<row r="{number}" spans="1:9">{cells}</row>')
    head = "".join(f'<c r="{letter}1" t="s"><v>0</v></c>' for letter in "ABCDEFGHIJ")
    data = workbook(f'<row r="1">{head}</row>{"".join(rows[1:])}', STRINGS)
    assert by_us(data) == by_calamine(data)


@pytest.mark.parametrize("read_by", ["us", "calamine"])
def test_a_template_filled_in_gives_the_same_reading_whoever_reads(
    read_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leading rows and columns left empty, a column of somebody's in front, ghosts behind (R-297)."""
    if read_by == "calamine":

        def nobody(data: bytes) -> None:
            raise Unusual

        monkeypatch.setattr("core.sheets.reader.usual_sheet", nobody)
    book = openpyxl.Workbook()
    for at, row in ((9, HEADER), (11, student(1)), (14, student(2, mobile="1")), (700, student(3, year=2020))):
        for column, cell in enumerate(row, start=4):
            book.active.cell(at, column, cell)
    reading = read_rows(STUDENTS, saved(book), file_name="学生.xlsx")
    assert [number for number, _ in reading.accepted] == [11, 700]
    assert [(error.row, error.column, error.value) for error in reading.errors] == [(14, "手机号码", "1")]
    assert reading.accepted[1][1]["year"] == 2020
