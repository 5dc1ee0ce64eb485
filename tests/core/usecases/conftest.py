"""The small year while applications can be filed, and once two of them have been."""

from __future__ import annotations

import pytest

from tests.core.usecases.pilot_steps import At
from tests.factories import Year, Years, moment


@pytest.fixture
def declared(years: Years, at: At) -> Year:
    """Both batches are open and nobody has applied."""
    year = years("declared")
    at(moment("declared"))
    return year


@pytest.fixture
def applied(years: Years, at: At) -> Year:
    """Both colleges have submitted: ours waits for the city, the other for its province."""
    year = years("applied")
    at(moment("applied"))
    return year
