"""Proxies on loopback for tests: whatever they are asked to reach, they reach one port of this machine."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

USER, PASSWORD = "kaowu", "p@ss word"
WRITTEN = "kaowu:p%40ss%20word"  # as an address has it
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@dataclass(slots=True)
class Proxy:
    """scheme and port; heard: whom it was asked for, and of an HTTP proxy the first line of each connection."""

    scheme: str
    port: int
    heard: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def address(self) -> str:
        """As KAOWU_TELEGRAM_PROXY wants it."""
        return f"{self.scheme}://{WRITTEN}@127.0.0.1:{self.port}"


@asynccontextmanager
async def running_proxy(scheme: str, to_port: int, *, refuses: bool = False, port: int = 0) -> AsyncIterator[Proxy]:
    """A proxy that asks for USER and PASSWORD and leads to to_port; refuses: it greets, and reaches nobody."""
    proxy = Proxy(scheme, 0)
    greet = _greet_socks5 if scheme == "socks5" else _greet_http
    open_ends: set[Writer] = set()

    async def serve(reader: Reader, writer: Writer) -> None:
        open_ends.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            first = await greet(proxy, reader, writer, refuses)
            if first is not None:
                await _join(reader, writer, to_port, first)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for writer in open_ends:
            writer.transport.abort()
        await asyncio.sleep(0)


async def _greet_http(proxy: Proxy, reader: Reader, writer: Writer, refuses: bool) -> bytes | None:
    """A forward proxy with CONNECT; werkzeug understands whole addresses, so a request is passed on as it came."""
    head = await reader.readuntil(b"\r\n\r\n")
    line = head.partition(b"\r\n")[0].decode()
    proxy.heard.append(line)
    wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    if refuses or b"proxy-authorization: basic " + wanted.lower() not in head.lower():
        proxy.refused += 1
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        return None
    if not line.startswith("CONNECT"):
        return head
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await writer.drain()
    return b""


async def _greet_socks5(proxy: Proxy, reader: Reader, writer: Writer, refuses: bool) -> bytes | None:
    """RFC 1928 and 1929, CONNECT only."""
    _, count = await reader.readexactly(2)
    assert 2 in await reader.readexactly(count), "it was not going to say who it is"
    writer.write(b"\x05\x02")
    user = await reader.readexactly((await reader.readexactly(2))[1])
    password = await reader.readexactly((await reader.readexactly(1))[0])
    is_known = (user.decode(), password.decode()) == (USER, PASSWORD)
    writer.write(b"\x01\x00" if is_known else b"\x01\x01")
    if not is_known:
        proxy.refused += 1
        return None
    _, _, _, kind = await reader.readexactly(4)
    assert kind == 3, "names are looked up by the proxy"
    host = await reader.readexactly((await reader.readexactly(1))[0])
    port = int.from_bytes(await reader.readexactly(2), "big")
    proxy.heard.append(f"{host.decode()}:{port}")
    writer.write(bytes([5, 5 if refuses else 0, 0, 1, 127, 0, 0, 1, 0, 0]))
    await writer.drain()
    proxy.refused += refuses
    return None if refuses else b""


async def _join(reader: Reader, writer: Writer, port: int, first: bytes) -> None:
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    far_writer.write(first)

    async def copy(source: Reader, target: Writer) -> None:
        with suppress(ConnectionError):
            while piece := await source.read(65_536):
                target.write(piece)
                await target.drain()
        target.close()

    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
