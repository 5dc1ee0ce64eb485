"""代办授权 on its way: proposed, accepted, refused, over; accounts are named by their logins, never by names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from core.models.delegations import Delegation
from core.notifications.message import Button, Message, Press, told
from core.rules.delegations import ANSWER_WITHIN, DelegationState
from core.rules.telling import Tempo

_PAGE = "/admin/delegations/"


class _AboutDelegation(Message):
    """Common to all."""

    buttons: ClassVar[tuple[Button, ...]] = (Button("查看代办授权", page=_PAGE),)
    delegation_id: int

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        row = self._row(session)
        return {
            "principal": row.principal.login,
            "deputy": row.deputy.login,
            "duty": row.duty.label,
            "is_default": row.is_default,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "reason": row.answer,
        }

    def _row(self, session: Session) -> Delegation:
        return session.get_one(Delegation, self.delegation_id)


@told
@dataclass(frozen=True, slots=True)
class DelegationProposed(_AboutDelegation):
    """Somebody is to stand in for a person, who says yes or no with one act; nobody says it in their stead."""

    kind: ClassVar[str] = "delegations.proposed"
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("接受 1 项代办授权", press=Press.APPROVE),
        Button("查看代办授权", page=_PAGE),
        Button("谢绝并说明", press=Press.SEND_BACK),
    )
    asks: ClassVar[bool] = True
    is_personal: ClassVar[bool] = True
    answer_within: ClassVar[timedelta | None] = timedelta(days=3)
    useful_for: ClassVar[timedelta] = ANSWER_WITHIN
    delegation_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return [self._row(session).principal_id]

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        return Delegation.__tablename__, self.delegation_id, self._row(session).version

    def is_still_true(self, session: Session, now: datetime) -> bool:
        row = self._row(session)
        return row.state is DelegationState.PROPOSED and row.lapses_at is not None and now < row.lapses_at


@told
@dataclass(frozen=True, slots=True)
class DelegationAccepted(_AboutDelegation):
    """It counts from its start on: the deputy, and whoever proposed it."""

    kind: ClassVar[str] = "delegations.accepted"
    delegation_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return _others(self._row(session), self._row(session).principal_id)

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return self._row(session).state is DelegationState.ACCEPTED


@told
@dataclass(frozen=True, slots=True)
class DelegationRefused(_AboutDelegation):
    """The person would rather not: whoever proposed it hears why."""

    kind: ClassVar[str] = "delegations.refused"
    delegation_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        row = self._row(session)
        return [row.created_by or row.principal_id]


@told
@dataclass(frozen=True, slots=True)
class DelegationOver(_AboutDelegation):
    """Ended by somebody or lapsed in time: both, and whoever proposed it."""

    kind: ClassVar[str] = "delegations.over"
    tempo: ClassVar[Tempo] = Tempo.IN_TURN
    delegation_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return _others(self._row(session), 0)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        row = self._row(session)
        # Nobody accepted it: an accepted one keeps when that was.
        return _AboutDelegation.details(self, session, now) | {
            "state": row.state.label,
            "was_accepted": row.answered_at is not None,
        }


def _others(row: Delegation, but: int) -> list[int]:
    return sorted({row.principal_id, row.deputy_id, row.created_by or row.deputy_id} - {but})
