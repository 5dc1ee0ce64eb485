"""代办授权: proposed by a colleague, accepted by whose work it is, ended by either, over in time (chat.md).

A deputy gains no role: what they may do is decided by their own, the delegation only sends them what the other one is
asked, and lets the record say for whom they signed.
"""

from __future__ import annotations

from datetime import datetime

from core.db import Tx
from core.errors import AlreadyThere, NotPermitted, NotReady, ReasonMissing, ValueRefused
from core.models.accounts import UserAccount
from core.models.delegations import Delegation
from core.notifications import audiences
from core.notifications.delegations import (
    DelegationAccepted,
    DelegationOver,
    DelegationProposed,
    DelegationRefused,
)
from core.queries.delegations import accepted_of, letter_is_on_file
from core.rules.delegations import DELEGATION, LIVING, Duty, Term, lapses_at, require_no_chain
from core.rules.notices import ReplyState
from core.rules.organisations import KEEPS_WORK_MOVING, AccountState, Role
from core.rules.permissions import permit
from core.rules.reasons import require_tellable
from core.usecases.notices import close_tasks


def propose_delegation(
    tx: Tx,
    *,
    principal_id: int,
    deputy_id: int,
    duty: Duty,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    is_default: bool = False,
    reason: str = "",
) -> Delegation:
    """A coordinator of the college, or the person themself, names a deputy; the person's word makes it count.

    is_default: no end, and starts_at is now. A start in the past is now: nobody has stood in yesterday.
    """
    if is_default is (ends_at is not None):
        raise ValueRefused("delegation_term", rule="chat.md")
    begins = tx.now if is_default or starts_at is None else max(starts_at, tx.now)
    term = Term(begins, ends_at)
    principal, deputy = tx.get(UserAccount, principal_id), tx.get(UserAccount, deputy_id)
    row = Delegation(
        principal=principal,
        deputy=deputy,
        principal_id=principal.id,
        deputy_id=deputy.id,
        duty=duty,
        is_default=is_default,
        starts_at=term.starts_at,
        ends_at=term.ends_at,
        lapses_at=lapses_at(term, tx.now),
        reason=require_tellable(reason, rule="chat.md") if reason.strip() else "",
    )
    permit(tx.actor, "propose_delegation", row)
    term.require(tx.now)
    _require_fit(tx, row)
    tx.add(row)
    tx.notify(DelegationProposed(row.id))
    return row


def accept_delegation(tx: Tx, *, delegation_id: int) -> Delegation:
    """The person whose work it is says yes; everything is looked at again, for it may have changed since."""
    row = tx.lock(Delegation, delegation_id)
    permit(tx.actor, "answer_delegation", row)
    tx.lock(UserAccount, row.principal_id)  # two acceptances of one person wait for each other
    DELEGATION.target(row.state, "accept")
    row.term.require(tx.now)
    _require_fit(tx, row)
    tx.advance(row, DELEGATION, "accept", answered_at=tx.now, lapses_at=row.ends_at)
    _close(tx, row, ReplyState.DONE)
    tx.notify(DelegationAccepted(row.id))
    return row


def refuse_delegation(tx: Tx, *, delegation_id: int, reason: str) -> Delegation:
    """The person would rather not; whoever proposed it reads why."""
    row = tx.lock(Delegation, delegation_id)
    permit(tx.actor, "answer_delegation", row)
    words = require_tellable(reason, rule="chat.md")
    tx.advance(row, DELEGATION, "refuse", answered_at=tx.now, answer=words, lapses_at=None, reason=words)
    _close(tx, row, ReplyState.REFUSED)
    tx.notify(DelegationRefused(row.id))
    return row


def end_delegation(tx: Tx, *, delegation_id: int, reason: str) -> Delegation:
    """Taken back before its time, by whoever may propose it or by the deputy, with a reason both read."""
    row = tx.lock(Delegation, delegation_id)
    if tx.actor.account_id is None or tx.actor.account_id != row.deputy_id:
        permit(tx.actor, "propose_delegation", row)
    if not reason.strip():
        raise ReasonMissing(rule="chat.md")
    words = require_tellable(reason, rule="chat.md")
    tx.advance(row, DELEGATION, "end", answer=words, lapses_at=None, reason=words)
    _close(tx, row, ReplyState.DONE)
    tx.notify(DelegationOver(row.id))
    return row


def lapse_delegation(tx: Tx, *, delegation_id: int) -> None:
    """Record what the clock has ended already, and tell both; only the system."""
    if not tx.actor.is_system:
        raise NotPermitted(rule="chat.md", act="lapse_delegation")
    row = tx.lock(Delegation, delegation_id)
    if row.state not in LIVING or row.lapses_at is None or tx.now < row.lapses_at:
        return
    tx.advance(row, DELEGATION, "lapse", lapses_at=None)
    _close(tx, row, ReplyState.EXPIRED)
    tx.notify(DelegationOver(row.id))


def _close(tx: Tx, row: Delegation, reply: ReplyState) -> None:
    close_tasks(tx, thing_type=Delegation.__tablename__, thing_id=row.id, reply=reply)


# -- what has to be true, when it is proposed and when it is accepted --------------------------------------------------


def _require_fit(tx: Tx, row: Delegation) -> None:
    principal, deputy = row.principal, row.deputy
    if principal.id == deputy.id or _home(principal) != _home(deputy):
        raise NotPermitted("deputy_elsewhere", rule="chat.md", act="propose_delegation")
    if not {held.role for held in principal.roles} & set(KEEPS_WORK_MOVING):
        raise NotPermitted("nothing_to_delegate", rule="chat.md", act="propose_delegation")
    if deputy.state is not AccountState.ENABLED or not audiences.reachable(tx.session, [deputy.id]):
        raise NotReady("deputy_unreachable", rule="chat.md", login=deputy.login)
    if row.duty is Duty.SIGNING:
        _require_letter(tx, row)
    _require_one(tx, row)
    away = [held.term for held in accepted_of(tx.session, row.duty, principal_id=deputy.id)]
    stands_in = [held.term for held in accepted_of(tx.session, row.duty, deputy_id=principal.id)]
    require_no_chain(row.term, away=away, stands_in=stands_in)


def _home(account: UserAccount) -> tuple[int | None, int | None, int | None, int | None]:
    return account.college_id, account.org_id, account.authority_id, account.candidate_id


def _require_letter(tx: Tx, row: Delegation) -> None:
    """R-240, R-254: only the signing officer hands a signature over, to a sign reviewer, with the letter on file."""
    if Role.SIGNATORY not in {held.role for held in row.principal.roles}:
        raise NotPermitted("signing_not_theirs", rule="R-240", act="propose_delegation")
    if Role.SIGN_REVIEWER not in {held.role for held in row.deputy.roles}:
        raise NotReady("deputy_not_authorised", rule="R-240", login=row.deputy.login)
    if not letter_is_on_file(tx.session, row.principal.college_id):
        raise NotReady("letter_missing", rule="R-254")


def _require_one(tx: Tx, row: Delegation) -> None:
    """One dated deputy at a time, and one default deputy beside."""
    for held in accepted_of(tx.session, row.duty, principal_id=row.principal_id):
        if held.is_default is row.is_default and held.term.overlaps(row.term):
            raise AlreadyThere("delegation_overlaps", rule="chat.md", login=held.deputy.login)
