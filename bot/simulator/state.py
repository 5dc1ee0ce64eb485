"""What Telegram knows: chats, messages, files, waiting updates. One lock over all of it."""

from __future__ import annotations

import copy
import mimetypes
import threading
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.simulator.markup import ApiError, bad_request
from bot.simulator.people import Group, Persona
from core import clock

# Kinds of update a bot gets unless it asked for others; the simulator makes only these.
UPDATE_KINDS = ("message", "callback_query", "my_chat_member")


@dataclass(slots=True)
class Entry:
    """A message on a phone: Telegram's Message, and what only the phone shows of it."""

    message: dict[str, Any]
    silent: bool = False
    replaced_keyboard: dict[str, Any] | None = None  # reply keyboard, removal or forced reply sent along

    @property
    def id(self) -> int:
        """message_id, unique in its chat."""
        return int(self.message["message_id"])

    @property
    def by_bot(self) -> bool:
        """True for what the bot itself wrote (forwarded copies are somebody else's)."""
        return bool(self.message["from"]["is_bot"])


@dataclass(slots=True)
class StoredFile:
    """A file as sent; `id` is file_id and file_unique_id in one."""

    id: str
    name: str
    mime: str
    content: bytes
    path: str
    width: int = 0
    height: int = 0

    def as_document(self) -> dict[str, Any]:
        """Telegram's Document."""
        return {
            "file_id": self.id,
            "file_unique_id": self.id,
            "file_name": self.name,
            "mime_type": self.mime,
            "file_size": len(self.content),
        }

    def as_photo(self) -> dict[str, Any]:
        """Telegram's PhotoSize, of the only size there is."""
        return {
            "file_id": self.id,
            "file_unique_id": self.id,
            "width": self.width,
            "height": self.height,
            "file_size": len(self.content),
        }


@dataclass(slots=True)
class Press:
    """A pressed button waiting for its answer; `answer` holds text, show_alert and url once the bot answered."""

    id: str
    chat_id: int
    message_id: int
    data: str
    pressed_at: float  # monotonic seconds
    answer: dict[str, Any] | None = None


@dataclass(slots=True)
class Chat:
    """One conversation: its messages by id, in order."""

    last_id: int = 0
    read_up_to: int = 0
    entries: dict[int, Entry] = field(default_factory=dict)
    typing_until: float = 0.0


class State:
    """Everything the simulator remembers; every method expects the caller to hold `changed`, or takes it."""

    def __init__(self, *, username: str, name: str, bot_id: int) -> None:
        self.bot = {"id": bot_id, "is_bot": True, "first_name": name, "username": username}
        self.changed = threading.Condition(threading.RLock())
        self.revision = 0
        self.people: dict[int, Persona] = {}
        self.groups: dict[int, Group] = {}
        self.chats: dict[int, Chat] = defaultdict(Chat)
        self.files: dict[str, StoredFile] = {}
        self.presses: dict[str, Press] = {}
        self.updates: deque[dict[str, Any]] = deque()
        self.past_updates: deque[dict[str, Any]] = deque(maxlen=1000)
        self.allowed_updates: tuple[str, ...] = UPDATE_KINDS
        self.last_update_id = 100_000_000
        self.last_file_number = 0
        self.last_press_number = 0
        self.poller = 0
        self.webhook: dict[str, Any] = {}  # url, secret_token, max_connections; empty while the bot polls
        self.webhook_trouble: dict[str, Any] = {}
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.menu_buttons: dict[str, dict[str, Any]] = {}
        self.own_files: Path | None = None  # where a Bot API server started with --local leaves files to be read

    def touch(self) -> None:
        """Something is different now: wake pollers, pages and the keeper."""
        self.revision += 1
        self.changed.notify_all()

    def chat_of(self, chat_id: Any) -> Persona | Group:
        """Whom this id belongs to; 400 "chat not found" in Telegram's words, also for people who never said hello."""
        if chat_id in (None, ""):
            raise bad_request("chat_id is empty")
        if isinstance(chat_id, str):
            wanted = chat_id.removeprefix("@")
            raise bad_request("chat not found" if wanted else "chat_id is empty")
        group = self.groups.get(chat_id)
        if group and group.migrated_to:
            raise ApiError(
                400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=group.migrated_to
            )
        found = group or self.people.get(chat_id)
        if found is None:
            raise bad_request("chat not found")
        return found

    def reachable(self, chat_id: Any) -> Persona | Group:
        """Like chat_of, and the bot may write there: 403 for whoever blocked it, left Telegram or never started it."""
        chat = self.chat_of(chat_id)
        if isinstance(chat, Persona):
            if chat.deactivated:
                raise ApiError(403, "Forbidden: user is deactivated")
            if chat.blocked:
                raise ApiError(403, "Forbidden: bot was blocked by the user")
            if not chat.started:
                raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
        return chat

    def entry(self, chat_id: int, message_id: Any) -> Entry | None:
        """The message as it stands, None when there is no such message."""
        return self.chats[chat_id].entries.get(message_id) if chat_id in self.chats else None

    def post(self, chat: Persona | Group, sender: dict[str, Any], content: dict[str, Any], **shown: Any) -> Entry:
        """Put a message into a chat and say which one it became."""
        place = self.chats[chat.id]
        place.last_id += 1
        message = {
            "message_id": place.last_id,
            "from": sender,
            "chat": chat.as_chat(),
            "date": int(clock.now().timestamp()),
            **content,
        }
        place.entries[place.last_id] = entry = Entry(message, **shown)
        place.typing_until = 0.0 if sender["is_bot"] else place.typing_until
        self.touch()
        return entry

    def queue(self, kind: str, what: dict[str, Any]) -> int | None:
        """An update for the bot, unless it asked not to be told of this kind."""
        if kind not in self.allowed_updates:
            return None
        self.last_update_id += 1
        update = {"update_id": self.last_update_id, kind: copy.deepcopy(what)}
        self.updates.append(update)
        self.past_updates.append(update)
        self.touch()
        return self.last_update_id

    def keep_file(self, name: str, content: bytes, *, folder: str, mime: str = "") -> StoredFile:
        """Store a file under an id and a path of Telegram's kind."""
        self.last_file_number += 1
        ending = name.rpartition(".")[2].lower() if "." in name else "bin"
        guessed = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
        number = self.last_file_number
        ending = ending if ending.isascii() and ending.isalnum() else "bin"
        kept = StoredFile(f"SIM{number:06d}", name, guessed, content, f"{folder}/file_{number}.{ending}")
        self.files[kept.id] = kept
        return kept

    def commands_for(self, *scopes: str) -> list[dict[str, str]]:
        """The command list of the narrowest scope that has one."""
        return next((self.commands[s] for s in scopes if self.commands.get(s)), [])

    def members_of(self, group: Group) -> Iterable[Persona]:
        """The people of a group that still exist."""
        return (self.people[m] for m in group.members if m in self.people)
