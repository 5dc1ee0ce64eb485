"""A file in chat: taken in at once, or after a question by keys; photos after a second look (chat.md L2).

Between question and answer there is one ChatDraft and nothing else: the file stays with Telegram and is fetched again.
Receiving a workbook and storing photos are units of work of their own, which no draft can share. So the evidence that
a file was taken is the import itself: before anything is taken, one of the same person and content since the question
was asked is looked for, and shown instead. A process killed before the import leaves the question open, to be pressed
again; one killed between import and outcome finds the import when the key is pressed again. Either way it is one.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

from markupsafe import escape
from telegram.error import TelegramError

from bot.context import Context
from bot.fetching import fetch
from bot.keyboards import Keys, Shown, panel_key
from bot.refusals import apology
from bot.words import say
from core.actors import Actor
from core.db import Tx, reading
from core.errors import FileRefused, NotFound, NotReady, Refusal
from core.gateways.keys import Key
from core.models.plans import ExamPlan
from core.models.records import ImportJob
from core.notifications.buttons import Claimed, press_data
from core.notifications.message import Press
from core.notifications.words import sentence
from core.queries.imports import taken_in
from core.queries.photos import crops_waiting
from core.rules.imports import ImportState
from core.rules.reasons import require_tellable
from core.sheets import clinic, clinic_steps, desk
from core.sheets.catalogue import sheet
from core.sheets.desk import PHOTOS
from core.usecases import sent_files
from core.usecases.decisions import Place
from core.usecases.sent_files import Asked, FileQuestion, PhotoCounts, SentFile

MOST_PLANS = 6
LONGEST_NAME, LONGEST_LABEL = 40, 60
STORE, LEAVE = 1, 0
ANSWERS_FOR = timedelta(days=7)
_UPLOAD_PHOTOS = "/admin/candidates/import/photos/"


# -- a workbook --------------------------------------------------------------------------------------------------------


async def take(context: Context, file: SentFile, content: bytes, sheet_name: str, *, sent_at: datetime) -> None:
    """Receive a workbook whose sheet is certain; an update that comes twice shows the import of the first time."""
    since = None if await context.is_first() else sent_at
    job_id = await _receive(context, file, content, sheet_name, plan_id=None, since=since)
    await context.say(await context.look(partial(_receipt, job_id=job_id)))
    context.leave(partial(clinic_steps.work, job_id))


async def ask_sheet(context: Context, file: SentFile, names: Sequence[str]) -> None:
    """Its columns fit several."""
    act = partial(sent_files.ask_sheet, file=file, sheets=names, place=Place(context.person))
    await context.say(await context.perform(act, partial(_standing, user_id=context.person)))


async def ask_plan(context: Context, file: SentFile, sheet_name: str) -> None:
    """Its rows belong to a plan."""
    act = partial(_ask_plan, file=file, sheet_name=sheet_name, chat_id=context.person, before=0)
    await context.say(await context.perform(act, partial(_standing, user_id=context.person)))


def _ask_plan(tx: Tx, *, file: SentFile, sheet_name: str, chat_id: int, before: int) -> None:
    if not _plans(tx, sheet_name):
        raise NotReady("chat_no_plan", rule="R-136", title=sheet(sheet_name).spec.title)
    sent_files.ask_plan(tx, file=file, sheet=sheet_name, place=Place(chat_id), before=before)


async def _receive(
    context: Context, file: SentFile, content: bytes, sheet_name: str, *, plan_id: int | None, since: datetime | None
) -> int:
    """The id of the import it is; of the one it has been since then, if there is one."""
    return await context.labour(partial(_received, context.actor, file, content, sheet_name, plan_id, since))


def _received(
    actor: Actor, file: SentFile, content: bytes, sheet_name: str, plan_id: int | None, since: datetime | None
) -> int:
    found = _taken(actor, hashlib.sha256(content).hexdigest(), since) if since is not None else None
    return found or clinic.receive(actor, sheet_name, content, file.name, plan_id=plan_id)


def _taken(actor: Actor, digest: str, since: datetime) -> int | None:
    with reading() as session:
        return taken_in(session, actor.account_id, digest, since)


# -- photos ------------------------------------------------------------------------------------------------------------


async def look_at_photos(context: Context, file: SentFile, content: bytes) -> None:
    """Try an archive without storing anything, then ask."""
    note = await context.say(Shown(say("photos_checking", file=told_name(file.name))))
    try:
        report = await context.labour(partial(desk.import_photos, context.actor, content, file.name, dry_run=True))
    except Refusal as refusal:
        await context.rewrite(note, Shown(str(escape(sentence(refusal)))))
        return
    except Exception as trouble:
        await context.rewrite(note, Shown(apology(trouble)))
        return
    counts = PhotoCounts(
        total=report.row_count,
        accepted=report.accepted,
        unchanged=report.unchanged,
        refused=report.rejected - report.offered,
        offered=report.offered,
    )
    if not counts.accepted and not counts.offered:
        text = say("photos_recap", file=told_name(file.name), photos=counts, may_store=False)
        await context.rewrite(note, Shown(text, ((panel_key("在面板查看原因", _UPLOAD_PHOTOS),),)))
        return
    act = partial(
        sent_files.ask_photos,
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        counts=counts,
        place=Place(context.person, note),
    )
    await context.rewrite(note, await context.perform(act, partial(_standing, user_id=context.person)))


async def _store_photos(context: Context, asked: Asked) -> None:
    await context.look(partial(sent_files.require_thought, asked=asked))
    await context.toast("正在存入照片")
    async with _aloud(context):
        content = await fetch(context, asked.file.file_id)
        job_id = await context.labour(partial(_stored, context.actor, asked, content))
        await _conclude(context, asked, job_id)


def _stored(actor: Actor, asked: Asked, content: bytes) -> int:
    if hashlib.sha256(content).hexdigest() != asked.sha256:
        raise FileRefused("chat_file_changed", rule="chat.md")
    found = _taken(actor, asked.sha256, asked.asked_at)
    if found is not None:
        return found
    report = desk.import_photos(actor, content, asked.file.name)
    assert report.job_id is not None, "only a dry run leaves no record"
    return report.job_id


# -- presses -----------------------------------------------------------------------------------------------------------


async def chosen(context: Context, claim: Claimed) -> None:
    """A key below a question about a file: claim.version is the question's mark, claim.notification_id the choice."""
    try:
        asked = await context.look(partial(sent_files.answering, mark=claim.version))
    except NotFound:
        if _still_hangs(context):
            await context.take_keys_away()
        raise
    if asked.mark != claim.version or asked.question is FileQuestion.TAKEN:  # answered already: the same again
        await context.show(await context.look(partial(_standing, user_id=context.person)))
    elif asked.question is FileQuestion.SHEET:
        await _sheet_chosen(context, asked, claim.notification_id)
    elif asked.question is FileQuestion.PLAN:
        await _take_asked(context, asked, asked.sheet, claim.notification_id)
    elif asked.question is FileQuestion.PHOTOS and claim.notification_id == STORE:
        await _store_photos(context, asked)
    else:
        act = partial(sent_files.note_taken, mark=asked.mark, job_id=0)
        await context.show(await context.perform(act, partial(_standing, user_id=context.person)))


async def _sheet_chosen(context: Context, asked: Asked, number: int) -> None:
    sheet_name = asked.sheets[number]
    if not sheet(sheet_name).needs_plan:
        await _take_asked(context, asked, sheet_name, None)
        return
    act = partial(_ask_plan, file=asked.file, sheet_name=sheet_name, chat_id=context.person, before=asked.mark)
    await context.show(await context.perform(act, partial(_standing, user_id=context.person)))


async def _take_asked(context: Context, asked: Asked, sheet_name: str, plan_id: int | None) -> None:
    await context.toast("收到，正在检查")
    async with _aloud(context):
        content = await fetch(context, asked.file.file_id)
        job_id = await _receive(context, asked.file, content, sheet_name, plan_id=plan_id, since=asked.asked_at)
        await _conclude(context, asked, job_id)
        context.leave(partial(clinic_steps.work, job_id))


async def _conclude(context: Context, asked: Asked, job_id: int) -> None:
    """The question turns into what became of the file."""
    act = partial(sent_files.note_taken, mark=asked.mark, job_id=job_id)
    view = partial(_receipt, job_id=job_id, expected=asked.photos.accepted if asked.photos else None)
    await context.turn_into(await context.perform(act, view))


@asynccontextmanager
async def _aloud(context: Context) -> AsyncIterator[None]:
    """The press is answered already, so what goes wrong is said in a message; the question stays, to press again."""
    try:
        yield
    except TelegramError:
        raise
    except Refusal as refusal:
        await context.say(Shown(str(escape(sentence(refusal)))))
    except Exception as trouble:
        await context.say(Shown(apology(trouble)))


def _still_hangs(context: Context) -> bool:
    """Whether the message, as Telegram has it, still shows the pressed key; an outcome has others, to be left alone."""
    pressed = context.query.message
    lines = getattr(getattr(pressed, "reply_markup", None), "inline_keyboard", ())
    return any(key.callback_data == context.query.data for line in lines for key in line)


# -- what is shown -----------------------------------------------------------------------------------------------------


def told_name(name: str) -> str:
    """《学生.xlsx》 as its sender wrote it, shortened; a name with somebody's number in it is not repeated."""
    try:
        words = require_tellable(name, rule="chat.md")
    except Refusal:
        return "您的文件"
    if len(words) > LONGEST_NAME:
        words = f"{words[: LONGEST_NAME // 2]}…{words[-LONGEST_NAME // 2 + 1 :]}"
    return f"《{words}》"


def _standing(tx: Tx, *, user_id: int) -> Shown:
    """The open question about a file, or what became of the last one."""
    asked = sent_files.open_question(tx)
    if asked is None:
        raise NotFound("file_question_gone", rule="chat.md")
    file = told_name(asked.file.name)
    if asked.question is FileQuestion.SHEET:
        titles = [sheet(name).spec.title for name in asked.sheets]
        keys = [_key(f"按《{title}》导入", asked, at, user_id) for at, title in enumerate(titles)]
        return Shown(say("file_ask_sheet", file=file), _column(keys), toast="请选择模板")
    if asked.question is FileQuestion.PLAN:
        plans = _plans(tx, asked.sheet)
        keys = [_key(_label(plan), asked, plan.id, user_id) for plan in plans[:MOST_PLANS]]
        title, more = sheet(asked.sheet).spec.title, len(plans[MOST_PLANS:])
        return Shown(say("file_ask_plan", file=file, title=title, more=more), _column(keys), toast="请选择考试计划")
    if asked.question is FileQuestion.PHOTOS:
        keys = [_key("不存入", asked, LEAVE, user_id), _key(_store_words(asked), asked, STORE, user_id)]
        return Shown(say("photos_recap", file=file, photos=asked.photos, may_store=True), _column(keys))
    if not asked.job_id:
        return Shown(say("photos_left", file=file), toast="没有存入")
    return _receipt(tx, job_id=asked.job_id)


def _store_words(asked: Asked) -> str:
    photos = asked.photos
    if photos is None:
        raise LookupError("a question about photos without their counts")
    return f"存入 {photos.accepted} 张照片" if photos.accepted else f"提交 {photos.offered} 张待裁剪照片"


def _receipt(tx: Tx, *, job_id: int, expected: int | None = None) -> Shown:
    """What became of a file: the import it is. expected: so many photos were to be stored."""
    job = tx.get(ImportJob, job_id)
    file = told_name(job.file_name)
    if job.sheet == PHOTOS:
        offered = crops_waiting(tx.session, job.id)
        counts = PhotoCounts(
            job.row_count, job.accepted_count, job.unchanged_count, job.rejected_count - offered, offered
        )
        text = say("photos_stored", file=file, photos=counts, expected=expected)
        key = panel_key("逐张查看照片", f"/admin/photo-verdicts/?flt0_0={job.id}")
        return Shown(text, ((key,),), toast=f"已存入 {counts.accepted} 张照片")
    plan = tx.get(ExamPlan, job.plan_id) if job.plan_id is not None else None
    text = say(
        "file_received",
        file=file,
        title=sheet(job.sheet).spec.title,
        plan_no=plan.plan_no if plan else "",
        is_reading=job.state is ImportState.READING,
        state=job.state.label,
    )
    return Shown(text, ((panel_key("打开本次导入", f"/admin/imports/{job.id}/"),),), toast="文件已收到")


def _plans(tx: Tx, sheet_name: str) -> Sequence[ExamPlan]:
    offered = sheet(sheet_name).plans
    return offered(tx.session, tx.actor, tx.now) if offered is not None else ()


def _label(plan: ExamPlan) -> str:
    words = f"{plan.plan_no} {plan.name}"
    return words if len(words) <= LONGEST_LABEL else f"{words[: LONGEST_LABEL - 1]}…"


def _key(label: str, asked: Asked, number: int, user_id: int) -> Key:
    """Good for this question only, for this person, as long as it is asked; the number says which answer it is.

    The key itself outlives the question, so that who comes late is told to send the file again, not to look at /todo.
    """
    expires = asked.expires_at + ANSWERS_FOR
    data = press_data(Press.CHOOSE, notification_id=number, version=asked.mark, expires=expires, user_id=user_id)
    return Key(label, data=data)


def _column(keys: Sequence[Key]) -> Keys:
    return tuple((key,) for key in keys)
