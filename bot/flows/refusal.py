"""退回: reason, second look, outcome. Between the steps there is one ChatDraft, so a restart goes on where it stood."""

from __future__ import annotations

from functools import partial

from sqlalchemy import func, select

from bot.context import Context
from bot.handlers.help import not_understood
from bot.handlers.notices import task_shown
from bot.keyboards import Shown, confirm_keys, is_open
from bot.words import say
from core.db import Tx
from core.errors import StaleState
from core.models.certificates import SigningRecord
from core.models.records import ChatDraft, Notification
from core.notifications.buttons import Claimed
from core.notifications.words import sentence
from core.rules.certificates import SigningDecision
from core.rules.notices import ReplyState
from core.usecases import notices, replies
from core.usecases.replies import Question


async def ask(context: Context, claim: Claimed) -> None:
    """退回并说明: ask for the reason, or show what became of the request meanwhile."""
    act = partial(
        replies.ask_reason,
        notification_id=claim.notification_id,
        version=claim.version,
        chat_id=context.person,
        message_id=context.pressed_message,
    )
    shown = await context.perform(act, partial(_step, notification_id=claim.notification_id, user_id=context.person))
    if not shown.asks:
        await context.show(shown)
        return
    await context.toast(shown.toast)
    await context.say(shown)


async def heard(context: Context) -> None:
    """Free words: the reason, if one is awaited; nothing else."""
    shown = await context.perform(
        partial(replies.give_reason, text=context.words), partial(_awaited, user_id=context.person)
    )
    await (context.say(shown) if shown else not_understood(context.incoming, context))


async def by_code(context: Context, code: str, reason: str) -> None:
    """退回 K7Q4 理由."""
    act = partial(
        replies.refuse_by_code,
        code=code,
        reason=reason,
        chat_id=context.person,
        message_id=context.message.message_id,
    )
    await context.say(await context.perform(act, partial(_step_by_code, code=code, user_id=context.person)))


async def confirm(context: Context, claim: Claimed) -> None:
    """确认退回; a batch that changed is shown again instead."""
    act = partial(replies.confirm_refusal, notification_id=claim.notification_id, version=claim.version)
    view = partial(_step, notification_id=claim.notification_id, user_id=context.person)
    try:
        await context.show(await context.perform(act, view))
    except StaleState as changed:
        again = partial(replies.look_again, notification_id=claim.notification_id)
        shown = await context.perform(again, partial(view, note=sentence(changed)))
        await context.show(shown, alert=True)


async def keep(context: Context, claim: Claimed) -> None:
    """不退回."""
    act = partial(replies.keep, notification_id=claim.notification_id)
    view = partial(_kept, notification_id=claim.notification_id, user_id=context.person)
    await context.show(await context.perform(act, view))


# -- what is shown -----------------------------------------------------------------------------------------------------


def _step(tx: Tx, *, notification_id: int, user_id: int, note: str = "") -> Shown:
    """The request where it stands: being asked, being confirmed, or over."""
    row = notices.my_notice(tx, notification_id)
    draft = notices.my_draft(tx)
    if is_open(row) and draft is not None and draft.thing_id == row.id:
        return _question(tx, row, draft, user_id, note)
    return _refused(tx, row) or task_shown(tx, notification_id=row.id, user_id=user_id)


def _step_by_code(tx: Tx, *, code: str, user_id: int) -> Shown:
    row = notices.by_task_code(tx, code=code)
    return _step(tx, notification_id=row.id, user_id=user_id)


def _awaited(tx: Tx, *, user_id: int) -> Shown | None:
    """What the bot is waiting for, None for nothing."""
    draft = notices.my_draft(tx)
    if draft is None:
        return None
    return _step(tx, notification_id=draft.thing_id, user_id=user_id)


def _question(tx: Tx, row: Notification, draft: ChatDraft, user_id: int, note: str) -> Shown:
    batch = replies.batch_of(tx.session, row)
    plan = batch.plan.name if batch else ""
    if draft.flow == Question.REASON:
        text = say("ask_reason", count=draft.shown_count, plan=plan, longest=replies.LONGEST_REASON)
        return Shown(text, toast="请发送退回理由", asks=True)
    text = say("recap", count=draft.shown_count, plan=plan, reason=draft.text, note=note)
    return Shown(text, confirm_keys(draft, user_id), toast=note)


def _refused(tx: Tx, row: Notification) -> Shown | None:
    """How a request ended that somebody sent back; None when it ended otherwise or not at all."""
    if row.reply_state is not ReplyState.REFUSED or row.replied_at is None:
        return None
    batch = replies.batch_of(tx.session, row)
    count, reason = tx.session.execute(
        select(func.count(SigningRecord.id), func.min(SigningRecord.reason)).where(
            SigningRecord.decision == SigningDecision.REJECT,
            SigningRecord.actor_id == row.replied_by,
            SigningRecord.at == row.replied_at,
        )
    ).one()
    text = say(
        "refused",
        count=count,
        plan=batch.plan.name if batch else "",
        reason=reason or "",
        by=row.closing_note,
        at=row.replied_at,
    )
    return Shown(text, toast=f"已退回 {count} 张")


def _kept(tx: Tx, *, notification_id: int, user_id: int) -> Shown:
    row = notices.my_notice(tx, notification_id)
    if not is_open(row):
        return _step(tx, notification_id=notification_id, user_id=user_id)
    batch = replies.batch_of(tx.session, row)
    text = say("kept", count=len(batch.ids) if batch else 0, plan=batch.plan.name if batch else "")
    return Shown(text, toast="没有退回")
