"""The shape of a message: a past fact, who hears it, what may be answered, and until when it is worth hearing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from sqlalchemy.orm import Session

from core.queries.delegations import deputies_of
from core.rules.delegations import Duty
from core.rules.telling import Tempo


class Press(StrEnum):
    """What a button does; two letters, because a button holds 64 bytes in all."""

    ACKNOWLEDGE = "ak"
    SNOOZE = "sz"
    OPEN_SIGNING = "os"
    SEND_BACK = "rs"
    APPROVE = "pa"
    CHANGE_NUMBER = "cn"
    CONFIRM = "cr"
    KEEP = "kp"
    REFRESH = "rf"
    CHOOSE = "ch"
    CHOOSE_TELLING = "ct"
    TAKE_BACK = "tb"
    LOCK = "lk"
    LOCK_NOT = "ln"


@dataclass(frozen=True, slots=True)
class Button:
    """label and page may hold {gaps} filled from the message's details; page is a panel path opened after login."""

    label: str
    press: Press | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Message(ABC):
    """Base of all messages; its fields are ids and plain values, kept as the facts of the row.

    answer_within: how long the person who is asked may take; has_ladder: whether they are reminded meanwhile;
    escalates: whether somebody else is drawn in by and by; wakes: whether the last call before the deadline breaks
    quiet hours.
    """

    kind: ClassVar[str] = ""
    buttons: ClassVar[tuple[Button, ...]] = ()
    useful_for: ClassVar[timedelta] = timedelta(days=7)
    asks: ClassVar[bool] = False
    tempo: ClassVar[Tempo] = Tempo.IN_TURN
    answer_within: ClassVar[timedelta | None] = None
    wakes: ClassVar[bool] = False
    has_ladder: ClassVar[bool] = True
    escalates: ClassVar[bool] = True
    duty: ClassVar[Duty] = Duty.SITE  # whose deputies are told too
    is_personal: ClassVar[bool] = False  # about the person themself: no deputy is told
    is_alone: ClassVar[bool] = False  # tells of others already, so that nothing gathers it

    def facts(self) -> dict[str, Any]:
        """The fields by name; enough to make the same message again."""
        return asdict(self)

    def dedupe_key(self) -> str:
        """Two messages with the same key to the same person are one."""
        return ":".join([self.kind, *(str(value) for value in self.facts().values())])

    @abstractmethod
    def recipients(self, session: Session) -> Iterable[int]:
        """Account ids of everybody who is to hear it."""

    def stand_ins(self, session: Session, people: Iterable[int], now: datetime) -> dict[int, int]:
        """Deputy to the person they stand in for, for those who are away now; only requests are handed on (chat.md)."""
        if not self.asks_for_reply() or self.is_personal:
            return {}
        asked = set(people)
        away = [
            (held.deputy_id, held.principal_id)
            for ident in sorted(asked)
            for held in deputies_of(session, ident, self.duty, now)
            if not held.is_default  # drawn in when nobody answers, see core.usecases.telling
        ]
        return {deputy: principal for deputy, principal in reversed(away) if deputy not in asked}

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        """(table, id, version) of what the buttons are about, or None when there is nothing to decide."""
        return None

    @abstractmethod
    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        """What the template shows, as it stands at now: counts and numbers, never personal data."""

    def veiled(self, details: dict[str, Any]) -> dict[str, Any]:
        """The same for the panel's notice page; a message that holds a secret hides it there."""
        return details

    def letter(self) -> str:
        """The words (templates/letters) for people without a chat; "" for what may wait until they open the panel."""
        return ""

    def is_still_true(self, session: Session, now: datetime) -> bool:
        """False when time or somebody has made the message pointless; then it is not sent."""
        return True

    def useful_until(self, now: datetime) -> datetime:
        """After this instant nobody is told any more."""
        return now + self.useful_for

    def due_at(self, session: Session, now: datetime) -> datetime | None:
        """Until when an answer is expected; None where nothing is asked, or it may wait for ever."""
        return now + self.answer_within if self.asks and self.answer_within is not None else None

    def about(self) -> int | None:
        """The message (its row's id) that this one only reminds of."""
        return None

    def asks_for_reply(self) -> bool:
        """True when a person's word is awaited."""
        return self.asks


KINDS: dict[str, type[Message]] = {}


M = TypeVar("M", bound=type[Message])


def told(cls: M) -> M:
    """Register a message class under its kind, so that stored rows find their words again."""
    KINDS[cls.kind] = cls
    return cls
