"""Facts about accounts and chats: codes, passwords, second factors, bindings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from core import settings
from core.models.accounts import ChatBinding, UserAccount, VerificationCode
from core.notifications import audiences
from core.notifications.message import Button, Message, Press, told
from core.queries.accounts import people
from core.queries.bindings import managers_of
from core.rules.codes import VALID_FOR, digits_of
from core.rules.organisations import ANSWER_STILL_YOU_WITHIN, BindingState, Role, is_unconfirmed
from core.rules.telling import Tempo


@told
@dataclass(frozen=True, slots=True)
class CodeSent(Message):
    """M-33: the code somebody has asked for in the panel; the digits are made when it is put into words."""

    kind: ClassVar[str] = "accounts.code_sent"
    tempo: ClassVar[Tempo] = Tempo.AT_ONCE
    code_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        account_id = session.get_one(VerificationCode, self.code_id).account_id
        return [] if account_id is None else [account_id]

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        row = session.get_one(VerificationCode, self.code_id)
        return {
            "purpose": row.purpose.label,
            "digits": digits_of(settings.secret_key(), row.nonce),
            "expires_at": row.expires_at,
        }

    def veiled(self, details: dict[str, Any]) -> dict[str, Any]:
        """The panel is where the code is asked for: there it must not stand."""
        return details | {"digits": "••••••"}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        row = session.get_one(VerificationCode, self.code_id)
        return row.used_at is None and now <= row.expires_at

    def useful_until(self, now: datetime) -> datetime:
        return now + VALID_FOR


class _AboutBinding(Message):
    """Base of what is told about one binding: by its account's login, never by anybody's name or number."""

    binding_id: int

    def _binding(self, session: Session) -> ChatBinding:
        return session.get_one(ChatBinding, self.binding_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        row = self._binding(session)
        return {"login": row.account.login, "at": row.ended_at or row.bound_at, "acts_from": row.acts_from}


@told
@dataclass(frozen=True, slots=True)
class BindingWaits(_AboutBinding):
    """A colleague's account is to move to another chat: a second person has to say that it is really them (chat.md)."""

    kind: ClassVar[str] = "accounts.binding_waits"
    is_personal: ClassVar[bool] = True
    answer_within: ClassVar[timedelta | None] = timedelta(days=2)
    buttons: ClassVar[tuple[Button, ...]] = (Button("去确认", page="/admin/bindings/"),)
    asks: ClassVar[bool] = True
    useful_for: ClassVar[timedelta] = timedelta(days=14)
    binding_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return managers_of(session, self._binding(session).account)

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        return ChatBinding.__tablename__, self.binding_id, 0

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return self._binding(session).state is BindingState.WAITING


@told
@dataclass(frozen=True, slots=True)
class BindingAsked(_AboutBinding):
    """The same, for the person whose account it is: whoever did not do it has to know."""

    kind: ClassVar[str] = "accounts.binding_asked"
    tempo: ClassVar[Tempo] = Tempo.AT_ONCE
    binding_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return [self._binding(session).account_id]


@told
@dataclass(frozen=True, slots=True)
class BindingConfirmed(_AboutBinding):
    """The new chat is the account's; what cannot be taken back rests for a day."""

    kind: ClassVar[str] = "accounts.binding_confirmed"
    binding_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        return [self._binding(session).account_id]


@told
@dataclass(frozen=True, slots=True)
class StillYou(_AboutBinding):
    """Once a quarter: is this chat still yours? Only the person can say so; asked: in ISO, so that each is told."""

    kind: ClassVar[str] = "accounts.still_you"
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("是我本人", press=Press.ACKNOWLEDGE),
        Button("在面板确认", page="/admin/telegram/"),
    )
    asks: ClassVar[bool] = True
    is_personal: ClassVar[bool] = True
    escalates: ClassVar[bool] = False  # nobody else can say it; what is not said stands on the page of chats
    answer_within: ClassVar[timedelta | None] = ANSWER_STILL_YOU_WITHIN
    useful_for: ClassVar[timedelta] = ANSWER_STILL_YOU_WITHIN
    binding_id: int
    asked: str

    def recipients(self, session: Session) -> Iterable[int]:
        return [self._binding(session).account_id]

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        return ChatBinding.__tablename__, self.binding_id, 0

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        row = self._binding(session)
        asked = datetime.fromisoformat(self.asked)
        return {
            "login": row.account.login,
            "until": asked + ANSWER_STILL_YOU_WITHIN,
            "is_late": is_unconfirmed(row.asked_at, row.affirmed_at, now),
        }

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return self._binding(session).state is BindingState.ACTIVE


class _AboutFreeze(Message):
    """Base of what is told about a frozen account; at tells two of them apart."""

    account_id: int
    at: str

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        return {"login": session.get_one(UserAccount, self.account_id).login, "at": datetime.fromisoformat(self.at)}


@told
@dataclass(frozen=True, slots=True)
class ActsFrozen(_AboutFreeze):
    """/lock: the account, whoever froze it, whoever may end it, and the platform's administrators."""

    kind: ClassVar[str] = "accounts.acts_frozen"
    tempo: ClassVar[Tempo] = Tempo.AT_ONCE
    account_id: int
    by: int
    at: str

    def recipients(self, session: Session) -> Iterable[int]:
        account = session.get_one(UserAccount, self.account_id)
        return [account.id, self.by, *managers_of(session, account), *session.scalars(people(Role.ADMIN))]

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        by = session.get_one(UserAccount, self.by).login
        return _AboutFreeze.details(self, session, now) | {"by": by, "is_own": self.by == self.account_id}


@told
@dataclass(frozen=True, slots=True)
class ActsThawed(_AboutFreeze):
    """A second person has ended it in the panel."""

    kind: ClassVar[str] = "accounts.acts_thawed"
    tempo: ClassVar[Tempo] = Tempo.AT_ONCE
    account_id: int
    at: str

    def recipients(self, session: Session) -> Iterable[int]:
        return [self.account_id]


@told
@dataclass(frozen=True, slots=True)
class KeysOfOthers(Message):
    """A security event: somebody pressed colleagues' keys again and again (chat.md, forwarded messages)."""

    kind: ClassVar[str] = "accounts.keys_of_others"
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看聊天绑定", page="/admin/bindings/"),)
    account_id: int
    presses: int
    at: str

    def recipients(self, session: Session) -> Iterable[int]:
        account = session.get_one(UserAccount, self.account_id)
        told_of = {*managers_of(session, account), *session.scalars(people(Role.ADMIN))}
        return told_of - {account.id}

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        login = session.get_one(UserAccount, self.account_id).login
        return {"login": login, "presses": self.presses, "at": datetime.fromisoformat(self.at)}


@told
@dataclass(frozen=True, slots=True)
class ChatLost(_AboutBinding):
    """A colleague is not reached in chat any more (blocked, deactivated); their tasks wait in the panel unseen."""

    kind: ClassVar[str] = "accounts.chat_lost"
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看聊天绑定", page="/admin/bindings/"),)
    binding_id: int

    def recipients(self, session: Session) -> Iterable[int]:
        account = self._binding(session).account
        inside = [] if account.college_id is None else audiences.college_staff(session, account.college_id)
        others = [ident for ident in inside if ident != account.id]
        return others or [ident for ident in session.scalars(people(Role.ADMIN)) if ident != account.id]

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return self._binding(session).state is BindingState.DEAD


@told
@dataclass(frozen=True, slots=True)
class PasswordReset(Message):
    """Somebody has set a new password with a code; at tells two resets apart."""

    kind: ClassVar[str] = "accounts.password_reset"
    tempo: ClassVar[Tempo] = Tempo.AT_ONCE
    account_id: int
    at: str

    def recipients(self, session: Session) -> Iterable[int]:
        return [self.account_id]

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        return {"at": datetime.fromisoformat(self.at), "login": session.get_one(UserAccount, self.account_id).login}


@told
@dataclass(frozen=True, slots=True)
class SecondFactorReset(Message):
    """An administrator has taken the second factor off an account, and why."""

    kind: ClassVar[str] = "accounts.second_factor_reset"
    tempo: ClassVar[Tempo] = Tempo.AT_ONCE
    account_id: int
    reason: str
    at: str

    def recipients(self, session: Session) -> Iterable[int]:
        return [self.account_id]

    def dedupe_key(self) -> str:
        return f"{self.kind}:{self.account_id}:{self.at}"

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        return {"at": datetime.fromisoformat(self.at), "reason": self.reason}
