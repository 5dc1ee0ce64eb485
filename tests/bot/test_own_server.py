"""A Bot API server of one's own, at a path, started with --local: everything works, the token stays inside."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.demo.world import World
from tests.bot.conftest import Chat, beside_telegram
from tests.bot.test_files import WHO, job_count, looked_over, students


@pytest.fixture
def own(
    built: tuple[Path, World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_settings: None
) -> Iterator[Chat]:
    """The chat beside a server that leaves files on the disk and answers below /tg/bots only."""
    folder, world = built
    shutil.copyfile(folder / "kaowu.db", tmp_path / "kaowu.db")
    url = f"sqlite:///{tmp_path / 'kaowu.db'}"
    with beside_telegram(monkeypatch, world, url, tmp_path, path="/tg/bots", own_files=tmp_path / "bot-api") as ready:
        yield ready


async def test_messages_files_and_the_outbox_work_with_a_server_of_ones_own(
    own: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with own.running():
        assert "考务助手" in await own.says(WHO, "/help")
        _, copy = await own.gets_decision(WHO)
        await own.presses(WHO, copy, "已知悉")
        await own.sends(WHO, "学生.xlsx", students())
        await looked_over(own, 1)
    assert own.telegram.root.endswith("/tg/bots")
    assert own.telegram.token not in caplog.text


@pytest.mark.parametrize("trouble", ["elsewhere", "not for us"])
async def test_a_file_the_server_keeps_to_itself_is_said_in_words_and_names_no_token(
    trouble: str, own: Chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On another machine without a shared disk, or owned by another user; its path holds the token."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("bot.fetching.PAUSES", ())
    files = own.telegram.api.own_files
    assert files is not None

    def not_for_us(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    if trouble == "elsewhere":
        monkeypatch.setattr(Path, "is_file", lambda path: path.exists() and files not in path.parents)
    else:
        monkeypatch.setattr(Path, "read_bytes", not_for_us)
    async with own.running():
        message = await own.sends(WHO, "学生.xlsx", students())
    assert "没有从 Telegram 取到" in own.text(WHO, message)
    assert job_count() == 0
    assert "a file was not handed out" in caplog.text
    assert own.telegram.token not in caplog.text


async def test_a_server_without_a_limit_is_not_asked_for_more_than_the_bot_takes(
    own: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size in the message may be missing; what getFile says counts before anything is read."""
    monkeypatch.setattr("bot.handlers.files.require_small", lambda size: None)
    monkeypatch.setattr("bot.fetching.MOST", 10)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("it was read"))
    async with own.running():
        message = await own.sends(WHO, "学生.xlsx", students())
    assert "MB" in own.text(WHO, message)
