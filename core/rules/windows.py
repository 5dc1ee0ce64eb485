"""Windows of time: one value object, asked at write time. The law is the guard, never the job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.errors import ValueRefused, WindowClosed, WindowNotOpen

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """opens_at ≤ now ≤ closes_at, both ends inside (R-025, T-02 and T-05 say "now > end" is too late).

    name: the Chinese word for the window, shown in refusals. Both instants aware.
    """

    name: str
    opens_at: datetime
    closes_at: datetime

    @property
    def closed_from(self) -> datetime:
        """The first instant at which the window is over."""
        return self.closes_at + _INSTANT

    def contains(self, now: datetime) -> bool:
        """True inside, edges included."""
        return self.opens_at <= now <= self.closes_at

    def started(self, now: datetime) -> bool:
        """True from the opening on, also after the end."""
        return now >= self.opens_at

    def over(self, now: datetime) -> bool:
        """True after the end."""
        return now > self.closes_at

    def require(self, now: datetime, *, rule: str) -> None:
        """WindowNotOpen before, WindowClosed after; the refusal names the window, its edges and the rule."""
        facts: dict[str, Any] = {"window": self.name, "opens_at": self.opens_at, "closes_at": self.closes_at}
        if now < self.opens_at:
            raise WindowNotOpen(rule=rule, **facts)
        if now > self.closes_at:
            raise WindowClosed(rule=rule, **facts)

    def require_order(self, *, rule: str) -> None:
        """A window's start lies before its end (R-026, R-055)."""
        if self.opens_at >= self.closes_at:
            raise ValueRefused(
                "window_order", rule=rule, window=self.name, opens_at=self.opens_at, closes_at=self.closes_at
            )
