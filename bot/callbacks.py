"""Presses: a key is a claim, checked for origin, person and time, then handed to whom it concerns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from telegram import Update

from bot.context import Context
from bot.flows import decision, lock, sent_file
from bot.flows.decision import copy_shown
from bot.handlers import notices, telling
from bot.keyboards import Shown
from core import clock
from core.db import Tx
from core.errors import Refusal, WindowClosed
from core.notifications.buttons import Claimed, read_press
from core.notifications.message import Press
from core.usecases import replies
from core.usecases.foreign_presses import note_foreign_press

Handler = Callable[[Context, Claimed], Awaitable[None]]
PRESSES: dict[Press, Handler] = {
    Press.ACKNOWLEDGE: notices.acknowledge,
    Press.TAKE_BACK: notices.take_back,
    Press.SNOOZE: notices.snooze,
    Press.REFRESH: notices.refresh,
    Press.APPROVE: decision.approve,
    Press.SEND_BACK: decision.ask_reason,
    Press.CHANGE_NUMBER: decision.ask_number,
    Press.CONFIRM: decision.confirm,
    Press.KEEP: decision.keep,
    Press.CHOOSE: sent_file.chosen,
    Press.CHOOSE_TELLING: telling.choose,
    Press.LOCK: lock.confirm,
    Press.LOCK_NOT: lock.keep,
}


async def pressed(update: Update, context: Context) -> None:
    """Do what the key says; when it is refused, the message it hung on shows how things stand, or loses dead keys."""
    try:
        claim = read_press(context.query.data or "", user_id=context.person, now=clock.now())
        await PRESSES[claim.press](context, claim)
    except Refusal as refused:
        chat_id, message_id = context.person, context.pressed_message
        act = partial(_after_refusal, refused=refused, chat_id=chat_id, message_id=message_id)
        shown = await context.perform(act, partial(_as_it_stands, chat_id=chat_id, message_id=message_id))
        if shown is not None:
            await context.turn_into(shown)
        elif isinstance(refused, WindowClosed):
            await context.take_keys_away()
        raise


def _after_refusal(tx: Tx, *, refused: Refusal, chat_id: int, message_id: int) -> None:
    if refused.sentence_code == "task_of_another":
        note_foreign_press(tx)
    replies.bring_copy_up_to_date(tx, chat_id=chat_id, message_id=message_id)


def _as_it_stands(tx: Tx, *, chat_id: int, message_id: int) -> Shown | None:
    """The pressed message as it is now; None for a copy nobody keeps track of, which is left alone."""
    found = replies.copy_at(tx, chat_id=chat_id, message_id=message_id)
    return None if found is None else copy_shown(tx, notification_id=found, user_id=chat_id, message_id=message_id)
