"""The bot as a process: built from its handlers, polling, leaving signs of life, stopping without losing a word.

Updates of different people run side by side, those of one person in order. A Telegram that answers no poll (in webhook
mode: no look at the webhook) for three minutes ends the process with an error, so that whoever watches over it starts
it afresh.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Coroutine
from typing import Any

from telegram import BotCommand, BotCommandScopeAllPrivateChats, Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import (
    Application,
    ApplicationBuilder,
    BaseUpdateProcessor,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    TypeHandler,
    filters,
)
from telegram.request import RequestData

from bot.callbacks import pressed
from bot.context import CONTEXTS
from bot.flows import lock
from bot.handlers import certificates, files, help, notices, people, plans, telling
from bot.identify import identify
from bot.polling import InHand, PatientBot
from bot.refusals import refused
from bot.texts import said
from bot.webhook import Door, ask_for_updates, look_after
from core import settings
from core.actors import SYSTEM
from core.db import transaction
from core.gateways.init_data import token_in_force
from core.gateways.telegram import Connection, api_base, kind_of
from core.queries.health import BOT_POLL

log = logging.getLogger(__name__)

UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
SIDE_BY_SIDE = 256
BEAT_EVERY = 15.0
STALLED_AFTER = 180.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
OK = 200


class PollingStalled(RuntimeError):
    """Telegram has answered no poll, or no look at the webhook, for too long; somebody has to start us again."""


class TokenRefused(RuntimeError):
    """Telegram does not know this token; its own error would spell it out."""


class Pulse:
    """When Telegram last answered a poll, in monotonic seconds; 0.0 for not yet."""

    def __init__(self) -> None:
        self.last = 0.0

    def beat(self) -> None:
        """A poll has just succeeded."""
        self.last = time.monotonic()


class WatchedConnection(Connection):
    """The connection polls go through; every answer that is one leaves its mark."""

    def __init__(self, base_url: str, pulse: Pulse) -> None:
        super().__init__(base_url, connection_pool_size=1)
        self._pulse = pulse

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *timeouts: Any, **more: Any
    ) -> tuple[int, bytes]:
        """As it is, noted."""
        status, payload = await super().do_request(url, method, request_data, *timeouts, **more)
        if status == OK:
            self._pulse.beat()
        return status, payload


class InOrderPerPerson(BaseUpdateProcessor):
    """Side by side for everybody, one after the other for each: a reason never overtakes the press it belongs to."""

    def __init__(self, in_hand: InHand | None = None) -> None:
        super().__init__(SIDE_BY_SIDE)
        self._in_hand = in_hand or InHand()
        self._turns: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: dict[int, int] = defaultdict(int)

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Wait for one's turn; asyncio's locks are first come, first served."""
        user = update.effective_user if isinstance(update, Update) else None
        person = user.id if user else 0
        self._waiting[person] += 1
        try:
            async with self._turns[person]:
                await coroutine
        finally:
            if isinstance(update, Update):
                self._in_hand.settle(update.update_id)
            self._waiting[person] -= 1
            if not self._waiting[person]:
                del self._waiting[person], self._turns[person]

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""


# -- building ----------------------------------------------------------------------------------------------------------


def build_application(*, token: str, base_url: str, base_file_url: str, pulse: Pulse | None = None) -> Application:
    """Everything wired, nothing started; addresses without the token, as core.gateways.telegram.api_base gives them."""
    in_hand = InHand()
    bot = PatientBot(
        in_hand=in_hand,
        token=token,
        base_url=base_url,
        base_file_url=base_file_url,
        request=Connection(base_url, connection_pool_size=SIDE_BY_SIDE, pool_timeout=10),
        get_updates_request=WatchedConnection(base_url, pulse or Pulse()),
    )
    processor = InOrderPerPerson(in_hand)
    application = ApplicationBuilder().bot(bot).context_types(CONTEXTS).concurrent_updates(processor).build()
    _add_handlers(application)
    return application


def _add_handlers(application: Application) -> None:
    """Identity first; then the first handler that fits."""
    fresh = filters.UpdateType.MESSAGE
    application.add_handler(TypeHandler(Update, identify), group=-1)
    application.add_handlers(
        [
            CommandHandler("start", people.start, fresh),
            CommandHandler("todo", notices.todo, fresh),
            CommandHandler("deadlines", plans.deadlines, fresh),
            CommandHandler("sign", certificates.sign, fresh),
            CommandHandler("plan", plans.plan, fresh),
            CommandHandler("settings", telling.settings, fresh),
            CommandHandler("lock", lock.lock, fresh),
            CommandHandler("help", help.help_, fresh),
            CallbackQueryHandler(pressed),
            ChatMemberHandler(people.came_or_went, ChatMemberHandler.MY_CHAT_MEMBER),
            MessageHandler(filters.UpdateType.EDITED_MESSAGE, help.edited),
            MessageHandler(fresh & filters.TEXT & ~filters.COMMAND, said),
            MessageHandler(fresh & filters.Document.ALL, files.document),
            MessageHandler(fresh & filters.PHOTO, files.picture),
            MessageHandler(fresh & ~filters.StatusUpdate.ALL, help.not_understood),
        ]
    )
    application.add_error_handler(refused)


# -- running -----------------------------------------------------------------------------------------------------------


async def run(stop: asyncio.Event, door: Door | None = None) -> None:
    """Take updates until told to stop; PollingStalled when Telegram stays away, TokenRefused when it does not know us.

    door: where a panel in this process lets Telegram's updates in; in webhook mode SettingsRefused without it.
    """
    is_told = settings.current().telegram_mode == "webhook"
    if is_told and door is None:
        raise settings.SettingsRefused("webhook 方式须在面板所在的进程运行机器人：请用 kaowu run")
    if not token_in_force():
        log.warning("no KAOWU_TELEGRAM_TOKEN, and the simulator stands in on loopback only: there is no chat")
        await stop.wait()
        return
    pulse = Pulse()
    base_url, base_file_url = api_base()
    application = build_application(token=token_in_force(), base_url=base_url, base_file_url=base_file_url, pulse=pulse)
    if not await unless(stop, _connect(application)):
        return
    try:
        await application.start()
        if door is not None and is_told:
            await _listen(application, pulse, door, stop)
        else:
            await _poll(application, pulse, stop)
    finally:
        if door is not None:
            door.close()
        await _stop(application)


async def _connect(application: Application) -> None:
    """Ask Telegram who we are, again and again: a machine may start before its network."""
    pause = FIRST_PAUSE
    while True:
        try:
            await application.initialize()
            return
        except InvalidToken:
            raise TokenRefused(
                "Telegram does not accept KAOWU_TELEGRAM_TOKEN, or KAOWU_TELEGRAM_API_URL leads elsewhere"
            ) from None
        except TelegramError as away:
            log.warning("Telegram cannot be reached (%s); trying again", kind_of(away))
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _poll(application: Application, pulse: Pulse, stop: asyncio.Event) -> None:
    updater = application.updater
    if updater is None:
        raise RuntimeError("an application without an updater cannot poll")
    polling = updater.start_polling(
        allowed_updates=list(UPDATES), bootstrap_retries=-1, drop_pending_updates=False, error_callback=_say_it_failed
    )
    pulse.beat()
    if await unless(stop, polling):
        await unless(stop, _watch(application, pulse))


async def _listen(application: Application, pulse: Pulse, door: Door, stop: asyncio.Event) -> None:
    """The webhook stays when we stop: Telegram keeps what comes meanwhile."""
    door.open(application)
    if not await unless(stop, ask_for_updates(application.bot, UPDATES)):
        return
    pulse.beat()
    looking = asyncio.create_task(look_after(application.bot, UPDATES, seen=pulse.beat))
    try:
        await unless(stop, _watch(application, pulse))
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def _say_it_failed(error: TelegramError) -> None:
    """Its name only: some errors spell out the token."""
    log.warning("a poll failed: %s", kind_of(error))


async def _watch(application: Application, pulse: Pulse) -> None:
    """Leave a sign of life after Telegram answered, a quarter of a minute apart; give up when it does not."""
    told = beaten = 0.0
    while True:
        now = time.monotonic()
        if now - pulse.last > STALLED_AFTER:
            raise PollingStalled(f"no answer of Telegram for {STALLED_AFTER:.0f} seconds")
        if pulse.last > beaten and now - beaten >= BEAT_EVERY:
            beaten = now
            await _leave_a_sign(application.bot.username)
        if not told and await _announce(application):
            told = now
        await asyncio.sleep(1)


async def _leave_a_sign(name: str) -> None:
    try:
        await asyncio.to_thread(_beat, name)
    except Exception as trouble:
        log.warning("the heart beat could not be written: %s", type(trouble).__name__)


def _beat(name: str) -> None:
    """The note is the bot's own name: the panel builds its binding links with it."""
    with transaction(SYSTEM) as tx:
        tx.beat(BOT_POLL, name)


async def _announce(application: Application) -> bool:
    """The list behind the menu button, in private chats only; True once Telegram has it."""
    commands = [BotCommand(name, meaning) for name, meaning in help.COMMANDS]
    try:
        await application.bot.set_my_commands(commands, scope=BotCommandScopeAllPrivateChats())
    except TelegramError as trouble:
        log.info("the command list was not taken: %s", kind_of(trouble))
        return False
    return True


async def _stop(application: Application) -> None:
    """No new updates, those at work to their end, then the connections."""
    if application.updater is not None and application.updater.running:
        await application.updater.stop()
    if application.running:
        await application.stop()
        if isinstance(application.bot, PatientBot):
            await application.bot.confirm_settled()
    await application.shutdown()


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, Any]) -> bool:
    """Do the work unless told to stop first; True when it was done. What it raises is raised."""
    doing, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            return False
        await doing
        return True
    finally:
        for task in (doing, waiting):
            task.cancel()
        await asyncio.gather(doing, waiting, return_exceptions=True)
