"""Digests and reminders, each in its own transaction: a run that dies goes on where it stood."""

from __future__ import annotations

from core import clock
from core.queries.telling import digests_due, reminders_due
from core.usecases import telling
from jobs.due import each


def send_digests() -> None:
    """chat.md: information only, at half past eight."""
    each("digest", digests_due(clock.now()), lambda tx, ident: telling.send_digest(tx, account_id=ident))


def remind() -> None:
    """chat.md: the ladder to each deadline, ended by the answer."""
    each("reminder", reminders_due(clock.now()), lambda tx, ident: telling.remind(tx, notification_id=ident))
