"""/lock: a colleague's phone is gone; recap, second tap, outcome. There is no way back in chat."""

from __future__ import annotations

from functools import partial

from telegram import Update

from bot.context import Context
from bot.keyboards import Shown, recap_key
from bot.words import say
from core.db import Tx
from core.models.accounts import UserAccount
from core.notifications.buttons import Claimed
from core.notifications.message import Press
from core.notifications.words import when
from core.usecases import locking
from core.usecases.decisions import Place
from core.usecases.freezing import freezable


async def lock(update: Update, context: Context) -> None:
    """/lock LOGIN shows what it would do; without a login, how to write it."""
    login = " ".join(context.args or [])
    if not login:
        await context.say(await context.look(_usage))
        return
    act = partial(locking.ask_freeze, login=login, place=Place(context.person))
    await context.say(await context.perform(act, partial(_by_login, login=login, user_id=context.person)))


async def confirm(context: Context, claim: Claimed) -> None:
    """确认冻结."""
    act = partial(locking.confirm_freeze, account_id=claim.notification_id, mark=claim.version)
    await context.show(await context.perform(act, partial(_standing, account_id=claim.notification_id)))


async def keep(context: Context, claim: Claimed) -> None:
    """不冻结."""
    act = partial(locking.keep_free, account_id=claim.notification_id)
    await context.show(await context.perform(act, partial(_standing, account_id=claim.notification_id)))


def _usage(tx: Tx) -> Shown:
    return Shown(say("lock_usage", login=tx.actor.login))


def _by_login(tx: Tx, *, login: str, user_id: int) -> Shown:
    account = freezable(tx, login)
    draft = locking.awaited_freeze(tx)
    if draft is None or draft.thing_id != account.id:
        return _standing(tx, account_id=account.id)
    text = say("lock_recap", login=account.login, is_own=account.id == tx.actor.account_id)
    return Shown(
        text,
        (
            (recap_key("不冻结", Press.LOCK_NOT, draft, user_id),),
            (recap_key("确认冻结 1 个账号", Press.LOCK, draft, user_id),),
        ),
    )


def _standing(tx: Tx, *, account_id: int) -> Shown:
    account = tx.get(UserAccount, account_id)
    if account.acts_frozen_at is None:
        return Shown(say("lock_kept", login=account.login), toast="没有冻结")
    text = say("lock_done", login=account.login, at=account.acts_frozen_at)
    return Shown(text, toast=f"已冻结 · {when(account.acts_frozen_at)}")
