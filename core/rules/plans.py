"""The exam plan: five windows, the phases the clock makes of them, and what happens at each edge (§3.9, §3.10)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.errors import ValueRefused
from core.rules.machine import Labelled, Machine, Move
from core.rules.windows import Window

REVIEW_DAYS = 7


ENTRY_NOTICE = timedelta(days=1)  # M-21
REVIEW_NOTICE = timedelta(days=2)  # M-23


class PlanState(Labelled):
    """What a TEO decides about a plan; everything else the clock decides (R-060)."""

    DRAFT = "draft", "未发布"
    PUBLISHED = "published", "已发布"


EXAM_PLAN = Machine(
    "考试计划",
    PlanState,
    PlanState.DRAFT,
    (Move("publish", {PlanState.DRAFT}, PlanState.PUBLISHED),),
)


class PlanStatus(Labelled):
    """计划状态, computed (R-060)."""

    DRAFT = "draft", "未发布"
    NOT_STARTED = "not_started", "未开始"
    IN_PROGRESS = "in_progress", "进行中"
    ENDED = "ended", "已结束"


class PlanPhase(Labelled):
    """The phase in brackets behind 进行中 (§3.10)."""

    DRAFT = "draft", "未发布"
    NOT_STARTED = "not_started", "未开始"
    REGISTERING = "registering", "报考中"
    WAIT_ARRANGE = "wait_arrange", "待排考"
    ARRANGING = "arranging", "排考中"
    WAIT_EXAM = "wait_exam", "待考试"
    EXAMINING = "examining", "考试中"
    WAIT_ENTRY = "wait_entry", "待登记"
    ENTERING = "entering", "登记中"
    WAIT_PUBLISH = "wait_publish", "待公示"
    PUBLISHING = "publishing", "公示中"
    ENDED = "ended", "已结束"


class RoomPhase(Labelled):
    """考场状态, computed from the arrangement window (§3.9, R-130)."""

    NOT_ARRANGED = "not_arranged", "未排考"
    ARRANGING = "arranging", "排考中"
    CLOSED = "closed", "已结束"


class PlanEdge(StrEnum):
    """The instants at which the clock changes what is possible in a plan (T-04…T-07, T-12…T-16)."""

    REGISTRATION_OPENS = "registration_opens"
    REGISTRATION_CLOSES = "registration_closes"
    ARRANGEMENT_OPENS = "arrangement_opens"
    ARRANGEMENT_CLOSES = "arrangement_closes"
    EXAM_OPENS = "exam_opens"
    EXAM_CLOSES = "exam_closes"
    ENTRY_OPENS = "entry_opens"
    ENTRY_CLOSES = "entry_closes"
    PUBLICATION_OPENS = "publication_opens"
    REVIEW_CLOSES = "review_closes"
    PUBLICATION_CLOSES = "publication_closes"


@dataclass(frozen=True, slots=True)
class PlanWindows:
    """The five windows in their order (R-055)."""

    registration: Window
    arrangement: Window
    exam: Window
    score_entry: Window
    publication: Window

    def __iter__(self) -> Iterator[Window]:
        return iter((self.registration, self.arrangement, self.exam, self.score_entry, self.publication))

    @property
    def review(self) -> Window:
        """R-210, R-211: seven days from the start of publication, and never past its end."""
        start = self.publication.opens_at
        return Window("成绩复查", start, min(start + timedelta(days=REVIEW_DAYS), self.publication.closes_at))

    def require_sensible(self) -> None:
        """R-055: each start before its end; R-056: the starts in order. Overlaps are allowed."""
        for window in self:
            window.require_order(rule="R-055")
        ordered = list(self)
        for earlier, later in itertools.pairwise(ordered):
            if later.opens_at < earlier.opens_at:
                raise ValueRefused("windows_out_of_order", rule="R-056", earlier=earlier.name, later=later.name)

    def overlaps(self) -> list[tuple[str, str]]:
        """R-056: neighbours that overlap, to be warned about."""
        ordered = list(self)
        pairs = itertools.pairwise(ordered)
        return [(a.name, b.name) for a, b in pairs if b.opens_at <= a.closes_at]

    def edges(self) -> list[tuple[datetime, PlanEdge]]:
        """Every instant that changes something, in time; a window closes one microsecond after its end."""
        e = PlanEdge
        found = [
            (self.registration.opens_at, e.REGISTRATION_OPENS),
            (self.registration.closed_from, e.REGISTRATION_CLOSES),
            (self.arrangement.opens_at, e.ARRANGEMENT_OPENS),
            (self.arrangement.closed_from, e.ARRANGEMENT_CLOSES),
            (self.exam.opens_at, e.EXAM_OPENS),
            (self.exam.closed_from, e.EXAM_CLOSES),
            (self.score_entry.opens_at, e.ENTRY_OPENS),
            (self.score_entry.closed_from, e.ENTRY_CLOSES),
            (self.publication.opens_at, e.PUBLICATION_OPENS),
            (self.review.closed_from, e.REVIEW_CLOSES),
            (self.publication.closed_from, e.PUBLICATION_CLOSES),
        ]
        order = list(PlanEdge)
        return sorted(found, key=lambda edge: (edge[0], order.index(edge[1])))

    def edges_between(self, after: datetime, until: datetime) -> list[tuple[datetime, PlanEdge]]:
        """Edges with after < instant ≤ until: what has become true since it was last looked at."""
        return [edge for edge in self.edges() if after < edge[0] <= until]

    def next_edge(self, after: datetime) -> datetime | None:
        """The first edge later than after, or None when the plan's year is over."""
        return next((instant for instant, _ in self.edges() if instant > after), None)


def plan_phase(state: PlanState, windows: PlanWindows, now: datetime) -> PlanPhase:
    """The label of §3.10: the latest started window wins; permissions ask their own window instead."""
    if state is PlanState.DRAFT:
        return PlanPhase.DRAFT
    if not windows.registration.started(now):
        return PlanPhase.NOT_STARTED
    inside = (PlanPhase.REGISTERING, PlanPhase.ARRANGING, PlanPhase.EXAMINING, PlanPhase.ENTERING, PlanPhase.PUBLISHING)
    after = (PlanPhase.WAIT_ARRANGE, PlanPhase.WAIT_EXAM, PlanPhase.WAIT_ENTRY, PlanPhase.WAIT_PUBLISH, PlanPhase.ENDED)
    phase = PlanPhase.NOT_STARTED
    for window, during, past in zip(windows, inside, after, strict=True):
        if window.started(now):
            phase = past if window.over(now) else during
    return phase


def plan_status(phase: PlanPhase) -> PlanStatus:
    """未发布 / 未开始 / 进行中 / 已结束."""
    fixed = {
        PlanPhase.DRAFT: PlanStatus.DRAFT,
        PlanPhase.NOT_STARTED: PlanStatus.NOT_STARTED,
        PlanPhase.ENDED: PlanStatus.ENDED,
    }
    return fixed.get(phase, PlanStatus.IN_PROGRESS)


def room_phase(arrangement: Window, now: datetime) -> RoomPhase:
    """R-130."""
    if not arrangement.started(now):
        return RoomPhase.NOT_ARRANGED
    return RoomPhase.CLOSED if arrangement.over(now) else RoomPhase.ARRANGING


def require_weights(weights: list[int]) -> None:
    """R-065: weights of a certificate's subjects sum to 100 under 综合成绩合格."""
    if sum(weights) != 100:
        raise ValueRefused("weights_sum", rule="R-065", total=sum(weights))
