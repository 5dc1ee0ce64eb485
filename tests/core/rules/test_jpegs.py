"""A JPEG that is told whole by its headers is one that Pillow decodes, to the size and the side they say (R-081)."""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from core.errors import ValueRefused
from core.rules.jpegs import outline
from core.rules.photos import check_photo

SEED, DAMAGED = 81, 4_000
EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\0"
MARKERS = (b"\xff\xd9", b"\xff\xc4\0\x05abc", b"\xff\xda", b"\xff\xdd\0\x04\0\x01", b"\xff\xd3", b"\xff\xff")
ENCODERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "codes of its own": {"optimize": True},
    "restarts": {"restart_marker_blocks": 4},
    "a comment": {"comment": b"studio", "quality": 92},
    "exif": {"exif": EXIF},
    "in RGB": {"keep_rgb": True},
}
UNSURE: dict[str, tuple[str, dict[str, Any]]] = {
    "in passes": ("RGB", {"progressive": True}),
    "grey": ("L", {}),
    "for print": ("CMYK", {}),
}


def encoded(*, mode: str = "RGB", size: tuple[int, int] = (40, 56), **options: Any) -> bytes:
    out = io.BytesIO()
    grain = Image.effect_noise(size, 40)
    Image.merge("RGB", (grain, grain.transpose(Image.Transpose.ROTATE_180), grain)).convert(mode).save(
        out, "JPEG", **options
    )
    return out.getvalue()


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, cut out or put in; mostly in the headers, where there is something to stumble over."""
    found, headers = bytearray(data), data.find(b"\xff\xda") + 14
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(max(1, len(found) if chance.random() < 0.35 else min(len(found), headers)))
        match chance.randrange(4):
            case 0:
                found[at : at + 1] = bytes((chance.choice((0, 1, 255, 0xD9, 0xC4, chance.randrange(256))),))
            case 1:
                del found[at : at + chance.choice((1, 2, 20, len(found)))]
            case 2:
                found[at:at] = chance.choice(MARKERS)
            case 3:
                found = found[:at] + b"\xff\xd9"
    return bytes(found)


def decoded(data: bytes, *, small: bool) -> tuple[tuple[int, int], int, str, str]:
    """Size, side, format and mode of a picture that opens and decodes; otherwise whatever Pillow raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            seen = image.size, int(image.getexif().get(0x0112, 1)), str(image.format), image.mode
            if small:
                image.draft("RGB", (5, 7))
            image.load()
            return seen


def can_be_opened(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
                image.getexif()
        except Exception:
            return False
    return True


def pictures() -> Iterator[bytes]:
    chance = random.Random(SEED)
    whole = [encoded(**options) for options in ENCODERS.values()]
    for _ in range(DAMAGED):
        yield damaged(chance.choice(whole), chance)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_what_cameras_and_studios_write_is_told_whole(encoder: str) -> None:
    seen = outline(encoded(**ENCODERS[encoder]))
    assert seen is not None
    assert (seen.width, seen.height) == (40, 56)
    assert seen.is_bare is (encoder not in {"exif", "in RGB"})


@pytest.mark.parametrize("kind", UNSURE)
def test_of_other_kinds_nothing_is_said(kind: str) -> None:
    mode, options = UNSURE[kind]
    assert outline(encoded(mode=mode, **options)) is None


def test_a_file_cut_off_anywhere_is_never_told_whole() -> None:
    data = encoded()
    assert [size for size in range(len(data)) if outline(data[:size])] == []
    assert outline(data + b"\0") is None


def test_what_is_told_whole_of_damaged_files_is_decoded_by_pillow_as_told() -> None:
    """What libjpeg refuses is never told whole, however it came about; and enough is told for this to mean much."""
    told = 0
    for data in pictures():
        seen = outline(data)
        if seen is None:
            continue
        told += 1
        if seen.is_bare:
            as_told = ((seen.width, seen.height), 1, "JPEG", "RGB")
            assert decoded(data, small=True) == decoded(data, small=False) == as_told, data.hex()
            continue
        if can_be_opened(data):  # which check_photo has asked before
            decoded(data, small=True)
            decoded(data, small=False)
    assert told > DAMAGED // 10


def test_a_photo_of_the_right_size_that_is_cut_off_is_still_refused() -> None:
    data = encoded(size=(295, 413))
    assert check_photo(data).jpeg == data
    for size in (len(data) - 1, len(data) - 2, len(data) * 2 // 3, len(data) // 3):
        with pytest.raises(ValueRefused) as caught:
            check_photo(data[:size])
        assert caught.value.sentence_code == "photo_corrupt"
