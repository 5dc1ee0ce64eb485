"""The ground every test stands on: a database of its own, a clock that obeys, and no way out to the internet.

- `database`: a migrated SQLite database for this test alone, already configured; the value is its address.
- `any_database`: the same, once on SQLite and once on PostgreSQL; for races, constraints and SQL that might differ.
- `at`: stop the clock, `at("2026-05-20 09:00")` in business time or with an aware datetime; call again to move on.
- `--require=postgres,browser`: what may otherwise be skipped for want of a server or a browser must run.

Migrations run once a session; each test gets a copy of the result.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from sqlalchemy import make_url

from core import clock, db, settings

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
PATIENCE = 60  # seconds for what another thread or process does in its own time, on a machine busy with other tests
NOWHERE = "sqlite://"  # an empty database in memory: a test that asked for none finds no tables


# -- what may be missing on this machine ----------------------------------------------------------------------------


@lru_cache(maxsize=1)
def postgres_trouble() -> str:
    """Why PostgreSQL cannot be used here; empty when it answers."""
    try:
        with psycopg.connect(POSTGRES_URL, connect_timeout=3):
            return ""
    except psycopg.Error as error:
        first = str(error).strip().splitlines()[0]
        return f"no PostgreSQL answers ({first}); start one or point TEST_POSTGRES_URL at one"


@lru_cache(maxsize=1)
def browser_trouble() -> str:
    """Why no browser can be used here; empty when there is one."""
    return "" if chromium_path() else "no Chromium on PATH; on Debian and Ubuntu: apt install chromium"


def chromium_path() -> str | None:
    """The browser the system has; playwright's own download is not relied on."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


OPTIONAL: dict[str, Callable[[], str]] = {"postgres": postgres_trouble, "browser": browser_trouble}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require", default="", metavar="NAMES", help="comma list of what must not be skipped: postgres,browser"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RAN] = dict.fromkeys(OPTIONAL, 0)
    config.pluginmanager.register(_Tally(config), "what-ran")
    strangers = set(required(config)) - set(OPTIONAL)
    if strangers:
        raise pytest.UsageError(
            f"--require does not know {', '.join(sorted(strangers))}; it knows {', '.join(OPTIONAL)}"
        )


def required(config: pytest.Config) -> list[str]:
    """Names given to --require."""
    return [name.strip() for name in config.getoption("--require").split(",") if name.strip()]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, trouble in OPTIONAL.items():
        if item.get_closest_marker(name) is None or not trouble():
            continue
        if name in required(item.config):
            pytest.fail(f"--require={name}, but {trouble()}", pytrace=False)
        pytest.skip(trouble())


RAN: pytest.StashKey[dict[str, int]] = pytest.StashKey()


class _Tally:
    """Counts what ran; with several workers their reports come together in the process that started them."""

    def __init__(self, config: pytest.Config) -> None:
        self.ran = config.stash[RAN]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and not report.skipped:
            for name in OPTIONAL:
                self.ran[name] += name in report.keywords


def never_ran(config: pytest.Config) -> list[str]:
    """Required names of which not a single test ran: a suite that lost them must not look green.

    One worker of several has only a part of the suite, and nothing to say about the whole.
    """
    if hasattr(config, "workerinput"):
        return []
    return [name for name in required(config) if not config.stash[RAN][name]]


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    if never_ran(session.config) and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for name in never_ran(config):
        terminalreporter.write_line(f"FAILED --require={name}: not one {name} test ran", red=True)


def comes_true(truth: Callable[[], Any]) -> bool:
    """Wait for what another thread or process does in its own time."""
    give_up = time.monotonic() + PATIENCE
    while not (found := truth()) and time.monotonic() < give_up:
        time.sleep(0.01)
    return bool(found)


# -- no way out -----------------------------------------------------------------------------------------------------


def is_local(host: Any) -> bool:
    """Loopback by name or number, or no host at all."""
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def no_way_out() -> Iterator[None]:
    """Loopback and unix sockets work; any other address, and any name to be looked up, is a failing test."""
    patch = pytest.MonkeyPatch()

    def guarded(call: Any) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
                raise AssertionError(f"a test wanted to connect to {address[0]}")
            return call(self, address)

        return connect

    look_up = socket.getaddrinfo

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_local(host):
            raise AssertionError(f"a test wanted to look up {host}")
        return look_up(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


# -- settings and clock ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def spare_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tests that asked for no database keep what the product insists on writing (a secret key)."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, spare_data_dir: Path) -> Iterator[None]:
    """No setting of this machine reaches a test, and no file of a test reaches the project's folder."""
    for name in [name for name in os.environ if name.startswith(settings.PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KAOWU_DATA_DIR", str(spare_data_dir))
    monkeypatch.setenv("KAOWU_LOGIN_CAPTCHA", "after_failure")
    monkeypatch.setenv("KAOWU_SECOND_FACTOR", "offered")
    settings.forget()
    clock.configure()
    yield
    settings.forget()
    clock.configure()


@pytest.fixture
def at() -> Iterator[Callable[[datetime | str], datetime]]:
    """Stop the clock at an instant and return it, aware; a text is business time: at("2026-05-20 09:00")."""
    stopped: time_machine.Traveller | None = None
    travel: time_machine.travel | None = None

    def stop(moment: datetime | str) -> datetime:
        nonlocal stopped, travel
        instant = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=clock.zone())
        # moved as a bare timestamp, or time-machine would change the machine's zone as well
        if stopped is None:
            travel = time_machine.travel(instant.timestamp(), tick=False)
            stopped = travel.start()
        else:
            stopped.move_to(instant.timestamp(), tick=False)
        return instant

    yield stop
    if travel is not None:
        travel.stop()


# -- databases ------------------------------------------------------------------------------------------------------


def migrate(url: str) -> None:
    """Run the real migrations, then let go of the database so that it can be copied."""
    db.configure(url)
    db.upgrade()
    db.configure(NOWHERE)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file."""
    path = tmp_path_factory.mktemp("template") / "kaowu.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[psycopg.Connection[Any]]:
    """A connection that makes and drops databases."""
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def postgres_template(postgres_server: psycopg.Connection[Any]) -> Iterator[str]:
    """The name of a migrated, empty PostgreSQL database."""
    name = f"kaowu_test_{os.getpid()}"
    with postgres_database(postgres_server, name, "template0") as url:
        migrate(url)
        yield name


@contextmanager
def postgres_database(server: psycopg.Connection[Any], name: str, template: str) -> Iterator[str]:
    """A PostgreSQL database copied from a template, dropped at the end whoever still holds it."""
    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" ENCODING \'UTF8\'')
    try:
        yield make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)
    finally:
        db.configure(NOWHERE)
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def settle(monkeypatch: pytest.MonkeyPatch, url: str, data_dir: Path) -> None:
    """Point the settings, and with them every thread and subprocess of this test, at its database."""
    monkeypatch.setenv("KAOWU_DATABASE_URL", url)
    monkeypatch.setenv("KAOWU_DATA_DIR", str(data_dir))
    settings.forget()
    db.configure(url)


@pytest.fixture
def database(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_settings: None
) -> Iterator[str]:
    """A migrated SQLite database for this test alone; returns its address."""
    shutil.copyfile(sqlite_template, tmp_path / "kaowu.db")
    url = f"sqlite:///{tmp_path / 'kaowu.db'}"
    settle(monkeypatch, url, tmp_path)
    yield url
    db.configure(NOWHERE)


@pytest.fixture
def postgres(
    postgres_template: str,
    postgres_server: psycopg.Connection[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own_settings: None,
) -> Iterator[str]:
    """A migrated PostgreSQL database for this test alone (mark the test `postgres`); returns its address."""
    with postgres_database(postgres_server, f"{postgres_template}_one", postgres_template) as url:
        settle(monkeypatch, url, tmp_path)
        yield url


@pytest.fixture(params=["database", pytest.param("postgres", marks=pytest.mark.postgres)], ids=["sqlite", "postgres"])
def any_database(request: pytest.FixtureRequest) -> str:
    """A migrated database for this test alone, once per kind; returns its address."""
    return str(request.getfixturevalue(request.param))
