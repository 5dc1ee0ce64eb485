"""A photo of another size, cut to the one that is asked for (R-081): an offer, never taken without a person's word."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from core.errors import ValueRefused
from core.rules.photos import (
    HEIGHT,
    JPEG,
    WIDTH,
    Colour,
    PhotoFacts,
    as_jpeg,
    check_photo,
    require_background,
    upright,
)

MOST_PIXELS = 25_000_000  # of a phone's camera; what is larger is no photo of one person
MOST_PIXELS_OF_PNG = 6_000_000  # decoded whole; no camera's PNG of 5 MB has more
_NARROWEST, _WIDEST = 0.55, 1.0  # width by height: from a phone's 9:16 to a square
_BLOWN_UP = 1.10  # as much as R-081's slight difference allows
_ABOVE = 0.2  # of what a tall picture has too much, so little goes at the top: the head is there


@dataclass(frozen=True, slots=True)
class PhotoJudgement:
    """facts of a photo that passed; else the refusal and, where a crop would pass, the offer."""

    facts: PhotoFacts | None = None
    refusal: ValueRefused | None = None
    offer: PhotoFacts | None = None


def judge_photo(data: bytes, *, background: Colour | None = None, may_crop: bool = True) -> PhotoJudgement:
    """check_photo as a value; what is nearly right comes with a crop to 295×413 (R-081)."""
    try:
        return PhotoJudgement(check_photo(data, background=background))
    except ValueRefused as refusal:
        if refusal.sentence_code != "photo_wrong_size" or not may_crop:
            return PhotoJudgement(refusal=refusal.alone())
        return _cropped(data, background, refusal)


def _cropped(data: bytes, background: Colour | None, refusal: ValueRefused) -> PhotoJudgement:
    size = refusal.facts["width"], refusal.facts["height"]
    most = MOST_PIXELS if data.startswith(JPEG) else MOST_PIXELS_OF_PNG
    if size[0] * size[1] > most or not is_croppable(*size):
        return PhotoJudgement(refusal=refusal.alone())
    try:
        offer = crop(data, background=background)
    except ValueRefused as other:
        return PhotoJudgement(refusal=other.alone())
    told = ValueRefused("photo_croppable", rule="R-081", width=size[0], height=size[1])
    return PhotoJudgement(refusal=told, offer=offer)


def is_croppable(width: int, height: int) -> bool:
    """Enough pixels, and upright as people are; width and height as it is looked at."""
    if not _NARROWEST <= width / height <= _WIDEST:
        return False
    kept_width, kept_height = _window(width, height)
    return min(kept_width / WIDTH, kept_height / HEIGHT) >= 1 / _BLOWN_UP


def crop(data: bytes, *, background: Colour | None = None) -> PhotoFacts:
    """Exactly 295×413, centred across, the upper part kept; ValueRefused: cannot be read, or a wrong background."""
    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
            form = image.format or ""
            image.draft("RGB", (2 * WIDTH, 2 * WIDTH))  # a camera's millions of pixels need not all be decoded
            whole = upright(image)
    except Exception:  # broken pictures make Pillow raise whatever its parsers trip over
        raise ValueRefused("photo_corrupt", rule="R-081") from None
    width, height = _window(whole.width, whole.height)
    left, top = (whole.width - width) / 2, (whole.height - height) * _ABOVE
    cut = whole.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, (left, top, left + width, top + height))
    if background is not None:
        require_background(cut.reduce(8), background)
    kept = as_jpeg(cut)
    return PhotoFacts(WIDTH, HEIGHT, form, hashlib.sha256(kept).hexdigest(), kept)


def _window(width: int, height: int) -> tuple[float, float]:
    """The largest part of this picture that has the right ratio: (width, height)."""
    wide = min(width, height * WIDTH / HEIGHT)
    return wide, wide * HEIGHT / WIDTH
