"""Chats that outlive a restart: one JSON file, written atomically, and the sent files beside it."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from bot.simulator.people import Group, Persona
from bot.simulator.state import Chat, Entry, State, StoredFile

log = logging.getLogger(__name__)

VERSION = 1
KEPT_PER_CHAT = 500
_NUMBERS = ("last_update_id", "last_file_number", "last_press_number")


def snapshot(state: State) -> bytes:
    """The state as JSON; of each chat the newest 500 messages. Presses in flight are not kept."""
    return json.dumps(
        {
            "version": VERSION,
            "numbers": {name: getattr(state, name) for name in _NUMBERS},
            "people": [asdict(person) for person in state.people.values()],
            "groups": [asdict(group) for group in state.groups.values()],
            "chats": {
                chat_id: {
                    "last_id": chat.last_id,
                    "read_up_to": chat.read_up_to,
                    "entries": [
                        {"message": entry.message, "silent": entry.silent, "replaced_keyboard": entry.replaced_keyboard}
                        for entry in list(chat.entries.values())[-KEPT_PER_CHAT:]
                    ],
                }
                for chat_id, chat in state.chats.items()
            },
            "files": [
                {"id": f.id, "name": f.name, "mime": f.mime, "path": f.path, "width": f.width, "height": f.height}
                for f in state.files.values()
            ],
            "updates": list(state.updates),
            "allowed_updates": state.allowed_updates,
            "commands": state.commands,
            "menu_buttons": state.menu_buttons,
        },
        ensure_ascii=False,
    ).encode()


def restore(state: State, path: Path) -> bool:
    """Put a snapshot back; people given at start keep their new names, and what they did is remembered."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        contents = {f["id"]: (_folder(path) / f["id"]).read_bytes() for f in kept["files"]}
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError, OSError):
        log.warning("simulator: %s cannot be read, starting with empty chats", path.name)
        return False
    if kept.get("version") != VERSION:
        return False
    for name, number in kept["numbers"].items():
        setattr(state, name, max(number, getattr(state, name)))
    for facts in kept["people"]:
        known = state.people.setdefault(facts["id"], Persona(**facts))
        known.started, known.blocked = known.started or facts["started"], facts["blocked"]
        known.deactivated = facts["deactivated"]
    state.groups |= {g["id"]: Group(**g) for g in kept["groups"]}
    for chat_id, chat in kept["chats"].items():
        entries = {e["message"]["message_id"]: Entry(**e) for e in chat["entries"]}
        state.chats[int(chat_id)] = Chat(chat["last_id"], chat["read_up_to"], entries)
    state.files |= {f["id"]: StoredFile(content=contents[f["id"]], **f) for f in kept["files"]}
    state.updates.extend(kept["updates"])
    state.allowed_updates = tuple(kept["allowed_updates"])
    state.commands, state.menu_buttons = kept["commands"], kept["menu_buttons"]
    state.touch()
    return True


def _folder(path: Path) -> Path:
    return path.with_suffix(".files")


class Keeper:
    """A thread that saves soon after something changed, never more than about three times a second."""

    def __init__(self, revision: Callable[[], int], save: Callable[[], None]) -> None:
        self._revision, self._save = revision, save
        self._saved = revision()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulator-keeper", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(0.3):
            self._save_if_changed()

    def _save_if_changed(self) -> None:
        now = self._revision()
        if now != self._saved:
            try:
                self._save()
                self._saved = now
            except OSError:
                log.exception("simulator: chats could not be saved")

    def close(self) -> None:
        """Stop, with a last save."""
        self._stopping.set()
        self._thread.join()
        self._save_if_changed()


def write(path: Path, taken: bytes, files: Iterable[StoredFile]) -> None:
    """Files first, each once; then the snapshot under another name; then its own name; then what nobody needs goes."""
    folder = _folder(path)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = {kept.id: kept for kept in files}
    for name, kept in wanted.items():
        if not (folder / name).exists():
            _write_through(folder / name, kept.content)
    _write_through(path, taken)
    for stale in [there for there in folder.iterdir() if there.name not in wanted]:
        stale.unlink()


def _write_through(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
