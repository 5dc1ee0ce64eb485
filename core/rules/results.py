"""Who passed (R-223…R-229): integers only, tenths of a mark times whole per cents, so that 59.93 never becomes 60."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.rules.catalogue import PassRule
from core.rules.scores import ResultState


@dataclass(frozen=True, slots=True)
class SubjectOutcome:
    """One subject of one registration as the plan weighs it.

    score: tenths, None = not entered (never 0, R-206); pass_score: tenths; weight: whole per cent; is_absent: 缺考
    (R-207); is_invalid: declared invalid for a violation (R-209); is_exempt: 无需考试, score is then the one it is
    exempted with, if any (G-12).
    """

    score: int | None
    pass_score: int
    weight: int = 0
    is_absent: bool = False
    is_invalid: bool = False
    is_exempt: bool = False

    @property
    def counts(self) -> bool:
        """There is a score to count with: neither missing nor absent nor invalid."""
        return self.score is not None and not self.is_absent and not self.is_invalid

    @property
    def is_settled(self) -> bool:
        """Nothing more is awaited of this subject."""
        return self.score is not None or self.is_absent or self.is_invalid or self.is_exempt


def is_passing(outcome: SubjectOutcome) -> bool:
    """One subject against its own pass score; absent, invalid and missing are not passed (R-207, R-209)."""
    return outcome.score is not None and outcome.counts and outcome.score >= outcome.pass_score


def is_passing_all(outcomes: Sequence[SubjectOutcome]) -> bool:
    """各科成绩合格 (R-224); exempted subjects are left out unless their violation says otherwise (G-12)."""
    return bool(outcomes) and all(is_passing(o) or (o.is_exempt and not o.is_invalid) for o in outcomes)


def composite_hundredths(outcomes: Sequence[SubjectOutcome]) -> int | None:
    """综合成绩 in hundredths of a mark, cut off after two decimals (R-229); None while any subject does not count."""
    if not outcomes or not all(o.counts for o in outcomes):
        return None
    return sum((o.score or 0) * o.weight for o in outcomes) // 10


def is_passing_composite(outcomes: Sequence[SubjectOutcome], pass_score: int) -> bool:
    """综合成绩合格 (R-225); pass_score in tenths. Cutting off cannot lift a composite over a mark of tenths."""
    composite = composite_hundredths(outcomes)
    return composite is not None and composite >= pass_score * 10


def result_state(
    rule: PassRule,
    outcomes: Sequence[SubjectOutcome],
    *,
    composite_pass_score: int | None = None,
    is_final: bool = False,
) -> ResultState:
    """未登记 / 登记中 / 已通过 / 未通过 (§3.17).

    composite_pass_score: tenths, needed for COMPOSITE only; is_final: scores are locked, what is missing now stays
    missing and the result is 未通过 (R-206).
    """
    if not is_final and not all(o.is_settled for o in outcomes):
        begun = any(o.is_settled and not o.is_exempt for o in outcomes)
        return ResultState.ENTERING if begun else ResultState.NOT_ENTERED
    if rule is PassRule.ALL_SUBJECTS:
        passed = is_passing_all(outcomes)
    elif composite_pass_score is None:
        raise ValueError("COMPOSITE needs a composite pass score")
    else:
        passed = is_passing_composite(outcomes, composite_pass_score)
    return ResultState.PASSED if passed else ResultState.FAILED
