"""The fonts of every printed page: found once per process, asked character by character, never silent about a gap.

Order of search: KAOWU_FONT, a full TrueType font of the system (LXGW WenKai first), the font that the installed
wheel zhplot carries (located, never imported), and last STSong-Light, which the reader's viewer has to own.
All that were found form one chain: a character the first one lacks is drawn with the next.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from threading import Lock

from reportlab.pdfbase.ttfonts import TTFError, TTFontFace

from core import settings
from core.errors import Refusal

CARRIER = "zhplot"
_SYSTEM_FONTS = (  # fuller fonts first; CFF fonts (Noto CJK) cannot be embedded and are passed over when met
    "LXGWWenKai-Regular.ttf", "LXGWWenKaiGB-Regular.ttf", "LXGWWenKaiLite-Regular.ttf", "NotoSansSC-Regular.ttf",
    "SourceHanSansSC-Regular.ttf", "simsun.ttc", "wqy-zenhei.ttc",
)  # fmt: skip
_DIGITS = frozenset("0123456789")
_PROBE = "考务证书签发姓名座位二〇二六年"  # a font that lacks one of these is no Chinese font
# Proportional Latin of STSong-Light, U+0020 to U+007E, in thousandths.
_STSONG_LATIN = (
    207, 270, 342, 467, 462, 797, 710, 239, 374, 374, 423, 605, 238, 375, 238, 334, 462, 462, 462, 462, 462, 462, 462,
    462, 462, 462, 238, 238, 605, 605, 605, 344, 748, 684, 560, 695, 739, 563, 511, 729, 793, 318, 312, 666, 526, 896,
    758, 772, 544, 772, 628, 465, 607, 753, 711, 972, 647, 620, 607, 374, 333, 374, 606, 500, 239, 417, 503, 427, 529,
    415, 264, 444, 518, 241, 230, 495, 228, 793, 527, 524, 524, 504, 338, 336, 277, 517, 450, 652, 466, 452, 407, 370,
    258, 370, 605,
)  # fmt: skip


class GlyphMissing(Refusal):
    """No font here can draw this character; facts: character, codepoint (U+…)."""

    code = "glyph_missing"

    def __init__(self, character: str) -> None:
        super().__init__(character=character, codepoint=f"U+{ord(character):04X}")


@dataclass(frozen=True, slots=True)
class FontChoice:
    """The first font of the chain; source is where it came from, warning (Chinese) is empty when all is well."""

    name: str
    source: str
    is_embedded: bool
    warning: str = ""


class TrueTypeFace:
    """A TrueType font that a document embeds; widths are thousandths of the type size."""

    is_embedded = True

    def __init__(self, path: Path, source: str) -> None:
        self.path, self.source = path, source
        self._face = TTFontFace(str(path))
        self.name: str = self._face.name.decode("latin-1")
        charted: dict[int, float] = self._face.charWidths
        self.widths = {chr(code): charted[code] for code in self._face.charToGlyph if code in charted and code > 0x1F}
        self._lock = Lock()

    def descriptor(self) -> dict[str, float | Sequence[float]]:
        """Ascent, Descent, CapHeight, ItalicAngle, StemV and FontBBox as a PDF wants them."""
        face = self._face
        return {
            "Ascent": face.ascent, "Descent": face.descent, "CapHeight": face.capHeight,
            "ItalicAngle": face.italicAngle, "StemV": face.stemV, "FontBBox": face.bbox,
        }  # fmt: skip

    def subset(self, characters: Sequence[str]) -> tuple[bytes, list[int]]:
        """A font file with only these characters, and the glyph number each of them has in it."""
        numbers: dict[int, int] = {0: 0}  # the subsetter numbers glyphs in the order it first meets them
        codes = [ord(character) for character in characters]
        glyphs = [numbers.setdefault(self._face.charToGlyph[code], len(numbers)) for code in codes]
        with self._lock:  # the parser keeps a read position
            return bytes(self._face.makeSubset(codes)), glyphs


class StandardFace:
    """STSong-Light: named in the document, not carried by it."""

    name, source, is_embedded = "STSong-Light", "阅读器自带", False

    def __init__(self) -> None:
        self.widths = {chr(0x20 + place): float(width) for place, width in enumerate(_STSONG_LATIN)}
        for code in range(0xA1, 0x10000):
            if not 0xD800 <= code < 0xE000 and _in_gbk(chr(code)):
                self.widths[chr(code)] = 1000.0

    def latin_widths(self) -> Sequence[int]:
        """Thousandths of CID 1 to 95, the rest is 1000 wide."""
        return _STSONG_LATIN


Face = TrueTypeFace | StandardFace


def _in_gbk(character: str) -> bool:
    try:
        return len(character.encode("gbk")) == 2
    except UnicodeEncodeError:
        return False


def chinese_font() -> FontChoice:
    """The font in force; its warning belongs on /readyz and on the panel's home page."""
    first, warning = faces()[0], _setting_warning()
    if not first.is_embedded:
        warning += "未找到可嵌入的中文字体，文档改用阅读器自带的宋体，部分手机和打印机会显示空白，请设置 KAOWU_FONT。"
    return FontChoice(first.name, first.source, first.is_embedded, warning)


def missing_glyphs(text: str) -> set[str]:
    """The characters of text that no font of the chain can draw."""
    return {character for character in set(text) if not any(character in face.widths for face in faces())}


def runs(text: str) -> list[tuple[Face, str]]:
    """Text cut where the font has to change; GlyphMissing names the first character nobody can draw.

    Digits come from a font without brush strokes: the 9 of a Kai font is easily read as q in a ticket number.
    """
    first = faces()[0]
    if _DIGITS.issuperset(text):
        return [(_numerals(), text)]
    if _DIGITS.isdisjoint(text) and all(map(first.widths.__contains__, text)):
        return [(first, text)]
    return [(face, "".join(part)) for face, part in groupby(text, key=_face_for)]


def width(text: str, size: float) -> float:
    """How wide text runs, in the unit of size."""
    return sum(map(advance, text)) * size / 1000


@cache  # bounded by the characters there are
def advance(character: str) -> float:
    """The width of one character in thousandths of the type size; GlyphMissing if nobody can draw it."""
    return _face_for(character).widths[character]


@lru_cache(maxsize=1)
def faces() -> tuple[Face, ...]:
    """The chain, best first, at least one."""
    found: list[Face] = []
    for path, source in _candidates():
        face = _open(path, source)
        if face is not None and face.name not in {other.name for other in found}:
            found.append(face)
    return tuple(found) or (StandardFace(),)


def forget() -> None:
    """Search afresh next time (tests, and after settings.forget())."""
    faces.cache_clear()
    _numerals.cache_clear()
    advance.cache_clear()


@lru_cache(maxsize=1)
def _numerals() -> Face:
    return next((face for face in faces() if "Kai" not in face.name), faces()[0])


def _face_for(character: str) -> Face:
    if character in _DIGITS:
        return _numerals()
    for face in faces():
        if character in face.widths:
            return face
    raise GlyphMissing(character)


def _candidates() -> Iterator[tuple[Path, str]]:
    given = settings.current().font
    if given:
        yield Path(given), "KAOWU_FONT"
    yield from ((path, "系统字体") for path in system_fonts())
    carried = carried_font()
    if carried:
        yield carried, f"随附字体 {CARRIER}"


def _open(path: Path, source: str) -> TrueTypeFace | None:
    try:
        face = TrueTypeFace(path, source)
    except (TTFError, OSError, ValueError, KeyError, IndexError):  # no TrueType file, or not one we can subset
        return None
    return face if all(character in face.widths for character in _PROBE) else None


def _setting_warning() -> str:
    given = settings.current().font
    if given and all(face.source != "KAOWU_FONT" for face in faces()):
        return "KAOWU_FONT 指定的字体无法使用（须为含全部常用汉字的 TrueType 字体文件），已改用其他字体。"
    return ""


def carried_font() -> Path | None:
    """The TrueType file inside the installed carrier wheel; the package itself is never imported."""
    spec = importlib.util.find_spec(CARRIER)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(place).glob("fonts/*.ttf")):
            return path
    return None


def system_fonts() -> list[Path]:
    """Known full Chinese fonts of this machine, in our order of preference."""
    wanted = {name.lower(): rank for rank, name in enumerate(_SYSTEM_FONTS)}
    found = [
        Path(folder) / file
        for root in _font_folders()
        for folder, _, files in os.walk(root)
        for file in files
        if file.lower() in wanted
    ]
    return sorted(found, key=lambda path: (wanted[path.name.lower()], str(path)))


def _font_folders() -> tuple[Path, ...]:
    home = Path.home()
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts",)
    if sys.platform == "darwin":
        return home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts")
    return home / ".local/share/fonts", home / ".fonts", Path("/usr/local/share/fonts"), Path("/usr/share/fonts")
