"""The workbook of rejected rows, through the desk: what it says, and what comes of sending it again (R-295)."""

from __future__ import annotations

import io
from typing import Any

import openpyxl

from core.demo.people import people
from core.demo.world import World
from core.sheets import desk
from core.sheets.desk import ImportReport
from tests.core.sheets.broken_files import saved, xlsx
from tests.core.sheets.corpus.workbooks import HEADER, TITLE, typed

CROWD = people(13, 8, first=90_000)  # nobody of the demo
ID = CROWD[1].id_number
OTHER = "女" if CROWD[2].gender.label == "男" else "男"


def faulty() -> bytes:
    """One good row and seven bad ones: five whose fault suggests its own cure, two that only a person can put right."""
    return xlsx(
        typed(CROWD[0]),
        typed(CROWD[1], id_number=ID[:17] + ("0" if ID[17] != "0" else "1")),
        typed(CROWD[2], gender=OTHER),
        typed(CROWD[3], major_code="610250"),
        typed(CROWD[4], mobile=CROWD[4].id_number, id_number=CROWD[4].mobile),
        typed(CROWD[5], name_pinyin="", enrolment_year="20/21"),
        typed(CROWD[6], id_number=4.2e17),
        typed(CROWD[7], mobile="12345", name="=1+1"),
        title=TITLE,
        header=HEADER,
    )


def send(world: World, data: bytes) -> ImportReport:
    report = desk.import_file(world.actor("jiangcheng"), "candidates", data, "学生.xlsx")
    assert report.row_count == report.accepted + report.unchanged + report.rejected
    return report


def returned(world: World, report: ImportReport) -> bytes:
    assert report.job_id is not None
    return desk.failed_rows(world.actor("jiangcheng"), report.job_id)


def said(report: ImportReport) -> list[tuple[str, str, str | None]]:
    return [(error.column, error.code, error.suggestion) for error in report.errors]


def test_every_fault_that_can_be_cured_comes_with_its_cure(any_world: World) -> None:
    report = send(any_world, faulty())
    assert (report.accepted, report.rejected) == (1, 7)
    assert said(report) == [
        ("证件号码", "id_number_check", ID),
        ("性别", "id_gender_differs", CROWD[2].gender.label),
        ("专业代码", "major_unknown", "610205"),
        ("证件号码", "columns_swapped", CROWD[4].id_number),
        ("手机号码", "columns_swapped", CROWD[4].mobile),
        ("姓名拼音", "value_missing", CROWD[5].pinyin),
        ("入学年份", "year_shape", "2020"),
        ("证件号码", "id_stored_as_number", None),
        ("学生姓名", "value_missing", None),
        ("手机号码", "mobile_shape", None),
    ]
    assert [error["suggestion"] for error in report.as_json()["errors"]] == [
        error.suggestion for error in report.errors
    ]


def test_sent_again_unchanged_it_fails_alike(any_world: World) -> None:
    first = send(any_world, faulty())
    again = send(any_world, returned(any_world, first))
    assert (again.accepted, again.unchanged, again.rejected) == (0, 0, first.rejected)
    assert said(again) == said(first)


def test_with_the_suggestions_put_in_only_what_nobody_can_know_is_left(any_world: World) -> None:
    """The suggestions as they stand in 修改建议 are texts to be copied into their cells."""
    first = send(any_world, faulty())
    book = openpyxl.load_workbook(io.BytesIO(returned(any_world, first)))
    copy_suggestions(book.active)
    again = send(any_world, saved(book))
    assert (again.accepted, again.rejected) == (5, 2)
    assert {code for _, code, suggestion in said(again) if suggestion is None} == {
        "id_stored_as_number", "value_missing", "mobile_shape",
    }  # fmt: skip


def copy_suggestions(sheet: Any) -> None:
    places = {str(cell.value).lstrip("*"): cell.column for cell in sheet[2]}
    for row in range(3, sheet.max_row + 1):
        for part in filter(None, (sheet.cell(row, places["修改建议"]).value or "").split("　")):
            title, _, text = part.partition("：")
            sheet.cell(row, places[title]).value = text


def test_each_row_names_its_place_in_the_file_it_came_from(world: World) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(returned(world, send(world, faulty())))).active
    reasons = [sheet.cell(row, len(HEADER) + 1).value for row in range(3, sheet.max_row + 1)]
    assert [reason.split("　")[0] for reason in reasons] == [f"原第 {row} 行" for row in range(4, 11)]
