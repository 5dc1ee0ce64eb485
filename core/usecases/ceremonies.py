"""签发 on the phone: which phone a ceremony belongs to, and sending back exactly what it showed."""

from __future__ import annotations

from sqlalchemy import select

from core.db import Tx
from core.errors import StaleState
from core.models.certificates import SigningSession
from core.queries.accounts import secret_hash
from core.queries.signing import refusable
from core.rules.certificates import ISSUANCE, SIGNING, SigningState
from core.usecases.certificates import Recap, cancel_signing, look_at_signing, reject_batch


def claim_ceremony(tx: Tx, *, token: str) -> Recap:
    """The first phone that opens a ceremony's link has it from then on; every other is refused (§3.19)."""
    mine = SigningSession.token_hash == secret_hash(token)
    found = tx.first(select(SigningSession.state).where(mine).with_for_update())
    recap = look_at_signing(tx, token=token)
    if found is SigningState.SCANNED:
        raise StaleState("signing_elsewhere", rule="§3.19", thing=SIGNING.name, state=found.label)
    return recap


def send_back(tx: Tx, *, token: str, reason: str, shown: int) -> int:
    """拒绝签发 of what the ceremony shows, with a reason (R-235), and the end of the ceremony; returns how many.

    shown is the number the signer was asked to confirm; if it is another one by now nothing happens (StaleState).
    """
    recap = look_at_signing(tx, token=token)
    session = tx.get(SigningSession, recap.session_id)
    ids = refusable(tx.session, session.id, session.party)
    if len(ids) != shown:
        raise StaleState("batch_changed", rule="R-237", thing=ISSUANCE.name, state="")
    count = reject_batch(tx, plan_id=session.plan_id, party=session.party, reason=reason, issuance_ids=ids)
    cancel_signing(tx, token=token)
    return count
