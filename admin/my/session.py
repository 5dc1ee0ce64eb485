"""Which candidate is at the phone; a login of its own in the cookie, so that panel and personal space never mix.

Flask-Login knows nothing of it: whatever asks it, finds nobody here; whatever asks here, finds nobody of the panel.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import abort, g, redirect, session, url_for
from flask.typing import ResponseReturnValue

from admin.session import password_digest, reader
from core.actors import Actor
from core.models.accounts import UserAccount
from core.models.candidates import Candidate
from core.queries.accounts import actor_for
from core.queries.own_space import own_candidate

CHANNEL = "my"
_KEY = "candidate"  # in the cookie: account and a digest of its password


@dataclass(frozen=True, slots=True)
class Visitor:
    """The candidate and the actor of this request."""

    actor: Actor
    candidate: Candidate


def start(account: UserAccount) -> None:
    """A new session for a new person; a login to the panel in this browser ends."""
    session.clear()
    session.permanent = True
    session[_KEY] = {"account_id": account.id, "digest": password_digest(account)}


def end() -> None:
    """Nobody any more."""
    session.clear()


def visitor() -> Visitor | None:
    """Read again on every request: locked, disabled, deleted, or with another password, one is out at once."""
    if "my_visitor" not in g:
        g.my_visitor = _visitor()
    found: Visitor | None = g.my_visitor
    return found


def _visitor() -> Visitor | None:
    kept: dict[str, Any] | None = session.get(_KEY)
    if not kept:
        return None
    actor = actor_for(reader(), kept["account_id"], CHANNEL)
    if actor is None or actor.candidate_id is None:
        return None
    if not hmac.compare_digest(kept["digest"], password_digest(reader().get_one(UserAccount, kept["account_id"]))):
        return None
    candidate = own_candidate(reader(), actor)
    return Visitor(actor, candidate) if candidate is not None else None


def for_candidates(page: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """page(visitor, …) behind the login of /my/; a number that cannot be a row's is no address, for anybody."""

    @wraps(page)
    def guarded(**gaps: int) -> ResponseReturnValue:
        if any(number < 1 for number in gaps.values()):
            abort(404)
        found = visitor()
        return page(found, **gaps) if found is not None else redirect(url_for("my.login"))

    return guarded
