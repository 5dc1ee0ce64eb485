"""Deciding in chat: question, recap, outcome, the same for every Matter.

Between the steps there is one ChatDraft, so a restart goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy import func, select

from bot.context import Context
from bot.flows.matters import facts_of, recap_keys, subject_of, template_of
from bot.handlers.notices import task_shown
from bot.keyboards import Shown, is_open, signing_key, task
from bot.words import say
from core.db import Tx
from core.errors import StaleState
from core.models.certificates import SigningRecord
from core.models.records import ChatDraft, Notification
from core.notifications.buttons import Claimed
from core.notifications.pilots import ApplicationWaiting
from core.notifications.words import sentence
from core.rules.certificates import SigningDecision
from core.rules.notices import ReplyState
from core.rules.pilots import ReviewDecision
from core.usecases import decisions, notices
from core.usecases.decisions import RECAPS, Place, Question
from core.usecases.matters import Batch, matter_of

_TOASTS = {Question.REASON: "请发送退回理由", Question.NUMBER: "请发送批准人数"}


# -- presses -----------------------------------------------------------------------------------------------------------


async def ask_reason(context: Context, claim: Claimed) -> None:
    """退回并说明: ask for the reason, or show what became of the request meanwhile."""
    await _ask(context, claim, _pressed(context, claim, decisions.ask_reason))


async def ask_number(context: Context, claim: Claimed) -> None:
    """改批人数: ask for the number."""
    await _ask(context, claim, _pressed(context, claim, decisions.ask_number))


async def approve(context: Context, claim: Claimed) -> None:
    """通过: the pressed message turns into its recap."""
    act = _pressed(context, claim, decisions.open_recap)
    await context.show(await context.perform(act, _view(context, claim)))


async def confirm(context: Context, claim: Claimed) -> None:
    """确认; what changed is shown again instead."""
    act = partial(decisions.confirm, notification_id=claim.notification_id, version=claim.version)
    try:
        await context.show(await context.perform(act, _view(context, claim)))
    except StaleState as changed:
        again = partial(decisions.look_again, notification_id=claim.notification_id)
        shown = await context.perform(again, partial(_view(context, claim), note=sentence(changed)))
        await context.show(shown, alert=True)


async def keep(context: Context, claim: Claimed) -> None:
    """不退回, 暂不通过."""
    act = partial(decisions.keep, notification_id=claim.notification_id)
    view = partial(_kept, notification_id=claim.notification_id, user_id=context.person)
    await context.show(await context.perform(act, view))


async def _ask(context: Context, claim: Claimed, act: partial[None]) -> None:
    shown = await context.perform(act, _view(context, claim))
    if not shown.asks:
        await context.show(shown)
        return
    await context.toast(shown.toast)
    await context.say(shown)


def _pressed(context: Context, claim: Claimed, verb: Callable[..., None]) -> partial[None]:
    place = Place(context.person, context.pressed_message)
    return partial(verb, notification_id=claim.notification_id, version=claim.version, place=place)


def _view(context: Context, claim: Claimed) -> partial[Shown]:
    return partial(step_shown, notification_id=claim.notification_id, user_id=context.person)


# -- words -------------------------------------------------------------------------------------------------------------


async def heard(context: Context, otherwise: Callable[[Context], Awaitable[None]]) -> None:
    """Free words: the reason or the number, if one is awaited; otherwise says what becomes of all others."""
    shown = await context.perform(
        partial(decisions.hear, text=context.words), partial(_awaited, user_id=context.person)
    )
    await (context.say(shown) if shown else otherwise(context))


async def refuse_by_code(context: Context, code: str, reason: str) -> None:
    """退回 K7Q4 理由."""
    act = partial(decisions.refuse_by_code, code=code, reason=reason, chat_id=context.person)
    await context.say(await context.perform(act, partial(_by_code, code=code, user_id=context.person)))


async def confirm_by_code(context: Context, code: str) -> None:
    """确认 K7Q4; what needs a signature gets the page instead."""
    act = partial(decisions.confirm_by_code, code=code, chat_id=context.person)
    view = partial(_by_code, code=code, user_id=context.person, is_yes=True)
    await context.say(await context.perform(act, view))


# -- what is shown -----------------------------------------------------------------------------------------------------


def step_shown(tx: Tx, *, notification_id: int, user_id: int, note: str = "") -> Shown:
    """The request where it stands: being asked, being confirmed, or over."""
    row = notices.my_notice(tx, notification_id)
    draft = decisions.awaited(tx)
    if is_open(row) and draft is not None and draft.thing_id == row.id:
        return _question(tx, row, draft, user_id, note)
    return _refused(tx, row) or _decided(tx, row, user_id) or task_shown(tx, notification_id=row.id, user_id=user_id)


def copy_shown(tx: Tx, *, notification_id: int, user_id: int, message_id: int) -> Shown:
    """A message as it stands; one that had turned into a recap stays one while that may be confirmed."""
    draft = decisions.awaited(tx)
    is_recap = draft is not None and draft.flow in RECAPS and draft.message_id == message_id
    if is_recap and draft is not None and draft.thing_id == notification_id:
        return step_shown(tx, notification_id=notification_id, user_id=user_id)
    return task_shown(tx, notification_id=notification_id, user_id=user_id)


def _by_code(tx: Tx, *, code: str, user_id: int, is_yes: bool = False) -> Shown:
    row = notices.by_task_code(tx, code=code)
    matter = matter_of(tx.session, row)
    if not is_yes or not isinstance(matter, Batch):
        return step_shown(tx, notification_id=row.id, user_id=user_id)
    if not is_open(row):
        return task(tx.session, row, tx.now, user_id)
    text = say("open_page", plan=matter.plan.name, plan_no=matter.plan.plan_no, count=matter.count)
    return Shown(text, ((signing_key(f"签发 {matter.count} 张", matter.plan.id, matter.party),),))


def _awaited(tx: Tx, *, user_id: int) -> Shown | None:
    """What the bot is waiting for, None for nothing."""
    draft = decisions.awaited(tx)
    if draft is None:
        return None
    return step_shown(tx, notification_id=draft.thing_id, user_id=user_id)


def _question(tx: Tx, row: Notification, draft: ChatDraft, user_id: int, note: str) -> Shown:
    matter = matter_of(tx.session, row)
    if matter is None:
        raise LookupError(f"a draft about message {row.id}, which asks for no decision")
    facts = facts_of(matter, tx.session, tx.now)
    if draft.flow in RECAPS:
        facts |= {"number": draft.shown_count, "reason": draft.text, "note": note}
        return Shown(say(template_of(matter, draft), **facts), recap_keys(matter, draft, user_id), toast=note)
    text = say(template_of(matter, draft), **facts, longest=decisions.LONGEST_REASON)
    return Shown(text, toast=_TOASTS[Question(draft.flow)], asks=True)


def _refused(tx: Tx, row: Notification) -> Shown | None:
    """How a request to sign ended that somebody sent back; None when it ended otherwise or not at all."""
    matter = matter_of(tx.session, row)
    if not isinstance(matter, Batch) or row.reply_state is not ReplyState.REFUSED or row.replied_at is None:
        return None
    count, reason = tx.session.execute(
        select(func.count(SigningRecord.id), func.min(SigningRecord.reason)).where(
            SigningRecord.decision == SigningDecision.REJECT,
            SigningRecord.actor_id == row.replied_by,
            SigningRecord.at == row.replied_at,
        )
    ).one()
    text = say(
        "certificates_refused",
        count=count,
        plan=matter.plan.name,
        reason=reason or "",
        by=row.closing_note,
        at=row.replied_at,
    )
    return Shown(text, toast=f"已退回 {count} 张")


def _decided(tx: Tx, row: Notification, user_id: int) -> Shown | None:
    """How a review ended, its number said first; None while it waits."""
    message = notices.revive_of(row)
    record = message.decision(tx.session) if isinstance(message, ApplicationWaiting) and not is_open(row) else None
    if record is None:
        return None
    shown = task(tx.session, row, tx.now, user_id)
    if record.decision is ReviewDecision.RETURN:
        words = "已退回"
    else:
        words = "已通过" if record.approved_count is None else f"已批准 {record.approved_count} 人"
    return Shown(shown.text, shown.keys, toast=f"{words} · {row.closing_note}")


def _kept(tx: Tx, *, notification_id: int, user_id: int) -> Shown:
    """Nothing has happened, and the request may be answered as before."""
    row = notices.my_notice(tx, notification_id)
    matter = matter_of(tx.session, row)
    if not is_open(row) or matter is None:
        return step_shown(tx, notification_id=notification_id, user_id=user_id)
    text = say(f"{subject_of(matter)}_kept", **facts_of(matter, tx.session, tx.now))
    return Shown(text, task(tx.session, row, tx.now, user_id).keys, toast="没有办理，仍可再定")
