"""Paper: pages written straight to a file as they are drawn, in millimetres from the top left corner.

A small PDF writer instead of a canvas that holds everything: memory stays flat over thousands of pages, one font
subset serves the whole document, and copied text is right beyond U+FFFF too (a person's name is searched for later).
The same calls give the same bytes.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from typing import BinaryIO, Literal

from core import clock
from core.documents import fonts, pictures
from core.errors import NotReady

MM = 72 / 25.4
A4 = (210.0, 297.0)
A4_LANDSCAPE = (297.0, 210.0)
_CATALOG, _PAGES, _FONTS, _INFO = 1, 2, 3, 4

Colour = tuple[float, float, float]
Align = Literal["left", "centre", "right"]
INK: Colour = (0.09, 0.09, 0.11)
GREY: Colour = (0.42, 0.43, 0.46)
HAIR: Colour = (0.66, 0.67, 0.70)
TINT: Colour = (0.945, 0.950, 0.960)
WHITE: Colour = (1, 1, 1)


class Paper:
    """One document on its way to `out`; finish() completes it. Not for two threads at once."""

    def __init__(
        self, out: BinaryIO, *, title: str, printed_at: datetime, size: tuple[float, float] = A4, subject: str = ""
    ) -> None:
        self.width, self.height = size
        self._out, self._title, self._subject, self._printed_at = out, title, subject, printed_at
        self._offsets: dict[int, int] = {}
        self._next = _INFO + 1
        self._position = 0
        self._digest = hashlib.sha256()
        self._pages: list[int] = []
        self._operators: list[str] = []
        self._pictures: set[int] = set()
        self._images: dict[bytes, tuple[int, int, int]] = {}
        self._qr_codes = pictures.QrCodes()
        self._forms: dict[Hashable, int] = {}
        self._codes: dict[fonts.Face, dict[str, str]] = {}
        self._write(b"%PDF-1.7\n%\xe8\x80\x83\xe5\x8a\xa1\n")

    # --- marks on the page -------------------------------------------------------------------------------------

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
        """One line with its baseline at y; size in points, spacing (mm) between characters; GlyphMissing if need be."""
        if not text:
            return
        pieces = fonts.runs(text)
        if align != "left":
            length = fonts.width(text, size) / MM + spacing * (len(text) - 1)
            x -= length / 2 if align == "centre" else length
        weight = f"2 Tr {size * 0.028:.2f} w {_rgb(colour)} RG " if bold else ""
        space = f"{spacing * MM:.3f} Tc " if spacing else ""
        shown = " ".join(f"/{self._font(face)} {size:g} Tf <{self._encode(face, part)}> Tj" for face, part in pieces)
        self._operators.append(
            f"BT {_rgb(colour)} rg {weight}{space}1 0 0 1 {x * MM:.2f} {self._y(y):.2f} Tm {shown}"
            f"{' 0 Tr' if bold else ''}{' 0 Tc' if spacing else ''} ET"
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, weight: float = 0.2, colour: Colour = INK, dash: str = ""
    ) -> None:
        """A straight line; weight in mm."""
        self._operators.append(
            f"q {_rgb(colour)} RG {weight * MM:.3f} w {f'[{dash}] 0 d ' if dash else ''}"
            f"{x1 * MM:.2f} {self._y(y1):.2f} m {x2 * MM:.2f} {self._y(y2):.2f} l S Q"
        )

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
        """A rectangle whose top left corner is (x, y); no line without colour, no filling without fill."""
        paint = "B" if colour and fill else "f" if fill else "S"
        self._operators.append(
            f"q {_rgb(fill) + ' rg ' if fill else ''}{_rgb(colour) + ' RG ' if colour else ''}{weight * MM:.3f} w "
            f"{x * MM:.2f} {self._y(y + height):.2f} {width * MM:.2f} {height * MM:.2f} re {paint} Q"
        )

    def curve(
        self, points: Iterable[tuple[float, float]], *, weight: float = 0.1, colour: Colour = INK, closed: bool = False
    ) -> None:
        """A line through many points, close enough to each other to look round."""
        first, *rest = [f"{x * MM:.1f} {self._y(y):.1f}" for x, y in points]  # a thirtieth of a millimetre
        path = f"{first} m {' l '.join(rest)} l {'s' if closed else 'S'}"
        self._operators.append(f"q {_rgb(colour)} RG {weight * MM:.3f} w 1 j {path} Q")

    def photo(self, jpeg: bytes, x: float, y: float, width: float, height: float) -> None:
        """A JPEG, stored as it is and fitted whole into the frame; FileRefused (photo_not_jpeg) for anything else."""
        number, wide, high = self._image(jpeg, self._write_jpeg)
        self._place(number, x, y, width, height, wide / high)

    def picture(self, png: bytes, x: float, y: float, width: float, height: float) -> None:
        """A PNG with its transparency (seals); FileRefused (picture_unreadable) if it is none or far too large."""
        number, wide, high = self._image(png, self._write_png)
        self._place(number, x, y, width, height, wide / high)

    def qr(self, text: str, x: float, y: float, size: float, *, colour: Colour = INK) -> None:
        """A QR code (level M) of this edge length, drawn as one path; the quiet zone is the caller's."""
        modules, path = self._qr_codes.path(text)
        scale = size * MM / modules
        self._operators.append(
            f"q {_rgb(colour)} rg {scale:.5f} 0 0 {-scale:.5f} {x * MM:.2f} {self._y(y):.2f} cm {path} f Q"
        )

    def form(self, key: Hashable, draw: Callable[[], None]) -> None:
        """What looks the same on many pages: drawn the first time this key is asked for, then only placed."""
        if key not in self._forms:
            kept, self._operators = self._operators, []
            kept_pictures, self._pictures = self._pictures, set()
            draw()
            self._forms[key] = self._stream(
                f"/Type /XObject /Subtype /Form {self._bounds('BBox')} /Resources {self._resources()}",
                "\n".join(self._operators).encode(),
            )
            self._operators, self._pictures = kept, kept_pictures
        self._pictures.add(self._forms[key])
        self._operators.append(f"/X{self._forms[key]} Do")

    def backdrop(self, draw: Callable[[Paper], None]) -> None:
        """Lines and boxes that every copy of a document shares (no words, no pictures): drawn once per process."""
        key = ("backdrop", draw)
        if key not in self._forms:
            head = f"/Type /XObject /Subtype /Form {self._bounds('BBox')} /Filter /FlateDecode"
            self._forms[key] = self._stream(head, _backdrop(draw, self.width, self.height), packed=True)
        self._pictures.add(self._forms[key])
        self._operators.append(f"/X{self._forms[key]} Do")

    # --- pages -------------------------------------------------------------------------------------------------

    def end_page(self) -> None:
        """Write this page out and begin the next."""
        content = self._stream("", "\n".join(self._operators).encode())
        page = self._object(
            f"<< /Type /Page /Parent {_PAGES} 0 R {self._bounds('MediaBox')} "
            f"/Resources {self._resources()} /Contents {content} 0 R >>".encode()
        )
        self._pages.append(page)
        self._operators, self._pictures = [], set()

    def finish(self) -> None:
        """Write the fonts, the page list and the index; the caller closes its file. NotReady when no page was drawn."""
        if not self._pages:
            raise NotReady("nothing_to_print")
        names = " ".join(f"/{self._font(face)} {self._write_font(face)} 0 R" for face in self._codes)
        self._object(f"<< {names} >>".encode(), _FONTS)
        kids = " ".join(f"{page} 0 R" for page in self._pages)
        self._object(f"<< /Type /Pages /Count {len(self._pages)} /Kids [{kids}] >>".encode(), _PAGES)
        manners = "/Lang (zh-CN) /ViewerPreferences << /DisplayDocTitle true >>"
        self._object(f"<< /Type /Catalog /Pages {_PAGES} 0 R {manners} >>".encode(), _CATALOG)
        moment = clock.local(self._printed_at).strftime("D:%Y%m%d%H%M%S%z")
        moment = f"{moment[:-2]}'{moment[-2:]}'"
        self._object(
            f"<< /Title {_words(self._title)} /Subject {_words(self._subject)} /Producer (kaowu) "
            f"/CreationDate ({moment}) /ModDate ({moment}) >>".encode(),
            _INFO,
        )
        self._write_index()

    # --- objects -----------------------------------------------------------------------------------------------

    def _y(self, y: float) -> float:
        return (self.height - y) * MM

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._digest.update(data)
        self._position += len(data)

    def _object(self, body: bytes, number: int = 0) -> int:
        if not number:
            number, self._next = self._next, self._next + 1
        self._offsets[number] = self._position
        self._write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        return number

    def _stream(self, entries: str, data: bytes, *, packed: bool = False) -> int:
        filtering = "" if packed else " /Filter /FlateDecode"
        data = data if packed else zlib.compress(data)
        head = f"<< {entries}{filtering} /Length {len(data)} >>\nstream\n".encode()
        return self._object(head + data + b"\nendstream")

    def _bounds(self, name: str) -> str:
        return f"/{name} [0 0 {self.width * MM:.2f} {self.height * MM:.2f}]"

    def _resources(self) -> str:
        used = " ".join(f"/X{number} {number} 0 R" for number in sorted(self._pictures))
        return f"<< /Font {_FONTS} 0 R{f' /XObject << {used} >>' if used else ''} >>"

    def _write_index(self) -> None:
        start, count = self._position, self._next
        rows = "".join(f"{self._offsets[number]:010d} 00000 n \n" for number in range(1, count))
        fingerprint = self._digest.hexdigest()[:32]
        self._write(
            f"xref\n0 {count}\n0000000000 65535 f \n{rows}trailer\n<< /Size {count} /Root {_CATALOG} 0 R "
            f"/Info {_INFO} 0 R /ID [<{fingerprint}> <{fingerprint}>] >>\nstartxref\n{start}\n%%EOF\n".encode()
        )

    # --- pictures ----------------------------------------------------------------------------------------------

    def _image(self, data: bytes, write: Callable[[bytes], tuple[int, int, int]]) -> tuple[int, int, int]:
        """Object number, width and height in pixels; the same picture is stored once."""
        key = hashlib.sha256(data).digest()
        if key not in self._images:
            self._images[key] = write(data)
        return self._images[key]

    def _place(self, number: int, x: float, y: float, width: float, height: float, ratio: float) -> None:
        wide, high = min(width, height * ratio), min(height, width / ratio)
        left, bottom = x + (width - wide) / 2, y + (height + high) / 2
        self._pictures.add(number)
        self._operators.append(
            f"q {wide * MM:.2f} 0 0 {high * MM:.2f} {left * MM:.2f} {self._y(bottom):.2f} cm /X{number} Do Q"
        )

    def _write_jpeg(self, data: bytes) -> tuple[int, int, int]:
        wide, high, colours = pictures.jpeg_shape(data)
        space = {1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK /Decode [1 0 1 0 1 0 1 0]"}[colours]
        number = self._stream(
            f"/Type /XObject /Subtype /Image /Width {wide} /Height {high} /BitsPerComponent 8 "
            f"/ColorSpace {space} /Filter /DCTDecode",
            data,
            packed=True,
        )
        return number, wide, high

    def _write_png(self, data: bytes) -> tuple[int, int, int]:
        wide, high, colours, alpha = pictures.png(data)
        shape = f"/Type /XObject /Subtype /Image /Width {wide} /Height {high} /BitsPerComponent 8 /Filter /FlateDecode"
        mask = self._stream(f"{shape} /ColorSpace /DeviceGray", alpha, packed=True)
        number = self._stream(f"{shape} /ColorSpace /DeviceRGB /SMask {mask} 0 R", colours, packed=True)
        return number, wide, high

    # --- fonts -------------------------------------------------------------------------------------------------

    def _font(self, face: fonts.Face) -> str:
        self._codes.setdefault(face, {})
        return f"F{list(self._codes).index(face)}"

    def _encode(self, face: fonts.Face, text: str) -> str:
        codes = self._codes[face]
        for character in text:
            if character not in codes:
                codes[character] = f"{len(codes) + 1 if face.is_embedded else ord(character):04X}"
        return "".join(map(codes.__getitem__, text))

    def _write_font(self, face: fonts.Face) -> int:
        return self._write_truetype(face) if isinstance(face, fonts.TrueTypeFace) else self._write_standard(face)

    def _write_truetype(self, face: fonts.TrueTypeFace) -> int:
        characters = list(self._codes[face])
        data, glyphs = face.subset(characters)
        tag = "".join(chr(65 + byte % 26) for byte in hashlib.sha256(data).digest()[:6])
        name = f"{tag}+{face.name}"
        program = self._stream(f"/Length1 {len(data)}", data)
        descriptor = self._descriptor(name, face.descriptor(), f"/Flags 4 /FontFile2 {program} 0 R")
        to_glyph = self._stream("", struct.pack(f">{len(glyphs) + 1}H", 0, *glyphs))
        widths = " ".join(f"{face.widths[character]:g}" for character in characters)
        descendant = self._object(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /CIDToGIDMap {to_glyph} 0 R "
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
            f"/FontDescriptor {descriptor} 0 R /DW 1000 /W [1 [{widths}]] >>".encode()
        )
        unicode_map = self._stream("", _to_unicode(characters))
        return self._object(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H "
            f"/DescendantFonts [{descendant} 0 R] /ToUnicode {unicode_map} 0 R >>".encode()
        )

    def _write_standard(self, face: fonts.StandardFace) -> int:
        shape = {"Ascent": 752.0, "Descent": -271.0, "CapHeight": 737.0, "ItalicAngle": 0.0, "StemV": 58.0}
        descriptor = self._descriptor(face.name, {**shape, "FontBBox": (-25, -254, 1000, 880)}, "/Flags 6")
        widths = " ".join(map(str, face.latin_widths()))
        descendant = self._object(
            f"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{face.name} "
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> "
            f"/FontDescriptor {descriptor} 0 R /DW 1000 /W [1 [{widths}]] >>".encode()
        )
        return self._object(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{face.name}-UniGB-UCS2-H /Encoding /UniGB-UCS2-H "
            f"/DescendantFonts [{descendant} 0 R] >>".encode()
        )

    def _descriptor(self, name: str, shape: dict[str, float | Sequence[float]], rest: str) -> int:
        entries = " ".join(
            f"/{key} {value:g}" if isinstance(value, int | float) else f"/{key} [{' '.join(f'{v:g}' for v in value)}]"
            for key, value in shape.items()
        )
        return self._object(f"<< /Type /FontDescriptor /FontName /{name} {entries} {rest} >>".encode())


@cache
def _backdrop(draw: Callable[[Paper], None], width: float, height: float) -> bytes:
    """The packed operators of a backdrop."""
    scratch = Paper(BytesIO(), title="", printed_at=datetime.min.replace(tzinfo=UTC), size=(width, height))
    draw(scratch)
    return zlib.compress("\n".join(scratch._operators).encode(), 9)


def _to_unicode(characters: Sequence[str]) -> bytes:
    """The map a viewer copies text by; block size is limited to 100 by the format."""
    pairs = [f"<{place:04X}> <{c.encode('utf-16-be').hex().upper()}>" for place, c in enumerate(characters, 1)]
    blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap "
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def "
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{body}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()


def _rgb(colour: Colour) -> str:
    red, green, blue = colour
    return f"{red:g} {green:g} {blue:g}"


def _words(text: str) -> str:
    return f"<FEFF{text.encode('utf-16-be').hex().upper()}>"
