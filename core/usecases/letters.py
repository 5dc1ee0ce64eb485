"""Letters on their way: queued where no chat takes a message, claimed, handed to a channel, tried again (chat.md).

The words of a letter are made when it leaves, so that it says what is true then; work that is done is not announced.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from core.db import Tx
from core.models.letters import NoticeLetter
from core.models.records import Notification
from core.notifications.render import message_of
from core.queries.letters import letters_due, ways_of
from core.rules.letters import LETTER, MAX_TRIES, UNDER_WAY, Channel, LetterState
from core.rules.notices import LEASE, UNANSWERED, next_attempt
from core.usecases.deliveries import by_day
from core.usecases.notices import is_pointless


@dataclass(frozen=True, slots=True)
class LetterClaim:
    """One letter a sender has taken, and whether an earlier attempt may already have left."""

    letter_id: int
    notification_id: int
    is_repeat: bool


def queue_letter(tx: Tx, *, notification_id: int) -> bool:
    """The message leaves as a letter too, in its person's quiet hours not before their end; False without a way.

    Without any channel of the installation only letters of their own words leave, for the operator to pass on.
    """
    row = tx.get(Notification, notification_id)
    message = message_of(row)
    if not ways_of(tx.session, row.account).channels:
        is_passed_on = bool(message.letter()) and bool(row.account.mobile or row.account.email)
        if not is_passed_on:
            return False
    at = by_day(tx, row, tx.now)
    fresh = {"notification_id": row.id, "created_at": tx.now, "next_attempt_at": at}
    if tx.upsert(NoticeLetter, fresh, conflict=["notification_id"]) is None:
        _send_again(tx, row, at=at)
    return True


def _send_again(tx: Tx, row: Notification, *, at: datetime) -> None:
    """A message that was put off, or issued anew, has had its letter before."""
    held = tx.one(select(NoticeLetter).where(NoticeLetter.notification_id == row.id))
    if held.state in UNDER_WAY:
        return
    tx.advance(
        held,
        LETTER,
        "send_again",
        next_attempt_at=at,
        channel=None,
        handed_over_at=None,
        tried=0,
        may_have_left=False,
        last_error=None,
    )


def claim_letters(tx: Tx, *, limit: int) -> list[LetterClaim]:
    """Take up to limit letters for one lease; what nobody needs any more is dropped instead."""
    due = letters_due(tx.now).limit(limit).with_for_update(skip_locked=True)
    claims = []
    for ident in tx.all(due):
        letter = tx.get(NoticeLetter, ident)
        row = letter.notification
        if tx.now > row.useful_until or row.reply_state not in UNANSWERED or is_pointless(tx, row):
            tx.advance(letter, LETTER, "drop", lease_until=None)
            continue
        is_repeat = letter.may_have_left or letter.state is LetterState.SENDING
        tx.advance(letter, LETTER, "claim", lease_until=tx.now + LEASE, may_have_left=is_repeat)
        claims.append(LetterClaim(letter.id, row.id, is_repeat))
    return claims


def mark_handed_over(tx: Tx, *, letter_id: int, channel: Channel) -> None:
    """A channel has taken it; more is not known."""
    letter = tx.get(NoticeLetter, letter_id)
    tx.advance(letter, LETTER, "hand_over", channel=channel, handed_over_at=tx.now, lease_until=None, last_error=None)


def mark_letter_kept(tx: Tx, *, letter_id: int, why: str) -> None:
    """No channel took it: later again, and never into the person's quiet hours; after MAX_TRIES it has failed."""
    letter = tx.get(NoticeLetter, letter_id)
    tried = letter.tried + 1
    if tried >= MAX_TRIES:
        tx.advance(letter, LETTER, "fail", tried=tried, lease_until=None, last_error=why)
        return
    again = by_day(tx, letter.notification, next_attempt(tx.now, tried, None))
    tx.advance(letter, LETTER, "retry_later", tried=tried, next_attempt_at=again, lease_until=None, last_error=why)
