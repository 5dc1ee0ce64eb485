"""Somebody else's keys: a press does nothing, and the third within a day is a security event (chat.md, forwarded)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from core.db import Tx
from core.models.accounts import UserAccount
from core.models.records import AuditEntry
from core.notifications.accounts import KeysOfOthers

WITHIN = timedelta(days=1)
MOST = 3
PRESSED, EVENT = "press_of_another", "security_event"


def note_foreign_press(tx: Tx) -> None:
    """Keep that the actor pressed a colleague's key; at the third within a day whoever looks after the account hears.

    Further presses of that day are not kept: nobody fills the trail by pressing.
    """
    account = tx.lock(UserAccount, tx.actor.account_id or 0)
    mine = (AuditEntry.object_type == UserAccount.__tablename__) & (AuditEntry.object_id == account.id)
    lately = select(func.count(AuditEntry.id)).where(
        mine, AuditEntry.action == PRESSED, AuditEntry.at > tx.now - WITHIN
    )
    before = tx.first(lately) or 0
    if before >= MOST:
        return
    tx.record(account, PRESSED)
    if before + 1 == MOST:
        tx.record(account, EVENT, after={"presses": MOST})
        tx.notify(KeysOfOthers(account.id, MOST, tx.now.isoformat()))
