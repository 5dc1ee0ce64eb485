"""A hundred people press 已知悉 at once: how long until their keys stop spinning, and until they see the outcome.

The bot polls and works as `kaowu bot` runs it; the Bot API is a process of its own. All presses lie in the long poll
that is open when they are made, and are timed from there. The limit is the same bot that only answers and edits.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sqlalchemy import func, select, update
from telegram import Update

from bot import app
from bot.context import Context
from bot.keyboards import Shown
from bot.simulator.api import TEST_TOKEN, Call
from bot.simulator.faults import Faults, Mode
from bot.simulator.people import Persona
from core import clock, db
from core.actors import SYSTEM
from core.db import reading, transaction
from core.demo import world as demo
from core.gateways.seal import LocalSealer
from core.gateways.telegram import Pacer, Telegram
from core.models.accounts import AccountRole, ChatBinding, UserAccount
from core.models.organisations import College
from core.models.pilots import PilotApplication
from core.models.records import Notification
from core.notifications.pilots import ApplicationDecided
from core.notifications.render import chat_text, sealed
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import Role
from tests.benchmarks.contest import Contest, Ratio, Run, connected, copy_of, drop_database, make_database
from tests.benchmarks.contest import postgres_trouble as no_postgres
from tests.fakes import running_bot_api

TITLE = "100 people pressing at once"
PEOPLE = 100
FIRST = 600_001  # Telegram's id of the first of them
KEY = "已知悉"
FAR = 0.05  # seconds until an answer: a good line to Telegram
PATIENCE = 120.0
OBVIOUS = "updates one after the other"
KAOWU = "kaowu: people side by side"
LIMIT = "limit: answer and edit, nothing else"
FIGURES = ("answer p50 ms", "answer p99 ms", "outcome p50 ms", "outcome p99 ms")


def contests() -> Sequence[Contest]:
    """Both databases with Telegram as far away as it is, SQLite with Telegram next door."""
    return [
        Contest(
            name=f"{kind}, Telegram {f'{wait * 1000:.0f} ms away' if wait else 'next door'}",
            contestants={OBVIOUS: _on(kind, wait, in_turn), KAOWU: _on(kind, wait), LIMIT: _on(kind, wait, idly)},
            prepare=lambda stage, kind=kind: prepare(stage, kind),
            clean_up=lambda stage, kind=kind: drop_database(stage, kind),
            ratios=[
                Ratio(f"{figure}, kaowu against one after the other", KAOWU, OBVIOUS, at_most=most, figure=figure)
                for figure in FIGURES
            ],
            trouble=no_postgres if kind == "postgres" else lambda: "",
        )
        for kind, wait, most in (("sqlite", FAR, 0.4), ("postgres", FAR, 0.4), ("sqlite", 0.0, 1.2))
    ]


def prepare(stage: Path, kind: str) -> None:
    """The demo's world, and a hundred more people of a college who are told that its application was decided."""
    os.environ["KAOWU_DATA_DIR"] = str(stage)
    with connected(make_database(stage, kind)):
        db.upgrade()
        demo.build(LocalSealer(), verify_base="http://127.0.0.1:8000", scale=0.1)
        with transaction(SYSTEM) as tx:
            application = tx.one(select(PilotApplication).order_by(PilotApplication.id).limit(1))
            college = tx.get(College, application.college_id)
            crowd = []
            for number in range(PEOPLE):
                account = tx.add(UserAccount(login=f"crowd{number}", real_name=f"人物{number}", college_id=college.id))
                tx.add(AccountRole(account_id=account.id, role=Role.COORDINATOR))
                tx.add(ChatBinding(account_id=account.id, telegram_user_id=FIRST + number, bound_at=clock.now()))
                crowd.append(account.id)
            tx.notify(ApplicationDecided(application.id, True, "", round=99), to=crowd)


def in_turn() -> None:
    """What python-telegram-bot does unless told otherwise."""
    app.InOrderPerPerson = lambda: False  # type: ignore[assignment,misc]


def idly() -> None:
    """No look at who presses what, no row."""

    async def pass_by(update: Update, context: Context) -> None:
        return

    async def show(update: Update, context: Context) -> None:
        await context.show(Shown("好", toast="好"))

    app.identify, app.pressed = pass_by, show


def as_it_is() -> None:
    """Nothing to change."""


def _on(kind: str, wait: float, change: Callable[[], None] = as_it_is) -> Callable[[Run], None]:
    def run(run: Run) -> None:
        change()
        os.environ |= {"KAOWU_DATA_DIR": str(run.stage), "KAOWU_TELEGRAM_TOKEN": TEST_TOKEN}
        with _bot_api(wait) as (root, there, back), copy_of(run.stage, kind) as url:
            os.environ["KAOWU_TELEGRAM_API_URL"] = root
            with connected(url):
                asyncio.run(_press(run, there, back))
                if change is not idly:
                    with reading() as session:
                        seen = Notification.reply_state == ReplyState.ACKNOWLEDGED
                        mine = Notification.chat_id >= FIRST
                        run.answer = session.scalar(select(func.count(Notification.id)).where(seen, mine))

    return run


async def _press(run: Run, there: TextIO, back: TextIO) -> None:
    await _hand_out()
    stop = asyncio.Event()
    bot = asyncio.create_task(app.run(stop))
    there.write("the messages are out\n")
    there.flush()
    await asyncio.to_thread(back.readline)  # the bot listens
    with run.timed():
        there.write("press\n")
        there.flush()
        waited = json.loads(await asyncio.to_thread(back.readline))
    stop.set()
    await bot
    run.figures = dict(zip(FIGURES, waited, strict=True))


async def _hand_out() -> None:
    """Every one of them has the message in the chat, as the outbox sends it."""
    with reading() as session:
        rows = session.execute(
            select(Notification, ChatBinding.telegram_user_id)
            .join(ChatBinding, ChatBinding.account_id == Notification.account_id)
            .where(ChatBinding.telegram_user_id >= FIRST)
        ).all()
        letters = []
        for row, person in rows:
            said = chat_text(session, row, clock.now())
            letters.append((row.id, person, said.text, sealed(said.keys, said.about, person)))
    async with Telegram(pacer=Pacer(1e6)) as line:
        reports = await asyncio.gather(*(line.send(person, text, keys) for _, person, text, keys in letters))
    with transaction(SYSTEM) as tx:
        for (ident, person, _, _), report in zip(letters, reports, strict=True):
            tx.session.execute(
                update(Notification)
                .where(Notification.id == ident)
                .values(
                    delivery_state=DeliveryState.DELIVERED,
                    delivered_at=tx.now,
                    chat_id=person,
                    message_id=report.message_id,
                )
            )


@contextmanager
def _bot_api(wait: float) -> Iterator[tuple[str, TextIO, TextIO]]:
    """The address of a Bot API in a process of its own, and the lines to and from it."""
    command = [sys.executable, "-m", "tests.benchmarks.presses", str(wait)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip(), process.stdin, process.stdout
        process.stdin.close()


def serve(wait: float) -> None:
    """Be the Bot API: once the bot listens and somebody says so, everybody presses; tell how long they waited, in ms.

    In the order of FIGURES. A call counts when Telegram has taken it, not when its answer is back.
    """
    people = [Persona(FIRST + number, f"人物{number}") for number in range(PEOPLE)]
    faults = Faults(slow_seconds=wait)
    with running_bot_api(people, faults=faults) as running:
        api, answered, edited = running.api, dict[int, float](), dict[int, float]()

        def note(call: Call) -> None:
            if call.method == "answerCallbackQuery":
                answered[api.presses[call.params["callback_query_id"]].chat_id] = time.monotonic()
            elif call.method == "editMessageText":
                edited[int(call.chat_id)] = time.monotonic()

        api.on_accepted(note)
        print(running.root, flush=True)
        sys.stdin.readline()
        api.wait_for(lambda: api.poller, PATIENCE)
        faults.mode = Mode.SLOW if wait else Mode.NORMAL
        print("listening", flush=True)
        sys.stdin.readline()
        with api.changed:
            pressed = time.monotonic()
            for person in people:
                entry = api.last_entry(person.id)
                assert entry is not None
                api.user_presses(person.id, entry.message["message_id"], KEY)
        api.wait_for(lambda: len(answered) == len(edited) == PEOPLE, PATIENCE)
        told = [_percentile(waits, pressed, percent) for waits in (answered, edited) for percent in (50, 99)]
        print(json.dumps(told), flush=True)
        sys.stdin.read()


def _percentile(ends: dict[int, float], begun: float, percent: int) -> float:
    """Nearest rank, in ms."""
    return sorted(1_000 * (end - begun) for end in ends.values())[-(-len(ends) * percent // 100) - 1]


if __name__ == "__main__":
    serve(float(sys.argv[1]))
