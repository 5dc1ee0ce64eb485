"""What a minute costs in which nothing is due: the whole timetable and the outbox's looks, in a young world and an old.

The old one has years behind it: finished messages, candidates, plans that are over. Nothing sleeps: every body runs as
often as a minute holds it, and one that comes round less often counts by its share. PostgreSQL's own work shows in the
seconds, not in the CPU time of this process.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, event, func, select

from bot.simulator.api import TEST_TOKEN
from core import clock, db, settings
from core.actors import SYSTEM
from core.db import Tx, reading, transaction
from core.demo import world as demo
from core.gateways.seal import LocalSealer
from core.gateways.telegram import Telegram
from core.models.base import Base
from core.models.candidates import Candidate
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanCollege
from core.models.records import Notification
from core.rules.notices import DELIVERY, DeliveryState, ReplyState
from jobs import outbox
from jobs.schedule import TIMETABLE
from tests.benchmarks.contest import Contest, Ratio, Run, connected, copy_of, drop_database, make_database
from tests.benchmarks.contest import postgres_trouble as no_postgres

TITLE = "a minute with nothing to do"
MESSAGES, CANDIDATES, PLANS = 20_000, 5_000, 50
DAY = timedelta(days=1)
MINUTE = 60.0
TOKEN = {"KAOWU_TELEGRAM_TOKEN": TEST_TOKEN}
YOUNG = "a young world"
OLD = f"an old one: {MESSAGES:,} messages, {CANDIDATES:,} candidates, {PLANS} plans more"
CPU, STATEMENTS = "CPU ms", "statements"


def contests() -> Sequence[Contest]:
    """Both databases."""
    return [
        Contest(
            name=kind,
            contestants={YOUNG: _on(kind, "young"), OLD: _on(kind, "old")},
            prepare=lambda stage, kind=kind: prepare(stage, kind),
            clean_up=lambda stage, kind=kind: clean_up(stage, kind),
            ratios=[Ratio(f"{figure}, old to young", OLD, YOUNG, 2, figure) for figure in ("seconds", CPU, STATEMENTS)],
            trouble=no_postgres if kind == "postgres" else lambda: "",
        )
        for kind in ("sqlite", "postgres")
    ]


def prepare(stage: Path, kind: str) -> None:
    """The demo's world twice, one of them with a past, and all that was due is done."""
    for age in ("young", "old"):
        place = _place(stage, age)
        place.mkdir()
        os.environ |= {"KAOWU_DATA_DIR": str(place)} | TOKEN
        with connected(make_database(place, kind)):
            db.upgrade()
            demo.build(LocalSealer(), verify_base="http://127.0.0.1:8000", scale=0.1)
            if age == "old":
                with transaction(SYSTEM) as tx:
                    _grow_old(tx)
            _settle()
            with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT", write=False) as connection:
                connection.exec_driver_sql("ANALYZE" if kind == "postgres" else "PRAGMA wal_checkpoint(TRUNCATE)")


def clean_up(stage: Path, kind: str) -> None:
    """Both databases."""
    for age in ("young", "old"):
        drop_database(_place(stage, age), kind)


def _place(stage: Path, age: str) -> Path:
    return stage / f"{stage.name}{age}"


def _grow_old(tx: Tx) -> None:
    now = clock.now()
    plan = tx.one(select(ExamPlan).where(ExamPlan.next_edge_at.is_(None)).order_by(ExamPlan.id).limit(1))
    moments = [column.name for column in ExamPlan.__table__.c if column.name.endswith(("_opens_at", "_closes_at"))]
    over = {name: getattr(plan, name) - 400 * DAY for name in moments}
    _copy(tx, plan, PLANS, lambda number: over | {"plan_no": f"2024{number:08}", "name": f"往年考核 {number}"})
    fresh = tx.all(select(ExamPlan.id).where(ExamPlan.plan_no.startswith("2024")))
    for model in (ExamPlanCollege, ExamPlanCertificate):
        part = tx.one(select(model).where(model.plan_id == plan.id).limit(1))
        _copy(tx, part, len(fresh), lambda number: {"plan_id": fresh[number]})
    candidate = tx.one(select(Candidate).order_by(Candidate.id).limit(1))
    _copy(tx, candidate, CANDIDATES, lambda number: {"candidate_no": f"C{number:020}", "id_number": f"X{number:017}"})
    message = tx.one(select(Notification).order_by(Notification.id).limit(1))
    done = {"delivery_state": DeliveryState.DELIVERED, "task_code": None, "is_stale": False, "digest_on": None}
    done |= {"next_reminder_at": None, "next_escalation_at": None, "chat_id": 1, "message_id": 1, "lease_until": None}

    def told(number: int) -> dict[str, Any]:
        at = now - DAY - number * DAY / 50
        reply = ReplyState.ACKNOWLEDGED if number % 5 == 0 else ReplyState.NOT_ASKED
        times = dict.fromkeys(("created_at", "not_before", "next_attempt_at", "delivered_at"), at)
        return done | times | {"useful_until": at + DAY, "dedupe_key": f"past:{number}", "reply_state": reply}

    _copy(tx, message, MESSAGES, told)


def _copy(tx: Tx, row: Base, times: int, changed: Callable[[int], dict[str, Any]]) -> None:
    """So many rows like this one but for what is changed; past Tx.insert_all, for some of them are counted."""
    table = row.__table__
    assert isinstance(table, Table)
    like = {column.name: getattr(row, column.name) for column in table.c if column.name != "id"}
    tx.session.execute(table.insert(), [like | changed(number) for number in range(times)])


def _settle() -> None:
    """Whatever is due is done, and nothing waits in the outbox."""
    for _ in range(3):
        _put_away()
        for entry in TIMETABLE:
            entry.body()
    _put_away()


def _put_away() -> None:
    with transaction(SYSTEM) as tx:
        tx.advance_all(Notification, DELIVERY, "suppress")
        tx.update_all(Notification, Notification.is_stale, is_stale=False)


def _on(kind: str, age: str) -> Callable[[Run], None]:
    def run(run: Run) -> None:
        place = _place(run.stage, age)
        os.environ |= {"KAOWU_DATA_DIR": str(place)} | TOKEN
        with copy_of(place, kind) as url, connected(url):
            settings.forget()
            before = _waiting()
            for entry in TIMETABLE:  # once for what is only made the first time
                entry.body()
            costs = [cost(entry.body, MINUTE / entry.seconds) for entry in TIMETABLE]
            costs.append(cost(_look, 1))
            run.seconds, run.figures[CPU], run.figures[STATEMENTS] = map(sum, zip(*costs, strict=True))
            run.answer = _waiting() - before

    return run


def _look() -> None:
    """The outbox's sender for a minute, its pauses left out."""
    asyncio.run(_looking(round(MINUTE / outbox.IDLE_SECONDS)))


async def _looking(times: int) -> None:
    line = Telegram()
    for _ in range(times):
        assert not await outbox.deliver_once(line)


def cost(body: Callable[[], None], times: float) -> tuple[float, float, float]:
    """(seconds, CPU milliseconds, SQL statements) of so many runs; fewer than one is a part of one."""
    runs, said = max(1, round(times)), [0]

    def count(*_: Any) -> None:
        said[0] += 1

    event.listen(db.engine(), "before_cursor_execute", count)
    begun, worked = time.perf_counter(), time.process_time()
    for _ in range(runs):
        body()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    event.remove(db.engine(), "before_cursor_execute", count)
    share = times / runs
    return share * seconds, share * cpu * 1_000, share * said[0]


def _waiting() -> int:
    with reading() as session:
        return session.scalar(select(func.count(Notification.id)).where(Notification.delivered_at.is_(None))) or 0
