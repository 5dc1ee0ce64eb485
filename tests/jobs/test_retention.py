"""What is personal goes when its time is over, to the second, and nothing else does (G-26)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from core import clock, settings
from core.actors import SYSTEM
from core.db import reading, transaction
from core.demo.people import people as crowd_of
from core.errors import IllegalMove, NotFound
from core.gateways import storage
from core.models.accounts import OneTimeCode
from core.models.candidates import Candidate, CandidatePhoto
from core.models.certificates import Certificate, CertificateIssuance
from core.models.photos import PhotoVerdict
from core.models.records import (
    AuditEntry,
    Heartbeat,
    ImportChange,
    ImportCorrection,
    ImportFault,
    ImportFile,
    ImportJob,
)
from core.models.registrations import CandidateSnapshot
from core.notifications.words import sentence
from core.queries.reconcile import reconcile, verify_chain
from core.rules.candidates import CandidateKind
from core.rules.imports import KEPT_FOR, ImportState
from core.rules.photo_verdicts import PhotoState
from core.sheets import clinic, clinic_steps, desk
from core.usecases import accounts, candidates, retention
from core.usecases.photos import adopt_offer, drop_offer
from core.usecases.undoing import rows_cleared
from jobs import retention as job
from tests.admin.sheets_of_paper import filled
from tests.core.sheets.broken_files import photo as wrong_size
from tests.core.sheets.broken_files import zipped
from tests.factories import SECOND, Year, Years, candidate_values, count, moment, one, photo, rows

Stand = Callable[[datetime | str], datetime]
DAYS = 100
NEWCOMERS = crowd_of(88, 3, first=30_000)
NOW = timedelta(0)
FINISHED = moment("peopled") + timedelta(hours=1)
NEW_MOBILE = "13900007777"


@pytest.fixture(autouse=True)
def hundred_days(own_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos are kept for a hundred days here."""
    monkeypatch.setenv("KAOWU_PHOTO_RETENTION_DAYS", str(DAYS))
    settings.forget()


def pictured() -> set[int]:
    """Whose photo there still is."""
    return set(rows(select(CandidatePhoto.candidate_id)))


def people(year: Year, *keys: str) -> set[int]:
    return {year[key] for key in keys}


def swept() -> list[dict[str, Any]]:
    """What the trail says of each run."""
    return [json.loads(e.after) for e in rows(select(AuditEntry).where(AuditEntry.action == "retention"))]


def import_job(state: ImportState, made_at: datetime) -> int:
    """An import with a file, a fault and a correction, as the clinic leaves them."""
    with clock.pinned(made_at), transaction(SYSTEM) as tx:
        made = tx.add(
            ImportJob(
                sheet="candidates",
                file_name="考生.xlsx",
                file_hash="0" * 64,
                state=state,
                row_count=1,
                accepted_count=0,
                rejected_count=1,
                unchanged_count=0,
            )
        )
        tx.add(ImportFile(job_id=made.id, data=b"sheet", begun_at=tx.now))
        tx.add(
            ImportFault(job_id=made.id, row=3, field="mobile", column="手机号码", code="mobile", value="1", message="x")
        )
        tx.add(ImportCorrection(job_id=made.id, row=3, field="mobile", value="13900007777"))
        return made.id


def parts_of(job_id: int) -> int:
    return sum(count(part, part.job_id == job_id) for part in (ImportFile, ImportFault, ImportCorrection))


# -- photos ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "is_gone"), [(-SECOND, False), (NOW, True), (SECOND, True)])
def test_the_photo_of_somebody_never_registered_goes_to_the_second(
    late: timedelta, is_gone: bool, any_years: Years, stand: Stand
) -> None:
    year = any_years("peopled")
    stand(moment("peopled") + timedelta(days=DAYS) + late)
    before = one(Candidate, year["student:0"]).photo_hash
    job.sweep()
    assert (pictured() == set()) is is_gone
    assert one(Candidate, year["student:0"]).photo_hash == before
    assert swept()[0]["photos"] == (8 if is_gone else 0)


@pytest.mark.parametrize(("late", "is_gone"), [(-SECOND, False), (NOW, True), (SECOND, True)])
def test_the_photo_of_somebody_registered_waits_from_the_registration_on(
    late: timedelta, is_gone: bool, any_years: Years, stand: Stand
) -> None:
    """The plan is over, and student 2 failed: nothing else holds the picture."""
    year = any_years("concluded")
    stand(moment("registered") + timedelta(days=DAYS) + late)
    job.sweep()
    assert (year["student:2"] not in pictured()) is is_gone
    assert year["student:4"] not in pictured()
    snapshots = select(CandidateSnapshot.photo_hash).where(CandidateSnapshot.candidate_id == year["student:2"])
    assert all(rows(snapshots))


def test_a_running_plan_holds_the_photos_of_its_people(
    any_years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = any_years("scored")
    monkeypatch.setenv("KAOWU_PHOTO_RETENTION_DAYS", "1")
    settings.forget()
    stand("2026-06-15 18:00:00")
    job.sweep()
    assert pictured() == people(year, "student:0", "student:1", "student:2", "social:0")


def test_a_certificate_in_the_making_holds_the_photo_however_long_it_takes(any_years: Years, stand: Stand) -> None:
    year = any_years("signed")
    stand("2030-01-01 09:00")
    job.sweep()
    assert pictured() == people(year, "student:0", "social:0")


@pytest.mark.parametrize(("late", "is_gone"), [(-SECOND, False), (NOW, True), (SECOND, True)])
def test_after_the_issue_it_waits_again_and_the_sealed_pdf_stays_as_it_is(
    late: timedelta, is_gone: bool, years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = years("issued")
    monkeypatch.setenv("KAOWU_PHOTO_RETENTION_DAYS", str(DAYS))
    settings.forget()
    documents = {row.storage_key: storage.read(row.storage_key) for row in rows(select(Certificate))}
    assert documents
    stand(moment("issued") + timedelta(days=DAYS) + late)
    job.sweep()
    assert pictured() == (set() if is_gone else people(year, "student:0", "social:0"))
    assert all(storage.read(key) == content for key, content in documents.items())
    assert {row.state.value for row in rows(select(CertificateIssuance))} == {"issued"}


def test_nought_days_keep_photos_for_ever(any_years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    any_years("peopled")
    monkeypatch.setenv("KAOWU_PHOTO_RETENTION_DAYS", "0")
    settings.forget()
    stand("2099-01-01 09:00")
    before = pictured()
    job.sweep()
    assert pictured() == before != set()


def test_a_photo_that_was_erased_can_be_given_again(any_years: Years, stand: Stand) -> None:
    """R-089: the same picture and no other, for the person is verified."""
    year = any_years("peopled")
    stand(moment("peopled") + timedelta(days=DAYS))
    job.sweep()
    person = year.students[0]
    for shade, accepted in ((person.index, 1), (200, 0)):
        outcome = year.do(
            "coordinator",
            candidates.put_photos,
            college_id=year["college"],
            photos=[(1, photo(person.id_number, shade))],
        )
        assert outcome.accepted == accepted
    assert pictured() == people(year, "student:0")
    given = moment("peopled") + timedelta(days=DAYS)
    # what is given waits from then on, however old the person is in the system
    for later, held in (
        (timedelta(days=1), True),
        (timedelta(days=DAYS) - SECOND, True),
        (timedelta(days=DAYS), False),
    ):
        stand(given + later)
        with transaction(SYSTEM) as tx:  # the sweep of that day is to come
            tx.session.execute(delete(Heartbeat))
        job.sweep()
        assert (pictured() == people(year, "student:0")) is held, later


def test_many_photos_go_in_small_bites(any_years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    any_years("peopled")
    monkeypatch.setattr(retention, "BITE", 3)
    stand(moment("peopled") + timedelta(days=DAYS))
    job.sweep()
    assert pictured() == set()
    assert swept()[0]["photos"] == 8


# -- imports ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "is_gone"), [(-SECOND, False), (NOW, True), (SECOND, True)])
@pytest.mark.parametrize("state", list(ImportState))
def test_an_import_is_emptied_to_the_second_and_one_nobody_decided_on_is_discarded(
    state: ImportState, late: timedelta, is_gone: bool, years: Years, stand: Stand
) -> None:
    """R-295: the record and its counts stay; one that is being written is left alone."""
    years("set_up")
    start = stand(moment("set_up"))
    ident = import_job(state, start)
    stand(start + KEPT_FOR + late)
    job.sweep()
    undecided = state in (ImportState.READING, ImportState.PREVIEW)
    is_gone = is_gone and state is not ImportState.WRITING
    assert parts_of(ident) == (0 if is_gone else 3)
    row = one(ImportJob, ident)
    assert row.state is (ImportState.DISCARDED if is_gone and undecided else state)
    assert (row.row_count, row.rejected_count) == (1, 1)
    assert swept()[0]["discarded_imports"] == int(is_gone and undecided)
    assert swept()[0]["emptied_imports"] == int(is_gone and not undecided)  # what is put away holds nothing


def test_both_databases_empty_alike(any_years: Years, stand: Stand) -> None:
    any_years("set_up")
    start = stand(moment("set_up"))
    old, young = import_job(ImportState.PREVIEW, start), import_job(ImportState.PREVIEW, start + SECOND)
    stand(start + KEPT_FOR)
    job.sweep()
    assert (parts_of(old), parts_of(young)) == (0, 3)
    with reading() as session:
        assert verify_chain(session).broken_at is None
        assert [law.name for law in reconcile(session) if law.broken] == []


@pytest.fixture
def year_with_import(any_years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> tuple[Year, int]:
    """A sheet of changes, finished on the hour: one mobile is another now, one row was not taken."""
    monkeypatch.setenv("KAOWU_IMPORT_RETENTION_DAYS", str(DAYS))
    settings.forget()
    year = any_years("peopled")
    stand(FINISHED)
    lines = [
        {"证件号码": year.students[0].id_number, "手机号码": NEW_MOBILE},
        {"证件号码": year.students[1].id_number, "手机号码": "1390000"},
    ]
    data = filled(desk.template_bytes("candidates-update"), lines)
    actor = year.actor("coordinator")
    ident = clinic.receive(actor, "candidates-update", data, "修改.xlsx")
    clinic_steps.work(ident)
    clinic.confirm(actor, ident, all_or_none=False)
    clinic_steps.work(ident)
    assert one(ImportJob, ident).state is ImportState.DONE
    assert one(Candidate, year["student:0"]).mobile == NEW_MOBILE
    return year, ident


@pytest.mark.parametrize(("late", "is_gone"), [(-SECOND, False), (NOW, True), (SECOND, True)])
def test_an_import_forgets_rejected_rows_and_what_was_before_to_the_second(
    late: timedelta, is_gone: bool, year_with_import: tuple[Year, int], stand: Stand
) -> None:
    """R-295: the record and its counts stay, and from then on nothing is undone."""
    year, ident = year_with_import
    actor, before = year.actor("coordinator"), one(ImportJob, ident)
    stand(FINISHED + timedelta(days=DAYS) + late)
    job.sweep()
    assert swept()[0]["cleared_imports"] == int(is_gone)
    assert count(ImportChange, ImportChange.job_id == ident) == int(not is_gone)
    after = one(ImportJob, ident)
    assert (after.state, after.file_name) == (ImportState.DONE, "修改.xlsx")
    for column in ("row_count", "accepted_count", "changed_count", "rejected_count", "unchanged_count"):
        assert getattr(after, column) == getattr(before, column)
    with reading() as session:
        stands = clinic.standing(session, actor, ident)
        gone = rows_cleared(session, actor, ident)
        assert verify_chain(session).broken_at is None
    assert stands.may_undo is not is_gone
    if not is_gone:
        assert gone is None
        assert desk.failed_rows(actor, ident).startswith(b"PK")
        assert clinic.undo(actor, ident) == 1
        assert one(Candidate, year["student:0"]).mobile == year.students[0].mobile
        return
    assert f"{DAYS} 天" in stands.why_not
    assert gone is not None
    assert f"{DAYS} 天" in sentence(gone)
    with pytest.raises(NotFound):
        desk.failed_rows(actor, ident)
    with pytest.raises(IllegalMove):
        clinic.undo(actor, ident)
    assert one(Candidate, year["student:0"]).mobile == NEW_MOBILE


def test_nought_days_keep_what_imports_hold_for_ever(
    year_with_import: tuple[Year, int], stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ident = year_with_import
    monkeypatch.setenv("KAOWU_IMPORT_RETENTION_DAYS", "0")
    settings.forget()
    stand("2099-01-01 09:00")
    job.sweep()
    assert one(ImportJob, ident).cleared_at is None
    assert count(ImportChange, ImportChange.job_id == ident) == 1


def test_imports_are_cleared_in_small_bites_and_each_once(
    years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is undecided or at work is left to the other terms."""
    monkeypatch.setattr(retention, "NIBBLE", 2)
    years("set_up")
    start = stand(moment("set_up"))
    over = [import_job(ImportState.DONE, start) for _ in range(5)]
    import_job(ImportState.WRITING, start)
    stand(start + timedelta(days=180))
    job.sweep()
    stand(start + timedelta(days=181))
    job.sweep()
    assert [entry["cleared_imports"] for entry in swept()] == [5, 0]
    assert rows(select(ImportJob.id).where(ImportJob.cleared_at.is_not(None)).order_by(ImportJob.id)) == over


# -- crops -----------------------------------------------------------------------------------------------------------


def offered_crops(year: Year) -> list[int]:
    """An import of three photos of another size: two crops nobody decides on, and one given up."""
    files = {f"{person.id_number}.jpg": wrong_size(size=(413, 579)) for person in NEWCOMERS}
    for person in NEWCOMERS:
        given = {"college_id": year["college"], "kind": CandidateKind.COLLEGE, "values": candidate_values(person)}
        year.do("coordinator", candidates.create_candidate, **given)
    report = desk.import_photos(year.actor("coordinator"), zipped(files), "照片.zip")
    assert report.offered == 3
    found: list[int] = list(rows(select(PhotoVerdict.id).order_by(PhotoVerdict.place)))
    year.do("coordinator", drop_offer, verdict_id=found[2])
    return found


@pytest.mark.parametrize(("late", "is_gone"), [(-SECOND, False), (NOW, True), (SECOND, True)])
def test_a_crop_nobody_decided_on_goes_to_the_second_and_its_verdict_says_so(
    late: timedelta, is_gone: bool, any_years: Years, stand: Stand
) -> None:
    """R-081: the picture goes, the verdict and the counts stay; what a person decided is not touched."""
    year = any_years("peopled")
    start = stand(moment("peopled"))
    *waiting, given_up = offered_crops(year)
    before = one(PhotoVerdict, given_up)
    counted = rows(select(ImportJob.rejected_count))
    stand(start + KEPT_FOR + late)
    job.sweep()
    crops = select(PhotoVerdict.id).where(PhotoVerdict.offer.is_not(None)).order_by(PhotoVerdict.id)
    assert list(rows(crops)) == ([] if is_gone else waiting)
    for ident in waiting:
        verdict = one(PhotoVerdict, ident)
        assert verdict.state is (PhotoState.DROPPED if is_gone else PhotoState.OFFERED)
        assert ("裁剪建议 30 天内无人采用，已自动放弃并清除" in verdict.message) is is_gone
        assert (verdict.decided_at is not None, verdict.decided_by) == (is_gone, None)
    after = one(PhotoVerdict, given_up)
    assert (after.message, after.decided_at, after.version) == (before.message, before.decided_at, before.version)
    assert rows(select(ImportJob.rejected_count)) == counted
    assert swept()[0]["dropped_crops"] == (2 if is_gone else 0)
    with reading() as session:
        assert verify_chain(session).broken_at is None
        assert [law.name for law in reconcile(session) if law.broken] == []


def test_many_crops_go_in_small_bites_and_are_decided_then(
    any_years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = any_years("peopled")
    start = stand(moment("peopled"))
    first, *_ = offered_crops(year)
    monkeypatch.setattr(retention, "BITE", 1)
    stand(start + KEPT_FOR)
    job.sweep()
    assert swept()[0]["dropped_crops"] == 2
    with pytest.raises(IllegalMove):
        year.do("coordinator", adopt_offer, verdict_id=first)


# -- links and the run itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "is_gone"), [(-SECOND, False), (NOW, False), (SECOND, True)])
def test_a_link_is_forgotten_once_it_opens_nothing(
    late: timedelta, is_gone: bool, any_years: Years, stand: Stand
) -> None:
    year = any_years("set_up")
    start = stand(moment("set_up"))
    year.do("admin", accounts.issue_activation_code, account_id=year["account:coordinator"])
    stand(start + accounts.ACTIVATION_VALIDITY + late)
    job.sweep()
    mine = OneTimeCode.account_id == year["account:coordinator"], OneTimeCode.purpose == "activation"
    assert count(OneTimeCode, *mine) == int(not is_gone)


def test_it_runs_once_a_business_day_and_each_run_leaves_one_entry(any_years: Years, stand: Stand) -> None:
    any_years("set_up")
    for instant in ("2026-03-02 00:00:01", "2026-03-02 12:00", "2026-03-02 23:59:59", "2026-03-03 00:00:00"):
        stand(instant)
        job.sweep()
    assert len(swept()) == 2
    assert set(swept()[0]) == {
        "photos",
        "discarded_imports",
        "emptied_imports",
        "cleared_imports",
        "dropped_crops",
        "links",
    }
    with reading() as session:
        assert verify_chain(session).broken_at is None


def test_a_step_that_breaks_does_not_hold_up_the_others(
    any_years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    any_years("peopled")
    stand(moment("peopled") + timedelta(days=DAYS))

    def breaks(tx: Any) -> int:
        raise RuntimeError("an accident")

    monkeypatch.setattr(job, "STEPS", (("broken", breaks), *job.STEPS))
    job.sweep()
    assert swept()[0]["broken"] == 0
    assert pictured() == set()
    assert "retention of broken broke" in caplog.text
