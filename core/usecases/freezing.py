"""A lost phone: any colleague stops what matters, nobody starts it again alone (chat.md, /lock).

Frozen is what an account does in chat and on the phone; reading, snoozing and 已知悉 go on, and so does the panel,
where one logs in. Signing rests everywhere.
"""

from __future__ import annotations

from sqlalchemy import select

from core.db import Tx
from core.errors import NotFound, NotPermitted, NotReady
from core.models.accounts import UserAccount
from core.notifications.accounts import ActsFrozen, ActsThawed
from core.queries.accounts import active_binding
from core.rules.organisations import Role, is_unconfirmed
from core.usecases.accounts import managed

REMOTE = frozenset({"chat", "phone"})  # channels that a found phone opens


def require_free_hand(tx: Tx) -> None:
    """In chat and on the phone: refuses acts of consequence (L2, L3) of a frozen account, and of one that is in doubt.

    In doubt is whoever has not said for a fortnight that the chat is still theirs.
    """
    if tx.actor.channel not in REMOTE:
        return
    require_unfrozen(tx)
    held = active_binding(tx.session, tx.actor.account_id or 0)
    if held is not None and is_unconfirmed(held.asked_at, held.affirmed_at, tx.now):
        raise NotReady("still_you_unanswered", rule="chat.md")


def require_unfrozen(tx: Tx) -> None:
    """On every channel; for what cannot be taken back."""
    at = tx.first(select(UserAccount.acts_frozen_at).where(UserAccount.id == (tx.actor.account_id or 0)))
    if at is not None:
        raise NotPermitted("acts_frozen", rule="chat.md", act="act", at=at)


def freezable(tx: Tx, login: str) -> UserAccount:
    """The account a colleague, or its owner, may freeze; NotFound says the same for unknown and for foreign ones."""
    account: UserAccount | None = tx.first(select(UserAccount).where(UserAccount.login == login.strip()))
    if account is None or not _is_colleague(tx, account):
        raise NotFound("colleague_unknown", rule="chat.md", login=login.strip()[:60])
    return account


def _is_colleague(tx: Tx, account: UserAccount) -> bool:
    actor = tx.actor
    if actor.account_id is None or actor.candidate_id is not None or account.candidate_id is not None:
        return False
    mine = (actor.college_id, actor.org_id, actor.authority_id)
    return Role.ADMIN in actor.roles or mine == (account.college_id, account.org_id, account.authority_id)


def freeze_acts(tx: Tx, *, account_id: int) -> UserAccount:
    """Stop every act of consequence of an account at once; again is no error, and whoever is frozen freezes nobody."""
    account = tx.lock(UserAccount, account_id)
    if not _is_colleague(tx, account):
        raise NotFound("colleague_unknown", rule="chat.md", login=account.login)
    if account.acts_frozen_at is not None:
        return account
    require_unfrozen(tx)
    account.acts_frozen_at, account.acts_frozen_by = tx.now, tx.actor.account_id
    tx.because(account, "freeze_acts")
    tx.session.flush()
    tx.notify(ActsFrozen(account.id, tx.actor.account_id or 0, tx.now.isoformat()))
    return account


def thaw_acts(tx: Tx, *, account_id: int) -> UserAccount:
    """In the panel, by a second person who looks after the account; never in chat, never by its owner."""
    account = managed(tx, account_id)
    if tx.actor.channel in REMOTE:
        raise NotPermitted("thaw_in_panel", rule="chat.md", act="thaw_acts")
    if account.id == tx.actor.account_id:
        raise NotPermitted("thaw_by_another", rule="chat.md", act="thaw_acts")
    account = tx.lock(UserAccount, account.id)
    if account.acts_frozen_at is not None:
        account.acts_frozen_at = account.acts_frozen_by = None
        tx.because(account, "thaw_acts")
        tx.session.flush()
        tx.notify(ActsThawed(account.id, tx.now.isoformat()))
    return account
