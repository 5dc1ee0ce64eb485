"""Workbooks and archives as people would upload them, made from the panel's own blank templates."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from openpyxl import load_workbook

from core.demo.people import Person
from tests.factories import photo_bytes

FIRST_ROW = 3  # title, header, then the rows


def filled(template: bytes, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A template with rows, by column title without its star."""
    book = load_workbook(BytesIO(template))
    sheet = book.worksheets[0]
    titles = [str(cell.value).lstrip("*") for cell in sheet[FIRST_ROW - 1]]
    for number, row in enumerate(rows, start=FIRST_ROW):
        for at, title in enumerate(titles, start=1):
            sheet.cell(number, at, row.get(title))
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def taken(browser: Any, answer: Any) -> Any:
    """The import's page after 确认导入; as it is where nothing is to be taken."""
    assert answer.status_code == 303, answer.text[-3000:]
    page = browser.get(answer.location)
    if 'value="commit"' not in page.text:
        return page
    assert browser.post(answer.location, {"act": "commit", "all_or_none": "0"}).status_code == 303
    return browser.get(answer.location)


def read(workbook: bytes) -> list[dict[str, Any]]:
    """The rows of a workbook of ours, by column title."""
    sheet = load_workbook(BytesIO(workbook)).worksheets[0]
    lines = list(sheet.iter_rows(values_only=True))
    head = next(at for at, line in enumerate(lines) if sum(cell is not None for cell in line) > 1)
    titles = [str(cell).lstrip("*") for cell in lines[head]]
    return [dict(zip(titles, line, strict=False)) for line in lines[head + 1 :]]


def student_row(person: Person, **other: Any) -> dict[str, Any]:
    """A person as a line of 本校学生导入模板."""
    return {
        "学生姓名": person.name,
        "姓名拼音": person.pinyin,
        "性别": person.gender.label,
        "证件类型": "身份证",
        "证件号码": person.id_number,
        "手机号码": person.mobile,
        "入学年份": "2025",
        "专业层次": "高职(专科)",
        "就读专业": "软件技术",
        "专业代码": "610205",
    } | other


def archive(people: Sequence[Person], *, shade: int = 500) -> bytes:
    """A zip of photos named after ID numbers."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for place, person in enumerate(people):
            packed.writestr(f"{person.id_number}.jpg", photo_bytes(shade + place))
    return out.getvalue()
