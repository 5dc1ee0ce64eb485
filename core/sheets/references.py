"""The references of XML text, &lt; or &#29579;, made into the characters they stand for."""

from __future__ import annotations

import re
from functools import lru_cache

_CHARACTERS = 8192  # remembered
_REFERENCE = re.compile(r"&(?:#(\d+)|(\w+));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def plain(text: str) -> str:
    """The text without references; ValueError or KeyError for one that stands for nothing readers agree upon."""
    return _unescaped(text) if "&" in text else text


@lru_cache(maxsize=4096)
def _unescaped(text: str) -> str:
    """openpyxl without lxml spells every Chinese character as a number: most texts are references and nothing else."""
    before, *references = text.split("&")
    try:
        return "".join(map(_ALONE.__getitem__, references)) if not before else _mixed(text)
    except KeyError:
        return _mixed(text)


def _mixed(text: str) -> str:
    spelled, count = _REFERENCE.subn(_character, text)
    if count != text.count("&"):
        raise ValueError("an & that begins no reference")
    return spelled


class _Alone(dict[str, str]):
    """Characters by reference, without its &, that stand alone; KeyError for everything else."""

    def __missing__(self, reference: str) -> str:
        found = _REFERENCE.fullmatch("&" + reference)
        if found is None:
            raise KeyError(reference)
        if len(self) >= _CHARACTERS:
            self.clear()
        self[reference] = character = _character(found)
        return character


_ALONE = _Alone()


def _character(reference: re.Match[str]) -> str:
    code = int(reference[1] or 0)
    if code and (code <= ord(" ") or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE):
        raise ValueError("a reference to what is no character, or not read alike")
    return chr(code) if code else _NAMED[reference[2]]
