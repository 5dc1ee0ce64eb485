"""All messages at once: a stored row finds its class again in whatever process reads it."""

from __future__ import annotations

from typing import Any

from core.notifications import (  # noqa: F401  # importing them is the point
    accounts,
    announcements,
    candidate_accounts,
    candidates,
    certificates,
    delegations,
    imports,
    pilots,
    plans,
    quotas,
    reminding,
    sites,
)
from core.notifications.message import KINDS, Message


def revive(kind: str, facts: dict[str, Any]) -> Message:
    """The message a stored row was made of; KeyError for a kind that no longer exists."""
    return KINDS[kind](**facts)
