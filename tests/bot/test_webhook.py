"""Telegram brings its updates to the panel: who may bring them, when they are answered, what is lost (nothing)."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from bot import app, webhook
from bot.app import PollingStalled
from bot.simulator.faults import Fault, Mode
from bot.webhook import HEADER, Door, address, blueprint
from core import settings
from core.db import reading
from core.models.records import Heartbeat
from core.queries.health import BOT_POLL
from kaowu import main
from tests.bot.conftest import STRANGER, Chat
from tests.conftest import PATIENCE

ROOT = Path(__file__).parents[2]
WHO = "jiangcheng"


@pytest.fixture
def door(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """A panel with nothing but the webhook on a port of its own, and the settings that lead there."""
    made = Door()
    web = Flask("tests.bot.test_webhook")
    web.register_blueprint(blueprint(made))
    server = make_server("127.0.0.1", 0, web, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    monkeypatch.setenv("KAOWU_TELEGRAM_MODE", "webhook")
    monkeypatch.setenv("KAOWU_PUBLIC_URL", f"http://127.0.0.1:{server.server_port}")
    settings.forget()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@asynccontextmanager
async def listening(chat: Chat, door: Door) -> AsyncIterator[asyncio.Task[None]]:
    """The bot in webhook mode; leaving stops it cleanly."""
    stop = asyncio.Event()
    bot = asyncio.create_task(app.run(stop, door))
    try:
        await chat.until(lambda: bot.done() or chat.telegram.api.webhook)
        yield bot
    finally:
        stop.set()
        await bot


def header(chat: Chat) -> dict[str, str]:
    return {HEADER: chat.telegram.api.webhook["secret_token"]}


async def brought(told: Any, headers: dict[str, str], to: str = "", **options: Any) -> httpx.Response:
    """What the panel answers to one knock."""
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        given = {"content": told} if isinstance(told, bytes) else {"json": told}
        return await client.post(to or address(), headers=headers, **given, **options)


def words(update_id: int, text: str, user_id: int = STRANGER) -> dict[str, Any]:
    """An update as Telegram writes it."""
    person = {"id": user_id, "is_bot": False, "first_name": "某人"}
    message = {
        "message_id": update_id,
        "date": 4_000_000_000,
        "chat": {"id": user_id, "type": "private", "first_name": "某人"},
        "from": person,
        "text": text,
        "entities": [{"type": "bot_command", "offset": 0, "length": len(text)}],
    }
    return {"update_id": update_id, "message": message}


# -- at work -----------------------------------------------------------------------------------------------------------


async def test_messages_and_presses_arrive_without_a_single_poll(chat: Chat, door: Door) -> None:
    _, copy = await chat.gets_decision(WHO)
    async with listening(chat, door):
        assert "考务助手" in await chat.says(WHO, "/help")
        await chat.presses(WHO, copy, "已知悉")
        await chat.until(lambda: chat.telegram.api.commands)
        with reading() as session:
            assert session.scalars(select(Heartbeat.note).where(Heartbeat.name == BOT_POLL)).one()
    assert chat.telegram.api.polls == 0
    asked = chat.telegram.api.accepted("setWebhook")[0].params
    assert asked["url"].startswith(f"{settings.current().public_url}/telegram/")
    assert asked["allowed_updates"] == list(app.UPDATES)
    assert asked["max_connections"] == 8
    assert not asked.get("drop_pending_updates")


async def test_what_comes_while_the_bot_is_away_waits_and_is_taken_in_either_mode(
    chat: Chat, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(chat, door):
        pass
    chat.telegram.api.user_sends_text(chat.user(WHO), "/help")
    assert chat.telegram.api.webhook, "it stays while we are away"
    async with listening(chat, door):
        await chat.until(lambda: len(chat.heard(WHO)) == 1)
    chat.telegram.api.user_sends_text(chat.user(WHO), "/help")
    monkeypatch.setenv("KAOWU_TELEGRAM_MODE", "polling")
    settings.forget()
    async with chat.running():
        await chat.until(lambda: len(chat.heard(WHO)) == 2)
    assert not chat.telegram.api.webhook, "polling after a webhook takes it away first"
    assert chat.telegram.api.accepted("deleteWebhook")


async def test_a_telegram_that_cannot_be_reached_is_asked_again(
    chat: Chat, door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhook, "FIRST_PAUSE", 0.01)
    refusal = "Bad Request: bad webhook: Failed to resolve host: Temporary failure at kaowu.example.org"
    chat.telegram.api.faults.script("setWebhook", Fault.bad_gateway(), Fault.refused(400, refusal))
    async with listening(chat, door):
        assert "考务助手" in await chat.says(WHO, "/help")
    assert "host not found" in caplog.text
    assert "kaowu.example.org" not in caplog.text


# -- who may come in ---------------------------------------------------------------------------------------------------


async def test_whoever_does_not_know_both_secrets_is_told_nothing(chat: Chat, door: Door) -> None:
    async with listening(chat, door):
        known = header(chat)
        elsewhere = address()[:-1] + ("0" if address()[-1] != "0" else "1")
        for to, headers in ((elsewhere, known), (address(), {}), (address(), {HEADER: "x" * 64}), (elsewhere, {})):
            answer = await brought(words(1, "/help"), headers, to)
            assert (answer.status_code, answer.content) == (404, b"")
        assert (await brought(words(1, "/help"), {HEADER: "密".encode()}, address())).status_code == 404  # type: ignore[dict-item]
    assert not chat.telegram.api.accepted("sendMessage")


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1]",
        b'{"update_id": "1"}',
        b'{"update_id": 1, "message": "x"}',
        b'{"update_id": 1, "message": {"message_id": 1}}',
    ],
)
async def test_what_is_no_update_is_refused_in_a_word_and_breaks_nothing(
    garbage: bytes, chat: Chat, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(chat, door):
        answer = await brought(garbage, header(chat))
        assert (answer.status_code, answer.content) == (400, b"")
        assert (await brought(words(7, "/help"), header(chat))).status_code == 200
    assert "Traceback" not in caplog.text


def test_what_is_larger_than_an_update_can_be_is_refused_unread() -> None:
    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("it was read")

    web = Flask("tests.bot.test_webhook")
    web.register_blueprint(blueprint(Door()))
    answer = web.test_client().post(
        urlsplit(address()).path,
        headers={HEADER: webhook._secret(b"header")},
        input_stream=Unread(),
        environ_overrides={"CONTENT_LENGTH": str(webhook.LARGEST + 1)},
    )
    assert (answer.status_code, answer.data) == (413, b"")


async def test_before_and_after_the_bot_runs_telegram_is_asked_to_come_again(chat: Chat, door: Door) -> None:
    async with listening(chat, door):
        known = header(chat)
    assert (await brought(words(1, "/help"), known)).status_code == 503
    assert (await brought(words(1, "/help"), {})).status_code == 404


def test_the_secrets_are_of_this_installation_and_unlike_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOWU_SECRET_KEY", "one")
    settings.forget()
    first = address()
    monkeypatch.setenv("KAOWU_SECRET_KEY", "another")
    settings.forget()
    assert first != address()
    assert webhook._secret(b"path")[:32] != webhook._secret(b"header")[:32]


# -- answered when it is done ------------------------------------------------------------------------------------------


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """/todo does not come to its end until release(); held() counts how often it was begun."""
    gate, begun = threading.Event(), []
    from bot.handlers import notices

    tasks_for = notices.tasks_for

    def slow(*given: Any, **more: Any) -> Any:
        begun.append(1)
        assert gate.wait(PATIENCE)
        return tasks_for(*given, **more)

    def release() -> int:
        gate.set()
        return len(begun)

    monkeypatch.setattr(notices, "tasks_for", slow)
    release.begun = begun  # type: ignore[attr-defined]
    yield release
    gate.set()


async def test_an_update_is_answered_only_once_it_is_handled_and_a_repeat_meanwhile_is_not_done_twice(
    chat: Chat, door: Door, held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "LONGEST", 0.2)
    todo = words(7, "/todo", chat.user(WHO))
    async with listening(chat, door):
        assert (await brought(todo, header(chat))).status_code == 503
        assert (await brought(todo, header(chat))).status_code == 503
        monkeypatch.setattr(webhook, "LONGEST", PATIENCE)
        last = asyncio.create_task(brought(todo, header(chat)))
        await chat.until(lambda: held.begun)
        held()
        assert (await last).status_code == 200
    assert len(held.begun) == 1
    said = [message["text"] for message in chat.heard(WHO)]
    assert said
    assert len(said) == len(set(said)), "nothing is said twice"


async def test_one_persons_updates_stay_in_order_while_others_go_ahead(chat: Chat, door: Door, held: Any) -> None:
    async with listening(chat, door):
        first = asyncio.create_task(brought(words(7, "/todo", chat.user(WHO)), header(chat)))
        await chat.until(lambda: held.begun)
        second = asyncio.create_task(brought(words(8, "/help", chat.user(WHO)), header(chat)))
        assert (await brought(words(9, "/help"), header(chat))).status_code == 200
        assert not first.done()
        assert not second.done()
        assert not chat.heard(WHO)
        held()
        assert [(await first).status_code, (await second).status_code] == [200, 200]
    assert "考务助手" in chat.last(WHO)


async def test_stopping_lets_the_update_at_work_come_to_its_end(chat: Chat, door: Door, held: Any) -> None:
    async with listening(chat, door):
        known = header(chat)
        working = asyncio.create_task(brought(words(7, "/todo", chat.user(WHO)), known))
        await chat.until(lambda: held.begun)
        assert not chat.heard(WHO)
        threading.Timer(0.2, held).start()
    assert chat.heard(WHO)
    assert (await working).status_code == 200


# -- the watchdog ------------------------------------------------------------------------------------------------------


async def test_an_address_somebody_else_set_is_set_back(
    chat: Chat, door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhook, "LOOK_EVERY", 0.02)
    api = chat.telegram.api
    async with listening(chat, door):
        ours = dict(api.webhook)
        api.call("setWebhook", {"url": "https://elsewhere.example.org/x"})
        await chat.until(lambda: api.webhook == ours)
        api.call("setWebhook", {"url": ours["url"], "secret_token": "another"})
        api.user_sends_text(chat.user(WHO), "/help")
        await chat.until(lambda: api.webhook == ours and chat.heard(WHO))
    assert "Telegram could not deliver: HTTP 404; 1 updates wait there" in caplog.text
    assert "elsewhere.example.org" not in caplog.text
    assert ours["url"] not in caplog.text
    assert chat.telegram.token not in caplog.text


async def test_why_telegram_could_not_deliver_is_said_once_and_without_its_words(
    chat: Chat, door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhook, "LOOK_EVERY", 0.02)
    api = chat.telegram.api
    async with listening(chat, door):
        with api.changed:
            api.webhook_trouble = {"last_error_date": 1_900_000_000, "last_error_message": "SSL error {kaowu.secret}"}
        looks = len(api.accepted("getWebhookInfo"))
        await chat.until(lambda: len(api.accepted("getWebhookInfo")) > looks + 3)
    assert caplog.text.count("Telegram could not deliver: certificate") == 1
    assert "kaowu.secret" not in caplog.text


async def test_a_telegram_that_answers_no_look_for_too_long_ends_the_process(
    chat: Chat, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(app, "STALLED_AFTER", 0.3)
    stop = asyncio.Event()
    bot = asyncio.create_task(app.run(stop, door))
    await chat.until(lambda: chat.telegram.api.accepted("getWebhookInfo"))
    chat.telegram.api.faults.mode = Mode.FAILING
    with pytest.raises(PollingStalled):
        await asyncio.wait_for(bot, PATIENCE)


# -- the process -------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_killed_at_work_the_process_started_again_answers_what_it_had_not(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = free_port()
    for name, value in (("TELEGRAM_MODE", "webhook"), ("PORT", str(port)), ("PUBLIC_URL", f"http://127.0.0.1:{port}")):
        monkeypatch.setenv(f"KAOWU_{name}", value)
    api, output = chat.telegram.api, tmp_path / "output"

    def start() -> subprocess.Popen[bytes]:
        with output.open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "kaowu", "run"], cwd=ROOT, env=os.environ.copy(), stderr=said
            )

    first = await asyncio.to_thread(start)
    try:
        await chat.until(lambda: api.webhook)
        api.faults.mode = Mode.FAILING
        api.user_sends_text(STRANGER, "/help")
        await chat.until(lambda: api.refused("sendMessage", chat_id=STRANGER))
    finally:
        first.kill()
        await asyncio.to_thread(first.wait)
    assert len(api.updates) == 1, "Telegram has not been told that it was handled"
    api.faults.mode = Mode.NORMAL
    second = await asyncio.to_thread(start)
    try:
        await chat.until(lambda: any(m["from"]["is_bot"] for m in api.history(STRANGER)) and not api.updates)
    finally:
        second.terminate()
        status = await asyncio.to_thread(second.wait)
    log = output.read_text(encoding="utf-8")
    assert status == 0, log
    assert chat.telegram.token not in log
    assert "/telegram/" not in log


@pytest.mark.parametrize("command", ["bot", "panel"])
def test_half_of_the_two_ends_is_refused_with_the_way_out(
    command: str, chat: Chat, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = CliRunner().invoke(main, [command])
    assert refused.exit_code == 2
    assert "kaowu run" in refused.output
    assert "KAOWU_TELEGRAM_MODE=polling" in refused.output


async def test_a_bot_without_a_door_does_not_wait_for_ever(chat: Chat, door: Door) -> None:
    with pytest.raises(settings.SettingsRefused, match="kaowu run"):
        await app.run(asyncio.Event())


@pytest.mark.parametrize(
    ("public_url", "api_url", "fits"),
    [
        ("https://kaowu.example.org", "", True),
        ("https://kaowu.example.org/kw", "https://relay.example.org", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8081", True),
        ("", "", False),
        ("http://127.0.0.1:8000", "", False),
        ("http://kaowu.example.org", "http://127.0.0.1:8081", False),
        ("https://user:word@kaowu.example.org", "", False),
    ],
)
def test_telegram_must_be_able_to_reach_us(
    public_url: str, api_url: str, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_MODE", "webhook")
    monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", "7000000001:x")
    monkeypatch.setenv("KAOWU_PUBLIC_URL", public_url)
    monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", api_url)
    if fits:
        assert settings.load().telegram_mode == "webhook"
        return
    with pytest.raises(settings.SettingsRefused, match="KAOWU_PUBLIC_URL，以 https:// 开头"):
        settings.load()


@pytest.mark.parametrize(("api_url", "fits"), [("", False), ("https://bots.example.org", True)])
def test_telegram_itself_delivers_to_few_ports(api_url: str, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_MODE", "webhook")
    monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", "7000000001:x")
    monkeypatch.setenv("KAOWU_PUBLIC_URL", "https://kaowu.example.org:8000")
    monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", api_url)
    if fits:
        assert settings.load().telegram_mode == "webhook"
        return
    with pytest.raises(settings.SettingsRefused, match="443、80、88 或 8443"):
        settings.load()


def test_a_webhook_without_a_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_MODE", "webhook")
    monkeypatch.setenv("KAOWU_PUBLIC_URL", "https://kaowu.example.org")
    with pytest.raises(settings.SettingsRefused, match="KAOWU_TELEGRAM_TOKEN"):
        settings.load()
