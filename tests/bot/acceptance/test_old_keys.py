"""5 to 9 and 25: keys whose time, meaning or process is gone, and two people at once; every press hears the truth."""

from __future__ import annotations

import pytest

from bot.simulator.faults import Fault
from core import clock
from core.db import transaction
from core.rules.notices import ReplyState
from core.rules.pilots import ApplicationState
from core.usecases import reviews
from jobs import telling
from tests.bot.acceptance.conftest import clear_the_way, deliver
from tests.bot.conftest import Chat, later
from tests.bot.review_steps import (
    CITY,
    CONFIRM,
    GO,
    NO,
    PROVINCE,
    actor,
    application,
    ask_for,
    asked,
    decisions_made,
    drafts,
    ident,
    joins_the_province,
    recapped,
)


@pytest.mark.parametrize("is_edited", [True, False], ids=["after the edit", "before the edit"])
async def test_05_tap_after_a_decision_in_the_panel(chat: Chat, is_edited: bool) -> None:
    """Decided anywhere is decided: the copy is edited, and a press hears who and when, before the edit and after."""
    row, message = await asked(chat)
    clear_the_way(chat)
    key = chat.data(PROVINCE, message, GO)
    with transaction(actor(chat, PROVINCE)) as tx:
        reviews.approve_application(tx, application_id=ident(chat), approved_count=4)
    if is_edited:
        await deliver()
        assert "已办理 · hubei · 5月20日 周三 09:00" in chat.text(PROVINCE, message)
    async with chat.running():
        with later(minutes=5):
            assert await chat.presses(PROVINCE, message, key, stale=True) == "已批准 4 人 · hubei"
            text = await chat.reads(PROVINCE, message, "结果：通过，批准 4 人")
    assert "已办理 · hubei · 5月20日 周三 09:00" in text
    assert chat.labels(PROVINCE, message) == []
    assert (drafts(), decisions_made(chat), application(chat).approved_count) == (0, 1, 4)
    assert chat.again(row).reply_state is ReplyState.DONE


async def test_06_tap_after_expiry(chat: Chat) -> None:
    """The request and its reminder are edited when the time is over, whether anybody presses or not."""
    clear_the_way(chat)
    row, message = await chat.gets_decision("jiangcheng")
    key = chat.data("jiangcheng", message, "已知悉")
    reminded = chat.again(row).next_reminder_at
    assert reminded is not None
    with clock.pinned(reminded):
        telling.remind()
        await deliver()
    reminder = int(chat.heard("jiangcheng")[-1]["message_id"])
    assert reminder != message
    assert "已知悉" in chat.labels("jiangcheng", reminder)
    with clock.pinned(row.useful_until):
        telling.expire_requests()
    assert chat.again(row).reply_state is ReplyState.OPEN, "its last instant is still its time"
    with later(days=31):
        telling.expire_requests()
        await deliver()
        for copy in (message, reminder):
            assert "已过期" in chat.text("jiangcheng", copy)
            assert chat.labels("jiangcheng", copy) == []
        async with chat.running():
            for copy in (message, reminder):
                assert "失效" in await chat.presses("jiangcheng", copy, key, stale=True)
            assert "已过期" in await chat.says("jiangcheng", f"确认 {row.task_code}")
    ended = chat.again(row)
    assert (ended.reply_state, ended.replied_at, ended.replied_by) == (ReplyState.EXPIRED, row.useful_until, None)


@pytest.mark.parametrize("key", [GO, NO])
async def test_07_tap_after_the_data_changed(chat: Chat, key: str) -> None:
    """The press shows the difference and a fresh key, and does nothing else."""
    row, message = await asked(chat)
    ask_for(chat, 30)
    async with chat.running():
        assert "现申请 30 人" in await chat.presses(PROVINCE, message, key)
        assert "提交之后有变动：人数 24→30" in await chat.reads(PROVINCE, message, "申请 30 人")
        assert (drafts(), decisions_made(chat), chat.again(row).reply_state) == (0, 0, ReplyState.OPEN)
        assert chat.labels(PROVINCE, message)[0] == "通过 30 人"
        await chat.presses(PROVINCE, message, "通过 30 人")
        await chat.reads(PROVINCE, message, "现在还没有通过")
        ask_for(chat, 28)
        with later(seconds=2):
            assert "现申请 28 人" in await chat.presses(PROVINCE, message, "确认批准 30 人")
            await chat.reads(PROVINCE, message, "人数 24→28")
            assert decisions_made(chat) == 0
        with later(seconds=4):
            await chat.presses(PROVINCE, message, "确认批准 28 人")
    assert (decisions_made(chat), application(chat).approved_count) == (1, 28)


async def test_08_tap_after_a_restart(chat: Chat) -> None:
    """Nothing is kept in a process: each step is taken by another one."""
    row, message = await asked(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
    press = chat.telegram.api.user_presses(chat.user(PROVINCE), message, "改批人数")
    async with chat.running():
        assert await chat.answer(press) == "请发送批准人数"
        await chat.until(lambda: "请直接发送批准人数" in chat.last(PROVINCE))
    async with chat.running():
        assert "批准 7 人" in await chat.says(PROVINCE, "7")
    recap = int(chat.heard(PROVINCE)[-1]["message_id"])
    async with chat.running():
        with later(seconds=2):
            assert await chat.presses(PROVINCE, recap, "确认批准 7 人") == "已批准 7 人 · hubei"
    assert (application(chat).approved_count, decisions_made(chat)) == (7, 1)
    assert chat.again(row).reply_state is ReplyState.DONE


async def test_09_two_approvers_at_once(any_chat: Chat) -> None:
    """One wins; both hear who, and both copies say so."""
    chat = any_chat
    joins_the_province(chat, CITY)
    both = {login: await asked(chat, login) for login in (PROVINCE, CITY)}
    async with chat.running():
        for login, (_, message) in both.items():
            await recapped(chat, login, message)
        with later(seconds=2):
            api = chat.telegram.api
            presses = [api.user_presses(chat.user(login), m, CONFIRM) for login, (_, m) in both.items()]
            toasts = {await chat.answer(press) for press in presses}
            texts = [await chat.reads(login, m, "结果：通过，批准 24 人") for login, (_, m) in both.items()]
    assert len(toasts) == 1
    winner = toasts.pop().rpartition(" · ")[2]
    assert winner in both
    assert all(f"已办理 · {winner}" in text for text in texts)
    assert (decisions_made(chat), application(chat).state) == (1, ApplicationState.APPROVED)
    assert {chat.again(row).replied_by for row, _ in both.values()} == {chat.account(winner)}


async def test_25_the_edit_fails_and_the_next_press_shows_the_truth(chat: Chat) -> None:
    """The act stands, the person is told in a new message, the old keys answer truly, and the sender edits later."""
    row, message = await asked(chat)
    clear_the_way(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        key = chat.data(PROVINCE, message, CONFIRM)
        chat.telegram.api.faults.script("editMessageText", Fault.refused(400, "Bad Request: message can't be edited"))
        with later(seconds=2):
            assert await chat.presses(PROVINCE, message, CONFIRM) == "已批准 24 人 · hubei"
            await chat.until(lambda: "结果：通过，批准 24 人" in chat.last(PROVINCE))
            assert "现在还没有通过" in chat.text(PROVINCE, message), "the old screen lies"
            chat.telegram.api.faults.script("editMessageText", Fault.bad_gateway())
            await deliver(1)
            assert "现在还没有通过" in chat.text(PROVINCE, message)
            assert await chat.presses(PROVINCE, message, key) == "已批准 24 人 · hubei", "its keys do not"
            await chat.reads(PROVINCE, message, "结果：通过，批准 24 人")
            await deliver()
    assert chat.labels(PROVINCE, message) == []
    assert (decisions_made(chat), chat.again(row).reply_state, chat.again(row).is_stale) == (1, ReplyState.DONE, False)
