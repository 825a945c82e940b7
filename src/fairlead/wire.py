"""A small HTTP/1.1 client, first of all for the control sockets of proxies.

h11 (the sans-I/O library) knows the protocol, asyncio's streams carry the bytes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeAlias
from urllib.parse import SplitResult

import h11

from fairlead.core.errors import WireError

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect: TypeAlias = Callable[[], Awaitable[Streams]]
Headers: TypeAlias = tuple[tuple[str, str], ...]

_CHUNK = 1 << 16
_HEAD_LIMIT = 1 << 16


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` must hold Host; Content-Length is added when there is a body."""

    method: str
    path: str
    headers: Headers = (("host", "localhost"),)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """`headers` have lower-case names. `truncated`: the body was longer than the caller's bound."""

    status: int
    headers: Headers
    body: bytes
    truncated: bool = False


def unix(path: str) -> Connect:
    """Connect to the unix socket at `path`."""
    return lambda: asyncio.open_unix_connection(path)


def towards(url: SplitResult) -> Connect:
    """Connect to where an http or https URL leads; https is checked by the machine's certificates
    (SSL_CERT_FILE, SSL_CERT_DIR)."""
    secure = url.scheme == "https"
    context = _trusted() if secure else None
    port = url.port or (443 if secure else 80)
    return partial(asyncio.open_connection, url.hostname, port, ssl=context)


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


class Connection:
    """One connection for requests one after the other, as long as it is `reusable`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)

    @classmethod
    async def open(cls, connect: Connect) -> Connection:
        """WireError when the other side cannot be reached."""
        try:
            return cls(*await connect())
        except OSError as error:
            raise WireError(f"cannot connect: {error.strerror or error}") from error

    @property
    def reusable(self) -> bool:
        idle = self._protocol.our_state is h11.IDLE and self._protocol.their_state is h11.IDLE
        return idle and not self._writer.is_closing() and not self._reader.at_eof()

    async def exchange(self, request: Request, max_body: int) -> Response:
        """Send the request, read its answer; after an error the connection is of no more use."""
        try:
            await self._send(request)
            return await self._receive(max_body)
        except (OSError, h11.ProtocolError) as error:
            self.close()
            raise WireError(f"the connection broke: {error}") from error
        except BaseException:
            self.close()
            raise

    async def begin(self, request: Request) -> Response:
        """Send the request, read the head of its answer; `body` gives the rest as it comes."""
        try:
            await self._send(request)
            while not isinstance(event := await self._next_event(), h11.Response):
                if isinstance(event, h11.ConnectionClosed):
                    return _response(None, b"", truncated=False)
        except (OSError, h11.ProtocolError) as error:
            raise WireError(f"the connection broke: {error}") from error
        return _response(event, b"", truncated=False)

    async def body(self) -> AsyncIterator[bytes]:
        """What follows the head, in pieces; ends with the answer, WireError when it breaks."""
        try:
            while isinstance(event := await self._next_event(), h11.Data):
                yield bytes(event.data)
        except (OSError, h11.ProtocolError) as error:
            raise WireError(f"the connection broke: {error}") from error

    def close(self) -> None:
        """At once: what was not sent yet is lost."""
        self._writer.transport.abort()

    async def _send(self, request: Request) -> None:
        length = (("content-length", str(len(request.body))),) if request.body else ()
        head = h11.Request(
            method=request.method, target=request.path, headers=[*request.headers, *length]
        )
        data = self._protocol.send(head) or b""
        if request.body:
            data += self._protocol.send(h11.Data(data=request.body)) or b""
        self._writer.write(data + (self._protocol.send(h11.EndOfMessage()) or b""))
        await self._writer.drain()

    async def _receive(self, max_body: int) -> Response:
        head: h11.Response | None = None
        body = bytearray()
        while not isinstance(event := await self._next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.ConnectionClosed):
                break
            if len(body) > max_body:
                self.close()
                return _response(head, bytes(body[:max_body]), truncated=True)
        response = _response(head, bytes(body), truncated=False)
        if self._protocol.our_state is self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        return response

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            self._protocol.receive_data(await self._reader.read(_CHUNK))
        return event  # type: ignore[return-value]  # NEED_DATA was excluded above


def _response(head: h11.Response | None, body: bytes, *, truncated: bool) -> Response:
    if head is None:
        raise WireError("the connection was closed without an answer")
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers
    )
    return Response(head.status_code, headers, body, truncated)
