"""考试计划内考生信息: fixed when a candidate is registered; two columns may be put right, by the organisation alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.db import Tx
from core.errors import IllegalMove
from core.models.registrations import CandidateSnapshot, Registration
from core.rules.permissions import permit
from core.rules.registrations import SNAPSHOT_OPEN


def correct_snapshot(tx: Tx, *, registration_id: int, changes: Mapping[str, Any]) -> CandidateSnapshot:
    """The organisation of the plan puts pinyin or mobile right; nothing else of a snapshot ever changes (R-091).

    The candidate as such stays as it is, and so do the candidate's snapshots in other plans (R-090).
    """
    registration = tx.get(Registration, registration_id)
    permit(tx.actor, "correct_snapshot", registration)
    if changes.keys() - SNAPSHOT_OPEN:
        raise IllegalMove("snapshot_is_fixed", rule="R-091", thing="考试计划内考生信息")
    snapshot = tx.lock(CandidateSnapshot, registration.snapshot_id)
    for name, value in changes.items():
        setattr(snapshot, name, value)
    if tx.session.is_modified(snapshot):
        tx.because(snapshot, "correct_snapshot")
    tx.session.flush()
    return snapshot
