"""The clinic on both databases: looked over, mended, taken, undone; by two at once, after a kill, past a deadline."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.actors import SYSTEM
from core.db import reading, transaction
from core.demo.world import World
from core.errors import (
    AlreadyThere,
    FileRefused,
    IllegalMove,
    NotFound,
    NotPermitted,
    Refusal,
    StaleState,
    TooMany,
    ValueRefused,
)
from core.models.accounts import UserAccount
from core.models.candidates import Candidate
from core.models.pilots import Quota
from core.models.plans import ExamPlan
from core.models.records import AuditEntry, ImportChange, ImportCorrection, ImportFault, ImportFile, ImportJob
from core.models.registrations import Registration, SubjectRegistration
from core.models.scores import CertificateResult, SubjectScore
from core.queries.imports import faults
from core.queries.reconcile import reconcile
from core.rules.imports import LEASE, MOST_ATTEMPTS, MOST_CORRECTED, ImportState
from core.rules.organisations import AccountState
from core.sheets import clinic, clinic_steps, desk
from core.sheets.clinic import Standing
from core.usecases.candidates import delete_candidates
from tests.core.sheets.broken_files import xlsx, zipped
from tests.core.sheets.test_desk import CROWD, count, filled, picture, registration, student, verified, workbook
from tests.factories import at_once

SECOND = timedelta(seconds=1)
At = Callable[[datetime], datetime]


def received(world: World, *rows: Any, login: str = "jiangcheng", sheet: str = "candidates", **options: Any) -> int:
    """A file at the clinic, looked over."""
    job_id = clinic.receive(world.actor(login), sheet, workbook(sheet, *rows), "学生.xlsx", **options)
    clinic_steps.work(job_id)
    return job_id


def stands(world: World, job_id: int, login: str = "jiangcheng") -> Standing:
    with reading() as session:
        return clinic.standing(session, world.actor(login), job_id)


def taken(world: World, job_id: int, *, all_or_none: bool = False, login: str = "jiangcheng") -> Standing:
    """The import after 确认导入."""
    clinic.confirm(world.actor(login), job_id, all_or_none=all_or_none)
    clinic_steps.work(job_id)
    return stands(world, job_id, login)


def counts(found: Standing) -> tuple[int, int, int, int, int]:
    return found.row_count, found.created, found.changed, found.unchanged, found.rejected


def three_and_a_bad_one(world: World) -> int:
    return received(world, *(student(person) for person in CROWD[:3]), student(CROWD[3], mobile="12345"))


def brought(*people: int) -> int:
    return count(Candidate, Candidate.id_number.in_([CROWD[at].id_number for at in people]))


def sound() -> None:
    with reading() as session:
        assert [law.name for law in reconcile(session) if law.broken] == []


# -- looking over ------------------------------------------------------------------------------------------------------


def test_a_preview_counts_names_every_fault_and_writes_nothing(any_world: World) -> None:
    """R-294: what would become of each row is known before any of them is in."""
    before = count(Candidate)
    job_id = three_and_a_bad_one(any_world)
    found = stands(any_world, job_id)
    assert (found.state, counts(found)) == (ImportState.PREVIEW, (4, 3, 0, 0, 1))
    with reading() as session:
        total, shown = faults(session, any_world.actor("jiangcheng"), job_id)
    assert total == 1
    assert [(fault.row, fault.column, fault.field, fault.value) for fault in shown] == [
        (6, "手机号码", "mobile", "12345")
    ]
    assert shown[0].message
    assert count(Candidate) == before
    sound()


def test_faults_come_a_page_at_a_time_in_the_order_of_the_file(world: World) -> None:
    job_id = received(world, *(student(person, mobile="1") for person in CROWD[:7]))
    with reading() as session:
        pages = [faults(session, world.actor("jiangcheng"), job_id, page=page, per_page=3) for page in range(4)]
    assert [total for total, _ in pages] == [7] * 4
    assert [[fault.row for fault in shown] for _, shown in pages] == [[3, 4, 5], [6, 7, 8], [9], []]


def test_a_file_with_other_columns_is_rejected_as_a_whole_with_its_reason(any_world: World) -> None:
    """R-297."""
    data = xlsx(["某人"], title="本校学生导入模板", header=["姓名"])
    job_id = clinic.receive(any_world.actor("jiangcheng"), "candidates", data, "学生.xlsx")
    clinic_steps.work(job_id)
    found = stands(any_world, job_id)
    assert (found.state, counts(found)) == (ImportState.REJECTED, (0, 0, 0, 0, 0))
    assert "手机号码" in found.refusal


@pytest.mark.parametrize("name", ["学生.csv", "学生.pdf", "学生.xlsm"])
def test_what_is_no_workbook_is_refused_at_the_door_and_leaves_no_record(world: World, name: str) -> None:
    """R-296."""
    before = count(ImportJob)
    with pytest.raises(FileRefused):
        clinic.receive(world.actor("jiangcheng"), "candidates", b"x", name)
    assert count(ImportJob) == before


def test_who_may_not_import_is_refused_at_the_door(world: World) -> None:
    with pytest.raises(NotPermitted):
        clinic.receive(world.actor("jiangcheng"), "scores", workbook("scores", {}), "成绩.xlsx", plan_id=1)


# -- taking ------------------------------------------------------------------------------------------------------------


def test_good_rows_are_taken_bad_ones_returned_and_the_file_is_let_go(any_world: World) -> None:
    """R-294, R-295: the record keeps counts, faults and the rows to mend; the upload itself is gone."""
    job_id = three_and_a_bad_one(any_world)
    found = taken(any_world, job_id)
    assert (found.state, counts(found), found.may_undo) == (ImportState.DONE, (4, 3, 0, 0, 1), True)
    assert brought(0, 1, 2, 3) == 3
    assert count(ImportFile, ImportFile.job_id == job_id) == 0
    assert count(ImportFault, ImportFault.job_id == job_id) == 1
    assert desk.failed_rows(any_world.actor("jiangcheng"), job_id)
    sound()


def test_all_or_none_takes_none_while_a_row_is_bad(any_world: World) -> None:
    job_id = three_and_a_bad_one(any_world)
    with pytest.raises(ValueRefused, match="import_all_or_none"):
        clinic.confirm(any_world.actor("jiangcheng"), job_id, all_or_none=True)
    assert (stands(any_world, job_id).state, brought(0, 1, 2)) == (ImportState.PREVIEW, 0)


def test_all_or_none_gives_back_a_file_in_which_a_row_went_bad_meanwhile(any_world: World) -> None:
    job_id = received(any_world, student(CROWD[0]), student(CROWD[1]))
    elsewhere = received(any_world, student(CROWD[1], mobile="19911112222"), login="chutian")
    assert taken(any_world, elsewhere, login="chutian").created == 1
    found = taken(any_world, job_id, all_or_none=True)
    assert (found.state, counts(found)) == (ImportState.PREVIEW, (2, 1, 0, 0, 1))
    assert found.refusal
    assert brought(0) == 0
    sound()


def test_a_file_of_nothing_new_has_nothing_to_take(any_world: World) -> None:
    """R-077: sending a file twice changes nothing."""
    assert taken(any_world, received(any_world, student(CROWD[0]))).created == 1
    job_id = received(any_world, student(CROWD[0]))
    assert counts(stands(any_world, job_id)) == (1, 0, 0, 1, 0)
    with pytest.raises(ValueRefused, match="import_nothing_to_take"):
        clinic.confirm(any_world.actor("jiangcheng"), job_id, all_or_none=False)


def test_two_workers_at_once_write_a_file_once(any_world: World) -> None:
    job_id = three_and_a_bad_one(any_world)
    clinic.confirm(any_world.actor("jiangcheng"), job_id, all_or_none=False)
    assert at_once(*[lambda: clinic_steps.work(job_id)] * 4) == [None] * 4
    clinic_steps.work(job_id)
    assert (stands(any_world, job_id).state, brought(0, 1, 2)) == (ImportState.DONE, 3)
    sound()


@pytest.mark.parametrize(
    ("late", "state"), [(-SECOND, ImportState.DONE), (0 * SECOND, ImportState.DONE), (SECOND, ImportState.PREVIEW)]
)
def test_a_window_that_closes_while_people_think_gives_the_file_back(
    late: timedelta, state: ImportState, any_world: World, at: At
) -> None:
    """R-135: looked over in time is not registered in time."""
    verified(any_world, CROWD[:1])
    plan_id = any_world.ids["plan:closing"]
    job_id = received(
        any_world, registration(any_world, CROWD[0]), sheet="registrations-by-certificate", plan_id=plan_id
    )
    with reading() as session:
        closes = session.get_one(ExamPlan, plan_id).windows.registration.closes_at
    clinic.confirm(any_world.actor("jiangcheng"), job_id, all_or_none=False)
    at(closes + late)
    clinic_steps.work(job_id)
    found = stands(any_world, job_id)
    assert (found.state, bool(found.refusal)) == (state, state is ImportState.PREVIEW)
    assert count(Registration, Registration.import_job_id == job_id) == (state is ImportState.DONE)


# -- killed ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "state"), [(LEASE, ImportState.READING), (LEASE + SECOND, ImportState.PREVIEW)])
def test_a_reader_that_died_is_replaced_when_its_lease_is_over(
    later: timedelta, state: ImportState, any_world: World, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = any_world.actor("jiangcheng")
    job_id = clinic.receive(actor, "candidates", workbook("candidates", student(CROWD[0])), "学生.xlsx")
    with monkeypatch.context() as killed:
        killed.setattr(desk, "judge_file", _dies)
        with pytest.raises(KeyboardInterrupt):
            clinic_steps.work(job_id)
    at(any_world.born_at + later)
    clinic_steps.work_off()
    assert stands(any_world, job_id).state is state


def test_a_writer_killed_in_the_middle_has_written_nothing_and_its_successor_all(
    any_world: World, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = three_and_a_bad_one(any_world)
    clinic.confirm(any_world.actor("jiangcheng"), job_id, all_or_none=False)
    with monkeypatch.context() as killed:
        killed.setattr(desk, "record", _dies)
        with pytest.raises(KeyboardInterrupt):
            clinic_steps.work(job_id)
    assert brought(0, 1, 2) == 0
    at(any_world.born_at + LEASE + SECOND)
    assert clinic_steps.work_off() == 1
    assert (stands(any_world, job_id).state, brought(0, 1, 2)) == (ImportState.DONE, 3)
    assert clinic_steps.work_off() == 0


def test_a_file_that_takes_its_readers_down_is_given_up(
    any_world: World, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stuck: it ends as rejected, with words, not in a circle."""
    actor = any_world.actor("jiangcheng")
    job_id = clinic.receive(actor, "candidates", workbook("candidates", student(CROWD[0])), "学生.xlsx")
    with monkeypatch.context() as killed:
        killed.setattr(desk, "judge_file", _dies)
        for turn in range(MOST_ATTEMPTS):
            at(any_world.born_at + turn * (LEASE + SECOND))
            with pytest.raises(KeyboardInterrupt):
                clinic_steps.work(job_id)
    at(any_world.born_at + MOST_ATTEMPTS * (LEASE + SECOND))
    clinic_steps.work(job_id)
    found = stands(any_world, job_id)
    assert found.state is ImportState.REJECTED
    assert found.refusal


@pytest.mark.parametrize(
    ("trouble", "lost", "state"),
    [
        (AlreadyThere(constraint="uq_candidates_id_type_id_number"), 2, ImportState.PREVIEW),
        (StaleState(thing="考生", state=""), 1, ImportState.PREVIEW),
        (StaleState(thing="考生", state=""), 3, ImportState.READING),  # left to the next one, never rejected
        (AlreadyThere("candidate_exists"), 1, ImportState.REJECTED),  # nobody's race: the file as a whole
    ],
)
def test_a_race_lost_while_looking_is_no_fault_of_the_file(
    trouble: Refusal, lost: int, state: ImportState, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, losses = desk.judge_file, iter([trouble] * lost)

    def racing(*args: Any, **options: Any) -> Any:
        for refusal in losses:
            raise refusal
        return judge(*args, **options)

    monkeypatch.setattr(desk, "judge_file", racing)
    job_id = clinic.receive(
        world.actor("jiangcheng"), "candidates", workbook("candidates", student(CROWD[0])), "学生.xlsx"
    )
    with suppress(StaleState):
        clinic_steps.work(job_id)
    assert stands(world, job_id).state is state


def test_a_file_of_somebody_disabled_meanwhile_is_not_taken(any_world: World) -> None:
    job_id = three_and_a_bad_one(any_world)
    clinic.confirm(any_world.actor("jiangcheng"), job_id, all_or_none=False)
    with transaction(SYSTEM) as tx:
        tx.session.execute(
            update(UserAccount)
            .where(UserAccount.id == any_world.ids["account:jiangcheng"])
            .values(state=AccountState.DISABLED)
        )
    clinic_steps.work(job_id)
    with reading() as session:
        assert session.get_one(ImportJob, job_id).state is ImportState.REJECTED
    assert brought(0, 1, 2) == 0


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


# -- mending -----------------------------------------------------------------------------------------------------------


def test_a_cell_typed_anew_mends_its_row_and_the_file_stays_as_it_was(any_world: World) -> None:
    job_id = three_and_a_bad_one(any_world)
    clinic.correct(any_world.actor("jiangcheng"), job_id, {(6, "mobile"): CROWD[3].mobile})
    assert stands(any_world, job_id).state is ImportState.READING
    clinic_steps.work(job_id)
    assert counts(stands(any_world, job_id)) == (4, 4, 0, 0, 0)
    assert taken(any_world, job_id, all_or_none=True).created == 4
    with reading() as session:
        kept = session.scalars(select(Candidate.mobile).where(Candidate.id_number == CROWD[3].id_number)).one()
    assert kept == CROWD[3].mobile


def test_a_cell_may_be_typed_twice_and_the_last_word_counts(world: World) -> None:
    job_id = three_and_a_bad_one(world)
    for text in ("1", CROWD[3].mobile):
        clinic.correct(world.actor("jiangcheng"), job_id, {(6, "mobile"): text})
        clinic_steps.work(job_id)
    assert stands(world, job_id).rejected == 0
    assert count(ImportCorrection, ImportCorrection.job_id == job_id) == 1


@pytest.mark.parametrize(
    ("cells", "refusal"),
    [
        ({(3, "mobile"): "19900000000"}, NotFound),  # nothing is wrong with this row
        ({(99, "mobile"): "19900000000"}, NotFound),
        ({(6, "college_id"): "2"}, NotFound),
        ({(6, "mobile"): "1" * 501}, ValueRefused),
    ],
)
def test_only_cells_of_faulty_rows_can_be_typed_anew(
    world: World, cells: dict[tuple[int, str], str], refusal: type[Refusal]
) -> None:
    job_id = three_and_a_bad_one(world)
    with pytest.raises(refusal):
        clinic.correct(world.actor("jiangcheng"), job_id, cells)
    assert stands(world, job_id).state is ImportState.PREVIEW


def test_who_has_too_much_to_mend_does_it_in_the_workbook(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = received(world, *(student(person, mobile="1", name_pinyin="3") for person in CROWD[:3]))
    cells = {(row, field): "甲" for row in (3, 4, 5) for field in ("mobile", "name_pinyin")}
    monkeypatch.setattr(clinic, "MOST_CORRECTED", 5)
    with pytest.raises(TooMany):
        clinic.correct(world.actor("jiangcheng"), job_id, cells)
    assert MOST_CORRECTED > 5


def test_the_trail_knows_that_cells_were_typed_anew_and_not_what(world: World) -> None:
    job_id = three_and_a_bad_one(world)
    clinic.correct(world.actor("jiangcheng"), job_id, {(6, "mobile"): CROWD[3].mobile})
    with reading() as session:
        said = session.scalars(
            select(AuditEntry.after).where(AuditEntry.object_type == ImportCorrection.__tablename__)
        ).all()
    assert said
    assert not [text for text in said if CROWD[3].mobile in text]


# -- back --------------------------------------------------------------------------------------------------------------


def test_a_discarded_file_leaves_its_record_and_nothing_else(any_world: World) -> None:
    job_id = three_and_a_bad_one(any_world)
    clinic.discard(any_world.actor("jiangcheng"), job_id)
    assert stands(any_world, job_id).state is ImportState.DISCARDED
    assert [count(table, table.job_id == job_id) for table in (ImportFile, ImportFault, ImportCorrection)] == [0, 0, 0]
    with pytest.raises(NotFound):
        desk.failed_rows(any_world.actor("jiangcheng"), job_id)
    with pytest.raises(IllegalMove):
        clinic.confirm(any_world.actor("jiangcheng"), job_id, all_or_none=False)


def test_an_import_is_undone_once_and_can_be_sent_again(any_world: World) -> None:
    job_id = three_and_a_bad_one(any_world)
    taken(any_world, job_id)
    assert clinic.undo(any_world.actor("jiangcheng"), job_id) == 3
    assert (stands(any_world, job_id).state, brought(0, 1, 2)) == (ImportState.UNDONE, 0)
    with pytest.raises(IllegalMove):
        clinic.undo(any_world.actor("jiangcheng"), job_id)
    assert taken(any_world, three_and_a_bad_one(any_world)).created == 3
    sound()


def test_what_something_leans_on_is_not_undone(any_world: World) -> None:
    """A photo of one of them is work that would be lost."""
    job_id = three_and_a_bad_one(any_world)
    taken(any_world, job_id)
    actor = any_world.actor("jiangcheng")
    desk.import_photos(actor, zipped({f"{CROWD[1].id_number}.jpg": picture(1)}), "照片.zip")
    found = stands(any_world, job_id)
    assert (found.may_undo, "1 条" in found.why_not) == (False, True)
    with pytest.raises(IllegalMove, match="import_leaned_on"):
        clinic.undo(actor, job_id)
    assert (stands(any_world, job_id).state, brought(0, 1, 2)) == (ImportState.DONE, 3)


def test_what_its_people_deleted_is_not_missed_when_the_rest_is_undone(world: World) -> None:
    job_id = three_and_a_bad_one(world)
    taken(world, job_id)
    with world.acting("jiangcheng") as tx:
        one = tx.all(select(Candidate.id).where(Candidate.id_number == CROWD[0].id_number))
        delete_candidates(tx, candidate_ids=one)
    assert clinic.undo(world.actor("jiangcheng"), job_id) == 2


def test_two_who_undo_at_once_undo_once(any_world: World) -> None:
    job_id = three_and_a_bad_one(any_world)
    taken(any_world, job_id)
    actor = any_world.actor("jiangcheng")
    answers = at_once(*[lambda: clinic.undo(actor, job_id)] * 3)
    assert sorted(str(answer) for answer in answers if not isinstance(answer, Refusal)) == ["3"]
    assert brought(0, 1, 2) == 0


def test_registrations_are_undone_with_their_places(any_world: World) -> None:
    """R-141, R-153."""
    verified(any_world, CROWD[:2])
    plan_id = any_world.ids["plan:closing"]
    before = _used(any_world)
    job_id = received(
        any_world,
        *(registration(any_world, person) for person in CROWD[:2]),
        sheet="registrations-by-certificate",
        plan_id=plan_id,
    )
    assert taken(any_world, job_id).created == 2
    assert _used(any_world) == before + 2
    assert clinic.undo(any_world.actor("jiangcheng"), job_id) == 2
    assert (_used(any_world), count(Registration, Registration.import_job_id == job_id)) == (before, 0)
    sound()


@pytest.mark.parametrize(("late", "may"), [(-SECOND, True), (0 * SECOND, True), (SECOND, False)])
def test_registrations_stay_when_their_window_has_closed(late: timedelta, may: bool, world: World, at: At) -> None:
    """R-135."""
    verified(world, CROWD[:1])
    plan_id = world.ids["plan:closing"]
    job_id = received(world, registration(world, CROWD[0]), sheet="registrations-by-certificate", plan_id=plan_id)
    taken(world, job_id)
    with reading() as session:
        closes = session.get_one(ExamPlan, plan_id).windows.registration.closes_at
    at(closes + late)
    assert stands(world, job_id).may_undo is may


def _used(world: World) -> int:
    with reading() as session:
        return sum(session.scalars(select(Quota.used).where(Quota.college_id == world.ids["college:jiangcheng"])))


def scores_received(world: World, values: list[Any]) -> int:
    """The scores sheet of the plan whose entry is open, as the TEO fills it in, and taken."""
    plan_id = world.ids["plan:entering"]
    out = io.BytesIO()
    desk.score_sheet(world.actor("yunfan"), plan_id, out)
    return scores_sent(world, filled(out.getvalue(), values))


def scores_sent(world: World, data: bytes) -> int:
    job_id = clinic.receive(world.actor("yunfan"), "scores", data, "成绩.xlsx", plan_id=world.ids["plan:entering"])
    clinic_steps.work(job_id)
    assert taken(world, job_id, login="yunfan").state is ImportState.DONE
    return job_id


def scores_and_results() -> tuple[Any, ...]:
    """Everything a score sheet touches."""
    with reading() as session:
        return (
            session.execute(
                select(
                    SubjectScore.subject_registration_id, SubjectScore.score_tenths, SubjectScore.is_absent
                ).order_by(SubjectScore.subject_registration_id)
            ).all(),
            session.execute(
                select(SubjectRegistration.id, SubjectRegistration.attendance).order_by(SubjectRegistration.id)
            ).all(),
            session.execute(
                select(
                    CertificateResult.registration_id, CertificateResult.state, CertificateResult.composite_hundredths
                ).order_by(CertificateResult.registration_id)
            ).all(),
        )


def test_scores_undone_leave_scores_attendance_and_results_as_they_were(any_world: World) -> None:
    """R-201, R-227: first the second sheet, which changed two scores, then the first, which entered all."""
    plan_id = any_world.ids["plan:entering"]
    out = io.BytesIO()
    desk.score_sheet(any_world.actor("yunfan"), plan_id, out)
    first = scores_received(any_world, [85, 60.5, "缺考", 0, 100, 59.9, 70, 88])
    after_first = scores_and_results()
    second = scores_sent(any_world, filled(out.getvalue(), [86, 60.5, 40, 0, 100, 59.9, 70, 88]))
    assert counts(stands(any_world, second, "yunfan")) == (8, 0, 2, 6, 0)
    actor = any_world.actor("yunfan")
    with pytest.raises(IllegalMove, match="import_leaned_on"):
        clinic.undo(actor, first)
    assert clinic.undo(actor, second) == 2
    assert scores_and_results() == after_first
    assert clinic.undo(actor, first) == 8
    with reading() as session:
        there = set(session.scalars(select(SubjectScore.subject_registration_id)))
        brought_ = set(session.scalars(select(ImportChange.thing_id).where(ImportChange.job_id == first)))
    assert brought_
    assert not there & brought_
    sound()


@pytest.mark.parametrize(("late", "may"), [(-SECOND, True), (0 * SECOND, True), (SECOND, False)])
def test_scores_stay_when_their_window_has_closed(late: timedelta, may: bool, world: World, at: At) -> None:
    """R-199."""
    job_id = scores_received(world, [85] * 8)
    with reading() as session:
        closes = session.get_one(ExamPlan, world.ids["plan:entering"]).windows.score_entry.closes_at
    at(closes + late)
    assert stands(world, job_id, "yunfan").may_undo is may


# -- whose -------------------------------------------------------------------------------------------------------------


def test_nobody_else_sees_touches_or_learns_of_a_file(world: World) -> None:
    """R-097."""
    job_id = three_and_a_bad_one(world)
    stranger = world.actor("chutian")
    with reading() as session:
        assert faults(session, stranger, job_id) == (0, [])
    for verb in (
        lambda: stands(world, job_id, "chutian"),
        lambda: clinic.correct(stranger, job_id, {(6, "mobile"): "1"}),
        lambda: clinic.confirm(stranger, job_id, all_or_none=False),
        lambda: clinic.discard(stranger, job_id),
        lambda: clinic.undo(stranger, job_id),
        lambda: desk.failed_rows(stranger, job_id),
    ):
        with pytest.raises(NotFound):
            verb()
    assert stands(world, job_id).state is ImportState.PREVIEW
