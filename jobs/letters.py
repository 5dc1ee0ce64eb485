"""Letters leave: claimed, put into words, handed to a channel with no transaction open, written down.

Killed between the channel and the note, a letter leaves once more and says 重发: better twice than not at all.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from core import clock
from core.actors import SYSTEM
from core.db import reading, transaction
from core.gateways.courier import CourierTrouble, courier
from core.models.records import Notification
from core.notifications.render import letter_of
from core.queries.letters import letters_due, unheard_requests
from core.usecases import letters
from core.usecases.letters import LetterClaim
from jobs.due import each

log = logging.getLogger(__name__)
ACTOR = SYSTEM.on("jobs")
BITE = 16  # with two channels that do not answer, and AT_ONCE, still well within a lease
AT_ONCE = 4


def hand_over() -> None:
    """What the chat has not taken for long, then everything that is due."""
    each(
        "unheard request",
        unheard_requests(clock.now()),
        lambda tx, ident: letters.queue_letter(tx, notification_id=ident),
    )
    while claims := _claims():
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(_send, claims))


def _claims() -> list[LetterClaim]:
    with reading() as session:
        if session.scalar(letters_due(clock.now()).limit(1)) is None:
            return []
    with transaction(ACTOR) as tx:
        return letters.claim_letters(tx, limit=BITE)


def _send(claim: LetterClaim) -> None:
    """One letter's accident is not the others': its claim runs out and is taken again."""
    try:
        _hand_over(claim)
    except Exception as accident:
        log.error("letter %d broke: %s", claim.letter_id, type(accident).__name__)


def _hand_over(claim: LetterClaim) -> None:
    with reading() as session:
        row = session.get_one(Notification, claim.notification_id)
        letter = letter_of(session, row, clock.now(), is_repeat=claim.is_repeat)
    channel, why = None, "no address"
    if letter is not None:
        try:
            channel = courier().send(letter)
        except CourierTrouble:
            why = "courier"
    with transaction(ACTOR) as tx:
        if channel is None:
            letters.mark_letter_kept(tx, letter_id=claim.letter_id, why=why)
        else:
            letters.mark_handed_over(tx, letter_id=claim.letter_id, channel=channel)
