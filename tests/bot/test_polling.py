"""Nothing is let go before it is handled: what a kill interrupts comes again, once, and nothing waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from telegram import Update

from bot import app
from bot.polling import InHand
from core import clock
from tests.bot.conftest import Chat
from tests.conftest import PATIENCE

ROOT = Path(__file__).parents[2]
# The bot as a process of its own, its clock standing where the test's stands, that never gets through with /help.
HANGS = """
import asyncio
from datetime import datetime
from bot import app
from core import clock

async def never(*_):
    await asyncio.sleep(600)

app.help.help_ = never
with clock.pinned(datetime.fromisoformat("{now}")):
    asyncio.run(app.run(asyncio.Event()))
"""


def updates(*idents: int) -> list[Update]:
    return [Update(ident) for ident in idents]


def ids(taken: tuple[Update, ...]) -> list[int]:
    return [update.update_id for update in taken]


def test_nothing_behind_an_update_at_work_is_confirmed_and_nothing_is_taken_twice() -> None:
    held = InHand()
    assert held.confirms(None) is None
    assert ids(held.take(updates(5, 6, 7))) == [5, 6, 7]
    held.settle(6)
    assert held.confirms(8) == 5
    assert ids(held.take(updates(5, 6, 7, 8))) == [8]
    held.settle(5)
    assert held.confirms(9) == 7
    held.settle(7)
    held.settle(8)
    assert held.end == 9
    assert held.confirms(9) == 9
    assert held.end == 1, "what is confirmed is forgotten"
    assert ids(held.take(updates(9))) == [9]


def test_the_end_of_the_backlog_is_asked_for_as_it_is() -> None:
    held = InHand()
    held.take(updates(5))
    assert held.confirms(-1) == -1


def waiting(chat: Chat) -> int:
    """How many updates Telegram still keeps for us."""
    return len(chat.telegram.api.updates)


async def test_a_handler_that_takes_long_holds_nobody_else_up(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, real = asyncio.Event(), app.help.help_

    async def slow(update: Update, context: object) -> None:
        if update.effective_user and update.effective_user.id == chat.user("hubei"):
            await go_on.wait()
        await real(update, context)  # type: ignore[arg-type]

    monkeypatch.setattr(app.help, "help_", slow)
    async with chat.running():
        chat.telegram.api.user_sends_text(chat.user("hubei"), "/help")
        assert "考务助手" in await chat.says("jiangcheng", "/help")
        assert "考务助手" in await chat.says("jiangcheng", "/help"), "and again, behind the slow one"
        assert waiting(chat) == 3
        assert chat.heard("hubei") == []
        go_on.set()
        await chat.until(lambda: chat.heard("hubei"))
    assert waiting(chat) == 0
    assert len(chat.heard("jiangcheng")) == 2


async def test_leaving_politely_confirms_what_was_handled(chat: Chat) -> None:
    async with chat.running():
        await chat.says("jiangcheng", "/help")
    assert waiting(chat) == 0
    async with chat.running():
        await chat.says("hubei", "/help")
    assert len(chat.heard("jiangcheng")) == 1


async def test_a_bot_killed_with_words_in_its_queue_answers_them_when_it_is_back(chat: Chat) -> None:
    """The one answer waits for Telegram's leave; meanwhile the process is killed, and another one takes over."""
    code = HANGS.format(now=clock.now().isoformat())
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT)
    polls = chat.telegram.api.polls
    chat.telegram.api.user_sends_text(chat.user("jiangcheng"), "/help")
    await chat.until(lambda: chat.telegram.api.polls >= polls + 3)  # it has the word, and has asked for more
    os.kill(bot.pid, signal.SIGKILL)
    await asyncio.wait_for(bot.wait(), PATIENCE)
    assert chat.heard("jiangcheng") == []
    async with chat.running():
        await chat.until(lambda: chat.heard("jiangcheng"))
    assert "考务助手" in chat.last("jiangcheng")
    assert len(chat.heard("jiangcheng")) == 1
