"""Deciding in chat: ask for what is missing, show a recap, act on a second tap (chat.md L2), the same for every Matter.

What is awaited is a ChatDraft, so a restart forgets nothing. Every verb may be repeated: what has ended meanwhile
stays as it ended, and the caller shows the row as it stands.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.db import Tx
from core.errors import NotFound, NotPermitted, ValueRefused
from core.models.records import ChatDraft, Notification
from core.rules.notices import ReplyState
from core.rules.reasons import require_tellable
from core.usecases import notices, replies
from core.usecases.freezing import require_free_hand
from core.usecases.matters import Matter, matter_of, require_matter

WORDS_LAST = timedelta(minutes=30)
CONFIRM_LASTS = timedelta(minutes=10)  # chat.md: a press that waited longer is asked again
LEAST_THOUGHT = timedelta(seconds=1)  # chat.md L2: a double tap does not pass
LONGEST_REASON = 300
_NUMBER = re.compile(r"(\d{1,6}) ?人?")


class Question(StrEnum):
    """What the bot is waiting for; the flow of a ChatDraft. Drafts of other flows are somebody else's."""

    REASON = "return.reason"
    NUMBER = "approve.number"
    CONFIRM_RETURN = "return.confirm"
    CONFIRM_APPROVAL = "approve.confirm"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question or a recap is seen; message_id is 0 while its message has not been sent."""

    chat_id: int
    message_id: int = 0


_FLOWS = frozenset(Question)
RECAPS = frozenset({Question.CONFIRM_RETURN, Question.CONFIRM_APPROVAL})


def recap_mark(draft: ChatDraft) -> int:
    """Stands for exactly what a recap shows; a key of an earlier recap carries another one."""
    shown = (draft.flow, draft.thing_version, draft.shown_count, draft.text, int(draft.expires_at.timestamp()))
    return zlib.crc32(repr(shown).encode()) >> 1


def awaited(tx: Tx) -> ChatDraft | None:
    """What is awaited of this person to decide something; thing_id is the notification. None for nothing."""
    draft = notices.my_draft(tx)
    return draft if draft is not None and draft.flow in _FLOWS else None


# -- asking ------------------------------------------------------------------------------------------------------------


def ask_reason(tx: Tx, *, notification_id: int, version: int, place: Place) -> None:
    """退回并说明: wait for the reason. StaleState when it is not what the message spoke of."""
    row = replies.as_it_stands(tx, notification_id)
    if row.reply_state is ReplyState.OPEN:
        require_free_hand(tx)
        matter = _as_told(tx, row, version)
        _wait_for(tx, Question.REASON, row, matter, lasts=WORDS_LAST, place=place)


def open_recap(tx: Tx, *, notification_id: int, version: int, place: Place) -> None:
    """通过: the recap, of everything that was asked for. StaleState when it is not what the message spoke of."""
    row = replies.as_it_stands(tx, notification_id)
    if row.reply_state is ReplyState.OPEN:
        require_free_hand(tx)
        matter = _as_told(tx, row, version)
        matter.require_number(matter.count)
        _recap_approval(tx, row, matter, matter.count, place=place)


def ask_number(tx: Tx, *, notification_id: int, version: int, place: Place) -> None:
    """改批人数 on a recap: wait for the number; with majors each needs its own, so the panel is named (R-041)."""
    row = replies.as_it_stands(tx, notification_id)
    if row.reply_state is not ReplyState.OPEN:
        return
    require_free_hand(tx)
    draft = _my_recap(tx, notification_id, version)
    matter = require_matter(tx, row)
    if not matter.has_choice:
        raise NotPermitted("counts_per_major", rule="R-041")
    if matter.version != draft.thing_version:
        raise matter.changed(draft.shown_count)
    _wait_for(tx, Question.NUMBER, row, matter, lasts=WORDS_LAST, place=place)


def confirm_by_code(tx: Tx, *, code: str, chat_id: int) -> None:
    """确认 K7Q4: what is only to be seen has been seen; what is to be decided gets its recap, never more."""
    row = replies.as_it_stands(tx, notices.by_task_code(tx, code=code).id)
    matter = matter_of(tx.session, row)
    if matter is None:
        replies.acknowledge_by_code(tx, code=code)
    elif matter.can_pass and row.reply_state is ReplyState.OPEN:
        require_free_hand(tx)
        matter.require(tx)
        _recap_approval(tx, row, matter, matter.count, place=Place(chat_id))


def refuse_by_code(tx: Tx, *, code: str, reason: str, chat_id: int) -> None:
    """退回 K7Q4 理由: straight to the recap, never further."""
    row = replies.as_it_stands(tx, notices.by_task_code(tx, code=code).id)
    matter = matter_of(tx.session, row)
    if matter is None or not matter.can_return:
        raise NotPermitted("cannot_send_back", rule="chat.md", task_code=row.task_code)
    words = clean_reason(reason, rule=matter.rule)
    if row.reply_state is ReplyState.OPEN:
        require_free_hand(tx)
        matter.require(tx)
        _recap_return(tx, row, matter, words, place=Place(chat_id))


# -- what was asked for ------------------------------------------------------------------------------------------------


def hear(tx: Tx, *, text: str) -> None:
    """The awaited reason or number; leaves everything alone when none is awaited."""
    draft = awaited(tx)
    if draft is None or draft.flow in RECAPS:
        return
    row = replies.as_it_stands(tx, draft.thing_id)
    if row.reply_state is not ReplyState.OPEN:
        return
    require_free_hand(tx)
    matter = require_matter(tx, row)
    if draft.flow == Question.REASON:
        words = clean_reason(text, rule=matter.rule)
        _recap_return(tx, row, matter, words, place=Place(draft.chat_id))
    else:
        number = _number_in(text)
        matter.require_number(number)
        _recap_approval(tx, row, matter, number, place=Place(draft.chat_id))


def clean_reason(text: str, *, rule: str) -> str:
    """One line for the other party to read; never a number that belongs to a person (chat.md law 3)."""
    reason = require_tellable(" ".join(text.split()), rule=rule)
    if len(reason) > LONGEST_REASON:
        raise ValueRefused("reason_too_long", rule=rule, length=len(reason), maximum=LONGEST_REASON)
    return reason


def _number_in(text: str) -> int:
    """A number and nothing else, in figures of any width; no guessing (chat.md)."""
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        raise ValueRefused("number_unreadable", rule="R-041")
    return int(found[1])


# -- the second tap ----------------------------------------------------------------------------------------------------


def confirm(tx: Tx, *, notification_id: int, version: int) -> None:
    """确认: exactly what the recap showed, not sooner than a second after it was shown (chat.md L2)."""
    row = replies.as_it_stands(tx, notification_id)
    _hold(tx, row)
    if row.reply_state is not ReplyState.OPEN:
        return
    require_free_hand(tx)
    draft = _my_recap(tx, notification_id, version)
    if tx.now < draft.expires_at - CONFIRM_LASTS + LEAST_THOUGHT:
        raise ValueRefused("confirmed_too_soon", rule="chat.md")
    matter = require_matter(tx, row)
    if matter.version != draft.thing_version:
        raise matter.changed(draft.shown_count)
    if draft.flow == Question.CONFIRM_RETURN:
        matter.send_back(tx, draft.text)
    else:
        matter.approve(tx, draft.shown_count)
    notices.drop_draft(tx)


def look_again(tx: Tx, *, notification_id: int) -> None:
    """It changed under the recap: show it afresh, to be confirmed afresh; never more places than were chosen."""
    draft = _my_draft_of(tx, notification_id)
    row = replies.as_it_stands(tx, notification_id)
    if row.reply_state is not ReplyState.OPEN:
        return
    replies.bring_up_to_date(tx, notification_id=row.id)
    matter = require_matter(tx, row)
    place = Place(draft.chat_id, draft.message_id)
    if draft.flow == Question.CONFIRM_RETURN:
        _recap_return(tx, row, matter, draft.text, place=place)
    else:
        number = min(draft.shown_count, matter.count) if matter.has_choice else matter.count
        _recap_approval(tx, row, matter, number, place=place)


def keep(tx: Tx, *, notification_id: int) -> None:
    """Rather not: forget what was awaited; nothing has happened."""
    draft = awaited(tx)
    if draft is not None and draft.thing_id == notification_id:
        notices.drop_draft(tx)


# -- inside ------------------------------------------------------------------------------------------------------------


def _as_told(tx: Tx, row: Notification, version: int) -> Matter:
    matter = require_matter(tx, row)
    if matter.version != version:
        raise matter.changed()
    return matter


def _hold(tx: Tx, row: Notification) -> None:
    """Wait for whoever decides about the same at this moment, then see what became of the request."""
    matter = matter_of(tx.session, row)
    if matter is not None:
        matter.hold(tx)
        tx.session.refresh(row)


def _recap_return(tx: Tx, row: Notification, matter: Matter, reason: str, *, place: Place) -> None:
    _wait_for(tx, Question.CONFIRM_RETURN, row, matter, lasts=CONFIRM_LASTS, text=reason, place=place)


def _recap_approval(tx: Tx, row: Notification, matter: Matter, number: int, *, place: Place) -> None:
    _wait_for(tx, Question.CONFIRM_APPROVAL, row, matter, lasts=CONFIRM_LASTS, number=number, place=place)


def _wait_for(
    tx: Tx,
    question: Question,
    row: Notification,
    matter: Matter,
    *,
    lasts: timedelta,
    place: Place,
    number: int | None = None,
    text: str = "",
) -> None:
    notices.start_draft(
        tx,
        flow=question.value,
        thing_id=row.id,
        thing_version=matter.version,
        shown_count=matter.count if number is None else number,
        text=text,
        chat_id=place.chat_id,
        message_id=place.message_id,
        lasts=lasts,
    )


def _my_draft_of(tx: Tx, notification_id: int) -> ChatDraft:
    draft = awaited(tx)
    if draft is None or draft.flow not in RECAPS or draft.thing_id != notification_id:
        raise NotFound("recap_forgotten", rule="chat.md")
    return draft


def _my_recap(tx: Tx, notification_id: int, version: int) -> ChatDraft:
    draft = _my_draft_of(tx, notification_id)
    if recap_mark(draft) != version:
        raise NotFound("recap_forgotten", rule="chat.md")
    return draft
