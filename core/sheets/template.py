"""The blank template of a sheet: what a coordinator downloads, fills in and uploads (requirements §5.1)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from core.sheets.spec import GUIDE, Column, SheetSpec
from core.sheets.writer import letters

_TITLE_ROW, _HEADER_ROW, _LAST_ROW = 1, 2, 50_000
_LONGEST_LIST = 255  # characters of a drop-down, more of them and Excel calls the file broken
_CENTRED = Alignment(horizontal="center", vertical="center", wrap_text=True)
_THIN = Side(style="thin")
_REQUIRED, _OPTIONAL = PatternFill("solid", fgColor="FFF2CC"), PatternFill("solid", fgColor="DDEBF7")


def write_template(spec: SheetSpec, out: Path | BinaryIO) -> None:
    """Title, header with * and notes, every column as text so that ID numbers keep their digits; no example row."""
    book = Workbook()
    book.properties.creator, book.properties.title = "考务", spec.title
    book.properties.version = str(spec.version)
    _sheet(book.active or book.create_sheet(), spec)
    _guide(book.create_sheet(GUIDE), spec)
    book.save(out)


def _sheet(sheet: Worksheet, spec: SheetSpec) -> None:
    sheet.title = spec.title[:31]
    title = sheet.cell(_TITLE_ROW, 1, spec.title)
    title.font, title.alignment = Font(bold=True, size=16), _CENTRED
    sheet.row_dimensions[_TITLE_ROW].height = 30
    if len(spec.columns) > 1:
        sheet.merge_cells(f"A{_TITLE_ROW}:{letters(len(spec.columns) - 1)}{_TITLE_ROW}")
    for at, column in enumerate(spec.columns):
        _column(sheet, letters(at), column)
    sheet.freeze_panes = f"A{_HEADER_ROW + 1}"


def _column(sheet: Worksheet, letter: str, column: Column) -> None:
    sheet.column_dimensions[letter].width = column.width
    sheet.column_dimensions[letter].number_format = "@"
    head = sheet[f"{letter}{_HEADER_ROW}"]
    head.value, head.number_format = column.heading, "@"
    head.font, head.alignment = Font(bold=True), _CENTRED
    head.fill = _REQUIRED if column.required else _OPTIONAL
    head.border = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
    if hint := "\n".join(filter(None, (column.note, f"例：{column.example}" if column.example else ""))):
        head.comment = Comment(hint, "考务", height=100, width=240)
    listed = ",".join(column.choices)
    if column.choices and len(listed) <= _LONGEST_LIST and listed.count(",") == len(column.choices) - 1:
        drop_down = DataValidation(type="list", formula1=f'"{listed}"', allow_blank=True, showErrorMessage=True)
        drop_down.error = "请从下拉列表中选择。"
        drop_down.add(f"{letter}{_HEADER_ROW + 1}:{letter}{_LAST_ROW}")
        sheet.add_data_validation(drop_down)


def _guide(sheet: Worksheet, spec: SheetSpec) -> None:
    """The second worksheet: what each column wants, in words; the reader does not read it."""
    sheet.append([f"{spec.title}　填写说明（模板版本 {spec.version}）"])
    for note in (
        "请勿改动列名，也不要增加或删除列；带 * 的列必填。",
        "证件号码等编号列须为“文本”格式；值中不要有空格和换行。",
        *spec.notes,
    ):
        sheet.append([note])
    sheet.append([])
    sheet.append(["列名", "是否必填", "说明", "示例"])
    for column in spec.columns:
        allowed = "可填：" + "、".join(column.choices) if column.choices else ""
        words = "；".join(filter(None, (column.note, allowed)))
        sheet.append([column.title, "必填" if column.required else "选填", words, column.example])
        sheet.cell(sheet.max_row, 4).number_format = "@"
    for letter, width in zip("ABCD", (24, 10, 70, 24), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet["A1"].font = Font(bold=True, size=14)
