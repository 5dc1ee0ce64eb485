"""What goes on paper besides words: QR codes as paths, photos as they are, seals with their transparency."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO

import segno
from PIL import Image, UnidentifiedImageError

from core.errors import FileRefused

QR_MASK = 3  # any of the eight masks can be read; trying all of them costs five times the encoding
_PIXEL_LIMIT = 4_000_000  # a seal or a signature is far smaller


def qr_path(text: str) -> tuple[int, str]:
    """Modules per edge and the dark ones as rectangles `x y w h re`, runs merged, in module units from the top left."""
    rows = [bytes(row) for row in segno.make(text, error="m", mask=QR_MASK, micro=False, boost_error=False).matrix]
    parts: list[str] = []
    open_runs: dict[tuple[int, int], int] = {}
    for y, row in enumerate([*rows, bytes(len(rows))]):
        current = set(_dark_runs(row))
        for run in [run for run in open_runs if run not in current]:
            top = open_runs.pop(run)
            parts.append(f"{run[0]} {top} {run[1] - run[0]} {y - top} re")
        for run in current:
            open_runs.setdefault(run, y)
    return len(rows), " ".join(sorted(parts))


def _dark_runs(row: bytes) -> Iterable[tuple[int, int]]:
    start = row.find(1)
    while start >= 0:
        end = row.find(0, start)
        end = len(row) if end < 0 else end
        yield start, end
        start = row.find(1, end)


def jpeg_shape(data: bytes) -> tuple[int, int, int]:
    """Width, height and number of colours, read from the header; FileRefused (photo_not_jpeg) if there is none."""
    place = 2
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" in data:
        while place + 9 < len(data) and data[place] == 0xFF:
            marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                high, wide, colours = struct.unpack(">HHB", data[place + 5 : place + 10])
                if wide and high and colours in (1, 3, 4):
                    return wide, high, colours
                break
            place += 2 + length
    raise FileRefused("photo_not_jpeg")


@lru_cache(maxsize=32)  # the seals of a batch are the same on every certificate
def png(data: bytes) -> tuple[int, int, bytes, bytes]:
    """Width, height, and the packed colours and transparency of a PNG; FileRefused (picture_unreadable) otherwise.

    Far too large pictures are refused before they are unpacked.
    """
    try:
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            if math.prod(image.size) <= _PIXEL_LIMIT:
                full = image.convert("RGBA")
                colours = zlib.compress(full.convert("RGB").tobytes(), 9)
                return *full.size, colours, zlib.compress(full.getchannel("A").tobytes(), 9)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):  # what Pillow says of broken PNG files
        pass
    raise FileRefused("picture_unreadable")
