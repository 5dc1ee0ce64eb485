"""The corpus of archives through the desk: nothing lost, nothing taken wrongly (R-081, R-082, R-083, I-03)."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from core.actors import SYSTEM
from core.db import reading, transaction
from core.demo.people import people
from core.demo.world import World, candidate_values
from core.errors import FileRefused
from core.models.candidates import Candidate, CandidatePhoto
from core.models.photos import PhotoVerdict
from core.models.records import AuditEntry, ImportJob
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.photo_verdicts import PhotoState
from core.sheets import desk
from core.usecases.candidates import import_candidates
from tests.core.sheets.photo_corpus import Archive, Owners, corpus
from tests.factories import count

CROWD = people(17, 9, first=60_000)


def owners_of(world: World) -> Owners:
    """Seven newcomers, one of them without data, and three people who are not to be touched."""
    with world.acting("jiangcheng") as tx:
        rows = [(n, candidate_values(person, 2026, 0)) for n, person in enumerate(CROWD[:8], start=3)]
        college_id = world.ids["college:jiangcheng"]
        assert import_candidates(tx, college_id=college_id, kind=CandidateKind.COLLEGE, rows=rows).accepted == 8
    with transaction(SYSTEM) as tx:
        bare = tx.one(select(Candidate).where(Candidate.id_number == CROWD[7].id_number))
        bare.state, bare.mobile = CandidateState.INCOMPLETE, ""
    elsewhere = next(crowd[0] for name, crowd in world.crowd.items() if name != "jiangcheng")
    return Owners(
        free=[person.id_number for person in CROWD[:7]],
        verified=world.crowd["jiangcheng"][0].id_number,
        incomplete=CROWD[7].id_number,
        elsewhere=elsewhere.id_number,
        nobody=CROWD[8].id_number,
    )


def test_every_archive_of_the_corpus_comes_out_as_written_down_and_adds_up(any_world: World) -> None:
    """files = accepted + unchanged + refused + offered, in the verdicts, the record and the report alike."""
    owners = owners_of(any_world)
    archives = list(corpus(owners))
    assert len(archives) >= 150
    for archive in archives:
        if isinstance(archive.expected, str):
            _leaves_nothing(any_world, archive)
        else:
            _adds_up(any_world, archive)


def _leaves_nothing(world: World, archive: Archive) -> None:
    before = (count(ImportJob), count(PhotoVerdict), count(CandidatePhoto), count(AuditEntry))
    with pytest.raises(FileRefused) as refused:
        desk.import_photos(world.actor("jiangcheng"), archive.data, "照片.zip")
    assert refused.value.sentence_code == archive.expected, archive.title
    assert (count(ImportJob), count(PhotoVerdict), count(CandidatePhoto), count(AuditEntry)) == before, archive.title


def _adds_up(world: World, archive: Archive) -> None:
    report = desk.import_photos(world.actor("jiangcheng"), archive.data, "照片.zip")
    with reading() as session:
        found = session.scalars(
            select(PhotoVerdict).where(PhotoVerdict.job_id == report.job_id).order_by(PhotoVerdict.place)
        ).all()
        words = tuple(verdict.code if verdict.state is PhotoState.REFUSED else verdict.state.value for verdict in found)
        assert words == archive.expected, archive.title
        sums = Counter(verdict.state for verdict in found)
        job = session.get_one(ImportJob, report.job_id)
        refused = sums[PhotoState.REFUSED] + sums[PhotoState.OFFERED]
        assert (job.row_count, job.accepted_count, job.unchanged_count, job.rejected_count) == (
            len(archive.expected),
            sums[PhotoState.ACCEPTED],
            sums[PhotoState.UNCHANGED],
            refused,
        ), archive.title
        for verdict in found:
            if verdict.state is PhotoState.ACCEPTED:
                assert verdict.candidate is not None
                assert verdict.candidate.photo_hash == verdict.sha256, archive.title
    assert (report.row_count, report.rejected, report.offered) == (len(found), refused, sums[PhotoState.OFFERED])
    assert [error.row for error in report.errors] == [
        verdict.place for verdict in found if verdict.state in {PhotoState.REFUSED, PhotoState.OFFERED}
    ]
