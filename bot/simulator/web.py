"""The simulator over HTTP: the Bot API for the bot, the chat page for people. Loopback only, no real token near."""

from __future__ import annotations

import ipaddress
import logging
import mimetypes
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, render_template, request, send_file

from bot.simulator import view
from bot.simulator.api import Answer, BotApi, PhoneRefused
from bot.simulator.faults import Mode
from bot.simulator.methods import MAX_UPLOAD, Upload
from bot.simulator.people import Persona
from core import settings
from core.errors import Refusal

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
FIRST_NEW_PERSON = 900_001
CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'; frame-src 'self' http://127.0.0.1:* http://localhost:*"
)


# --- the bot's side ---------------------------------------------------------------------------------------------------


def bot_api_blueprint(api: BotApi) -> Blueprint:
    """The Bot API alone, at the root, as api.telegram.org has it; for tests, which bind to loopback themselves."""
    web = Blueprint("bot_api", __name__)
    _add_bot_api(web, api, "")
    return web


def _add_bot_api(web: Blueprint, api: BotApi, prefix: str) -> None:
    """`/bot<token>/<method>` and `/file/bot<token>/<path>`."""

    @web.route(f"{prefix}/bot<token>/<method>", methods=["GET", "POST"])
    def call(token: str, method: str) -> Response:
        request.max_content_length = MAX_UPLOAD + 1024 * 1024
        if request.is_json:
            given = request.get_json(silent=True)
            params = given if isinstance(given, dict) else {}
        else:
            params = {**request.args.to_dict(), **request.form.to_dict()}
        uploads = {
            field: Upload(file.filename or "", file.read(), file.mimetype) for field, file in request.files.items()
        }
        return _http(api.call(method, params, uploads, token=token))

    @web.route(f"{prefix}/file/bot<token>/<path:path>")
    def download(token: str, path: str) -> Response:
        status, content = api.download(path, token=token)
        return Response(content, status, mimetype="application/octet-stream")


def _http(answer: Answer) -> Response:
    if answer.hang_up:
        return Response(_cut_off(), 200, {"Content-Length": "1000", "Connection": "close"})
    response = jsonify(answer.body)
    response.status_code = answer.status
    return response


def _cut_off() -> Iterator[bytes]:
    """A body that never comes: the server drops the connection."""
    yield b""
    raise ConnectionAbortedError("the simulator hung up, as asked")


# --- who may come in --------------------------------------------------------------------------------------------------


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _refuse_strangers() -> None:
    """404 for everything from another machine, through a relay, or under another name (DNS rebinding)."""
    relayed = {"X-Forwarded-For", "Forwarded", "X-Real-Ip"} & set(request.headers.keys())
    if relayed or not _is_loopback(request.remote_addr) or not _is_loopback(urlsplit(f"//{request.host}").hostname):
        abort(404)


def _refuse_foreign_pages() -> None:
    """403 for what another page's script or form sends; the bot's own calls carry neither header."""
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(403)
    if origin is not None and urlsplit(origin).netloc != request.host:
        abort(403)


# --- the people's side ------------------------------------------------------------------------------------------------


def simulator_blueprint(api: BotApi, *, url_prefix: str = "/simulator") -> Blueprint:
    """The chat page with everything behind it, and the Bot API under `<url_prefix>/api`.

    RuntimeError unless the settings say that no real Telegram is in play. Exempt it from CSRFProtect: it has its own
    guard (same origin and a header of its own). One flat blueprint, because that exemption does not reach nested ones.
    """
    if not settings.current().simulated:
        raise RuntimeError("the simulator never stands beside a real token and only answers on loopback")
    web = Blueprint(
        "simulator",
        __name__,
        url_prefix=url_prefix,
        template_folder=str(TEMPLATES),
        static_folder=str(TEMPLATES / "static" / "simulator"),
        static_url_path="/static",
    )
    web.before_request(_refuse_strangers)
    web.before_request(_refuse_foreign_pages)
    web.register_error_handler(Refusal, _say_no)
    _add_bot_api(web, api, "/api")
    _add_pages(web, api)
    _add_verbs(web, api)
    return web


def _say_no(refused: Refusal) -> tuple[Response, int]:
    words = tomllib.loads((TEMPLATES / "refusals" / "simulator.toml").read_text(encoding="utf-8"))
    said = words.get(refused.sentence_code, words["simulator_refused"])
    return jsonify(ok=False, code=refused.sentence_code, message=said["text"] + said.get("way_out", "")), 400


def _add_pages(web: Blueprint, api: BotApi) -> None:
    @web.get("/")
    def page() -> Response:
        response = Response(render_template("bot/simulator.html", bot=api.bot))
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        response.headers["Cache-Control"] = "no-store"
        return response

    @web.get("/state")
    def state() -> Response:
        opened = [int(part) for part in request.args.get("open", "").split(",") if part.lstrip("-").isdecimal()]
        return jsonify(view.screen(api, opened, request.args.get("since", "")))

    @web.get("/file/<file_id>")
    def file(file_id: str) -> Response:
        with api.changed:
            kept = api.files.get(file_id)
        if kept is None:
            abort(404)
        inline = kept.path.startswith("photos/") and kept.mime in ("image/png", "image/jpeg", "image/webp", "image/gif")
        response = send_file(
            view.reader(kept),
            mimetype=kept.mime if inline else "application/octet-stream",
            as_attachment=not inline,
            download_name=kept.name,
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _add_verbs(web: Blueprint, api: BotApi) -> None:
    def verb(path: str) -> Callable:
        def register(run: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Callable:
            def answer() -> Response:
                if request.headers.get("X-Simulator") != "1":  # which no foreign page can send unasked
                    abort(403)
                request.max_content_length = MAX_UPLOAD + 1024 * 1024
                body = request.form.to_dict() if request.form else request.get_json(silent=True)
                try:
                    return jsonify({"ok": True} | (run(body if isinstance(body, dict) else {}) or {}))
                except (KeyError, TypeError, ValueError):
                    log.warning("simulator: the page sent something odd to %s", path, exc_info=True)
                    raise PhoneRefused("simulator_bad_request") from None

            web.add_url_rule(path, endpoint=path.strip("/"), view_func=answer, methods=["POST"])
            return run

        return register

    @verb("/send")
    def send(b: dict) -> dict:
        return {
            "message_id": api.user_sends_text(
                int(b["chat"]),
                str(b["text"]),
                sender=int(b["person"]),
                reply_to=int(b["reply_to"]) if b.get("reply_to") else None,
            )
        }

    @verb("/upload")
    def upload(b: dict) -> dict:
        file = request.files["file"]
        return {
            "message_id": api.user_sends_document(
                int(b["chat"]), file.filename or "", file.read(), sender=int(b["person"]), mime=_mime(file.filename)
            )
        }

    @verb("/press")
    def press(b: dict) -> dict:
        return {"press": api.user_presses(int(b["chat"]), int(b["message"]), str(b["data"]), presser=int(b["person"]))}

    @verb("/forward")
    def forward(b: dict) -> dict:
        return {
            "message_id": api.user_forwards(int(b["chat"]), int(b["message"]), to=int(b["to"]), sender=int(b["person"]))
        }

    @verb("/webapp")
    def webapp(b: dict) -> dict:
        return {"url": api.opens_web_app(int(b["chat"]), str(b["url"]), viewer=int(b["person"]))}

    @verb("/read")
    def read(b: dict) -> None:
        with api.changed:
            chat = api.chats[int(b["chat"])]
            if int(b["up_to"]) > chat.read_up_to:
                chat.read_up_to = min(int(b["up_to"]), chat.last_id)
                api.touch()

    @verb("/block")
    def block(b: dict) -> None:
        api.user_blocks_bot(int(b["person"]), bool(b["blocked"]))

    @verb("/person")
    def person(b: dict) -> dict:
        name = str(b["name"]).strip()
        if not 1 <= len(name) <= 32:
            raise PhoneRefused("simulator_name_missing")
        with api.changed:
            new = max([FIRST_NEW_PERSON - 1, *(i for i in api.people if i >= FIRST_NEW_PERSON)]) + 1
            api.add_persona(Persona(new, name, title="新人物，尚未绑定", started=False))
        return {"id": new}

    @verb("/mode")
    def mode(b: dict) -> None:
        api.faults.mode = Mode(b["mode"])
        with api.changed:
            api.touch()

    @verb("/reset")
    def reset(b: dict) -> None:
        api.reset()


def _mime(name: str | None) -> str:
    return mimetypes.guess_type(name or "")[0] or "application/octet-stream"
