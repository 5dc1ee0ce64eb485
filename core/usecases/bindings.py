"""Binding a chat to an account, and moving it to another one: with a code, a second person and a day of rest.

A lost phone is the moment in which somebody else may be at work (chat.md): the chat bound until now ends at once, the
new one waits for a colleague who looks after the account, and what cannot be taken back rests for 24 hours.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.db import Tx
from core.errors import AlreadyThere, NotFound, NotPermitted, NotReady, StaleState, WindowNotOpen
from core.models.accounts import ChatBinding, UserAccount
from core.notifications.accounts import BindingAsked, BindingConfirmed, BindingWaits, ChatLost, StillYou
from core.queries.accounts import active_binding, code_row
from core.queries.bindings import asker_of_code, trusted_user, waiting_binding
from core.rules.notices import ReplyState
from core.rules.organisations import (
    ASK_STILL_YOU_EVERY,
    BINDING,
    SETTLES_IN,
    BindingState,
    Role,
    is_unconfirmed,
)
from core.usecases import one_time
from core.usecases.accounts import managed
from core.usecases.deliveries import reissue_open
from core.usecases.notices import close_tasks
from core.usecases.telling import hand_over

CHAT = "chat"
CODE_VALIDITY = timedelta(minutes=15)


def issue_binding_code(tx: Tx, *, account_id: int | None = None) -> str:
    """A one-time secret for the chat's /start; for oneself, or for an account one manages.

    The chat bound until now ends at once, and so does one that waits: whoever asks has another phone in hand.
    """
    account = tx.get(UserAccount, account_id or tx.actor.account_id or 0)
    if account.id != tx.actor.account_id and not tx.actor.is_system:
        managed(tx, account.id)
    _end_living(tx, account.id, "re-binding asked for")
    return one_time.issue(tx, account, one_time.BINDING, CODE_VALIDITY)


def bind_chat(tx: Tx, *, code: str, telegram_user_id: int) -> UserAccount:
    """Bind a Telegram user to the account of a one-time code; the same code by the same user again is no error.

    An account that was bound to another user waits for a second person (confirm_binding). A user bound to another
    account must end that binding first.
    """
    row = code_row(tx.session, code, one_time.BINDING)
    if row is not None and row.used_at is not None and _holds(tx, row.account_id, telegram_user_id):
        return row.account
    row = one_time.use(tx, code, one_time.BINDING)
    account = tx.lock(UserAccount, row.account_id)
    _require_free(tx, telegram_user_id, account.id)
    if _holds(tx, account.id, telegram_user_id):
        return account
    _end_living(tx, account.id, "re-bound")
    trusted = trusted_user(tx.session, account.id)
    is_known = trusted is None or trusted == telegram_user_id
    binding = tx.add(
        ChatBinding(
            account_id=account.id,
            telegram_user_id=telegram_user_id,
            bound_at=tx.now,
            state=BindingState.ACTIVE if is_known else BindingState.WAITING,
        )
    )
    if not is_known:
        tx.notify(BindingWaits(binding.id))
        tx.notify(BindingAsked(binding.id))
    return account


def _holds(tx: Tx, account_id: int, telegram_user_id: int) -> bool:
    """True where this user is bound to the account already, or waits to be."""
    living = (active_binding(tx.session, account_id), waiting_binding(tx.session, account_id))
    return any(held is not None and held.telegram_user_id == telegram_user_id for held in living)


def _require_free(tx: Tx, telegram_user_id: int, account_id: int) -> None:
    other = tx.first(
        select(ChatBinding).where(
            ChatBinding.telegram_user_id == telegram_user_id,
            ChatBinding.state == BindingState.ACTIVE,
            ChatBinding.account_id != account_id,
        )
    )
    if other is not None:
        raise AlreadyThere("chat_bound_elsewhere", rule="chat.md")


def confirm_binding(tx: Tx, *, account_id: int, binding_id: int) -> ChatBinding:
    """A second person says that the new chat is the colleague's: it becomes the account's, with a day of rest.

    binding_id is the one that was looked at; StaleState when another one waits by now. Open tasks go out again to the
    new chat; the buttons in the old one are signed for another user and die with its binding.
    """
    account = _second_person(tx, account_id)
    binding = waiting_binding(tx.session, account.id)
    if binding is None:
        raise NotFound("no_binding_waits", rule="chat.md")
    if binding.id != binding_id:
        raise StaleState("binding_changed", rule="chat.md", thing=BINDING.name, state=binding.state.label)
    _require_free(tx, binding.telegram_user_id, account.id)
    held = active_binding(tx.session, account.id)
    if held is not None:
        tx.advance(held, BINDING, "end", ended_at=tx.now, reason="re-bound")
    acts_from = tx.now + SETTLES_IN
    tx.advance(binding, BINDING, "confirm", confirmed_by=tx.actor.account_id or 0, acts_from=acts_from)
    account.acts_frozen_at = account.acts_frozen_by = None  # a second person has vouched for the new phone
    close_tasks(tx, thing_type=ChatBinding.__tablename__, thing_id=binding.id)
    reissue_open(tx, account_id=account.id)
    tx.notify(BindingConfirmed(binding.id))
    return binding


def _second_person(tx: Tx, account_id: int) -> UserAccount:
    """Neither the account itself nor, but for the platform's administrators, whoever asked for the code."""
    account = managed(tx, account_id)
    is_same = tx.actor.account_id is not None and tx.actor.account_id == account.id
    has_asked = Role.ADMIN not in tx.actor.roles and asker_of_code(tx.session, account.id) == tx.actor.account_id
    if is_same or has_asked:
        raise NotPermitted("second_person_needed", rule="chat.md", act="confirm_binding")
    return account


def end_binding(tx: Tx, *, account_id: int) -> None:
    """Unbind the chat of an account, or turn down the one that waits; pending messages stay in the panel."""
    account = tx.get(UserAccount, account_id)
    if account.id != tx.actor.account_id:
        managed(tx, account.id)
    _end_living(tx, account.id, "")


def _end_living(tx: Tx, account_id: int, reason: str) -> None:
    for held in (active_binding(tx.session, account_id), waiting_binding(tx.session, account_id)):
        if held is not None:
            tx.advance(held, BINDING, "end", ended_at=tx.now, reason=reason)
            close_tasks(tx, thing_type=ChatBinding.__tablename__, thing_id=held.id)


def bury_binding(tx: Tx, *, account_id: int, reason: str) -> None:
    """Telegram says this chat is gone for good (blocked, deactivated); only the system learns that.

    chat.md, blocked bot: whoever looks after the college's accounts hears of it at once, open work goes to deputies.
    """
    if not tx.actor.is_system:
        raise NotPermitted(rule="chat.md", act="bury_binding")
    held = active_binding(tx.session, account_id)
    if held is not None:
        tx.advance(held, BINDING, "die", ended_at=tx.now, reason=reason)
        tx.notify(ChatLost(held.id))
        hand_over(tx, account_id=account_id)


def ask_still_you(tx: Tx, *, binding_id: int) -> None:
    """chat.md: once a quarter the person says that the chat is still theirs; only the system asks."""
    if not tx.actor.is_system:
        raise NotPermitted(rule="chat.md", act="ask_still_you")
    binding = tx.lock(ChatBinding, binding_id)
    last = binding.asked_at or binding.bound_at
    if binding.state is not BindingState.ACTIVE or tx.now < last + ASK_STILL_YOU_EVERY:
        return
    close_tasks(
        tx,
        thing_type=ChatBinding.__tablename__,
        thing_id=binding.id,
        kind=StillYou.kind,
        reply=ReplyState.EXPIRED,
    )
    binding.asked_at = tx.now
    tx.because(binding, "ask_still_you")
    tx.notify(StillYou(binding.id, tx.now.isoformat()))


def affirm_binding(tx: Tx) -> None:
    """是我本人 of one's own chat: any time in the panel, in chat while the question may still be answered there."""
    binding = active_binding(tx.session, tx.actor.account_id or 0)
    if binding is None:
        raise NotFound("no_binding_held", rule="chat.md")
    if tx.actor.channel == CHAT and is_unconfirmed(binding.asked_at, binding.affirmed_at, tx.now):
        raise NotReady("still_you_unanswered", rule="chat.md")
    binding.affirmed_at = tx.now
    tx.because(binding, "affirm")
    tx.session.flush()
    close_tasks(tx, thing_type=ChatBinding.__tablename__, thing_id=binding.id, kind=StillYou.kind)


def require_settled(tx: Tx) -> None:
    """chat.md: WindowNotOpen for irrevocable acts within 24 hours of the account's move to another chat."""
    held = active_binding(tx.session, tx.actor.account_id or 0)
    if held is not None and held.acts_from is not None and tx.now < held.acts_from:
        raise WindowNotOpen("rebound_lately", rule="chat.md", until=held.acts_from)
