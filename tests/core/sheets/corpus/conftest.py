"""One world for the whole corpus: dry runs leave it as it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import clock, db, settings
from core.demo.world import World
from tests.conftest import NOWHERE, settle
from tests.core.sheets.conftest import BORN


@pytest.fixture(scope="module")
def standing_world(sqlite_world: tuple[Path, World], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world on SQLite, its clock standing at its birth, for every test of a module."""
    source, world = sqlite_world
    home = tmp_path_factory.mktemp("corpus")
    shutil.copyfile(source, home / "kaowu.db")
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, f"sqlite:///{home / 'kaowu.db'}", home)
        with clock.pinned(BORN):
            yield world
    db.configure(NOWHERE)
    settings.forget()
