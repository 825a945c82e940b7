"""Clients of the soak: steady ones, and some that do one unusual thing again and again.

A client tells `fail(kind, reason)` for every exchange that did not end as it must.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench.load import Failed, describe, parse_head

TIMEOUT = 20.0
BROKEN = (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError, Failed)


@dataclass
class Tally:
    """What all of them did; `on_fail` hears of each failure at the moment it happens."""

    on_fail: Callable[[str, str], None]
    done: Counter[str] = field(default_factory=Counter)


class Wire:
    """A raw connection to the front."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.announced = False

    @classmethod
    async def open(cls, port: int) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 17))

    async def head(self) -> tuple[int, dict[str, str]]:
        status, headers = parse_head(await self.reader.readuntil(b"\r\n\r\n"))
        self.announced = headers.get("connection") == "close"
        return status, headers

    async def answer(self, *, bare: bool = False) -> tuple[int, bytes]:
        status, headers = await self.head()
        if bare or status in (204, 304):
            return status, b""
        if headers.get("transfer-encoding") == "chunked":
            return status, await self._chunks()
        return status, await self.reader.readexactly(int(headers["content-length"]))

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readuntil(b"\r\n")
        return body

    def send(self, text: str, body: bytes = b"") -> None:
        self.writer.write(text.encode() + body)


def expect(got: object, wanted: object) -> None:
    if got != wanted:
        raise Failed(f"{str(got)[:60]!r} instead of {str(wanted)[:60]!r}")


async def upgrade(wire: Wire, host: str) -> None:
    """Like a WebSocket: held for some seconds, every byte comes back."""
    wire.send(f"GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    expect((await wire.head())[0], 101)
    for number in range(random.randint(5, 40)):
        wire.send(f"{number:08}")
        expect(await wire.reader.readexactly(8), f"{number:08}".encode())
        await asyncio.sleep(0.1)


async def chunks(wire: Wire, host: str) -> None:
    count = random.randint(1, 30)
    wire.send(f"GET /chunks?{count} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    expect(await wire.answer(), (200, b"hello" * count))


async def slow(wire: Wire, host: str) -> None:
    wire.send(f"POST /slow?1.{random.randint(0, 9)} HTTP/1.1\r\nHost: {host}\r\n")
    wire.send("Content-Length: 4\r\n\r\nslow")
    status, text = await wire.answer()
    expect((status, text[-4:]), (200, b"slow"))


async def upload(wire: Wire, host: str) -> None:
    """A body in chunks, with Expect: 100-continue."""
    wire.send(f"POST /length HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n")
    wire.send("Expect: 100-continue\r\n\r\n")
    expect((await wire.head())[0], 100)
    for _ in range(40):
        wire.send("4000\r\n" + "y" * 0x4000 + "\r\n")
        await wire.writer.drain()
    wire.send("0\r\n\r\n")
    status, text = await wire.answer()
    expect((status, text.rpartition(b" ")[2]), (200, str(40 * 0x4000).encode()))


async def download(wire: Wire, host: str) -> None:
    wire.send(f"GET /big?4000000 HTTP/1.1\r\nHost: {host}\r\n\r\n")
    status, body = await wire.answer()
    expect((status, len(body)), (200, 4_000_000))


async def odd(wire: Wire, host: str) -> None:
    """HEAD, answers without a body, large headers, pipelining, HTTP/1.0."""
    for code in (204, 304, 404, 200):
        wire.send(f"GET /status?{code} HTTP/1.1\r\nHost: {host}\r\n\r\n")
        expect((await wire.answer())[0], code)
    wire.send(f"HEAD /h HTTP/1.1\r\nHost: {host}\r\nX-Large: {'q' * 6000}\r\n\r\n")
    expect(await wire.answer(bare=True), (200, b""))
    wire.send(f"GET /head?3000 HTTP/1.1\r\nHost: {host}\r\n\r\n")
    expect((await wire.answer())[0], 200)
    for number in range(8):
        wire.send(f"GET /p{number} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    for number in range(8):
        status, text = await wire.answer()
        expect((status, text.split(b" ")[2]), (200, f"/p{number}".encode()))
    wire.send(f"GET /old HTTP/1.0\r\nHost: {host}\r\n\r\n")
    expect((await wire.answer())[0], 200)


async def aborting(wire: Wire, host: str) -> None:
    """Leaves in the middle: whatever then happens must leave nothing in flight."""
    kind = random.randrange(3)
    if kind == 0:
        wire.send(f"GET /slow?2 HTTP/1.1\r\nHost: {host}\r\n\r\n")
    elif kind == 1:
        wire.send(f"POST /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n\r\nhalf")
    else:
        wire.send(f"GET /big?4000000 HTTP/1.1\r\nHost: {host}\r\n\r\n")
        await wire.reader.readexactly(1000)
    await wire.writer.drain()
    await asyncio.sleep(random.random() * 0.2)


Kind = Callable[[Wire, str], Awaitable[None]]
KINDS: tuple[Kind, ...] = (upgrade, chunks, slow, upload, download, odd, aborting)


async def repeat(kind: Kind, host: str, port: int, tally: Tally, stop: asyncio.Event) -> None:
    """Do it on a new connection each time until told to stop."""
    name = getattr(kind, "__name__", "?")
    while not stop.is_set():
        wire = None
        try:
            async with asyncio.timeout(TIMEOUT):
                wire = await Wire.open(port)
                await kind(wire, host)
            tally.done[name] += 1
        except BROKEN as error:
            tally.done[name] += 1
            tally.on_fail(name, describe(error))
        finally:
            if wire:
                wire.writer.transport.abort() if kind is aborting else wire.writer.close()
        await asyncio.sleep(0.2)


@dataclass
class Steady:
    """A keep-alive client that sends GET and POST in turn over one connection."""

    service: str
    tally: Tally
    only_get: bool = False
    pause: float = 0.004
    only_post: bool = False

    async def run(self, port: int, stop: asyncio.Event) -> None:
        wire: Wire | None = None
        number = 0
        while not stop.is_set():
            number += 1
            wire = await self._once(wire, port, number)
            await asyncio.sleep(self.pause)
        if wire:
            wire.writer.close()

    async def _once(self, wire: Wire | None, port: int, number: int) -> Wire | None:
        get = self.only_get or (number % 2 == 0 and not self.only_post)
        name = f"{self.service} {'GET' if get else 'POST'}"
        self.tally.done[name] += 1
        if wire and (wire.announced or wire.reader.at_eof()):
            how = "announced" if wire.announced else "unannounced"
            self.tally.on_fail("idle", f"{how} close of a connection to {self.service}")
            wire.writer.close()
            wire = None
        try:
            async with asyncio.timeout(TIMEOUT):
                wire = wire or await Wire.open(port)
                await self._exchange(wire, number, get=get)
        except BROKEN as error:
            self.tally.on_fail(name, describe(error))
            if wire:
                wire.writer.close()
            return None
        return wire

    async def _exchange(self, wire: Wire, number: int, *, get: bool) -> None:
        body = b"" if get else b"b" * (number % 3000 + 1)
        target = f"/{number}"
        wire.send(
            f"{'GET' if get else 'POST'} {target} HTTP/1.1\r\nHost: {self.service}.localhost\r\n"
        )
        wire.send("\r\n" if get else f"Content-Length: {len(body)}\r\n\r\n", body)
        status, text = await wire.answer()
        if status != 200:
            raise Failed(f"status {status}")
        expect(text, f"{self.service} {'GET' if get else 'POST'} {target} ".encode() + body)
