"""Stored files: found by content, checked when read, never outside their folder."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import settings
from core.errors import FileRefused, NotFound
from core.gateways import storage


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KAOWU_DATA_DIR", str(tmp_path))
    settings.forget()
    return settings.current().files_dir


def test_what_is_put_can_be_read() -> None:
    stored = storage.put(b"certificate", suffix="pdf")

    assert storage.read(stored.key) == b"certificate"
    assert stored.sha256 == hashlib.sha256(b"certificate").hexdigest()
    assert stored.key == f"{stored.sha256[:2]}/{stored.sha256}.pdf"
    assert stored.size == 11
    assert storage.exists(stored.key)


def test_the_same_content_is_stored_once(own_files: Path) -> None:
    assert storage.put(b"same", suffix=".PDF") == storage.put(b"same", suffix="pdf")
    assert len([path for path in own_files.rglob("*") if path.is_file()]) == 1


def test_a_damaged_file_is_refused_and_healed_by_the_next_put(own_files: Path) -> None:
    stored = storage.put(b"certificate", suffix="pdf")
    (own_files / stored.key).write_bytes(b"certificatf")

    with pytest.raises(FileRefused, match="stored_file_damaged"):
        storage.read(stored.key)

    storage.put(b"certificate", suffix="pdf")
    assert storage.read(stored.key) == b"certificate"


@pytest.mark.parametrize(
    "key",
    [
        "../kaowu.db", "/etc/passwd", "ab/../../kaowu.db", "ab", "", "ab/" + "a" * 64 + ".pdf/../x",
        "aa/" + "b" * 64 + ".pdf", "aa/" + "a" * 64, "aa/" + "a" * 64 + ".pdf\n", "aa/" + "a" * 64 + "./pdf",
        "aa\\" + "a" * 64 + ".pdf",
    ],
)  # fmt: skip
def test_no_key_leads_out_of_the_folder(key: str, tmp_path: Path) -> None:
    (tmp_path / "kaowu.db").write_bytes(b"secret")

    with pytest.raises(NotFound, match="file_missing"):
        storage.read(key)
    with pytest.raises(NotFound, match="file_missing"):
        storage.exists(key)


def test_an_unknown_key_is_not_found() -> None:
    with pytest.raises(NotFound, match="file_missing"):
        storage.read("aa/" + "a" * 64 + ".pdf")


@pytest.mark.parametrize("suffix", ["", "../pdf", "p/df", "p d f", "abcdefghi", "pdf\n"])
def test_a_strange_suffix_is_refused(suffix: str, own_files: Path) -> None:
    with pytest.raises(FileRefused, match="file_suffix"):
        storage.put(b"x", suffix=suffix)
    assert not own_files.exists()


def test_a_crash_while_writing_leaves_nothing(own_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", no_space)

    with pytest.raises(OSError, match="no space"):
        storage.put(b"x", suffix="pdf")
    assert not [path for path in own_files.rglob("*") if path.is_file()]


def test_many_at_once_store_one_whole_file(own_files: Path) -> None:
    data = bytes(200_000)
    with ThreadPoolExecutor(8) as pool:
        keys = {stored.key for stored in pool.map(lambda _: storage.put(data, suffix="jpg"), range(16))}

    assert [storage.read(key) for key in keys] == [data]
    assert len([path for path in own_files.rglob("*") if path.is_file()]) == 1
