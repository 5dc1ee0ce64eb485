"""Getting to know each other: /start with and without a code, and people who block the bot."""

from __future__ import annotations

import asyncio
from functools import partial

from telegram import ChatMember, Update

from bot.context import Context
from bot.keyboards import Shown
from bot.words import say
from core.actors import SYSTEM
from core.db import Tx, transaction
from core.errors import NotPermitted
from core.queries.accounts import account_of_chat
from core.queries.bindings import waiting_of_chat
from core.queries.chat import open_requests, organisation_of
from core.usecases.bindings import bind_chat, bury_binding


async def start(update: Update, context: Context) -> None:
    """/start binds with a one-time code, and greets."""
    code = "".join(context.args or [])
    greeting = partial(_greeting, telegram_user_id=context.person)
    if code:
        act = partial(bind_chat, code=code, telegram_user_id=context.person)
        await context.say(await context.perform(act, greeting))
    else:
        await context.say(await context.look(greeting))


def _greeting(tx: Tx, *, telegram_user_id: int) -> Shown:
    account = account_of_chat(tx.session, telegram_user_id)
    waiting = waiting_of_chat(tx.session, telegram_user_id) if account is None else None
    if waiting is not None:
        return Shown(say("binding_waits", login=waiting.account.login, number=telegram_user_id))
    if account is None:
        raise NotPermitted("chat_not_bound", rule="chat.md")
    return Shown(
        say(
            "greeting",
            organisation=organisation_of(account),
            roles=[role.role.label for role in account.roles],
            count=len(open_requests(tx.session, account.id, tx.now)),
        )
    )


async def came_or_went(update: Update, context: Context) -> None:
    """Whoever blocks the bot is no longer reached here; the panel keeps what was told."""
    change = update.my_chat_member
    if change is not None and change.new_chat_member.status == ChatMember.BANNED:
        await asyncio.to_thread(bury, context.person, "blocked")


def bury(telegram_user_id: int, why: str) -> None:
    """Telegram says this chat is gone: whoever is responsible sees it in the panel."""
    with transaction(SYSTEM) as tx:
        account = account_of_chat(tx.session, telegram_user_id)
        if account is not None:
            bury_binding(tx, account_id=account.id, reason=why)
