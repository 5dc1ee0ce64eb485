"""What people answer in chat: seen, later, and certificates sent back after a second thought.

Every verb may be repeated: what has ended meanwhile stays as it ended, and the caller shows the row as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import Tx
from core.errors import NotFound, NotPermitted, ReasonMissing, StaleState, ValueRefused
from core.models.certificates import CertificateIssuance
from core.models.plans import ExamPlan
from core.models.records import ChatDraft, ChatUpdate, Notification
from core.notifications.certificates import SigningRequested, TeoSigningRequested
from core.notifications.message import Message, Press
from core.queries.certificates import pending_for
from core.rules.certificates import ISSUANCE, Party
from core.rules.notices import REPLY, DeliveryState, ReplyState
from core.rules.permissions import permit
from core.usecases import notices
from core.usecases.signing import reject_batch

REASON_LASTS = timedelta(minutes=30)
CONFIRM_LASTS = timedelta(minutes=10)  # chat.md: a press that waited longer is asked again
LEAST_THOUGHT = timedelta(seconds=1)  # chat.md L2: a double tap does not pass
LONGEST_REASON = 300
_PERSONAL = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")  # a mobile, an ID number
_SIGN = {Party.TEO: "sign_as_teo", Party.COLLEGE: "sign_as_college"}
_REJECT = {Party.TEO: "reject_as_teo", Party.COLLEGE: "reject_as_college"}


class Question(StrEnum):
    """What the bot is waiting for; the flow of a ChatDraft."""

    REASON = "refusal.reason"
    CONFIRM = "refusal.confirm"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a signing request stands for at this moment; ids are those that may be sent back, version is all of them."""

    plan: ExamPlan
    party: Party
    ids: tuple[int, ...]
    version: int


def is_first(tx: Tx, *, update_id: int) -> bool:
    """True once per update of Telegram; what it causes belongs into the same transaction."""
    return tx.upsert(ChatUpdate, {"update_id": update_id, "at": tx.now}, conflict=["update_id"]) is not None


def batch_of(session: Session, row: Notification) -> Batch | None:
    """None for messages that ask for no signature."""
    message = notices.revive_of(row)
    if not isinstance(message, (SigningRequested, TeoSigningRequested)):
        return None
    plan = session.get_one(ExamPlan, message.plan_id)
    party = Party.COLLEGE if isinstance(message, SigningRequested) else Party.TEO
    college_id = message.college_id if isinstance(message, SigningRequested) else None
    ids = session.scalars(
        select(CertificateIssuance.id)
        .where(
            pending_for(party, plan.id, org_id=plan.org_id, college_id=college_id),
            CertificateIssuance.state.in_(ISSUANCE.sources(_REJECT[party])),
        )
        .order_by(CertificateIssuance.id)
    ).all()
    thing = message.thing(session)
    return Batch(plan, party, tuple(ids), thing[2] if thing else 0)


def may_acknowledge(message: Message) -> bool:
    """True where having read it is all that is asked."""
    return any(button.press is Press.ACKNOWLEDGE for button in message.buttons)


# -- seen and later ------------------------------------------------------------------------------------------------


def acknowledge(tx: Tx, *, notification_id: int, message_id: int | None = None) -> None:
    """已知悉; message_id is the copy that was pressed, any other one is brought up to date by the sender."""
    row = _as_it_stands(tx, notification_id)
    if row.reply_state is not ReplyState.OPEN:
        return
    notices.acknowledge(tx, notification_id=row.id)
    if row.delivery_state is DeliveryState.DELIVERED and row.message_id != message_id:
        row.is_stale = True


def acknowledge_by_code(tx: Tx, *, code: str) -> None:
    """确认 K7Q4; what needs a signature is left alone, for that is never done by text (chat.md L3)."""
    row = notices.by_task_code(tx, code=code)
    if may_acknowledge(notices.revive_of(row)):
        acknowledge(tx, notification_id=row.id)


def snooze(tx: Tx, *, notification_id: int) -> None:
    """Later; a second tap does not put it off further."""
    row = _as_it_stands(tx, notification_id)
    if row.reply_state is ReplyState.OPEN and not is_snoozed(tx, row):
        notices.snooze(tx, notification_id=row.id)


def is_snoozed(tx: Tx, row: Notification) -> bool:
    """True while it waits to be told again."""
    return row.delivery_state is DeliveryState.PENDING and row.not_before > tx.now


def bring_up_to_date(tx: Tx, *, notification_id: int) -> None:
    """The person is about to see the message as it is now: its buttons stand for that, unless its time is over."""
    row = _as_it_stands(tx, notification_id)
    thing = notices.revive_of(row).thing(tx.session)
    if row.reply_state is ReplyState.OPEN and thing is not None:
        row.thing_version = thing[2]


def _as_it_stands(tx: Tx, notification_id: int) -> Notification:
    """A message of this person; one whose time is over is open no longer."""
    row = notices.my_notice(tx, notification_id)
    if row.reply_state is ReplyState.OPEN and tx.now > row.useful_until:
        tx.advance(row, REPLY, "expire", replied_at=row.useful_until)
    return row


def bring_all_up_to_date(tx: Tx, *, notification_ids: Sequence[int]) -> None:
    """The same for several."""
    for ident in notification_ids:
        bring_up_to_date(tx, notification_id=ident)


def bring_copy_up_to_date(tx: Tx, *, chat_id: int, message_id: int) -> None:
    """The same for the message a person is looking at; a copy nobody keeps track of is left alone."""
    found = copy_at(tx, chat_id=chat_id, message_id=message_id)
    if found is not None:
        bring_up_to_date(tx, notification_id=found)


def copy_at(tx: Tx, *, chat_id: int, message_id: int) -> int | None:
    """Whose delivered copy a chat message is, as a notification's id."""
    found: int | None = tx.first(
        select(Notification.id).where(
            Notification.account_id == tx.actor.account_id,
            Notification.chat_id == chat_id,
            Notification.message_id == message_id,
        )
    )
    return found


# -- sending certificates back -------------------------------------------------------------------------------------


def ask_reason(tx: Tx, *, notification_id: int, version: int, chat_id: int, message_id: int) -> None:
    """退回并说明: wait for the reason. StaleState when the batch is not the one the message spoke of."""
    row = notices.my_notice(tx, notification_id)
    if row.reply_state is not ReplyState.OPEN:
        return
    batch = _require_batch(tx, row)
    if batch.version != version:
        raise StaleState("request_changed", rule="chat.md", thing=ISSUANCE.name, state="", count=len(batch.ids))
    _wait_for(tx, Question.REASON, row, batch, chat_id=chat_id, message_id=message_id, lasts=REASON_LASTS)


def give_reason(tx: Tx, *, text: str) -> None:
    """The awaited reason; leaves everything alone when none is awaited."""
    draft = notices.my_draft(tx)
    if draft is None or draft.flow != Question.REASON:
        return
    reason = clean_reason(text)
    row = notices.my_notice(tx, draft.thing_id)
    if row.reply_state is not ReplyState.OPEN:
        return
    _to_confirm(tx, row, reason, chat_id=draft.chat_id, message_id=draft.message_id)


def refuse_by_code(tx: Tx, *, code: str, reason: str, chat_id: int, message_id: int) -> None:
    """退回 K7Q4 理由: straight to the second look, never further."""
    row = notices.by_task_code(tx, code=code)
    if batch_of(tx.session, row) is None:
        raise NotPermitted("cannot_send_back", rule="chat.md", task_code=row.task_code)
    words = clean_reason(reason)
    if row.reply_state is ReplyState.OPEN:
        _to_confirm(tx, row, words, chat_id=chat_id, message_id=message_id)


def look_again(tx: Tx, *, notification_id: int) -> None:
    """The batch changed under the recap: show it afresh, to be confirmed afresh."""
    draft = _my_confirmation(tx, notification_id)
    row = notices.my_notice(tx, notification_id)
    if row.reply_state is ReplyState.OPEN:
        bring_up_to_date(tx, notification_id=row.id)
        _to_confirm(tx, row, draft.text, chat_id=draft.chat_id, message_id=draft.message_id)


def confirm_refusal(tx: Tx, *, notification_id: int, version: int) -> None:
    """确认退回: exactly what the recap showed, not sooner than a second after it was shown (R-235)."""
    row = notices.my_notice(tx, notification_id)
    _hold(tx, row)
    if row.reply_state is not ReplyState.OPEN:
        return
    draft = _my_confirmation(tx, notification_id)
    if draft.thing_version != version:
        raise NotFound("refusal_forgotten", rule="chat.md")
    if tx.now < draft.expires_at - CONFIRM_LASTS + LEAST_THOUGHT:
        raise ValueRefused("confirmed_too_soon", rule="chat.md")
    batch = _require_batch(tx, row)
    if batch.version != version:
        before, count = draft.shown_count, len(batch.ids)
        raise StaleState("recap_changed", rule="chat.md", thing=ISSUANCE.name, state="", before=before, count=count)
    reject_batch(tx, plan_id=batch.plan.id, party=batch.party, reason=draft.text, issuance_ids=batch.ids)
    notices.drop_draft(tx)


def keep(tx: Tx, *, notification_id: int) -> None:
    """不退回: forget the reason; nothing has happened."""
    draft = notices.my_draft(tx)
    if draft is not None and draft.thing_id == notification_id:
        notices.drop_draft(tx)


def clean_reason(text: str) -> str:
    """One line for the other party to read; never a number that belongs to a person (chat.md law 3)."""
    reason = " ".join(text.split())
    if not reason:
        raise ReasonMissing(rule="R-235")
    if len(reason) > LONGEST_REASON:
        raise ValueRefused("reason_too_long", rule="R-235", length=len(reason), maximum=LONGEST_REASON)
    if _PERSONAL.search(reason):
        raise ValueRefused("reason_personal", rule="chat.md")
    return reason


def _require_batch(tx: Tx, row: Notification) -> Batch:
    batch = batch_of(tx.session, row)
    if batch is None:
        raise NotPermitted("cannot_send_back", rule="chat.md", task_code=row.task_code)
    if not batch.ids:
        raise NotFound("nothing_to_sign", rule="R-232")
    permit(tx.actor, _SIGN[batch.party], tx.get(CertificateIssuance, batch.ids[0]))
    return batch


def _hold(tx: Tx, row: Notification) -> None:
    """Wait for whoever decides about the same certificates at this moment, then see what became of the request."""
    batch = batch_of(tx.session, row)
    if batch is not None:
        held = select(CertificateIssuance.id).where(CertificateIssuance.id.in_(batch.ids))
        tx.all(held.order_by(CertificateIssuance.id).with_for_update())
        tx.session.refresh(row)


def _to_confirm(tx: Tx, row: Notification, reason: str, *, chat_id: int, message_id: int) -> None:
    batch = _require_batch(tx, row)
    _wait_for(
        tx, Question.CONFIRM, row, batch, chat_id=chat_id, message_id=message_id, lasts=CONFIRM_LASTS, text=reason
    )


def _wait_for(
    tx: Tx,
    question: Question,
    row: Notification,
    batch: Batch,
    *,
    chat_id: int,
    message_id: int,
    lasts: timedelta,
    text: str = "",
) -> None:
    notices.start_draft(
        tx,
        flow=question.value,
        thing_id=row.id,
        thing_version=batch.version,
        shown_count=len(batch.ids),
        text=text,
        chat_id=chat_id,
        message_id=message_id,
        lasts=lasts,
    )


def _my_confirmation(tx: Tx, notification_id: int) -> ChatDraft:
    draft = notices.my_draft(tx)
    if draft is None or draft.flow != Question.CONFIRM or draft.thing_id != notification_id:
        raise NotFound("refusal_forgotten", rule="chat.md")
    return draft
