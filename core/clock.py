"""The one clock. Nobody else in kaowu asks the machine what time it is.

In the demo the clock travels: an offset in a small file that every process of the demo reads, so that panel, bot and
jobs leave together and arrive together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_zone = ZoneInfo("Asia/Shanghai")
_travel_file: Path | None = None
_seen: tuple[int, timedelta] = (-1, timedelta())
_pinned: datetime | None = None


def configure(*, zone: str = "Asia/Shanghai", travel_file: Path | None = None) -> None:
    """Set the business time zone; a travel_file (demo only) makes the clock travellable."""
    global _zone, _travel_file, _seen
    _zone, _travel_file, _seen = ZoneInfo(zone), travel_file, (-1, timedelta())


def zone() -> ZoneInfo:
    """The zone of business days and of every time shown."""
    return _zone


def now() -> datetime:
    """This instant, aware, in UTC, travelled if the demo's clock has travelled."""
    return _pinned if _pinned is not None else datetime.now(UTC) + offset()


@contextmanager
def pinned(instant: datetime) -> Iterator[None]:
    """Stand still at an instant: the demo's world is built in its own past, before any other thread runs."""
    global _pinned
    before, _pinned = _pinned, instant
    try:
        yield
    finally:
        _pinned = before


def business_today() -> date:
    """Today where the exams are held."""
    return now().astimezone(_zone).date()


def local(instant: datetime) -> datetime:
    """The same instant as people on the spot read it."""
    return instant.astimezone(_zone)


def can_travel() -> bool:
    """True in the demo only."""
    return _travel_file is not None


def offset() -> timedelta:
    """How far the demo's clock is ahead of the machine's."""
    global _seen
    if _travel_file is None:
        return timedelta()
    try:
        stamp = _travel_file.stat().st_mtime_ns
    except FileNotFoundError:
        return timedelta()
    if stamp != _seen[0]:
        text = _travel_file.read_text().strip()
        _seen = (stamp, timedelta(seconds=float(text or 0)))
    return _seen[1]


def travel(step: timedelta) -> datetime:
    """Move the demo's clock by step and say what time it is then; only forward, for what happened has happened."""
    if _travel_file is None:
        raise RuntimeError("the clock travels in the demo only")
    if step < timedelta():
        raise ValueError("the clock travels forward only")
    target = offset() + step
    draft = _travel_file.with_suffix(".new")
    draft.write_text(str(target.total_seconds()))
    draft.replace(_travel_file)
    return now()
