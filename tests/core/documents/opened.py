"""Opens a PDF as a reader would: pages, the words on them with the fonts' own maps, images, and what is embedded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader

SHOWN = re.compile(rb"/(F\d+) [\d.]+ Tf <([0-9A-F]*)> Tj|/(X\d+) Do")


@dataclass(frozen=True)
class Opened:
    """pages: the words of each page, line breaks removed; fonts: base name to whether the program is embedded."""

    pages: list[str]
    fonts: dict[str, bool]
    title: str

    @property
    def text(self) -> str:
        """All words of the document."""
        return "\n".join(self.pages)


def opened(pdf: bytes) -> Opened:
    """Read strictly: a wrong offset or length anywhere raises."""
    reader = PdfFileReader(BytesIO(pdf), strict=True)
    kids = reader.root["/Pages"]["/Kids"]
    leaves = [kids[place] for place in range(len(kids))]
    assert reader.root["/Pages"]["/Count"] == len(leaves)
    fonts: dict[str, bool] = {}
    pages = []
    for page in leaves:
        known = page["/Resources"]["/Font"]
        maps = {name: to_unicode(known[name], fonts) for name in known}
        pages.append("".join(words(page["/Contents"].data, page["/Resources"], maps)))
    return Opened(pages, fonts, str(reader.trailer["/Info"]["/Title"]))


def words(content: bytes, resources: Any, maps: dict[str, dict[str, str]]) -> list[str]:
    """What is shown, in the order of drawing, forms included."""
    found = []
    for font, codes, placed in SHOWN.findall(content):
        if placed:
            drawn = resources["/XObject"]["/" + placed.decode()]
            if drawn["/Subtype"] == "/Form" and "/Resources" in drawn:
                found += words(drawn.data, drawn["/Resources"], maps)
        else:
            letters = maps["/" + font.decode()]
            text = codes.decode()
            found.append("".join(letters[text[at : at + 4]] for at in range(0, len(text), 4)))
    return found


class Plain(dict[str, str]):
    """Codes that are UTF-16 already (the standard font)."""

    def __missing__(self, code: str) -> str:
        return bytes.fromhex(code).decode("utf-16-be")


def to_unicode(font: Any, fonts: dict[str, bool]) -> dict[str, str]:
    """Code to character, as a viewer copies it; notes on the way whether the font is embedded."""
    fonts[str(font["/BaseFont"])] = "/FontFile2" in font["/DescendantFonts"][0]["/FontDescriptor"]
    if "/ToUnicode" not in font:
        return Plain()
    pairs = re.findall(rb"^<([0-9A-F]{4})> <([0-9A-F]+)>$", font["/ToUnicode"].data, re.MULTILINE)
    return {code.decode(): bytes.fromhex(value.decode()).decode("utf-16-be") for code, value in pairs}
