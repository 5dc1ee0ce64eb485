"""What is personal goes when its time is over (G-26): once a business day, in small bites."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from core import clock
from core.db import Tx, reading
from core.models.records import Heartbeat
from core.usecases import retention
from jobs.due import once

STEPS: tuple[tuple[str, Callable[[Tx], int]], ...] = (
    ("photos", retention.erase_photos),
    ("discarded_imports", retention.discard_imports),
    ("emptied_imports", retention.empty_imports),
    ("cleared_imports", retention.clear_imports),
    ("dropped_crops", retention.drop_offers),
    ("links", retention.forget_links),
)


def sweep() -> None:
    """T-23: everything that is due, unless it has been done today."""
    if _is_done_today():
        return
    counts: dict[str, int] = {name: _to_the_end(name, verb) for name, verb in STEPS}
    once("retention", lambda tx: retention.note_sweep(tx, counts=counts))


def _to_the_end(name: str, verb: Callable[[Tx], int]) -> int:
    """Bite after bite until there is nothing left; a bite that fails ends the step until tomorrow."""
    total = 0
    while bite := _bite(name, verb):
        total += bite
    return total


def _bite(name: str, verb: Callable[[Tx], int]) -> int:
    done: list[int] = []
    is_whole = once(f"retention of {name}", lambda tx: done.append(verb(tx)))
    return done[0] if is_whole and done else 0


def _is_done_today() -> bool:
    with reading() as session:
        last = session.scalar(select(Heartbeat.at).where(Heartbeat.name == retention.SWEEP))
    return last is not None and clock.local(last).date() >= clock.business_today()
