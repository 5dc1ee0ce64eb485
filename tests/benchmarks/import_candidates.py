"""Importing 50,000 and 200,000 candidates, one row in ten bad, into a world that already has some of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl
from python_calamine import CalamineWorkbook
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import clock, db, settings
from core.actors import Actor
from core.db import reading
from core.demo import world as demo
from core.demo.people import Person, people
from core.errors import ValueRefused
from core.gateways.seal import LocalSealer
from core.models.candidates import Candidate
from core.models.catalogue import Major
from core.rules import values
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.numbering import candidate_no
from core.rules.organisations import Role
from core.rules.values import IdType
from core.sheets import desk
from core.sheets.candidates import STUDENTS
from core.usecases.candidates import import_candidates
from tests.benchmarks.contest import Contest, Ratio, Run, copy_of, drop_database, make_database, postgres_trouble

TITLE = "50,000 candidates from a workbook, 5,000 of them bad"
ROWS, MANY_ROWS = 50_000, 200_000
ALREADY_THERE = 500
OBVIOUS = "openpyxl, a look-up, an ORM object and a commit per row"
CAREFUL = "openpyxl, an ORM object per row, one commit"
OURS = "kaowu: desk.import_file"
OURS_LONG = "kaowu: 200,000 rows"
LIMIT = "limit: read and bare executemany or COPY"


def contests() -> Sequence[Contest]:
    """On SQLite, and on PostgreSQL where it answers."""
    return [
        Contest(
            name=kind,
            contestants={
                OBVIOUS: _on(kind, obvious),
                CAREFUL: _on(kind, careful),
                OURS: _on(kind, ours),
                LIMIT: _on(kind, limit),
                OURS_LONG: _on(kind, ours_long),
            },
            prepare=lambda stage, kind=kind: prepare(stage, kind),
            clean_up=lambda stage, kind=kind: drop_database(stage, kind),
            targets={OURS: aim},
            ratios=[
                Ratio("kaowu to the bare cost of reading and inserting", OURS, LIMIT, 3),
                Ratio("memory added by 200,000 rows to that of 50,000", OURS_LONG, OURS, 2, figure="more_mb"),
            ],
            once=frozenset({OBVIOUS, CAREFUL, OURS_LONG}),
            trouble=postgres_trouble if kind == "postgres" else lambda: "",
        )
        for kind, aim in (("sqlite", 10), ("postgres", 20))
    ]


# -- the stage ---------------------------------------------------------------------------------------------------------


def prepare(stage: Path, kind: str) -> None:
    """The world, and the workbooks."""
    crowd, _ = make_world(stage, kind)
    write_workbook(crowd[:ROWS], stage / "candidates.xlsx")
    write_workbook(crowd, stage / "many.xlsx")


def make_world(stage: Path, kind: str) -> tuple[Sequence[Person], str]:
    """A small world with 500 of the people already in it, with another mobile; the people, and where it is."""
    os.environ["KAOWU_DATA_DIR"] = str(stage)
    crowd = people(20_26, MANY_ROWS, first=100_000)
    url = make_database(stage, kind)
    with connected(url):
        db.upgrade()
        world = demo.build(LocalSealer(), verify_base="http://127.0.0.1:8000", scale=0.1)
        known = [_clean(person) | {"mobile": "19900000000"} for person in crowd[1 : ALREADY_THERE * 100 : 100]]
        with world.acting("jiangcheng") as tx:
            rows = list(enumerate(known, start=3))
            college_id = world.ids["college:jiangcheng"]
            import_candidates(tx, college_id=college_id, kind=CandidateKind.COLLEGE, rows=rows)
        (stage / "college").write_text(str(college_id))
    return crowd, url


def _clean(person: Person) -> dict[str, Any]:
    return demo.candidate_values(person, 2026, 0)


def write_workbook(crowd: Sequence[Person], path: Path) -> None:
    """As Excel would save it, a row in ten wrong."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([STUDENTS.title])
    sheet.append([column.heading for column in STUDENTS.columns])
    for at, person in enumerate(crowd):
        sheet.append(_typed(at, person, crowd))
    book.save(path)


def _typed(at: int, person: Person, crowd: Sequence[Person]) -> list[str]:
    """A row as typed; in every hundred: 3 wrong check digits, 2 impossible dates, 2 mobiles, 1 gender, 1 repeat."""
    number, mobile, gender = person.id_number, person.mobile, person.gender.label
    match at % 100:
        case 10 | 40 | 70:
            number = number[:17] + ("0" if number[17] != "0" else "1")
        case 20 | 50:
            number = number[:10] + "0230" + number[14:]
        case 30 | 60:
            mobile = "12" + mobile[2:]
        case 80:
            gender = "不详"
        case 90:
            number = crowd[at - 85].id_number
    values_ = _clean(person)
    return [
        person.name,
        person.pinyin,
        gender,
        "身份证",
        number,
        mobile,
        str(values_["enrolment_year"]),
        values_["education_level"].label,
        values_["major_name"],
        values_["major_code"],
    ]


@contextmanager
def connected(url: str) -> Any:
    """The process's database for a while."""
    os.environ["KAOWU_DATABASE_URL"] = url
    settings.forget()
    db.configure(url)
    try:
        yield
    finally:
        db.engine().dispose()


def _on(kind: str, contestant: Callable[[Run, int], None]) -> Callable[[Run], None]:
    def run(run: Run) -> None:
        os.environ["KAOWU_DATA_DIR"] = str(run.stage)
        with copy_of(run.stage, kind) as url, connected(url):
            with reading() as session:
                session.scalars(select(Major)).all()  # connected, mappers configured: not what is measured
            contestant(run, int((run.stage / "college").read_text()))

    return run


# -- the contestants ---------------------------------------------------------------------------------------------------


def ours(run: Run, college_id: int) -> None:
    """The whole desk: safe opening, every error of every row, record, numbers, trail, failed rows."""
    actor = Actor("bench", frozenset({Role.COORDINATOR}), college_id=college_id, channel="cli")
    with run.timed():
        report = desk.import_file(actor, "candidates", run.stage / "candidates.xlsx", "candidates.xlsx")
    run.answer = {"accepted": report.accepted, "failed": sorted({error.row for error in report.errors})}


def ours_long(run: Run, college_id: int) -> None:
    """The same of four times as many rows: what it takes in memory is the point."""
    actor = Actor("bench", frozenset({Role.COORDINATOR}), college_id=college_id, channel="cli")
    with run.timed():
        report = desk.import_file(actor, "candidates", run.stage / "many.xlsx", "many.xlsx")
    if report.rejected != MANY_ROWS * 9 // 100 + ALREADY_THERE:
        raise SystemExit(f"{report.rejected} rows rejected")


def obvious(run: Run, college_id: int) -> None:
    """The usual way: every row looked up, added and committed by itself, no trail, no record."""
    _timed_plainly(run, college_id, by_row=True)


def careful(run: Run, college_id: int) -> None:
    """The same written with care: known people read once, one commit."""
    _timed_plainly(run, college_id, by_row=False)


def _timed_plainly(run: Run, college_id: int, *, by_row: bool) -> None:
    out = run.stage / f"failed-{os.getpid()}.xlsx"
    with run.timed():
        accepted, failed = _import_plainly(run.stage / "candidates.xlsx", college_id, out, by_row=by_row)
    out.unlink()
    run.answer = {"accepted": accepted, "failed": failed}


def _import_plainly(path: Path, college_id: int, out: Path, *, by_row: bool) -> tuple[int, list[int]]:
    sheet = openpyxl.load_workbook(path).active
    failures = openpyxl.Workbook()
    failures.active.append([*(column.heading for column in STUDENTS.columns), "失败原因"])
    failed, accepted = [], 0
    now = clock.now()
    with Session(db.engine()) as session:
        majors = set(session.scalars(select(Major.code)))
        known = set() if by_row else set(session.scalars(select(Candidate.id_number)))
        for number, row in enumerate(sheet.iter_rows(min_row=3, values_only=True), start=3):
            try:
                cleaned = _cleaned(row)
                if by_row:
                    is_known = session.scalar(_person(cleaned["id_number"])) is not None
                else:
                    is_known = cleaned["id_number"] in known
                if is_known:
                    raise ValueRefused("candidate_exists")
                if cleaned["major_code"] not in majors:
                    raise ValueRefused("major_unknown")
            except ValueRefused as refusal:
                failed.append(number)
                failures.active.append([*row, refusal.sentence_code])
                continue
            known.add(cleaned["id_number"])
            accepted += 1
            session.add(
                Candidate(
                    **cleaned,
                    college_id=college_id,
                    kind=CandidateKind.COLLEGE,
                    state=CandidateState.NO_PHOTO,
                    candidate_no=candidate_no(cleaned["id_number"], clock.local(now), 1_000_000 + number),
                    created_at=now,
                    updated_at=now,
                )
            )
            if by_row:
                session.commit()
        session.commit()
    failures.save(out)
    return accepted, failed


def _person(id_number: str) -> Select[tuple[int]]:
    return select(Candidate.id).where(Candidate.id_number == id_number)


def _cleaned(row: Sequence[Any]) -> dict[str, Any]:
    name, pinyin, gender, id_type, id_number, mobile, year, level, major_name, major_code = row
    kind = values.id_type(id_type)
    cleaned = {
        "name": values.person_name(name),
        "name_pinyin": values.pinyin(pinyin),
        "gender": values.gender(gender),
        "id_type": kind,
        "id_number": values.document_number(kind, id_number),
        "mobile": values.mobile(mobile),
        "enrolment_year": values.year(year),
        "education_level": values.education_level(level),
        "major_name": values.text(100)(major_name),
        "major_code": values.major_code(major_code),
    }
    if kind is IdType.RESIDENT:
        values.require_same_gender(cleaned["id_number"], cleaned["gender"])
    return cleaned


def limit(run: Run, college_id: int) -> None:
    """What nobody can undercut: the file read, and ready-made rows handed to the driver."""
    table = Candidate.__table__
    names = [column.name for column in table.columns if column.name != "id"]
    is_postgres = db.engine().dialect.name == "postgresql"
    now = clock.now() if is_postgres else clock.now().strftime("%Y-%m-%d %H:%M:%S.%f")
    fixed = {"college_id": college_id, "kind": "college", "state": "no_photo", "registered_count": 0, "version": 1}
    fixed |= {"id_type": "resident", "education_level": "junior_college", "gender": "male", "enrolment_year": 2025}
    fixed |= {"created_at": now, "updated_at": now}
    people_ = people(1, ROWS - 5_000, first=300_000)
    rows = []
    for person in people_:
        row = fixed | {"name": person.name, "name_pinyin": person.pinyin, "id_number": person.id_number}
        row |= {"mobile": person.mobile, "major_name": "软件技术", "major_code": "610205"}
        row |= {"candidate_no": f"{person.id_number}{person.index}"}
        rows.append(tuple(row.get(name) for name in names))
    with run.timed():
        for _ in CalamineWorkbook.from_path(run.stage / "candidates.xlsx").get_sheet_by_index(0).iter_rows():
            pass
        with db.engine().begin() as connection:
            if is_postgres:
                cursor: Any = connection.connection.cursor()
                with cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = ", ".join("?" for _ in names)
                connection.exec_driver_sql(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", rows)
