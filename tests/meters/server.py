"""A web server that answers as a test says, in raw bytes, so that it can be a bad one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


def answer(body: bytes | str, status: int = 200, *headers: str) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} So", f"content-length: {len(data)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + data


@dataclass
class Server:
    """`respond` gives the bytes for a request; `hang`: nothing is sent after them, nor closed."""

    respond: Callable[[Asked], bytes] = lambda _: answer("1")
    hang: bool = False
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(_asked(head))
            writer.write(self.respond(self.asked[-1]))
            await writer.drain()
            if self.hang:
                await reader.read()
        writer.close()


def _asked(head: str) -> Asked:
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines if line)
    parts = urlsplit(target)
    return Asked(method, parts.path, dict(parse_qsl(parts.query)), headers)


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    made = Server(scheme="https" if context else "http")
    listening = await asyncio.start_server(made.handle, "127.0.0.1", 0, ssl=context)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()
        await listening.wait_closed()
