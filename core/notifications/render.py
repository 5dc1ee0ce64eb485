"""A message row put into words and buttons, for chat and for the panel's notice page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import escape
from sqlalchemy.orm import Session

from core import settings
from core.gateways.courier import Letter
from core.gateways.keys import Key
from core.models.accounts import UserAccount
from core.models.records import Notification
from core.notifications.buttons import press_data
from core.notifications.message import Button, Message, Press
from core.notifications.registry import revive
from core.notifications.reminding import Reminder
from core.notifications.wording import fitted, head_of, words_of
from core.notifications.words import letter_text, when
from core.queries.letters import ways_of
from core.rules.certificates import Party
from core.rules.notices import LAST_SNOOZE_BEFORE_END, SNOOZE, ReplyState, may_take_back

TAKE_BACK = "撤回“已知悉”"
_SIGNING_PARTY = {"certificates.signing_requested": Party.COLLEGE, "certificates.teo_signing_requested": Party.TEO}


@dataclass(frozen=True, slots=True)
class Rendered:
    """Telegram HTML and rows of keys; about: the message the keys belong to, another one where this only reminds."""

    text: str
    keys: tuple[tuple[Key, ...], ...]
    about: Notification


def message_of(row: Notification) -> Message:
    """The message a row was made of."""
    return revive(row.kind, json.loads(row.facts))


def chat_text(session: Session, row: Notification, now: datetime, *, is_repeat: bool = False) -> Rendered:
    """The row as it stands at now; answered ones say how they ended and have no buttons left."""
    message, prefix = message_of(row), "【重发】" if is_repeat else ""
    if isinstance(message, Reminder):
        prefix += words_of(message.kind, message.details(session, now), now) + "\n"
        row = session.get_one(Notification, message.notification_id)
        message = message_of(row)
    details = message.details(session, now)
    text = prefix + fitted(words_of(message.kind, details, now))
    if row.reply_state is ReplyState.OPEN and row.task_code:
        text += f"\n待办编号 {row.task_code}"
    if row.instead_of is not None:
        text += f"\n您代账号 {escape(session.get_one(UserAccount, row.instead_of).login)} 办理"
    ending = outcome(row)
    if ending:
        return Rendered(f"{text}\n\n<b>{ending}</b>", _undo(row, now), row)
    return Rendered(text, keyboard(row, message, details, now), row)


def panel_text(session: Session, row: Notification, now: datetime) -> str:
    """The same words for the panel's notice page, as safe HTML."""
    message = message_of(row)
    return words_of(row.kind, message.veiled(message.details(session, now)), now)


def letter_of(session: Session, row: Notification, now: datetime, *, is_repeat: bool = False) -> Letter | None:
    """The row as a letter: its own words, or its first line and where to log in; None without any address."""
    account = row.account
    ways = ways_of(session, account)
    if not (account.mobile or account.email or ways.robot):
        return None
    text = ("【重发】" if is_repeat else "") + _letter_words(session, row, now)
    return Letter(text, mobile=account.mobile, email=account.email, robot=ways.robot, first=ways.first)


def _letter_words(session: Session, row: Notification, now: datetime) -> str:
    message = message_of(row)
    details = message.details(session, now)
    kind = message.letter()
    if kind:
        return letter_text(
            kind, **{name: when(value) if isinstance(value, datetime) else value for name, value in details.items()}
        )
    head = head_of(row.kind, message.veiled(details), now)
    if isinstance(message, Reminder):
        request = session.get_one(Notification, message.notification_id)
        told = message_of(request)
        head = f"{head} · {head_of(request.kind, told.veiled(told.details(session, now)), now)}"
    if row.instead_of is not None:
        head += f"（您代账号 {session.get_one(UserAccount, row.instead_of).login} 办理）"
    page = "/my/" if row.account.candidate_id is not None else "/admin/notices/"
    return letter_text("notice", head=head, link=f"{settings.current().base_url}{page}")


def outcome(row: Notification) -> str:
    """How a message ended, in words; empty while nothing has ended it."""
    if row.reply_state is ReplyState.NOT_ASKED or row.reply_state is ReplyState.OPEN:
        return ""
    by = f" · {row.closing_note}" if row.closing_note else ""
    if row.reply_state is ReplyState.EXPIRED and row.instead_of is not None and _ended_early(row):
        by = " · 代办授权已结束"
    at = f" · {when(row.replied_at)}" if row.replied_at else ""
    return f"{row.reply_state.label}{by}{at}"


def _ended_early(row: Notification) -> bool:
    """True where it was over before its own time: whoever stood in stands in no longer."""
    return row.replied_at is not None and row.replied_at < row.useful_until


def _undo(row: Notification, now: datetime) -> tuple[tuple[Key, ...], ...]:
    """撤回“已知悉” while it holds; pressed later the key answers with words, and is gone (chat.md L1)."""
    is_fresh = row.reply_state is ReplyState.ACKNOWLEDGED and may_take_back(row.replied_at, now)
    return ((Key(TAKE_BACK, data=Press.TAKE_BACK.value),),) if is_fresh else ()


def keyboard(
    row: Notification, message: Message, details: dict[str, Any], now: datetime
) -> tuple[tuple[Key, ...], ...]:
    """One key per line, in the order the message declares; the binding's user id makes them personal at sending."""
    keys = (_key(row, button, details) for button in message.buttons if _applies(row, button, now))
    return tuple((key,) for key in keys)


def _applies(row: Notification, button: Button, now: datetime) -> bool:
    """A snooze that could not be granted any more is not offered."""
    return button.press is not Press.SNOOZE or now + SNOOZE <= row.useful_until - LAST_SNOOZE_BEFORE_END


def _key(row: Notification, button: Button, details: dict[str, Any]) -> Key:
    label = button.label.format_map(details)
    base = settings.current().base_url
    if button.page is not None:
        return Key(label, url=f"{base}{button.page.format_map(details)}")
    if button.press is Press.OPEN_SIGNING:
        party = _SIGNING_PARTY[row.kind]
        return Key(label, page=f"{base}/phone/enter?plan={row.thing_id}&party={party.value}")
    return Key(label, data=f"{button.press.value}" if button.press else None)


def sealed(keys: tuple[tuple[Key, ...], ...], row: Notification, user_id: int) -> tuple[tuple[Key, ...], ...]:
    """The same keys with callback data that works for this Telegram user only."""
    return tuple(tuple(_sealed(key, row, user_id) for key in line) for line in keys)


def _sealed(key: Key, row: Notification, user_id: int) -> Key:
    if key.data is None:
        return key
    data = press_data(
        Press(key.data),
        notification_id=row.id,
        version=row.thing_version or 0,
        expires=row.useful_until,
        user_id=user_id,
    )
    return Key(key.label, data=data)
