"""An HTTP check: one GET on a connection of its own; the status decides."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import lru_cache

import h11

from fairlead.core.model import Endpoint, HealthCheck
from fairlead.probes import reason
from fairlead.probes.tcp import connect

BOUND = 64 * 1024
"""Bytes read of an answer at most."""
LINGER = 0.05
"""Seconds that the rest of an answer may take after its head. The status has decided by then; but
an endpoint that still writes would log a broken connection at every check."""
CUT = "connection closed before the answer"


class HttpProbe:
    """Redirects are not followed: their status passes or fails like any other."""

    async def probe(self, check: HealthCheck, endpoint: Endpoint) -> str:
        try:
            async with asyncio.timeout(check.timeout):
                return await _ask(check, endpoint)
        except TimeoutError:
            return reason.of_timeout(check.timeout)
        except OSError as error:
            return reason.of_os_error(error)
        except h11.LocalProtocolError as error:
            return f"cannot ask for {reason.clean(check.path)}: {reason.clean(str(error))}"


async def _ask(check: HealthCheck, endpoint: Endpoint) -> str:
    request = _request(check.path, check.host or _authority(endpoint))
    with await connect(endpoint) as connection:
        answer = _Answer(connection)
        await answer.send(request)
        try:
            status = await answer.status()
        except h11.RemoteProtocolError as error:
            return CUT if answer.ended else reason.clean(f"no HTTP answer: {error}")
        await answer.finish()
    return _judged(status, check.statuses)


class _Answer:
    """The answer to one request; h11 knows HTTP, the socket carries the bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self.ended = False
        self._connection = connection
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=BOUND)
        self._left = BOUND
        self._loop = asyncio.get_running_loop()

    async def send(self, request: h11.Request) -> None:
        head = self._parser.send(request) or b""
        self._parser.send(h11.EndOfMessage())
        await self._loop.sock_sendall(self._connection, head)

    async def status(self) -> int:
        """RemoteProtocolError when there is none."""
        while not isinstance(event := await self._next(), h11.Response):
            pass  # 1xx answers come before the real one
        return event.status_code

    async def finish(self) -> None:
        """Take the rest, as far as it comes soon and is not too long."""
        with contextlib.suppress(h11.RemoteProtocolError, OSError):
            async with asyncio.timeout(LINGER):
                while not isinstance(await self._next(), h11.EndOfMessage):
                    pass

    async def _next(self) -> h11.Event:
        while not isinstance(event := self._parser.next_event(), h11.Event):
            if event is h11.PAUSED:
                raise h11.RemoteProtocolError("it wants to switch protocols")
            self._parser.receive_data(await self._read())
        return event

    async def _read(self) -> bytes:
        if self._left <= 0:
            raise h11.RemoteProtocolError(f"no head within {BOUND} bytes")
        data = await self._loop.sock_recv(self._connection, self._left)
        self._left -= len(data)
        self.ended = not data
        return data


def _authority(endpoint: Endpoint) -> str:
    address = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return f"{address}:{endpoint.port}"


@lru_cache(maxsize=1024)
def _request(path: str, host: str) -> h11.Request:
    """Checked by h11, which refuses a path or a host that would break out of its line."""
    headers = [("Host", host), ("User-Agent", "fairlead-health"), ("Connection", "close")]
    return h11.Request(method="GET", target=path, headers=headers)


def _judged(status: int, expected: tuple[tuple[int, int], ...]) -> str:
    if any(first <= status <= last for first, last in expected):
        return ""
    ranges = (f"{first}" if first == last else f"{first}-{last}" for first, last in expected)
    return f"status {status}, expected {', '.join(ranges)}"
