"""Paper: pages that any reader opens, pictures as they were given, nothing cut off."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
import segno
from PIL import Image

from core.documents import fonts, pictures, sheet
from core.documents.paper import MM, Paper
from core.errors import FileRefused, NotReady
from tests.core.documents.conftest import LONG_NAME, portrait, stamp, written
from tests.core.documents.opened import opened

PRINTED_AT = datetime(2026, 9, 16, 2, 24, tzinfo=UTC)


def pages(*drawings: object) -> bytes:
    out = BytesIO()
    paper = Paper(out, title="测试文档", printed_at=PRINTED_AT)
    for draw in drawings:
        draw(paper)  # type: ignore[operator]
        paper.end_page()
    paper.finish()
    return out.getvalue()


def test_the_same_calls_give_the_same_bytes() -> None:
    draw = lambda paper: paper.text(20, 20, "王文丽", 12)  # noqa: E731

    assert pages(draw) == pages(draw)


def test_a_document_without_a_page_is_refused() -> None:
    with pytest.raises(NotReady, match="nothing_to_print"):
        pages()


def test_a_photo_is_stored_once_and_as_it_is() -> None:
    photo = portrait()

    pdf = pages(*[lambda paper: paper.photo(photo, 10, 10, 25, 35)] * 3)

    assert pdf.count(photo) == 1


@pytest.mark.parametrize("junk", [b"", b"GIF89a", stamp(), portrait()[:400], b"\xff\xd8\xff\xd9"])
def test_a_photo_that_is_no_whole_jpeg_is_refused(junk: bytes) -> None:
    with pytest.raises(FileRefused, match="photo_not_jpeg"):
        pages(lambda paper: paper.photo(junk, 10, 10, 25, 35))


@pytest.mark.parametrize("junk", [b"", portrait(), stamp()[:60], written(Image.new("1", (3000, 3000)), "PNG")])
def test_a_seal_that_is_no_sensible_png_is_refused(junk: bytes) -> None:
    with pytest.raises(FileRefused, match="picture_unreadable"):
        pages(lambda paper: paper.picture(junk, 10, 10, 25, 25))


def test_what_is_the_same_on_many_pages_is_stored_once() -> None:
    def draw(paper: Paper) -> None:
        paper.form("frame", lambda: paper.text(20, 20, "考生须知", 12))

    pdf = pages(draw, draw, draw)

    assert opened(pdf).pages == ["考生须知"] * 3
    assert pdf.count(b"/Subtype /Form") == 1


def painted(codes: pictures.QrCodes, text: str) -> list[list[int]]:
    """The modules as they come out of the path."""
    modules, path = codes.path(text)
    rows = [[0] * modules for _ in range(modules)]
    for x, y, wide, high in (map(int, box) for box in re.findall(r"(\d+) (\d+) (\d+) (\d+) re", path)):
        for row in rows[y : y + high]:
            row[x : x + wide] = [1] * wide
    return rows


def encoded(text: str) -> list[list[int]]:
    """The same symbol straight from the encoder."""
    code = segno.make(text, error="m", mode="byte", mask=pictures.QR_MASK, micro=False, boost_error=False)
    return [list(row) for row in code.matrix]


def test_qr_codes_are_right_module_for_module_also_where_they_are_composed() -> None:
    dice = random.Random(7)
    codes = pictures.QrCodes()
    texts = [
        f"https://exam.example.cn/t/{2026091600261100000070 * 10**4 + n}?k={dice.getrandbits(40):010x}"
        for n in range(80)
    ]

    for text in [*texts, "https://exam.example.cn/考生/1", "short"]:
        assert painted(codes, text) == encoded(text), text


@pytest.mark.parametrize("text", [LONG_NAME, "阿" * 60, "Abdurehim Ötkür International Vocational College of Nursing"])
@pytest.mark.parametrize(("width", "height"), [(27, 8), (12, 6), (60, 5)])
def test_text_in_a_cell_is_whole_and_inside_whatever_its_length(text: str, width: float, height: float) -> None:
    lines, size = sheet.fitted(text, 11, width, height)

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(fonts.width(line, size) <= width * MM + 0.01 for line in lines)
    assert len(lines) * size * sheet.LEADING / MM <= height or len(lines) == 1


def test_no_line_begins_with_a_closing_mark() -> None:
    lines = sheet.wrap("考生凭准考证入场，签到，入座，答题。", 10, 32)

    assert len(lines) > 1
    assert not any(line[0] in "，。" for line in lines)


def test_latin_words_are_not_broken() -> None:
    lines = sheet.wrap("recognized by the National Credit Bank", 10, 40)

    assert " ".join(lines) == "recognized by the National Credit Bank"
    assert len(lines) > 1


def test_times_are_shown_in_business_time() -> None:
    assert sheet.moment(PRINTED_AT) == "2026-09-16 10:24"
    assert sheet.span(PRINTED_AT, PRINTED_AT.replace(hour=3)) == "2026年9月16日 10:24—11:24"
    assert sheet.span(PRINTED_AT, PRINTED_AT.replace(day=17)) == "2026年9月16日 10:24—2026年9月17日 10:24"


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="no pdftotext on PATH; on Debian: apt install poppler-utils")
def test_another_reader_finds_the_same_words_and_embedded_fonts(tmp_path: Path) -> None:
    names = "陶镕 李堃 张䶮 刘𠅤"
    file = tmp_path / "paper.pdf"
    file.write_bytes(pages(lambda paper: paper.text(20, 20, names, 14, bold=True)))

    text = subprocess.run(["pdftotext", file, "-"], capture_output=True, check=True).stdout.decode()
    found = subprocess.run(["pdffonts", file], capture_output=True, check=True).stdout.decode().splitlines()[2:]

    assert text.strip() == names
    assert found
    assert all("CID TrueType" in line and " yes yes yes" in line for line in found)
