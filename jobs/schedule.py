"""The timetable, as data, and the scheduler that keeps it."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from core import clock
from jobs import certificates, imports, letters, outbox, pilots, plans, retention, telling, verification, watch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """What runs, and every how many seconds; each run finds by itself what is due, so a missed one is healed."""

    name: str
    body: Callable[[], None]
    seconds: int


TIMETABLE = (
    Entry("plan windows (T-04…T-16)", plans.pass_edges, 3),
    Entry("declaration windows (T-01, T-02, M-06)", pilots.pass_edges, 3),
    Entry("registration reminders (M-11)", plans.remind, 10),
    Entry("quota reminders (M-07)", pilots.remind, 600),
    Entry("quota of past years (T-03)", pilots.lapse, 60),
    Entry("certificates", certificates.generate, 2),
    Entry("signing pages (T-19)", certificates.expire_signings, 15),
    Entry("verification of identity (R-086)", verification.check, 2),
    Entry("retention (T-23)", retention.sweep, 600),
    Entry("imports (R-294)", imports.work_off, 5),
    Entry("digests (chat.md)", telling.send_digests, 10),
    Entry("reminders (chat.md)", telling.remind, 10),
    Entry("escalations (chat.md)", telling.escalate, 30),
    Entry("requests past their time (chat.md)", telling.expire_requests, 60),
    Entry("is this still you (chat.md)", telling.ask_still_you, 600),
    Entry("delegations (chat.md)", telling.lapse_delegations, 30),
    Entry("letters (chat.md)", letters.hand_over, 5),
    Entry("what is late (chat.md)", telling.tell_what_is_late, 300),
    Entry("heartbeat", watch.beat, 10),
    Entry("stuck work", watch.look_for_stuck_work, 60),
)


def scheduler() -> BackgroundScheduler:
    """Jobs in memory, declared here; late runs run once, however late, and never two of one kind at a time."""
    keeper = BackgroundScheduler(
        timezone=clock.zone(),
        executors={"default": ThreadPoolExecutor(3)},  # one may wait for the identity service
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for entry in TIMETABLE:
        keeper.add_job(entry.body, "interval", seconds=entry.seconds, id=entry.name)
    return keeper


async def run(stop: asyncio.Event) -> None:
    """Keep the timetable and the outbox going until stop is set; what is running is allowed to finish."""
    keeper = scheduler()
    keeper.start()
    try:
        await outbox.deliver_forever(stop)
    finally:
        await asyncio.to_thread(keeper.shutdown, True)


def main() -> None:
    """The jobs process: ends cleanly on SIGTERM and Ctrl-C."""
    asyncio.run(_until_told())


async def _until_told() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    await run(stop)
