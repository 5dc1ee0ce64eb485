"""The whole bot behind a proxy: polls, answers, files. No other way leads out, or the suite fails."""

from __future__ import annotations

import pytest

from core import settings
from tests.bot.conftest import Chat
from tests.bot.test_files import WHO, fetched, students
from tests.proxies import WRITTEN, running_proxy

FAR = "http://telegram.example.org"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_polls_answers_and_files_go_through_the_proxy(
    scheme: str, chat: Chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_proxy(scheme, chat.telegram.port) as proxy:
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", FAR)
        monkeypatch.setenv("KAOWU_TELEGRAM_PROXY", proxy.address)
        settings.forget()
        async with chat.running():
            assert "考务助手" in await chat.says(WHO, "/help")
            await chat.sends(WHO, "学生.xlsx", students())
    assert fetched(chat) == 1
    assert proxy.heard
    assert all("telegram.example.org" in line for line in proxy.heard)
    assert proxy.refused == 0
    assert WRITTEN not in caplog.text
    assert chat.telegram.token not in caplog.text


async def test_a_proxy_that_comes_back_finds_the_bot_waiting_and_nothing_lost(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.FIRST_PAUSE", 0.05)
    monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", FAR)
    async with running_proxy("socks5", chat.telegram.port) as proxy:
        monkeypatch.setenv("KAOWU_TELEGRAM_PROXY", proxy.address)
        settings.forget()
        bot = chat.running()
        await bot.__aenter__()
    chat.telegram.api.user_sends_text(chat.user(WHO), "/help")
    async with running_proxy("socks5", chat.telegram.port, port=proxy.port):
        await chat.until(lambda: chat.heard(WHO))
        await bot.__aexit__(None, None, None)
    assert "考务助手" in chat.last(WHO)
