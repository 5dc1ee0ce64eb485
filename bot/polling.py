"""Polling that lets go of nothing: Telegram keeps an update until it has been handled, so that a kill loses none.

python-telegram-bot asks for the next updates as soon as the last ones lie in its queue, and asking is what makes
Telegram forget those before. Here an update stays unconfirmed until its handlers are through; what Telegram hands out
again meanwhile is known and left alone. After a kill it comes once more, and the table of seen updates makes the
repeat of an act harmless.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from telegram import Update
from telegram.error import TelegramError
from telegram.ext import ExtBot

log = logging.getLogger(__name__)
AGAIN_AFTER = 0.1  # seconds between polls that bring nothing but what is in hand
LAST_WORD_WITHIN = 5.0  # seconds


class InHand:
    """Updates that Telegram has handed out and still keeps: those at work, and those settled behind one at work."""

    def __init__(self) -> None:
        self._at_work: set[int] = set()
        self._settled: set[int] = set()

    def take(self, updates: Iterable[Update]) -> tuple[Update, ...]:
        """Those that are new; they are at work from now on."""
        fresh = tuple(update for update in updates if update.update_id not in self._at_work | self._settled)
        self._at_work.update(update.update_id for update in fresh)
        return fresh

    def settle(self, update_id: int) -> None:
        """Its handlers are through, whatever became of it."""
        if update_id in self._at_work:
            self._at_work.remove(update_id)
            self._settled.add(update_id)

    def confirms(self, offset: int | None) -> int | None:
        """What may be asked for instead of offset: nothing behind an update at work is confirmed."""
        if offset is None or offset <= 0:  # the whole backlog, or its end
            return offset
        first = min({offset, *self._at_work})
        self._settled = {ident for ident in self._settled if ident >= first}
        return first

    @property
    def end(self) -> int:
        """The offset that would confirm everything settled."""
        return max(self._settled, default=0) + 1


class PatientBot(ExtBot[None]):
    """A bot whose polls confirm what is settled, and nothing else."""

    def __init__(self, *, in_hand: InHand, **options: Any) -> None:
        super().__init__(**options)
        self._in_hand = in_hand

    async def get_updates(self, offset: int | None = None, *given: Any, **options: Any) -> tuple[Update, ...]:
        """As ever, less what has been handed out before."""
        updates = await super().get_updates(self._in_hand.confirms(offset), *given, **options)
        fresh = self._in_hand.take(updates)
        if updates and not fresh:
            await asyncio.sleep(AGAIN_AFTER)
        return fresh

    async def confirm_settled(self) -> None:
        """The last word before leaving: what is settled is not brought again."""
        end = self._in_hand.end
        if end == 1:
            return
        try:
            await super().get_updates(self._in_hand.confirms(end), limit=1, timeout=0, read_timeout=LAST_WORD_WITHIN)
        except TelegramError as trouble:
            log.info("the last updates were not confirmed: %s", type(trouble).__name__)
