"""What goes on paper besides words: QR codes as paths, photos as they are, seals with their transparency."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections import Counter
from functools import lru_cache
from io import BytesIO

import segno
from PIL import Image, UnidentifiedImageError

from core.errors import FileRefused

QR_MASK = 3  # any of the eight masks can be read; trying all of them costs five times the encoding
_PIXEL_LIMIT = 4_000_000  # a seal or a signature is far smaller


class QrCodes:
    """QR codes (level M) for a whole document; from the 24th text of one length on they are composed, not encoded.

    With size and mask fixed, every module is an exclusive-or of bits of the text: flipping one bit of the text flips
    always the same modules. So what each bit does is learned once, and a further symbol is the first one with the
    patterns of its differing bits laid over it.
    """

    _LEARN_FROM = 24  # fewer symbols are encoded sooner than their bits are learned

    def __init__(self) -> None:
        self._first: dict[int, tuple[bytes, _Symbol]] = {}
        self._seen: Counter[int] = Counter()
        self._patterns: dict[tuple[int, int, int], int] = {}

    def path(self, text: str) -> tuple[int, str]:
        """Modules per edge and the dark ones as rectangles `x y w h re`, in module units from the top left."""
        modules, bits = self._symbol(text)
        rows = f"{bits:0{modules * modules}b}"
        parts = [
            f"{run.start()} {y} {run.end() - run.start()} 1 re"
            for y in range(modules)
            for run in _DARK.finditer(rows[y * modules : (y + 1) * modules])
        ]
        return modules, " ".join(parts)

    def _symbol(self, text: str) -> _Symbol:
        length = len(text)
        self._seen[length] += 1
        if not text.isascii() or self._seen[length] < self._LEARN_FROM:
            return _encode(text)
        data = text.encode()
        if length not in self._first:
            self._first[length] = data, _encode(text)
        first, (modules, bits) = self._first[length]
        for place, (ours, theirs) in enumerate(zip(data, first, strict=True)):
            difference = ours ^ theirs
            while difference:
                flip = difference & -difference
                bits ^= self._pattern(length, place, flip)
                difference ^= flip
        return modules, bits

    def _pattern(self, length: int, place: int, flip: int) -> int:
        """The modules that change when this bit of the text at this place does."""
        key = length, place, flip
        if key not in self._patterns:
            first, (_, bits) = self._first[length]
            changed = first[:place] + bytes([first[place] ^ flip]) + first[place + 1 :]
            self._patterns[key] = bits ^ _encode(changed.decode())[1]
        return self._patterns[key]


_Symbol = tuple[int, int]  # modules per edge, and all modules row by row as the bits of one number
_DARK = re.compile("1+")
_DIGITS = bytes.maketrans(b"\0\1", b"01")


def _encode(text: str) -> _Symbol:
    matrix = segno.make(text, error="m", mode="byte", mask=QR_MASK, micro=False, boost_error=False).matrix
    return len(matrix), int(b"".join(map(bytes, matrix)).translate(_DIGITS), 2)


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
