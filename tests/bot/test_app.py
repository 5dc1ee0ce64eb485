"""The process: what it leaves behind, what it survives, and when it gives up."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import app
from bot.app import PollingStalled, TokenRefused
from bot.handlers import help as helping
from bot.simulator.faults import Fault, Mode
from core import settings
from core.db import reading
from core.models.records import Heartbeat
from core.queries.health import BOT_POLL
from tests.bot.conftest import Chat
from tests.conftest import PATIENCE

ROOT = Path(__file__).parents[2]


def beats() -> int:
    with reading() as session:
        return len(session.scalars(select(Heartbeat.id).where(Heartbeat.name == BOT_POLL)).all())


async def test_a_running_bot_leaves_a_sign_of_life_and_offers_its_commands_in_private_chats(chat: Chat) -> None:
    async with chat.running():
        await chat.until(lambda: beats() == 1)
        await chat.until(lambda: chat.telegram.api.commands)
    offered = chat.telegram.api.commands["all_private_chats"]
    assert [command["command"] for command in offered] == [name for name, _ in helping.COMMANDS]


async def test_the_token_is_in_no_log_and_no_error(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    chat.telegram.api.faults.script("getUpdates", Fault.bad_gateway())
    async with chat.running():
        await chat.says("jiangcheng", "/help")
    assert chat.telegram.token not in caplog.text
    assert chat.telegram.token.partition(":")[2] not in caplog.text


async def test_a_token_telegram_does_not_know_ends_the_bot_without_spelling_it_out(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", "7000000001:somebody-elses-token-of-the-right-length")
    settings.forget()
    with pytest.raises(TokenRefused) as refused:
        await app.run(asyncio.Event())
    assert "somebody" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


async def test_without_polls_for_too_long_the_bot_gives_up(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "STALLED_AFTER", 0.2)
    monkeypatch.setattr(app.Pulse, "beat", lambda self: setattr(self, "last", self.last or app.time.monotonic()))
    with pytest.raises(PollingStalled):
        await asyncio.wait_for(app.run(asyncio.Event()), PATIENCE)


async def test_a_bot_started_before_its_network_waits_for_it_and_can_be_stopped_meanwhile(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "FIRST_PAUSE", 0.01)
    chat.telegram.api.faults.script("getMe", Fault.bad_gateway())
    async with chat.running():
        assert "考务助手" in await chat.says("jiangcheng", "/help")
    monkeypatch.setattr(app, "FIRST_PAUSE", 30.0)
    chat.telegram.api.faults.mode = Mode.FAILING
    chat.telegram.api.faults.script("getMe", Fault.bad_gateway())
    stop = asyncio.Event()
    waiting = asyncio.create_task(app.run(stop))
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(waiting, PATIENCE)


async def test_a_fault_of_ours_is_an_apology_with_a_number_and_no_personal_word_in_the_log(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("林小明 420111200001011234")

    monkeypatch.setattr("bot.handlers.notices.tasks_for", broken)
    async with chat.running():
        answer = await chat.says("jiangcheng", "/todo")
    reference = answer.rstrip("。").rpartition(" ")[2]
    assert "抱歉" in answer
    assert f"[{reference}] ValueError at" in caplog.text
    assert "林小明" not in caplog.text
    assert "420111" not in caplog.text


async def test_a_key_never_spins_whatever_breaks(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    _, message = await chat.gets_decision("jiangcheng")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("core.usecases.replies.acknowledge", broken)
    async with chat.running():
        assert "抱歉" in await chat.presses("jiangcheng", message, "已知悉")


async def test_an_answer_waits_as_long_as_telegram_asks(chat: Chat) -> None:
    async with chat.running():
        chat.telegram.api.faults.script("sendMessage", Fault.too_many(1))
        assert "考务助手" in await chat.says("jiangcheng", "/help")
    assert len(chat.telegram.api.refused("sendMessage")) == 1


async def test_the_bot_as_a_process_of_its_own_answers_and_leaves_politely(chat: Chat) -> None:
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kaowu", "bot", stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    chat.telegram.api.user_sends_text(chat.user("jiangcheng"), "/help")
    await chat.until(lambda: chat.heard("jiangcheng"))
    bot.terminate()
    _, said = await asyncio.wait_for(bot.communicate(), PATIENCE)
    assert bot.returncode == 0, said.decode()
    assert chat.telegram.token.encode() not in said


async def test_without_a_token_beyond_loopback_there_is_no_chat_and_no_error(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", "")
    monkeypatch.setenv("KAOWU_HOST", "192.0.2.7")
    settings.forget()
    stop = asyncio.Event()
    stop.set()
    await asyncio.wait_for(app.run(stop), PATIENCE)
