"""10, 11, 21, 24 and 26: updates that come twice, out of order, from a dead process, from a backlog, or in words."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from bot.simulator.faults import Fault
from core import clock
from core.rules.notices import ReplyState
from tests.bot.acceptance.conftest import clear_the_way, copy_of, deliver, result, tell
from tests.bot.conftest import Chat, later
from tests.bot.review_steps import (
    CONFIRM,
    GO,
    PROVINCE,
    application,
    asked,
    decisions_made,
    drafts,
    recapped,
)
from tests.conftest import PATIENCE

HERE = Path(__file__).parents[3]


def out_of_order(chat: Chat) -> None:
    """What waits for the bot is delivered the other way round."""
    with chat.telegram.api.changed:
        chat.telegram.api.updates.reverse()


async def test_10_same_update_delivered_twice(any_chat: Chat) -> None:
    """Telegram did not hear that it was handled: the act is done once, and the repeat is answered truly."""
    chat = any_chat
    row, message = await asked(chat)
    seen, _ = await chat.gets_decision("jiangcheng")
    api = chat.telegram.api
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        with later(seconds=2):
            await chat.presses(PROVINCE, message, CONFIRM)
            pressed = api.last_update_id
            await chat.reads(PROVINCE, message, "结果：通过，批准 24 人")
            assert "已知悉" in await chat.says("jiangcheng", f"确认 {seen.task_code}")
            written = api.last_update_id
            api.deliver_again(pressed)  # to the same process
            await chat.says("jiangcheng", "/help")
    answered = chat.again(seen).replied_at
    for update in (written, pressed):  # and to the next one
        api.deliver_again(update)
    answers, heard = len(api.refused("answerCallbackQuery")), len(chat.heard("jiangcheng"))
    with later(minutes=1):
        async with chat.running():
            await chat.until(lambda: len(api.refused("answerCallbackQuery")) > answers)
            await chat.until(lambda: len(chat.heard("jiangcheng")) > heard)
    assert "已知悉 · 5月20日 周三 09:00" in chat.last("jiangcheng")
    assert chat.again(seen).replied_at == answered
    assert (decisions_made(chat), application(chat).approved_count) == (1, 24)
    assert chat.again(row).reply_state is ReplyState.DONE


async def test_11_updates_out_of_order(chat: Chat) -> None:
    """A confirmation that overtakes its recap confirms nothing; what comes late finds what is true by then."""
    row, message = await asked(chat)
    api, me = chat.telegram.api, chat.user(PROVINCE)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        old = chat.data(PROVINCE, message, CONFIRM)
        await chat.presses(PROVINCE, message, "暂不通过")
        await chat.reads(PROVINCE, message, "仍待审核")
    go = api.user_presses(me, message, GO)
    confirm = api.user_presses(me, message, old, stale=True)
    out_of_order(chat)
    with later(seconds=2):
        async with chat.running():
            assert "什么也没有办理" in await chat.answer(confirm)
            await chat.answer(go)
            await chat.reads(PROVINCE, message, "现在还没有通过")
    assert (decisions_made(chat), drafts()) == (0, 1)
    with later(seconds=4):
        confirm = api.user_presses(me, message, CONFIRM)
        keep = api.user_presses(me, message, "暂不通过")
        out_of_order(chat)
        async with chat.running():
            await chat.answer(keep)
            assert "什么也没有办理" in await chat.answer(confirm)
    assert decisions_made(chat) == 0
    assert chat.again(row).reply_state is ReplyState.OPEN
    assert chat.labels(PROVINCE, message)[0] == GO


def wide(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


async def test_21_text_reply_with_wrong_code_full_width_and_trailing_space(chat: Chat) -> None:
    """Exact grammar in any width: a word to a request that is only to be seen, a recap and no more of a decision."""
    row, _ = await chat.gets_decision("jiangcheng")
    review, _ = await asked(chat)
    codes = {"jiangcheng": row.task_code or "", PROVINCE: review.task_code or ""}
    async with chat.running():
        for login, code in codes.items():
            for words in ("确认 ZZZZ", f"确认 {codes['jiangcheng'] if login == PROVINCE else codes[PROVINCE]}"):
                assert "没有找到编号为" in await chat.says(login, words)
            for words in (f"确认 {code} 吧", f"确认{code}", code, "好的"):
                assert "什么也没有改动" in await chat.says(login, words)
        assert (drafts(), chat.again(row).reply_state) == (0, ReplyState.OPEN)
        clear_the_way(chat)
        tell(chat, result(chat, 90), result(chat, 91), to="jiangcheng")
        await deliver()
        for number, words in ((90, "确认 {code}  "), (91, "　确认　{wide}　")):
            row = copy_of(chat, "jiangcheng", number)
            code = row.task_code or ""
            assert "已知悉" in await chat.says("jiangcheng", words.format(code=code, wide=wide(code)))
            assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED
            review_code = codes[PROVINCE]
            decided = await chat.says(PROVINCE, words.format(code=review_code, wide=wide(review_code)))
            assert "现在还没有通过" in decided
    assert (drafts(), decisions_made(chat), chat.again(review).reply_state) == (1, 0, ReplyState.OPEN)


@asynccontextmanager
async def process_of_its_own(seconds: float) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bot outside of this process, its clock so much later; killed at the end if it still lives."""
    at = (clock.now() + timedelta(seconds=seconds)).isoformat()
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bot.acceptance.standing_bot", at, cwd=HERE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield bot
    finally:
        if bot.returncode is None:
            bot.kill()
        await asyncio.wait_for(bot.wait(), PATIENCE)


async def test_24_killed_between_act_and_answer(chat: Chat) -> None:
    """kill -9 after the commit, before a word: the act is done once, and the person reads it without asking."""
    row, message = await asked(chat)
    clear_the_way(chat)
    api = chat.telegram.api
    async with chat.running():
        await recapped(chat, PROVINCE, message)
    key = chat.data(PROVINCE, message, CONFIRM)
    api.faults.script("answerCallbackQuery", Fault(502, "Bad Gateway", wait=PATIENCE))
    async with process_of_its_own(2) as bot:
        press = api.user_presses(chat.user(PROVINCE), message, CONFIRM)
        await chat.until(lambda: decisions_made(chat))
        bot.kill()
    api.faults.release()
    api.faults.clear()
    assert api.press_answer(press) is None
    assert "现在还没有通过" in chat.text(PROVINCE, message), "killed before the answer"
    with later(seconds=3):
        await deliver()
        assert "结果：通过，批准 24 人" in chat.text(PROVINCE, message)
        assert chat.labels(PROVINCE, message) == []
        async with chat.running():  # Telegram was never told that the press has been handled, and sends it again
            assert await chat.answer(press) == "已批准 24 人 · hubei"
            assert await chat.presses(PROVINCE, message, key, stale=True) == "已批准 24 人 · hubei"
    assert (decisions_made(chat), drafts(), application(chat).approved_count) == (1, 0, 24)
    assert chat.again(row).reply_state is ReplyState.DONE


async def test_26_backlog_of_fifty_old_commands(chat: Chat) -> None:
    """Two hours without a bot: one answer for all of them, nothing is executed, and what is said again is."""
    row, _ = await chat.gets_decision("jiangcheng")
    review, _ = await asked(chat)
    for _ in range(25):
        for login, code in (("jiangcheng", row.task_code), (PROVINCE, review.task_code)):
            chat.telegram.api.user_sends_text(chat.user(login), f"确认 {code}")
    before = {login: len(chat.heard(login)) for login in ("jiangcheng", PROVINCE)}
    with later(hours=2):
        async with chat.running():
            for login in before:
                await chat.says(login, "/help")
                await chat.until(lambda login=login: "考务助手能做什么" in chat.last(login))
            for login, count in before.items():
                answers = [str(m["text"]) for m in chat.heard(login)[count:]]
                assert len(answers) == 2
                assert "没有执行" in answers[0]
            assert (chat.again(row).reply_state, drafts(), decisions_made(chat)) == (ReplyState.OPEN, 0, 0)
            assert "已知悉" in await chat.says("jiangcheng", f"确认 {row.task_code}")
    assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED
