"""Archives of photos as colleges pack them, and worse ones: some 150, built on the spot, each with what comes of it.

An expectation is a word per file in the order of the archive (accepted, offered, or the code of a refusal), or one
code where the archive as a whole is not to be trusted.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from tests.core.sheets.broken_files import locked, lying, photo, zipped

ACCEPTED, OFFERED = "accepted", "offered"
LANDSCAPE = (413, 295)


@dataclass(frozen=True)
class Owners:
    """ID numbers to name files after: people without a photo, and people who may get none here."""

    free: Sequence[str]
    verified: str
    incomplete: str
    elsewhere: str
    nobody: str


@dataclass(frozen=True)
class Archive:
    """One zip. expected: a word per file, or the code for the whole."""

    title: str
    data: bytes
    expected: tuple[str, ...] | str


_serial = iter(range(1, 1_000_000))


def picture(**options: object) -> bytes:
    """A photo like no other, good unless told otherwise."""
    shade = next(_serial)
    return photo(colour=(60 + shade * 37 % 180, 10 + shade % 60, 20 + shade // 60), **options)  # type: ignore[arg-type]


def exif(turned: int, size: tuple[int, int] = (295, 413)) -> bytes:
    """A picture that is upright only for those who read its orientation."""
    wide, high = size if turned < 5 else size[::-1]
    mark = Image.Exif()
    mark[0x0112] = turned
    return picture(size=(wide, high), exif=mark)


def grey_16() -> bytes:
    """A PNG of 16 bits of grey."""
    out = io.BytesIO()
    Image.new("I;16", (295, 413), 30_000 + next(_serial)).save(out, "PNG")
    return out.getvalue()


def bomb(size: tuple[int, int]) -> bytes:
    """A PNG of few bytes and many pixels."""
    out = io.BytesIO()
    Image.new("1", size).save(out, "PNG")
    return out.getvalue()


# -- single pictures: how they are made, and what becomes of them ------------------------------------------------------

GOOD: dict[str, Callable[[], bytes]] = {
    "jpeg": picture,
    "progressive": lambda: picture(progressive=True),
    "grey jpeg": lambda: picture(mode="L"),
    "cmyk jpeg": lambda: picture(mode="CMYK"),
    "png": lambda: picture(form="PNG"),
    "png with alpha": lambda: picture(form="PNG", mode="RGBA"),
    "png with palette": lambda: picture(form="PNG", mode="P"),
    "grey png": lambda: picture(form="PNG", mode="L"),
    "grey png with alpha": lambda: picture(form="PNG", mode="LA"),
    "grey png of 16 bits": grey_16,
    **{f"orientation {turned}": lambda turned=turned: exif(turned) for turned in range(1, 9)},
    **{
        f"{wide}x{high}": lambda size=(wide, high): picture(size=size)
        for wide, high in ((300, 420), (268, 375), (320, 446), (290, 410), (295, 415))
    },
}
CROPPED: dict[str, Callable[[], bytes]] = {
    **{
        f"{form} {wide}x{high}": lambda form=form, size=(wide, high): picture(form=form, size=size)
        for form in ("JPEG", "PNG")
        for wide, high in ((413, 579), (413, 626), (480, 640), (590, 826), (1080, 1920), (800, 800), (295, 380))
    },
    "of a camera": lambda: picture(size=(3000, 4000)),
    "large cmyk": lambda: picture(size=(600, 800), mode="CMYK"),
    "large with alpha": lambda: picture(size=(600, 800), form="PNG", mode="RGBA"),
    **{f"large, orientation {turned}": lambda turned=turned: exif(turned, (600, 840)) for turned in (3, 6, 8)},
}
BAD: dict[str, tuple[str, Callable[[], bytes]]] = {
    **{
        f"{wide}x{high}": ("photo_wrong_size", lambda size=(wide, high): picture(size=size))
        for wide, high in (LANDSCAPE, (100, 140), (30, 42), (260, 364), (1920, 1080), (600, 2000), (1, 1))
    },
    "bomb": ("photo_wrong_size", lambda: bomb((9_000, 9_000))),
    "upright bomb": ("photo_wrong_size", lambda: bomb((4_500, 6_300))),
    **{
        f"jpeg cut at {share} %": ("photo_corrupt", lambda share=share: (p := picture())[: len(p) * share // 100])
        for share in (10, 50, 75, 90)
    },
    "large jpeg cut": ("photo_corrupt", lambda: (p := picture(size=(600, 840)))[: len(p) // 2]),
    "png cut": ("photo_corrupt", lambda: (p := picture(form="PNG"))[: len(p) // 2]),
    "head of a jpeg": ("photo_corrupt", lambda: b"\xff\xd8\xff" + bytes(99)),
    **{form: ("photo_not_image", lambda form=form: picture(form=form)) for form in ("GIF", "BMP", "TIFF", "WEBP")},
    "svg": ("photo_not_image", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "program": ("photo_not_image", lambda: b"MZ\x90\x00" + bytes(500)),
    "page": ("photo_not_image", lambda: b"<script>alert(1)</script>"),
    "nothing": ("photo_not_image", lambda: b""),
    "more than 5 MB": ("photo_too_large", lambda: picture() + random.Random(1).randbytes(5 * 1024 * 1024)),
}


def _wide(number: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) for letter in number)


NAMES: dict[str, Callable[[str], str]] = {
    "upper case suffix": lambda number: f"{number}.JPG",
    "jpeg": lambda number: f"{number}.jpeg",
    "JPEG": lambda number: f"{number}.JPEG",
    "png by name only": lambda number: f"{number}.PNG",
    "folder": lambda number: f"照片/{number}.jpg",
    "deep folder": lambda number: f"2026/软件技术/一班/{number}.jpg",
    "Windows' folder": lambda number: f"照片\\{number}.jpg",
    "dot folder": lambda number: f"./{number}.jpg",
    "full width": lambda number: f"{_wide(number)}.jpg",
    "spaces": lambda number: f" {number} .jpg",
    "spaces inside": lambda number: f"{number[:6]} {number[6:14]} {number[14:]}.jpg",
    "lower case": lambda number: f"{number.lower()}.jpg",
}
MISNAMED: dict[str, tuple[str, str]] = {
    "a name": ("王文丽.jpg", "photo_name_not_id"),
    "a number and a name": ("{}王文丽.jpg", "photo_name_not_id"),
    "a copy": ("{} (1).jpg", "photo_name_not_id"),
    "two suffixes": ("{}.jpg.exe", "photo_suffix"),
    "no suffix": ("{}", "photo_suffix"),
    "a gif by name": ("{}.gif", "photo_suffix"),
    "a text": ("说明.txt", "photo_suffix"),
    "a zip in the zip": ("{}.zip", "photo_is_archive"),
    "a rar in the zip": ("{}.rar", "photo_is_archive"),
    "a line break": ("{}\n.jpg", "photo_name_unreadable"),
    "too short": ("1.jpg", "photo_name_not_id"),
}
UNSAFE = (
    "../{}.jpg",
    "a/../../{}.jpg",
    "/etc/{}.jpg",
    "..\\{}.jpg",
    "C:\\{}.jpg",
    "C:{}.jpg",
    "a/..",
    "\\\\host\\{}.jpg",
)


# -- archives ----------------------------------------------------------------------------------------------------------


def corpus(owners: Owners) -> Iterator[Archive]:
    """All of them."""
    first, second, third = owners.free[:3]
    yield from _of_one(first)
    yield from _of_names(first, second)
    yield from _of_owners(owners)
    yield from _not_to_be_trusted(first)
    for seed in range(40):
        yield _mixed(owners, seed)
    left = {f"__MACOSX/._{first}.jpg": b"x", ".DS_Store": b"x", "一班/Thumbs.db": b"x", "desktop.ini": b"x", "空/": b""}
    yield Archive("what computers leave", zipped(left | {f"{first}.jpg": picture()}), (ACCEPTED,))
    gbk = zipped({f"####/{first}.jpg": picture(), f"####/{third}.jpg": b"x"}).replace(b"####", "照片".encode("gbk"))
    yield Archive("packed by a Chinese Windows", gbk, (ACCEPTED, "photo_not_image"))
    utf8 = zipped({f"######/{first}.jpg": picture()}).replace(b"######", "照片".encode())
    yield Archive("packed by a Mac", utf8, (ACCEPTED,))
    yield Archive(
        "stored, not deflated", _stored({f"{first}.jpg": picture(), f"{second}.jpg": picture()}), (ACCEPTED,) * 2
    )
    yield Archive("with a password", locked(zipped({f"{first}.jpg": picture()})), ("photo_encrypted",))
    bomb_inside = lying(zipped({f"{first}.jpg": bytes(20 * 1024 * 1024)}), claim=1_000)
    yield Archive("a bomb that lies", bomb_inside, ("photo_corrupt",))
    spoilt = bytearray(_stored({f"{first}.jpg": picture(), f"{second}.jpg": picture()}))
    spoilt[200:220] = bytes(20)
    yield Archive("a checksum that is wrong", bytes(spoilt), ("photo_corrupt", ACCEPTED))


def _of_one(number: str) -> Iterator[Archive]:
    for title, make in GOOD.items():
        yield Archive(f"good: {title}", zipped({f"{number}.jpg": make()}), (ACCEPTED,))
    for title, make in CROPPED.items():
        yield Archive(f"to crop: {title}", zipped({f"{number}.jpg": make()}), (OFFERED,))
    for title, (code, make) in BAD.items():
        yield Archive(f"bad: {title}", zipped({f"{number}.jpg": make()}), (code,))


def _of_names(first: str, second: str) -> Iterator[Archive]:
    for title, spell in NAMES.items():
        files = {spell(first): picture(), f"{second}.jpg": picture()}
        yield Archive(f"named: {title}", zipped(files), (ACCEPTED, ACCEPTED))
    for title, (name, code) in MISNAMED.items():
        files = {name.format(first): picture(), f"{second}.jpg": picture()}
        yield Archive(f"misnamed: {title}", zipped(files), (code, ACCEPTED))


def _of_owners(owners: Owners) -> Iterator[Archive]:
    first = owners.free[0]
    for title, number, code in (
        ("nobody's", owners.nobody, "photo_of_nobody"),
        ("another college's", owners.elsewhere, "photo_of_nobody"),
        ("a verified one's", owners.verified, "verified_is_locked"),
        ("an incomplete one's", owners.incomplete, "candidate_incomplete"),
    ):
        yield Archive(title, zipped({f"{number}.jpg": picture(), f"{first}.jpg": picture()}), (code, ACCEPTED))
        large = {f"{number}.jpg": picture(size=(600, 840)), f"{first}.jpg": picture()}
        yield Archive(f"{title}, to be cropped", zipped(large), (code, ACCEPTED))
    twice = {f"a/{first}.jpg": picture(), f"b/{first}.jpg": picture()}
    yield Archive("two of one", zipped(twice), (ACCEPTED, "photo_twice"))
    twin = picture()
    yield Archive("one of two", zipped({f"{number}.jpg": twin for number in owners.free[:2]}), (ACCEPTED, ACCEPTED))


def _not_to_be_trusted(number: str) -> Iterator[Archive]:
    for path in UNSAFE:
        files = {f"{number}.jpg": picture(), path.format(number): picture()}
        yield Archive(f"out of the archive: {path}", zipped(files), "zip_path_unsafe")
    whole = zipped({f"{number}.jpg": picture()})
    yield Archive("not a zip", b"Rar!\x1a\x07\x00" + bytes(100), "file_damaged")
    yield Archive("cut off", whole[:-30], "file_damaged")
    yield Archive("no bytes", b"", "file_empty")
    yield Archive("no files", zipped({}), "zip_without_photos")
    yield Archive("only leftovers", zipped({".DS_Store": b"x", "照片/": b""}), "zip_without_photos")
    yield Archive("a bomb", zipped({f"{number}.jpg": bytes(20 * 1024 * 1024)}), "zip_inflates")
    yield Archive("many small bombs", zipped({f"{n:018}.jpg": bytes(2**21) for n in range(8)}), "zip_inflates")


def _mixed(owners: Owners, seed: int) -> Archive:
    """Some of everything, for the sums."""
    dice = random.Random(seed)
    files, expected = {}, []
    for number in dice.sample(list(owners.free), dice.randint(2, len(owners.free))):
        kind = dice.choice(("good", "good", "crop", "bad"))
        if kind == "bad":
            code, make = BAD[dice.choice([title for title in BAD if title != "more than 5 MB"])]
        else:
            pool, code = (GOOD, ACCEPTED) if kind == "good" else (CROPPED, OFFERED)
            make = pool[dice.choice([title for title in pool if title != "of a camera"])]
        files[dice.choice(list(NAMES.values()))(number)] = make()
        expected.append(code)
    return Archive(f"mixed {seed}", zipped(files), tuple(expected))


def _stored(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()
