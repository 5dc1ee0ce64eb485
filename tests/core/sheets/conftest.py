"""The demo's small world behind the desk: built once a session and database, copied for every test that asks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core import clock, db, settings
from core.demo import world as demo
from core.demo.world import World
from core.gateways.seal import LocalSealer
from tests.conftest import NOWHERE, postgres_database, settle

BORN = datetime.fromisoformat("2026-05-20T09:00:00+08:00")


def build_world(url: str, data_dir: Path) -> World:
    """The demo as it stands on 20 May 2026, 09:00, sixteen candidates a college."""
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, url, data_dir)
        with clock.pinned(BORN):
            world = demo.build(LocalSealer(), verify_base="http://127.0.0.1:8000", scale=0.2)
    db.configure(NOWHERE)
    settings.forget()
    return world


@pytest.fixture(scope="session")
def sqlite_world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """A SQLite file with the world in it; tests take copies."""
    path = tmp_path_factory.mktemp("world") / "kaowu.db"
    shutil.copyfile(sqlite_template, path)
    world = build_world(f"sqlite:///{path}", path.parent)
    return path, world


@pytest.fixture(scope="session")
def postgres_world(
    postgres_template: str, postgres_server: psycopg.Connection[Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, World]]:
    """A PostgreSQL database with the world in it; tests take copies."""
    name = f"{postgres_template}_world"
    with postgres_database(postgres_server, name, postgres_template) as url:
        yield name, build_world(url, tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(
    sqlite_world: tuple[Path, World],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own_settings: None,
    at: Callable[[datetime], datetime],
) -> Iterator[World]:
    """The world on SQLite, for this test alone, the clock standing at its birth."""
    source, world = sqlite_world
    shutil.copyfile(source, tmp_path / "kaowu.db")
    settle(monkeypatch, f"sqlite:///{tmp_path / 'kaowu.db'}", tmp_path)
    at(BORN)
    yield world
    db.configure(NOWHERE)


@pytest.fixture
def on_postgres(
    postgres_world: tuple[str, World],
    postgres_server: psycopg.Connection[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own_settings: None,
    at: Callable[[datetime], datetime],
) -> Iterator[World]:
    """The world on PostgreSQL, for this test alone."""
    source, world = postgres_world
    with postgres_database(postgres_server, f"{source}_one", source) as url:
        settle(monkeypatch, url, tmp_path)
        at(BORN)
        yield world


@pytest.fixture(params=["world", pytest.param("on_postgres", marks=pytest.mark.postgres)], ids=["sqlite", "postgres"])
def any_world(request: pytest.FixtureRequest) -> World:
    """The world once per kind of database."""
    found: World = request.getfixturevalue(request.param)
    return found
