"""Backup and restore: what comes back is what was there, keys and files included, or nothing at all."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from core import db, settings
from core.actors import SYSTEM
from core.db import reading, transaction
from core.errors import FileRefused, NotReady, Refusal
from core.gateways import storage
from core.keeping import back_up, bring_back
from core.models.certificates import Certificate
from core.models.organisations import RegionName
from core.queries.reconcile import reconcile, verify_chain
from tests.conftest import settle
from tests.factories import Years, census, count, moment, rows

At = Callable[[datetime | str], datetime]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Point everything at an empty data directory, as on another machine."""

    def move() -> Path:
        folder = tmp_path / "other machine"
        settle(monkeypatch, f"sqlite:///{folder / 'kaowu.db'}", folder)
        db.configure("sqlite://")
        return folder

    return move


def test_a_restored_backup_is_what_was_backed_up(
    years: Years, at: At, tmp_path: Path, elsewhere: Callable[[], Path]
) -> None:
    years("issued")
    at(moment("issued"))
    key, before = settings.secret_key(), census()
    archive = tmp_path / "kaowu.tar.gz"
    assert back_up(archive) == archive.stat().st_size > 10_000
    elsewhere()
    bring_back(archive)
    settings.forget()
    db.configure()
    assert census() == before
    assert settings.secret_key() == key
    for certificate in rows(select(Certificate)):
        assert storage.read(certificate.storage_key).startswith(b"%PDF")
    with reading() as session:
        assert verify_chain(session).broken_at is None
        assert not [law for law in reconcile(session) if law.broken]
    db.upgrade()
    with transaction(SYSTEM) as tx:
        tx.add(RegionName(code="550100", name="某市"))


def test_a_backup_taken_while_somebody_works_holds_what_was_finished(
    years: Years, at: At, tmp_path: Path, elsewhere: Callable[[], Path]
) -> None:
    years("sited")
    at(moment("sited"))
    archive = tmp_path / "kaowu.tar.gz"
    with transaction(SYSTEM) as tx:
        tx.add(RegionName(code="550100", name="某市"))
        back_up(archive)
    assert count(RegionName) == 2
    elsewhere()
    bring_back(archive)
    settings.forget()
    db.configure()
    assert count(RegionName) == 1


def test_a_backup_replaces_an_older_one_only_when_it_is_whole(years: Years, at: At, tmp_path: Path) -> None:
    years("sited")
    archive = tmp_path / "kaowu.tar.gz"
    archive.write_bytes(b"older")
    back_up(archive)
    assert tarfile.is_tarfile(archive)
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_nothing_is_restored_over_a_data_directory_in_use(years: Years, tmp_path: Path) -> None:
    years("sited")
    archive = tmp_path / "kaowu.tar.gz"
    back_up(archive)
    before = census()
    with pytest.raises(NotReady) as caught:
        bring_back(archive)
    assert caught.value.sentence_code == "restore_needs_empty"
    assert census() == before


def _tar(**members: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an archive",
        _tar(readme=b"x"),
        _tar(**{"kaowu.db": b"x", "../outside.txt": b"x"}),
        _tar(**{"kaowu.db": b"x", "/etc/outside.txt": b"x"})[:-30],
        _tar(**{"kaowu.db": b"x" * 5_000})[:60],
    ],
    ids=["empty", "text", "no database", "a way out", "cut short", "hardly begun"],  # an archive's bytes hold the time
)
def test_something_else_than_a_backup_is_refused_and_leaves_nothing_outside(
    content: bytes, tmp_path: Path, elsewhere: Callable[[], Path]
) -> None:
    archive = tmp_path / "kaowu.tar.gz"
    archive.write_bytes(content)
    folder = elsewhere()
    with pytest.raises(FileRefused) as caught:
        bring_back(archive)
    assert caught.value.sentence_code == "backup_unreadable"
    assert not (tmp_path / "outside.txt").exists()
    assert not list(folder.glob("**/*")), "half a backup would stand in the way of the next try"


def test_a_backup_that_is_not_there_is_refused(tmp_path: Path, elsewhere: Callable[[], Path]) -> None:
    elsewhere()
    with pytest.raises(Refusal):
        bring_back(tmp_path / "nothing.tar.gz")


@pytest.mark.postgres
def test_postgresql_has_its_own_tools(postgres_years: Years, tmp_path: Path) -> None:
    postgres_years("set_up")
    with pytest.raises(NotReady) as caught:
        back_up(tmp_path / "kaowu.tar.gz")
    assert caught.value.sentence_code == "backup_needs_sqlite"
