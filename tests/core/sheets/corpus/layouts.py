"""The rows are fine, the sheet around them is not: how WPS, Excel, and people in a hurry leave a workbook."""

from __future__ import annotations

from typing import Any

from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

from core.sheets.spec import REASON, SUGGESTION
from tests.core.sheets.broken_files import xls
from tests.core.sheets.corpus.workbooks import CROWD, HEADER, TITLE, Case, book, changed, three, typed

_KEY = "证件类型、证件号码"


def _without(*places: int) -> list[Any]:
    return [cell for at, cell in enumerate(HEADER) if at not in places]


def _cut(row: list[Any], at: int) -> list[Any]:
    return row[:at] + row[at + 1 :]


def _formatted_far_below(sheet: Any, _: Any) -> None:
    for row in range(20, 220):
        sheet.cell(row, 1).fill = PatternFill("solid", fgColor="FFFFFF00")


def _second_sheet_first(sheet: Any, made: Any) -> None:
    made.create_sheet("说明", 0).append(["请先看这里"])
    made["说明"].sheet_state = "hidden"


def _notes_first(sheet: Any, made: Any) -> None:
    made.create_sheet("说明", 0).append(["请先看这里"])


def _hide_all(sheet: Any, made: Any) -> None:
    made.create_sheet("封面").append(["封面"])
    sheet.sheet_state = "hidden"


def _hide_rows(sheet: Any, _: Any) -> None:
    for row in (3, 4):
        sheet.row_dimensions[row].hidden = True


def _hide_column(sheet: Any, _: Any) -> None:
    sheet.column_dimensions["F"].hidden = True


def _merge(*areas: str) -> Any:
    return lambda sheet, _: [sheet.merge_cells(area) for area in areas]


def _comment(sheet: Any, _: Any) -> None:
    sheet["F4"].comment = Comment("请核对", "教务处")


def _protect(sheet: Any, _: Any) -> None:
    sheet.protection.sheet = True
    sheet.protection.password = "1234"


def _protect_book(_: Any, made: Any) -> None:
    made.security.lockStructure = True


def _filter(sheet: Any, _: Any) -> None:
    sheet.auto_filter.ref = "A2:J5"
    sheet.freeze_panes = "B3"


def _choices(sheet: Any, _: Any) -> None:
    rule = DataValidation(type="list", formula1='"男,女"')
    rule.add("C3:C500")
    sheet.add_data_validation(rule)


def _names(_: Any, made: Any) -> None:
    made.active.title = "Sheet1 (2)"


def _link(sheet: Any, _: Any) -> None:
    sheet["F4"].hyperlink = "mailto:a@example.com"


def _below(sheet: Any, _: Any) -> None:
    sheet["A9"] = "合计：3 人"


def _aside(sheet: Any, _: Any) -> None:
    sheet["M4"] = "已核对"


def _blank_aside(sheet: Any, _: Any) -> None:
    sheet["M4"] = "   "


_LEFT = [("", *HEADER), *(("", *row) for row in three())]
_MISSING_ALL = tuple((8, c, "value_missing") for c in ("性别", "证件类型", "证件号码"))
_TEMPLATE_2020 = ["姓名", "姓名拼音", "身份证号", "手机号", "就读专业", "专业层次", "入学年份"]


def _2020(row: list[Any]) -> list[Any]:
    return [row[0], row[1], row[4], row[5], row[8], row[7], row[6]]


def _taken(name: str, make: Any, **more: Any) -> Case:
    return Case(f"layout-{name}", make, **more)


def _columns(name: str, header: list[Any], *rows: list[Any]) -> Case:
    return Case(f"columns-{name}", lambda: book(*(rows or three()), header=header), refused="columns_differ")


CASES = (
    _taken("as-it-should-be", lambda: book(*three())),
    _taken("no-title", lambda: book(*three(), above=())),
    _taken("two-titles", lambda: book(*three(), above=((TITLE,), ("江城职业学院",)))),
    _taken("eight-lines-above", lambda: book(*three(), above=tuple((f"说明 {n}",) for n in range(8)))),
    _taken("blank-lines-above", lambda: book(*three(), above=((), (TITLE,), ()))),
    _taken("merged-title", changed(_merge("A1:J1"))),
    _taken("hidden-rows", changed(_hide_rows)),
    _taken("hidden-column", changed(_hide_column)),
    _taken("hidden-sheet-in-front", changed(_second_sheet_first)),
    _taken("formatted-far-below", changed(_formatted_far_below)),
    _taken("comment", changed(_comment)),
    _taken("protected-sheet", changed(_protect)),
    _taken("protected-structure", changed(_protect_book)),
    _taken("filter-and-panes", changed(_filter)),
    _taken("drop-down", changed(_choices)),
    _taken("other-sheet-name", changed(_names)),
    _taken("hyperlink", changed(_link)),
    _taken("words-beside-the-table", changed(_aside)),
    _taken("blanks-beside-the-table", changed(_blank_aside)),
    _taken("empty-column-in-front", lambda: book(*_LEFT[1:], header=_LEFT[0])),
    _taken("reordered", lambda: book(*(row[::-1] for row in three()), header=HEADER[::-1])),
    _taken("stars-gone", lambda: book(*three(), header=[title.lstrip("*") for title in HEADER])),
    _taken("wide-stars", lambda: book(*three(), header=[title.replace("*", "＊") for title in HEADER])),
    _taken("titles-with-breaks", lambda: book(*three(), header=[f"{title[:3]}\n{title[3:]} " for title in HEADER])),
    _taken(
        "failed-rows-back",
        lambda: book(*([*row, "原因", "建议"] for row in three()), header=[*HEADER, REASON, SUGGESTION]),
    ),
    _taken("reason-only", lambda: book(*([*row, "原因"] for row in three()), header=[*HEADER, REASON])),
    _taken("blank-rows-between", lambda: book(three()[0], [], ["", " "], *three()[1:])),
    _taken("blank-rows-below", lambda: book(*three(), *([["", "", "\u3000"]] * 30))),
    _taken("merged-cells-in-rows", changed(_merge("I3:I4")), faults=((4, "就读专业", "value_missing"),)),
    _taken(
        "merged-rows",
        changed(_merge("A4:J4")),
        faults=tuple((4, title.lstrip("*"), "value_missing") for title in HEADER[1:]),
    ),
    _taken(
        "sum-below",
        changed(_below),
        rows=4,
        faults=(
            (9, "学生姓名", "name_shape"),
            *((9, title.lstrip("*"), "value_missing") for title in HEADER[1:]),
        ),
    ),
    _taken(
        "header-repeated-below",
        lambda: book(*three(), HEADER),
        rows=4,
        faults=(
            (6, "学生姓名", "name_shape"),
            (6, "姓名拼音", "pinyin_shape"),
            (6, "性别", "choice_unknown"),
            (6, "证件类型", "choice_unknown"),
            (6, "手机号码", "mobile_shape"),
            (6, "入学年份", "year_shape"),
            (6, "专业层次", "choice_unknown"),
            (6, "专业代码", "major_code_shape"),
        ),
    ),
    _taken(
        "same-row-thrice",
        lambda: book(*three(), typed(CROWD[0]), typed(CROWD[0])),
        rows=5,
        faults=(
            (6, _KEY, "duplicate_row"),
            (7, _KEY, "duplicate_row"),
        ),
    ),
    _taken("one-row", lambda: book(typed(CROWD[0])), rows=1),
    _taken("twelve-rows", lambda: book(*map(typed, CROWD)), rows=12),
    _taken("xls", lambda: xls([TITLE], HEADER, *three()), file_name="学生.xls"),
    _taken("xls-called-xlsx", lambda: xls([TITLE], HEADER, *three())),
    _taken("xlsx-called-xls", lambda: book(*three()), file_name="学生.xls"),
    _taken("capital-suffix", lambda: book(*three()), file_name="学生.XLSX"),
    _taken("blank-before-suffix", lambda: book(*three()), file_name=" 学生 (1).xlsx "),
    _taken("xls-without-title", lambda: xls(HEADER, *three()), file_name="a.xls"),
    _taken("xls-reordered", lambda: xls(HEADER[::-1], *(row[::-1] for row in three())), file_name="a.xls"),
    _taken("xls-number-as-mobile", lambda: xls([TITLE], HEADER, *three(mobile=13800138000.0)), file_name="a.xls"),
    _taken(
        "xls-number-as-id",
        lambda: xls([TITLE], HEADER, *three(id_number=4.2e17)),
        file_name="a.xls",
        faults=((4, "证件号码", "id_stored_as_number"),),
    ),
    _taken(
        "xls-blank-mobile",
        lambda: xls([TITLE], HEADER, *three(mobile="")),
        file_name="a.xls",
        faults=((4, "手机号码", "value_missing"),),
    ),
    _columns("missing-mobile", _without(5), *(_cut(row, 5) for row in three())),
    *(_columns(f"renamed-{at}", [*HEADER[:at], "别的", *HEADER[at + 1 :]]) for at in range(len(HEADER))),
    _columns("extra", [*HEADER, "备注"]),
    _columns("repeated", [*HEADER, HEADER[5]]),
    _columns("split-mobile", [*HEADER[:5], "手机", "号码", *HEADER[6:]]),
    _columns("of-2020", _TEMPLATE_2020, *(_2020(row) for row in three())),
    _columns("english", ["name", "pinyin", "gender", "type", "id", "mobile", "year", "level", "major", "code"]),
    Case("columns-no-header", lambda: book(*three()[1:], header=three()[0]), refused="columns_differ"),
    Case("columns-header-too-low", lambda: book(*three(), above=(("说明",),) * 12), refused="columns_differ"),
    Case("columns-two-merged", changed(_merge("E2:F2")), refused="columns_differ"),
    Case("columns-other-sheet-in-front", changed(_notes_first), refused="columns_differ"),
    Case("columns-right-sheet-hidden", changed(_hide_all), refused="columns_differ"),
    Case("columns-transposed", lambda: book(*zip(*three(), strict=True), header=()), refused="columns_differ"),
    Case("rows-none", lambda: book(), refused="sheet_without_rows"),
    Case("rows-only-blanks", lambda: book(["", " ", "\u3000"], [""] * 10), refused="sheet_without_rows"),
    Case("rows-only-formulas", lambda: book(["=1+1"] * 10), refused="sheet_without_rows"),
    Case("sheet-blank", lambda: book(above=((" ",),), header=()), refused="sheet_empty"),
    Case("sheet-never-written", lambda: book(above=(), header=()), refused="sheet_empty"),
)
