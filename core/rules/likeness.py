"""How near two words are: what a hurried hand may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def is_one_slip(typed: str, meant: str) -> bool:
    """True where two characters are swapped, one is wrong, one too many or one missing."""
    if abs(len(typed) - len(meant)) > 1 or typed == meant:
        return False
    at = _same_from_start(typed, meant)
    left, right = typed[at:], meant[at:]
    if len(left) == len(right):
        return left[1:] == right[1:] or (left[:2] == right[:2][::-1] and left[2:] == right[2:])
    return left[1:] == right if len(left) > len(right) else left == right[1:]


def _same_from_start(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def only_near(typed: str, words: Iterable[str]) -> str | None:
    """The one word a single slip away; None where there is none, or two of them: then nobody can know."""
    near = {word for word in words if is_one_slip(typed, word)}
    return near.pop() if len(near) == 1 else None
