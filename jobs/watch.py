"""Signs of life, and work that should have moved long ago."""

from __future__ import annotations

import logging
from datetime import timedelta

from core import clock
from core.db import Tx, reading
from core.queries.notices import stuck_work
from jobs.due import once

log = logging.getLogger(__name__)
LONG = timedelta(minutes=10)


def beat() -> None:
    """/readyz wants to know that the timetable is running."""
    once("heartbeat", lambda tx: tx.beat("jobs.tick"))


def look_for_stuck_work() -> None:
    """Counts what is late into the heartbeat that /readyz and /metrics show, and says so in the log."""
    now = clock.now()
    with reading() as session:
        found = stuck_work(session, now, since=now - LONG)
    if found:
        log.warning("stuck: %s", found)

    def note(tx: Tx) -> None:
        tx.beat("jobs.stuck", ",".join(f"{name}={count}" for name, count in sorted(found.items())))

    once("stuck work", note)
