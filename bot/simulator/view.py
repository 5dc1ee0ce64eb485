"""What the chat page shows, as JSON: who is there, the open chats, the state of Telegram."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from typing import Any

from bot.simulator.api import BotApi
from bot.simulator.people import Group, Persona
from bot.simulator.state import Entry, StoredFile
from core import clock

SHOWN_PER_CHAT = 150
SHOWN_PRESSES = 40
WEEKDAYS = "一二三四五六日"


def reader(kept: StoredFile) -> io.BytesIO:
    """The file for Flask to send."""
    return io.BytesIO(kept.content)


def screen(api: BotApi, opened: list[int], since: str) -> dict[str, Any]:
    """Everything the page needs; only time and mark when nothing changed since the mark it has."""
    with api.changed:
        here = clock.local(clock.now())
        mark = f"{id(api)}.{api.revision}.{','.join(map(str, opened))}.{int(api.bot_is_listening())}"
        short = {"mark": mark, "clock": f"{here:%H:%M}", "day": f"{here.month}月{here.day}日"}
        if mark == since:
            return short
        return short | {
            "date": f"{here.year}年{here.month}月{here.day}日 周{WEEKDAYS[here.weekday()]}",
            "mode": str(api.faults.mode),
            "listening": api.bot_is_listening(),
            "bot": {"name": api.bot["first_name"], "username": api.bot["username"]},
            "chats": [
                *(_summary(api, person) for person in api.people.values()),
                *(_summary(api, group) for group in api.groups.values() if not group.migrated_to),
            ],
            "open": {
                chat_id: _conversation(api, chat_id)
                for chat_id in opened
                if chat_id in api.people or chat_id in api.groups
            },
            "presses": [{"id": p.id, "answer": p.answer} for p in list(api.presses.values())[-SHOWN_PRESSES:]],
        }


def _summary(api: BotApi, chat: Persona | Group) -> dict[str, Any]:
    last = api.last_entry(chat.id)
    place = api.chats[chat.id]
    unread = sum(1 for e in place.entries.values() if e.by_bot and e.id > place.read_up_to)
    shown: dict[str, Any] = {
        "id": chat.id,
        "unread": unread,
        "preview": _preview(last) if last else "",
        "time": _time(last.message["date"]) if last else "",
    }
    if isinstance(chat, Group):
        return shown | {
            "group": True,
            "name": chat.title,
            "title": f"{len(chat.members)} 位成员",
            "members": chat.members,
        }
    return shown | {
        "group": False,
        "name": chat.first_name,
        "title": chat.title,
        "started": chat.started,
        "blocked": chat.blocked,
        "deactivated": chat.deactivated,
    }


def _preview(entry: Entry) -> str:
    return _words_of(entry.message).replace("\n", " ")[:60]


def _words_of(message: dict[str, Any]) -> str:
    """A message in one line of a list: its kind, if it is not just text, and its words."""
    words = message.get("text") or message.get("caption") or ""
    if "document" in message:
        words = f"[文件] {message['document']['file_name']} {words}"
    return f"[图片] {words}" if "photo" in message else words


def _time(seconds: int) -> str:
    return f"{clock.local(datetime.fromtimestamp(seconds, UTC)):%H:%M}"


def _conversation(api: BotApi, chat_id: int) -> dict[str, Any]:
    place = api.chats[chat_id]
    entries = list(place.entries.values())[-SHOWN_PER_CHAT:]
    keyboards = [e.replaced_keyboard for e in entries if e.replaced_keyboard]
    menu = api.menu_buttons.get(str(chat_id)) or api.menu_buttons.get("default") or {}
    scopes = ("all_group_chats",) if chat_id < 0 else ("all_private_chats",)
    return {
        "messages": [_message(entry) for entry in entries],
        "typing": max(0.0, place.typing_until - time.monotonic()),
        "keyboard": keyboards[-1] if keyboards and "keyboard" in keyboards[-1] else None,
        "commands": api.commands_for(f"chat:{chat_id}", *scopes, "default"),
        "menu": {"text": menu["text"], "url": menu["web_app"]["url"]} if menu.get("type") == "web_app" else None,
        "last_id": entries[-1].id if entries else 0,
    }


def _message(entry: Entry) -> dict[str, Any]:
    m = entry.message
    at = clock.local(datetime.fromtimestamp(m["date"], UTC))
    shown: dict[str, Any] = {
        "id": entry.id,
        "by": m["from"]["id"],
        "name": m["from"]["first_name"],
        "bot": entry.by_bot,
        "time": f"{at:%H:%M}",
        "day": f"{at.month}月{at.day}日 周{WEEKDAYS[at.weekday()]}",
        "text": m.get("text") or m.get("caption") or "",
        "entities": m.get("entities") or m.get("caption_entities") or [],
        "edited": "edit_date" in m,
        "silent": entry.silent,
        "protected": bool(m.get("has_protected_content")),
        "keys": m.get("reply_markup", {}).get("inline_keyboard", []),
    }
    if replied := m.get("reply_to_message"):
        shown["reply"] = {
            "id": replied["message_id"],
            "name": replied["from"]["first_name"],
            "text": _words_of(replied)[:80],
        }
    if origin := m.get("forward_origin"):
        shown["forwarded"] = origin["sender_user"]["first_name"]
    if document := m.get("document"):
        shown["file"] = {"id": document["file_id"], "name": document["file_name"], "size": document["file_size"]}
    if photo := m.get("photo"):
        shown["photo"] = {"id": photo[-1]["file_id"], "width": photo[-1]["width"], "height": photo[-1]["height"]}
    if moved := m.get("migrate_to_chat_id") or m.get("migrate_from_chat_id"):
        shown |= {"text": f"本群已升级为超级群（{moved}）", "service": True}
    return shown
