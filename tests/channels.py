"""Channels of an installation over real HTTP on loopback: what was posted where, and one that is out of order."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core import settings

DEAD = "json://127.0.0.1:9/{mobile}"  # nobody listens there


@dataclass
class Channels:
    """posted: (the path, which names the addressee, and the words), oldest first; while is_down everything is 503."""

    posted: list[tuple[str, str]] = field(default_factory=list)
    is_down: bool = False
    address: str = ""

    def sms(self) -> str:
        """An address of KAOWU_NOTIFY_URLS that is this one's for short messages."""
        return f"json://{self.address}/sms/{{mobile}}"

    def mail(self) -> str:
        """The same for mail."""
        return f"json://{self.address}/mail/{{email}}"

    def wecom(self) -> str:
        """The same for robots: apprise's own service would leave the machine."""
        return f"json://{self.address}/wecom/{{wecom}}"


class _Handler(BaseHTTPRequestHandler):
    channels: Channels

    def log_message(self, *args: Any) -> None:
        """Nothing on the terminal."""

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        if not self.channels.is_down:
            self.channels.posted.append((self.path, sent["message"]))
        self.send_response(503 if self.channels.is_down else 200)
        self.end_headers()


@contextmanager
def running_channels() -> Iterator[Channels]:
    """On a port of their own."""
    channels = Channels()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"channels": channels}))
    channels.address = f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield channels
    finally:
        server.shutdown()
        server.server_close()


def install(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """This installation's channels from now on."""
    monkeypatch.setenv("KAOWU_NOTIFY_URLS", " ".join(addresses))
    settings.forget()
