"""Who is in the chats: invented people, groups, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Persona:
    """An invented Telegram user; the id is also the id of the private chat with the bot.

    `title` is shown in the simulator only (role, organisation). `started` is false for somebody who never pressed
    「开始」: bots cannot write to such people.
    """

    id: int
    first_name: str
    username: str = ""
    title: str = ""
    started: bool = True
    blocked: bool = False
    deactivated: bool = False

    def as_user(self) -> dict[str, Any]:
        """Telegram's User."""
        user = {"id": self.id, "is_bot": False, "first_name": self.first_name, "language_code": "zh-hans"}
        return user | ({"username": self.username} if self.username else {})

    def as_chat(self) -> dict[str, Any]:
        """Telegram's Chat for the private conversation with this person."""
        chat = {"id": self.id, "type": "private", "first_name": self.first_name}
        return chat | ({"username": self.username} if self.username else {})


@dataclass(slots=True)
class Group:
    """A group with the bot in it; `migrated_to` is set once it became a supergroup."""

    id: int
    title: str
    members: list[int] = field(default_factory=list)
    migrated_to: int | None = None

    def as_chat(self) -> dict[str, Any]:
        """Telegram's Chat; ids below -100… are supergroups."""
        return {"id": self.id, "type": "supergroup" if self.id < -(10**12) else "group", "title": self.title}
