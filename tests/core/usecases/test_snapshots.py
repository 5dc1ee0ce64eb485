"""考试计划内考生信息: what a plan holds of a candidate stays, but for two columns (R-090, R-091)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from core.errors import IllegalMove
from core.models.candidates import Candidate
from core.models.records import AuditEntry
from core.models.registrations import CandidateSnapshot, Registration
from core.usecases import candidates, snapshots
from tests.factories import Year, Years, moment, one, rows

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    found = any_years("registered")
    at(moment("registered"))
    return found


def held(year: Year) -> CandidateSnapshot:
    return one(CandidateSnapshot, one(Registration, year["registration:0"]).snapshot_id)


def test_editing_a_candidate_leaves_every_plan_as_it_is_R090(year: Year) -> None:
    before = held(year)
    changes = {"mobile": "19912340000", "name_pinyin": "Ou Yang"}
    year.do("coordinator", candidates.edit_candidate, candidate_id=before.candidate_id, changes=changes)
    assert (held(year).mobile, held(year).name_pinyin) == (before.mobile, before.name_pinyin)


def test_the_organisation_puts_pinyin_and_mobile_right_and_the_candidate_stays_R091(year: Year) -> None:
    before = held(year)
    changes = {"mobile": "19912340000", "name_pinyin": "Ou Yang"}
    year.do("teo", snapshots.correct_snapshot, registration_id=year["registration:0"], changes=changes)
    assert (held(year).mobile, held(year).name_pinyin) == ("19912340000", "Ou Yang")
    assert one(Candidate, before.candidate_id).mobile == before.mobile
    entries = rows(select(AuditEntry.actor_login).where(AuditEntry.action == "correct_snapshot"))
    assert entries == ["teo"]


@pytest.mark.parametrize("column", ["name", "id_number", "photo_hash", "ticket_no"])
def test_nothing_else_of_a_snapshot_ever_changes_R091(year: Year, column: str) -> None:
    changes = {column: "x", "mobile": "19912340000"}
    with pytest.raises(IllegalMove, match="snapshot_is_fixed"):
        year.do("teo", snapshots.correct_snapshot, registration_id=year["registration:0"], changes=changes)
    assert held(year).mobile != "19912340000"
