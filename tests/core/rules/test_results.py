"""Who passed: the worked examples of requirements A.1 and the rules R-206, R-207, R-209, R-224, R-225, R-229."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rules.catalogue import PassRule
from core.rules.results import (
    SubjectOutcome,
    composite_hundredths,
    is_passing,
    is_passing_all,
    is_passing_composite,
    result_state,
)
from core.rules.scores import ResultState
from core.rules.working_days import add_working_days, is_working_day

ALL, COMPOSITE = PassRule.ALL_SUBJECTS, PassRule.COMPOSITE
SIXTY = 600


def subject(score: int | None, weight: int = 50, **marks: bool) -> SubjectOutcome:
    return SubjectOutcome(score=score, pass_score=SIXTY, weight=weight, **marks)


def composite_state(*outcomes: SubjectOutcome, is_final: bool = False) -> ResultState:
    return result_state(COMPOSITE, outcomes, composite_pass_score=SIXTY, is_final=is_final)


def test_strong_practice_makes_up_for_weak_theory_under_the_composite_rule():
    both = [subject(500, 30), subject(700, 70)]
    assert composite_hundredths(both) == 6400
    assert composite_state(*both) is ResultState.PASSED
    assert result_state(ALL, both) is ResultState.FAILED


def test_59_93_is_not_60():
    both = [subject(600, 30), subject(599, 70)]
    assert composite_hundredths(both) == 5993
    assert composite_state(*both) is ResultState.FAILED


def test_59_995_is_kept_as_59_99_and_does_not_pass():
    parts = [subject(599, 5), subject(600, 95)]
    assert composite_hundredths(parts) == 5999
    assert not is_passing_composite(parts, SIXTY)


def test_every_subject_has_to_pass_under_the_subject_rule():
    assert result_state(ALL, [subject(850), subject(590)]) is ResultState.FAILED
    assert result_state(ALL, [subject(850), subject(600)]) is ResultState.PASSED


def test_the_pass_score_itself_passes_and_a_tenth_less_does_not():
    assert is_passing(subject(600))
    assert not is_passing(subject(599))


def test_the_three_subjects_of_the_logistics_plan():
    parts = [subject(800, 40), subject(1000, 30), subject(850, 30)]
    assert composite_hundredths(parts) == 8750


def test_zero_is_a_score_and_no_score_is_not_zero():
    assert composite_hundredths([subject(0, 30), subject(1000, 70)]) == 7000
    assert composite_hundredths([subject(None, 30), subject(1000, 70)]) is None
    assert composite_state(subject(0, 30), subject(1000, 70)) is ResultState.PASSED
    assert composite_state(subject(None, 30), subject(1000, 70)) is ResultState.ENTERING


@pytest.mark.parametrize("mark", ["is_absent", "is_invalid"])
@pytest.mark.parametrize("rule", list(PassRule))
def test_absent_or_invalid_is_not_passed_however_good_the_rest_is(rule, mark):
    outcomes = [subject(None, 10, **{mark: True}), subject(1000, 90)]
    assert result_state(rule, outcomes, composite_pass_score=SIXTY) is ResultState.FAILED


def test_a_score_declared_invalid_counts_no_more():
    assert not is_passing(subject(950, is_invalid=True))
    assert composite_hundredths([subject(950, is_invalid=True), subject(950)]) is None


def test_a_result_waits_until_every_subject_is_entered():
    assert result_state(ALL, [subject(None), subject(None)]) is ResultState.NOT_ENTERED
    assert result_state(ALL, [subject(850), subject(None)]) is ResultState.ENTERING
    assert result_state(ALL, [subject(None, is_absent=True), subject(None)]) is ResultState.ENTERING


def test_what_is_missing_when_scores_lock_is_not_passed():
    assert result_state(ALL, [subject(850), subject(None)], is_final=True) is ResultState.FAILED
    assert composite_state(subject(None), subject(None), is_final=True) is ResultState.FAILED


def test_an_exempted_subject_is_left_out_of_the_subject_rule():
    assert result_state(ALL, [subject(None, is_exempt=True), subject(600)]) is ResultState.PASSED
    assert result_state(ALL, [subject(None, is_exempt=True), subject(None)]) is ResultState.NOT_ENTERED
    assert result_state(ALL, [subject(None, is_exempt=True, is_invalid=True), subject(600)]) is ResultState.FAILED


def test_the_composite_rule_needs_the_score_a_subject_is_exempted_with():
    assert composite_state(subject(None, 50, is_exempt=True), subject(1000, 50)) is ResultState.FAILED
    assert composite_state(subject(700, 50, is_exempt=True), subject(600, 50)) is ResultState.PASSED


def test_nobody_passes_without_any_subject():
    assert not is_passing_all([])
    assert composite_hundredths([]) is None


def test_the_composite_rule_cannot_be_asked_without_its_pass_score():
    with pytest.raises(ValueError, match="composite pass score"):
        result_state(COMPOSITE, [subject(850, 100)])


SCORES = st.lists(st.integers(0, 1000), min_size=2, max_size=2)


@settings(deadline=None)
@given(SCORES, st.integers(0, 100), st.integers(0, 1000))
def test_cutting_off_decimals_never_changes_who_passes(scores, weight, pass_score):
    outcomes = [subject(scores[0], weight), subject(scores[1], 100 - weight)]
    exact = scores[0] * weight + scores[1] * (100 - weight) >= pass_score * 100
    assert is_passing_composite(outcomes, pass_score) is exact


@settings(deadline=None)
@given(SCORES, st.integers(0, 100), st.integers(0, 1000))
def test_a_better_score_never_hurts(scores, weight, better):
    low, high = sorted((scores[0], better))
    rest = subject(scores[1], 100 - weight)
    assert (composite_hundredths([subject(low, weight), rest]) or 0) <= (
        composite_hundredths([subject(high, weight), rest]) or 0
    )


def test_working_days_skip_weekends_and_holidays():
    friday = date(2026, 5, 22)
    assert add_working_days(friday, 0) == friday
    assert add_working_days(friday, 2) == date(2026, 5, 26)
    assert add_working_days(friday, 2, {date(2026, 5, 25)}) == date(2026, 5, 27)
    assert add_working_days(date(2026, 5, 23), 1) == date(2026, 5, 25)
    assert not is_working_day(date(2026, 5, 23))
