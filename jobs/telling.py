"""Digests and reminders, each in its own transaction: a run that dies goes on where it stood."""

from __future__ import annotations

from core import clock
from core.db import reading
from core.queries.bindings import still_you_due
from core.queries.delegations import lapsing_delegations
from core.queries.health import note_of
from core.queries.telling import digests_due, escalations_due, people_with_work, reminders_due, requests_over
from core.rules.telling import week_of
from core.usecases import bindings, delegations, replies, telling
from jobs.due import each, once

WEEKLY = "jobs.weekly"


def send_digests() -> None:
    """chat.md: information only, at half past eight."""
    each("digest", digests_due(clock.now()), lambda tx, ident: telling.send_digest(tx, account_id=ident))


def remind() -> None:
    """chat.md: the ladder to each deadline, ended by the answer."""
    each("reminder", reminders_due(clock.now()), lambda tx, ident: telling.remind(tx, notification_id=ident))


def escalate() -> None:
    """chat.md: no answer for two days, or a day before the end; never given up."""
    each("escalation", escalations_due(clock.now()), lambda tx, ident: telling.escalate(tx, notification_id=ident))


def expire_requests() -> None:
    """chat.md: what was not answered in time says so on every copy, whether somebody presses it or not."""
    each("request", requests_over(clock.now()), lambda tx, ident: replies.expire_request(tx, notification_id=ident))


def ask_still_you() -> None:
    """chat.md: once a quarter, is this chat still yours?"""
    each("still you", still_you_due(clock.now()), lambda tx, ident: bindings.ask_still_you(tx, binding_id=ident))


def lapse_delegations() -> None:
    """chat.md: standing in ends by the clock; both hear of it."""
    each(
        "delegation",
        lapsing_delegations(clock.now()),
        lambda tx, ident: delegations.lapse_delegation(tx, delegation_id=ident),
    )


def tell_what_is_late() -> None:
    """On Mondays, once: the week that is done is noted when everybody has heard, and hearing twice is one message."""
    week = week_of(clock.local(clock.now())).isoformat()
    with reading() as session:
        if note_of(session, WEEKLY) == week:
            return
    each("weekly", people_with_work(), lambda tx, ident: telling.tell_what_is_late(tx, account_id=ident))
    once("weekly", lambda tx: tx.beat(WEEKLY, week))
