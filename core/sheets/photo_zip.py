"""A zip of candidates' photos, each named after an ID number (R-082); nothing is ever unpacked to disk."""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import FileRefused, Refusal, ValueRefused
from core.rules.photo_crops import judge_photo
from core.rules.photos import PHOTO_BYTES, Colour, PhotoFacts
from core.sheets import gate
from core.sheets.gate import MB

ARCHIVE_BYTES = 500 * MB
INFLATED_BYTES = 600 * MB  # photos hardly deflate: 20,000 of 30 KB
ENTRIES = 50_000
MOST_OFFERED = 2_000  # crops made for one archive; who has more scales them before
_CHECKERS = 2  # more gain nothing: opening a picture holds the interpreter
_AT_ONCE = 64  # pictures given to a thread: handing one over costs as much as looking at it
_BYTES_AT_ONCE = 4 * MB  # or fewer, if they are large
_RATIO = 20  # of a whole archive; honest photos stay below 2

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_ARCHIVE_SUFFIXES = frozenset({".zip", ".rar", ".7z", ".gz", ".tar"})
_BY_PRODUCTS = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_LIKE_AN_ID = re.compile("[0-9A-Z]{5,18}")
_BOMB_BEFORE = 10 * MB  # smaller archives may deflate as well as they like


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """One file of the archive, in its order: an ID number and facts, ready to store, or the refusal.

    offer: a crop that would pass, beside the refusal. lies_at: where in the archive the picture to store lies as it is.
    """

    name: str
    id_number: str = ""
    facts: PhotoFacts | None = None
    refusal: Refusal | None = None
    offer: PhotoFacts | None = None
    lies_at: int | None = None


def read_photos(source: bytes | Path, *, file_name: str, background: Colour | None = None) -> Iterator[PhotoFile]:
    """Every photo with its verdict, one at a time; FileRefused, before the first one, for an archive not to be trusted.

    Folders and what macOS and Windows leave behind are passed over; whether an ID number belongs to a candidate is for
    the use case to say.
    """
    if gate.suffix_of(file_name) != ".zip":
        raise FileRefused("file_is_no_zip", rule="R-296", suffix=gate.suffix_of(file_name))
    data = gate.load(source, limit=ARCHIVE_BYTES)
    archive = gate.open_zip(data, entries=ENTRIES, inflated=INFLATED_BYTES)
    files = [(entry, _name(entry)) for entry in archive.infolist() if not entry.is_dir()]
    files = [(entry, name) for entry, name in files if not _BY_PRODUCTS.search(name)]
    _require_honest(files, len(data))
    return _verdicts(data, archive, files, background)


def _require_honest(files: list[tuple[zipfile.ZipInfo, str]], packed: int) -> None:
    if not files:
        raise FileRefused("zip_without_photos")
    if any(_leaves_the_folder(name) for _, name in files):
        raise FileRefused("zip_path_unsafe")
    promised = sum(entry.file_size for entry, _ in files)
    if promised > max(_BOMB_BEFORE, _RATIO * packed):
        raise FileRefused("zip_inflates", limit_mb=INFLATED_BYTES // MB)


def _leaves_the_folder(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/") or re.match("[A-Za-z]:", name) is not None


def _name(entry: zipfile.ZipInfo) -> str:
    """The name as its maker saw it: without the UTF-8 flag, Windows means GBK and macOS UTF-8; "" if unreadable."""
    name = entry.orig_filename
    if not entry.flag_bits & 0x800:
        raw = name.encode("cp437")
        for encoding in ("utf-8", "gbk"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                name = ""
    return name.replace("\\", "/")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file on its way to be looked at: its bytes, or why they are not worth it; lies_at: as in PhotoFile."""

    name: str
    id_number: str = ""
    content: bytes | Refusal = b""
    lies_at: int | None = None


def _verdicts(
    data: bytes, archive: zipfile.ZipFile, files: list[tuple[zipfile.ZipInfo, str]], background: Colour | None
) -> Iterator[PhotoFile]:
    """Read one after another, looked at by several threads (decoding lets go of the interpreter), in the file's order.

    Only so many pictures as the threads can chew are in memory.
    """
    offered = 0
    with archive, ThreadPoolExecutor(_CHECKERS) as checkers:
        waiting: deque[Future[list[PhotoFile]]] = deque()
        for block in _blocks(_entries(data, archive, files)):
            waiting.append(checkers.submit(_looked_at, block, background, offered < MOST_OFFERED))
            if len(waiting) > _CHECKERS:
                done = waiting.popleft().result()
                offered += sum(file.offer is not None for file in done)
                yield from done
        for rest in waiting:
            yield from rest.result()


def _blocks(entries: Iterable[_Entry]) -> Iterator[list[_Entry]]:
    """As many as a thread is given at once, in memory all of them."""
    block: list[_Entry] = []
    weight = 0
    for entry in entries:
        block.append(entry)
        weight += len(entry.content) if isinstance(entry.content, bytes) else 0
        if len(block) == _AT_ONCE or weight >= _BYTES_AT_ONCE:
            yield block
            block, weight = [], 0
    if block:
        yield block


def _entries(data: bytes, archive: zipfile.ZipFile, files: list[tuple[zipfile.ZipInfo, str]]) -> Iterator[_Entry]:
    seen: dict[str, str] = {}
    for entry, path in files:
        name = PurePosixPath(path).name
        try:
            id_number = _id_number(name)
            if id_number in seen:
                raise ValueRefused("photo_twice", rule="R-082", first=seen[id_number])
            seen[id_number] = name
            yield _Entry(name, id_number, _content(archive, entry), gate.unpacked_at(data, entry))
        except Refusal as refusal:
            yield _Entry(name, content=refusal.alone())


def _looked_at(block: list[_Entry], background: Colour | None, may_crop: bool) -> list[PhotoFile]:
    found = []
    for entry in block:
        if isinstance(entry.content, Refusal):
            found.append(PhotoFile(entry.name, refusal=entry.content))
            continue
        judged = judge_photo(entry.content, background=background, may_crop=may_crop)
        id_number = entry.id_number if judged.facts or judged.offer else ""
        is_kept_so = judged.facts is not None and judged.facts.jpeg is entry.content
        lies_at = entry.lies_at if is_kept_so else None
        found.append(PhotoFile(entry.name, id_number, judged.facts, judged.refusal, judged.offer, lies_at))
    return found


def _id_number(name: str) -> str:
    """The ID number a file is named after; full-width characters and stray spaces are forgiven."""
    path = PurePosixPath(unicodedata.normalize("NFKC", name))
    if not name.isprintable() or not name:
        raise ValueRefused("photo_name_unreadable", rule="R-082")
    suffix = path.suffix.strip().lower()
    if suffix in _ARCHIVE_SUFFIXES:
        raise ValueRefused("photo_is_archive", rule="R-082")
    if suffix not in PHOTO_SUFFIXES:
        raise ValueRefused("photo_suffix", rule="R-082")
    stem = "".join(path.stem.split()).upper()
    if not _LIKE_AN_ID.fullmatch(stem):
        raise ValueRefused("photo_name_not_id", rule="R-082")
    return stem


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of one entry, never more than one too many; what it claims to hold is not believed."""
    if entry.flag_bits & 0x1:
        raise ValueRefused("photo_encrypted", rule="R-082")
    if entry.file_size > PHOTO_BYTES:
        raise ValueRefused("photo_too_large", rule="R-081", limit_mb=PHOTO_BYTES // MB)
    try:
        with archive.open(entry) as file:
            return file.read(PHOTO_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, struct.error):
        raise ValueRefused("photo_corrupt", rule="R-081") from None
