"""BotApi: Telegram for one bot, in memory. The bot's side is `call`, the people's side are the `user_…` verbs.

Thread-safe; knows nothing of HTTP (web.py does) and nothing of exams.
"""

from __future__ import annotations

import copy
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.simulator.faults import Fault, Faults, Mode
from bot.simulator.init_data import sign_init_data, with_init_data
from bot.simulator.keeping import Keeper, restore, snapshot, write
from bot.simulator.markup import ApiError, found_entities, units
from bot.simulator.methods import MAX_TEXT, MAX_UPLOAD, METHODS, Method, Upload, decoded, picture_size
from bot.simulator.people import Group, Persona
from bot.simulator.pushing import Pusher
from bot.simulator.state import Entry, Press, State
from core import clock
from core.errors import Refusal

log = logging.getLogger(__name__)

TEST_TOKEN = "7000000001:simulated-token-for-tests-only-0001"  # noqa: S105 - the published token of the test double
LOG_LENGTH = 50_000
QUIET_SECONDS = 10.0


class PhoneRefused(Refusal):
    """A person's own phone would not do this: no such button, forwarding forbidden, account gone."""

    code = "simulator_refused"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the bot: what was asked, what was said. `unknown` are parameters the method does not have."""

    number: int
    at: datetime
    method: str
    params: dict[str, Any]
    accepted: bool
    files: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()
    result: Any = None
    error_code: int = 0
    description: str = ""

    @property
    def chat_id(self) -> Any:
        """The chat it was about, None for none."""
        return self.params.get("chat_id")

    @property
    def message_id(self) -> int | None:
        """The message it made or changed."""
        return self.result.get("message_id") if isinstance(self.result, dict) else self.params.get("message_id")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: HTTP status and Telegram's JSON; `hang_up` means the connection dies instead."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    hang_up: bool = False


class BotApi(State):
    """A strict stand-in of the Bot API for one token."""

    def __init__(
        self,
        personas: Iterable[Persona] = (),
        *,
        token: str = TEST_TOKEN,
        username: str = "kaowu_demo_bot",
        name: str = "考务助手",
        faults: Faults | None = None,
        own_files: Path | None = None,
    ) -> None:
        super().__init__(username=username, name=name, bot_id=int(token.partition(":")[0]))
        self.token = token
        self.own_files = own_files / token if own_files else None
        self.faults = faults or Faults()
        self.calls: deque[Call] = deque(maxlen=LOG_LENGTH)
        self.polls = 0
        self._polling = 0
        self._polled_at = -QUIET_SECONDS
        self._call_number = 0
        self._listeners: list[Callable[[Call], None]] = []
        self._keeper: Keeper | None = None
        self._pusher = Pusher(self)
        for persona in personas:
            self.add_persona(persona)

    # --- the bot's side -----------------------------------------------------------------------------------------------

    def call(
        self,
        method: str,
        params: Mapping[str, Any],
        files: Mapping[str, Upload] | None = None,
        *,
        token: str | None = None,
    ) -> Answer:
        """One call as Telegram would answer it; blocks for long polls and for faults that take time."""
        found = METHODS.get(method.lower())
        if token is not None and token != self.token:
            return _refusal(ApiError(401, "Unauthorized"))
        if found is None:
            return _refusal(ApiError(404, "Not Found"))
        fault = self.faults.meet(method.lower(), writes=found.writes)
        if found.name == "getUpdates":
            return self._poll(found, params, fault)
        if fault.wait:
            self.faults.pause(fault.wait)
        answer = self._perform(found, params, files or {}, fault)
        if fault.hold and answer.status == 200:
            self.faults.pause(fault.hold)
        return answer

    def _poll(self, method: Method, params: Mapping[str, Any], fault: Fault) -> Answer:
        """A poll hangs while Telegram is down and goes on when it is back: the demo recovers at once."""
        self.polls += 1
        if self.faults.mode is Mode.FAILING and not fault.code:
            self.faults.pause(4.0)
            fault = Fault.bad_gateway() if self.faults.mode is Mode.FAILING else fault
        if fault.wait:
            self.faults.pause(fault.wait)
        self._polling += 1
        try:
            return self._perform(method, params, {}, fault)
        finally:
            self._polling -= 1
            self._polled_at = time.monotonic()

    def bot_is_listening(self) -> bool:
        """True while a poll is open or the last one ended a moment ago."""
        return self._polling > 0 or time.monotonic() - self._polled_at < QUIET_SECONDS

    def _perform(self, method: Method, raw: Mapping[str, Any], files: Mapping[str, Upload], fault: Fault) -> Answer:
        with self.changed:
            params: dict[str, Any] = dict(raw)
            try:
                params = decoded(raw)
                if fault.code:
                    raise ApiError(fault.code, fault.description, **fault.parameters)
                result = copy.deepcopy(method.run(self, params, files))
            except ApiError as refused:
                self._note(
                    method, params, files, accepted=False, error_code=refused.code, description=refused.description
                )
                return _refusal(refused)
            self._note(method, params, files, accepted=True, result=result)
            if method.name == "setWebhook":
                self._pusher.begin()
            return Answer(200, {"ok": True, "result": result}, hang_up=fault.hang_up)

    def _note(self, method: Method, params: dict[str, Any], files: Mapping[str, Upload], **outcome: Any) -> None:
        if method.name == "getUpdates":
            return
        self._call_number += 1
        call = Call(
            self._call_number,
            clock.now(),
            method.name,
            params,
            files=tuple(f.name for f in files.values()),
            unknown=frozenset(params) - method.known - set(files),
            **outcome,
        )
        self.calls.append(call)
        for listener in self._listeners if call.accepted else ():
            listener(call)
        self.changed.notify_all()

    def on_accepted(self, listener: Callable[[Call], None]) -> None:
        """Tell `listener` of every accepted call (polls excepted) before its answer leaves."""
        self._listeners.append(listener)

    def accepted(self, method: str | None = None, *, chat_id: int | None = None) -> list[Call]:
        """Accepted calls, oldest first."""
        return self._calls(True, method, chat_id)

    def refused(self, method: str | None = None, *, chat_id: int | None = None) -> list[Call]:
        """Refused calls, oldest first."""
        return self._calls(False, method, chat_id)

    def _calls(self, accepted: bool, method: str | None, chat_id: int | None) -> list[Call]:
        with self.changed:
            return [
                c
                for c in self.calls
                if c.accepted is accepted and method in (None, c.method) and chat_id in (None, c.chat_id)
            ]

    # --- people and groups --------------------------------------------------------------------------------------------

    def add_persona(self, persona: Persona) -> Persona:
        """A new person, or new facts about a known one; what they did to the bot (start, block) is kept."""
        with self.changed:
            known = self.people.get(persona.id)
            if known:
                known.first_name, known.username, known.title = persona.first_name, persona.username, persona.title
                known.started = known.started or persona.started
            else:
                self.people[persona.id] = persona
            self.touch()
            return self.people[persona.id]

    def add_group(self, group: Group) -> Group:
        """A group of known people with the bot in it; its id is negative."""
        with self.changed:
            self.groups[group.id] = group
            self.touch()
            return group

    def group_becomes_supergroup(self, chat_id: int) -> int:
        """The group gets a new id; whoever writes to the old one is told so (migrate_to_chat_id)."""
        with self.changed:
            old = self.groups[chat_id]
            new = Group(-(10**12) + chat_id, old.title, list(old.members))
            old.migrated_to = new.id
            self.groups[new.id] = new
            admin = next(iter(self.members_of(new))).as_user()
            self.queue("message", self.post(old, admin, {"migrate_to_chat_id": new.id}).message)
            self.queue("message", self.post(new, admin, {"migrate_from_chat_id": old.id}).message)
            return new.id

    def user_blocks_bot(self, user_id: int, blocked: bool = True) -> None:
        """Block or unblock; the bot is told by my_chat_member."""
        with self.changed:
            person = self._person(user_id)
            if person.blocked is blocked:
                return
            person.blocked = blocked
            states = [{"status": "member", "user": self.bot}, {"status": "kicked", "user": self.bot, "until_date": 0}]
            old, new = states if blocked else states[::-1]
            self.queue(
                "my_chat_member",
                {
                    "chat": person.as_chat(),
                    "from": person.as_user(),
                    "old_chat_member": old,
                    "date": int(clock.now().timestamp()),
                    "new_chat_member": new,
                },
            )
            self.touch()

    def user_leaves_telegram(self, user_id: int) -> None:
        """The account is deleted: 403 "user is deactivated" from now on."""
        with self.changed:
            self._person(user_id).deactivated = True
            self.touch()

    def _person(self, user_id: int) -> Persona:
        person = self.people.get(user_id)
        if person is None:
            raise PhoneRefused("simulator_no_persona")
        return person

    def _at_hand(self, chat_id: int, sender: int | None) -> tuple[Persona | Group, Persona]:
        """(chat, person) for something a person does there; bot blocked, account gone, not a member: refused."""
        person = self._person(chat_id if sender is None else sender)
        chat = self.groups.get(chat_id) or self._person(chat_id)
        if person.deactivated:
            raise PhoneRefused("simulator_deactivated")
        if isinstance(chat, Group):
            if chat.migrated_to:
                raise PhoneRefused("simulator_group_moved")
            if person.id not in chat.members:
                raise PhoneRefused("simulator_not_a_member")
        elif chat.id != person.id:
            raise PhoneRefused("simulator_not_a_member")
        elif person.blocked:
            raise PhoneRefused("simulator_bot_blocked")
        return chat, person

    # --- what people do -----------------------------------------------------------------------------------------------

    def user_sends_text(
        self, chat_id: int, text: str, *, sender: int | None = None, reply_to: int | None = None
    ) -> int:
        """Type and send; the last message_id (phones split what is longer than 4096). In groups name the sender.

        Sending starts the bot if it was not started. Answers nothing to nobody: what the bot does is in history().
        """
        words = text.strip()
        if not words:
            raise PhoneRefused("simulator_empty")
        piece = MAX_TEXT if units(words) == len(words) else MAX_TEXT // 2  # a character may take two UTF-16 units
        last = 0
        for part in (words[start : start + piece] for start in range(0, len(words), piece)):
            entities = found_entities(part)
            content = {"text": part} | ({"entities": entities} if entities else {})
            last = self._person_posts(chat_id, sender, content, reply_to)
        return last

    def user_sends_document(
        self,
        chat_id: int,
        name: str,
        content: bytes,
        *,
        sender: int | None = None,
        caption: str = "",
        mime: str = "",
        reply_to: int | None = None,
        album: str = "",
    ) -> int:
        """Send a file; the message_id. A leading folder of the name is dropped, Chinese names are kept.

        Phones send far larger files than bots may fetch, so that a bot must be seen to refuse them; album: the
        media_group_id of several sent together.
        """
        if not content:
            raise PhoneRefused("simulator_empty")
        if len(content) > MAX_UPLOAD:
            raise PhoneRefused("simulator_file_too_big")
        with self.changed:
            self._at_hand(chat_id, sender)
            base = name.replace("\\", "/").rpartition("/")[2] or "文件"
            kept = self.keep_file(base, content, folder="documents", mime=mime)
            return self._person_posts(
                chat_id, sender, {"document": kept.as_document()} | _beside(caption, album), reply_to
            )

    def user_sends_photo(self, chat_id: int, content: bytes, *, sender: int | None = None, album: str = "") -> int:
        """Send a picture as a picture, nameless; the message_id. What is no picture is refused by the phone."""
        with self.changed:
            self._at_hand(chat_id, sender)
            try:
                width, height = picture_size(content)
            except ApiError:
                raise PhoneRefused("simulator_no_picture") from None
            kept = self.keep_file("photo.jpg", content, folder="photos", mime="image/jpeg")
            kept.width, kept.height = width, height
            return self._person_posts(chat_id, sender, {"photo": [kept.as_photo()]} | _beside("", album), None)

    def download(self, path: str, *, token: str) -> tuple[int, bytes]:
        """HTTP status and content of a file by the path getFile told; faults are scripted for "download"."""
        fault = self.faults.meet("download", writes=False)
        if fault.wait:
            self.faults.pause(fault.wait)
        with self.changed:
            served = self.files.values() if self.own_files is None else ()
            found = next((file.content for file in served if file.path == path), None)
        if fault.code:
            return fault.code, b""
        return (404, b"") if token != self.token or found is None else (200, found)

    def _person_posts(self, chat_id: int, sender: int | None, content: dict[str, Any], reply_to: int | None) -> int:
        with self.changed:
            chat, person = self._at_hand(chat_id, sender)
            if isinstance(chat, Persona):
                person.started = True
            replied = self.entry(chat_id, reply_to) if reply_to is not None else None
            if reply_to is not None and replied is None:
                raise PhoneRefused("simulator_no_message")
            if replied:
                content["reply_to_message"] = {k: v for k, v in replied.message.items() if k != "reply_to_message"}
            message = self.post(chat, person.as_user(), content).message
            if isinstance(chat, Persona) or self._meant_for_bot(message):
                self.queue("message", message)
            return int(message["message_id"])

    def _meant_for_bot(self, message: dict[str, Any]) -> bool:
        """Privacy mode: in groups a bot sees commands (for it), mentions of it and replies to it."""
        text = message.get("text") or message.get("caption") or ""
        mention = f"@{self.bot['username']}"
        if text.startswith("/"):
            return "@" not in text.split()[0] or text.split()[0].endswith(mention)
        return mention in text or bool(message.get("reply_to_message", {}).get("from", {}).get("is_bot"))

    def user_presses(
        self, chat_id: int, message_id: int, button: str, *, presser: int | None = None, stale: bool = False
    ) -> str:
        """Press a button by its data or its words; the id of the press (see press_answer).

        In groups name the presser. `stale` presses data the message no longer offers, as a phone does that has not
        yet heard of an edit.
        """
        with self.changed:
            chat, person = self._at_hand(chat_id, presser)
            entry = self.entry(chat_id, message_id)
            if entry is None:
                raise PhoneRefused("simulator_no_message")
            keys = [key for row in entry.message.get("reply_markup", {}).get("inline_keyboard", []) for key in row]
            pressed = next(
                (
                    key["callback_data"]
                    for key in keys
                    if "callback_data" in key and button in (key["callback_data"], key["text"])
                ),
                None,
            )
            if pressed is None and not stale:
                raise PhoneRefused("simulator_no_button")
            self.last_press_number += 1
            press = Press(
                f"{self.bot['id']}{self.last_press_number:08d}",
                chat.id,
                message_id,
                pressed or button,
                time.monotonic(),
            )
            self.presses[press.id] = press
            while len(self.presses) > 500:
                del self.presses[next(iter(self.presses))]
            self.queue(
                "callback_query",
                {
                    "id": press.id,
                    "from": person.as_user(),
                    "message": entry.message,
                    "chat_instance": str(chat.id * 7919),
                    "data": press.data,
                },
            )
            return press.id

    def presses_grow_old(self) -> None:
        """Let every open press expire, as if the bot had taken too long."""
        with self.changed:
            for press in self.presses.values():
                press.pressed_at = float("-inf")

    def press_answer(self, press_id: str, timeout: float = 0.0) -> dict[str, Any] | None:
        """{"text", "show_alert", "url"} once the bot answered the press; waits up to `timeout` seconds for it."""
        with self.changed:
            self.changed.wait_for(lambda: self.presses[press_id].answer is not None, timeout)
            return self.presses[press_id].answer

    def user_forwards(
        self, chat_id: int, message_id: int, *, to: int, sender: int | None = None, despite_protection: bool = False
    ) -> int:
        """Forward a message, buttons and all, to another person or group; the message_id of the copy there.

        The worst case on purpose: the copy's buttons can be pressed and then arrive with the presser's id. Protected
        messages are refused, unless `despite_protection` plays a phone that does not care. Nobody may edit the copy.
        """
        with self.changed:
            _, person = self._at_hand(chat_id, sender)
            entry, target = self.entry(chat_id, message_id), self.groups.get(to) or self._person(to)
            if entry is None:
                raise PhoneRefused("simulator_no_message")
            if entry.message.get("has_protected_content") and not despite_protection:
                raise PhoneRefused("simulator_protected")
            origin = {"type": "user", "sender_user": entry.message["from"], "date": entry.message["date"]}
            kept = ("text", "entities", "caption", "caption_entities", "document", "photo", "reply_markup")
            copied = {key: copy.deepcopy(entry.message[key]) for key in kept if key in entry.message}
            return self.post(target, person.as_user(), {"forward_origin": origin} | copied).id

    def opens_web_app(self, chat_id: int, url: str, *, viewer: int | None = None) -> str:
        """The address, signed for the viewer, that a web_app button or the menu button of this chat opens."""
        with self.changed:
            _, person = self._at_hand(chat_id, viewer)
            offered = {
                key["web_app"]["url"]
                for entry in self.chats[chat_id].entries.values()
                for row in entry.message.get("reply_markup", {}).get("inline_keyboard", [])
                for key in row
                if "web_app" in key
            }
            offered |= {menu["web_app"]["url"] for menu in self.menu_buttons.values() if "web_app" in menu}
            if url not in offered:
                raise PhoneRefused("simulator_no_button")
            return with_init_data(url, sign_init_data(self.token, person.as_user()))

    def deliver_again(self, update_id: int) -> None:
        """Telegram delivers an update twice when its confirmation was lost: put a past one back in the queue."""
        with self.changed:
            self.updates.appendleft(next(u for u in self.past_updates if u["update_id"] == update_id))
            self.touch()

    # --- looking ------------------------------------------------------------------------------------------------------

    def history(self, chat_id: int) -> list[dict[str, Any]]:
        """The chat as its people see it, oldest first: Telegram's Message, plus `disable_notification` if sent so."""
        with self.changed:
            entries = self.chats[chat_id].entries.values() if chat_id in self.chats else ()
            return [copy.deepcopy(e.message) | ({"disable_notification": True} if e.silent else {}) for e in entries]

    def buttons(self, chat_id: int, message_id: int | None = None) -> list[dict[str, Any]]:
        """All inline buttons of a message (default: the last that has any), row by row; [] when there are none."""
        shown = [m for m in self.history(chat_id) if "reply_markup" in m and message_id in (None, m["message_id"])]
        return [key for row in shown[-1]["reply_markup"]["inline_keyboard"] for key in row] if shown else []

    def wait_for(self, truth: Callable[[], Any], timeout: float = 5.0) -> Any:
        """Wait until `truth()` is truthy and give it back; AssertionError after `timeout` seconds."""
        with self.changed:
            if value := self.changed.wait_for(truth, timeout):
                return value
        raise AssertionError(f"nothing happened within {timeout} seconds")

    # --- keeping ------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Empty chats and a clean switchboard; people stay, numbers go on so that no old id is used twice."""
        with self.changed:
            for chat in self.chats.values():
                chat.entries.clear()
                chat.read_up_to = chat.last_id
            self.updates.clear()
            self.presses.clear()
            self.files.clear()
            self.calls.clear()
            self.touch()
        self.faults.clear()

    def save(self, path: Path) -> None:
        """Write everything to `path` (JSON, atomically), files beside it."""
        with self.changed:
            taken, files = snapshot(self), list(self.files.values())
        write(path, taken, files)

    def load(self, path: Path) -> bool:
        """Take up where `save` left off; False when there is nothing to take up or it cannot be read."""
        with self.changed:
            return restore(self, path)

    def keep(self, path: Path) -> None:
        """Load from `path`, then keep it up to date from a thread of its own until close()."""
        self.load(path)
        self._keeper = Keeper(lambda: self.revision, lambda: self.save(path))

    def close(self) -> None:
        """Let everybody go who is waiting, and save a last time if kept."""
        with self.changed:
            self.poller += 1
            self.touch()
        self._pusher.close()
        self.faults.release()
        if self._keeper:
            self._keeper.close()

    def last_entry(self, chat_id: int) -> Entry | None:
        """The newest message of a chat."""
        entries = self.chats[chat_id].entries if chat_id in self.chats else {}
        return entries[next(reversed(entries))] if entries else None


def _beside(caption: str, album: str) -> dict[str, Any]:
    return ({"caption": caption} if caption else {}) | ({"media_group_id": album} if album else {})


def _refusal(refused: ApiError) -> Answer:
    body: dict[str, Any] = {"ok": False, "error_code": refused.code, "description": refused.description}
    return Answer(refused.code, body | ({"parameters": refused.parameters} if refused.parameters else {}))
