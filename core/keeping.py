"""Backups: the database as one consistent copy, the stored files, the keys; all in one archive, or nothing."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from core import db, settings
from core.errors import FileRefused, NotReady

_DATABASE = "kaowu.db"
_KEPT = ("files", "seal", "secret.key")


def back_up(target: Path) -> int:
    """Write the archive and return its size in bytes; NotReady on PostgreSQL, which has its own tools."""
    engine = db.engine()
    if engine.dialect.name != "sqlite":
        raise NotReady("backup_needs_sqlite")
    folder = settings.current().data_dir
    draft = target.with_name(f".{target.name}.part")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / _DATABASE
        with engine.connect().execution_options(write=False, isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("VACUUM INTO ?", (str(copy),))
            connection.exec_driver_sql("BEGIN")
        with tarfile.open(draft, "w:gz") as archive:
            archive.add(copy, _DATABASE)
            for name in _KEPT:
                if (folder / name).exists():
                    archive.add(folder / name, name)
    draft.replace(target)
    return target.stat().st_size


def bring_back(archive: Path) -> None:
    """Unpack into an empty data directory; FileRefused for anything that is not such an archive."""
    folder = settings.current().data_dir
    if folder.exists() and any(folder.iterdir()):
        raise NotReady("restore_needs_empty", folder=folder)
    try:
        with tarfile.open(archive, "r:gz") as packed:
            if _DATABASE not in packed.getnames():
                raise FileRefused("backup_unreadable")
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:  # half an archive must not stand in the way
                packed.extractall(scratch, filter="data")
                for item in Path(scratch).iterdir():
                    item.replace(folder / item.name)
    except (tarfile.TarError, EOFError, OSError):
        raise FileRefused("backup_unreadable") from None
