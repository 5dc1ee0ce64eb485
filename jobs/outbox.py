"""The outbox's sender: claims what is due, sends at Telegram's pace, writes down what became of each message.

Killed between any two lines it loses nothing: a claim not reported within its lease is taken again and its copy says
重发, because nobody knows whether the first one arrived.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from core import clock
from core.actors import SYSTEM
from core.db import Tx, reading, transaction
from core.gateways.keys import Key
from core.gateways.telegram import Fate, Report, Telegram
from core.models.records import Notification
from core.notifications.render import chat_text, sealed
from core.queries.notices import chat_of, earlier_copy, is_anything_due, stale_copies
from core.rules.notices import DeliveryState
from core.usecases import bindings, letters, notices, telling
from core.usecases.notices import Claim

log = logging.getLogger(__name__)
T = TypeVar("T")
BITE = 48
AHEAD = BITE // 2  # letters still under way when the next bite is taken, so that the pacer never waits for rows
AT_ONCE = 12  # between its words and its report; more would only wait, and be repeated when this process is killed
IDLE_SECONDS = 0.5
ACTOR = SYSTEM.on("jobs")


@dataclass(frozen=True, slots=True)
class Letter:
    """One message ready to go: to whom, what, and what it answers."""

    notification_id: int
    chat_id: int
    message_id: int | None
    text: str
    keys: tuple[tuple[Key, ...], ...]
    reply_to: int | None


async def deliver_forever(stop: asyncio.Event) -> None:
    """Send until told to stop; an unreachable Telegram is tried again, never given up."""
    while not stop.is_set():
        try:
            async with Telegram() as line:
                await _deliver(line, stop)
        except Exception as trouble:
            log.warning("outbox: %s; trying again", type(trouble).__name__)
            await _pause(stop, 3)


async def _deliver(line: Telegram, stop: asyncio.Event) -> None:
    while not stop.is_set():
        sent = await deliver_once(line, stop)
        if not sent:
            await _pause(stop, IDLE_SECONDS)


async def deliver_once(line: Telegram, stop: asyncio.Event | None = None) -> int:
    """What is due and the stale copies, bite by bite until a bite is not full or stop is set; how many were settled.

    0 when it is time for a pause.
    """
    turns, settled, is_full = asyncio.Semaphore(AT_ONCE), 0, True
    under_way: dict[asyncio.Task[bool], int] = {}
    try:
        while is_full and not (stop is not None and stop.is_set()):
            claims = await asyncio.to_thread(_claims)
            stale = [ident for ident in await asyncio.to_thread(_stale) if ident not in under_way.values()]
            under_way |= {asyncio.create_task(_send(line, claim, turns)): claim.notification_id for claim in claims}
            under_way |= {asyncio.create_task(_refresh(line, ident)): ident for ident in stale}
            is_full = len(claims) == BITE
            while is_full and len(under_way) > AHEAD:
                settled += _settled(await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED), under_way)
    finally:
        if under_way:
            settled += _settled(await asyncio.wait(under_way), under_way)
    return settled


def _settled(waited: tuple[set[asyncio.Task[bool]], object], under_way: dict[asyncio.Task[bool], int]) -> int:
    """Take what has ended off the list; how many of it need no other try."""
    settled = 0
    for task in waited[0]:
        del under_way[task]
        trouble = task.exception()
        if trouble is None:
            settled += task.result()
        else:
            # its claim runs out and is taken again; the others' letters are on their way
            log.error("outbox: one message broke", exc_info=trouble)
    return settled


async def _send(line: Telegram, claim: Claim, turns: asyncio.Semaphore) -> bool:
    async with turns:
        letter = await asyncio.to_thread(_letter, claim)
        if letter is None:
            return True
        report = await line.send(letter.chat_id, letter.text, letter.keys, reply_to=letter.reply_to)
        await asyncio.to_thread(_write_down, letter, report)
        return True


async def _refresh(line: Telegram, notification_id: int) -> bool:
    letter = await asyncio.to_thread(_stale_letter, notification_id)
    if letter is not None and letter.message_id is not None:
        report = await line.edit(letter.chat_id, letter.message_id, letter.text, letter.keys)
        if report.fate not in (Fate.DONE, Fate.GONE, Fate.REFUSED):
            return False
    await asyncio.to_thread(_do, lambda tx: notices.mark_refreshed(tx, notification_id=notification_id))
    return True


def _claims() -> list[Claim]:
    with reading() as session:
        if not is_anything_due(session, clock.now()):
            return []
    return _do(lambda tx: notices.claim_due(tx, limit=BITE))


def _stale() -> list[int]:
    with reading() as session:
        return list(session.scalars(stale_copies()))


def _letter(claim: Claim) -> Letter | None:
    """The claimed message in words; None when it has no chat to go to, or cannot be put into words."""
    with reading() as session:
        row = session.get_one(Notification, claim.notification_id)
        chat_id = chat_of(session, row.account_id)
        if chat_id is not None:
            try:
                rendered = chat_text(session, row, clock.now(), is_repeat=claim.is_repeat)
                keys = sealed(rendered.keys, rendered.about, chat_id)
                return Letter(row.id, chat_id, None, rendered.text, keys, earlier_copy(session, row))
            except Exception:
                log.exception("message %s of kind %s cannot be rendered", row.id, row.kind)
    if chat_id is None:
        _do(lambda tx: _without_chat(tx, claim.notification_id))
    else:
        _do(lambda tx: notices.mark_failed(tx, notification_id=claim.notification_id, why="unrenderable"))
    return None


def _without_chat(tx: Tx, ident: int) -> None:
    """The panel has it; a letter leaves where a channel reaches the person (R-043), else deputies hear of a request."""
    has_letter = letters.queue_letter(tx, notification_id=ident)
    notices.mark_unreachable(tx, notification_id=ident, why="sent as a letter" if has_letter else "no chat")
    if not has_letter:
        telling.hand_over_request(tx, notification_id=ident)


def _stale_letter(notification_id: int) -> Letter | None:
    with reading() as session:
        row = session.get_one(Notification, notification_id)
        if row.chat_id is None or row.message_id is None:
            return None
        try:
            rendered = chat_text(session, row, clock.now())
        except Exception:
            log.exception("copy %s of kind %s cannot be brought up to date", row.id, row.kind)
            return None
        keys = sealed(rendered.keys, rendered.about, row.chat_id)
        return Letter(row.id, row.chat_id, row.message_id, rendered.text, keys, None)


def _write_down(letter: Letter, report: Report) -> None:
    _do(lambda tx: _settle(tx, letter, report))


def _settle(tx: Tx, letter: Letter, report: Report) -> None:
    ident = letter.notification_id
    if report.fate is Fate.DONE and report.message_id is not None:
        notices.mark_delivered(tx, notification_id=ident, chat_id=letter.chat_id, message_id=report.message_id)
    elif report.fate in (Fate.GONE, Fate.REFUSED):
        notices.mark_failed(tx, notification_id=ident, why=report.why)
    else:
        notices.mark_for_retry(
            tx,
            notification_id=ident,
            why=report.why,
            retry_after=report.retry_after,
            may_have_arrived=report.fate is Fate.UNKNOWN,
        )
    row = tx.get(Notification, ident)
    if row.delivery_state is DeliveryState.FAILED:
        letters.queue_letter(tx, notification_id=ident)
    if report.fate is Fate.GONE:
        bindings.bury_binding(tx, account_id=row.account_id, reason=report.why)


def _do(verb: Callable[[Tx], T]) -> T:
    with transaction(ACTOR) as tx:
        return verb(tx)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
