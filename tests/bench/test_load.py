"""The load against servers that answer well, wrongly, in part, late or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench.load import Call, Failed, Load, Report, Tally, parse_call, parse_head

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Instance: 7\r\n\r\nok"
GET = Call()
Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handle: Handle) -> AsyncIterator[int]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answering(*answers: bytes) -> Handle:
    """On each connection these answers in turn, and then its end."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()

    return handle


async def always(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)


async def first_failure(handle: Handle, call: Call = GET, timeout: float = 30.0) -> Report:
    async with serving(handle) as port:
        load = Load(1, "x", port, [call], timeout=timeout)
        running = asyncio.create_task(load.run())
        while not load.failed:
            await asyncio.sleep(0.001)
        load.stop()
        return await running


async def test_clients_keep_their_connections() -> None:
    async with serving(always) as port:
        report = await Load(3, "x", port).run(0.2)
    assert report.failed == report.connections_broken == report.connections_closed == 0
    assert report.connections == 3
    assert report.instances == {"7": report.requests}
    assert 0 < report.p50 <= report.p99 <= report.longest * 1.01


async def test_stop_waits_for_the_answer() -> None:
    asked, answer_now = asyncio.Event(), asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await answer_now.wait()
        writer.write(OK)

    async with serving(handle) as port:
        load = Load(1, "x", port)
        running = asyncio.create_task(load.run())
        await asked.wait()
        load.stop()
        answer_now.set()
        report = await running
    assert (report.requests, report.failed) == (1, 0)


async def test_requests_carry_host_and_body() -> None:
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(4))
            writer.write(OK.replace(b"200 OK", b"201 Created"))

    async with serving(handle) as port:
        report = await Load(1, "a.localhost", port, [Call("POST", "/p", b"body", 201)]).run(0.05)
    assert report.failed == 0
    assert seen[0].startswith(b"POST /p HTTP/1.1\r\nHost: a.localhost\r\n")
    assert seen[0].endswith(b"Content-Length: 4\r\n\r\nbody")


async def test_calls_are_sent_in_turn() -> None:
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append((await reader.readuntil(b"\r\n\r\n")).split()[1])
            writer.write(OK)

    async with serving(handle) as port:
        await Load(1, "x", port, [Call(path="/a"), Call(path="/b")]).run(0.05)
    assert seen[:4] == [b"/a", b"/b", b"/a", b"/b"]


CUT = OK[:-1]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\n!!!\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("answers", "call", "reason"),
    [
        ([OK], Call(), "GET: closed before the answer"),
        ([CUT], Call(), "GET: closed within the answer"),
        ([CHUNKED, CHUNKED[:-9]], Call(), "GET: closed within the answer"),
        ([b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"], Call(), "GET: status 502"),
        ([b"HTTP/1.1 200 OK\r\n\r\n"], Call(), "GET: an answer without a length"),
        ([b"nonsense\r\n\r\n"], Call(), "GET: no HTTP/1.1 answer: 'nonsense'"),
        ([OK], Call(expect=b"ko"), "GET: an answer that is not the expected one"),
        ([OK], Call("POST", "/", b"x", 201), "POST: status 200"),
    ],
)
async def test_every_wrong_answer_is_a_failure(
    answers: list[bytes], call: Call, reason: str
) -> None:
    report = await first_failure(answering(*answers), call)
    assert reason in report.reasons
    assert report.failed == sum(report.reasons.values()) > 0


async def test_a_wrong_status_leaves_the_connection_whole() -> None:
    refused = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    report = await first_failure(answering(*[refused] * 1000))
    assert report.connections_broken == 0


async def test_an_end_without_word_is_a_broken_connection() -> None:
    report = await first_failure(answering(OK))
    assert report.connections_broken >= 1
    assert report.connections_closed == 0


async def test_an_announced_end_is_none() -> None:
    last = OK.replace(b"X-Instance: 7", b"Connection: close")
    async with serving(answering(last)) as port:
        report = await Load(1, "x", port).run(0.1)
    assert report.failed == report.connections_broken == 0
    assert report.connections_closed == report.connections == report.requests > 0


async def test_silence_is_a_failure_after_the_timeout() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    report = await first_failure(silent, timeout=0.05)
    assert report.reasons.keys() == {"GET: no answer in time"}


async def test_nobody_there_is_a_failure_and_no_storm() -> None:
    async with serving(always) as port:
        pass
    report = await Load(1, "x", port).run(0.2)
    assert report.reasons == {"GET: cannot connect: ConnectionRefusedError": report.failed}
    assert 0 < report.failed <= 21
    assert report.connections == report.connections_broken == 0


def test_quantiles_are_one_bucket_from_the_truth() -> None:
    tally = Tally()
    for millisecond in range(1, 1001):
        tally.passed(millisecond / 1000, "")
    assert tally.quantile(0.5) == pytest.approx(0.5, rel=0.011)
    assert tally.quantile(0.99) == pytest.approx(0.99, rel=0.011)
    assert Tally().quantile(0.5) == 0.0


def test_reasons_stay_bounded() -> None:
    tally = Tally()
    for number in range(1000):
        tally.fail(f"reason {number}")
    assert len(tally.reasons) == 101
    assert tally.reasons.total() == tally.failed == 1000


def test_calls_are_read_from_text() -> None:
    assert parse_call("GET:/items") == Call("GET", "/items")
    assert parse_call('POST:/items:{"a": 1}') == Call("POST", "/items", b'{"a": 1}', 201)


def test_heads_are_read_strictly() -> None:
    assert parse_head(b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n") == (204, {"a": "b"})
    with pytest.raises(Failed):
        parse_head(b"HTTP/1.0 200 OK\r\n\r\n")
