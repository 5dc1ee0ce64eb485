"""Stand-ins at the edges, for tests: the Bot API over real HTTP on loopback, or without any socket.

`python -m tests.fakes --port N --log FILE` runs the Bot API as a process of its own and writes every accepted call as
one JSON line, on the disk before the caller hears of it: so a test can kill the sender and count what arrived.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from telegram.request import BaseRequest, RequestData
from werkzeug.serving import WSGIRequestHandler, make_server

from bot.simulator.api import TEST_TOKEN, BotApi, Call
from bot.simulator.methods import Upload
from bot.simulator.people import Persona
from bot.simulator.web import bot_api_blueprint


@dataclass(frozen=True, slots=True)
class RunningBotApi:
    """The Bot API over HTTP; `base_url` is what python-telegram-bot calls base_url (the token follows at once)."""

    api: BotApi
    port: int
    path: str = ""

    @property
    def root(self) -> str:
        """Where it answers, as KAOWU_TELEGRAM_API_URL wants it: without /bot<token>."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    @property
    def base_url(self) -> str:
        """ApplicationBuilder().base_url(...)"""
        return f"{self.root}/bot"

    @property
    def base_file_url(self) -> str:
        """ApplicationBuilder().base_file_url(...)"""
        return f"{self.root}/file/bot"

    @property
    def token(self) -> str:
        """The only token it answers to."""
        return self.api.token


class _KeptAlive(WSGIRequestHandler):
    """Connections stay open as Telegram's do, and small answers leave at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """Silent: the calls are in api.calls."""


@contextmanager
def running_bot_api(
    personas: Iterable[Persona] = (),
    *,
    port: int = 0,
    path: str = "",
    tls: tuple[str, str] | None = None,
    **options: Any,
) -> Iterator[RunningBotApi]:
    """A Bot API of its own on a free loopback port, below a path such as "/relay"; options go to BotApi.

    tls: file names of certificate and key, to speak https.
    """
    api = BotApi(personas, **options)
    app = Flask("tests.fakes")
    app.register_blueprint(bot_api_blueprint(api), url_prefix=path or None)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_KeptAlive, ssl_context=tls)
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="fake-telegram", daemon=True)
    thread.start()
    try:
        yield RunningBotApi(api, server.server_port, path)
    finally:
        api.close()
        server.shutdown()
        thread.join()
        server.server_close()


class InProcessRequest(BaseRequest):
    """python-telegram-bot talking to a BotApi without sockets: `builder.request(…).get_updates_request(…)`."""

    def __init__(self, api: BotApi) -> None:
        self.api = api

    @property
    def read_timeout(self) -> float | None:
        """No network, no timeout."""
        return None

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *timeouts: Any, **more: Any
    ) -> tuple[int, bytes]:
        """One call, or one download of a file."""
        target = url.partition("/bot")[2]
        token, _, name = target.partition("/")
        if "/file/bot" in url:
            return await asyncio.to_thread(self.api.download, name, token=token)
        params = request_data.json_parameters if request_data else {}
        parts = request_data.multipart_data if request_data else {}
        uploads = {key: Upload(part[0], part[1], part[2]) for key, part in parts.items()}
        answer = await asyncio.to_thread(self.api.call, name, params, uploads, token=token)
        if answer.hang_up:
            raise ConnectionAbortedError("the simulator hung up, as asked")
        return answer.status, json.dumps(answer.body).encode()


def as_line(call: Call) -> dict[str, Any]:
    """An accepted call as the log of `python -m tests.fakes` has it."""
    return {
        "number": call.number,
        "method": call.method,
        "chat_id": call.chat_id,
        "message_id": call.message_id,
        "params": call.params,
        "files": list(call.files),
    }


def main() -> None:
    """Run until SIGTERM; --person may be repeated."""
    asked = argparse.ArgumentParser(prog="python -m tests.fakes")
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--log", type=Path, required=True)
    asked.add_argument("--token", default=TEST_TOKEN)
    asked.add_argument("--person", type=int, action="append", default=[], help="Telegram user id the bot may write to")
    given = asked.parse_args()
    people = [Persona(number, f"人物{number}") for number in given.person]
    stopping = threading.Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        signal.signal(which, lambda *_: stopping.set())
    with (
        given.log.open("a", encoding="utf-8") as lines,
        running_bot_api(people, port=given.port, token=given.token) as running,
    ):

        def on_disk(call: Call) -> None:
            lines.write(json.dumps(as_line(call), ensure_ascii=False) + "\n")
            lines.flush()
            os.fsync(lines.fileno())

        running.api.on_accepted(on_disk)
        sys.stdout.write(f"listening on {running.base_url}\n")
        sys.stdout.flush()
        stopping.wait()


if __name__ == "__main__":
    main()
