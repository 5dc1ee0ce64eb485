"""The gate: what an uploaded file must survive before anything opens it. Sizes are measured, never believed."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from core.errors import FileRefused

MB = 1024 * 1024
WORKBOOK_BYTES = 20 * MB
INFLATED_BYTES = 160 * MB  # some 200,000 rows of ten columns, however wordy their XML
ENTRIES = 1_000
CHUNK = 256 * 1024

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_MACRO_SUFFIXES = frozenset({".xlsm", ".xltm", ".xlsb", ".xlam", ".xla"})
_LOCAL_HEADER = 30
_XLS_START = b"\x09\x08\x10\x00\x00\x06\x05\x00"  # BOF of the workbook, BIFF8
_XLS_FIRST_RECORD, _XLS_FILE_PASS = 20, b"\x2f\x00"


def load(source: bytes | Path, *, limit: int) -> bytes:
    """The bytes of an upload; refused when empty or larger than limit, a file before it is read."""
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if size == 0:
        raise FileRefused("file_empty")
    if size > limit:
        raise FileRefused("file_too_large", size_mb=-(-size // MB), limit_mb=limit // MB)
    return source.read_bytes() if isinstance(source, Path) else source


def is_zip(data: bytes) -> bool:
    """True where the content is a zip archive: an .xlsx, whatever it is called."""
    return data.startswith(_ZIP)


def suffix_of(file_name: str) -> str:
    """ ".xlsx" of 学生.XLSX; "" where there is none."""
    return PurePosixPath(file_name.strip()).suffix.lower()


def require_workbook_name(file_name: str) -> None:
    """FileRefused for a name no workbook we take has (R-296); the content is not known yet."""
    suffix = suffix_of(file_name)
    if suffix in _MACRO_SUFFIXES:
        raise FileRefused("file_with_macros", rule="R-296")
    if suffix not in {".xls", ".xlsx"}:
        raise FileRefused("file_is_csv" if suffix in {".csv", ".txt"} else "file_kind", rule="R-296", suffix=suffix)


def require_workbook(data: bytes, *, file_name: str) -> None:
    """An .xls or .xlsx (R-296) without password, macros or bombs; what it is, its content decides, not its name."""
    require_workbook_name(file_name)
    if data.startswith(_OLE):
        _require_plain_ole(data)
    elif is_zip(data):
        _require_plain_package(data)
    else:
        raise FileRefused("file_not_excel", rule="R-296")


def _require_plain_ole(data: bytes) -> None:
    """Names in an OLE directory are UTF-16: a locked .xlsx is an EncryptedPackage, a macro lives in _VBA_PROJECT.

    A locked .xls says so in the record after its first one.
    """
    after_first = data.find(_XLS_START) + _XLS_FIRST_RECORD
    if "EncryptedPackage".encode("utf-16-le") in data or data[after_first : after_first + 2] == _XLS_FILE_PASS:
        raise FileRefused("file_encrypted")
    if "_VBA_PROJECT".encode("utf-16-le") in data:
        raise FileRefused("file_with_macros", rule="R-296")


def _require_plain_package(data: bytes) -> None:
    with open_zip(data) as archive:
        names = {name.lower() for name in archive.namelist()}
        if "xl/workbook.xml" not in names:
            raise FileRefused("file_not_excel", rule="R-296")
        if any(name.endswith("vbaproject.bin") for name in names):
            raise FileRefused("file_with_macros", rule="R-296")


def open_zip(data: bytes, *, entries: int = ENTRIES, inflated: int = INFLATED_BYTES) -> zipfile.ZipFile:
    """The archive, if it is whole and its own table promises no more than these limits."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error):
        raise FileRefused("file_damaged") from None
    if len(archive.infolist()) > entries:
        raise FileRefused("zip_too_many_entries", limit=entries)
    if sum(entry.file_size for entry in archive.infolist()) > inflated:
        raise FileRefused("zip_inflates", limit_mb=inflated // MB)
    return archive


def inflate(data: bytes, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Every byte an entry really holds, in chunks; zipfile itself would stop at the size the entry claims to have."""
    try:
        start = _start_of(data, entry)
        packed = memoryview(data)[start : start + entry.compress_size]
        if entry.compress_type == zipfile.ZIP_STORED:
            yield from (bytes(packed[at : at + CHUNK]) for at in range(0, len(packed), CHUNK))
        elif entry.compress_type == zipfile.ZIP_DEFLATED:
            yield from _inflate(packed)
        else:
            raise FileRefused("file_damaged")
    except (zlib.error, struct.error):
        raise FileRefused("file_damaged") from None


def unpacked_at(data: bytes, entry: zipfile.ZipInfo) -> int | None:
    """Where the bytes of an entry that could be read lie as they are; None where they are packed."""
    return _start_of(data, entry) if entry.compress_type == zipfile.ZIP_STORED else None


def _start_of(data: bytes, entry: zipfile.ZipInfo) -> int:
    name, extra = struct.unpack_from("<HH", data, entry.header_offset + 26)
    return int(entry.header_offset + _LOCAL_HEADER + name + extra)


def _inflate(packed: memoryview) -> Iterator[bytes]:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    for at in range(0, len(packed), CHUNK):
        waiting: bytes | memoryview = packed[at : at + CHUNK]
        while waiting and not engine.eof:
            yield engine.decompress(waiting, CHUNK)
            waiting = engine.unconsumed_tail
