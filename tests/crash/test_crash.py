"""kill -9 at any moment: no message is lost, every repeat says that it is one, and the sums come out."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core import settings
from core.actors import SYSTEM
from core.db import reading, transaction
from core.models.records import Notification
from core.notifications.pilots import ApplicationWaiting
from core.queries.reconcile import reconcile
from core.rules.notices import DeliveryState
from tests.factories import Year, Years, count, rows
from tests.fakes import TEST_TOKEN

HERE = Path(__file__).parents[2]
MESSAGES = 180
LEASE, PER_SECOND = "0.4", "150"
KILLS = 6
PATIENCE = 120
CITY = 9003  # hears of applications


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A module of the tests as a process of its own, killed at the end."""
    command = [sys.executable, "-m", *arguments]
    running = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.wait(10)


def said(running: subprocess.Popen[str]) -> str:
    """Its next line."""
    assert running.stdout is not None
    return running.stdout.readline().strip()


def accepted(log: Path) -> list[dict[str, Any]]:
    """Every message Telegram has taken, oldest first."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    calls = [json.loads(line) for line in lines if line.endswith("\n")]
    return [call for call in calls if call["method"] == "sendMessage"]


def left() -> int:
    return count(Notification, Notification.delivery_state.in_(["pending", "sending"]))


def claimed() -> int:
    """How many messages are with a sender, alive or dead."""
    return count(Notification, Notification.delivery_state == "sending")


def claims_so_far() -> int:
    """Grows whenever a sender takes messages."""
    (total,) = rows(select(func.sum(Notification.attempts)))
    return int(total)


def fill(year: Year) -> None:
    """Many messages to one person, all due, each with a task code of its own in its last line."""
    with transaction(SYSTEM) as tx:
        tx.session.execute(update(Notification).values(delivery_state="suppressed"))
        for number in range(MESSAGES):
            tx.notify(ApplicationWaiting(year["application"], "city", 1_000 + number))
        # each was tried before, so that each is sent by itself: alike ones would be told in one message
        tx.update_all(Notification, Notification.delivery_state == DeliveryState.PENDING, attempts=1)


def code_in(call: dict[str, Any]) -> str:
    return str(call["params"]["text"]).rsplit(" ", 1)[-1]


def send_and_kill(log: Path, dice: random.Random) -> int:
    """Kill each sender some moments after its first claim, until everything is delivered; how many died with claims.

    What was claimed is counted while the sender stands still: a kill that hits an idle one is none.
    """
    kills = 0
    give_up = time.monotonic() + PATIENCE
    with process("tests.crash.sender", LEASE, PER_SECOND) as parent:
        while left() and time.monotonic() < give_up:
            sender, before = int(said(parent)), claims_so_far()
            while claims_so_far() == before and left() and time.monotonic() < give_up:
                time.sleep(0.01)
            time.sleep(dice.uniform(0.0, 0.3) if kills < KILLS else 3.0)
            os.kill(sender, signal.SIGSTOP)
            kills += claimed() > 0
            os.kill(sender, signal.SIGKILL)
    return kills


@pytest.mark.parametrize("seed", [20_260_520])
def test_a_sender_killed_again_and_again_loses_nothing_and_marks_every_repeat(
    seed: int, any_years: Years, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(any_years("applied"))
    port, log = free_port(), tmp_path / "accepted.jsonl"
    monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", TEST_TOKEN)
    monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", f"http://127.0.0.1:{port}")
    settings.forget()
    with process("tests.fakes", "--port", str(port), "--log", str(log), "--person", str(CITY)) as telegram:
        assert said(telegram).startswith("listening")
        kills = send_and_kill(log, random.Random(seed))
    calls = accepted(log)
    assert left() == 0, "not everything was delivered in time"
    assert kills >= 3, "the sender was hardly ever killed at work"

    delivered = rows(select(Notification).where(Notification.delivery_state == "delivered"))
    assert len(delivered) == MESSAGES
    arrived = Counter(map(code_in, calls))
    assert set(arrived) == {str(row.task_code) for row in delivered}, "a message was lost"

    known: set[str] = set()
    for call in calls:
        is_marked = call["params"]["text"].startswith("【重发】")
        assert is_marked or code_in(call) not in known, "a repeat that does not say so"
        known.add(code_in(call))
    assert any(call["params"]["text"].startswith("【重发】") for call in calls), "no kill hit a sender with claims"
    assert len({(row.chat_id, row.message_id) for row in delivered}) == MESSAGES
    assert {row.message_id for row in delivered} <= {call["message_id"] for call in calls}
    with reading() as session:
        assert [law.name for law in reconcile(session) if law.broken] == []
