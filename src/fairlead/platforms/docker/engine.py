"""A client of the Docker Engine API, as far as fairlead needs it.

docs.docker.com/reference/api/engine: JSON over HTTP/1.1, paths begin with the API's version. Each
request has a connection of its own, which costs a tenth of a millisecond on a unix socket.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from fairlead.core.errors import PlatformError, WireError
from fairlead.platforms.docker.address import choose, connector
from fairlead.wire import Connection, Request, Response

TIMEOUT = 10.0
ANSWER_LIMIT = 32 << 20
SPOKEN = (1, 41)
"""The API of Debian 12's engine (20.10). A newer engine is asked in the same words as long as it
takes them, else in the oldest version that it takes."""
_OLDEST = (1, 25)
_AT_A_TIME = 16
_SHOWN = 300

Query = dict[str, Any]


class EngineAway(PlatformError):
    """It cannot be reached, or does not answer in time."""


class Refused(PlatformError):
    """It answered with an error. `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `timeout` in seconds bounds the whole exchange (None: the engine's usual one),
    `limit` the answer in bytes."""

    method: str
    path: str
    query: Query | None = None
    body: Any = None
    timeout: float | None = None
    limit: int = ANSWER_LIMIT


class Engine:
    """Speaks to one engine. EngineAway and Refused (both PlatformError) say what went wrong."""

    def __init__(self, host: str = "") -> None:
        """BadInput when `host` (empty: DOCKER_HOST, else the usual socket) cannot be used."""
        self.host = choose(host, os.environ)
        self._connect = connector(self.host)
        self._slots = asyncio.Semaphore(_AT_A_TIME)
        self._version = ""
        self.timeout = TIMEOUT

    async def ask(self, call: Call) -> Any:
        """The decoded answer, None when it is empty."""
        return _decoded(await self.send(call), call)

    async def send(self, call: Call) -> Response:
        """The answer as it came. Calls that may take long do not hold up the others."""
        prefix = await self._prefix()
        async with self._slots if call.timeout is None else nullcontext():
            return _checked(await self._exchange(call, prefix), call)

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[AsyncIterator[bytes]]:
        """An answer without an end, in pieces; `timeout` bounds only the wait for its head."""
        prefix = await self._prefix()
        async with self._connection() as connection:
            with self._mapped():
                async with asyncio.timeout(call.timeout or self.timeout):
                    head = await connection.begin(_request(call, prefix))
            _checked(head, call)
            yield self._pieces(connection)

    async def _pieces(self, connection: Connection) -> AsyncIterator[bytes]:
        with self._mapped():
            async for piece in connection.body():
                yield piece

    async def _prefix(self) -> str:
        """Of the paths: the version that both sides speak, asked for once a connection epoch."""
        if not self._version:
            call = Call("GET", "/version", limit=1 << 20)
            answer = _decoded(_checked(await self._exchange(call, ""), call), call)
            self._version = negotiate(answer)
        return self._version

    async def _exchange(self, call: Call, prefix: str) -> Response:
        async with self._connection() as connection:
            with self._mapped():
                async with asyncio.timeout(call.timeout or self.timeout):
                    return await connection.exchange(_request(call, prefix), call.limit)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with self._mapped():
            async with asyncio.timeout(self.timeout):
                connection = await Connection.open(self._connect)
        try:
            yield connection
        finally:
            connection.close()

    def _mapped(self) -> _Mapped:
        return _Mapped(self)

    def forget_version(self) -> None:
        """After a failure the engine may come back as another one."""
        self._version = ""


class _Mapped:
    """Foreign errors of one exchange become EngineAway."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (WireError, OSError, TimeoutError)):
            self._engine.forget_version()
            why = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            raise EngineAway(
                f"the Docker engine at {self._engine.host} cannot be used: {why};"
                " see that it runs and that this user may use its socket"
            ) from error


def negotiate(answer: Any) -> str:
    """The prefix of the paths that fits an answer of /version. PlatformError when none does."""
    answer = answer if isinstance(answer, dict) else {}
    newest, oldest = _version(answer.get("ApiVersion")), _version(answer.get("MinAPIVersion"))
    if newest is None or newest < _OLDEST:
        raise PlatformError(
            f"the Docker engine speaks API {ascii(answer.get('ApiVersion'))[:40]}:"
            f" fairlead needs {_OLDEST[0]}.{_OLDEST[1]} or newer"
        )
    major, minor = min(max(SPOKEN, oldest or SPOKEN), newest)
    return f"/v{major}.{minor}"


def _version(text: Any) -> tuple[int, int] | None:
    major, _, minor = text.partition(".") if isinstance(text, str) else ("", "", "")
    digits = all(part.isascii() and part.isdigit() and len(part) < 5 for part in (major, minor))
    return (int(major), int(minor)) if digits else None


def _request(call: Call, prefix: str) -> Request:
    body = b"" if call.body is None else msgspec.json.encode(call.body)
    headers = (("host", "docker"), *((("content-type", "application/json"),) if body else ()))
    return Request(call.method, prefix + call.path + _query(call.query), headers, body)


def _query(query: Query | None) -> str:
    """Mappings (filters) go as JSON."""
    pairs = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in (query or {}).items()}
    return f"?{urlencode(pairs)}" if pairs else ""


def _checked(response: Response, call: Call) -> Response:
    if response.truncated:
        raise PlatformError(
            f"the Docker engine's answer to {call.path} is larger than {call.limit} bytes"
        )
    if response.status >= 400:
        raise Refused(_message(response), response.status)
    return response


def _message(response: Response) -> str:
    try:
        text = msgspec.json.decode(response.body)["message"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        text = response.body.decode("utf-8", "replace")
    shown = " ".join(str(text).split())[:_SHOWN] or f"HTTP status {response.status}"
    return "".join(c if c.isprintable() else "?" for c in shown)


def _decoded(response: Response, call: Call) -> Any:
    if not response.body:
        return None
    try:
        return msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlatformError(
            f"the Docker engine's answer to {call.path} cannot be read: {error}"
        ) from error
