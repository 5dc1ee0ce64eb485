"""The journey: one certificate year, as separate processes on PostgreSQL, and in one process on SQLite."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin.app import create_app
from bot import app as bot_app
from core import clock, db, settings
from core.gateways.seal import LocalSealer
from core.queries.reconcile import reconcile, verify_chain
from jobs import schedule
from tests.conftest import PATIENCE
from tests.fakes import running_bot_api
from tests.journeys.year import Year, live

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def travelling(monkeypatch: pytest.MonkeyPatch, folder: Path, **more: str) -> None:
    """Settings of a demo whose clock travels, for this process and those it starts."""
    for name, value in {"DATA_DIR": str(folder), "DEMO": "true", **more}.items():
        monkeypatch.setenv(f"KAOWU_{name}", value)
    settings.forget()
    clock.configure(travel_file=folder / "clock")


@contextmanager
def processes(output: Path, *commands: str) -> Iterator[None]:
    """`kaowu panel`, `kaowu bot`, … each on its own, writing to one file; ended politely, every one must end well."""
    with output.open("ab") as file:  # appended to: nobody writes over another's lines
        started = [
            subprocess.Popen([sys.executable, str(ROOT / "kaowu.py"), command], stdout=file, stderr=file)
            for command in commands
        ]
        try:
            yield
        finally:
            for process in started:
                process.terminate()
            codes = [process.wait(PATIENCE) for process in started]
            sys.stdout.write(output.read_text(encoding="utf-8"))  # shown where the test fails
    assert codes == [0] * len(codes), "a process did not end cleanly"


@contextmanager
def in_this_process() -> Iterator[None]:
    """Bot and jobs on an event loop of their own, as `kaowu run` has them."""
    stop: asyncio.Event | None = None
    loop = asyncio.new_event_loop()
    begun = threading.Event()

    async def both() -> None:
        nonlocal stop
        stop = asyncio.Event()
        begun.set()
        await asyncio.gather(bot_app.run(stop), schedule.run(stop))

    thread = threading.Thread(target=loop.run_until_complete, args=(both(),), daemon=True)
    thread.start()
    begun.wait(PATIENCE)
    try:
        yield
    finally:
        assert stop is not None
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        assert not thread.is_alive()
        loop.close()


def answers(base: str) -> None:
    """Wait until the panel is up."""
    for _ in range(300):
        try:
            if httpx.get(f"{base}/healthz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the panel did not start")


def everything_adds_up(pdf: bytes) -> None:
    """The seal is whole, every sum is right, the chain is unbroken."""
    assert LocalSealer().check(pdf).is_valid
    with db.reading() as session:
        assert [item for item in reconcile(session) if item.broken] == []
        verdict = verify_chain(session)
    assert verdict.broken_at is None
    assert verdict.length > 100


def nobody_is_named(year: Year, log: str) -> None:
    """No line of the log and no word of the chat says who a candidate is (R-010)."""
    assert "Application started" in log, "the log was not listened to"
    assert year.named_in(log) == []
    calls = year.api.accepted()
    said = [json.dumps(call.params, ensure_ascii=False, default=str) for call in calls]
    assert sum(call.method == "sendMessage" for call in calls) > 20, "the chat was not listened to"
    assert [text for text in said if year.named_in(text)] == []


@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_a_year_as_separate_processes_on_postgresql(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    travelling(monkeypatch, tmp_path, PORT=str(port))
    with running_bot_api(token=settings.simulator_token(), username="kaowu_test_bot") as fake:
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", fake.root)
        settings.forget()
        base = f"http://127.0.0.1:{port}"
        year, output = Year(base, fake.api, new_client=lambda: None), tmp_path / "output"
        with processes(output, "panel", "bot", "jobs"):
            answers(base)
            pdf = live(year)
        everything_adds_up(pdf)
        nobody_is_named(year, output.read_text(encoding="utf-8"))
        for command in (["reconcile"], ["audit", "verify"]):
            done = subprocess.run(
                [sys.executable, str(ROOT / "kaowu.py"), *command], env=os.environ.copy(), check=False
            )
            assert done.returncode == 0, command


@pytest.mark.timeout(300)
def test_a_year_in_one_process_on_sqlite(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for room in ("core", "bot", "jobs", "admin"):
        caplog.set_level(logging.DEBUG, logger=room)
    travelling(monkeypatch, tmp_path)
    with running_bot_api(token=settings.simulator_token(), username="kaowu_test_bot") as fake:
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", fake.root)
        settings.forget()
        app: Any = create_app()
        year = Year("http://127.0.0.1:8000", fake.api, new_client=lambda: httpx.WSGITransport(app=app))
        with in_this_process():
            pdf = live(year)
        everything_adds_up(pdf)
        nobody_is_named(year, caplog.text)
