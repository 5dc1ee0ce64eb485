"""Steps of the pilot year that its tests share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from core.errors import Refusal
from core.models.pilots import PilotApplication
from core.usecases import applications, declarations
from tests.factories import DECLARATION, Year, application_values

At = Callable[[datetime | str], datetime]


def save(year: Year, login: str = "coordinator", **other: Any) -> PilotApplication:
    """Our college saves its application, or the one named."""
    found: PilotApplication = year.do(login, applications.save_application, **application_values(year, **other))
    return found


def submit(year: Year, ident: int, login: str = "coordinator", **other: Any) -> PilotApplication:
    """… and hands it in."""
    found: PilotApplication = year.do(login, applications.submit_application, application_id=ident, **other)
    return found


def refused(verb: Callable[[], Any], kind: type[Refusal], code: str, rule: str) -> Refusal:
    """The refusal the verb ends in, checked."""
    with pytest.raises(kind) as caught:
        verb()
    assert (caught.value.sentence_code, caught.value.rule) == (code, rule)
    return caught.value


def draft(year: Year, /, **other: Any) -> int:
    """Another batch of our province, not published."""
    given = {
        "authority_id": year["province"],
        "year": 2026,
        "batch_name": "第二批",
        "opens_at": DECLARATION[0],
        "closes_at": DECLARATION[1],
    }
    return int(year.do("province", declarations.draft_declaration_plan, **(given | other)).id)


def declare(year: Year, /, **other: Any) -> int:
    """Another published batch of our province."""
    ident = draft(year, **other)
    year.do("province", declarations.publish_declaration_plan, plan_id=ident)
    return ident
