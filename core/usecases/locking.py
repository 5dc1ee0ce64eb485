"""/lock in chat: a recap, a second tap, and the colleague's acts are frozen (chat.md L2).

What is awaited is a ChatDraft of its own flow; its thing is the account.
"""

from __future__ import annotations

from core.db import Tx
from core.errors import NotFound, ValueRefused
from core.models.accounts import UserAccount
from core.models.records import ChatDraft
from core.usecases import notices
from core.usecases.decisions import CONFIRM_LASTS, LEAST_THOUGHT, Place, recap_mark
from core.usecases.freezing import freezable, freeze_acts, require_unfrozen

FLOW = "lock.confirm"


def ask_freeze(tx: Tx, *, login: str, place: Place) -> UserAccount:
    """Show what freezing would do; one that is frozen already is only shown."""
    account = freezable(tx, login)
    if account.acts_frozen_at is None:
        require_unfrozen(tx)
        notices.start_draft(
            tx,
            flow=FLOW,
            thing_id=account.id,
            thing_version=0,
            chat_id=place.chat_id,
            message_id=place.message_id,
            lasts=CONFIRM_LASTS,
        )
    return account


def awaited_freeze(tx: Tx) -> ChatDraft | None:
    """The recap that is open; None for none."""
    draft = notices.my_draft(tx)
    return draft if draft is not None and draft.flow == FLOW else None


def confirm_freeze(tx: Tx, *, account_id: int, mark: int) -> None:
    """Exactly what the recap showed, not sooner than a second after it; what is frozen already stays as it is."""
    account = tx.get(UserAccount, account_id)
    if account.acts_frozen_at is not None and freezable(tx, account.login):
        return
    draft = awaited_freeze(tx)
    if draft is None or draft.thing_id != account_id or recap_mark(draft) != mark:
        raise NotFound("recap_forgotten", rule="chat.md")
    if tx.now < draft.expires_at - CONFIRM_LASTS + LEAST_THOUGHT:
        raise ValueRefused("confirmed_too_soon", rule="chat.md")
    freeze_acts(tx, account_id=account_id)
    notices.drop_draft(tx)


def keep_free(tx: Tx, *, account_id: int) -> None:
    """Rather not: nothing has happened."""
    draft = awaited_freeze(tx)
    if draft is not None and draft.thing_id == account_id:
        notices.drop_draft(tx)
