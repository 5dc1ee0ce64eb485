"""What every handler holds: who is asking, a worker thread for verbs, and answers that leave no key spinning."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Self, TypeVar

from telegram import CallbackQuery, ForceReply, LinkPreviewOptions, Message, Update
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.ext import Application, CallbackContext, ContextTypes, ExtBot

from bot.keyboards import Shown
from core.actors import Actor
from core.db import Tx, reading, transaction
from core.gateways.telegram import markup
from core.usecases import replies

log = logging.getLogger(__name__)
T = TypeVar("T")
Act = Callable[[Tx], Any]
LONGEST_TOAST = 200  # Telegram's limit
LONGEST_WAIT = 30.0
TRIES = 8
LABOURERS = 2  # threads of long work; reading a workbook holds the interpreter, more would gain nothing
_UNCHANGED = "message is not modified"


class Context(CallbackContext[ExtBot[None], dict, dict, dict]):
    """One update on its way through the handlers; actor is set by identify.py before any of them runs."""

    actor: Actor
    incoming: Update

    @classmethod
    def from_update(cls, update: object, application: Application) -> Self:
        """Keep the update, so that a handler needs nothing else."""
        made = super().from_update(update, application)
        if isinstance(update, Update):
            made.incoming = update
        return made

    # -- doing -----------------------------------------------------------------------------------------------------

    async def perform(self, act: Act, then: Callable[[Tx], T]) -> T:
        """Act once per update of Telegram, as this person, off the event loop; then look, in the same transaction."""
        return await asyncio.to_thread(_perform, self.actor, self.incoming.update_id, act, then)

    async def look(self, then: Callable[[Tx], T]) -> T:
        """Only look; SQLite's writers do not wait for it, and what it changes is thrown away."""
        return await asyncio.to_thread(_look, self.actor, then)

    async def is_first(self) -> bool:
        """True the first time Telegram delivers this update; for acts that keep a transaction of their own."""
        seen: list[bool] = []
        await self.perform(lambda tx: seen.append(True), lambda tx: None)
        return bool(seen)

    async def labour(self, work: Callable[[], T]) -> T:
        """Long work off the event loop, a few at a time: the other threads stay free for everybody's presses."""
        async with _bench(self.application):
            return await asyncio.to_thread(work)

    def leave(self, work: Callable[[], object]) -> None:
        """The same, nobody waiting for it; it is finished before the bot stops."""
        self.application.create_task(_left(self.application, work))

    # -- where it came from ----------------------------------------------------------------------------------------

    @property
    def person(self) -> int:
        """The Telegram user id."""
        user = self.incoming.effective_user
        return user.id if user else 0

    @property
    def message(self) -> Message:
        """What the person wrote; only handlers of messages ask."""
        found = self.incoming.effective_message
        if found is None:
            raise LookupError("no message in this update")
        return found

    @property
    def words(self) -> str:
        """The text of that message."""
        return self.message.text or ""

    @property
    def query(self) -> CallbackQuery:
        """The press; only handlers of presses ask."""
        found = self.incoming.callback_query
        if found is None:
            raise LookupError("no press in this update")
        return found

    @property
    def pressed_message(self) -> int:
        """The id of the message the pressed key hangs on; 0 for none."""
        pressed = self.query.message
        return pressed.message_id if pressed else 0

    # -- answering -------------------------------------------------------------------------------------------------

    async def say(self, shown: Shown) -> int:
        """A new message in this private chat, protected from forwarding; its id."""
        sent = await patiently(
            lambda: self.bot.send_message(
                self.person,
                shown.text,
                parse_mode=ParseMode.HTML,
                reply_markup=ForceReply() if shown.asks else markup(shown.keys),
                protect_content=True,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        )
        return sent.message_id

    async def busy(self) -> None:
        """正在输入…, while a file is fetched; a nicety, so that it may fail."""
        with suppress(TelegramError):
            await self.bot.send_chat_action(self.person, ChatAction.TYPING)

    async def toast(self, words: str, *, alert: bool = False) -> None:
        """Answer the press; one that has waited too long for an answer has stopped spinning by itself."""
        await answer(self.query, words, alert=alert)

    async def show(self, shown: Shown, *, alert: bool = False) -> None:
        """Answer the press and turn the pressed message into its outcome; a copy nobody may edit gets a new message."""
        await self.toast(shown.toast, alert=alert)
        await self.turn_into(shown)

    async def turn_into(self, shown: Shown) -> None:
        """Edit the pressed message."""
        if self.query.message is not None:
            await self.rewrite(self.query.message.message_id, shown)

    async def rewrite(self, message_id: int, shown: Shown) -> None:
        """Edit a message of this chat; a copy nobody may edit gets a new message."""
        try:
            await patiently(
                lambda: self.bot.edit_message_text(
                    shown.text,
                    chat_id=self.person,
                    message_id=message_id,
                    parse_mode=ParseMode.HTML,
                    reply_markup=markup(shown.keys),
                )
            )
        except BadRequest as refused:
            if _UNCHANGED not in refused.message.lower():
                log.info("a copy cannot be edited any more: %s", type(refused).__name__)
                await self.say(shown)

    async def take_keys_away(self) -> None:
        """Leave the pressed message its words only."""
        pressed = self.query.message
        if pressed is None:
            return
        try:
            await patiently(
                lambda: self.bot.edit_message_reply_markup(chat_id=pressed.chat.id, message_id=pressed.message_id)
            )
        except BadRequest as refused:
            log.info("a copy keeps its keys: %s", type(refused).__name__)


def _perform(actor: Actor, update_id: int, act: Act, then: Callable[[Tx], T]) -> T:
    with transaction(actor) as tx:
        if replies.is_first(tx, update_id=update_id):
            act(tx)
            tx.session.flush()
            tx.session.expire_all()  # set-based verbs change rows behind the session's back
        return then(tx)


def _look(actor: Actor, then: Callable[[Tx], T]) -> T:
    with reading() as session:
        return then(Tx(session, actor))


async def answer(query: CallbackQuery, words: str, *, alert: bool) -> None:
    """Stop the key from spinning and say a word; too late is no error."""
    short = words if len(words) <= LONGEST_TOAST else f"{words[: LONGEST_TOAST - 1]}…"
    try:
        await patiently(lambda: query.answer(short, show_alert=alert))
    except BadRequest as late:
        log.info("a press could not be answered: %s", type(late).__name__)


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Wait as long as a 429 says, and out a Telegram that does not answer for a minute: no act stays without a word.

    Nobody knows whether a call that timed out has arrived; it is not made again.
    """
    for attempt in range(TRIES - 1):
        try:
            return await call()
        except (BadRequest, TimedOut):
            raise
        except NetworkError:
            await asyncio.sleep(min(2.0**attempt, 15.0))
        except RetryAfter as busy:
            pause = busy.retry_after
            seconds = pause.total_seconds() if isinstance(pause, timedelta) else float(pause)
            if seconds > LONGEST_WAIT:
                raise
            await asyncio.sleep(seconds)
    return await call()


def _bench(application: Application) -> asyncio.Semaphore:
    """One per process, made where its event loop runs."""
    found: asyncio.Semaphore = application.bot_data.setdefault("bench", asyncio.Semaphore(LABOURERS))
    return found


async def _left(application: Application, work: Callable[[], object]) -> None:
    try:
        async with _bench(application):
            await asyncio.to_thread(work)
    except Exception as trouble:  # whoever looks for what was left undone takes it up; words may be personal
        log.error("work left to itself broke: %s", type(trouble).__name__)


CONTEXTS = ContextTypes(context=Context)
