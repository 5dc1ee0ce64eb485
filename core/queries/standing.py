"""How many applications stand where, for one reader: read off the tallies, in the words of scoping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.pilots import AT_CITY, PilotApplication
from core.queries.tallies import tallied
from core.rules.organisations import Role
from core.rules.pilots import ApplicationState

Place = tuple[str, str | None]  # column, and the actor's attribute that it must equal; ("", None) for all rows
_PLACES: dict[Role, Place] = {
    Role.ADMIN: ("", None),
    Role.PROVINCE: ("province_code", "province_code"),
    Role.CITY: ("city_code", "city_code"),
    Role.TEO: ("org_id", "org_id"),
    Role.COORDINATOR: ("college_id", "college_id"),
    Role.SIGNATORY: ("college_id", "college_id"),
}


def _is_sent(word: str) -> bool:
    return word != ApplicationState.DRAFT.value


def _has_left_the_city(word: str) -> bool:
    """R-039."""
    return _is_sent(word) and not word.endswith(AT_CITY)


_SHOWN: dict[Role, Callable[[str], bool]] = {
    Role.PROVINCE: _has_left_the_city,
    Role.CITY: _is_sent,
    Role.TEO: _is_sent,
}


def applications_by_state(session: Session, actor: Actor) -> dict[ApplicationState, int] | None:
    """State → applications this person sees, without counting one; None for whoever reads by two scopes at once."""
    held = {(_PLACES[role], _SHOWN.get(role)) for role in _PLACES if role in actor.roles}
    if len(held) != 1:
        return None
    (column, attribute), is_shown = held.pop()
    key = "" if attribute is None else str(getattr(actor, attribute))
    found: Counter[ApplicationState] = Counter()
    for word, number in tallied(session, PilotApplication, column, key).items():
        if is_shown is None or is_shown(word):
            found[ApplicationState(word.removesuffix(AT_CITY))] += number
    return dict(found)
