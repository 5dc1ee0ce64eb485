"""认证 as a candidate's row and page show it: under way, or why a person has to look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g
from markupsafe import Markup

from admin import cells
from admin.session import reader
from core.models.candidates import Candidate
from core.notifications.words import problem
from core.queries import verifications
from core.rules.candidates import CandidateState
from core.rules.verification import WHY


def state_cell(view: Any, context: Any, row: Candidate, name: str) -> Markup:
    """The state; below it that the candidate is 认证中, or why a person has to look."""
    badge = cells.badge(row.state)
    if is_being_checked(row):
        return Markup('<span class="two"><span>{}</span><small>认证中</small></span>').format(badge)
    reason = reason_words(_reasons([row.id]).get(row.id, "")) if row.state is CandidateState.NEEDS_MANUAL else ""
    if not reason:
        return badge
    return Markup('<span class="two"><span>{}</span><small>{}</small></span>').format(badge, reason)


def is_being_checked(row: Candidate) -> bool:
    """认证中: a question about the candidate is open. A page asks once for all its rows."""
    if row.state is not CandidateState.PENDING_VERIFICATION:
        return False
    if row.id not in g.get("verification_of", ()):
        look_up([row.id])
    return row.id in g.being_checked


def _reasons(ids: Sequence[int]) -> dict[int, str]:
    if not set(ids) <= set(g.get("verification_of", ())):
        look_up(ids)
    found: dict[int, str] = g.last_reasons
    return found


def look_up(ids: Sequence[int]) -> None:
    g.verification_of = set(ids)
    g.being_checked = verifications.being_checked(reader(), ids)
    g.last_reasons = verifications.last_reasons(reader(), ids)


def reason_words(reason: str) -> str:
    """A person's note as it is; a verifier's code in words."""
    if not reason.isascii() or not reason:
        return reason
    return WHY.get(reason) or problem(reason)
