"""A proof: the same marks as on Paper, as one picture, for screens that show no PDF. Never handed out as a document."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from core.documents import fonts, pictures
from core.documents.paper import INK, MM, Align, Colour, Paper
from core.errors import FileRefused

_PER_MM = 5.0  # pixels: an A4 page becomes some 1500 wide
_POINT = _PER_MM / MM  # pixels per point


class Proof(Paper):
    """One page as a PNG; text needs a font file and is left out where only a reader's own font remains."""

    def __init__(self, size: tuple[float, float]) -> None:
        super().__init__(BytesIO(), title="", printed_at=datetime.min.replace(tzinfo=UTC), size=size)
        self._page = Image.new("RGB", (round(size[0] * _PER_MM), round(size[1] * _PER_MM)), "white")
        self._draw = ImageDraw.Draw(self._page)

    def png(self) -> bytes:
        """The picture."""
        out = BytesIO()
        self._page.save(out, "PNG", optimize=False, compress_level=6)
        return out.getvalue()

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        align: Align = "left",
        colour: Colour = INK,
        bold: bool = False,
        spacing: float = 0.0,
    ) -> None:
        length = fonts.width(text, size) / MM + spacing * (len(text) - 1)
        left = {"left": x, "centre": x - length / 2, "right": x - length}[align]
        stroke = round(size * 0.014 * _POINT) if bold else 0
        for face, part in fonts.runs(text):
            for character in part:
                if isinstance(face, fonts.TrueTypeFace):
                    at = (left * _PER_MM, y * _PER_MM)
                    font = _font(str(face.path), round(size * _POINT))
                    self._draw.text(at, character, _ink(colour), font, anchor="ls", stroke_width=stroke)
                left += fonts.width(character, size) / MM + spacing

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, weight: float = 0.2, colour: Colour = INK, dash: str = ""
    ) -> None:
        ends = [(x1 * _PER_MM, y1 * _PER_MM), (x2 * _PER_MM, y2 * _PER_MM)]
        self._draw.line(ends, _ink(colour), _wide(weight))

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        weight: float = 0.2,
        colour: Colour | None = INK,
        fill: Colour | None = None,
    ) -> None:
        edges = (x * _PER_MM, y * _PER_MM, (x + width) * _PER_MM, (y + height) * _PER_MM)
        self._draw.rectangle(
            edges, _ink(fill) if fill else None, _ink(colour) if colour else None, _wide(weight) if colour else 0
        )

    def curve(
        self, points: Iterable[tuple[float, float]], *, weight: float = 0.1, colour: Colour = INK, closed: bool = False
    ) -> None:
        path = [(x * _PER_MM, y * _PER_MM) for x, y in points]
        self._draw.line([*path, path[0]] if closed else path, _ink(colour), _wide(weight))

    def photo(self, jpeg: bytes, x: float, y: float, width: float, height: float) -> None:
        pictures.jpeg_shape(jpeg)
        self._paste(jpeg, x, y, width, height)

    def picture(self, png: bytes, x: float, y: float, width: float, height: float) -> None:
        pictures.png(png)
        self._paste(png, x, y, width, height)

    def qr(self, text: str, x: float, y: float, size: float, *, colour: Colour = INK) -> None:
        modules, path = self._qr_codes.path(text)
        step = size * _PER_MM / modules
        for rectangle in path.split(" re"):
            if not rectangle.strip():
                continue
            column, row, wide, high = (float(part) for part in rectangle.split())
            left, top = x * _PER_MM + column * step, y * _PER_MM + row * step
            self._draw.rectangle((left, top, left + wide * step - 1, top + high * step - 1), _ink(colour))

    def backdrop(self, draw: Callable[[Paper], None]) -> None:
        draw(self)

    def end_page(self) -> None:
        """The page is the picture."""

    def finish(self) -> None:
        """Nothing is left to write."""

    def _paste(self, data: bytes, x: float, y: float, width: float, height: float) -> None:
        """Fitted whole into the frame, like Paper does."""
        try:
            with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as opened:
                shown = opened.convert("RGBA")
        except OSError:
            raise FileRefused("picture_unreadable") from None
        scale = min(width / shown.width, height / shown.height)
        wide, high = max(1, round(shown.width * scale * _PER_MM)), max(1, round(shown.height * scale * _PER_MM))
        small = shown.resize((wide, high))
        left = round((x + width / 2) * _PER_MM - wide / 2)
        top = round((y + height / 2) * _PER_MM - high / 2)
        self._page.paste(small, (left, top), small)


@lru_cache(maxsize=32)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, max(size, 1))


def _ink(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (round(part * 255) for part in colour)
    return red, green, blue


def _wide(weight: float) -> int:
    return max(1, round(weight * _PER_MM))
