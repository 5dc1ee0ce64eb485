"""The methods of the Bot API, each as strict as Telegram's.

A method takes the state and the decoded parameters and returns what stands under `result`, or raises ApiError with
Telegram's own description. The lock is held by the caller. Unknown parameters are ignored here and recorded there.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from PIL import Image, UnidentifiedImageError

from bot.simulator.markup import (
    ApiError,
    bad_request,
    check_markup,
    check_web_app,
    found_entities,
    parse_html,
    units,
)
from bot.simulator.people import Group, Persona
from bot.simulator.state import UPDATE_KINDS, Entry, State, StoredFile
from core import clock, settings

MAX_TEXT, MAX_CAPTION, MAX_TOAST = 4096, 1024, 200
MAX_UPLOAD, MAX_DOWNLOAD = 50 * 1024 * 1024, 20 * 1024 * 1024
MAX_POLL_SECONDS = 50
PRESS_SECONDS = 60.0  # Telegram: "as soon as possible"; late answers are refused
DELETABLE_SECONDS = 48 * 3600
TYPING_SECONDS = 5.0


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ACTIONS = _names(
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document "
    "choose_sticker find_location record_video_note upload_video_note"
)
_JSON = _names(
    "reply_markup entities caption_entities reply_parameters link_preview_options allowed_updates commands "
    "scope menu_button"
)
_INTEGERS = _names(
    "chat_id message_id offset limit timeout reply_to_message_id message_thread_id user_id cache_time max_connections"
)
_FLAGS = _names(
    "disable_notification protect_content show_alert drop_pending_updates allow_sending_without_reply "
    "disable_web_page_preview disable_content_type_detection has_spoiler show_caption_above_media"
)
_SENDING = (
    "business_connection_id chat_id message_thread_id direct_messages_topic_id disable_notification "
    "protect_content allow_paid_broadcast message_effect_id suggested_post_parameters reply_parameters "
    "reply_to_message_id allow_sending_without_reply reply_markup "
)
_CAPTION = "caption parse_mode caption_entities show_caption_above_media has_spoiler "


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    content: bytes
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what runs, the parameters it knows, and whether it puts something into a chat."""

    name: str
    run: Callable[[State, dict[str, Any], Mapping[str, Upload]], Any]
    known: frozenset[str]
    writes: bool


METHODS: dict[str, Method] = {}


def _method(name: str, known: str = "", *, writes: bool = False) -> Callable:
    def register(run: Callable) -> Callable:
        METHODS[name.lower()] = Method(name, run, _names(known), writes)
        return run

    return register


def decoded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as Python values; forms carry everything as text, JSON bodies do not."""
    return {name: _decoded(name, value) for name, value in raw.items() if value is not None}


def _decoded(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in _JSON:
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None
    if name in _INTEGERS and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    return value.lower() in ("true", "1") if name in _FLAGS else value


# --- who and what -----------------------------------------------------------------------------------------------------


@_method("getMe")
def get_me(state: State, p: dict, files: Mapping) -> dict:
    """The bot, with privacy mode on: in groups it sees commands, mentions and replies to itself."""
    return state.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


@_method("getChat", "chat_id")
def get_chat(state: State, p: dict, files: Mapping) -> dict:
    """ChatFullInfo."""
    chat = state.chat_of(p.get("chat_id"))
    if isinstance(chat, Persona) and not chat.started:
        raise bad_request("chat not found")
    gifts = dict.fromkeys(
        ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
    )
    return chat.as_chat() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}


# --- updates ----------------------------------------------------------------------------------------------------------


@_method("getUpdates", "offset limit timeout allowed_updates")
def get_updates(state: State, p: dict, files: Mapping) -> list[dict]:
    """Long poll. Of two pollers the earlier one gets 409, as with Telegram."""
    if state.webhook.get("url"):
        raise ApiError(
            409,
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first",
        )
    if isinstance(p.get("allowed_updates"), list):
        state.allowed_updates = tuple(p["allowed_updates"]) or UPDATE_KINDS
    _confirm(state, p.get("offset") or 0)
    state.poller += 1
    mine = state.poller
    state.changed.notify_all()
    until = time.monotonic() + min(max(p.get("timeout") or 0, 0), MAX_POLL_SECONDS)
    while not state.updates and (left := until - time.monotonic()) > 0:
        state.changed.wait(left)
        if state.webhook:
            raise ApiError(409, "Conflict: terminated by setWebhook request")
        if state.poller != mine:
            raise ApiError(
                409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
            )
    return list(state.updates)[: min(max(p.get("limit") or 100, 1), 100)]


def _confirm(state: State, offset: int) -> None:
    if offset < 0:
        while len(state.updates) > -offset:
            state.updates.popleft()
    while offset > 0 and state.updates and state.updates[0]["update_id"] < offset:
        state.updates.popleft()


@_method("setWebhook", "url certificate ip_address max_connections allowed_updates drop_pending_updates secret_token")
def set_webhook(state: State, p: dict, files: Mapping) -> bool:
    """Updates are pushed from now on (pushing.py), an open poll ends; https, or http on this machine."""
    url, secret = str(p.get("url") or ""), str(p.get("secret_token") or "")
    parts = urlsplit(url)
    is_here = settings.is_loopback(url)  # as a Bot API server of one's own has it
    if url and parts.scheme != "https" and not (parts.scheme == "http" and is_here):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if url and not is_here and (parts.port or 443) not in (80, 88, 443, 8443):
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    most = min(max(p.get("max_connections") or 40, 1), 100)
    state.webhook = {"url": url, "secret_token": secret, "max_connections": most} if url else {}
    state.webhook_trouble = {}
    if isinstance(p.get("allowed_updates"), list):
        state.allowed_updates = tuple(p["allowed_updates"]) or UPDATE_KINDS
    state.changed.notify_all()
    return _drop(state, p)


@_method("deleteWebhook", "drop_pending_updates")
def delete_webhook(state: State, p: dict, files: Mapping) -> bool:
    """Back to polling."""
    state.webhook, state.webhook_trouble = {}, {}
    return _drop(state, p)


def _drop(state: State, p: dict) -> bool:
    if p.get("drop_pending_updates"):
        state.updates.clear()
    return True


@_method("getWebhookInfo")
def get_webhook_info(state: State, p: dict, files: Mapping) -> dict:
    """Where updates go, how many wait, and why the last one was not taken; never the secret."""
    told = {
        "url": state.webhook.get("url", ""),
        "has_custom_certificate": False,
        "pending_update_count": len(state.updates),
    }
    if state.webhook:
        told |= {"max_connections": state.webhook["max_connections"], "allowed_updates": list(state.allowed_updates)}
        told |= state.webhook_trouble
    return told


# --- sending ----------------------------------------------------------------------------------------------------------


@_method(
    "sendMessage", _SENDING + "text parse_mode entities link_preview_options disable_web_page_preview", writes=True
)
def send_message(state: State, p: dict, files: Mapping) -> dict:
    """A text; checked in Telegram's order: chat, text, markup."""
    chat = state.reachable(p.get("chat_id"))
    text, entities = _words(p, "text", "entities", MAX_TEXT)
    if not text:
        raise bad_request("message text is empty")
    return _send(state, chat, p, {"text": text} | ({"entities": entities} if entities else {}))


@_method("sendDocument", _SENDING + _CAPTION + "document thumbnail disable_content_type_detection", writes=True)
def send_document(state: State, p: dict, files: Mapping) -> dict:
    """A file as it is: uploaded, or named by an earlier file_id."""
    chat = state.reachable(p.get("chat_id"))
    kept = _given_file(state, "document", p, files, "documents")
    return _send(state, chat, p, {"document": kept.as_document()} | _caption(p))


@_method("sendPhoto", _SENDING + _CAPTION + "photo", writes=True)
def send_photo(state: State, p: dict, files: Mapping) -> dict:
    """A picture; what is none is refused."""
    chat = state.reachable(p.get("chat_id"))
    kept = _given_file(state, "photo", p, files, "photos")
    return _send(state, chat, p, {"photo": [kept.as_photo()]} | _caption(p))


@_method("sendChatAction", "business_connection_id chat_id message_thread_id action")
def send_chat_action(state: State, p: dict, files: Mapping) -> bool:
    """「正在输入…」 for five seconds or until the next message."""
    chat = state.reachable(p.get("chat_id"))
    if p.get("action") not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    state.chats[chat.id].typing_until = time.monotonic() + TYPING_SECONDS
    state.touch()
    return True


def _words(p: dict, name: str, entities_name: str, limit: int) -> tuple[str, list[dict]]:
    raw, mode = p.get(name) or "", str(p.get("parse_mode") or "")
    if not isinstance(raw, str):
        raise bad_request("message text must be a string")
    if mode.lower() == "html":
        text, entities = parse_html(raw)
    elif mode:
        raise bad_request("unsupported parse_mode")  # this simulator speaks HTML only
    else:
        text, entities = raw.strip(), p.get(entities_name) or []
    if units(text) > limit:
        raise bad_request("message is too long" if limit == MAX_TEXT else "message caption is too long")
    links = [
        e
        for e in found_entities(text, commands=True)
        if not any(
            e["offset"] < o["offset"] + o["length"] and o["offset"] < e["offset"] + e["length"]
            for o in entities
            if o["type"] in ("text_link", "code", "pre")
        )
    ]
    return text, sorted(entities + links, key=lambda e: (e["offset"], -e["length"]))


def _caption(p: dict) -> dict:
    text, entities = _words(p, "caption", "caption_entities", MAX_CAPTION)
    return ({"caption": text} if text else {}) | ({"caption_entities": entities} if entities else {})


def _given_file(state: State, name: str, p: dict, files: Mapping[str, Upload], folder: str) -> StoredFile:
    given = p.get(name)
    upload = files.get(given.removeprefix("attach://") if isinstance(given, str) else name)
    if upload is None:
        if isinstance(given, str) and given in state.files:
            return state.files[given]
        raise bad_request(
            f"there is no {name} in the request"
            if not given
            else "wrong remote file identifier specified: Wrong string length"
        )
    if len(upload.content) > MAX_UPLOAD:
        raise ApiError(413, "Request Entity Too Large")
    if not upload.content:
        raise bad_request("file must be non-empty")
    width, height = picture_size(upload.content) if folder == "photos" else (0, 0)
    kept = state.keep_file(upload.name or "file", upload.content, folder=folder, mime=upload.mime)
    kept.width, kept.height = width, height
    return kept


def picture_size(content: bytes) -> tuple[int, int]:
    """Width and height; 400 for what is no picture."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise bad_request("IMAGE_PROCESS_FAILED") from None


def _send(state: State, chat: Persona | Group, p: dict, content: dict) -> dict:
    """What all sending methods share: reply, markup, protection, silence."""
    shown: dict[str, Any] = {"silent": bool(p.get("disable_notification"))}
    if (replied := _replied(state, chat, p)) is not None:
        content["reply_to_message"] = {k: v for k, v in replied.message.items() if k != "reply_to_message"}
    if p.get("reply_markup") is not None:
        markup = check_markup(p["reply_markup"], private=isinstance(chat, Persona))
        if "inline_keyboard" in markup:
            content |= {"reply_markup": markup} if markup["inline_keyboard"] else {}
        else:
            shown["replaced_keyboard"] = markup
    if p.get("protect_content"):
        content["has_protected_content"] = True
    return state.post(chat, state.bot, content, **shown).message


def _replied(state: State, chat: Persona | Group, p: dict) -> Entry | None:
    asked = p.get("reply_parameters") or {
        "message_id": p.get("reply_to_message_id"),
        "allow_sending_without_reply": p.get("allow_sending_without_reply"),
    }
    if not isinstance(asked, dict):
        raise bad_request("can't parse reply parameters JSON object")
    if asked.get("message_id") is None:
        return None
    found = state.entry(chat.id, asked["message_id"])
    if found is None and not asked.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return found


# --- changing what was sent -------------------------------------------------------------------------------------------

_EDITING = "business_connection_id chat_id message_id inline_message_id reply_markup "


@_method(
    "editMessageText", _EDITING + "text parse_mode entities link_preview_options disable_web_page_preview", writes=True
)
def edit_message_text(state: State, p: dict, files: Mapping) -> dict:
    """New words, and a new keyboard: none given means none left."""
    entry = _own(state, p)
    if "text" not in entry.message:
        raise bad_request("there is no text in the message to edit")
    text, entities = _words(p, "text", "entities", MAX_TEXT)
    if not text:
        raise bad_request("message text is empty")
    return _edit(state, entry, p, {"text": text, "entities": entities})


@_method("editMessageCaption", _EDITING + _CAPTION, writes=True)
def edit_message_caption(state: State, p: dict, files: Mapping) -> dict:
    """New words under a file or picture."""
    entry = _own(state, p)
    if "text" in entry.message:
        raise bad_request("there is no caption in the message to edit")
    return _edit(state, entry, p, {"caption": "", "caption_entities": []} | _caption(p))


@_method("editMessageReplyMarkup", _EDITING, writes=True)
def edit_message_reply_markup(state: State, p: dict, files: Mapping) -> dict:
    """A new keyboard, or none."""
    return _edit(state, _own(state, p), p, {})


@_method("deleteMessage", "chat_id message_id")
def delete_message(state: State, p: dict, files: Mapping) -> bool:
    """Gone from the phone; only for 48 hours."""
    chat = state.reachable(p.get("chat_id"))
    entry = state.entry(chat.id, p.get("message_id"))
    if entry is None:
        raise bad_request("message to delete not found")
    if clock.now().timestamp() - entry.message["date"] > DELETABLE_SECONDS:
        raise bad_request("message can't be deleted for everyone")
    if isinstance(chat, Group) and not entry.by_bot:
        raise bad_request("message can't be deleted")
    del state.chats[chat.id].entries[entry.id]
    state.touch()
    return True


def _own(state: State, p: dict) -> Entry:
    chat = state.reachable(p.get("chat_id"))
    entry = state.entry(chat.id, p.get("message_id"))
    if entry is None:
        raise bad_request("message to edit not found")
    if not entry.by_bot:
        raise bad_request("message can't be edited")
    return entry


def _edit(state: State, entry: Entry, p: dict, change: dict) -> dict:
    markup = None
    if p.get("reply_markup") is not None:
        markup = check_markup(p["reply_markup"], private=entry.message["chat"]["type"] == "private")
        if "inline_keyboard" not in markup:
            raise bad_request("inline keyboard expected")
    change = change | {"reply_markup": markup if markup and markup["inline_keyboard"] else None}
    if all((entry.message.get(key) or None) == (value or None) for key, value in change.items()):
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly "
            "the same as a current content and reply markup of the message"
        )
    entry.message.update(change | {"edit_date": int(clock.now().timestamp())})
    for key in [key for key, value in change.items() if not value]:
        entry.message.pop(key, None)
    state.touch()
    return entry.message


# --- buttons, files, commands -----------------------------------------------------------------------------------------


@_method("answerCallbackQuery", "callback_query_id text show_alert url cache_time")
def answer_callback_query(state: State, p: dict, files: Mapping) -> bool:
    """Once per press, and soon."""
    press = state.presses.get(str(p.get("callback_query_id")))
    if press is None or press.answer is not None or time.monotonic() - press.pressed_at > PRESS_SECONDS:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if units(p.get("text") or "") > MAX_TOAST:
        raise bad_request("MESSAGE_TOO_LONG")
    if p.get("url") and not p["url"].startswith(f"https://t.me/{state.bot['username']}?start="):
        raise bad_request("URL_INVALID")
    press.answer = {"text": p.get("text") or "", "show_alert": bool(p.get("show_alert")), "url": p.get("url") or ""}
    state.touch()
    return True


@_method("getFile", "file_id")
def get_file(state: State, p: dict, files: Mapping) -> dict:
    """Where to fetch a file of at most 20 MB; a server started with --local names a file on its own disk."""
    kept = state.files.get(p.get("file_id") or "")
    if kept is None:
        raise bad_request("invalid file_id")
    if len(kept.content) > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    told = {"file_id": kept.id, "file_unique_id": kept.id, "file_size": len(kept.content), "file_path": kept.path}
    if state.own_files is None:
        return told
    path = state.own_files / kept.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(kept.content)
    return told | {"file_path": str(path)}


@_method("setMyCommands", "commands scope language_code")
def set_my_commands(state: State, p: dict, files: Mapping) -> bool:
    """The list behind the menu button."""
    commands = p.get("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad_request("can't parse commands list JSON object")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command"))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description") or "")) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    state.commands[_scope(p)] = [{"command": c["command"], "description": c["description"]} for c in commands]
    state.touch()
    return True


@_method("getMyCommands", "scope language_code")
def get_my_commands(state: State, p: dict, files: Mapping) -> list[dict]:
    """The list of exactly this scope."""
    return state.commands.get(_scope(p), [])


@_method("deleteMyCommands", "scope language_code")
def delete_my_commands(state: State, p: dict, files: Mapping) -> bool:
    """Nothing behind the menu button any more."""
    state.commands.pop(_scope(p), None)
    state.touch()
    return True


def _scope(p: dict) -> str:
    scope = p.get("scope") or {"type": "default"}
    return ":".join(str(scope[key]) for key in ("type", "chat_id") if key in scope)


@_method("setChatMenuButton", "chat_id menu_button")
def set_chat_menu_button(state: State, p: dict, files: Mapping) -> bool:
    """What stands left of the text box: commands, or a page."""
    button = p.get("menu_button") or {"type": "default"}
    if button.get("type") not in ("default", "commands", "web_app"):
        raise bad_request("can't parse menu button: unsupported type")
    if button["type"] == "web_app":
        check_web_app(button.get("web_app"))
    state.menu_buttons[str(p.get("chat_id") or "default")] = button
    state.touch()
    return True


@_method("getChatMenuButton", "chat_id")
def get_chat_menu_button(state: State, p: dict, files: Mapping) -> dict:
    """The button of this chat, or everybody's."""
    return state.menu_buttons.get(str(p.get("chat_id"))) or state.menu_buttons.get("default") or {"type": "commands"}
