"""What a chat shows: a text and its keys. Keys of messages are the messages' own; the others are made here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core import settings
from core.gateways.keys import Key
from core.models.records import ChatDraft, Notification
from core.notifications.buttons import press_data
from core.notifications.message import Press
from core.notifications.render import chat_text, outcome, sealed
from core.rules.certificates import Party
from core.rules.notices import ReplyState
from core.usecases.decisions import recap_mark

Keys = tuple[tuple[Key, ...], ...]
MOST_KEYS = 3  # chat.md: on one screen


@dataclass(frozen=True, slots=True)
class Shown:
    """One message: Telegram HTML, keys in lines, the word a press is answered with, and whether words are awaited."""

    text: str
    keys: Keys = ()
    toast: str = ""
    asks: bool = False


def task(session: Session, row: Notification, now: datetime, user_id: int) -> Shown:
    """A message as it stands, with keys that work for this Telegram user only."""
    rendered = chat_text(session, row, now)
    toast = outcome(row) or row.reply_state.label
    return Shown(rendered.text, sealed(rendered.keys, rendered.about, user_id), toast)


def is_open(row: Notification) -> bool:
    """True while the person's word is awaited."""
    return row.reply_state is ReplyState.OPEN


def recap_key(label: str, press: Press, draft: ChatDraft, user_id: int) -> Key:
    """A key of a second screen: good for exactly what that screen shows, as long as the draft lives."""
    data = press_data(
        press,
        notification_id=draft.thing_id,
        version=recap_mark(draft),
        expires=draft.expires_at,
        user_id=user_id,
    )
    return Key(label, data=data)


def signing_key(label: str, plan_id: int, party: Party) -> Key:
    """Opens the signing page of a batch inside Telegram."""
    return Key(label, page=f"{settings.current().base_url}/phone/enter?plan={plan_id}&party={party.value}")


def panel_key(label: str, path: str) -> Key:
    """Opens a page of the panel in the browser, where one logs in."""
    return Key(label, url=f"{settings.current().base_url}{path}")
