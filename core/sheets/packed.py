"""What has to be remembered of every row of a long file, at little memory."""

from __future__ import annotations

import pickle
import zlib
from array import array
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from typing import overload

from core.sheets.spec import CellError


class FirstRows:
    """The first row of every key: 12 to 24 bytes a key, where a dict of keys takes three hundred.

    Keys are known by their 64-bit hash alone, which Python salts per process: of 200,000 keys two are mistaken for one
    another once in a billion files.
    """

    def __init__(self) -> None:
        self._grow(10)
        self._count = 0

    def first(self, key: Hashable, number: int) -> int:
        """The row that came first with this key; number itself where none did, and from now on."""
        mark = hash(key) or 1
        marks, at = self._marks, mark & self._mask
        while marks[at]:
            if marks[at] == mark:
                return self._numbers[at]
            at = (at + 1) & self._mask
        marks[at], self._numbers[at] = mark, number
        self._count += 1
        if self._count * 4 > len(marks) * 3:
            self._spread_out()
        return number

    def _spread_out(self) -> None:
        marks, numbers = self._marks, self._numbers
        self._grow(len(marks).bit_length())
        for mark, number in zip(marks, numbers, strict=True):
            if mark:
                at = mark & self._mask
                while self._marks[at]:
                    at = (at + 1) & self._mask
                self._marks[at], self._numbers[at] = mark, number

    def _grow(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._marks, self._numbers = array("q", bytes(8 << bits)), array("i", bytes(4 << bits))


class Faults(Sequence[CellError]):
    """Errors in the order they came, packed some thousand at a time: a refusal is an object of half a kilobyte."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._count = 0

    def extend(self, errors: Sequence[CellError]) -> None:
        """Further ones."""
        if errors:
            self._packed.append(zlib.compress(pickle.dumps(list(errors)), 1))
            self._count += len(errors)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[CellError]:
        for block in self._packed:
            yield from pickle.loads(zlib.decompress(block))  # noqa: S301  what was packed above, in this process

    @overload
    def __getitem__(self, at: int) -> CellError: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[CellError]: ...
    def __getitem__(self, at: int | slice) -> CellError | Sequence[CellError]:
        if isinstance(at, int):
            place = range(self._count)[at]
            return next(islice(self, place, None))
        wanted = range(self._count)[at]
        if wanted.step < 0:
            return list(self)[at]
        return list(islice(self, wanted.start, wanted.stop, wanted.step))
