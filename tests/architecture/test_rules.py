"""Every rule that is built has a test that names it, as people write it (R-025) or as names allow (R025)."""

from __future__ import annotations

import re
from functools import lru_cache

import pytest

from tests.architecture import source

# Numbers of the functional specification: the pilot year with its accounts, the plans built on it, and the seals.
BUILT = {
    "R": [*range(1, 71), *range(254, 261)],
    "M": [*range(1, 11), 33],
    "T": [1, 2, 3, 20],
}
IDS = [
    f"{letter}-{number:03d}" if letter == "R" else f"{letter}-{number:02d}"
    for letter in BUILT
    for number in BUILT[letter]
]


@lru_cache(maxsize=1)
def named() -> set[str]:
    """Ids that stand anywhere in the suite but here, each by itself: the middle of R-139…R-143 is named by nobody."""
    found: set[str] = set()
    for path in source.tests():
        if path.name == "test_rules.py":
            continue
        text = path.read_text(encoding="utf-8")
        found |= {f"{letter}-{number}" for letter, number in re.findall(r"\b([RMT])-?(\d{2,3})(?!\d)", text)}
        found |= {f"{letter}-{number}" for letter, number in re.findall(r"_([RMT])(\d{2,3})(?!\d)", text)}
    return found


@pytest.mark.parametrize("rule", IDS)
def test_a_rule_that_is_built_is_named_by_a_test(rule: str) -> None:
    assert rule in named(), f"no test names {rule}"
