"""The client of nginx's control socket: the protocol of docs/dataplane.md."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeVar

import msgspec

from fairlead.core.errors import ProxyError, WireError
from fairlead.core.model import Counters, Waits
from fairlead.proxies.naming import checked_name
from fairlead.proxies.nginx.table import Doc
from fairlead.wire import Connection, Request, Response, unix

MOST_ANSWER = 64 << 20
TIMEOUT = 5.0

_HEADERS = (("host", "fairlead"), ("content-type", "application/json"))
_T = TypeVar("_T")


class Info(msgspec.Struct, frozen=True):
    generation: int
    workers: int
    pid: int


class LiveTable(msgspec.Struct, frozen=True):
    generation: int
    services: dict[str, Doc]


class _Accepted(msgspec.Struct, frozen=True):
    generation: int


_info = msgspec.json.Decoder(Info)
_table = msgspec.json.Decoder(LiveTable)
_accepted = msgspec.json.Decoder(_Accepted)
_counters = msgspec.json.Decoder(dict[str, Counters])
_waits = msgspec.json.Decoder(Waits)


class Control:
    """One kept-alive connection, one request at a time.

    Every request may be sent twice to the same effect, so one that meets a connection that nginx
    has closed meanwhile is sent once more. ProxyError when nginx cannot be asked or refuses.
    """

    def __init__(self, socket: Path, timeout: float = TIMEOUT) -> None:
        self._socket, self._timeout = socket, timeout
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def info(self) -> Info:
        return _decoded(_info, await self._ask("GET", "/info"))

    async def table(self) -> LiveTable:
        return _decoded(_table, await self._ask("GET", "/table"))

    async def put(self, service: str, body: bytes) -> int:
        """The generation from which every request follows the table."""
        answer = await self._ask("PUT", f"/services/{checked_name(service)}", body)
        return _decoded(_accepted, answer).generation

    async def delete(self, service: str) -> int:
        answer = await self._ask("DELETE", f"/services/{checked_name(service)}")
        return _decoded(_accepted, answer).generation

    async def counters(self, service: str) -> dict[str, Counters]:
        answer = await self._ask("GET", f"/counters?service={checked_name(service)}")
        return _decoded(_counters, answer)

    async def waits(self, service: str) -> Waits:
        answer = await self._ask("GET", f"/waits?service={checked_name(service)}")
        return _decoded(_waits, answer)

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    async def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        try:
            async with self._turn, asyncio.timeout(self._timeout):
                response = await self._exchange(Request(method, path, _HEADERS, body))
        except TimeoutError as error:
            raise ProxyError(
                f"nginx did not answer {method} {path} in {self._timeout:g} s"
            ) from error
        except WireError as error:
            raise ProxyError(f"nginx could not be asked for {method} {path}: {error}") from error
        return _body(method, path, response)

    async def _exchange(self, request: Request) -> Response:
        kept = self._connection
        if kept and kept.reusable:
            try:
                return await kept.exchange(request, MOST_ANSWER)
            except WireError:
                pass  # nginx may close a kept connection at any time: a new one tells
        self.close()
        self._connection = await Connection.open(unix(str(self._socket)))
        return await self._connection.exchange(request, MOST_ANSWER)


def _body(method: str, path: str, response: Response) -> bytes:
    if response.truncated:
        raise ProxyError(f"nginx's answer to {method} {path} is longer than {MOST_ANSWER} bytes")
    if response.status != 200:
        told = response.body[:500].decode(errors="replace").strip()
        raise ProxyError(f"nginx refused {method} {path} with {response.status}: {told}")
    return response.body


def _decoded(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProxyError(f"nginx's control answered something else: {error}") from error
