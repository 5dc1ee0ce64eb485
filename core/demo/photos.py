"""Drawn pictures for invented people and organisations: portraits, signature stamps, round seals.

Everything is drawn from shapes, twice as large and then halved for smooth edges; the same seed gives the same bytes.
"""

from __future__ import annotations

import math
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from core.rules.values import Gender

WIDTH, HEIGHT = 295, 413
SEAL_SIDE = 190  # square, at least 95
_SCALE = 2
_PHOTO_RED = (198, 24, 36)
_SEAL_RED = (196, 18, 28)

Colour = tuple[int, int, int]
_SKINS: tuple[Colour, ...] = ((244, 214, 186), (238, 203, 172), (228, 188, 154), (216, 172, 136), (198, 152, 116))
_HAIRS: tuple[Colour, ...] = ((24, 22, 24), (38, 30, 28), (54, 40, 34), (72, 52, 40), (30, 30, 42))


def portrait(person_seed: int, gender: Gender) -> bytes:
    """A JPEG of 295×413 on red, at most 30 KB, without EXIF; every seed has its own face."""
    dice = Random(person_seed)
    picture = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), _PHOTO_RED)
    _Figure(ImageDraw.Draw(picture), dice, gender).draw()
    file = BytesIO()
    picture.reduce(_SCALE).save(file, "JPEG", quality=82)
    return file.getvalue()


class _Figure:
    """One friendly face: measures first (in portrait pixels), then shapes from back to front."""

    def __init__(self, draw: ImageDraw.ImageDraw, dice: Random, gender: Gender) -> None:
        self._draw, self._dice = draw, dice
        self._is_female = gender is Gender.FEMALE
        self._skin = _varied(dice, dice.choice(_SKINS), 6)
        self._hair = _varied(dice, dice.choice(_HAIRS), 8)
        self._cloth: Colour = (dice.randrange(20, 90), dice.randrange(30, 120), dice.randrange(50, 170))
        self._middle = WIDTH / 2 + dice.uniform(-4, 4)
        self._eyes_at = 176 + dice.uniform(-6, 6)
        self._face_width = dice.uniform(56, 64) - 3 * self._is_female
        self._face_height = dice.uniform(74, 82)

    def draw(self) -> None:
        """Back to front."""
        chin = self._eyes_at + self._face_height * 0.86
        if self._is_female:
            self._long_hair(chin)
        self._body(chin)
        self._head()
        self._fringe()
        self._features()

    def _oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        s = _SCALE
        self._draw.ellipse(((x - rx) * s, (y - ry) * s, (x + rx) * s, (y + ry) * s), fill)

    def _shape(self, points: list[tuple[float, float]], fill: Colour) -> None:
        self._draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill)

    def _arc(
        self, x: float, y: float, rx: float, ry: float, span: tuple[float, float], fill: Colour, wide: float
    ) -> None:
        s = _SCALE
        box = ((x - rx) * s, (y - ry) * s, (x + rx) * s, (y + ry) * s)
        self._draw.arc(box, span[0], span[1], fill, round(wide * s))

    def _long_hair(self, chin: float) -> None:
        x, top, rx = self._middle, self._eyes_at - self._face_height, self._face_width + 14
        length = chin + self._dice.choice((-26, 2, 34, 58))
        self._oval(x, top + rx + 4, rx, rx, self._hair)
        box = tuple(v * _SCALE for v in (x - rx, top + rx, x + rx, length))
        self._draw.rounded_rectangle(box, radius=26 * _SCALE, fill=self._hair)

    def _body(self, chin: float) -> None:
        x, shoulder = self._middle, chin + 34
        half = self._dice.uniform(112, 126) - 12 * self._is_female
        self._oval(x, shoulder + 62, half, 62, self._cloth)
        self._shape(
            [(x - half, shoulder + 60), (x + half, shoulder + 60), (x + half + 12, 420), (x - half - 12, 420)],
            self._cloth,
        )
        neck = 25 - 3 * self._is_female
        self._shape(
            [
                (x - neck, chin - 24),
                (x + neck, chin - 24),
                (x + neck + 5, shoulder + 14),
                (x - neck - 5, shoulder + 14),
            ],
            _darker(self._skin, 18),
        )
        self._collar(x, shoulder, neck)

    def _collar(self, x: float, shoulder: float, neck: float) -> None:
        style = self._dice.randrange(3)
        if style == 0:
            self._oval(x, shoulder + 12, neck + 8, 20, _darker(self._skin, 18))
            self._arc(x, shoulder + 12, neck + 9, 21, (0, 180), _darker(self._cloth, 22), 5)
            return
        white = (246, 246, 244)
        self._shape([(x - neck - 6, shoulder - 2), (x, shoulder + 62), (x + neck + 6, shoulder - 2)], white)
        self._shape(
            [(x - neck - 1, shoulder - 4), (x, shoulder + 30), (x + neck + 1, shoulder - 4)], _darker(self._skin, 18)
        )
        for side in (-1, 1):
            lapel = [
                (x + side * (neck + 2), shoulder - 10),
                (x + side * (neck + 30), shoulder + 26),
                (x, shoulder + 96),
            ]
            self._shape(lapel, _darker(self._cloth, 14))
        if style == 2 and not self._is_female:
            tie = _varied(self._dice, (110, 40, 60), 60)
            self._shape(
                [
                    (x - 8, shoulder + 28),
                    (x + 8, shoulder + 28),
                    (x + 12, shoulder + 84),
                    (x, shoulder + 96),
                    (x - 12, shoulder + 84),
                ],
                tie,
            )

    def _head(self) -> None:
        x, y = self._middle, self._eyes_at
        for side in (-1, 1):
            self._oval(x + side * self._face_width, y + 8, 9, 15, _darker(self._skin, 12))
        self._oval(x, y - 2, self._face_width, self._face_height - 4, self._skin)
        self._oval(x, y + self._face_height * 0.36, self._face_width * 0.84, self._face_height * 0.5, self._skin)

    def _fringe(self) -> None:
        x, y, rx = self._middle, self._eyes_at - self._face_height * 0.42, self._face_width + 4
        s, top = _SCALE, self._eyes_at - self._face_height - 8
        box = ((x - rx) * s, top * s, (x + rx) * s, (y + (y - top)) * s)
        self._draw.chord(box, 180, 360, self._hair)
        style = self._dice.randrange(4)
        if style == 0:
            self._oval(x, y, rx - 8, 12, self._hair)
        elif style == 1:
            self._shape([(x - rx, y - 2), (x + rx * 0.2, y - 2), (x - rx + 4, y + 32)], self._hair)
        elif style == 2:
            self._shape([(x + rx, y - 2), (x - rx * 0.3, y - 2), (x + rx - 4, y + 30)], self._hair)
        else:
            for step in range(5):
                left = x - rx + 8 + step * (rx - 8) * 0.4
                self._shape(
                    [(left, y - 2), (left + (rx - 8) * 0.4, y - 2), (left + (rx - 8) * 0.2, y + 14)], self._hair
                )
        for side in (-1, 1):
            self._shape(
                [(x + side * rx, y - 6), (x + side * (rx - 9), y - 6), (x + side * (rx - 2), y + 36)], self._hair
            )

    def _features(self) -> None:
        x, y, dice = self._middle, self._eyes_at + 4, self._dice
        apart, dark = self._face_width * dice.uniform(0.4, 0.46), (44, 32, 30)
        for side in (-1, 1):
            self._oval(x + side * apart, y, 8.5, 5.6, (252, 250, 246))
            self._oval(x + side * apart, y, 4.6, 5.2, dark)
            self._oval(x + side * apart + 1.6, y - 1.8, 1.4, 1.4, (255, 255, 255))
            self._arc(x + side * apart, y - 8, 13, 8, (205, 335), self._hair, 2.4 + 1.6 * (not self._is_female))
            self._oval(x + side * apart * 1.15, y + 24, 9, 6, _blend(self._skin, (236, 120, 110), 0.22))
        self._arc(x, y + 16, 6, 6, (20, 160), _darker(self._skin, 42), 2)
        lips = (200, 84, 88) if self._is_female else (176, 92, 84)
        self._arc(x, y + 28, dice.uniform(14, 20), dice.uniform(10, 15), (25, 155), lips, 3.4)
        if dice.random() < 0.3:
            self._glasses(x, y, apart)

    def _glasses(self, x: float, y: float, apart: float) -> None:
        frame = _varied(self._dice, (50, 46, 56), 30)
        for side in (-1, 1):
            self._arc(x + side * apart, y, 16, 13, (0, 360), frame, 2.2)
        self._arc(x, y, apart - 15, 5, (190, 350), frame, 2.2)


def _varied(dice: Random, colour: Colour, by: int) -> Colour:
    red, green, blue = (max(0, min(255, part + dice.randint(-by, by))) for part in colour)
    return red, green, blue


def _darker(colour: Colour, by: int) -> Colour:
    red, green, blue = (max(0, part - by) for part in colour)
    return red, green, blue


def _blend(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def seal_image(text: str, officer_name: str, *, font: Path | None = None) -> bytes:
    """A square signature stamp (红色名章) as transparent PNG of 190×190: the name, and text small beneath it (R-256).

    Without a Chinese TrueType font the strokes are a pattern that belongs to the name alone.
    """
    side = SEAL_SIDE * _SCALE
    picture, draw = _transparent(side)
    draw.rounded_rectangle((6, 6, side - 7, side - 7), radius=26, outline=(*_SEAL_RED, 255), width=16)
    if font is None:
        _pattern(draw, Random(f"{officer_name}/{text}"), side)
    else:
        _name_in_stamp(draw, font, officer_name, text, side)
    return _png(picture)


def _name_in_stamp(draw: ImageDraw.ImageDraw, font: Path, name: str, text: str, side: int) -> None:
    """In columns read from the top right downwards, as name stamps are: two by two, longer names in three columns."""
    foot = side * 0.20 if text else side * 0.06
    top, field = side * 0.07, side * 0.82
    height = side - top - foot
    letters = name + {1: "之印", 2: "之印", 3: "印"}.get(len(name), "")
    columns = 2 if len(letters) <= 4 else 3
    rows = math.ceil(len(letters) / columns)
    face = _face(font, int(min(field / columns, height / rows) * 0.96))
    for place, letter in enumerate(letters):
        column, row = divmod(place, rows)
        x = side / 2 + ((columns - 1) / 2 - column) * field / columns
        draw.text((x, top + height * (row + 0.5) / rows), letter, (*_SEAL_RED, 255), face, anchor="mm", stroke_width=2)
    if text:
        small = _face(font, int(min(side * 0.1, field * 0.96 / len(text))))
        draw.text((side / 2, side - foot * 0.72), text, (*_SEAL_RED, 255), small, anchor="mm", stroke_width=1)


def _pattern(draw: ImageDraw.ImageDraw, dice: Random, side: int) -> None:
    """Strokes on a grid that look like seal script and say nothing."""
    cell = (side - 80) / 8
    for row in range(9):
        for column in range(9):
            x, y = 40 + column * cell, 40 + row * cell
            if column < 8 and dice.random() < 0.5:
                draw.line((x, y, x + cell, y), (*_SEAL_RED, 255), 12)
            if row < 8 and dice.random() < 0.42:
                draw.line((x, y, x, y + cell), (*_SEAL_RED, 255), 12)


def issuer_seal(org_name: str, *, font: Path | None = None, note: str = "演示专用") -> bytes:
    """A round red seal as transparent PNG of 380×380: name on the arc, star, and a note that it is of no force."""
    side = 2 * SEAL_SIDE * _SCALE
    picture, draw = _transparent(side)
    draw.ellipse((8, 8, side - 9, side - 9), outline=(*_SEAL_RED, 255), width=22)
    _star(draw, side / 2, side / 2, side * 0.15)
    if font is None:
        _ticks(draw, Random(org_name), side)
    else:
        _on_arc(picture, font, org_name, side)
        face = _face(font, int(side * 0.075))
        draw.text((side / 2, side * 0.76), note, (*_SEAL_RED, 255), face, anchor="mm", stroke_width=1)
    return _png(picture)


def _star(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    points = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.382
        angle = math.pi * corner / 5
        points.append((x + reach * math.sin(angle), y - reach * math.cos(angle)))
    draw.polygon(points, (*_SEAL_RED, 255))


def _on_arc(picture: Image.Image, font: Path, text: str, side: int) -> None:
    """Letters upright on the upper arc, closer together the more there are."""
    span = min(250.0, 22.0 * max(1, len(text) - 1))
    size = int(min(side * 0.12, side * 0.0066 * span / max(1, len(text) - 1) if len(text) > 1 else side * 0.12))
    face, radius = _face(font, size), side * 0.375
    for place, letter in enumerate(text):
        angle = -span / 2 + span * place / max(1, len(text) - 1) if len(text) > 1 else 0.0
        tile = Image.new("RGBA", (size * 2, size * 2), (*_SEAL_RED, 0))
        ImageDraw.Draw(tile).text((size, size), letter, (*_SEAL_RED, 255), face, anchor="mm", stroke_width=2)
        turned = tile.rotate(-angle, Image.Resampling.BICUBIC)
        x = side / 2 + radius * math.sin(math.radians(angle))
        y = side / 2 - radius * math.cos(math.radians(angle))
        picture.alpha_composite(turned, (round(x - size), round(y - size)))


def _ticks(draw: ImageDraw.ImageDraw, dice: Random, side: int) -> None:
    """Strokes along the arc in place of letters."""
    for angle in range(-125, 126, 10):
        inner = side * dice.uniform(0.32, 0.38)
        sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
        ends = [(side / 2 + r * sine, side / 2 - r * cosine) for r in (inner, side * 0.425)]
        draw.line([*ends[0], *ends[1]], (*_SEAL_RED, 255), 14)


@lru_cache(maxsize=64)
def _face(font: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font, max(8, size))


def _transparent(side: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGBA", (side, side), (*_SEAL_RED, 0))
    return picture, ImageDraw.Draw(picture)


def _png(picture: Image.Image) -> bytes:
    """Halved, so that edges are smooth, as PNG."""
    file = BytesIO()
    picture.reduce(_SCALE).save(file, "PNG", optimize=True)
    return file.getvalue()
