"""Emptying the outbox through a Bot API on loopback, which answers at once or as far away as Telegram is.

At Telegram's pace it also holds its senders to Telegram's limit, and its refusals count: there must be none. That an
hour of it goes as well is proved on a clock of its own, by tests/core/gateways/test_pacer.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, func, select

from bot.simulator.api import TEST_TOKEN
from bot.simulator.faults import Faults, Mode, Rate
from bot.simulator.people import Persona
from core import clock, db
from core.actors import SYSTEM
from core.db import reading, transaction
from core.demo import world as demo
from core.demo.cast import PEOPLE
from core.gateways.seal import LocalSealer
from core.gateways.telegram import PER_SECOND, Pacer, Telegram
from core.models.accounts import ChatBinding
from core.models.plans import ExamPlan
from core.models.records import Notification
from core.notifications.plans import PlanPublished
from core.rules.notices import DeliveryState, ReplyState
from jobs import outbox
from tests.benchmarks.contest import Contest, Run, connected, copy_of, drop_database, make_database, postgres_trouble
from tests.fakes import running_bot_api

TITLE = "300 messages out of the outbox"
MESSAGES = 300
FAR = 0.05  # seconds until an answer: a good line to Telegram
LIMIT = 30  # messages within any second that Telegram permits
BOUNDLESS = 1e6
SHARE = f"% of {LIMIT}/s"
ONE_BY_ONE = "one at a time: claim, send, mark"
OPEN = "kaowu, pacer wide open"
PACED = f"kaowu, at Telegram's pace ({PER_SECOND}/s)"


def contests() -> Sequence[Contest]:
    """Both databases with answers at once, SQLite with answers from afar."""
    return [
        Contest(
            name=f"{kind}, answers {'at once' if not wait else f'after {wait * 1000:.0f} ms'}",
            contestants={
                ONE_BY_ONE: _on(kind, wait, one_by_one=True),
                OPEN: _on(kind, wait),
                PACED: _on(kind, wait, per_second=PER_SECOND),
            },
            prepare=lambda stage, kind=kind: prepare(stage, kind),
            clean_up=lambda stage, kind=kind: drop_database(stage, kind),
            notes=[
                f"Telegram permits {LIMIT} a second: held to that, {PACED} was never refused (means to use 95 %)",
            ],
            once=frozenset({ONE_BY_ONE, PACED}),
            trouble=postgres_trouble if kind == "postgres" else lambda: "",
        )
        for kind, wait in (("sqlite", 0.0), ("postgres", 0.0), ("sqlite", FAR))
    ]


def prepare(stage: Path, kind: str) -> None:
    """The demo's world with nothing in its outbox but 300 news of plans to everybody who has a chat."""
    os.environ["KAOWU_DATA_DIR"] = str(stage)
    with connected(make_database(stage, kind)):
        db.upgrade()
        demo.build(LocalSealer(), verify_base="http://127.0.0.1:8000", scale=0.1)
        with transaction(SYSTEM) as tx:
            tx.session.execute(delete(Notification))
            plans = tx.all(select(ExamPlan.id).order_by(ExamPlan.id))
            people = tx.all(select(ChatBinding.account_id).order_by(ChatBinding.account_id))
            now = clock.now()
            message = PlanPublished(plans[0])
            row = {
                "kind": message.kind,
                "delivery_state": DeliveryState.PENDING,
                "reply_state": ReplyState.NOT_ASKED,
                "created_at": now,
                "not_before": now,
                "next_attempt_at": now,
                "useful_until": message.useful_until(now),
                "attempts": 1,  # tried before: alike ones would be told in one message
            }
            tx.insert_all(
                Notification,
                [
                    row
                    | {
                        "account_id": people[number % len(people)],
                        "facts": json.dumps({"plan_id": plans[number % len(plans)]}),
                        "dedupe_key": f"benchmark:{number}",
                    }
                    for number in range(MESSAGES)
                ],
            )


def _on(kind: str, wait: float, *, one_by_one: bool = False, per_second: float = BOUNDLESS) -> Callable[[Run], None]:
    def run(run: Run) -> None:
        if one_by_one:
            outbox.BITE, outbox.AHEAD = 1, 0
        os.environ |= {"KAOWU_DATA_DIR": str(run.stage), "KAOWU_TELEGRAM_TOKEN": TEST_TOKEN}
        is_held = per_second != BOUNDLESS
        with copy_of(run.stage, kind) as url, connected(url):
            with _bot_api(wait, LIMIT if is_held else 0) as telegram:
                os.environ["KAOWU_TELEGRAM_API_URL"] = telegram.root
                asyncio.run(_empty(run, per_second))
            with reading() as session:
                delivered = Notification.delivery_state == DeliveryState.DELIVERED
                run.rate = session.scalar(select(func.count(Notification.id)).where(delivered)) or 0
            run.answer = {"delivered": run.rate, "refused": telegram.refused}
            if is_held:
                run.figures[SHARE] = 100 * telegram.rate / LIMIT

    return run


async def _empty(run: Run, per_second: float) -> None:
    async with Telegram(pacer=Pacer(per_second)) as line:
        with run.timed():
            while await outbox.deliver_once(line):
                pass


@dataclass
class _Elsewhere:
    """A Bot API in another process. Known when it has ended: calls refused, messages a second from first to last."""

    root: str
    refused: int = 0
    rate: float = 0.0


@contextmanager
def _bot_api(wait: float, limit: int) -> Iterator[_Elsewhere]:
    command = [sys.executable, "-m", "tests.benchmarks.outbox", str(wait), str(limit)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        elsewhere = _Elsewhere(process.stdout.readline().strip())
        yield elsewhere
        process.stdin.close()
        refused, rate = process.stdout.readline().split()
        elsewhere.refused, elsewhere.rate = int(refused), float(rate)


def serve(wait: float, limit: int) -> None:
    """Say where the Bot API is, be it until nobody listens any more, and say what _Elsewhere wants to know."""
    chats = [Persona(person.telegram, person.name) for person in PEOPLE if person.telegram is not None]
    faults = Faults(rate=Rate(limit) if limit else None, slow_seconds=wait)
    faults.mode = Mode.SLOW if wait else Mode.NORMAL
    with running_bot_api(chats, faults=faults) as running:
        print(running.root, flush=True)
        sys.stdin.read()
        times = [call.at for call in running.api.accepted("sendMessage")]
        rate = (len(times) - 1) / (times[-1] - times[0]).total_seconds()
        print(len(running.api.refused()), rate, flush=True)


if __name__ == "__main__":
    serve(float(sys.argv[1]), int(sys.argv[2]))
