"""Scores and results (§3.15, §3.17): who may write when, and what follows from it."""

from __future__ import annotations

from datetime import datetime

from core.rules.machine import Labelled, Machine, Move
from core.rules.windows import Window


class ScoreState(Labelled):
    """What is stored of a score."""

    NOT_ENTERED = "not_entered", "未登记"
    ENTERED = "entered", "已登记"
    LOCKED = "locked", "锁定"


class ScorePhase(Labelled):
    """科目成绩 as people see it (§3.15)."""

    NOT_STARTED = "not_started", "未开始"
    IN_EXAM = "in_exam", "考试中"
    NOT_ENTERED = "not_entered", "未登记"
    ENTERED = "entered", "已登记"
    PUBLISHED = "published", "公示中"
    LOCKED = "locked", "锁定"


SCORE = Machine(
    "科目成绩",
    ScoreState,
    ScoreState.NOT_ENTERED,
    (
        Move("enter", {ScoreState.NOT_ENTERED, ScoreState.ENTERED}, ScoreState.ENTERED),
        Move("correct", {ScoreState.ENTERED, ScoreState.NOT_ENTERED}, ScoreState.ENTERED),
        Move("lock", {ScoreState.NOT_ENTERED, ScoreState.ENTERED}, ScoreState.LOCKED),
    ),
)


class ResultState(Labelled):
    """考证结果 (§3.17)."""

    NOT_ENTERED = "not_entered", "未登记"
    ENTERING = "entering", "登记中"
    PASSED = "passed", "已通过"
    FAILED = "failed", "未通过"


def score_phase(
    state: ScoreState, starts_at: datetime | None, ends_at: datetime | None, publication: Window, now: datetime
) -> ScorePhase:
    """The tab a score stands in; starts_at and ends_at are the seated session's."""
    if state is ScoreState.LOCKED:
        return ScorePhase.LOCKED
    if state is ScoreState.ENTERED:
        return ScorePhase.PUBLISHED if publication.contains(now) else ScorePhase.ENTERED
    if starts_at is None or ends_at is None or now < starts_at:
        return ScorePhase.NOT_STARTED
    return ScorePhase.IN_EXAM if now < ends_at else ScorePhase.NOT_ENTERED
