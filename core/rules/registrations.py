"""Registrations and the state of each subject of them (§3.11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.rules.machine import Labelled, Machine, Move

SNAPSHOT_OPEN = frozenset({"name_pinyin", "mobile"})  # what of a snapshot may be put right


class RegistrationSource(Labelled):
    """报考方式."""

    BY_CERTIFICATE = "by_certificate", "按证书"
    BY_SUBJECT = "by_subject", "按科目"


class PaymentState(Labelled):
    """缴费状态 of a registration."""

    UNPAID = "unpaid", "未缴费"
    PAID = "paid", "已缴费"


class SittingState(Labelled):
    """What is stored of a subject registration; whether the exam is on is the clock's business."""

    NOT_ARRANGED = "not_arranged", "未排考"
    SEATED = "seated", "待考试"
    NOT_REQUIRED = "not_required", "无需考试"


class SittingPhase(Labelled):
    """考试状态 as people see it (§3.11)."""

    NOT_ARRANGED = "not_arranged", "未排考"
    PENDING_EXAM = "pending_exam", "待考试"
    IN_EXAM = "in_exam", "考试中"
    FINISHED = "finished", "已结束"
    NOT_REQUIRED = "not_required", "无需考试"


class Attendance(Labelled):
    """参考情况."""

    PRESENT = "present", "实考"
    ABSENT = "absent", "缺考"


SITTING = Machine(
    "科目报考",
    SittingState,
    SittingState.NOT_ARRANGED,
    (
        Move("seat", {SittingState.NOT_ARRANGED}, SittingState.SEATED),
        Move("unseat", {SittingState.SEATED}, SittingState.NOT_ARRANGED),
        Move("exempt", {SittingState.NOT_ARRANGED}, SittingState.NOT_REQUIRED),
    ),
)


def sitting_phase(
    state: SittingState, starts_at: datetime | None, ends_at: datetime | None, now: datetime
) -> SittingPhase:
    """T-09, T-11: in the exam from its start until its end; starts_at and ends_at are the seated session's."""
    if state is SittingState.NOT_REQUIRED:
        return SittingPhase.NOT_REQUIRED
    if state is SittingState.NOT_ARRANGED or starts_at is None or ends_at is None:
        return SittingPhase.NOT_ARRANGED
    if now < starts_at:
        return SittingPhase.PENDING_EXAM
    return SittingPhase.IN_EXAM if now < ends_at else SittingPhase.FINISHED


PHASES_OF_A_REGISTRATION = (
    SittingPhase.IN_EXAM,
    SittingPhase.NOT_ARRANGED,
    SittingPhase.PENDING_EXAM,
    SittingPhase.FINISHED,
    SittingPhase.NOT_REQUIRED,
)


def registration_phase(phases: Iterable[SittingPhase]) -> SittingPhase:
    """Where a registration of several subjects stands: what is going on now, then what is least far, counts for all."""
    held = set(phases)
    return next((phase for phase in PHASES_OF_A_REGISTRATION if phase in held), SittingPhase.NOT_ARRANGED)
