"""Telegram as the outbox needs it: send or edit one message, and say plainly what became of it.

The only module of core that knows python-telegram-bot. What Telegram answers is sorted into four outcomes, because a
sender must treat them differently: done, gone for good, not now, and nobody knows.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters, WebAppInfo
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.request import HTTPXRequest, RequestData

from core import settings
from core.gateways.init_data import token_in_force
from core.gateways.keys import Key

PER_SECOND = 29.7  # Telegram speaks of 30 messages a second; an even pace just below never meets a 429
_TRIPS = 300  # calls whose fastest shows the line at its best
_SURELY = 0.9  # of it: the fastest seen may not be the fastest there is
LONGEST_CALL = 60.0  # seconds: a SOCKS5 proxy that falls silent while it greets has no other limit
LONGEST_DOWNLOAD = 180.0
_GONE_CHATS = ("chat not found", "user is deactivated", "bot was kicked", "have no rights to send")
# httpx: nothing was sent at all; a proxy's errors are those of its greeting, before it connects us
_NEVER_LEFT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"})
_UNEDITABLE = ("message is not modified", "message to edit not found", "message can't be edited")


class Fate(StrEnum):
    """What became of a message."""

    DONE = "done"
    GONE = "gone"  # this chat will never take a message again
    REFUSED = "refused"  # this very message will never be taken
    LATER = "later"  # a later try may succeed, and this one did not arrive
    UNKNOWN = "unknown"  # it may have arrived: a repeat must say so


@dataclass(frozen=True, slots=True)
class Report:
    """fate, the message's id when done, Telegram's own waiting time when it named one, and a word for the row."""

    fate: Fate
    message_id: int | None = None
    retry_after: timedelta | None = None
    why: str = ""


class Pacer:
    """Evenly spaced turns for everybody who sends, never more in a second than whole per_second; a 429 holds all.

    Telegram counts what arrives, and on its way a message may fall behind those that follow it. So a message still
    under way counts, and an answered one for a second after its answer, less the way there and back at its fastest:
    however uneven the line, the second is kept, and only its unevenness is lost.
    """

    def __init__(self, per_second: float = PER_SECOND) -> None:
        self._gap = 1 / per_second
        self._most = math.ceil(per_second)
        self._last = 0.0  # when the last one left, had it been in time: who wakes late does not make all others late
        self._door = asyncio.Lock()
        self._under_way = 0
        self._answered: deque[float] = deque()
        self._trips: deque[float] = deque(maxlen=_TRIPS)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn, first come, first served; it lasts until the answer is there."""
        async with self._door:
            while (pause := self._pause(time.monotonic())) > 0:  # noqa: ASYNC110 - a 429 may have lengthened it meanwhile
                await asyncio.sleep(pause)
            left = time.monotonic()
            self._last = max(self._last + self._gap, left)
            self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._answered.append(time.monotonic())
            self._trips.append(self._answered[-1] - left)

    def hold(self, pause: timedelta) -> None:
        """Nobody sends before the pause is over."""
        self._last = max(self._last, time.monotonic() + pause.total_seconds())

    def _pause(self, now: float) -> float:
        """Seconds until the next message may leave."""
        over = now - 1.0 + _SURELY * min(self._trips, default=0.0)
        while self._answered and self._answered[0] <= over:
            self._answered.popleft()
        pause = self._last + self._gap - now
        too_many = self._under_way + len(self._answered) + 1 - self._most
        if too_many > len(self._answered):
            return max(pause, self._gap)  # somebody has to be answered first
        return max(pause, self._answered[too_many - 1] - over) if too_many > 0 else pause


def api_base() -> tuple[str, str]:
    """(base_url, base_file_url) as python-telegram-bot wants them, the token to be appended."""
    given = settings.current().telegram_api_url.rstrip("/")
    if given:
        return f"{given}/bot", f"{given}/file/bot"
    if not settings.current().telegram_token.get_secret_value():
        here = f"http://{settings.current().host}:{settings.current().port}/simulator/api"
        return f"{here}/bot", f"{here}/file/bot"
    return "https://api.telegram.org/bot", "https://api.telegram.org/file/bot"


def way_to(base_url: str, proxy: str) -> dict[str, Any]:
    """How connections to a Bot API are made, as options of HTTPXRequest: this machine itself is reached directly.

    A proxy given by name wins over the environment's HTTPS_PROXY and the like.
    """
    if settings.is_loopback(base_url):
        return {"proxy": None, "httpx_kwargs": {"trust_env": False}}
    return {"proxy": proxy or None, "httpx_kwargs": {"trust_env": True}}


class Connection(HTTPXRequest):
    """Every connection to Telegram: by the way the settings name, none without an end, no answer in the log."""

    def __init__(self, base_url: str, **options: Any) -> None:
        for chatty in ("httpx", "httpcore"):  # whose INFO lines spell out addresses with the token in them
            logging.getLogger(chatty).setLevel(logging.WARNING)
        super().__init__(**way_to(base_url, settings.current().telegram_proxy.get_secret_value()), **options)

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *timeouts: Any, **more: Any
    ) -> tuple[int, bytes]:
        """As it is, but not for ever; of an error page only the status is left.

        The library puts such a page into its error, and sometimes into its log. A relay's page spells out the address,
        and in it the token.
        """
        try:
            async with asyncio.timeout(LONGEST_DOWNLOAD if method == "GET" else LONGEST_CALL):
                status, payload = await super().do_request(url, method, request_data, *timeouts, **more)
        except TimeoutError as silent:
            raise TimedOut from silent
        return status, payload if 200 <= status < 300 or _is_answer(payload) else b"{}"

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        """What Telegram says; TelegramError, without its words, for anything else."""
        if not _is_answer(payload):
            raise TelegramError("not an answer of the Bot API")
        return json.loads(payload)


def _is_answer(payload: bytes) -> bool:
    try:
        return isinstance(json.loads(payload), dict)
    except ValueError:
        return False


def kind_of(trouble: TelegramError) -> str:
    """What went wrong in one word for log and row; the words of errors may spell out token or address."""
    cause = trouble.__cause__
    return type(cause if type(cause).__module__.startswith(("httpx", "socksio")) else trouble).__name__


def markup(keys: tuple[tuple[Key, ...], ...]) -> InlineKeyboardMarkup | None:
    """Keys as Telegram's inline keyboard; None without keys."""
    if not keys:
        return None
    return InlineKeyboardMarkup([[_button(key) for key in line] for line in keys])


def _button(key: Key) -> InlineKeyboardButton:
    if key.page is not None:
        opens_inside = key.page.startswith("https://") or settings.current().simulated
        if opens_inside:
            return InlineKeyboardButton(key.label, web_app=WebAppInfo(key.page))
        return InlineKeyboardButton(key.label, url=key.page)
    if key.url is not None:
        return InlineKeyboardButton(key.label, url=key.url)
    return InlineKeyboardButton(key.label, callback_data=key.data)


class Telegram:
    """An open line to the Bot API: `async with Telegram() as line`. One per process, shared by its workers."""

    def __init__(self, *, pacer: Pacer | None = None) -> None:
        base_url, base_file_url = api_base()
        request = Connection(base_url, connection_pool_size=32, read_timeout=15, connect_timeout=10, write_timeout=15)
        self._bot = Bot(token_in_force(), base_url=base_url, base_file_url=base_file_url, request=request)
        self._pacer = pacer or Pacer()

    async def __aenter__(self) -> Self:
        await self._bot.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._bot.shutdown()

    async def send(
        self, chat_id: int, text: str, keys: tuple[tuple[Key, ...], ...], *, reply_to: int | None = None
    ) -> Report:
        """A new message, protected from forwarding."""
        try:
            async with self._pacer.turn():
                sent = await self._bot.send_message(
                    chat_id,
                    text,
                    parse_mode="HTML",
                    reply_markup=markup(keys),
                    protect_content=True,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                    reply_parameters=ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None,
                )
        except TelegramError as trouble:
            return self._sorted(trouble)
        return Report(Fate.DONE, message_id=sent.message_id)

    async def edit(self, chat_id: int, message_id: int, text: str, keys: tuple[tuple[Key, ...], ...]) -> Report:
        """The same message with the present truth; one that cannot be edited any more counts as done."""
        try:
            async with self._pacer.turn():
                await self._bot.edit_message_text(
                    text, chat_id=chat_id, message_id=message_id, parse_mode="HTML", reply_markup=markup(keys)
                )
        except BadRequest as trouble:
            if any(words in trouble.message.lower() for words in _UNEDITABLE):
                return Report(Fate.DONE, message_id=message_id, why="uneditable")
            return self._sorted(trouble)
        except TelegramError as trouble:
            return self._sorted(trouble)
        return Report(Fate.DONE, message_id=message_id)

    def _sorted(self, trouble: TelegramError) -> Report:
        why = kind_of(trouble)
        if isinstance(trouble, RetryAfter):
            pause = _as_timedelta(trouble.retry_after)
            self._pacer.hold(pause)
            return Report(Fate.LATER, retry_after=pause, why=why)
        if isinstance(trouble, Forbidden):
            return Report(Fate.GONE, why=why)
        if isinstance(trouble, BadRequest):
            is_gone = any(words in trouble.message.lower() for words in _GONE_CHATS)
            return Report(Fate.GONE if is_gone else Fate.REFUSED, why=why)
        if _never_left(trouble):
            return Report(Fate.LATER, why=why)
        if isinstance(trouble, TimedOut):
            return Report(Fate.UNKNOWN, why=why)
        if isinstance(trouble, InvalidToken):
            return Report(Fate.LATER, retry_after=timedelta(minutes=1), why=why)
        if isinstance(trouble, NetworkError):
            return Report(Fate.UNKNOWN, why=why)
        return Report(Fate.LATER, why=why)


def _never_left(trouble: TelegramError) -> bool:
    cause = type(trouble.__cause__)
    return cause.__name__ in _NEVER_LEFT or cause.__module__.startswith("socksio")


def _as_timedelta(value: int | timedelta) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(seconds=value)
