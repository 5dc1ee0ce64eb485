"""What a long file leaves in memory: the first row of every key, and its errors."""

from __future__ import annotations

import random

import pytest

from core.errors import ValueRefused
from core.sheets.packed import Faults, FirstRows
from core.sheets.spec import CellError


def test_the_first_row_of_every_key_is_known_however_many_there_are() -> None:
    """R-077: what a dict would say, across every growth."""
    chance = random.Random(7)
    first, expected = FirstRows(), dict[tuple[str, int], int]()
    for number in range(1, 20_001):
        key = ("身份证", chance.randrange(15_000))
        assert first.first(key, number) == expected.setdefault(key, number)


def some_errors(first: int, count: int) -> list[CellError]:
    return [
        CellError(row, "手机号码", str(row), ValueRefused("mobile_shape", rule="R-076", value=str(row), allowed=["1"]))
        for row in range(first, first + count)
    ]


def test_errors_come_back_in_order_with_their_refusals() -> None:
    faults = Faults()
    for first, count in ((1, 3), (4, 0), (4, 2)):
        faults.extend(some_errors(first, count))
    assert len(faults) == 5
    assert [(error.row, error.value, error.code) for error in faults] == [
        (at, str(at), "mobile_shape") for at in range(1, 6)
    ]
    refusal = faults[4].refusal
    assert isinstance(refusal, ValueRefused)
    assert (refusal.rule, refusal.facts) == ("R-076", {"value": "5", "allowed": ["1"]})


@pytest.mark.parametrize("part", [slice(2), slice(1, 4), slice(-2, None), slice(None, None, 2), slice(None, None, -1)])
def test_errors_can_be_cut_like_a_list(part: slice) -> None:
    faults = Faults()
    faults.extend(some_errors(1, 5))
    assert [error.row for error in faults[part]] == list(range(1, 6))[part]
    with pytest.raises(IndexError):
        faults[5]


def test_no_errors_are_no_errors() -> None:
    assert not Faults()
    assert list(Faults()) == []
