"""The acceptance tests for chat of chat.md are all here, each by its number.

chat.md leaves 25 free between 24 and 26. Here it is what its "stale buttons" ask for and no other number holds: the
edit of the answered message fails, and the next press still shows the truth.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

NUMBERS = range(1, 28)
_CASE = re.compile(r"^(?:async )?def test_(\d\d)_\w+\(", re.MULTILINE)


def test_all_twenty_seven_are_here() -> None:
    sources = (path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("test_*.py")))
    found = Counter(int(number) for source in sources for number in _CASE.findall(source))
    assert set(found) == set(NUMBERS)
