"""Stored files: found by their content, written whole or not at all, checked whenever they are read."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core import settings
from core.errors import FileRefused, NotFound

_KEY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})\.([a-z0-9]{1,8})")
_SUFFIX = re.compile(r"[a-z0-9]{1,8}")


class FileDamaged(FileRefused):
    """What is stored is not what was stored; facts: key."""

    code = "stored_file_damaged"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """key is what a row keeps (ab/abcdef….pdf), sha256 hexadecimal, size in bytes."""

    key: str
    sha256: str
    size: int


def put(data: bytes, *, suffix: str) -> StoredFile:
    """Keep data for good; the same content is stored once. suffix like pdf or .pdf, letters and digits only."""
    ending = suffix.removeprefix(".").lower()
    if not _SUFFIX.fullmatch(ending):
        raise FileRefused("file_suffix", suffix=suffix)
    digest = hashlib.sha256(data).hexdigest()
    stored = StoredFile(f"{digest[:2]}/{digest}.{ending}", digest, len(data))
    target = _place(stored.key)
    if not _is_whole(target, digest):
        _write(target, data)
    return stored


def read(key: str) -> bytes:
    """The content of a key that put() gave; NotFound without one, FileDamaged if the bytes no longer fit their name."""
    place = _place(key)
    try:
        data = place.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound("file_missing", key=key) from None
    if hashlib.sha256(data).hexdigest() != place.stem:
        raise FileDamaged(key=key)
    return data


def exists(key: str) -> bool:
    """True if the key is there; says nothing about its health."""
    return _place(key).is_file()


def _place(key: str) -> Path:
    """Where a key lives; anything that put() could not have given is refused, so no path comes from outside."""
    if not _KEY.fullmatch(key):
        raise NotFound("file_missing", key=key[:80])
    return settings.current().files_dir / key


def _is_whole(place: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(place.read_bytes()).hexdigest() == digest
    except FileNotFoundError:
        return False


def _write(target: Path, data: bytes) -> None:
    """To a draft beside the target, to the disk, then under its name in one step: a crash leaves no half file."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".draft-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system knows how."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
