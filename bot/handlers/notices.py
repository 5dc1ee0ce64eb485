"""What waits for a person's word: /todo, and the answers 已知悉 and 稍后提醒."""

from __future__ import annotations

from functools import partial

from telegram import Update

from bot.context import Context
from bot.keyboards import MOST_KEYS, Shown, is_open, panel_key, task
from bot.words import say
from core.db import Tx
from core.models.records import Notification
from core.notifications.buttons import Claimed
from core.notifications.words import when
from core.queries.chat import open_requests
from core.queries.due import tasks_for
from core.usecases import notices, replies

MOST_LINES = 6


# -- /todo -------------------------------------------------------------------------------------------------------------


async def todo(update: Update, context: Context) -> None:
    """One overview, then the most urgent requests with keys that stand for what they say now."""
    for shown in await context.perform(_bring_up_to_date, partial(_todo, user_id=context.person)):
        await context.say(shown)


def _bring_up_to_date(tx: Tx) -> None:
    shown = _requests(tx)[:MOST_KEYS]
    replies.bring_all_up_to_date(tx, notification_ids=[row.id for row in shown])


def _requests(tx: Tx) -> list[Notification]:
    return open_requests(tx.session, tx.actor.account_id or 0, tx.now)


def _todo(tx: Tx, *, user_id: int) -> list[Shown]:
    items = tasks_for(tx.session, tx.actor, tx.now)
    requests = _requests(tx)
    text = say(
        "todo",
        items=items[:MOST_LINES],
        more=len(items[MOST_LINES:]),
        requests=len(requests),
        codes=[row.task_code for row in requests[MOST_KEYS:]],
    )
    keys = ((panel_key("打开面板办理", items[0].url),),) if items else ()
    return [Shown(text, keys), *(task(tx.session, row, tx.now, user_id) for row in requests[:MOST_KEYS])]


# -- presses -----------------------------------------------------------------------------------------------------------


async def acknowledge(context: Context, claim: Claimed) -> None:
    """已知悉."""
    act = partial(replies.acknowledge, notification_id=claim.notification_id, message_id=context.pressed_message)
    await context.show(await context.perform(act, _task_of(context, claim)))


async def take_back(context: Context, claim: Claimed) -> None:
    """撤回“已知悉”."""
    act = partial(replies.take_back, notification_id=claim.notification_id)
    await context.show(await context.perform(act, _task_of(context, claim)))


async def snooze(context: Context, claim: Claimed) -> None:
    """稍后提醒."""
    act = partial(replies.snooze, notification_id=claim.notification_id)
    await context.show(await context.perform(act, _task_of(context, claim)))


async def refresh(context: Context, claim: Claimed) -> None:
    """刷新: the message as it is now."""
    act = partial(replies.bring_up_to_date, notification_id=claim.notification_id)
    await context.show(await context.perform(act, _task_of(context, claim)))


def _task_of(context: Context, claim: Claimed) -> partial[Shown]:
    return partial(task_shown, notification_id=claim.notification_id, user_id=context.person)


def task_shown(tx: Tx, *, notification_id: int, user_id: int) -> Shown:
    """A request as it stands; one that was put off says until when."""
    row = notices.my_notice(tx, notification_id)
    shown = task(tx.session, row, tx.now, user_id)
    if not (is_open(row) and replies.is_snoozed(tx, row)):
        return shown
    words = f"{when(row.not_before)} 再提醒"
    return Shown(f"{shown.text}\n\n{say('snoozed', at=row.not_before)}", shown.keys, toast=words)
