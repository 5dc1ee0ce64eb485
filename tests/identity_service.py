"""A strict identity service over real HTTP on loopback: refuses what the protocol does not know, and follows a script.

Each entry of the script is played once, in order, for whatever is asked next; when it is used up the service answers
what it believes: a match, unless the name is in `strangers`. Entries: "429", "429 after 120", "500", "503 after 7",
"302", "401", "422", "hang", "drip", "garbage", "long", "stranger's key", "extra field", "odd result", "match with
reason", "cut off".
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FIELDS = {"version", "key", "name", "id_type", "id_number", "photo"}
TOKEN = "a-token-of-tests"


@dataclass
class IdentityService:
    """What it was asked, what it charged for, and what it is to do next."""

    script: list[str] = field(default_factory=list)
    strangers: dict[str, str] = field(default_factory=dict)  # name -> reason
    calls: list[dict[str, Any]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    before_answer: Any = None  # called with what was asked, before it is answered
    is_over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def judge(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The same key gets the same answer."""
        reason = self.strangers.get(asked["name"], "")
        answer = {"version": 1, "key": asked["key"], "result": "no_match" if reason else "match", "reason": reason}
        return self.answered.setdefault(asked["key"], answer)

    def complain(self, headers: Any, asked: Any) -> str:
        """Why this is no question of the protocol; "" when it is one."""
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return "401"
        if headers.get("Content-Type") != "application/json" or not isinstance(asked, dict) or set(asked) != FIELDS:
            return "400"
        if headers.get("Idempotency-Key") != asked["key"] or len(asked["key"]) != 32 or asked["version"] != 1:
            return "400"
        return "" if base64.b64decode(asked["photo"], validate=True).startswith(b"\xff\xd8\xff") else "400"


class _Handler(BaseHTTPRequestHandler):
    service: IdentityService

    def log_message(self, *args: Any) -> None:
        """Nothing on the terminal."""

    def do_POST(self) -> None:
        service = self.service
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with service.lock:
            if complaint := service.complain(self.headers, asked):
                service.complaints.append(complaint)
                return self.reply(int(complaint), b"{}")
            service.calls.append(asked)
            deed = service.script.pop(0) if service.script else ""
        if service.before_answer is not None:
            service.before_answer(asked)
        return self.play(deed, asked)

    def play(self, deed: str, asked: dict[str, Any]) -> None:
        service = self.service
        status, _, wish = deed.partition(" after ")
        if status.isdigit():
            return self.reply(int(status), b"{}", wish)
        if deed == "hang":
            service.is_over.wait(20)
            return None
        answer = service.judge(asked)
        if deed == "drip":
            return self.drip(json.dumps(answer).encode())
        bodies: dict[str, Any] = {
            "": answer,
            "stranger's key": answer | {"key": "0" * 32},
            "extra field": answer | {"score": 0.99},
            "odd result": answer | {"result": "probably"},
            "match with reason": answer | {"reason": "name_differs"},
        }
        raw = {"garbage": b"<html>match</html>", "long": b" " * 100_000, "cut off": json.dumps(answer).encode()[:-9]}
        return self.reply(200, raw[deed] if deed in raw else json.dumps(bodies[deed]).encode())

    def reply(self, status: int, body: bytes, wish: str = "") -> None:
        self.send_response(status)
        if wish:
            self.send_header("Retry-After", wish)
        if status == 302:
            self.send_header("Location", self.service.url + "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self, body: bytes) -> None:
        """A byte now and then: no single wait is long, and there is no end to it."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            for place in range(len(body)):
                self.wfile.write(body[place : place + 1])
                time.sleep(0.05)
                if self.service.is_over.is_set():
                    return
        except OSError:
            return


@contextmanager
def identity_service() -> Iterator[IdentityService]:
    """Running on a port of its own until the block ends."""
    service = IdentityService()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": service}))
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}/check"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
