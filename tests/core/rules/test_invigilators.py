"""R-193 with the worked examples of requirements A.1."""

from __future__ import annotations

import pytest

from core.rules.invigilators import invigilators_needed


@pytest.mark.parametrize(("candidates", "needed"), [(1, 2), (10, 2), (40, 2), (41, 3), (60, 3), (61, 4)])
def test_a_room_needs_two_invigilators_and_above_forty_one_for_every_twenty(candidates, needed):
    assert invigilators_needed(candidates) == needed
