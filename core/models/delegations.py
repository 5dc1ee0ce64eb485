"""Who stands in for whom."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.accounts import UserAccount
from core.models.base import Record, Words, belongs, is_in, one_living
from core.rules.delegations import DelegationState, Duty, Term


class Delegation(Record):
    """代办授权: deputy stands in for principal in one duty; is_default: without an end, drawn in when nobody answers.

    lapses_at: when the job records that it is over; None for a default deputy who has been accepted. reason: why it was
    proposed; answer: why it was refused or ended.
    """

    __tablename__ = "delegations"

    principal_id: Mapped[int] = belongs("user_accounts.id")
    deputy_id: Mapped[int] = belongs("user_accounts.id")
    duty: Mapped[Duty]
    is_default: Mapped[bool]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    lapses_at: Mapped[datetime | None] = mapped_column(index=True)
    reason: Mapped[Words] = mapped_column(default="")
    answer: Mapped[Words] = mapped_column(default="")
    answered_at: Mapped[datetime | None]
    state: Mapped[DelegationState] = mapped_column(default=DelegationState.PROPOSED)

    principal: Mapped[UserAccount] = relationship(foreign_keys=[principal_id])
    deputy: Mapped[UserAccount] = relationship(foreign_keys=[deputy_id])

    __table_args__ = (
        CheckConstraint("principal_id <> deputy_id", name="two_people"),
        CheckConstraint("is_default = (ends_at IS NULL)", name="default_has_no_end"),
        CheckConstraint("ends_at IS NULL OR starts_at < ends_at", name="term_order"),
        CheckConstraint("state <> 'accepted' OR answered_at IS NOT NULL", name="accepted_has_time"),
        one_living(
            "uq_delegations_proposed",
            "principal_id",
            "deputy_id",
            "duty",
            "is_default",
            where=is_in("state", [DelegationState.PROPOSED]),
        ),
        one_living(
            "uq_delegations_default",
            "principal_id",
            "duty",
            where=f"is_default AND {is_in('state', [DelegationState.ACCEPTED])}",
        ),
    )

    @property
    def term(self) -> Term:
        """From when until when."""
        return Term(self.starts_at, self.ends_at)

    @property
    def account_id(self) -> int:
        """Whose work it is; what permissions ask for."""
        return self.principal_id

    @property
    def college_id(self) -> int | None:
        """Whose college's."""
        return self.principal.college_id
