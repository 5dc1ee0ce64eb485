"""Invented people, photos and seals for the documents, and a chain of fonts that is searched afresh where asked."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from core.documents import fonts

LONG_NAME = "古丽巴哈尔·阿不都热西提·吐尔逊买买提江"
NAMES = ("王文丽", "张䶮", "欧阳㛃㸆", "买买提·艾合买提江", LONG_NAME, "陶镕", "李堃", "刘𠅤")


def portrait() -> bytes:
    """An invented portrait, red background, 295×413, JPEG."""
    image = Image.new("RGB", (295, 413), (196, 30, 40))
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 300, 235, 560), fill=(40, 50, 80))
    draw.rectangle((125, 240, 170, 320), fill=(235, 200, 175))
    draw.ellipse((85, 95, 210, 270), fill=(240, 208, 184))
    draw.pieslice((80, 80, 215, 230), 180, 360, fill=(30, 25, 25))
    return written(image, "JPEG")


def stamp() -> bytes:
    """An invented seal: a red ring on nothing, 95×95, PNG."""
    image = Image.new("RGBA", (95, 95))
    ImageDraw.Draw(image).ellipse((3, 3, 91, 91), outline=(200, 20, 30, 230), width=5)
    return written(image, "PNG")


def written(image: Image.Image, kind: str) -> bytes:
    """The bytes of an image file."""
    out = BytesIO()
    image.save(out, kind)
    return out.getvalue()


@pytest.fixture
def fresh_fonts() -> Iterator[None]:
    """Fonts are searched for this test alone."""
    fonts.forget()
    yield
    fonts.forget()
