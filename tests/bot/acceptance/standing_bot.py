"""The bot as a process of its own that a test may kill, the clock standing where the test stands.

`python -m tests.bot.acceptance.standing_bot 2026-05-20T09:00:02+08:00`
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime

from bot import app
from core import clock


async def while_there_is(parent: int) -> None:
    """Run until killed, or until whoever started it is gone: a test leaves nothing behind."""
    stop = asyncio.Event()
    work = asyncio.create_task(app.run(stop))
    while os.getppid() == parent and not work.done():  # noqa: ASYNC110 - no event tells of a death
        await asyncio.sleep(0.2)
    stop.set()
    await work


if __name__ == "__main__":
    with clock.pinned(datetime.fromisoformat(sys.argv[1])):
        asyncio.run(while_there_is(os.getppid()))
