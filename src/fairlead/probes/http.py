"""An HTTP check: one GET on a connection of its own; the status decides."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from itertools import pairwise

import h11

from fairlead.core.model import Endpoint, HealthCheck
from fairlead.probes import reason
from fairlead.probes.tcp import connect

BOUND = 64 * 1024
"""Bytes read of an answer at most."""
LINGER = 0.05
"""Seconds that the rest of an answer may take after its head. The status has decided by then; but
an endpoint that still writes would log a broken connection at every check."""
END = h11.EndOfMessage()
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
    answer = _Answer(_request(check.path, check.host or _authority(endpoint)))
    transport = await connect(endpoint, answer)
    try:
        head = await answer.head
        await asyncio.wait((answer.rest,), timeout=LINGER)
    finally:
        transport.abort()
    return _verdict(head, check.statuses)


def _verdict(head: int | str, statuses: tuple[int, ...]) -> str:
    if isinstance(head, str):
        return head
    return "" if head in statuses else f"status {head}, expected {_spans(statuses)}"


class _Answer(asyncio.Protocol):
    """Sends the request and reads the answer.

    `head` becomes its status, or why there is none; `rest` is done at its end.
    """

    def __init__(self, request: h11.Request) -> None:
        loop = asyncio.get_running_loop()
        self.head: asyncio.Future[int | str] = loop.create_future()
        self.rest: asyncio.Future[None] = loop.create_future()
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=BOUND)
        self._request = (self._parser.send(request) or b"") + (self._parser.send(END) or b"")
        self._left = BOUND

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        self._parse(data)
        if self._left <= 0:
            self._end(f"no answer's head within {BOUND} bytes")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(reason.of_os_error(exc) if isinstance(exc, OSError) else CUT)

    def _parse(self, data: bytes) -> None:
        if self.rest.done():
            return
        try:
            self._parser.receive_data(data)
            self._take()
        except h11.RemoteProtocolError as error:
            self._end(reason.clean(f"the answer is not HTTP: {error}"))

    def _take(self) -> None:
        event = self._parser.next_event()
        while event not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response) and not self.head.done():
                self.head.set_result(event.status_code)
            if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                self._end(CUT)
                return
            event = self._parser.next_event()

    def _end(self, problem: str) -> None:
        if not self.head.done():
            self.head.set_result(problem)
        if not self.rest.done():
            self.rest.set_result(None)


def _authority(endpoint: Endpoint) -> str:
    address = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return f"{address}:{endpoint.port}"


@lru_cache(maxsize=1024)
def _request(path: str, host: str) -> h11.Request:
    """Checked by h11, which refuses a path or a host that would break out of its line."""
    headers = [("Host", host), ("User-Agent", "fairlead-health"), ("Connection", "close")]
    return h11.Request(method="GET", target=path, headers=headers)


@lru_cache(maxsize=64)
def _spans(statuses: tuple[int, ...]) -> str:
    """(200, 201, 202, 404) as `200-202, 404`."""
    ordered = sorted(set(statuses))
    starts = [ordered[0], *(b for a, b in pairwise(ordered) if b != a + 1)] if ordered else []
    ends = [*(a for a, b in pairwise(ordered) if b != a + 1), *ordered[-1:]]
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
