"""排考: whether a subject of a plan has its seats (§3.13)."""

from __future__ import annotations

from core.rules.machine import Labelled, Machine, Move


class ArrangementState(Labelled):
    """Per plan and subject."""

    NOT_ARRANGED = "not_arranged", "未编排"
    ARRANGED = "arranged", "已编排"
    PUBLISHED = "published", "已发布"


ARRANGEMENT = Machine(
    "排考",
    ArrangementState,
    ArrangementState.NOT_ARRANGED,
    (
        Move("arrange", {ArrangementState.NOT_ARRANGED}, ArrangementState.ARRANGED),
        Move("clear", {ArrangementState.ARRANGED}, ArrangementState.NOT_ARRANGED),
        Move("publish", {ArrangementState.ARRANGED}, ArrangementState.PUBLISHED),
    ),
    column="arrangement_state",
)
