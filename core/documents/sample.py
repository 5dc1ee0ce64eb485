"""样张: a certificate of somebody who does not exist, to look at before anything real is made (R-257, G-07)."""

from __future__ import annotations

from datetime import date
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw

from core.documents.certificate import CertificateFacts, CertificateWords
from core.rules.photos import HEIGHT, WIDTH
from core.rules.values import id_check

_NAME = "样张甲"
_NUMBER = "42000020000101001"  # begins with the code of a whole province, which no real one does


def sample_facts(
    *,
    certificate: str,
    level: str,
    certificate_en: str,
    issuer: str,
    college: str,
    on: date,
    verify_url: str,
    words: CertificateWords | None = None,
    officer_seal: bytes | None = None,
    issuer_seal: bytes | None = None,
) -> CertificateFacts:
    """The facts of a sample; whoever scans its code finds no such certificate."""
    return CertificateFacts(
        certificate_no="0" * 28,
        name=_NAME,
        id_number=_NUMBER + id_check(_NUMBER),
        certificate=certificate,
        level=level,
        certificate_en=certificate_en,
        exam_year=on.year,
        exam_month=on.month,
        issuer=issuer,
        college=college,
        issued_on=on,
        verify_url=verify_url,
        photo=_nobody(),
        officer_seal=officer_seal,
        issuer_seal=issuer_seal,
        is_sample=True,
        words=words or CertificateWords(),
    )


@cache
def _nobody() -> bytes:
    """A grey outline where a photo will be."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), (214, 222, 232))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((WIDTH * 0.3, HEIGHT * 0.18, WIDTH * 0.7, HEIGHT * 0.52), fill=(150, 162, 178))
    draw.ellipse((WIDTH * 0.1, HEIGHT * 0.58, WIDTH * 0.9, HEIGHT * 1.4), fill=(150, 162, 178))
    out = BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()
