"""A long file taken block by block, or not at all: who is in, what is told, and what the record says."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from core.db import reading, transaction
from core.demo.people import people
from core.demo.world import World
from core.errors import FileRefused
from core.models.candidates import Candidate
from core.models.records import AuditEntry, ImportJob
from core.notifications.words import sentence
from core.sheets import desk, reader
from core.sheets.catalogue import sheet
from core.sheets.reader import read_rows
from core.sheets.spec import SheetReading
from core.usecases.imports import open_import
from tests.core.sheets.broken_files import STUDENTS, photo, xlsx, zipped
from tests.core.sheets.broken_files import student as some_student
from tests.core.sheets.test_desk import count, errors, import_students, rows_of, student, workbook

CROWD = people(8, 25, first=70_000)  # nobody of the demo


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four rows instead of five thousand."""
    monkeypatch.setattr(reader, "BLOCK", 4)


def crowd(**changes: dict[str, Any]) -> bytes:
    """All of them, a row each; changes: row7={"mobile": …}."""
    rows = [student(person, **changes.get(f"row{at}", {})) for at, person in enumerate(CROWD, start=3)]
    return workbook("candidates", *rows)


@pytest.mark.usefixtures("small_blocks")
def test_blocks_are_judged_like_the_whole(any_world: World) -> None:
    """R-077, R-294, R-295: repeats are found across blocks, the workbook has every failed row, the sums are right."""
    again = {"id_number": CROWD[0].id_number, "id_type": "身份证", "gender": CROWD[0].gender.label}
    data = crowd(row5={"mobile": "1"}, row9={"major_code": "999999"}, row20=again, row27={"name": ""})
    actor = any_world.actor("jiangcheng")
    report = desk.import_file(actor, "candidates", data, "学生.xlsx")
    assert errors(report) == [
        (5, "手机号码", "mobile_shape"),
        (9, "专业代码", "major_unknown"),
        (20, "证件类型、证件号码", "duplicate_row"),
        (27, "学生姓名", "value_missing"),
    ]
    assert (report.row_count, report.accepted, report.rejected, report.unchanged) == (25, 21, 4, 0)
    assert len(rows_of(desk.failed_rows(actor, report.job_id or 0))) == 4
    assert count(Candidate, Candidate.import_job_id == report.job_id) == 21
    assert desk.import_file(actor, "candidates", data, "学生.xlsx").unchanged == 21


@pytest.mark.usefixtures("small_blocks")
def test_a_refusal_in_a_late_block_takes_the_early_ones_back(any_world: World) -> None:
    """R-294: one transaction, whatever the number of blocks."""
    before = count(Candidate), count(ImportJob), count(AuditEntry)
    data = crowd(row27={"mobile": "1"})
    with pytest.raises(FileRefused) as caught:
        desk.import_file(any_world.actor("jiangcheng"), "candidates", data, "学生.xlsx", all_or_none=True)
    assert caught.value.sentence_code == "import_all_or_none"
    assert "还有 1 行不能导入" in sentence(caught.value)
    assert (count(Candidate), count(ImportJob), count(AuditEntry)) == before


def test_all_or_none_takes_a_file_without_faults_and_says_so_in_its_record(world: World) -> None:
    report = import_students(world, *(student(person) for person in CROWD[:2]), all_or_none=True)
    assert report.accepted == 2
    with reading() as session:
        assert session.get_one(ImportJob, report.job_id).is_all_or_none


def test_a_dry_run_tells_the_faults_that_all_or_none_would_refuse(world: World) -> None:
    report = import_students(world, student(CROWD[0]), student(CROWD[1], mobile="1"), all_or_none=True, dry_run=True)
    assert errors(report) == [(4, "手机号码", "mobile_shape")]


def test_photos_too_can_be_all_or_none(world: World) -> None:
    with pytest.raises(FileRefused, match="import_all_or_none"):
        desk.import_photos(world.actor("jiangcheng"), zipped({"110101.jpg": photo()}), "照片.zip", all_or_none=True)


@pytest.mark.usefixtures("small_blocks")
def test_a_file_is_judged_within_somebody_elses_transaction_with_cells_typed_anew(any_world: World) -> None:
    """What the preview needs: the same judgement with corrected cells, and a word on how far it is."""
    actor, told = any_world.actor("jiangcheng"), list[int]()
    data = crowd(row5={"mobile": "1"}, row9={"name": ""})
    corrections = {(5, "mobile"): CROWD[2].mobile, (9, "name"): "欧阳晴", (10, "mobile"): "2"}
    before = count(Candidate)
    with transaction(actor) as tx:
        job = open_import(tx, sheet="candidates", file_name="学生.xlsx", file_hash="0" * 64)
        verdict = desk.judge_file(
            tx, sheet("candidates"), data, "学生.xlsx", job_id=job.id, corrections=corrections, progress=told.append
        )
        outside = count(Candidate)
    assert outside == before
    assert count(Candidate) == before + 24
    assert [(error.row, error.column, error.value) for error in verdict.errors] == [(10, "手机号码", "2")]
    assert (verdict.row_count, verdict.outcome.accepted, verdict.rejected) == (25, 24, 1)
    assert told[-1] == 25
    assert told == sorted(told)
    assert len(told) > 5
    assert rows_of(verdict.failed_rows or b"")[0][5] == "2"


@pytest.mark.usefixtures("small_blocks")
def test_a_block_is_forgotten_once_it_is_dealt_with(any_world: World) -> None:
    """What was refused must not hold the rows it was refused among: the garbage collector rests meanwhile."""
    faults = {f"row{at}": {"mobile": "1"} if at % 2 else {"major_code": "999999"} for at in range(3, 28, 3)}
    faults["row16"] = {"gender": "女" if CROWD[13].gender.label == "男" else "男"}
    alive: list[int] = []
    with transaction(any_world.actor("jiangcheng")) as tx:
        job = open_import(tx, sheet="candidates", file_name="学生.xlsx", file_hash="0" * 64)
        verdict = desk.judge_file(
            tx,
            sheet("candidates"),
            crowd(**faults),
            "学生.xlsx",
            job_id=job.id,
            progress=lambda _: alive.append(sum(type(thing) is SheetReading for thing in gc.get_objects())),
        )
    assert verdict.rejected == 10
    assert len(alive) > 5
    assert max(alive) == alive[0]


def test_a_correction_replaces_a_number_and_an_empty_cell_before_cleaning() -> None:
    data = xlsx(some_student(1, mobile=5), some_student(2, name=""))
    reading = read_rows(
        STUDENTS, data, file_name="学生.xlsx", corrections={(3, "mobile"): " 13800138000 ", (4, "name"): "李雷"}
    )
    assert reading.errors == []
    assert [row["mobile"] for _, row in reading.accepted] == ["13800138000", "13800138000"]
    assert reading.accepted[1][1]["name"] == "李雷"


def test_majors_that_were_there_are_counted_as_changed(any_world: World) -> None:
    """The record tells what is new from what is other than before."""
    actor = any_world.actor("admin")
    rows = [
        {"code": "990101", "name": "甲专业", "category": "乙"},
        {"code": "990102", "name": "丙专业", "category": "乙"},
    ]
    desk.import_file(actor, "majors", workbook("majors", rows[0]), "专业.xlsx")
    report = desk.import_file(actor, "majors", workbook("majors", rows[0] | {"name": "丁专业"}, rows[1]), "专业.xlsx")
    assert (report.accepted, report.changed, report.as_json()["changed"]) == (2, 1, 1)
    with reading() as session:
        assert session.get_one(ImportJob, report.job_id).changed_count == 1
