"""The simulator's webhook, as strict as Telegram's: what it takes, what it tells, how it pushes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response, request
from telegram import Bot
from telegram.error import BadRequest, Conflict
from werkzeug.serving import make_server

from bot.simulator.people import Persona
from bot.simulator.pushing import HEADER
from tests.conftest import PATIENCE, comes_true
from tests.fakes import RunningBotApi, running_bot_api

LIN, ZHOU = 1001, 1002


@pytest.fixture
def telegram() -> Iterator[RunningBotApi]:
    with running_bot_api([Persona(LIN, "林静"), Persona(ZHOU, "周航")]) as running:
        yield running


@pytest.fixture
async def bot(telegram: RunningBotApi) -> AsyncIterator[Bot]:
    async with Bot(telegram.token, base_url=telegram.base_url) as ready:
        yield ready


@dataclass
class Office:
    """Whom updates are pushed to: everything that came, answered with `status`, held while the gate is shut."""

    url: str = ""
    status: int = 200
    came: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def texts(self) -> list[str]:
        return [told["message"]["text"] for _, told in self.came]


@pytest.fixture
def office() -> Iterator[Office]:
    made, web = Office(), Flask("tests.bot.test_simulator_webhook")
    made.gate.set()

    @web.post("/hook")
    def hook() -> Response:
        status = made.status
        made.came.append((request.headers.get(HEADER, ""), request.get_json()))
        assert made.gate.wait(PATIENCE)
        return Response(status=status)

    server = make_server("127.0.0.1", 0, web, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield made
    made.gate.set()
    server.shutdown()
    server.server_close()


async def test_while_a_webhook_is_set_nobody_can_poll_and_an_open_poll_ends(bot: Bot, telegram: RunningBotApi) -> None:
    open_poll = asyncio.create_task(bot.get_updates(timeout=20))
    assert await asyncio.to_thread(comes_true, telegram.api.bot_is_listening)
    await bot.set_webhook("https://kaowu.example.org/x")
    with pytest.raises(Conflict, match="terminated by setWebhook"):
        await open_poll
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


@pytest.mark.parametrize(
    ("url", "secret", "why"),
    [
        ("http://kaowu.example.org/x", "", "HTTPS URL must be provided"),
        ("https://kaowu.example.org:8000/x", "", "only on ports"),
        ("https://kaowu.example.org/x", "空格 ", "unallowed characters"),
    ],
)
async def test_a_webhook_telegram_would_not_take_is_refused(bot: Bot, url: str, secret: str, why: str) -> None:
    with pytest.raises(BadRequest, match=f"(?i){why}"):
        await bot.set_webhook(url, secret_token=secret or None)
    assert (await bot.get_webhook_info()).url == ""


async def test_updates_are_pushed_in_order_with_the_secret_and_only_of_the_kinds_asked_for(
    bot: Bot, telegram: RunningBotApi, office: Office
) -> None:
    telegram.api.user_sends_text(LIN, "一")
    await bot.set_webhook(office.url, secret_token="s-1", allowed_updates=["message"], max_connections=5)
    telegram.api.user_sends_text(LIN, "二")
    telegram.api.user_blocks_bot(ZHOU)
    assert await asyncio.to_thread(comes_true, lambda: not telegram.api.updates)
    assert office.texts() == ["一", "二"]
    assert {secret for secret, _ in office.came} == {"s-1"}
    info = await bot.get_webhook_info()
    assert (info.url, info.max_connections, info.allowed_updates) == (office.url, 5, ("message",))
    assert info.pending_update_count == 0
    assert "s-1" not in str(info)


async def test_what_is_not_taken_comes_again_and_why_is_told(bot: Bot, telegram: RunningBotApi, office: Office) -> None:
    office.status = 503
    await bot.set_webhook(office.url)
    telegram.api.user_sends_text(LIN, "一")
    assert await asyncio.to_thread(comes_true, lambda: telegram.api.webhook_trouble)
    info = await bot.get_webhook_info()
    assert info.last_error_message is not None
    assert info.last_error_message.startswith("Wrong response from the webhook: 503")
    assert info.pending_update_count == 1
    office.status = 200
    assert await asyncio.to_thread(comes_true, lambda: not telegram.api.updates)
    assert office.texts() == ["一"] * len(office.came)
    assert len(office.came) > 1


async def test_no_more_are_pushed_at_once_than_the_webhook_takes_and_one_chat_waits_for_itself(
    bot: Bot, telegram: RunningBotApi, office: Office
) -> None:
    office.gate.clear()
    await bot.set_webhook(office.url, max_connections=2)
    for text in ("一", "二"):
        telegram.api.user_sends_text(LIN, text)
    telegram.api.user_sends_text(ZHOU, "三")
    assert await asyncio.to_thread(comes_true, lambda: len(office.came) == 2)
    assert sorted(office.texts()) == ["一", "三"]
    office.gate.set()
    assert await asyncio.to_thread(comes_true, lambda: not telegram.api.updates)
    assert office.texts()[2:] == ["二"]
