"""Scores, every change of them, and the results they add up to. Scores in tenths, composites in hundredths."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Base, Record, Words, belongs, is_in, part_of
from core.models.registrations import Registration, SubjectRegistration
from core.rules.scores import ResultState, ScoreState


class SubjectScore(Record):
    """科目成绩 (§2.31): a number, or absent, or invalid, or nothing yet; these four never mix."""

    __tablename__ = "subject_scores"

    subject_registration_id: Mapped[int] = mapped_column(
        ForeignKey("subject_registrations.id", ondelete="RESTRICT"), unique=True
    )
    score_tenths: Mapped[int | None]
    is_absent: Mapped[bool] = mapped_column(default=False)
    is_invalid: Mapped[bool] = mapped_column(default=False)
    state: Mapped[ScoreState] = mapped_column(default=ScoreState.NOT_ENTERED)
    entered_at: Mapped[datetime | None]
    locked_at: Mapped[datetime | None]

    sitting: Mapped[SubjectRegistration] = relationship()

    __table_args__ = (
        CheckConstraint("score_tenths BETWEEN 0 AND 1000", name="score_range"),
        CheckConstraint("NOT is_absent OR score_tenths IS NULL", name="absent_has_no_score"),
        CheckConstraint(
            "state <> 'not_entered' OR (score_tenths IS NULL AND NOT is_absent AND NOT is_invalid)", name="nothing_yet"
        ),
        CheckConstraint("state <> 'entered' OR score_tenths IS NOT NULL OR is_absent OR is_invalid", name="something"),
        CheckConstraint(f"({is_in('state', [ScoreState.LOCKED])}) = (locked_at IS NOT NULL)", name="locked_has_time"),
    )


class ScoreAmendment(Base):
    """修改记录: what a score was before, and why it changed (R-204)."""

    __tablename__ = "score_amendments"

    score_id: Mapped[int] = part_of("subject_scores.id")
    old_tenths: Mapped[int | None]
    old_absent: Mapped[bool]
    new_tenths: Mapped[int | None]
    new_absent: Mapped[bool]
    reason: Mapped[Words]
    actor_id: Mapped[int | None] = belongs("user_accounts.id", nullable=True)
    at: Mapped[datetime]


class CertificateResult(Record):
    """考证结果 (§2.33): computed, never typed (R-223); final once the plan is locked."""

    __tablename__ = "certificate_results"

    registration_id: Mapped[int] = mapped_column(ForeignKey("registrations.id", ondelete="RESTRICT"), unique=True)
    plan_id: Mapped[int] = belongs("exam_plans.id")
    state: Mapped[ResultState] = mapped_column(default=ResultState.NOT_ENTERED)
    composite_hundredths: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    is_final: Mapped[bool] = mapped_column(default=False)

    registration: Mapped[Registration] = relationship()

    __table_args__ = (
        CheckConstraint(
            f"({is_in('state', [ResultState.PASSED, ResultState.FAILED])}) = (decided_at IS NOT NULL)",
            name="decided_has_time",
        ),
    )
