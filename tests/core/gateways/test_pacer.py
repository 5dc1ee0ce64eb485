"""An hour of sending at full load, on a clock of its own: never over Telegram's limit, and hardly ever under it."""

from __future__ import annotations

import asyncio
import random
import selectors
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from core.gateways import telegram
from core.gateways.telegram import Pacer

LIMIT = 30  # messages a second that Telegram permits
HOUR = 3_600.0
LEAST_USED = 0.95
WORKERS = 12
WHILE = 300.0  # seconds on an uneven line
THERE = BACK = 0.02  # seconds at its best
UNEVEN = 0.05  # seconds by which a way may take longer; far more than the pace alone would forgive


class Hour:
    """Monotonic time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.0)


@pytest.fixture
def hour(monkeypatch: pytest.MonkeyPatch) -> Hour:
    made = Hour()
    monkeypatch.setattr(telegram.time, "monotonic", made.monotonic)
    monkeypatch.setattr(telegram.asyncio, "sleep", made.sleep)
    return made


def sent(hour: Hour, until: float, pacer: Pacer) -> list[float]:
    """When each message of an endless queue left."""

    async def send() -> list[float]:
        times: list[float] = []
        while hour.now < until:
            async with pacer.turn():
                times.append(hour.now)
        return times

    return asyncio.run(send())


def test_an_hour_at_full_load_meets_no_429_and_uses_what_is_permitted(hour: Hour) -> None:
    times = sent(hour, HOUR, Pacer())
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[LIMIT:], strict=False))
    assert len(times) >= LEAST_USED * LIMIT * HOUR


def test_a_429_holds_everybody_for_as_long_as_it_says(hour: Hour) -> None:
    pacer = Pacer()
    before = sent(hour, 1.0, pacer)
    pacer.hold(timedelta(seconds=17))
    after = sent(hour, before[-1] + 30.0, pacer)
    assert after[0] - before[-1] >= 17.0
    assert all(later > earlier for earlier, later in pairwise(after))


class WaitsForNothing(selectors.DefaultSelector):
    """A selector for a loop without sockets: what it would have waited is over at once, and looking takes a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.000_001
        return super().select(0)


def test_an_uneven_line_meets_no_429_either(monkeypatch: pytest.MonkeyPatch) -> None:
    time = WaitsForNothing()
    loop = asyncio.SelectorEventLoop(time)
    monkeypatch.setattr(loop, "time", lambda: time.now)
    monkeypatch.setattr(telegram.time, "monotonic", lambda: time.now)
    chance, pacer, arrived = random.Random(30), Pacer(), []

    async def send() -> None:
        while time.now < WHILE:
            async with pacer.turn():
                await asyncio.sleep(THERE + chance.random() * UNEVEN)
                arrived.append(time.now)
                await asyncio.sleep(BACK)

    async def crowd() -> None:
        await asyncio.gather(*(send() for _ in range(WORKERS)))

    try:
        loop.run_until_complete(crowd())
    finally:
        loop.close()
    assert all(later - earlier >= 1.0 for earlier, later in zip(arrived, arrived[LIMIT:], strict=False))
    assert len(arrived) >= LEAST_USED * LIMIT * WHILE
