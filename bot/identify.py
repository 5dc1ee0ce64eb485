"""Who is asking: looked up afresh for every update, before any handler runs. What may not pass is answered here."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime, timedelta

from telegram import Message, Update
from telegram.constants import ChatType
from telegram.error import ChatMigrated, Forbidden
from telegram.ext import ApplicationHandlerStop

from bot.context import Context, answer, patiently
from bot.words import say
from core import clock
from core.actors import Actor
from core.db import reading
from core.errors import NotPermitted, TooMany
from core.models.accounts import UserAccount
from core.queries.accounts import account_of_chat, actor_for
from core.queries.bindings import waiting_of_chat
from core.rules.organisations import AccountState

log = logging.getLogger(__name__)

NOBODY = Actor(login="unbound", roles=frozenset(), channel="chat")
BACKLOG = timedelta(minutes=10)  # chat.md: what waited longer is asked again, not executed
ONE_ANSWER_FOR = 60.0  # seconds in which one person's old messages are answered together


async def identify(update: Update, context: Context) -> None:
    """Set context.actor, or say why not and let no handler see the update."""
    await _require_private(update)
    if update.my_chat_member is not None:
        context.actor = NOBODY
        return
    await _require_fresh(update, context)
    context.actor = await asyncio.to_thread(_actor_of, context.person, may_be_unbound=_is_start(update))


async def _require_private(update: Update) -> None:
    """In groups one line and nothing else, whoever asks."""
    chat = update.effective_chat
    if chat is not None and chat.type == ChatType.PRIVATE:
        return
    if update.callback_query is not None:
        await answer(update.callback_query, say("private_only"), alert=True)
    elif update.message is not None and (update.message.text or update.message.document):
        await _say_private_only(update.message)
    raise ApplicationHandlerStop


async def _say_private_only(message: Message) -> None:
    """Where the group is by now: it may have become a supergroup, which is another chat."""
    try:
        await patiently(lambda: message.reply_text(say("private_only")))
    except ChatMigrated as moved:
        there = moved.new_chat_id
        await patiently(lambda: message.get_bot().send_message(there, say("private_only")))
    except Forbidden as silenced:
        log.info("a group does not let the bot speak: %s", type(silenced).__name__)


def _is_start(update: Update) -> bool:
    words = (update.message.text if update.message else None) or ""
    return words.partition(" ")[0].partition("@")[0].lower() == "/start"


def _actor_of(telegram_user_id: int, *, may_be_unbound: bool) -> Actor:
    with reading() as session:
        account = account_of_chat(session, telegram_user_id)
        if account is None and may_be_unbound:
            return NOBODY
        if account is None:
            is_waiting = waiting_of_chat(session, telegram_user_id) is not None
            raise NotPermitted("chat_waits" if is_waiting else "chat_not_bound", rule="chat.md")
        actor = actor_for(session, account.id, "chat")
        if actor is None:
            raise _why_not(account, clock.now())
        return actor


def _why_not(account: UserAccount, now: datetime) -> NotPermitted | TooMany:
    if account.state is not AccountState.LOCKED:
        return NotPermitted("account_disabled", rule="§3.5")
    if account.locked_until is None or account.locked_until <= now:
        return NotPermitted("log_in_to_unlock", rule="§3.5")
    return TooMany("account_locked", rule="§3.5", until=account.locked_until)


async def _require_fresh(update: Update, context: Context) -> None:
    """A message that waited in a backlog is asked again; a whole backlog gets one answer."""
    message = update.message
    if message is None or clock.now() - message.date <= BACKLOG:
        return
    if _speaks_first(context, message):
        await patiently(lambda: message.reply_text(say("backlog", at=message.date)))
    raise ApplicationHandlerStop


def _speaks_first(context: Context, message: Message) -> bool:
    told: dict[int, float] = context.bot_data.setdefault("told_of_backlog", {})
    now = time.monotonic()
    before, told[context.person] = told.get(context.person, -ONE_ANSWER_FOR), now
    return now - before >= ONE_ANSWER_FOR
