"""Texts and keyboards as Telegram takes them: HTML to entities, button checks, lengths in UTF-16 units."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

ENTITY_OF_TAG = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAX_BUTTONS = 100
BUTTON_KINDS = ("callback_data", "url", "web_app", "copy_text")

_TAG = re.compile(r"""<(/?)([^\s<>/"'=]*)((?:\s+[\w-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))?)*)\s*>""")
_ATTRIBUTE = re.compile(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?""")
_NAMED = re.compile(r"&(lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_URL = re.compile(r"https?://[^\s<>\"'，。；：！？、（）《》【】“”]+")
_COMMAND = re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,32}(?:@\w+)?")


class ApiError(Exception):
    """Telegram says no: HTTP status, description, and parameters such as retry_after."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def bad_request(what: str) -> ApiError:
    """400 in Telegram's form."""
    return ApiError(400, f"Bad Request: {what}")


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def parse_html(source: str) -> tuple[str, list[dict[str, Any]]]:
    """(text, entities) of Telegram's HTML; ApiError "can't parse entities: …" on anything outside its whitelist."""
    text, at = "", 0
    open_tags: list[tuple[str, int, dict[str, Any] | None]] = []
    entities: list[dict[str, Any]] = []
    while at < len(source):
        if source[at] == "&" and (named := _NAMED.match(source, at)):
            text += html.unescape(named.group())
            at = named.end()
        elif source[at] == "<":
            where = f"at byte offset {len(source[:at].encode())}"
            tag = _TAG.match(source, at)
            if tag is None:
                raise bad_request(f"can't parse entities: Unclosed start tag {where}")
            closing, name, attributes = tag.group(1), tag.group(2).lower(), tag.group(3)
            if closing:
                entities += _close(open_tags, name, text, where)
            else:
                open_tags.append((name, units(text), _extra(name, attributes, where)))
            at = tag.end()
        else:
            text += source[at]
            at += 1
    if open_tags:
        raise bad_request(f"can't parse entities: Can't find end tag corresponding to start tag \"{open_tags[-1][0]}\"")
    return _trimmed(text, entities)


def _extra(name: str, attributes: str, where: str) -> dict[str, Any] | None:
    """What the entity carries besides its place; None when the tag makes no entity."""
    given = {m[1].lower(): html.unescape(m[2] or m[3] or m[4] or "") for m in _ATTRIBUTE.finditer(attributes)}
    if name not in ENTITY_OF_TAG or (name == "span" and given.get("class") != "tg-spoiler"):
        raise bad_request(f'can\'t parse entities: Unsupported start tag "{name}" {where}')
    if name == "a":
        address = given.get("href", "")
        return {"url": address} if urlsplit(address).scheme in ("http", "https", "tg") else None
    if name == "code" and given.get("class", "").startswith("language-"):
        return {"language": given["class"].removeprefix("language-")}
    if name == "tg-emoji":
        return {"custom_emoji_id": given.get("emoji-id", "")}
    return {}


def _close(open_tags: list, name: str, text: str, where: str) -> list[dict[str, Any]]:
    if not open_tags:
        raise bad_request(f"can't parse entities: Unexpected end tag {where}")
    opened, start, extra = open_tags.pop()
    if name and name != opened:
        raise bad_request(
            f'can\'t parse entities: Unmatched end tag {where}, expected "</{opened}>", found "</{name}>"'
        )
    length = units(text) - start
    inside_pre = opened == "code" and open_tags and open_tags[-1][0] == "pre"
    if inside_pre and extra:  # <pre><code class="language-…"> names the language
        open_tags[-1][2].update(extra)
    if extra is None or length == 0 or inside_pre:
        return []
    return [{"type": ENTITY_OF_TAG[opened], "offset": start, "length": length, **extra}]


def _trimmed(text: str, entities: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Telegram cuts white space off both ends; entities move along."""
    kept = text.strip()
    lead, end = units(text[: len(text) - len(text.lstrip())]), units(kept)
    moved = []
    for entity in entities:
        start = max(0, entity["offset"] - lead)
        stop = min(end, entity["offset"] - lead + entity["length"])
        if stop > start:
            moved.append(entity | {"offset": start, "length": stop - start})
    return kept, sorted(moved, key=lambda e: (e["offset"], -e["length"]))


def found_entities(text: str, *, commands: bool = True) -> list[dict[str, Any]]:
    """What Telegram finds by itself in plain text: addresses and commands."""
    found = [("url", m) for m in _URL.finditer(text)]
    if commands:
        found += [("bot_command", m) for m in _COMMAND.finditer(text)]
    places: list[dict[str, Any]] = [
        {"type": kind, "offset": units(text[: m.start()]), "length": units(m.group())} for kind, m in found
    ]
    taken: list[dict[str, Any]] = []
    for place in sorted(places, key=lambda p: p["offset"]):
        if not taken or place["offset"] >= taken[-1]["offset"] + taken[-1]["length"]:
            taken.append(place)
    return taken


def check_markup(markup: Any, *, private: bool) -> dict[str, Any]:
    """The reply markup as Telegram keeps it; ApiError in its words when it would not take it."""
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _rows(markup["inline_keyboard"])
        if sum(map(len, rows)) > MAX_BUTTONS:
            raise bad_request("reply markup is too long")
        return {"inline_keyboard": [[_button(button, private) for button in row] for row in rows if row]}
    if "keyboard" in markup:
        rows = [[{"text": b} if isinstance(b, str) else b for b in row] for row in _rows(markup["keyboard"])]
        if not all(isinstance(b, dict) and b.get("text") for row in rows for b in row):
            raise bad_request('can\'t parse keyboard button: field "text" must be a non-empty string')
        return markup | {"keyboard": rows}
    if markup.get("remove_keyboard") or markup.get("force_reply"):
        return markup
    raise bad_request("object expected as reply markup")


def _rows(rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("can't parse keyboard: expected an Array of Array of buttons")
    return rows


def _button(button: Any, private: bool) -> dict[str, Any]:
    if not isinstance(button, dict) or not isinstance(button.get("text"), str) or not button["text"].strip():
        raise bad_request('can\'t parse inline keyboard button: field "text" must be a non-empty string')
    kinds = [kind for kind in BUTTON_KINDS if kind in button]
    if not kinds:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(kinds) > 1:
        raise bad_request("can't parse inline keyboard button: exactly one of the optional fields must be used")
    kind = kinds[0]
    if kind == "callback_data" and not 1 <= len(str(button[kind]).encode()) <= 64:
        raise bad_request("BUTTON_DATA_INVALID")
    if kind == "url":
        _check_address(button[kind], "URL", ("http", "https", "tg"), "Wrong HTTP URL")
    if kind == "web_app":
        if not private:
            raise bad_request("BUTTON_TYPE_INVALID")
        check_web_app(button[kind])
    if kind == "copy_text" and not 1 <= len(str((button[kind] or {}).get("text", ""))) <= 256:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    kept = {"text": button["text"], kind: button[kind]}
    return kept | ({"style": button["style"]} if button.get("style") in ("danger", "success", "primary") else {})


def check_web_app(web_app: Any) -> None:
    """https only, as with Telegram; plain http passes on loopback because nobody else can reach a simulator."""
    address = (web_app or {}).get("url", "") if isinstance(web_app, dict) else ""
    local = urlsplit(address).hostname in LOOPBACK
    _check_address(address, "Web App URL", ("http", "https") if local else ("https",), "Only HTTPS links are allowed")


def _check_address(address: Any, what: str, schemes: tuple[str, ...], why: str) -> None:
    try:
        parts = urlsplit(str(address))
        good = (
            parts.scheme in schemes
            and bool(parts.hostname)
            and ("." in parts.netloc or parts.scheme == "tg" or parts.hostname in LOOPBACK)
        )
    except ValueError:
        good = False
    if not good:
        raise bad_request(f"inline keyboard button {what} '{address}' is invalid: {why}")
