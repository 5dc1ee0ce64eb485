"""Small pictures that organisations show of themselves."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from core.errors import ValueRefused

LOGO_SIDE = 100  # pixels, R-015
LOGO_BYTES = 512 * 1024


def require_logo(data: bytes) -> None:
    """R-015: a jpg or png of exactly 100×100 pixels."""
    if len(data) > LOGO_BYTES:
        raise ValueRefused("logo_too_large", rule="R-015", limit=LOGO_BYTES // 1024)
    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as picture:
            size = picture.size
            if size == (LOGO_SIDE, LOGO_SIDE):
                picture.load()
    except Exception:  # broken pictures make Pillow raise whatever its parsers trip over
        raise ValueRefused("logo_not_image", rule="R-015") from None
    if size != (LOGO_SIDE, LOGO_SIDE):
        raise ValueRefused("logo_size", rule="R-015", width=size[0], height=size[1], side=LOGO_SIDE)
