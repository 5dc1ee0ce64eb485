"""说明文字 with a little markup: 师资情况 and 场地情况 (§2.12, R-033). What people typed is never trusted as HTML.

A text is cleaned when it is saved and once more when it is shown, so that neither an old row nor a forgotten path can
carry a script to a reviewer. Markup is the house's few tags; everything else is dropped and its text kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape

import nh3

from core.errors import ValueRefused

TAGS = frozenset({"p", "br", "strong", "em", "u", "ul", "ol", "li", "h3", "h4", "blockquote", "img"})
LONGEST = 4_000  # characters of text, markup not counted
LONGEST_MARKUP, MOST_TAGS = 100_000, 4_000  # beyond these nobody typed it, and a parser would be busy for long
PICTURE = "/admin/files/"

_SPOKEN_OTHERWISE = {"b": "strong", "i": "em", "div": "p", "h1": "h3", "h2": "h3"}  # what editors write for ours
_PICTURE_SOURCE = re.compile(r"/admin/files/([1-9][0-9]{0,9})")
_MARKUP = re.compile(rf"</?({'|'.join(sorted(TAGS | _SPOKEN_OTHERWISE.keys()))})\b[^<>]*>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>")
_ENDS_A_LINE = re.compile(r"<br>|</(p|li|h3|h4|blockquote)>")
_EMPTY_BLOCK = re.compile(r"<(p|h3|h4|blockquote|li|ul|ol)>(?:\s|&nbsp;|<br>)*</\1>")
_BARE_PICTURE = re.compile(r"<img>")
_ONLY_LINES = frozenset({"p", "br"})
_NESTED = 50  # how deep empty blocks are looked for inside empty blocks


def clean(typed: str) -> str:
    """Safe markup of what was typed, markup or plain lines; "" where nothing is said and nothing is shown (R-033)."""
    if len(typed) > LONGEST_MARKUP or typed.count("<") > MOST_TAGS:
        raise ValueRefused("words_too_long", rule="R-033", longest=LONGEST, length=len(typed))
    markup = typed if _MARKUP.search(typed) else _paragraphs(typed)
    safe = _ours(markup)
    if _is_blank(safe):
        return ""
    length = len(plain(safe))
    if length > LONGEST:
        raise ValueRefused("words_too_long", rule="R-033", longest=LONGEST, length=length)
    return safe


def shown(stored: str) -> str:
    """What a page may print as HTML: cleaned again, pictures with a word for those who cannot see them."""
    safe = _ours(stored if _MARKUP.search(stored) else _paragraphs(stored))
    return safe.replace("<img ", '<img alt="说明中的图片" loading="lazy" ')


def plain(stored: str) -> str:
    """The text alone, a line per paragraph, as differences and chats read it."""
    if not _MARKUP.search(stored):
        return stored.strip()
    lines = _ENDS_A_LINE.sub("\n", stored)
    return re.sub(r"\n{2,}", "\n", unescape(_ANY_TAG.sub("", lines)).replace("\xa0", " ")).strip()


def for_typing(stored: str) -> str:
    """What a text field without an editor shows: lines where lines are all there is, else the markup itself."""
    used = {tag.lower() for tag in _MARKUP.findall(stored)}
    text = plain(stored)
    return text if used <= _ONLY_LINES and not _MARKUP.search(text) else stored


def pictures(stored: str) -> frozenset[int]:
    """Numbers of the files shown inside."""
    return frozenset(int(number) for number in _PICTURE_SOURCE.findall(stored))


def with_pictures(stored: str, renumbered: Mapping[int, int]) -> str:
    """The same text showing other files; a picture without a new number is left out."""

    def moved(found: re.Match[str]) -> str:
        number = renumbered.get(int(found[1]))
        return "" if number is None else f'<img src="{PICTURE}{number}">'

    return re.sub(rf'<img src="{PICTURE}([0-9]+)">', moved, stored)


def _paragraphs(text: str) -> str:
    """Plain lines as paragraphs; whatever looks like markup in them stays text."""
    return "".join(f"<p>{escape(line.strip(), quote=False)}</p>" for line in text.splitlines() if line.strip())


def _ours(markup: str) -> str:
    first = _only(markup, TAGS | _SPOKEN_OTHERWISE.keys())
    for theirs, ours in _SPOKEN_OTHERWISE.items():
        first = first.replace(f"<{theirs}>", f"<{ours}>").replace(f"</{theirs}>", f"</{ours}>")
    safe = _BARE_PICTURE.sub("", _only(first, TAGS))
    for _ in range(_NESTED):
        safe, emptied = _EMPTY_BLOCK.subn("", safe)
        if not emptied:
            break
    bare = safe.strip()
    return bare if not bare or _MARKUP.search(bare) else f"<p>{bare}</p>"  # else it would pass for plain lines


def _only(markup: str, tags: frozenset[str] | set[str]) -> str:
    return nh3.clean(
        markup,
        tags=set(tags),
        attributes={"img": {"src"}},
        attribute_filter=lambda tag, name, value: value if _PICTURE_SOURCE.fullmatch(value) else None,
        link_rel=None,
        url_schemes=set(),
    )


def _is_blank(safe: str) -> bool:
    return "<img " not in safe and not plain(safe)
