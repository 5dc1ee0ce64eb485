"""What a candidate is told of the own account: the one-time link that sets its password (M-35)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from core import settings
from core.models.accounts import UserAccount
from core.notifications.message import Message, told
from core.queries.accounts import code_row
from core.rules.candidates import LINK_PURPOSE, LINK_VALID_FOR
from core.rules.codes import secret_of
from core.rules.telling import Tempo


@told
@dataclass(frozen=True, slots=True)
class LinkSent(Message):
    """M-35: by short message, for candidates have no chat. The secret is made of nonce when the words are written.

    is_first: the account has just been opened; else a new password was asked for.
    """

    kind: ClassVar[str] = "candidate_accounts.link_sent"
    tempo: ClassVar[Tempo] = Tempo.AT_ONCE
    useful_for: ClassVar[timedelta] = LINK_VALID_FOR
    account_id: int
    nonce: str
    is_first: bool

    def recipients(self, session: Session) -> Iterable[int]:
        return [self.account_id]

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        return {
            "login": session.get_one(UserAccount, self.account_id).login,
            "link": f"{settings.current().base_url}/my/link/{self._secret()}",
            "days": LINK_VALID_FOR.days,
            "is_first": self.is_first,
        }

    def veiled(self, details: dict[str, Any]) -> dict[str, Any]:
        """Whoever reads a notice page must not get in by it."""
        return details | {"link": "••••••"}

    def letter(self) -> str:
        return "candidate_opened" if self.is_first else "candidate_reset"

    def is_still_true(self, session: Session, now: datetime) -> bool:
        """False once a later link, another mobile or its use has ended this one."""
        row = code_row(session, self._secret(), LINK_PURPOSE)
        return row is not None and row.used_at is None and now <= row.expires_at

    def _secret(self) -> str:
        return secret_of(settings.secret_key(), self.nonce)
