"""Scores and results: entered, corrected, locked for good (R-199…R-209, R-223…R-229, T-13, T-16)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from core import db
from core.errors import IllegalMove, NotPermitted, ReasonMissing, Refusal, ValueRefused
from core.models.certificates import CertificateIssuance
from core.models.plans import ExamPlan, ExamPlanCertificate
from core.models.registrations import CandidateSnapshot, Registration, SubjectRegistration
from core.models.scores import CertificateResult, ScoreAmendment, SubjectScore
from core.rules.catalogue import PassRule
from core.rules.registrations import SittingState
from core.usecases import certificates, results, scores
from tests.factories import (
    SECOND,
    WINDOWS,
    Year,
    Years,
    census,
    count,
    moment,
    notices,
    on,
    one,
    pass_edges,
    rows,
    score_sheet,
)

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(years: Years, at: At) -> Year:
    """The exam is over, scores may be entered."""
    found = years("arranged")
    at(moment("scored"))
    return found


@pytest.fixture
def published(years: Years, at: At) -> Year:
    """Scores are public and may be corrected."""
    found = years("scored")
    at("2026-06-02 09:00")
    return found


def enter(year: Year, sheet: list[Any]) -> Any:
    return year.do("teo", scores.enter_scores, plan_id=year["plan"], rows=sheet)


def result_of(year: Year, student: int) -> CertificateResult:
    query = select(CertificateResult).join(Registration, Registration.id == CertificateResult.registration_id)
    found: CertificateResult = rows(query.where(Registration.candidate_id == year[f"student:{student}"]))[0]
    return found


def correct(year: Year, score: str = "score:0", tenths: int | None = 900, why: str = "登分有误", **other: Any) -> Any:
    given = {"score_id": year[score], "score_tenths": tenths, "is_absent": tenths is None, "reason": why} | other
    return year.do("teo", scores.correct_score, **given)


# -- entering --------------------------------------------------------------------------------------------------------


def test_a_whole_sheet_is_entered_with_attendance_and_results(year: Year) -> None:
    outcome = enter(year, score_sheet(year, {0: (500, 700), 1: (600, 599), 2: (900, None)}))
    assert (outcome.accepted, outcome.unchanged, outcome.refused) == (8, 0, [])
    assert set(rows(select(SubjectScore.state))) == {"entered"}
    assert count(SubjectRegistration, SubjectRegistration.attendance == "absent") == 1
    assert count(SubjectRegistration, SubjectRegistration.attendance == "present") == 7


def test_the_composite_decides_although_theory_alone_would_fail(year: Year) -> None:
    """Appendix A.1: 50 × 30 % + 70 × 70 % = 64.0 → 已通过."""
    enter(year, score_sheet(year, {0: (500, 700)}))
    result = result_of(year, 0)
    assert (result.state, result.composite_hundredths, result.is_final) == ("passed", 6400, False)


def test_59_93_is_not_rounded_up_to_60_R229(year: Year) -> None:
    """Appendix A.1: theory 60, practice 59.9 → 59.93 → 未通过."""
    enter(year, score_sheet(year, {1: (600, 599)}))
    result = result_of(year, 1)
    assert (result.state, result.composite_hundredths) == ("failed", 5993)


def test_the_absent_have_no_score_and_do_not_pass_R207(year: Year) -> None:
    enter(year, score_sheet(year, {2: (1000, None)}))
    result = result_of(year, 2)
    assert (result.state, result.composite_hundredths) == ("failed", None)
    assert count(SubjectScore, SubjectScore.is_absent, SubjectScore.score_tenths.is_(None)) == 1


def test_every_subject_has_to_be_passed_where_the_plan_says_so_R224(year: Year) -> None:
    """Appendix A.1: theory 85, practice 59 → 未通过."""
    with year.acting("system") as tx:
        row = tx.get(ExamPlanCertificate, year["plan_certificate"])
        row.pass_rule, row.composite_pass_tenths = PassRule.ALL_SUBJECTS, None
    enter(year, score_sheet(year, {0: (850, 590), 1: (600, 600)}))
    assert (result_of(year, 0).state, result_of(year, 1).state) == ("failed", "passed")


def test_a_result_is_under_way_until_all_subjects_are_in(year: Year) -> None:
    sheet = score_sheet(year)
    enter(year, sheet[:1])
    assert rows(select(CertificateResult.state)) == ["entering"]
    enter(year, sheet)
    assert set(rows(select(CertificateResult.state))) == {"passed"}


def test_the_same_sheet_again_changes_nothing(year: Year) -> None:
    sheet = score_sheet(year, {2: (900, None)})
    enter(year, sheet)
    before = census()
    outcome = enter(year, sheet)
    assert (outcome.accepted, outcome.unchanged, outcome.refused) == (0, 8, [])
    assert census() == before


def test_a_second_sheet_replaces_the_first_and_leaves_the_old_score_on_record(year: Year) -> None:
    enter(year, score_sheet(year, {0: (500, 500)}))
    outcome = enter(year, score_sheet(year, {0: (500, 800)}))
    assert (outcome.accepted, outcome.unchanged) == (1, 7)
    amendment = rows(select(ScoreAmendment))[0]
    assert (amendment.old_tenths, amendment.new_tenths, amendment.actor_id) == (500, 800, year["account:teo"])
    assert result_of(year, 0).state == "passed"


@pytest.mark.parametrize(
    ("other", "field", "code", "rule"),
    [
        ({"ticket_no": "20260401000142000000100099"}, "ticket_no", "ticket_unknown", "R-208"),
        ({"subject_code": "99999999999"}, "ticket_no", "ticket_unknown", "R-208"),
        ({"name": "别人"}, "name", "person_differs", "R-208"),
        ({"id_number": "42000020020101001X"}, "name", "person_differs", "R-208"),
        ({"score_tenths": 1001}, "score_tenths", "score_range", "R-201"),
        ({"score_tenths": -1}, "score_tenths", "score_range", "R-201"),
        ({"score_tenths": None}, "score_tenths", "score_missing", "R-201"),
        ({"is_absent": True}, "score_tenths", "absent_with_score", "R-207"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_and_the_others_are_taken(
    year: Year, other: dict[str, Any], field: str, code: str, rule: str
) -> None:
    sheet = score_sheet(year)
    sheet[0][1].update(other)
    outcome = enter(year, sheet)
    assert outcome.accepted == 7
    (found,) = outcome.refused
    assert (found.row, found.field, found.refusal.sentence_code, found.refusal.rule) == (sheet[0][0], field, code, rule)


@pytest.mark.parametrize("tenths", [0, 1000])
def test_nothing_and_everything_are_scores_too_R201(year: Year, tenths: int) -> None:
    enter(year, score_sheet(year, {0: (tenths, tenths)}))
    assert result_of(year, 0).composite_hundredths == tenths * 10


def test_a_subject_that_need_not_be_sat_takes_no_score_R208(year: Year) -> None:
    sheet = score_sheet(year)
    with year.acting("system") as tx:
        ticket = sheet[0][1]["ticket_no"]
        snapshot = tx.one(select(CandidateSnapshot).where(CandidateSnapshot.ticket_no == ticket))
        for sitting in tx.one(select(Registration).where(Registration.snapshot_id == snapshot.id)).sittings:
            if sitting.plan_subject.code == sheet[0][1]["subject_code"]:
                sitting.state = SittingState.NOT_REQUIRED
    outcome = enter(year, sheet)
    assert [f.refusal.sentence_code for f in outcome.refused] == ["subject_not_required"]


def test_another_organisations_plan_takes_no_scores_R208(year: Year) -> None:
    with pytest.raises(NotPermitted):
        year.do("other_teo", scores.enter_scores, plan_id=year["plan"], rows=score_sheet(year))


# -- correcting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["", "  "])
def test_a_correction_needs_words_R204(published: Year, why: str) -> None:
    with pytest.raises(ReasonMissing) as caught:
        correct(published, why=why)
    assert caught.value.rule == "R-204"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"tenths": 1001}, "score_range"),
        ({"tenths": -1}, "score_range"),
        ({"tenths": None, "is_absent": False}, "score_missing"),
        ({"tenths": 500, "is_absent": True}, "absent_with_score"),
    ],
)
def test_a_correction_is_a_score_or_an_absence(published: Year, given: dict[str, Any], code: str) -> None:
    before = census()
    with pytest.raises(ValueRefused) as caught:
        correct(published, **given)
    assert caught.value.sentence_code == code
    assert census() == before


def test_a_correction_turns_the_result_either_way_R227(published: Year) -> None:
    failed = result_of(published, 1)
    assert failed.state == "failed"
    score = _score(published, 1, "practice")
    published.ids["mine"] = score
    correct(published, "mine", 600)
    assert (result_of(published, 1).state, result_of(published, 1).composite_hundredths) == ("passed", 6000)
    correct(published, "mine", None)
    assert (result_of(published, 1).state, result_of(published, 1).composite_hundredths) == ("failed", None)
    history = rows(select(ScoreAmendment).where(ScoreAmendment.score_id == score).order_by(ScoreAmendment.id))
    assert [(a.old_tenths, a.new_tenths, a.new_absent, a.reason) for a in history] == [
        (599, 600, False, "登分有误"),
        (600, None, True, "登分有误"),
    ]


def _score(year: Year, student: int, subject: str) -> int:
    query = (
        select(SubjectScore.id)
        .join(SubjectRegistration, SubjectRegistration.id == SubjectScore.subject_registration_id)
        .join(Registration, Registration.id == SubjectRegistration.registration_id)
        .where(
            Registration.candidate_id == year[f"student:{student}"],
            SubjectRegistration.plan_subject_id == year[f"plan_subject:{subject}"],
        )
    )
    return int(rows(query)[0])


# -- the lock --------------------------------------------------------------------------------------------------------


@pytest.fixture
def concluded(years: Years, at: At) -> Year:
    found = years("concluded")
    at("2026-06-16 09:00")
    return found


def test_the_end_of_publication_locks_scores_and_makes_results_final_T16(concluded: Year) -> None:
    assert set(rows(select(SubjectScore.state))) == {"locked"}
    assert set(rows(select(CertificateResult.is_final))) == {True}
    assert one(ExamPlan, concluded["plan"]).locked_at == moment("concluded")


def test_each_pass_has_exactly_one_issuance_and_nobody_else_has_R228_R249(concluded: Year) -> None:
    passed = set(rows(select(CertificateResult.id).where(CertificateResult.state == "passed")))
    found = rows(select(CertificateIssuance))
    assert {issuance.result_id for issuance in found} == passed
    assert len(found) == 2
    assert {issuance.state for issuance in found} == {"teo_pending"}
    assert [n.account_id for n in notices("certificates.teo_signing_requested")] == [concluded["account:teo"]]


def test_certificate_numbers_say_standard_level_issuer_site_year_and_run_on(concluded: Year) -> None:
    numbers = sorted(rows(select(CertificateIssuance.certificate_no)))
    assert len(set(numbers)) == 2
    assert all((number.startswith("990001") and "2026" in number) or "26" in number for number in numbers)
    assert int(numbers[1][-5:]) == int(numbers[0][-5:]) + 1


def test_making_the_list_again_adds_nothing_R250(concluded: Year) -> None:
    before = census()
    assert concluded.do("teo", certificates.renew_issuances, plan_id=concluded["plan"]) == 0
    with concluded.acting("system") as tx:
        assert results.create_issuances(tx, plan=tx.get(ExamPlan, concluded["plan"])) == 0
        assert results.conclude_scores(tx, plan=tx.get(ExamPlan, concluded["plan"])) == 0
    assert census() == before


def test_after_the_lock_nobody_writes_a_score_not_even_past_the_verbs_R205(concluded: Year, at: At) -> None:
    before = census()
    concluded.ids["score:0"] = rows(select(SubjectScore.id))[0]
    for verb in (lambda: correct(concluded), lambda: enter(concluded, score_sheet(concluded))):
        with pytest.raises(Refusal):
            verb()
    at("2026-05-23 09:00")  # even a clock that stands wrong does not open what is locked
    with pytest.raises(IllegalMove):
        enter(concluded, score_sheet(concluded, {0: (1, 1)}))
    at("2026-06-02 09:00")
    with pytest.raises(IllegalMove):
        correct(concluded)
    assert census() == before


def test_the_table_itself_lets_no_locked_score_lose_its_lock(concluded: Year) -> None:
    with pytest.raises(Exception, match="locked_has_time"), db.engine().begin() as connection:
        connection.execute(text("UPDATE subject_scores SET state = 'entered'"))


def test_what_is_missing_at_the_lock_stays_missing_and_is_not_passed_R206(years: Years, at: At) -> None:
    year = years("arranged")
    at(moment("scored"))
    pass_edges(year)
    sheet = score_sheet(year)
    enter(year, [row for row in sheet if row[1]["id_number"] != year.students[0].id_number])
    at(WINDOWS["publication"][1] + SECOND)
    pass_edges(year)
    assert count(SubjectScore) == 8
    assert count(SubjectScore, SubjectScore.score_tenths.is_(None), ~SubjectScore.is_absent) == 2
    assert result_of(year, 0).state == "failed"
    assert count(CertificateIssuance) == 3


def test_a_plan_nobody_scored_ends_without_certificates(years: Years, at: At) -> None:
    year = years("arranged")
    at(on("2026-07-01 09:00"))
    pass_edges(year)
    assert count(CertificateIssuance) == 0
    assert set(rows(select(CertificateResult.state))) == {"failed"}
    assert notices("certificates.teo_signing_requested") == []
