"""The desk, with real workbooks and a whole world behind it: who is in, who is not, why, and that it all adds up."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from core.actors import Actor
from core.db import reading, transaction
from core.demo.people import Person, people
from core.demo.world import World
from core.errors import FileRefused, NotFound, NotPermitted, NotReady, Refusal, TooMany, ValueRefused
from core.gateways.identity import RuleVerifier
from core.models.candidates import Candidate
from core.models.catalogue import CertificateType
from core.models.pilots import Quota
from core.models.plans import ExamPlan
from core.models.records import AuditEntry, ImportJob
from core.models.registrations import Registration, SubjectRegistration
from core.models.scores import CertificateResult, ScoreAmendment, SubjectScore
from core.models.sites import ExamSite
from core.rules.candidates import CandidateState
from core.rules.registrations import Attendance
from core.sheets import desk
from core.sheets.catalogue import SHEETS
from core.sheets.desk import ImportReport
from core.sheets.exports import export_spec
from core.usecases.verification import verify_candidates
from tests.core.sheets.broken_files import photo, saved, xlsx, zipped

CROWD = people(7, 130, first=50_000)  # nobody of the demo
Row = Mapping[str, Any]


# -- making files and looking at what came of them ---------------------------------------------------------------------


def workbook(sheet: str, *rows: Row) -> bytes:
    """The sheet's own template with these rows, fields by name."""
    spec = SHEETS[sheet].spec
    cells = [[row.get(column.field, "") for column in spec.columns] for row in rows]
    return xlsx(*cells, title=spec.title, header=[column.heading for column in spec.columns])


def student(person: Person, **changes: Any) -> Row:
    """A row of the candidates sheet as a careful coordinator types it."""
    return {
        "name": person.name,
        "name_pinyin": person.pinyin,
        "gender": person.gender.label,
        "id_type": "身份证",
        "id_number": person.id_number,
        "mobile": person.mobile,
        "enrolment_year": "2025",
        "education_level": "高职(专科)",
        "major_name": "软件技术",
        "major_code": "610205",
    } | changes


def registration(world: World, person: Person, *, org: str = "yunfan", **changes: Any) -> Row:
    """A row of the registrations sheet for the plan that closes tonight, or for another organisation's."""
    with reading() as session:
        certificate = session.get_one(CertificateType, world.ids[f"certificate:{org}:0"])
        site = session.get_one(ExamSite, world.ids[f"site:jiangcheng:{org}"])
        return {
            "name": person.name,
            "id_number": person.id_number,
            "kind": "院校考生",
            "certificate_code": certificate.code,
            "certificate_name": certificate.name,
            "level": certificate.level.label,
            "site_no": site.site_no,
        } | changes


def import_students(world: World, *rows: Row, login: str = "jiangcheng", **options: Any) -> ImportReport:
    """Import these rows and check that they add up."""
    return sound(
        desk.import_file(world.actor(login), "candidates", workbook("candidates", *rows), "学生.xlsx", **options)
    )


def register(world: World, *rows: Row, login: str = "jiangcheng", **options: Any) -> ImportReport:
    """Register these rows in the plan that closes tonight and check that they add up."""
    sheet = "registrations-by-certificate"
    plan_id = world.ids["plan:closing"]
    data = workbook(sheet, *rows)
    return sound(desk.import_file(world.actor(login), sheet, data, "报考.xlsx", plan_id=plan_id, **options))


def sound(report: ImportReport) -> ImportReport:
    """Every row is accounted for, in the answer and in the record alike."""
    assert report.row_count == report.accepted + report.rejected + report.unchanged
    assert report.rejected == len({error.row for error in report.errors})
    if report.job_id is not None:
        with reading() as session:
            job = session.get_one(ImportJob, report.job_id)
            counts = (job.row_count, job.accepted_count, job.rejected_count, job.unchanged_count)
            assert counts == (report.row_count, report.accepted, report.rejected, report.unchanged)
            assert (job.failed_rows is not None) == bool(report.rejected)
    return report


def errors(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(error.row, error.column, error.code) for error in report.errors]


def count(model: Any, *where: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def verified(world: World, crowd: Sequence[Person], *, sheet: str = "candidates", **changes: Any) -> None:
    """Bring people into the college, with photos, and past the check: fit to register."""
    actor = world.actor("jiangcheng")
    data = workbook(sheet, *(student(person, **changes) for person in crowd))
    assert sound(desk.import_file(actor, sheet, data, "考生.xlsx")).accepted == len(crowd)
    pictures = {f"{person.id_number}.jpg": picture(person.index) for person in crowd}
    assert sound(desk.import_photos(actor, zipped(pictures), "照片.zip")).accepted == len(crowd)
    with transaction(actor) as tx:
        waiting = tx.all(select(Candidate.id).where(Candidate.id_number.in_([p.id_number for p in crowd])))
        assert verify_candidates(tx, candidate_ids=waiting, verifier=RuleVerifier()) == (len(crowd), 0)


def picture(number: int) -> bytes:
    """A photo like no other."""
    return photo(comment=str(number).encode())


def corrected(data: bytes, **cells: Any) -> bytes:
    """A workbook with some cells put right."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    for place, value in cells.items():
        book.active[place] = value
    return saved(book)


# -- candidates --------------------------------------------------------------------------------------------------------


def messy_file(world: World) -> tuple[bytes, list[tuple[int, str, str]]]:
    """Sixty rows as they come from real offices, and what is wrong with them: row, column, code."""
    own, foreign = world.crowd["jiangcheng"][0], world.crowd["chutian"][0]
    typed = CROWD[:58]
    wrong_digit = typed[9].id_number[:17] + ("0" if typed[9].id_number[17] != "0" else "1")
    other_gender = "女" if typed[7].gender.label == "男" else "男"
    unborn = future_id()
    faults: dict[int, tuple[Row, list[tuple[str, str]]]] = {
        1: ({"name": "欧阳 晴笺"}, [("学生姓名", "name_has_space")]),
        2: ({"name": ""}, [("学生姓名", "value_missing")]),
        3: ({"name": "王"}, [("学生姓名", "name_length")]),
        4: ({"name_pinyin": "Wáng Wénlì"}, [("姓名拼音", "pinyin_tones")]),
        5: ({"name_pinyin": "Wang 3"}, [("姓名拼音", "pinyin_shape")]),
        6: ({"gender": "不详"}, [("性别", "choice_unknown")]),
        7: ({"gender": other_gender}, [("性别", "id_gender_differs")]),
        8: ({"id_type": "学生证"}, [("证件类型", "choice_unknown")]),
        9: ({"id_number": wrong_digit}, [("证件号码", "id_number_check")]),
        10: ({"id_number": "420000200102300011"}, [("证件号码", "id_number_birth")]),
        11: ({"id_number": "420000010203001"}, [("证件号码", "id_number_old")]),
        12: ({"id_number": int(typed[12].id_number[:17] + "0")}, [("证件号码", "id_stored_as_number")]),
        13: ({"id_number": unborn}, [("证件号码", "id_number_future")]),
        14: ({"id_number": typed[14].id_number[:17]}, [("证件号码", "id_number_shape")]),
        15: ({"id_number": "4.2E+17"}, [("证件号码", "number_rewritten")]),
        16: ({"mobile": "12345"}, [("手机号码", "mobile_shape")]),
        17: ({"mobile": "+86 199-0005-0017"}, []),
        18: ({"mobile": 19900050018}, []),
        19: ({"enrolment_year": "二零二五"}, [("入学年份", "year_shape")]),
        20: ({"education_level": "幼儿园"}, [("专业层次", "choice_unknown")]),
        21: ({"education_level": "大专"}, []),
        22: ({"major_name": "  "}, [("就读专业", "value_missing")]),
        23: ({"major_name": "软" * 101}, [("就读专业", "text_too_long")]),
        24: ({"major_code": "610255"}, [("专业代码", "major_unknown")]),
        25: ({"major_code": "软件"}, [("专业代码", "major_code_shape")]),
        26: ({"id_number": typed[0].id_number}, [("证件类型、证件号码", "duplicate_row")]),
        27: ({"id_type": "护照", "id_number": " e1234 5678 "}, []),
        28: ({"id_type": "护照", "id_number": "12"}, [("证件号码", "other_id_shape")]),
        29: ({"mobile": "#N/A"}, [("手机号码", "cell_is_error")]),
        30: (
            {"name": "", "mobile": "1", "gender": ""},
            [("学生姓名", "value_missing"), ("性别", "value_missing"), ("手机号码", "mobile_shape")],
        ),
        32: ({"id_number": wide(typed[32].id_number)}, []),
        33: (student(foreign), [("证件号码", "candidate_elsewhere")]),
        34: (student(own), [("证件号码", "candidate_exists")]),
        35: ({"name": " " + typed[35].name + "\u3000"}, []),
    }
    rows: list[Row] = [student(person) | faults.get(at, ({}, []))[0] for at, person in enumerate(typed)]
    rows[31] = {}
    expected = [(at + 3, column, code) for at, (_, found) in sorted(faults.items()) for column, code in found]
    return workbook("candidates", *rows), expected


def future_id() -> str:
    """Valid in every digit, born the day after the world was."""
    from core.rules.values import id_check

    first = "42000020260521001"
    return first + id_check(first)


def wide(digits: str) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)


def test_a_messy_file_gives_every_fault_by_row_column_and_reason(any_world: World) -> None:
    data, expected = messy_file(any_world)
    before = count(Candidate)
    report = sound(desk.import_file(any_world.actor("jiangcheng"), "candidates", data, "学生.xlsx"))
    assert errors(report) == expected
    assert (report.row_count, report.rejected, report.unchanged) == (57, 28, 0)
    assert count(Candidate) == before + report.accepted
    assert count(Candidate, Candidate.import_job_id == report.job_id) == report.accepted


def test_every_error_says_in_chinese_what_to_do(world: World) -> None:
    data, _ = messy_file(world)
    report = desk.import_file(world.actor("jiangcheng"), "candidates", data, "学生.xlsx", dry_run=True)
    messages = {error.code: error.message for error in report.errors}
    assert all("—" not in message and "{" not in message for message in messages.values())
    assert "610205 软件技术" in messages["major_unknown"]
    assert report.as_json()["errors"][0]["message"] == report.errors[0].message


def test_the_same_file_again_changes_nothing(any_world: World) -> None:
    data, _ = messy_file(any_world)
    actor = any_world.actor("jiangcheng")
    first = sound(desk.import_file(actor, "candidates", data, "学生.xlsx"))
    people_now = count(Candidate)
    again = sound(desk.import_file(actor, "candidates", data, "学生.xlsx"))
    assert (again.accepted, again.unchanged, again.rejected) == (0, first.accepted, first.rejected)
    assert errors(again) == errors(first)
    assert count(Candidate) == people_now


def test_failed_rows_once_corrected_are_taken(any_world: World) -> None:
    actor = any_world.actor("jiangcheng")
    bad = [student(CROWD[0], mobile="1"), student(CROWD[1]), student(CROWD[2], major_code="610255")]
    report = import_students(any_world, *bad)
    assert (report.accepted, report.rejected) == (1, 2)
    assert report.job_id is not None
    returned = desk.failed_rows(actor, report.job_id)
    again = sound(desk.import_file(actor, "candidates", corrected(returned, F3=CROWD[0].mobile), "改.xlsx"))
    assert errors(again) == [(4, "专业代码", "major_unknown")]
    assert again.accepted == 1


def test_a_candidate_of_another_data_is_not_overwritten(world: World) -> None:
    import_students(world, student(CROWD[0]))
    report = import_students(world, student(CROWD[0], mobile="13800138000"))
    assert errors(report) == [(3, "证件号码", "candidate_exists")]


def test_social_candidates_need_no_major_and_stay_social(world: World) -> None:
    actor = world.actor("jiangcheng")
    rows = [student(CROWD[0], major_name="", major_code=""), student(CROWD[1]), student(CROWD[2], major_code="999999")]
    data = workbook("social-candidates", *rows)
    report = sound(desk.import_file(actor, "social-candidates", data, "社会.xlsx"))
    assert (report.accepted, errors(report)) == (2, [(5, "专业代码", "major_unknown")])
    assert sound(desk.import_file(actor, "social-candidates", data, "社会.xlsx")).unchanged == 2
    assert errors(import_students(world, student(CROWD[1]))) == [(3, "证件号码", "candidate_exists")]


def test_a_dry_run_judges_alike_and_leaves_no_trace(any_world: World) -> None:
    data, expected = messy_file(any_world)
    actor = any_world.actor("jiangcheng")
    before = count(Candidate), count(ImportJob), count(AuditEntry)
    rehearsed = sound(desk.import_file(actor, "candidates", data, "学生.xlsx", dry_run=True))
    assert (count(Candidate), count(ImportJob), count(AuditEntry)) == before
    assert rehearsed.job_id is None
    assert errors(rehearsed) == expected
    real = sound(desk.import_file(actor, "candidates", data, "学生.xlsx"))
    assert (real.accepted, real.unchanged, errors(real)) == (rehearsed.accepted, rehearsed.unchanged, expected)


@pytest.mark.parametrize(
    ("data", "file_name", "code"),
    [
        (b"", "a.xlsx", "file_empty"),
        (b"x", "a.csv", "file_is_csv"),
        (b"x", "a.xlsx", "file_not_excel"),
        (xlsx(["1"], header=["姓名"]), "a.xlsx", "columns_differ"),
        (workbook("candidates"), "a.xlsx", "sheet_without_rows"),
        (workbook("scores", {"name": "甲"}), "a.xlsx", "columns_differ"),
    ],
)
def test_a_file_refused_as_a_whole_leaves_no_trace(world: World, data: bytes, file_name: str, code: str) -> None:
    before = count(ImportJob), count(AuditEntry)
    with pytest.raises(FileRefused) as caught:
        desk.import_file(world.actor("jiangcheng"), "candidates", data, file_name)
    assert caught.value.sentence_code == code
    assert (count(ImportJob), count(AuditEntry)) == before


def test_a_file_on_disk_is_taken_like_one_in_memory(world: World, tmp_path: Path) -> None:
    path = tmp_path / "学生.xlsx"
    path.write_bytes(workbook("candidates", student(CROWD[0])))
    assert sound(desk.import_file(world.actor("jiangcheng"), "candidates", path, path.name)).accepted == 1


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def test_two_importers_of_the_same_people_at_once_bring_everybody_in_once(any_world: World) -> None:
    rows = [student(person) for person in CROWD[:40]]
    data = workbook("candidates", *rows)
    actor = any_world.actor("jiangcheng")
    before = count(Candidate)
    reports = at_once(*[lambda: desk.import_file(actor, "candidates", data, "学生.xlsx")] * 4)
    assert sorted((sound(report).accepted, report.unchanged) for report in reports) == [(0, 40)] * 3 + [(40, 0)]
    assert count(Candidate) == before + 40


# -- registrations -----------------------------------------------------------------------------------------------------


def test_the_quota_is_kept_to_the_last_place(any_world: World) -> None:
    verified(any_world, CROWD[:42])
    used = quota(any_world).used
    assert quota(any_world).granted == 40
    report = register(any_world, *(registration(any_world, person) for person in CROWD[:42]))
    left = 40 - used
    assert report.accepted == left
    assert errors(report) == [(3 + at, "证件号码", "quota_exceeded") for at in range(left, 42)]
    assert "超出指标：批准 40 人，已使用 40 人" in report.errors[0].message
    assert quota(any_world).used == 40
    assert count(Registration, Registration.import_job_id == report.job_id) == left


def quota(world: World) -> Quota:
    with reading() as session:
        return session.scalars(
            select(Quota).where(
                Quota.college_id == world.ids["college:jiangcheng"],
                Quota.certificate_id == world.ids["certificate:yunfan:0"],
                Quota.year == 2026,
            )
        ).one()


def test_eight_importers_at_once_never_oversell_the_quota(any_world: World) -> None:
    verified(any_world, CROWD[:64])
    used = quota(any_world).used
    files = [[registration(any_world, person) for person in CROWD[at : at + 8]] for at in range(0, 64, 8)]
    actor = any_world.actor("jiangcheng")
    before = count(Registration)

    def send(rows: Sequence[Row]) -> ImportReport:
        sheet = "registrations-by-certificate"
        return desk.import_file(
            actor, sheet, workbook(sheet, *rows), "报考.xlsx", plan_id=any_world.ids["plan:closing"]
        )

    reports = [sound(report) for report in at_once(*[lambda rows=rows: send(rows) for rows in files])]
    assert sum(report.accepted for report in reports) == 40 - used
    assert {error.code for report in reports for error in report.errors} == {"quota_exceeded"}
    assert quota(any_world).used == 40
    assert count(Registration) == before + 40 - used


def test_the_same_registrations_sent_by_eight_at_once_are_made_once(any_world: World) -> None:
    verified(any_world, CROWD[:6])
    rows = [registration(any_world, person) for person in CROWD[:6]]
    actor = any_world.actor("jiangcheng")
    sheet = "registrations-by-certificate"
    data = workbook(sheet, *rows)
    plan_id = any_world.ids["plan:closing"]
    reports = at_once(*[lambda: desk.import_file(actor, sheet, data, "报考.xlsx", plan_id=plan_id)] * 8)
    assert sorted(sound(report).accepted for report in reports) == [0] * 7 + [6]
    assert {error.code for report in reports for error in report.errors} == {"registered_already"}
    people_ids = [person.id_number for person in CROWD[:6]]
    assert count(Candidate, Candidate.id_number.in_(people_ids), Candidate.registered_count != 1) == 0


def test_two_plans_that_take_the_same_people_at_once_are_both_counted(
    any_world: World, at: Callable[[datetime], datetime]
) -> None:
    at(any_world.at(-5))  # when two plans were open to the college
    verified(any_world, CROWD[:12], sheet="social-candidates")
    actor = any_world.actor("jiangcheng")

    def send(plan: str, org: str) -> ImportReport:
        rows = [registration(any_world, person, org=org, kind="社会考生") for person in CROWD[:12]]
        sheet = "registrations-by-certificate"
        plan_id = any_world.ids[f"plan:{plan}"]
        return desk.import_file(actor, sheet, workbook(sheet, *rows), "报考.xlsx", plan_id=plan_id)

    reports = at_once(lambda: send("closing", "yunfan"), lambda: send("arranging", "anlan"))
    assert [sound(report).accepted for report in reports] == [12, 12]
    people_ids = [person.id_number for person in CROWD[:12]]
    assert count(Candidate, Candidate.id_number.in_(people_ids), Candidate.registered_count == 2) == 12


def test_every_reason_against_a_registration_is_told_by_its_cell(any_world: World) -> None:
    verified(any_world, CROWD[:8])
    verified(any_world, CROWD[8:9], major_code="620201", major_name="护理")
    import_students(any_world, student(CROWD[9]))
    first = register(any_world, registration(any_world, CROWD[0]))
    assert first.accepted == 1
    with reading() as session:
        foreign_site = session.get_one(ExamSite, any_world.ids["site:chutian:yunfan"]).site_no
        other = session.get_one(CertificateType, any_world.ids["certificate:yunfan:1"]).code
    report = register(
        any_world,
        registration(any_world, CROWD[0]),
        registration(any_world, CROWD[8]),
        registration(any_world, CROWD[9]),
        registration(any_world, CROWD[1], site_no=foreign_site),
        registration(any_world, CROWD[2], name="欧阳晴笺"),
        registration(any_world, CROWD[3], kind="社会考生"),
        registration(any_world, CROWD[4], certificate_code=other),
        registration(any_world, CROWD[5], level="高级"),
        registration(any_world, CROWD[6], certificate_name="另一种证书"),
        registration(any_world, CROWD[99]),
        registration(any_world, CROWD[7], site_no=""),
        registration(any_world, CROWD[7]),
        registration(any_world, CROWD[7]),
    )
    assert errors(report) == [
        (3, "证件号码", "registered_already"),
        (4, "证件号码", "major_not_of_certificate"),
        (5, "证件号码", "candidate_not_verified"),
        (6, "考核站点编号", "site_not_usable"),
        (7, "考生姓名", "name_differs"),
        (8, "考生类型", "kind_differs"),
        (9, "证书编号", "certificate_not_in_plan"),
        (10, "证书等级", "level_differs"),
        (11, "报考证书", "certificate_differs"),
        (12, "证件号码", "candidate_unknown"),
        (13, "考核站点编号", "value_missing"),
        (14, "证件号码、证书编号", "duplicate_row"),
        (15, "证件号码、证书编号", "duplicate_row"),
    ]


def test_registration_is_open_to_the_last_second_and_not_one_second_longer(
    any_world: World, at: Callable[[datetime], datetime]
) -> None:
    verified(any_world, CROWD[:2])
    rows = [registration(any_world, person) for person in CROWD[:2]]
    with reading() as session:
        closes_at = session.get_one(ExamPlan, any_world.ids["plan:closing"]).registration_closes_at
    at(closes_at)
    assert register(any_world, rows[0]).accepted == 1
    at(closes_at + timedelta(seconds=1))
    before = count(ImportJob)
    with pytest.raises(Refusal) as caught:
        register(any_world, rows[1])
    assert caught.value.sentence_code == "window_closed"
    assert count(ImportJob) == before


def test_a_sheet_of_a_plan_wants_the_plan_first(world: World) -> None:
    sheet = "registrations-by-certificate"
    data = workbook(sheet, registration(world, CROWD[0]))
    with pytest.raises(ValueRefused) as caught:
        desk.import_file(world.actor("jiangcheng"), sheet, data, "报考.xlsx")
    assert caught.value.sentence_code == "plan_not_chosen"


# -- scores ------------------------------------------------------------------------------------------------------------


def score_sheet(world: World, login: str = "yunfan", plan: str = "entering") -> bytes:
    out = io.BytesIO()
    desk.score_sheet(world.actor(login), world.ids[f"plan:{plan}"], out)
    return out.getvalue()


def import_scores(world: World, data: bytes, *, login: str = "yunfan", plan: str = "entering") -> ImportReport:
    return sound(desk.import_file(world.actor(login), "scores", data, "成绩.xlsx", plan_id=world.ids[f"plan:{plan}"]))


def filled(data: bytes, scores: Sequence[Any]) -> bytes:
    """The score sheet with these in its score column, in the order of its rows; 缺考 goes where it belongs."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    for number, score in enumerate(scores, start=3):
        book.active[f"{'F' if score == '缺考' else 'E'}{number}"] = score
    return saved(book)


def rows_of(data: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3)]


def test_the_score_sheet_lists_every_seat_with_the_score_left_blank(any_world: World) -> None:
    rows = rows_of(score_sheet(any_world))
    with reading() as session:
        seated = session.scalar(
            select(func.count(SubjectRegistration.id))
            .join(Registration)
            .where(Registration.plan_id == any_world.ids["plan:entering"])
        )
    assert len(rows) == seated == 8
    assert all(ticket and name and id_number and subject for ticket, name, id_number, subject, *_ in rows)
    assert all(row[4:] == [None, None] for row in rows)


def test_scores_filled_in_are_entered_and_results_follow(any_world: World) -> None:
    report = import_scores(any_world, filled(score_sheet(any_world), [85, 60.5, "缺考", 0, 100, "59.9", "70分", 88]))
    assert (report.accepted, report.rejected) == (8, 0)
    with reading() as session:
        entered = session.execute(
            select(SubjectScore.score_tenths, SubjectScore.is_absent).order_by(SubjectScore.id).offset(0)
        ).all()
    assert sorted(entered[-8:], key=str) == sorted(
        [(850, False), (605, False), (None, True), (0, False), (1000, False), (599, False), (700, False), (880, False)],
        key=str,
    )
    assert count(CertificateResult, CertificateResult.plan_id == any_world.ids["plan:entering"]) == 4
    with pytest.raises(NotReady):
        score_sheet(any_world)


def test_scores_sent_again_are_unchanged_or_amended(any_world: World) -> None:
    blank = score_sheet(any_world)
    import_scores(any_world, filled(blank, [80] * 8))
    assert import_scores(any_world, filled(blank, [80] * 8)).unchanged == 8
    amended = import_scores(any_world, filled(blank, [81, "缺考", *[80] * 6]))
    assert (amended.accepted, amended.unchanged) == (2, 6)
    with reading() as session:
        found = session.execute(select(ScoreAmendment.old_tenths, ScoreAmendment.new_tenths)).all()
    assert sorted(found, key=str) == [(800, 810), (800, None)]


def test_every_reason_against_a_score_is_told_by_its_cell(any_world: World) -> None:
    blank = score_sheet(any_world)
    other = score_sheet(any_world, "chiyuan", "examining")
    book = openpyxl.load_workbook(io.BytesIO(filled(blank, [101, "", "优", 60.55, "缺考", 70, 71, 72])))
    sheet = book.active
    sheet["E7"] = 60  # absent with a score
    sheet["A8"] = rows_of(other)[0][0]  # a ticket of another plan
    sheet["B9"] = "欧阳晴笺"
    sheet["A10"] = float(sheet["A10"].value)
    assert errors(import_scores(any_world, saved(book))) == [
        (3, "考试成绩", "score_range"),
        (4, "考试成绩", "score_missing"),
        (5, "考试成绩", "score_shape"),
        (6, "考试成绩", "score_decimals"),
        (7, "考试成绩", "absent_with_score"),
        (8, "准考证号", "ticket_unknown"),
        (9, "考生姓名", "person_differs"),
        (10, "准考证号", "id_stored_as_number"),
    ]


def test_scores_are_entered_in_their_window_only(any_world: World, at: Callable[[datetime], datetime]) -> None:
    data = filled(score_sheet(any_world), [80] * 8)
    with reading() as session:
        plan = session.get_one(ExamPlan, any_world.ids["plan:entering"])
    for moment, code in (
        (plan.score_entry_opens_at - timedelta(seconds=1), "window_not_open"),
        (plan.score_entry_closes_at + timedelta(seconds=1), "window_closed"),
    ):
        at(moment)
        with pytest.raises(Refusal) as caught:
            import_scores(any_world, data)
        assert caught.value.sentence_code == code
    at(plan.score_entry_closes_at)
    assert import_scores(any_world, data).accepted == 8


def test_absence_is_noted_in_the_attendance(world: World) -> None:
    before = count(SubjectRegistration, SubjectRegistration.attendance == Attendance.ABSENT)
    import_scores(world, filled(score_sheet(world), ["缺考", *[80] * 7]))
    assert count(SubjectRegistration, SubjectRegistration.attendance == Attendance.ABSENT) == before + 1


# -- photos ------------------------------------------------------------------------------------------------------------


def test_photos_are_given_to_their_owners_and_every_other_file_is_told_why(any_world: World) -> None:
    import_students(any_world, *(student(person) for person in CROWD[:3]))
    own = [person.id_number for person in CROWD[:4]]
    verified_one = any_world.crowd["jiangcheng"][0].id_number
    files = {
        f"{own[0]}.jpg": picture(1),
        f"{own[1]}.png": photo(form="PNG"),
        f"{own[2]}.jpg": photo(size=(100, 100)),
        f"{own[3]}.jpg": picture(3),
        "王文丽.jpg": picture(4),
        f"{verified_one}.jpg": picture(5),
        "__MACOSX/._x.jpg": b"x",
    }
    actor = any_world.actor("jiangcheng")
    report = sound(desk.import_photos(actor, zipped(files), "照片.zip"))
    assert [(error.row, error.value, error.code) for error in report.errors] == [
        (3, f"{own[2]}.jpg", "photo_wrong_size"),
        (4, f"{own[3]}.jpg", "photo_of_nobody"),
        (5, "王文丽.jpg", "photo_name_not_id"),
        (6, f"{verified_one}.jpg", "verified_is_locked"),
    ]
    assert (report.row_count, report.accepted) == (6, 2)
    ready = (Candidate.id_number.in_(own[:2]), Candidate.state == CandidateState.PENDING_VERIFICATION)
    assert count(Candidate, *ready) == 2
    assert report.job_id is not None
    assert [row[1] for row in rows_of(desk.failed_rows(actor, report.job_id))] == [e.value for e in report.errors]


def test_the_same_photos_again_change_nothing(world: World) -> None:
    import_students(world, *(student(person) for person in CROWD[:2]))
    data = zipped({f"{person.id_number}.jpg": picture(n) for n, person in enumerate(CROWD[:2])})
    actor = world.actor("jiangcheng")
    assert sound(desk.import_photos(actor, data, "照片.zip")).accepted == 2
    assert sound(desk.import_file(actor, "photos", data, "照片.zip")).unchanged == 2


def test_photos_can_be_rehearsed(world: World) -> None:
    import_students(world, student(CROWD[0]))
    data = zipped({f"{CROWD[0].id_number}.jpg": picture(1)})
    report = sound(desk.import_photos(world.actor("jiangcheng"), data, "照片.zip", dry_run=True))
    assert (report.job_id, report.accepted) == (None, 1)
    assert count(Candidate, Candidate.id_number == CROWD[0].id_number, Candidate.photo_hash.is_not(None)) == 0


def test_an_archive_not_to_be_trusted_leaves_no_trace(world: World) -> None:
    before = count(ImportJob)
    with pytest.raises(FileRefused):
        desk.import_photos(world.actor("jiangcheng"), b"PK\x03\x04", "照片.zip")
    assert count(ImportJob) == before


# -- who may -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "sheet"),
    [
        ("yunfan", "candidates"),
        ("hubei", "candidates"),
        ("admin", "candidates"),
        ("yunfan", "photos"),
        ("jiangcheng-fzr", "registrations-by-certificate"),
        ("yunfan", "registrations-by-certificate"),
        ("jiangcheng", "scores"),
        ("anlan", "scores"),
    ],
)
def test_who_has_no_business_with_a_sheet_is_refused(world: World, login: str, sheet: str) -> None:
    data = zipped({"1.jpg": b""}) if sheet == "photos" else workbook(sheet, some_row(world, sheet))
    file_name = "a.zip" if sheet == "photos" else "a.xlsx"
    with pytest.raises(NotPermitted):
        desk.import_file(world.actor(login), sheet, data, file_name, plan_id=world.ids["plan:entering"])


def some_row(world: World, sheet: str) -> Row:
    if sheet == "scores":
        return {"ticket_no": "1", "name": "王文丽", "id_number": "E12345678", "subject_code": "1", "score_tenths": "60"}
    return student(CROWD[0]) if sheet == "candidates" else registration(world, CROWD[0])


def test_failed_rows_are_for_ones_own_organisation(world: World) -> None:
    report = import_students(world, student(CROWD[0], mobile="1"))
    assert report.job_id is not None
    assert rows_of(desk.failed_rows(world.actor("jiangcheng-fzr"), report.job_id))[0][0] == CROWD[0].name
    for login in ("chutian", "yunfan", "hubei", "admin"):
        with pytest.raises(NotFound):
            desk.failed_rows(world.actor(login), report.job_id)
    with pytest.raises(NotFound):
        desk.failed_rows(world.actor("jiangcheng"), report.job_id + 1)


def test_an_import_without_failures_has_no_failed_rows(world: World) -> None:
    report = import_students(world, student(CROWD[0]))
    assert report.job_id is not None
    with pytest.raises(NotFound) as caught:
        desk.failed_rows(world.actor("jiangcheng"), report.job_id)
    assert caught.value.sentence_code == "import_without_failures"


# -- out ---------------------------------------------------------------------------------------------------------------


def exported(actor: Actor, sheet: str, **options: Any) -> bytes:
    out = io.BytesIO()
    rows = desk.export_rows(actor, sheet, out, **options)
    assert rows == len(rows_of(out.getvalue()))
    return out.getvalue()


def test_an_export_of_candidates_is_the_sheet_itself_and_comes_back_unchanged(any_world: World) -> None:
    actor = any_world.actor("jiangcheng")
    data = exported(actor, "candidates")
    assert {row[4] for row in rows_of(data)} == {person.id_number for person in any_world.crowd["jiangcheng"]}
    again = sound(desk.import_file(actor, "candidates", data, "导出.xlsx"))
    assert (again.unchanged, again.row_count) == (16, 16)


def test_an_export_is_written_to_the_trail_without_anybodys_data(world: World) -> None:
    exported(world.actor("jiangcheng"), "candidates")
    with reading() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (last.object_type, last.object_id, last.action) == ("colleges", world.ids["college:jiangcheng"], "export")
    assert last.after == '{"rows": 16, "sheet": "candidates"}'


def test_an_export_can_be_narrowed_by_what_its_columns_show(world: World) -> None:
    actor = world.actor("jiangcheng")
    everybody = rows_of(exported(actor, "candidates"))
    women = rows_of(exported(actor, "candidates", where={"性别": "女"}))
    assert women == [row for row in everybody if row[2] == "女"]
    nurses = rows_of(exported(actor, "candidates", where={"gender": "女", "major_code": "620201"}))
    assert nurses == [row for row in women if row[9] == "620201"]
    with pytest.raises(ValueRefused):
        exported(actor, "candidates", where={"班级": "一班"})


def test_more_than_may_leave_at_once_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "EXPORT_CAP", 15)
    with pytest.raises(TooMany) as caught:
        exported(world.actor("jiangcheng"), "candidates")
    assert caught.value.rule == "R-012"


def test_registrations_and_scores_come_out_as_they_stand(any_world: World) -> None:
    closing = {"plan_id": any_world.ids["plan:closing"]}
    mine = rows_of(exported(any_world.actor("jiangcheng"), "registrations-by-certificate", **closing))
    assert len(mine) == count(
        Registration,
        Registration.plan_id == closing["plan_id"],
        Registration.college_id == any_world.ids["college:jiangcheng"],
    )
    publishing = {"plan_id": any_world.ids["plan:publishing"]}
    data = exported(any_world.actor("anlan"), "scores", **publishing)
    assert {bool(row[4]) for row in rows_of(data)} | {row[5] == "缺考" for row in rows_of(data)} <= {True, False}
    assert all((row[4] is None) == (row[5] == "缺考") for row in rows_of(data))
    with pytest.raises(NotPermitted):
        exported(any_world.actor("yunfan"), "scores", **publishing)


def test_every_sheet_has_a_template_that_it_takes_back(world: World) -> None:
    assert list(desk.sheet_names()) == [
        "candidates",
        "social-candidates",
        "candidates-update",
        "registrations-by-certificate",
        "scores",
        "directory",
        "majors",
        "organisations",
        "certificates",
        "subjects",
    ]
    for name, title in desk.sheet_names().items():
        book = openpyxl.load_workbook(io.BytesIO(desk.template_bytes(name)))
        assert [cell.value for cell in book.worksheets[0][2]] == [c.heading for c in SHEETS[name].spec.columns]
        assert book.worksheets[0]["A1"].value == title
    with pytest.raises(NotFound):
        desk.template_bytes("nothing")


def test_the_template_of_own_students_has_the_columns_of_the_platform() -> None:
    book = openpyxl.load_workbook(io.BytesIO(desk.template_bytes("candidates")))
    assert [cell.value for row in book.worksheets[0].iter_rows(max_row=2) for cell in row if cell.value] == [
        "本校学生导入模板",
        "*学生姓名", "*姓名拼音", "*性别", "*证件类型", "*证件号码", "*手机号码", "*入学年份", "*专业层次", "*就读专业",
        "*专业代码",
    ]  # fmt: skip


def test_the_exported_list_of_candidates_comes_back_completed_R094(any_world: World) -> None:
    actor = any_world.actor("jiangcheng")
    data = exported(actor, "candidates-update")
    columns = [column.title for column in SHEETS["candidates-update"].spec.columns]
    assert columns == [heading.title for heading in export_spec("candidate-list").headings]
    unchanged = sound(desk.import_file(actor, "candidates-update", data, "导出.xlsx"))
    assert (unchanged.accepted, unchanged.unchanged) == (0, unchanged.row_count)
    changed = sound(desk.import_file(actor, "candidates-update", corrected(data, G3="19912340000"), "改.xlsx"))
    assert (changed.accepted, changed.unchanged) == (1, unchanged.row_count - 1)
    with reading() as session:
        assert session.scalar(select(func.count(Candidate.id)).where(Candidate.mobile == "19912340000")) == 1
    assert "空白的单元格表示不修改" in guide_of("candidates-update")


def guide_of(sheet: str) -> str:
    """The second worksheet of the template as one text."""
    book = openpyxl.load_workbook(io.BytesIO(desk.template_bytes(sheet)))
    return "\n".join(str(cell.value or "") for cells in book.worksheets[1].iter_rows() for cell in cells)
