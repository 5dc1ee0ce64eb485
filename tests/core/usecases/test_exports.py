"""Data that leaves: fixed when asked for, proved by a code, fetched within a day by one person (R-011…R-013, T-20)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import settings
from core.errors import AlreadyThere, NotFound, NotPermitted, NotReady, Refusal, TooMany, ValueRefused
from core.models.accounts import VerificationCode
from core.models.records import AuditEntry, ExportJob
from core.notifications.words import sentence
from core.rules import exports as rules
from core.rules.codes import digits_of
from core.rules.exports import Asked, ExportPhase
from core.rules.organisations import Role
from core.usecases.exports import ask_for_code_again, ask_for_export, hand_out_export, verify_export
from tests.factories import SECOND, Year, Years, at_once, census, count, notices, on, one

At = Callable[[datetime | str], datetime]
NOON = on("2026-03-15 12:00")
ACT = "export_candidates"
SEARCHED = "420111200501011234"
HASH = "ab" * 32


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("peopled")
    at(NOON)
    return found


def asked(year: Year, login: str = "coordinator", **other: Any) -> ExportJob:
    """The export of candidates, asked for."""
    given = {
        "sheet": "candidate-list",
        "act": ACT,
        "asked": Asked(page="candidates", search=SEARCHED),
        "row_count": 5,
        "needs_code": True,
    }
    job, _ = year.do(login, ask_for_export, **given | other)
    assert isinstance(job, ExportJob)
    return job


def digits(job_id: int) -> str:
    code_id = one(ExportJob, job_id).code_id
    return digits_of(settings.secret_key(), one(VerificationCode, code_id).nonce)


def wrong(job_id: int) -> str:
    return f"{(int(digits(job_id)) + 1) % 10**6:06d}"


def typed(year: Year, job_id: int, what: str, login: str = "coordinator") -> str:
    """The refusal's code, or "" when it was right."""
    refusal = year.do(login, verify_export, export_id=job_id, act=ACT, typed=what)
    return refusal.sentence_code if refusal else ""


def handed_out(year: Year, job_id: int, login: str = "coordinator") -> ExportJob:
    job = year.do(login, hand_out_export, export_id=job_id, act=ACT, row_count=4, file_hash=HASH)
    assert isinstance(job, ExportJob)
    return job


# -- the code (R-011) --------------------------------------------------------------------------------------------------


def test_nothing_leaves_before_the_code_has_come_back(year: Year) -> None:
    """R-011."""
    job = asked(year)
    with pytest.raises(NotReady, match="export_not_verified"):
        handed_out(year, job.id)
    assert typed(year, job.id, wrong(job.id)) == "code_wrong"
    with pytest.raises(NotReady, match="export_not_verified"):
        handed_out(year, job.id)
    assert one(ExportJob, job.id).handed_out_at is None
    assert typed(year, job.id, digits(job.id)) == ""
    row = handed_out(year, job.id)
    assert (row.is_verified, row.row_count, row.file_hash, row.handed_out_at) == (True, 4, HASH, NOON)


def test_the_code_goes_to_the_chat_of_whoever_exports(year: Year) -> None:
    """M-33."""
    asked(year)
    assert len(notices("accounts.code_sent", year["account:coordinator"])) == 1
    assert count(VerificationCode) == 1


def test_five_wrong_tries_are_the_end_of_a_code(year: Year) -> None:
    job = asked(year)
    assert [typed(year, job.id, wrong(job.id)) for _ in range(6)] == [*["code_wrong"] * 5, "code_worn_out"]
    assert typed(year, job.id, digits(job.id)) == "code_worn_out"
    assert not one(ExportJob, job.id).is_verified


@pytest.mark.parametrize(("after", "said"), [(-SECOND, ""), (timedelta(), ""), (SECOND, "code_expired")])
def test_a_code_for_an_export_lives_five_minutes(year: Year, at: At, after: timedelta, said: str) -> None:
    """T-20."""
    job = asked(year)
    at(NOON + timedelta(minutes=5) + after)
    assert typed(year, job.id, digits(job.id)) == said
    assert one(ExportJob, job.id).is_verified is (said == "")


def test_the_code_of_one_export_opens_no_other(year: Year, at: At) -> None:
    first = asked(year)
    at(NOON + timedelta(minutes=2))
    second = asked(year, asked=Asked(page="candidates", ids=(1,)))
    assert typed(year, first.id, digits(second.id)) == "code_expired"
    assert typed(year, first.id, digits(first.id)) == "code_expired"
    assert typed(year, second.id, digits(second.id)) == ""
    assert not one(ExportJob, first.id).is_verified


def test_another_code_can_be_asked_for_and_ends_the_one_before(year: Year, at: At) -> None:
    job = asked(year)
    before = digits(job.id)
    at(NOON + timedelta(seconds=59))
    with pytest.raises(TooMany, match="code_too_soon"):
        year.do("coordinator", ask_for_code_again, export_id=job.id, act=ACT)
    at(NOON + timedelta(seconds=60))
    year.do("coordinator", ask_for_code_again, export_id=job.id, act=ACT)
    assert before == digits(job.id) or typed(year, job.id, before) == "code_wrong"
    assert typed(year, job.id, digits(job.id)) == ""
    with pytest.raises(AlreadyThere, match="export_needs_no_code"):
        year.do("coordinator", ask_for_code_again, export_id=job.id, act=ACT)


def test_a_code_typed_twice_at_once_verifies_once(any_years: Years, at: At) -> None:
    year = any_years("peopled")
    at(NOON)
    job = asked(year)
    right = digits(job.id)
    assert at_once(*[lambda: typed(year, job.id, right)] * 4) == [""] * 4
    assert count(AuditEntry, AuditEntry.object_type == "export_jobs", AuditEntry.action == "verify") == 1
    assert count(AuditEntry, AuditEntry.object_type == "verification_codes", AuditEntry.action == "use") == 1


def test_an_export_asked_for_twice_at_once_is_asked_for_once(any_years: Years, at: At) -> None:
    """A double click: one code, one export, and the other press is told to wait."""
    year = any_years("peopled")
    at(NOON)
    found = at_once(*[lambda: asked(year)] * 3)
    refused = [one_of for one_of in found if isinstance(one_of, TooMany)]
    assert [refusal.sentence_code for refusal in refused] == ["code_too_soon"] * 2
    assert (count(ExportJob), count(VerificationCode)) == (1, 1)


def test_tries_at_once_are_all_counted(any_years: Years, at: At) -> None:
    year = any_years("peopled")
    at(NOON)
    job = asked(year)
    no = wrong(job.id)
    said = at_once(*[lambda: typed(year, job.id, no)] * 7)
    assert sorted(said) == ["code_worn_out"] * 2 + ["code_wrong"] * 5


# -- a day, one person -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "is_refused"), [(-SECOND, False), (timedelta(), False), (SECOND, True)])
def test_a_file_can_be_fetched_for_a_day(year: Year, at: At, after: timedelta, is_refused: bool) -> None:
    """T-20."""
    job = asked(year)
    typed(year, job.id, digits(job.id))
    handed_out(year, job.id)
    at(NOON + timedelta(hours=24) + after)
    if not is_refused:
        assert handed_out(year, job.id).handed_out_at == NOON + timedelta(hours=24) + after
        return
    with pytest.raises(ValueRefused, match="export_expired"):
        handed_out(year, job.id)


def test_after_a_day_no_code_helps(year: Year, at: At) -> None:
    job = asked(year)
    at(NOON + timedelta(hours=24) + SECOND)
    with pytest.raises(AlreadyThere, match="export_needs_no_code"):
        year.do("coordinator", ask_for_code_again, export_id=job.id, act=ACT)


@pytest.mark.parametrize("login", ["second_coordinator", "signatory", "other_coordinator", "admin", "system"])
def test_an_export_is_for_the_person_who_asked(year: Year, login: str) -> None:
    job = asked(year)
    before = census()
    with pytest.raises(NotFound):
        typed(year, job.id, digits(job.id), login)
    with pytest.raises(NotFound):
        year.do(login, ask_for_code_again, export_id=job.id, act=ACT)
    assert typed(year, job.id, digits(job.id)) == ""
    with pytest.raises(NotFound):
        handed_out(year, job.id, login)
    assert {name: number - before[name] for name, number in census().items() if number != before[name]} == {
        "audit_entries": 2  # the code used, the export verified: the coordinator's own
    }


def test_a_right_lost_meanwhile_ends_the_export(year: Year) -> None:
    job = asked(year)
    typed(year, job.id, digits(job.id))
    year.actors["coordinator"] = replace(year.actors["coordinator"], roles=frozenset({Role.INVIGILATOR.value}))
    with pytest.raises(NotPermitted):
        handed_out(year, job.id)


# -- how many (R-012, R-013) -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row_count", "is_refused"), [(49_999, False), (50_000, False), (50_001, True)])
def test_fifty_thousand_rows_leave_at_once_and_not_one_more(year: Year, row_count: int, is_refused: bool) -> None:
    """R-012."""
    if not is_refused:
        assert asked(year, row_count=row_count).row_count == row_count
        return
    before = census()
    with pytest.raises(TooMany, match="export_too_many") as refused:
        asked(year, row_count=row_count)
    assert refused.value.facts == {"limit": "5万"}
    assert census() == before


def test_an_empty_list_is_not_exported(year: Year) -> None:
    before = census()
    with pytest.raises(NotReady, match="export_nothing"):
        asked(year, row_count=0)
    assert census() == before


def test_codes_asked_for_too_fast_leave_no_export_behind(year: Year) -> None:
    asked(year)
    before = census()
    with pytest.raises(TooMany, match="code_too_soon"):
        asked(year)
    assert census() == before


# -- the trail ---------------------------------------------------------------------------------------------------------


def test_the_trail_knows_request_code_and_download_but_nobodys_number(year: Year) -> None:
    job = asked(year)
    typed(year, job.id, digits(job.id))
    handed_out(year, job.id)
    with year.acting("admin") as tx:
        entries = [row for row in tx.session.query(AuditEntry).order_by(AuditEntry.id) if row.object_id == job.id]
    entries = [row for row in entries if row.object_type == "export_jobs"]
    assert [row.action for row in entries] == ["ask", "verify", "hand_out"]
    first, last = json.loads(entries[0].after), json.loads(entries[2].after)
    assert (first["sheet"], first["row_count"]) == ("candidate-list", 5)
    assert (last["row_count"], last["file_hash"]) == (4, HASH)
    assert SEARCHED not in "".join(row.before + row.after for row in entries)
    assert "sha256" in first["asked"]


def test_two_equal_wishes_leave_different_digests() -> None:
    """Or who holds the trail could try numbers until the digest fits."""
    wish = Asked(page="candidates", search=SEARCHED)
    assert wish.kept() != wish.kept()
    assert Asked.of(wish.kept()).search == SEARCHED


# -- the words ---------------------------------------------------------------------------------------------------------


def test_conditions_are_said_in_words_and_numbers_are_masked_on_the_screen() -> None:
    """R-010."""
    wish = Asked(
        "candidates", (), SEARCHED, "无照片", (("性别", "female", "女"), ("手机", "19900000001", "19900000001"))
    )
    assert Asked.of(wish.kept()).in_words == f"无照片；性别：女；手机：19900000001；搜索：{SEARCHED}"
    assert wish.in_veiled_words == "无照片；性别：女；手机：199****0001；搜索：420****1234"
    assert Asked(ids=(1, 2, 3)).in_words == "勾选 3 条"
    assert Asked().in_words == "全部"


@pytest.mark.parametrize(
    ("needs_code", "is_verified", "after", "phase"),
    [
        (True, False, timedelta(), ExportPhase.WAITING),
        (True, True, timedelta(), ExportPhase.READY),
        (False, False, timedelta(hours=24), ExportPhase.READY),
        (False, False, timedelta(hours=24) + SECOND, ExportPhase.EXPIRED),
        (True, True, timedelta(hours=24) + SECOND, ExportPhase.EXPIRED),
    ],
)
def test_where_an_export_stands(needs_code: bool, is_verified: bool, after: timedelta, phase: ExportPhase) -> None:
    found = rules.export_phase(needs_code=needs_code, is_verified=is_verified, asked_at=NOON, now=NOON + after)
    assert found is phase


def test_the_cap_is_said_as_the_platform_says_it() -> None:
    assert [rules.in_tens_of_thousands(number) for number in (50_000, 15, 0)] == ["5万", "15", "0"]
    with pytest.raises(Refusal) as refused:
        rules.require_within_cap(50_001, rules.ROW_CAP)
    assert sentence(refused.value).startswith("每次最多可下载5万条数据")
