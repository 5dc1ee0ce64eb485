"""Webhook mode: Telegram brings its updates to the panel, which hands them to the bot in the same process.

The panel answers 200 only once an update has been handled; killed in between it has not answered, and Telegram brings
the update again, which the table of seen updates makes harmless. Address and header are secrets made from ours.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from flask import Blueprint, Response, request
from telegram import Bot, Update, WebhookInfo
from telegram.error import TelegramError
from telegram.ext import Application
from werkzeug.exceptions import RequestEntityTooLarge

from core import settings
from core.gateways.telegram import kind_of

log = logging.getLogger(__name__)

HEADER = "X-Telegram-Bot-Api-Secret-Token"
LARGEST = 1024 * 1024  # bytes; what Telegram sends is a few thousand
LONGEST = 25.0  # seconds a panel thread waits for an update to be handled
AT_ONCE = 8  # of the panel's 24 threads
LOOK_EVERY = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
_KINDS = {  # Telegram's words for why it could not deliver, which may hold addresses
    "connection refused": "connection refused",
    "connection timed out": "connection timed out",
    "connection reset": "connection reset",
    "read timeout": "read timeout",
    "resolve host": "host not found",
    "ssl": "certificate",
    "certificate": "certificate",
}


def _secret(purpose: bytes) -> str:
    return hmac.new(settings.secret_key(), b"kaowu telegram webhook " + purpose, hashlib.sha256).hexdigest()


def address() -> str:
    """Where Telegram delivers; whoever knows it still needs the header."""
    return f"{settings.current().base_url}/telegram/{_secret(b'path')[:32]}"


def _is_telegram(path: str, header: str) -> bool:
    """Both compared in the same time whatever is wrong with them."""
    right_path = hmac.compare_digest(path.encode(), _secret(b"path")[:32].encode())
    right_header = hmac.compare_digest(header.encode(), _secret(b"header").encode())
    return right_path and right_header


# -- the panel's side --------------------------------------------------------------------------------------------------


class _Closing(Exception):
    """The bot stops; Telegram brings the update again."""


class Door:
    """Where updates come in: the panel's threads knock, the bot opens while it can handle them."""

    def __init__(self) -> None:
        self._application: Application | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._at_work: dict[int, asyncio.Task[None]] = {}

    def open(self, application: Application) -> None:
        """From now on; called on the bot's own loop."""
        self._application, self._loop = application, asyncio.get_running_loop()

    def close(self) -> None:
        """Nothing more; what is at work goes on."""
        self._application = None

    def hand_in(self, told: object) -> int:
        """From a thread: 200 once this update is handled, 400 for what is none, 503 to have it brought again."""
        application, loop = self._application, self._loop
        if application is None or loop is None:
            return 503
        update = _update_of(told, application.bot)
        if update is None:
            return 400
        handling = self._handle(application, update)
        try:
            waiting = asyncio.run_coroutine_threadsafe(handling, loop)
        except RuntimeError:  # the loop has just closed
            handling.close()
            return 503
        try:
            waiting.result(LONGEST)
        except TimeoutError:
            waiting.cancel()  # the waiting, not the work
            return 503
        except Exception as trouble:
            log.error("an update was not handled: %s", type(trouble).__name__)
            return 503
        return 200

    async def _handle(self, application: Application, update: Update) -> None:
        """In its turn; an update brought again while it is at work is waited for, not done twice."""
        work = self._at_work.get(update.update_id)
        if work is None:
            if self._application is None or not application.running:
                raise _Closing
            turn = application.update_processor.process_update(update, application.process_update(update))
            work = application.create_task(turn, update=update)  # stopping waits for it
            self._at_work[update.update_id] = work
            work.add_done_callback(lambda _: self._at_work.pop(update.update_id))
        await asyncio.shield(work)


def _update_of(told: object, bot: Bot) -> Update | None:
    """What Telegram told, None for anything else. Its error is not logged: it may be personal."""
    if not isinstance(told, dict) or not isinstance(told.get("update_id"), int):
        return None
    try:
        return Update.de_json(told, bot)
    except Exception as garbage:
        log.warning("an update cannot be read: %s", type(garbage).__name__)
        return None


def blueprint(door: Door) -> Blueprint:
    """`/telegram/<secret>`; exempt it from CSRFProtect: it has no session, and a secret of its own."""
    web = Blueprint("telegram", __name__)

    @web.post("/telegram/<secret>")
    def update(secret: str) -> Response:
        if not _is_telegram(secret, request.headers.get(HEADER, "")):
            return Response(status=404)
        request.max_content_length = LARGEST
        try:
            told = json.loads(request.get_data(cache=False))
        except RequestEntityTooLarge:
            return Response(status=413)
        except (ValueError, RecursionError):
            return Response(status=400)
        return Response(status=door.hand_in(told))

    return web


# -- the bot's side ----------------------------------------------------------------------------------------------------


async def ask_for_updates(bot: Bot, kinds: Sequence[str]) -> None:
    """Tell Telegram where to deliver, again and again until it has heard; what waits there is kept."""
    pause = FIRST_PAUSE
    while not await _set(bot, kinds):
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _set(bot: Bot, kinds: Sequence[str]) -> bool:
    try:
        await bot.set_webhook(
            address(),
            allowed_updates=list(kinds),
            secret_token=_secret(b"header"),
            max_connections=AT_ONCE,
            drop_pending_updates=False,
        )
    except TelegramError as trouble:
        log.warning("Telegram did not take our webhook address: %s (%s)", kind_of(trouble), _kind_of(trouble.message))
        return False
    return True


async def look_after(bot: Bot, kinds: Sequence[str], *, seen: Callable[[], None]) -> None:
    """Once a minute: is it still our address, and does delivery work? seen() after every answer of Telegram."""
    told: datetime | None = None
    while True:
        try:
            info = await bot.get_webhook_info()
        except TelegramError as away:
            log.warning("a look at the webhook failed: %s", kind_of(away))
        else:
            seen()
            told = await _judge(bot, kinds, info, told)
        await asyncio.sleep(LOOK_EVERY)


async def _judge(bot: Bot, kinds: Sequence[str], info: WebhookInfo, told: datetime | None) -> datetime | None:
    """Say what is new and put right what we can; the moment of the last trouble already told."""
    is_new = info.last_error_date is not None and info.last_error_date != told
    kind = _kind_of(info.last_error_message or "") if is_new else ""
    if is_new:
        log.warning("Telegram could not deliver: %s; %d updates wait there", kind, info.pending_update_count)
    if info.url != address() or kind == "HTTP 404":  # 404: another secret was set for the same address
        log.warning("Telegram delivers elsewhere; our webhook address is set again")
        await _set(bot, kinds)
    return info.last_error_date


def _kind_of(words: str) -> str:
    """One of a few words of ours for Telegram's words."""
    status = re.search(r"wrong response from the webhook: (\d{3})", words, re.IGNORECASE)
    if status:
        return f"HTTP {status[1]}"
    return next((kind for phrase, kind in _KINDS.items() if phrase in words.lower()), "other")
