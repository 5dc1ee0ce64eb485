"""Whether a candidate is who the row says: one Protocol, the built-in rules, and people alone (§2.20).

A verifier is asked outside of any transaction and sees a Question, never a row. It answers with a match, with a reason
why a person has to look, or with "not now": then nothing is decided and it is asked again later.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Protocol

from core.errors import Refusal
from core.rules.candidates import VerificationMethod
from core.rules.values import IdType, id_number

JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Question:
    """Is this the person? key: the same however often the same is asked; photo: JPEG bytes, b"" for none.

    Its repr names nobody, for reprs end up in logs.
    """

    request_id: int
    attempt: int
    key: str
    name: str = field(repr=False)
    id_type: IdType
    id_number: str = field(repr=False)
    photo: bytes = field(repr=False)
    photo_hash: str = field(repr=False)
    is_photo_shared: bool = False


class Verdict(Enum):
    """What came of a question."""

    PASS = "pass"  # noqa: S105  # a verdict, no password
    FAIL = "fail"
    NOT_NOW = "not_now"


@dataclass(frozen=True, slots=True)
class Answer:
    """reason: a code of core.rules.verification.WHY for FAIL, the trouble in one word for NOT_NOW, else ""."""

    verdict: Verdict
    reason: str = ""
    method: VerificationMethod = VerificationMethod.RULES
    retry_after: timedelta | None = None


class Verifier(Protocol):
    """is_instant: answers from memory, so that a person can wait for it inside one transaction."""

    @property
    def is_instant(self) -> bool: ...

    def is_ready(self) -> bool:
        """False while asking would be of no use: the service is down and its line rests."""
        ...

    def ask(self, question: Question) -> Answer:
        """Never raises for what a service does wrong: that is NOT_NOW."""
        ...


class RuleVerifier:
    """No public-security interface is to be had: check digits, dates, sound pictures, one picture under two names."""

    is_instant = True

    def is_ready(self) -> bool:
        """Always."""
        return True

    def ask(self, question: Question) -> Answer:
        """PASS when nothing speaks against the match."""
        reason = _spoken_against(question)
        return Answer(Verdict.FAIL, reason) if reason else Answer(Verdict.PASS)


class PeopleOnly:
    """一律人工确认: no machine vouches for anybody; what the rules see is said all the same."""

    is_instant = True

    def is_ready(self) -> bool:
        """Always."""
        return True

    def ask(self, question: Question) -> Answer:
        """FAIL, with the rules' reason where there is one."""
        return Answer(Verdict.FAIL, _spoken_against(question) or "always_manual")


def _spoken_against(question: Question) -> str:
    if not question.photo:
        return "photo_missing"
    if not question.photo.startswith(JPEG) or hashlib.sha256(question.photo).hexdigest() != question.photo_hash:
        return "photo_damaged"
    if question.id_type is IdType.RESIDENT:
        try:
            id_number(question.id_number)
        except Refusal as refusal:
            return "birth_date" if refusal.sentence_code == "id_number_birth" else "id_number"
    return "photo_used_twice" if question.is_photo_shared else ""
