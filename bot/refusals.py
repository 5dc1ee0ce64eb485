"""The one error handler: a refusal becomes its sentence, anything else an apology with a number to ask about.

The log names the error and the lines it came through, never its words: those may hold what belongs to a person.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from pathlib import Path

from telegram import Update
from telegram.error import BadRequest, Forbidden, NetworkError
from telegram.ext import ApplicationHandlerStop

from bot.context import Context, answer, patiently
from bot.handlers.people import bury
from bot.words import say
from core.errors import Refusal
from core.notifications.words import sentence

log = logging.getLogger(__name__)


async def refused(update: object, context: Context) -> None:
    """Say it where it was asked; never raises anything but the stop of further handlers."""
    error = context.error
    if isinstance(update, Update):
        try:
            await _respond(update, error)
        except Exception as silent:
            log.warning("could not answer: %s", type(silent).__name__)
    elif error is not None:
        _log(error, "-")
    raise ApplicationHandlerStop


async def _respond(update: Update, error: Exception | None) -> None:
    if isinstance(error, Refusal):
        await _tell(update, sentence(error))
    elif isinstance(error, Forbidden) and update.effective_user is not None:
        await asyncio.to_thread(bury, update.effective_user.id, type(error).__name__)
    elif isinstance(error, NetworkError) and not isinstance(error, BadRequest):
        log.warning("Telegram did not take an answer: %s", type(error).__name__)
    elif error is not None:
        await _tell(update, apology(error))


def apology(error: Exception) -> str:
    """The words for a fault of ours, with the number it is found by in the log."""
    reference = secrets.token_hex(3).upper()
    _log(error, reference)
    return say("apology", reference=reference)


async def _tell(update: Update, words: str) -> None:
    """Presses as an alert, messages as a reply, without any markup."""
    if update.callback_query is not None:
        await answer(update.callback_query, words, alert=True)
    elif update.message is not None:
        message = update.message
        await patiently(lambda: message.reply_text(words, protect_content=True))


def _log(error: BaseException, reference: str) -> None:
    lines = traceback.extract_tb(error.__traceback__)
    way = " < ".join(f"{Path(line.filename).name}:{line.lineno} {line.name}" for line in reversed(lines[-8:]))
    log.error("[%s] %s at %s", reference, type(error).__qualname__, way)
