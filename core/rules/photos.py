"""One photo of a candidate: what is asked of it (R-081), and the form it is kept and printed in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image, ImageOps

from core.errors import ValueRefused
from core.rules.jpegs import outline
from core.rules.machine import Labelled

WIDTH, HEIGHT = 295, 413
PHOTO_BYTES = 5 * 1024 * 1024
_SIDE_TOLERANCE, _RATIO_TOLERANCE = 0.10, 0.03  # "slight difference tolerated"
JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_ORIENTATION, _SIDEWAYS = 0x0112, frozenset({5, 6, 7, 8})
_EIGHTH = (WIDTH // 8, HEIGHT // 8)  # each pixel is a mean of 64, and decoding costs half
# Along the upper border, where hair and shoulders seldom reach: a red shirt must not pass for a red wall.
_TOP = tuple((x, 0.03) for x in (0.03, 0.25, 0.5, 0.75, 0.97))
_BORDER = (*_TOP, (0.03, 0.2), (0.97, 0.2), (0.03, 0.4), (0.97, 0.4))
_POINTS_ENOUGH = 6


class Colour(Labelled):
    """底色 of a photo."""

    RED = "red", "红色"
    BLUE = "blue", "蓝色"
    WHITE = "white", "白色"


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """A photo that passed. jpeg: what to store, always an upright colour JPEG, for documents print nothing else.

    sha256: of that; format: JPEG or PNG, as uploaded. A JPEG that is upright and in RGB is kept byte for byte.
    """

    width: int
    height: int
    format: str
    sha256: str
    jpeg: bytes = field(repr=False)


def check_photo(data: bytes, *, background: Colour | None = None) -> PhotoFacts:
    """R-081: jpg or png by content, ≤ 5 MB, about 295×413, whole; ValueRefused otherwise.

    background: the colour behind the person, if it matters; by default it does not (Appendix B).
    """
    if len(data) > PHOTO_BYTES:
        raise ValueRefused("photo_too_large", rule="R-081", limit_mb=PHOTO_BYTES // 2**20)
    if not data.startswith((JPEG, _PNG)):
        raise ValueRefused("photo_not_image", rule="R-081")
    seen = outline(data) if background is None and data.startswith(JPEG) else None
    if seen is not None and seen.is_bare:
        return _as_it_is(data, seen.width, seen.height)
    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
            return _check(image, data, background, is_sound=seen is not None)
    except ValueRefused:
        raise
    except Exception:  # broken pictures make Pillow raise whatever its parsers trip over
        raise ValueRefused("photo_corrupt", rule="R-081") from None


def _as_it_is(data: bytes, width: int, height: int) -> PhotoFacts:
    _require_size(width, height)
    return PhotoFacts(width, height, "JPEG", hashlib.sha256(data).hexdigest(), data)


def _check(image: Image.Image, data: bytes, background: Colour | None, *, is_sound: bool) -> PhotoFacts:
    """is_sound: nobody needs to decode it to know that it can be."""
    width, height = size_upright(image)
    _require_size(width, height)  # before anything is decoded: the header of a bomb is as small as any
    is_jpeg = data.startswith(JPEG)
    if is_jpeg and image.mode == "RGB" and _turned(image) in {0, 1}:
        if not is_sound:
            image.draft("RGB", _EIGHTH)
            image.load()
        if background is not None:
            require_background(image, background)
        return _as_it_is(data, width, height)
    whole = upright(image)
    if background is not None:
        require_background(whole.reduce(8), background)
    kept = as_jpeg(whole)
    return PhotoFacts(width, height, "JPEG" if is_jpeg else "PNG", hashlib.sha256(kept).hexdigest(), kept)


def _turned(image: Image.Image) -> int:
    return int(image.getexif().get(_ORIENTATION, 1))


def size_upright(image: Image.Image) -> tuple[int, int]:
    """(width, height) as the picture is looked at, from its header alone."""
    width, height = image.size
    return (height, width) if _turned(image) in _SIDEWAYS else (width, height)


def upright(image: Image.Image) -> Image.Image:
    """Decoded, the right way up, in RGB; 16 bits of grey become 8, what can be seen through lies on white."""
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I"):
        turned = turned.convert("I").point(lambda value: value / 256).convert("L")
    if turned.has_transparency_data:
        turned = turned.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", turned.size, "white"), turned).convert("RGB")
    return turned.convert("RGB")


def _require_size(width: int, height: int) -> None:
    sides = abs(width / WIDTH - 1) <= _SIDE_TOLERANCE and abs(height / HEIGHT - 1) <= _SIDE_TOLERANCE
    if not sides or abs(width / height * HEIGHT / WIDTH - 1) > _RATIO_TOLERANCE:
        raise ValueRefused("photo_wrong_size", rule="R-081", width=width, height=height)


def require_background(small: Image.Image, colour: Colour) -> None:
    """ValueRefused where the wall behind the person has another colour; small: an eighth of the picture is enough."""
    points = [small.getpixel((int(x * small.width), int(y * small.height))) for x, y in _BORDER]
    if sum(_is(colour, point) for point in points) < _POINTS_ENOUGH:
        raise ValueRefused("photo_background", rule="R-081", colour=colour.label)


def _is(colour: Colour, point: object) -> bool:
    red, green, blue = point if isinstance(point, tuple) else (0, 0, 0)
    match colour:
        case Colour.RED:
            return bool(red >= 90 and red >= 1.5 * max(green, blue))
        case Colour.BLUE:
            return bool(blue >= 90 and blue >= 1.3 * red and blue >= 1.05 * green)
        case Colour.WHITE:
            return bool(min(red, green, blue) >= 215)


def as_jpeg(image: Image.Image) -> bytes:
    """As it is stored."""
    out = BytesIO()
    image.save(out, "JPEG", quality=95)
    return out.getvalue()
