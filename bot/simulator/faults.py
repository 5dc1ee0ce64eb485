"""How Telegram misbehaves: modes for the demo's switch, scripted faults for tests, and an enforced rate."""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Mode(StrEnum):
    """What the whole of Telegram is like at the moment."""

    NORMAL = "normal"
    SLOW = "slow"
    FAILING = "failing"
    RATE_LIMITED = "rate_limited"
    LOSING_ANSWERS = "losing_answers"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call.

    With a `code` the call is refused and nothing happens; otherwise it is accepted, after `wait` seconds, and its
    answer leaves `hold` seconds later, or never (`hang_up` cuts the connection after accepting).
    """

    code: int = 0
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    wait: float = 0.0
    hold: float = 0.0
    hang_up: bool = False

    @classmethod
    def refused(cls, code: int, description: str, **parameters: Any) -> Self:
        """Any refusal, in Telegram's words."""
        return cls(code, description, parameters)

    @classmethod
    def too_many(cls, retry_after: int) -> Self:
        """429, with the seconds to wait."""
        return cls(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})

    @classmethod
    def bad_gateway(cls) -> Self:
        """502, as when Telegram is down."""
        return cls(502, "Bad Gateway")

    @classmethod
    def slow(cls, seconds: float) -> Self:
        """Accepted and answered, later."""
        return cls(wait=seconds)

    @classmethod
    def answer_lost(cls, seconds: float) -> Self:
        """Accepted at once, answered only after `seconds`: give more than the caller's read timeout."""
        return cls(hold=seconds)

    @classmethod
    def hung_up(cls) -> Self:
        """Accepted, then the connection is cut without an answer."""
        return cls(hang_up=True)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` messages within any `seconds`; count 0 refuses every message."""

    count: int
    seconds: float = 1.0


NO_FAULT = Fault()


class Faults:
    """The switchboard; thread-safe, and a change wakes every call that is being kept waiting."""

    def __init__(self, *, rate: Rate | None = None, slow_seconds: float = 2.0, lost_seconds: float = 8.0) -> None:
        self.rate = rate  # enforced in every mode; Telegram's own is Rate(30)
        self.limited_rate = Rate(1, 3.0)  # what RATE_LIMITED leaves of it
        self.slow_seconds = slow_seconds
        self.lost_seconds = lost_seconds
        self._mode = Mode.NORMAL
        self._scripts: dict[str, deque[Fault]] = defaultdict(deque)
        self._sent: deque[float] = deque()
        self._changed = threading.Condition()
        self._generation = 0

    @property
    def mode(self) -> Mode:
        """The mode in force."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode | str) -> None:
        self._mode = Mode(mode)
        self.release()

    def script(self, method: str, *faults: Fault, times: int = 1) -> None:
        """The next calls of `method` ("*": of any but getUpdates) meet these faults, in order, `times` over."""
        with self._changed:
            self._scripts[method.lower()].extend(faults * times)

    def clear(self) -> None:
        """Back to normal: no mode, no scripts; an enforced rate stays."""
        with self._changed:
            self._scripts.clear()
        self.mode = Mode.NORMAL

    def release(self) -> None:
        """Let every call that is being kept waiting go on now."""
        with self._changed:
            self._generation += 1
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Keep the calling thread waiting, unless the switchboard changes first."""
        until = time.monotonic() + seconds
        with self._changed:
            mine = self._generation
            while self._generation == mine and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def meet(self, method: str, *, writes: bool) -> Fault:
        """The fault for this call; `writes` is true for calls that put something into a chat (those have a rate)."""
        polling = method == "getupdates"
        with self._changed:
            for name in (method,) if polling else (method, "*"):
                if self._scripts.get(name):
                    return self._scripts[name].popleft()
            if self._mode is Mode.FAILING and not polling:
                return Fault.bad_gateway()
            if writes and (waiting := self._over_rate()):
                return Fault.too_many(waiting)
        if self._mode is Mode.SLOW and not polling:
            return Fault.slow(self.slow_seconds)
        if self._mode is Mode.LOSING_ANSWERS and writes:
            return Fault.answer_lost(self.lost_seconds)
        return NO_FAULT

    def _over_rate(self) -> int:
        """Whole seconds to wait before the next message, 0 to go ahead (and be counted)."""
        rate = self.limited_rate if self._mode is Mode.RATE_LIMITED else self.rate
        if rate is None:
            return 0
        if rate.count == 0:
            return max(1, math.ceil(rate.seconds))
        now = time.monotonic()
        while self._sent and self._sent[0] <= now - rate.seconds:
            self._sent.popleft()
        if len(self._sent) >= rate.count:
            return max(1, math.ceil(self._sent[-rate.count] + rate.seconds - now))
        self._sent.append(now)
        return 0
