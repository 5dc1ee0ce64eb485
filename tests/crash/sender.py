"""The outbox's sender, as the jobs process runs it, forked anew whenever a test has killed it.

`python -m tests.crash.sender LEASE PER_SECOND` prints the process id of each sender it starts. Forking spares the test
the seconds an interpreter needs to begin; everything a sender holds (engine, connections, claims) is its own.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

import core.usecases.notices
from core.gateways.telegram import Pacer
from jobs import outbox


async def send_while(parent: int) -> None:
    """Send for as long as the process that started this one is there: a test leaves nothing behind."""
    stop = asyncio.Event()
    work = asyncio.create_task(outbox.deliver_forever(stop))
    while os.getppid() == parent:  # noqa: ASYNC110  # no event tells of a death
        await asyncio.sleep(0.2)
    stop.set()
    await work
    os._exit(0)


def main() -> None:
    """Until it is killed itself. A test has no minute to wait for a dead sender's lease, nor all day for the pace."""
    core.usecases.notices.LEASE = timedelta(seconds=float(sys.argv[1]))
    Pacer.__init__.__defaults__ = (float(sys.argv[2]),)
    parent = os.getpid()
    while True:
        child = os.fork()
        if child == 0:
            asyncio.run(send_while(parent))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
