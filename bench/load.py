"""A keep-alive load that is strict about every answer and tells why each failed request failed.

Each client holds one connection and sends one request after another. It repeats nothing: a
request that got no complete, expected answer is a failed one, and a connection that ended without
`Connection: close` is a broken one.

    python -m bench.load --host catalog.localhost --seconds 10 GET:/items 'POST:/items:{"name":"x"}'
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

MAX_HEAD = 64 * 1024
MAX_REASONS = 100
STEP = 1.01
"""Latencies are kept in buckets that grow by this factor, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of request; `status` is what must come back, `expect` what its body must hold."""

    method: str = "GET"
    path: str = "/"
    body: bytes = b""
    status: int = 200
    expect: bytes = b""

    def render(self, host: str) -> bytes:
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\n"
        if self.body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
        return head.encode() + b"\r\n" + self.body


@dataclass(frozen=True, slots=True)
class Report:
    """`p50`, `p99` and `longest` are seconds. `connections_closed` were announced by the server,
    `connections_broken` were not. `instances` counts answers by X-Instance."""

    requests: int
    failed: int
    reasons: dict[str, int]
    connections: int
    connections_closed: int
    connections_broken: int
    p50: float
    p99: float
    longest: float
    seconds: float
    instances: dict[str, int]

    def __str__(self) -> str:
        return (
            f"requests {self.requests}, failed {self.failed}, "
            f"connections broken {self.connections_broken}, "
            f"p50 {self.p50 * 1000:.1f} ms, p99 {self.p99 * 1000:.1f} ms"
        )


class Failed(Exception):
    """A request without the answer that it must have."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def last(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


@dataclass(slots=True)
class Tally:
    """What all clients counted together; bounded however long it runs."""

    requests: int = 0
    failed: int = 0
    connections: int = 0
    closed: int = 0
    broken: int = 0
    longest: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    instances: Counter[str] = field(default_factory=Counter)
    buckets: Counter[int] = field(default_factory=Counter)

    def passed(self, seconds: float, instance: str) -> None:
        self.requests += 1
        self.longest = max(self.longest, seconds)
        self.buckets[math.ceil(math.log(max(seconds, 1e-6), STEP))] += 1
        self._bounded(self.instances, instance)

    def fail(self, reason: str) -> None:
        self.requests += 1
        self.failed += 1
        self._bounded(self.reasons, reason)

    def quantile(self, share: float) -> float:
        """The upper bound of the bucket that holds it: at most one STEP too high."""
        left = share * self.buckets.total()
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return float(STEP**bucket)
        return 0.0

    @staticmethod
    def _bounded(counter: Counter[str], key: str) -> None:
        counter[key if key in counter or len(counter) < MAX_REASONS else "others"] += 1


class Connection:
    """One HTTP/1.1 connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, address: str, port: int) -> Connection:
        return cls(*await asyncio.open_connection(address, port, limit=MAX_HEAD))

    async def send(self, request: bytes) -> Answer:
        """OSError, EOFError or Failed when there is no complete answer."""
        self._writer.write(request)
        await self._writer.drain()
        head = await self._reader.readuntil(b"\r\n\r\n")
        status, headers = parse_head(head)
        return Answer(status, headers, await self._body(status, headers))

    async def _body(self, status: int, headers: dict[str, str]) -> bytes:
        if status in (204, 304):
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._chunks()
        length = headers.get("content-length", "")
        if not length.isdecimal():
            raise Failed("an answer without a length")
        return await self._reader.readexactly(int(length))

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readuntil(b"\r\n")
        return body

    def close(self) -> None:
        self._writer.close()


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers (names in lower case). Failed when it is no HTTP/1.1 answer."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    version, _, rest = first.partition(" ")
    if version != "HTTP/1.1" or not rest[:3].isdecimal():
        raise Failed(f"no HTTP/1.1 answer: {first[:40]!r}")
    fields = (line.partition(":") for line in lines)
    return int(rest[:3]), {name.lower(): value.strip() for name, _, value in fields}


def describe(error: BaseException) -> str:
    """Why a request failed, without what differs from one request to the next."""
    match error:
        case Failed():
            return str(error)
        case TimeoutError():
            return "no answer in time"
        case asyncio.IncompleteReadError(partial=b""):
            return "closed before the answer"
        case asyncio.IncompleteReadError():
            return "closed within the answer"
        case _:
            return type(error).__name__


@dataclass(slots=True)
class Load:
    """`clients` connections to `address`:`port` send `calls` in turn, with `host` as Host header.

    `timeout` bounds one request, `pause` is what a client waits between two; both in seconds.
    """

    clients: int
    host: str
    port: int
    calls: Sequence[Call] = (Call(),)
    address: str = "127.0.0.1"
    timeout: float = 30.0
    pause: float = 0.0
    _tally: Tally = field(default_factory=Tally, init=False)
    _stopping: bool = field(default=False, init=False)

    async def run(self, seconds: float = math.inf) -> Report:
        """Send for so long, or until `stop`; a request in flight then is waited for."""
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(self.clients):
                group.create_task(self._client(number, started + seconds))
        return self._report(time.monotonic() - started)

    def stop(self) -> None:
        self._stopping = True

    @property
    def requests(self) -> int:
        """So many so far."""
        return self._tally.requests

    @property
    def failed(self) -> int:
        return self._tally.failed

    async def _client(self, number: int, end: float) -> None:
        requests = [(call, call.render(self.host)) for call in self.calls]
        connection: Connection | None = None
        while not self._stopping and time.monotonic() < end:
            call, request = requests[number % len(requests)]
            connection = await self._once(connection, call, request)
            number += 1
            # Even a pause of 0 lets the other clients run.
            await asyncio.sleep(self.pause if connection else max(self.pause, 0.01))
        if connection:
            connection.close()

    async def _once(
        self, connection: Connection | None, call: Call, request: bytes
    ) -> Connection | None:
        """Send one request; returns the connection for the next, None when a new one is due."""
        try:
            async with asyncio.timeout(self.timeout):
                connection = connection or await self._connect()
                began = time.perf_counter()
                answer = await connection.send(request)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError, Failed) as error:
            self._tally.fail(f"{call.method}: {describe(error)}")
            self._tally.broken += connection is not None
            return self._ended(connection)
        self._judge(call, answer, time.perf_counter() - began)
        self._tally.closed += answer.last
        return self._ended(connection) if answer.last else connection

    @staticmethod
    def _ended(connection: Connection | None) -> Connection | None:
        if connection:
            connection.close()
        return None

    async def _connect(self) -> Connection:
        try:
            connection = await Connection.open(self.address, self.port)
        except OSError as error:
            raise Failed(f"cannot connect: {type(error).__name__}") from error
        self._tally.connections += 1
        return connection

    def _judge(self, call: Call, answer: Answer, seconds: float) -> None:
        if answer.status != call.status:
            self._tally.fail(f"{call.method}: status {answer.status}")
        elif call.expect not in answer.body:
            self._tally.fail(f"{call.method}: an answer that is not the expected one")
        else:
            self._tally.passed(seconds, answer.headers.get("x-instance", ""))

    def _report(self, seconds: float) -> Report:
        tally = self._tally
        return Report(
            requests=tally.requests,
            failed=tally.failed,
            reasons=dict(tally.reasons),
            connections=tally.connections,
            connections_closed=tally.closed,
            connections_broken=tally.broken,
            p50=tally.quantile(0.5),
            p99=tally.quantile(0.99),
            longest=tally.longest,
            seconds=seconds,
            instances=dict(tally.instances),
        )


def parse_call(text: str) -> Call:
    """METHOD:PATH[:BODY]; a POST is expected to create (201)."""
    method, _, rest = text.partition(":")
    path, _, body = rest.partition(":")
    return Call(method, path, body.encode(), 201 if method == "POST" else 200)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.load")
    parser.add_argument("--host", required=True, help="the Host header")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two requests")
    parser.add_argument("--seconds", type=float, default=math.inf, help="without it: until SIGTERM")
    parser.add_argument("--json", type=Path, help="write the report to this file too")
    parser.add_argument("calls", nargs="*", type=parse_call, default=[Call()])
    return parser.parse_args()


async def main() -> int:
    given = arguments()
    load = Load(given.clients, given.host, given.port, given.calls, pause=given.pause)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, load.stop)
    report = await load.run(given.seconds)
    print(report)
    for reason, count in sorted(report.reasons.items()):
        print(f"  {count} x {reason}")
    if given.json:
        given.json.write_text(json.dumps(asdict(report), indent=2))
    return 1 if report.failed or report.connections_broken else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main()))
