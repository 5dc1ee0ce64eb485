"""What a party decides from the panel: send back exactly what was shown, refuse one, stamp one again."""

from __future__ import annotations

from core.db import Tx
from core.errors import NotFound, NotReady, StaleState
from core.models.certificates import CertificateIssuance
from core.queries.certificates import batch_version, pending_for, waiting_count
from core.rules.certificates import ISSUANCE, IssueMethod, Party
from core.rules.permissions import permit
from core.usecases.certificates import order_generation
from core.usecases.signing import reject_batch


def reject_shown(tx: Tx, *, plan_id: int, party: Party, reason: str, shown: str) -> int:
    """拒绝签发 of everything of a plan that waits for this party (R-235); returns how many.

    shown: batch_version of what the person was looking at; if it is another by now nothing happens (StaleState).
    """
    where = pending_for(party, plan_id, org_id=tx.actor.org_id, college_id=tx.actor.college_id)
    if not waiting_count(tx.session, where):
        raise NotFound("nothing_to_sign", rule="R-232")
    if str(batch_version(tx.session, where)) != shown:
        raise StaleState("batch_changed", rule="R-237", thing=ISSUANCE.name, state="")
    return reject_batch(tx, plan_id=plan_id, party=party, reason=reason)


def reject_one(tx: Tx, *, issuance_id: int, party: Party, reason: str) -> int:
    """拒绝签发 of a single certificate (R-233, R-235)."""
    issuance = tx.get(CertificateIssuance, issuance_id)
    return reject_batch(tx, plan_id=issuance.plan_id, party=party, reason=reason, issuance_ids=[issuance_id])


def stamp_again(tx: Tx, *, issuance_id: int) -> int:
    """重试 of a failed stamp with the method and date it was ordered with (R-245)."""
    issuance = tx.get(CertificateIssuance, issuance_id)
    permit(tx.actor, "generate_certificates", issuance)
    ISSUANCE.target(issuance.state, "generate")
    if issuance.issued_on is None:
        raise NotReady("issue_not_set", rule="R-252", thing=ISSUANCE.name)
    return order_generation(
        tx,
        plan_id=issuance.plan_id,
        issue_method=issuance.issue_method or IssueMethod.ELECTRONIC,
        issued_on=issuance.issued_on,
        issuance_ids=[issuance_id],
    )
