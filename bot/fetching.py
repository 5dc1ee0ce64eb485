"""Files people send: fetched from Telegram in so many attempts and no longer, or a sentence says that they were not."""

from __future__ import annotations

import asyncio
import logging

from telegram.error import BadRequest, NetworkError, TelegramError

from bot.context import Context
from core.errors import FileRefused, NotReady
from core.sheets.gate import MB

log = logging.getLogger(__name__)

MOST = 20 * MB  # Telegram hands out no larger file to a bot
READ_TIMEOUT = 30.0  # seconds between two pieces
LONGEST = 180.0  # seconds for all of it
PAUSES = (1.0, 3.0)  # seconds before another attempt: fetching twice harms nobody


async def fetch(context: Context, file_id: str) -> bytes:
    """The content of a file; FileRefused for a large one, NotReady where Telegram does not hand it out now.

    Nothing Telegram says is passed on: its errors may spell out an address with the token in it, and a 403 here says
    nothing about the chat.
    """
    try:
        async with asyncio.timeout(LONGEST):
            content = await _patiently(context, file_id)
    except BadRequest as refused:
        if "too big" in refused.message.lower():
            raise too_large(MOST + 1) from None
        raise _not_fetched(refused) from None
    except (TelegramError, OSError) as trouble:  # time-outs are OSErrors, and so is a local server's file not for us
        raise _not_fetched(trouble) from None
    require_small(len(content))
    return content


def require_small(size: int) -> None:
    """FileRefused for a file Telegram would not hand out."""
    if size > MOST:
        raise too_large(size)


def too_large(size: int) -> FileRefused:
    """The refusal that says so."""
    return FileRefused("chat_file_too_large", rule="R-296", size_mb=-(-size // MB), limit_mb=MOST // MB)


async def _patiently(context: Context, file_id: str) -> bytes:
    for pause in PAUSES:
        try:
            return await _once(context, file_id)
        except BadRequest:
            raise
        except NetworkError:  # time-outs are some
            await asyncio.sleep(pause)
    return await _once(context, file_id)


async def _once(context: Context, file_id: str) -> bytes:
    file = await context.bot.get_file(file_id, read_timeout=READ_TIMEOUT)
    require_small(file.file_size or 0)  # a Bot API server of one's own has no limit
    return bytes(await file.download_as_bytearray(read_timeout=READ_TIMEOUT))


def _not_fetched(trouble: Exception) -> NotReady:
    log.warning("a file was not handed out: %s", type(trouble).__name__)
    return NotReady("chat_file_not_fetched", rule="chat.md")
