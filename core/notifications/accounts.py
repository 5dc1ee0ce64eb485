"""Facts about accounts and chats: codes, bindings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from core import settings
from core.models.accounts import VerificationCode
from core.notifications.message import Message, told
from core.rules.codes import VALID_FOR, digits_of


@told
@dataclass(frozen=True, slots=True)
class CodeSent(Message):
    """M-33: the code somebody has asked for in the panel; the digits are made when it is put into words."""

    kind: ClassVar[str] = "accounts.code_sent"
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
