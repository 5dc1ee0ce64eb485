"""The bot at work: the demo's small world, a Bot API over real HTTP, and the running bot between them."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx._transports.default as httpx_transports
import psycopg
import pytest
from sqlalchemy import create_engine, select

from bot import app
from bot.simulator.people import Persona
from core import clock, db
from core.actors import SYSTEM, Actor
from core.db import Tx, reading, transaction
from core.demo.cast import PEOPLE
from core.demo.world import World
from core.gateways.telegram import Telegram
from core.models.accounts import UserAccount
from core.models.records import Notification
from core.models.registry import metadata
from core.notifications.pilots import ApplicationDecided
from core.notifications.render import chat_text, sealed
from core.queries.bindings import waiting_binding
from core.rules.notices import DELIVERY, DeliveryState
from core.usecases import notices
from core.usecases.bindings import confirm_binding
from tests.conftest import NOWHERE, PATIENCE, postgres_database, settle
from tests.core.sheets.conftest import BORN, build_world
from tests.fakes import RunningBotApi, running_bot_api

STRANGER = 1099


@dataclass(slots=True)
class Chat:
    """One bot among its people; people are named by their login."""

    telegram: RunningBotApi
    world: World

    # -- people ----------------------------------------------------------------------------------------------------

    def user(self, login: str) -> int:
        """The Telegram user id of one of the cast, or of the stranger."""
        return next((p.telegram for p in PEOPLE if p.login == login and p.telegram), STRANGER)

    def heard(self, login: str) -> list[dict[str, Any]]:
        """What the bot has written to a person, oldest first."""
        return [m for m in self.telegram.api.history(self.user(login)) if m["from"]["is_bot"]]

    def last(self, login: str) -> str:
        """The newest text of the bot."""
        return str(self.heard(login)[-1]["text"])

    def labels(self, login: str, message_id: int | None = None) -> list[str]:
        """The words on the keys of a message."""
        return [key["text"] for key in self.telegram.api.buttons(self.user(login), message_id)]

    async def says(self, login: str, text: str) -> str:
        """Write to the bot and wait for its answer; the first text of it."""
        before = len(self.heard(login))
        self.telegram.api.user_sends_text(self.user(login), text)
        await self.until(lambda: len(self.heard(login)) > before)
        return str(self.heard(login)[before]["text"])

    async def sends(self, login: str, name: str, content: bytes, **options: Any) -> int:
        """Send a file to the bot and wait for its answer; the id of its first message."""
        before = len(self.heard(login))
        self.telegram.api.user_sends_document(self.user(login), name, content, **options)
        await self.until(lambda: len(self.heard(login)) > before)
        return int(self.heard(login)[before]["message_id"])

    async def presses(self, login: str, message_id: int, key: str, *, stale: bool = False) -> str:
        """Press a key, wait until the press is answered; the answer's words."""
        press = self.telegram.api.user_presses(self.user(login), message_id, key, stale=stale)
        return await self.answer(press)

    async def answer(self, press: str) -> str:
        """The words a press was answered with."""
        answered = await asyncio.to_thread(self.telegram.api.press_answer, press, PATIENCE)
        assert answered is not None, "the key is still spinning"
        return str(answered["text"])

    async def until(self, truth: Callable[[], Any]) -> Any:
        """Wait for something to become true, in the chat or in the rows."""
        async with asyncio.timeout(PATIENCE):
            while not (found := truth()):  # noqa: ASYNC110 - rows send no events
                await asyncio.sleep(0.01)
        return found

    async def reads(self, login: str, message_id: int, words: str) -> str:
        """Wait until a message says something; its text."""
        await self.until(lambda: words in self.text(login, message_id))
        return self.text(login, message_id)

    def text(self, login: str, message_id: int) -> str:
        """A message as it stands."""
        return next(str(m["text"]) for m in self.heard(login) if m["message_id"] == message_id)

    def data(self, login: str, message_id: int, key: str) -> str:
        """What a key carries."""
        keys = self.telegram.api.buttons(self.user(login), message_id)
        return next(str(k["callback_data"]) for k in keys if k["text"] == key)

    # -- rows ------------------------------------------------------------------------------------------------------

    def account(self, login: str) -> int:
        """The id of an account."""
        with reading() as session:
            return session.scalars(select(UserAccount.id).where(UserAccount.login == login)).one()

    def notice(self, login: str, kind: str, thing_id: int | None = None) -> Notification:
        """The newest message of a kind told to a person."""
        wanted = select(Notification).where(Notification.account_id == self.account(login), Notification.kind == kind)
        if thing_id is not None:
            wanted = wanted.where(Notification.thing_id == thing_id)
        with reading() as session:
            row = session.scalars(wanted.order_by(Notification.id.desc()).limit(1)).one()
            session.expunge(row)
            return row

    def again(self, row: Notification) -> Notification:
        """The same row as it is now."""
        with reading() as session:
            found = session.get_one(Notification, row.id)
            session.expunge(found)
            return found

    async def gets(self, login: str, kind: str, thing_id: int | None = None) -> tuple[Notification, int]:
        """Deliver a message as the sender does; the row and the id of its copy in the chat."""
        row = self.notice(login, kind, thing_id)
        with reading() as session:
            held = session.get_one(Notification, row.id)
            rendered = chat_text(session, held, clock.now())
            keys = sealed(rendered.keys, rendered.about, self.user(login))
        async with Telegram() as line:
            sent = await line.send(self.user(login), rendered.text, keys)
        assert sent.message_id is not None, sent.why
        self.do(lambda tx: _delivered(tx, row.id, self.user(login), sent.message_id or 0))
        return self.again(row), sent.message_id

    def do(self, verb: Callable[[Tx], Any]) -> Any:
        """A verb of the system."""
        with transaction(SYSTEM) as tx:
            return verb(tx)

    async def gets_decision(self, login: str) -> tuple[Notification, int]:
        """A fresh message that asks for 已知悉 and nothing else; a colleague of the same college gets it too."""
        old = self.notice(login, ApplicationDecided.kind)
        self.do(lambda tx: tx.notify(ApplicationDecided(_application(old), True, "", round=99)))
        return await self.gets(login, ApplicationDecided.kind)

    # -- the process -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The bot as `kaowu bot` runs it; leaving stops it cleanly, all handlers at their end."""
        stop = asyncio.Event()
        polls = self.telegram.api.polls
        bot = asyncio.create_task(app.run(stop))
        try:
            await self.until(lambda: bot.done() or self.telegram.api.polls > polls)
            yield
        finally:
            stop.set()
            await bot


def _application(row: Notification) -> int:
    return int(json.loads(row.facts)["application_id"])


def _delivered(tx: Tx, notification_id: int, chat_id: int, message_id: int) -> None:
    row = tx.get(Notification, notification_id)
    if row.delivery_state is not DeliveryState.DELIVERED:
        tx.advance(row, DELIVERY, "claim")
        notices.mark_delivered(tx, notification_id=row.id, chat_id=chat_id, message_id=message_id)


def confirm_new_chat(tx: Tx, account_id: int) -> None:
    """The operator's word for somebody's new phone, at the command line."""
    waiting = waiting_binding(tx.session, account_id)
    assert waiting is not None
    tx.actor = Actor("operator", frozenset({"admin"}), is_system=True)
    confirm_binding(tx, account_id=account_id, binding_id=waiting.id)


def later(**step: float) -> Any:
    """`with later(minutes=11):` the clock stands so much later."""
    return clock.pinned(clock.now() + timedelta(**step))


@pytest.fixture(scope="module", autouse=True)
def one_tls_context() -> Iterator[None]:
    """Nothing of the bot's tests speaks TLS, and reading the certificates for every line to Telegram takes 50 ms."""
    made = httpx_transports.create_ssl_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx_transports, "create_ssl_context", lambda **_: made)
        yield


@pytest.fixture(scope="session")
def built(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """A data directory with the world in it; tests take copies."""
    folder = tmp_path_factory.mktemp("bot_world")
    shutil.copyfile(sqlite_template, folder / "kaowu.db")
    return folder, build_world(f"sqlite:///{folder / 'kaowu.db'}", folder)


@pytest.fixture(scope="session")
def built_on_postgres(
    built: tuple[Path, World], postgres_template: str, postgres_server: psycopg.Connection[Any]
) -> Iterator[tuple[str, World]]:
    """A PostgreSQL database with the rows of that world in it; tests take copies."""
    folder, world = built
    name = f"{postgres_template}_bot"
    with postgres_database(postgres_server, name, postgres_template) as url:
        pour(f"sqlite:///{folder / 'kaowu.db'}", url)
        yield name, world


def pour(source: str, target: str) -> None:
    """Every row of a SQLite database into an equally migrated PostgreSQL one: building the world anew takes longer."""
    old, new = create_engine(source), create_engine(target)
    with old.connect().execution_options(write=False) as reader, new.begin() as writer:
        writer.exec_driver_sql("SET session_replication_role = replica")  # the trail is append-only, tables have order
        for table in metadata.sorted_tables:
            writer.execute(table.delete())
            rows = [dict(row) for row in reader.execute(select(table)).mappings()]
            if rows:
                writer.execute(table.insert(), rows)
            newest = f'(SELECT coalesce(max(id), 0) + 1 FROM "{table.name}")'
            writer.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {newest}, false)")
    old.dispose()
    new.dispose()


@pytest.fixture
def chat(
    built: tuple[Path, World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_settings: None
) -> Iterator[Chat]:
    """The world for this test alone at its birth, Telegram beside it; start the bot with chat.running()."""
    folder, world = built
    shutil.copyfile(folder / "kaowu.db", tmp_path / "kaowu.db")
    with beside_telegram(monkeypatch, world, f"sqlite:///{tmp_path / 'kaowu.db'}", tmp_path) as ready:
        yield ready


@pytest.fixture
def chat_on_postgres(
    built_on_postgres: tuple[str, World],
    postgres_server: psycopg.Connection[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own_settings: None,
) -> Iterator[Chat]:
    """The same on PostgreSQL, where writers meet."""
    source, world = built_on_postgres
    with (
        postgres_database(postgres_server, f"{source}_one", source) as url,
        beside_telegram(monkeypatch, world, url, tmp_path) as ready,
    ):
        yield ready


@pytest.fixture(
    params=["chat", pytest.param("chat_on_postgres", marks=pytest.mark.postgres)], ids=["sqlite", "postgres"]
)
def any_chat(request: pytest.FixtureRequest) -> Chat:
    """The chat once per kind of database; for races."""
    found: Chat = request.getfixturevalue(request.param)
    return found


@contextmanager
def beside_telegram(
    monkeypatch: pytest.MonkeyPatch, world: World, url: str, data_dir: Path, **options: Any
) -> Iterator[Chat]:
    """A database and a Bot API of its own (made with options), the clock standing at the birth of the world."""
    people = [Persona(p.telegram, p.name) for p in PEOPLE if p.telegram] + [Persona(STRANGER, "新同事")]
    with running_bot_api(people, **options) as telegram:
        monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", telegram.token)
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", telegram.root)
        settle(monkeypatch, url, data_dir)
        with clock.pinned(BORN):
            yield Chat(telegram, world)
        db.configure(NOWHERE)
