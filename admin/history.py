"""What has happened to one thing, out of the trail: who, when, what, why; values of private columns never leave it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.labels import CHANNELS, LABELS, action_word
from core.models.accounts import UserAccount
from core.models.records import AuditEntry

LONGEST = 60
_STATE_COLUMNS = ("state", "review_state", "site_state", "arrangement_state")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the history; changed lists the Chinese names of changed columns."""

    at: datetime
    who: str
    channel: str
    action: str
    changed: str
    reason: str


def of(session: Session, object_type: str, object_id: int) -> list[Step]:
    """The newest steps of a thing, newest first."""
    entries = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.object_type == object_type, AuditEntry.object_id == object_id)
        .order_by(AuditEntry.id.desc())
        .limit(LONGEST)
    ).all()
    return [step(entry, names) for names in [names_of(session, entries)] for entry in entries]


def names_of(session: Session, entries: Any) -> dict[int, str]:
    """Account id → real name of whoever made these entries."""
    ids = {entry.actor_id for entry in entries if entry.actor_id}
    found = session.execute(select(UserAccount.id, UserAccount.real_name).where(UserAccount.id.in_(ids)))
    return {row[0]: row[1] for row in found}


def step(entry: AuditEntry, names: dict[int, str]) -> Step:
    """One entry in words."""
    who = names.get(entry.actor_id or 0) or ("系统" if entry.actor_id is None else entry.actor_login)
    return Step(
        at=entry.at,
        who=who,
        channel=CHANNELS.get(entry.channel, entry.channel),
        action=action_word(entry.action),
        changed=_changed(entry),
        reason=entry.reason,
    )


def _changed(entry: AuditEntry) -> str:
    if entry.action in ("create", "delete"):
        return ""
    after: dict[str, Any] = json.loads(entry.after) if entry.after else {}
    names = [LABELS.get(name, "") for name in after if name not in _STATE_COLUMNS]
    return "、".join(dict.fromkeys(name for name in names if name))
