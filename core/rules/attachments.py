"""Files that people attach: what they really are decides, not what they are called; nothing that acts by itself."""

from __future__ import annotations

import io
import re
import unicodedata
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

import olefile
from PIL import Image, UnidentifiedImageError
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from core.errors import FileRefused
from core.rules.catalogue import AttachmentKind

MB = 1024 * 1024
ATTACHMENT_BYTES = 20 * MB
LONGEST_NAME = 200
PIXELS = 40_000_000
INFLATED_BYTES = 200 * MB
RATIO = 100  # a small part that grows more than this is no document
_RATIO_FROM = 10 * MB
_ENTRIES = 2_000
_OBJECTS = 200_000
_CHUNK = 256 * 1024

_OFFICE = (".pdf", ".doc", ".docx")
SUFFIXES: dict[AttachmentKind, tuple[str, ...]] = {
    AttachmentKind.EVIDENCE: _OFFICE,
    AttachmentKind.PICTURE: (".png", ".jpg", ".jpeg"),
    AttachmentKind.STANDARD: (".pdf",),
    AttachmentKind.SAMPLE: (".pdf",),
}
_WORD_IS_LOCKED = 0x0100  # fEncrypted of the file information block
_STREAM = re.compile(rb"stream\r?\n")
_ACTS = frozenset({"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToR", "/GoToE"})
_HARMLESS_LINK = "hyperlink"


@dataclass(frozen=True, slots=True)
class AttachmentFacts:
    """A file that passed: the name to show, its ending for the store (pdf), and what browsers call its content."""

    file_name: str
    suffix: str
    media_type: str


def check_attachment(data: bytes, *, file_name: str, kind: AttachmentKind) -> AttachmentFacts:
    """R-106: the right kind of file, whole, at most 20 MB and without anything that runs; else FileRefused."""
    shown = tidy_name(file_name)
    suffix = PurePosixPath(shown).suffix.lower()
    allowed = SUFFIXES[kind]
    if suffix not in allowed:
        raise FileRefused("attachment_kind", rule="R-106", allowed="、".join(allowed))
    if not data:
        raise FileRefused("attachment_empty", rule="R-106")
    if len(data) > ATTACHMENT_BYTES:
        raise FileRefused("attachment_too_large", rule="R-106", megabytes=-(-len(data) // MB), limit=20)
    check, media_type = _CHECKS[suffix]
    check(data)
    return AttachmentFacts(shown, suffix.removeprefix("."), media_type)


def tidy_name(file_name: str) -> str:
    """The last part of a path without control and direction marks, at most 200 characters, its ending kept."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", file_name))[-1]
    clean = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C").strip(" .")
    stem, suffix = PurePosixPath(clean).stem, PurePosixPath(clean).suffix
    return clean if len(clean) <= LONGEST_NAME else stem[: LONGEST_NAME - len(suffix)] + suffix[:LONGEST_NAME]


# -- PDF ---------------------------------------------------------------------------------------------------------------


def _check_pdf(data: bytes) -> None:
    if not data.startswith(b"%PDF-"):
        raise FileRefused("attachment_suffix_differs", rule="R-106", suffix=".pdf")
    _require_bounded_streams(data)
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=False)
        if reader.encrypted:
            raise FileRefused("attachment_encrypted", rule="R-106")
        pages = reader.root["/Pages"]["/Count"]
        acts = _acts_by_itself(reader)
    except FileRefused:
        raise
    except Exception:  # a broken table or object makes the reader raise whatever it trips over
        raise FileRefused("attachment_damaged", rule="R-106") from None
    if not isinstance(pages, int) or pages < 1:
        raise FileRefused("attachment_damaged", rule="R-106")
    if acts:
        raise FileRefused("attachment_active", rule="R-106")


def _require_bounded_streams(data: bytes) -> None:
    """The reader unpacks object tables in one go: every packed stream is measured first, and none may hide another."""
    total, whole = 0, memoryview(data)
    for found in _STREAM.finditer(data):
        if data[found.end() : found.end() + 1] != b"\x78":
            continue
        first = b""
        for part in _inflated(whole[found.end() :]):
            first, total = first or part[:2], total + len(part)
            if total > INFLATED_BYTES or first in (b"\x78\x9c", b"\x78\xda"):
                raise FileRefused("attachment_inflates", rule="R-106", limit=INFLATED_BYTES // MB)


def _inflated(packed: memoryview) -> Iterator[bytes]:
    """What a stream holds, in chunks, as far as it can be read; what is wrong with it the reader says."""
    engine = zlib.decompressobj()
    with suppress(zlib.error):
        for at in range(0, len(packed), _CHUNK):
            waiting: bytes | memoryview = packed[at : at + _CHUNK]
            while waiting and not engine.eof:
                yield engine.decompress(waiting, _CHUNK)
                waiting = engine.unconsumed_tail
            if engine.eof:
                return


def _acts_by_itself(reader: PdfFileReader) -> bool:
    """True where anything reachable would run a script, start a program, send a form or hides a file."""
    waiting: list[object] = [reader.root_ref]
    seen: set[tuple[int, int]] = set()
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, generic.IndirectObject | generic.Reference):
            if (thing.idnum, thing.generation) in seen:
                continue
            seen.add((thing.idnum, thing.generation))
            if len(seen) > _OBJECTS:
                raise FileRefused("attachment_inflates", rule="R-106", limit=INFLATED_BYTES // MB)
            thing = reader.get_object(generic.Reference(thing.idnum, thing.generation, reader))  # type: ignore[no-untyped-call]
        if isinstance(thing, generic.DictionaryObject):
            if thing.keys() & {"/JS", "/JavaScript", "/EmbeddedFiles", "/EF"} or _action_of(thing) in _ACTS:
                return True
            waiting += [thing.raw_get(key) for key in thing]
        elif isinstance(thing, generic.ArrayObject):
            waiting += [thing.raw_get(index) for index in range(len(thing))]
    return False


def _action_of(thing: generic.DictionaryObject) -> str:
    return str(thing["/S"]) if "/S" in thing else ""


# -- Word --------------------------------------------------------------------------------------------------------------


def _check_doc(data: bytes) -> None:
    if not data.startswith(olefile.MAGIC):
        raise FileRefused("attachment_suffix_differs", rule="R-106", suffix=".doc")
    with _ole(data) as book:
        names = {part.lower() for path in book.listdir(streams=True, storages=True) for part in path}
        if "encryptedpackage" in names:
            raise FileRefused("attachment_encrypted", rule="R-106")
        if "worddocument" not in names:
            raise FileRefused("attachment_suffix_differs", rule="R-106", suffix=".doc")
        if names & {"macros", "vba", "_vba_project", "_vba_project_cur"}:
            raise FileRefused("attachment_with_macros", rule="R-106")
        try:
            head = book.openstream("WordDocument").read(32)
        except (OSError, ValueError):
            head = b""
    if len(head) < 12:
        raise FileRefused("attachment_damaged", rule="R-106")
    if int.from_bytes(head[10:12], "little") & _WORD_IS_LOCKED:
        raise FileRefused("attachment_encrypted", rule="R-106")


def _ole(data: bytes) -> olefile.OleFileIO:
    try:
        return olefile.OleFileIO(io.BytesIO(data))
    except Exception:  # a broken directory makes olefile raise whatever it trips over
        raise FileRefused("attachment_damaged", rule="R-106") from None


def _check_docx(data: bytes) -> None:
    if data.startswith(olefile.MAGIC):  # a locked .docx is a package inside an OLE file
        raise FileRefused("attachment_encrypted", rule="R-106")
    if not data.startswith(b"PK\x03\x04"):
        raise FileRefused("attachment_suffix_differs", rule="R-106", suffix=".docx")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_package(archive)
    except FileRefused:
        raise
    except Exception:  # so does a broken package
        raise FileRefused("attachment_damaged", rule="R-106") from None


def _check_package(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    names = {entry.filename.lower() for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        raise FileRefused("attachment_encrypted", rule="R-106")
    if not {"[content_types].xml", "word/document.xml"} <= names:
        raise FileRefused("attachment_suffix_differs", rule="R-106", suffix=".docx")
    if any(name.endswith(("vbaproject.bin", "vbadata.xml")) or "/activex/" in name for name in names):
        raise FileRefused("attachment_with_macros", rule="R-106")
    if len(entries) > _ENTRIES or len(names) < len(entries):
        raise FileRefused("attachment_damaged", rule="R-106")
    total = 0
    for entry in entries:
        part = _part(archive, entry, INFLATED_BYTES - total)
        total += len(part)
        if entry.filename.lower().endswith(".rels"):
            _require_inside(_xml(part))
        elif entry.filename.lower() == "word/document.xml":
            _xml(part)


def _part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    """An entry, measured while it unpacks: what it claims to hold is not believed."""
    limit = min(left, max(_RATIO_FROM, entry.compress_size * RATIO))
    with archive.open(entry) as packed:
        data = packed.read(limit + 1)
    if len(data) > limit:
        raise FileRefused("attachment_inflates", rule="R-106", limit=INFLATED_BYTES // MB)
    return data


def _xml(text: bytes) -> ET.Element:
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise FileRefused("attachment_damaged", rule="R-106")
    return ET.fromstring(text)  # noqa: S314  entities are defined in a DOCTYPE, and there is none


def _require_inside(relations: ET.Element) -> None:
    """Links a reader may click are fine; templates, pictures and objects fetched from elsewhere are not."""
    for relation in relations:
        kind = relation.get("Type", "").rpartition("/")[2].lower()
        if relation.get("TargetMode", "").lower() == "external" and kind != _HARMLESS_LINK:
            raise FileRefused("attachment_links_outside", rule="R-106")


# -- pictures ----------------------------------------------------------------------------------------------------------


def _picture(form: str, suffix: str) -> Callable[[bytes], None]:
    def check(data: bytes) -> None:
        try:
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
                found, pixels = picture.format, picture.width * picture.height
                if found == form and pixels <= PIXELS:
                    picture.load()
        except UnidentifiedImageError:
            found, pixels = "", 0
        except Image.DecompressionBombError:
            found, pixels = form, PIXELS + 1
        except Exception:  # broken pictures make Pillow raise whatever its parsers trip over
            raise FileRefused("attachment_damaged", rule="R-106") from None
        if found != form:
            raise FileRefused("attachment_suffix_differs", rule="R-106", suffix=suffix)
        if pixels > PIXELS:
            raise FileRefused("attachment_pixels", rule="R-106", limit=PIXELS // 10_000)

    return check


_CHECKS: dict[str, tuple[Callable[[bytes], None], str]] = {
    ".pdf": (_check_pdf, "application/pdf"),
    ".doc": (_check_doc, "application/msword"),
    ".docx": (_check_docx, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ".png": (_picture("PNG", ".png"), "image/png"),
    ".jpg": (_picture("JPEG", ".jpg"), "image/jpeg"),
    ".jpeg": (_picture("JPEG", ".jpg"), "image/jpeg"),
}


def suffixes_for(kind: AttachmentKind) -> str:
    """.pdf,.doc,.docx: what a form's file field offers."""
    return ",".join(SUFFIXES[kind])
