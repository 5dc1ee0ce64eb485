"""Whether a candidate is who the row says: a Protocol for services, and the built-in rules (§2.20)."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import Refusal
from core.models.candidates import Candidate
from core.rules.values import IdType, birth_date_of, id_number


class Verifier(Protocol):
    """Answers None for a match, else a code for why a person has to look."""

    def check(self, candidate: Candidate, photo: bytes, session: Session) -> str | None:
        """photo: the stored bytes; session: for looking at other rows."""
        ...


class RuleVerifier:
    """No public-security interface is to be had: check digits, dates and the same picture under two names."""

    def check(self, candidate: Candidate, photo: bytes, session: Session) -> str | None:
        """photo_missing, photo_used_twice, id_number or birth_date; None when nothing speaks against the match."""
        if not photo:
            return "photo_missing"
        if candidate.id_type is IdType.RESIDENT:
            try:
                id_number(candidate.id_number)
                birth_date_of(candidate.id_number)
            except Refusal:
                return "id_number"
        twin = select(Candidate.id).where(Candidate.photo_hash == candidate.photo_hash, Candidate.id != candidate.id)
        return "photo_used_twice" if session.scalar(twin.limit(1)) else None
