"""What the page of a pilot application shows beside its facts: the way through the reviews, and what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.models.pilots import PilotApplication, ReviewRecord
from core.rules.pilots import ApplicationState, ReviewDecision, ReviewStep

A = ApplicationState
_WAITS_AT = {
    A.CITY_REVIEW: ReviewStep.CITY,
    A.PRELIMINARY_REVIEW: ReviewStep.PRELIMINARY,
    A.FINAL_REVIEW: ReviewStep.FINAL,
}


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One station of 审核流程. tone: done, now, ahead or back; word says the same for those who see no colours."""

    label: str
    tone: str
    word: str
    who: str = ""
    at: datetime | None = None
    said: str = ""


def flow(application: PilotApplication, records: Sequence[ReviewRecord]) -> list[FlowStep]:
    """提交 → [地市级审核] → 省级初审 → [省厅复审] → 结果, as the newest round has gone so far (R-046, D-19).

    records: the application's, oldest first.
    """
    sent = [row for row in records if row.decision is ReviewDecision.SUBMIT]
    if not sent:
        rest = [FlowStep(step.label, "ahead", "未开始") for step in _reviews(application)]
        return [FlowStep("提交", "now", "未提交"), *rest, FlowStep("结果", "ahead", "未开始")]
    decided = {row.step: row for row in records if row.id > sent[-1].id}
    waits_at = _waits_at(application)
    steps = [_station(step, decided.get(step), step is waits_at) for step in _reviews(application)]
    return [_done("提交", "已提交", sent[-1]), *steps, _result(application)]


def _reviews(application: PilotApplication) -> list[ReviewStep]:
    wanted = {
        ReviewStep.CITY: application.has_city_review,
        ReviewStep.PRELIMINARY: True,
        ReviewStep.FINAL: application.plan.final_review_required,
    }
    return [step for step, is_wanted in wanted.items() if is_wanted]


def _waits_at(application: PilotApplication) -> ReviewStep | None:
    if application.state is A.PENDING_INITIAL:
        return _reviews(application)[0]
    return _WAITS_AT.get(application.state)


def _station(step: ReviewStep, record: ReviewRecord | None, is_waiting: bool) -> FlowStep:
    if is_waiting:
        return FlowStep(step.label, "now", "审核中")
    if record is None:
        return FlowStep(step.label, "ahead", "未开始")
    return _done(step.label, "已通过", record)


def _done(label: str, word: str, record: ReviewRecord) -> FlowStep:
    who = record.actor.real_name if record.actor else "系统"
    is_back = record.decision is ReviewDecision.RETURN
    return FlowStep(label, "back" if is_back else "done", "退回" if is_back else word, who, record.at, record.reason)


def _result(application: PilotApplication) -> FlowStep:
    if application.state is A.APPROVED:
        said = f"批准 {application.approved_count} 人"
        return FlowStep("结果", "done", application.state.label, at=application.decided_at, said=said)
    if application.state is A.RETURNED:
        return FlowStep("结果", "back", application.state.label, at=application.decided_at)
    return FlowStep("结果", "ahead", "未开始")


def last_return(records: Sequence[ReviewRecord]) -> ReviewRecord | None:
    """The reason a college has to answer, while its application is with it."""
    last = records[-1] if records else None
    return last if last is not None and last.decision is ReviewDecision.RETURN else None
