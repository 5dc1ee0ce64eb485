"""19 and 22: when a message goes, and what a wall clock that jumps may not do."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import timedelta

from sqlalchemy import select

from bot.simulator.api import Call
from core import clock
from core.db import reading
from core.models.records import Notification
from core.rules.notices import DeliveryState, ReplyState
from core.usecases import notices
from jobs import telling
from tests.bot.acceptance.conftest import broken_laws, clear_the_way, deliver, result, tell
from tests.bot.conftest import Chat, later
from tests.bot.review_steps import CONFIRM, DECIDED, GO, PROVINCE, asked, decisions_made, drafts, recapped
from tests.factories import on

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
EVENING, MIDNIGHT, MORNING = on("2026-05-20 22:00"), on("2026-05-21 00:00"), on("2026-05-21 07:30")


def texts(chat: Chat, login: str = "jiangcheng") -> list[str]:
    return [str(m["text"]) for m in chat.heard(login)]


async def test_19_quiet_hours_across_midnight_and_before_the_deadline(chat: Chat) -> None:
    """Told in the night: read in the morning, if still true. A reminder that the night would eat comes before it."""
    clear_the_way(chat)
    await keeps_quiet_hours(chat)
    with clock.pinned(EVENING - SECOND):
        tell(chat, result(chat, 90), to="jiangcheng")
        await deliver()
        heard = len(texts(chat))
        assert texts(chat)[-1].startswith("【审核退回】"), "the last second before"
    with clock.pinned(EVENING):
        tell(chat, result(chat, 91), result(chat, 92), to="jiangcheng")
    done = chat.notice("jiangcheng", DECIDED)
    for moment in (EVENING, MIDNIGHT, MORNING - SECOND):
        with clock.pinned(moment):
            await deliver()
            assert len(texts(chat)) == heard, moment
    async with chat.running():
        with clock.pinned(MIDNIGHT):
            assert "已知悉" in await chat.says("jiangcheng", f"确认 {done.task_code}"), "who is awake is answered"
    heard = len(texts(chat))
    with clock.pinned(MORNING):
        await deliver()
        await deliver()
    assert chat.again(done).delivery_state is DeliveryState.SUPPRESSED, "done work is not announced"
    assert len(texts(chat)) == heard + 1, "the other one is, once"
    await before_the_deadline(chat)


async def keeps_quiet_hours(chat: Chat) -> None:
    """The demo's people are never quiet; this one chooses the usual night."""
    async with chat.running():
        await chat.says("jiangcheng", "/settings")
        message = int(chat.heard("jiangcheng")[-1]["message_id"])
        await chat.presses("jiangcheng", message, "静默改为 22:00–07:30")


async def before_the_deadline(chat: Chat) -> None:
    """Due at 09:00, so the last call would fall at 07:00, into the night, with too little time after it."""
    start = on("2026-05-25 09:00")
    with clock.pinned(start):
        tell(chat, result(chat, 95), to="jiangcheng")
        await deliver()
    row = chat.notice("jiangcheng", DECIDED)
    assert row.due_at == start + timedelta(days=3)
    for moment, reminders in (
        (start + timedelta(days=2) - SECOND, 0),
        (start + timedelta(days=2), 1),
        (on("2026-05-27 21:29"), 1),
        (on("2026-05-27 21:30"), 2),
        (on("2026-05-28 07:00"), 2),
        (on("2026-05-28 08:59"), 2),
    ):
        with clock.pinned(moment):
            telling.remind()
            await deliver()
            answers = [m.get("reply_to_message", {}).get("message_id") for m in chat.heard("jiangcheng")]
            assert answers.count(row.message_id) == reminders, moment
    assert chat.again(row).reminders == 2


async def test_22_clock_jumps_an_hour_either_way(chat: Chat) -> None:
    """Between a message and its report, and between two screens: nothing twice, nothing lost, core.clock is judge."""
    row, message = await asked(chat)
    clear_the_way(chat)
    base = clock.now()
    tell(chat, *(result(chat, number) for number in (90, 91, 92)))  # to two people each
    with ExitStack() as jumps:
        sent: list[Call] = []

        def jump(call: Call) -> None:
            sent.append(call)
            if len(sent) in (2, 4):
                jumps.enter_context(clock.pinned(base + (HOUR if len(sent) == 2 else -HOUR)))

        chat.telegram.api.on_accepted(jump)
        await deliver()
        for moment in (base - HOUR, base, base + HOUR, base):
            jumps.enter_context(clock.pinned(moment))
            await deliver()
    arrived = Counter((call.chat_id, call.params["text"]) for call in sent if call.method == "sendMessage")
    assert (len(arrived), set(arrived.values())) == (6, {1})
    assert not [text for _, text in arrived if "重发" in text]
    await killed_before_the_jump(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        key = chat.data(PROVINCE, message, CONFIRM)
        with clock.pinned(base - HOUR):
            assert "再按一次" in await chat.presses(PROVINCE, message, key)
        with clock.pinned(base + HOUR):
            assert "失效" in await chat.presses(PROVINCE, message, key, stale=True)
            await chat.until(lambda: chat.labels(PROVINCE, message)[0] == GO)
        assert (decisions_made(chat), chat.again(row).reply_state) == (0, ReplyState.OPEN)
        await recapped(chat, PROVINCE, message)
        with later(seconds=2):
            await chat.presses(PROVINCE, message, CONFIRM)
    assert (decisions_made(chat), drafts()) == (1, 0)
    assert broken_laws() == []


async def killed_before_the_jump(chat: Chat) -> None:
    """A claim whose sender died waits for its lease, by the clock as it is; then it goes, and says what it is."""
    base = clock.now()
    tell(chat, result(chat, 95), to="jiangcheng")
    (claim,) = chat.do(lambda tx: notices.claim_due(tx, limit=10))
    before = len(texts(chat))
    with clock.pinned(base - HOUR):
        await deliver()
        assert len(texts(chat)) == before
    with clock.pinned(base + HOUR):
        await deliver()
    with clock.pinned(base):
        await deliver()
    assert len(texts(chat)) == before + 1
    assert texts(chat)[-1].startswith("【重发】")
    with reading() as session:
        held = session.scalars(select(Notification).where(Notification.id == claim.notification_id)).one()
        assert held.delivery_state is DeliveryState.DELIVERED
