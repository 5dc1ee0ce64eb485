"""A fast clock, a Telegram that flaps by a seeded schedule, and the product's jobs, sender and bot between them.

Time stands still while something happens and jumps to the next moment at which something is due. Nothing is random but
the seed: messages leave one at a time, and what befalls each is drawn in that order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from telegram import Update

from bot.app import build_application
from bot.simulator.api import BotApi
from bot.simulator.faults import NO_FAULT, Fault, Faults
from core import clock
from core.actors import SYSTEM
from core.db import transaction
from core.gateways import telegram
from core.gateways.telegram import Pacer, Telegram
from core.usecases import notices
from core.usecases.notices import Claim
from jobs import outbox
from jobs.schedule import TIMETABLE
from tests.fakes import RunningBotApi

STEP = timedelta(minutes=5)  # coarse: what is due within it is done together
DIES_EVERY = 20  # steps
MOST_ROUNDS = 40  # of one instant; more means that two parts of the product keep each other busy


class Weather(Faults):
    """What becomes of each message of the outbox: silence for whole hours, or a fault for one in four."""

    def __init__(self, seed: int, silences: list[tuple[datetime, datetime]]) -> None:
        super().__init__()
        self.silences = silences
        self.is_sending = False  # the bot's own words are not what this is about
        self.met: dict[str, int] = {}
        self._dice = random.Random(seed)

    def is_silent(self, at: datetime) -> bool:
        """True while nothing gets through."""
        return any(begins <= at < ends for begins, ends in self.silences)

    def clear_from(self, at: datetime) -> datetime:
        """The first instant from at on at which a person can press a key."""
        return next((ends for begins, ends in self.silences if begins <= at < ends), at)

    def meet(self, method: str, *, writes: bool) -> Fault:
        """One call's fate; edits fail in silence only, for they leave side by side and their order is nobody's."""
        if not self.is_sending or not writes:
            return NO_FAULT
        name, fault = "none", NO_FAULT
        if self.is_silent(clock.now()):
            name, fault = "silence", Fault.bad_gateway()
        elif method == "sendmessage":
            name, fault = self._draw()
        self.met[name] = self.met.get(name, 0) + 1
        return fault

    def _draw(self) -> tuple[str, Fault]:
        drawn = self._dice.random()
        if drawn < 0.08:
            return "429", Fault.too_many(self._dice.choice([3, 30, 600]))
        if drawn < 0.16:
            return "502", Fault.bad_gateway()
        if drawn < 0.24:
            return "hung up", Fault.hung_up()
        return "none", NO_FAULT


class Unhurried(Pacer):
    """No waiting in real time: the rows' own instants hold messages back, and the clock jumps to them."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """At once."""
        yield

    def hold(self, pause: timedelta) -> None:
        """Telegram's waiting time stands in the row as well."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message of the outbox that Telegram has taken, whether the sender heard of it or not."""

    notification_id: int
    chat_id: int
    text: str
    at: datetime


def _claim_and_die() -> None:
    """A sender that is killed with a message in its hand: nobody knows whether it left."""
    with transaction(SYSTEM.on("jobs")) as tx:
        notices.claim_due(tx, limit=1)


def _keep_the_timetable() -> None:
    for entry in TIMETABLE:
        entry.body()


class Machinery:
    """The product's moving parts, in this thread: timetable, sender, bot."""

    def __init__(self, api: BotApi, weather: Weather) -> None:
        self.api, self.weather = api, weather
        self.arrivals: list[Arrival] = []
        self.steps = 0
        self._sending = 0
        self._offset = 0
        self._pin = ExitStack()
        self._line: Telegram
        self._bot: Any
        api.on_accepted(self._note)

    @asynccontextmanager
    async def running(self, fake: RunningBotApi, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
        """The sender's line and the bot's application, opened and closed."""
        patch.setattr(outbox, "AT_ONCE", 1)
        rendered = outbox._letter

        def letter(claim: Claim) -> Any:
            self._sending = claim.notification_id
            return rendered(claim)

        patch.setattr(outbox, "_letter", letter)
        base_url, base_file_url = telegram.api_base()
        self._bot = build_application(token=fake.token, base_url=base_url, base_file_url=base_file_url)
        await self._bot.initialize()
        async with Telegram(pacer=Unhurried()) as line:
            self._line = line
            yield
        await self._bot.shutdown()
        self._pin.close()

    def _note(self, call: Any) -> None:
        if call.method == "sendMessage" and self.weather.is_sending:
            self.arrivals.append(Arrival(self._sending, call.chat_id, call.params["text"], clock.now()))

    def stand(self, instant: datetime) -> None:
        """Everybody's clock, at an instant."""
        self._pin.close()
        self._pin.enter_context(clock.pinned(instant))

    async def turn(self) -> None:
        """Everything the product does at this instant."""
        self.steps += 1
        if not self.steps % DIES_EVERY:
            await asyncio.to_thread(_claim_and_die)
        await asyncio.to_thread(_keep_the_timetable)  # its bodies run beside the loop, as the scheduler has them
        await self.deliver()

    async def deliver(self) -> None:
        """The outbox, until nothing is due."""
        self.weather.is_sending = True
        try:
            for _ in range(MOST_ROUNDS):
                if not await outbox.deliver_once(self._line):
                    return
        finally:
            self.weather.is_sending = False
        raise AssertionError(f"the outbox does not come to rest at {clock.local(clock.now())}")

    async def hear(self) -> None:
        """The bot works off what people have pressed and said."""
        while updates := self.api.call("getUpdates", {"offset": self._offset, "timeout": 0}).body["result"]:
            for update in updates:
                self._offset = update["update_id"] + 1
                await self._bot.process_update(Update.de_json(update, self._bot.bot))

    async def press_too_late(self, chat_id: int, message_id: int) -> str:
        """Press the first key a message had when it came; the words of the answer."""
        sent = next(c for c in self.api.accepted("sendMessage", chat_id=chat_id) if c.message_id == message_id)
        keys = [key for row in sent.params["reply_markup"]["inline_keyboard"] for key in row]
        data = next(key["callback_data"] for key in keys if "callback_data" in key)
        press = self.api.user_presses(chat_id, message_id, data, stale=True)
        await self.hear()
        said = self.api.press_answer(press)
        assert said is not None, "a press that came too late got no answer"
        return str(said["text"] or "")

    async def press(self, chat_id: int, message_id: int, key: str) -> str:
        """Press a key twice, as the impatient do; Telegram delivers the first press twice. The words of the answer."""
        first = self.api.user_presses(chat_id, message_id, key)
        again = self.api.user_presses(chat_id, message_id, key)
        self.api.deliver_again(self.api.last_update_id - 1)
        await self.hear()
        said = self.api.press_answer(first)
        assert said is not None, f"{key}: the key spins for ever"
        assert self.api.press_answer(again) is not None, f"{key}: the second tap got no answer"
        return str(said["text"] or "")
