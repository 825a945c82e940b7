"""HTTP checks against real servers that behave, misbehave and talk nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from hypothesis import HealthCheck as Slow
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core.model import CheckKind, HealthCheck
from fairlead.probes.http import BOUND, HttpProbe
from tests.ground import until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHECK = HealthCheck(kind=CheckKind.HTTP, path="/actuator/health", timeout=5.0)
SWITCH = "no HTTP answer: Received server _SWITCH_UPGRADE event without a pending proposal"


def saying(*parts: bytes, requests: list[bytes] | None = None, wait: bool = False):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if requests is not None:
            requests.append(head)
        for part in parts:
            writer.write(part)
            await writer.drain()
        if wait:
            await reader.read()

    return handle


async def test_asks_for_the_path_and_passes(serving) -> None:
    requests: list[bytes] = []
    async with serving(saying(OK, requests=requests)) as endpoint:
        assert await HttpProbe().probe(CHECK, endpoint) == ""
    lines = requests[0].decode().split("\r\n")
    assert lines[0] == "GET /actuator/health HTTP/1.1"
    assert f"Host: 127.0.0.1:{endpoint.port}" in lines
    assert "User-Agent: fairlead-health" in lines
    assert "Connection: close" in lines


async def test_sends_the_host_of_the_settings(serving) -> None:
    requests: list[bytes] = []
    check = HealthCheck(kind=CheckKind.HTTP, host="shop.example.com")
    async with serving(saying(OK, requests=requests)) as endpoint:
        assert await HttpProbe().probe(check, endpoint) == ""
    assert b"\r\nHost: shop.example.com\r\n" in requests[0]


@pytest.mark.parametrize(
    ("answer", "statuses", "problem"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", [(200, 399)], ""),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", [(200, 399)], ""),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", [(200, 399)], ""),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", [(404, 404)], ""),
        (b"HTTP/1.1 103 Hint\r\n\r\n" + OK, [(200, 399)], ""),
        (
            b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
            [(200, 399)],
            "status 503, expected 200-399",
        ),
        (b"HTTP/1.1 101 No\r\nUpgrade: x\r\n\r\n", [(101, 101)], SWITCH),
        (OK, [(204, 204), (301, 302)], "status 200, expected 204, 301-302"),
        (b"HTTP/1.1 103 Hint\r\n\r\n", [(100, 399)], "connection closed before the answer"),
        (b"", [(200, 399)], "connection closed before the answer"),
        (b"HTTP/1.1 200 OK\r\nContent-", [(200, 399)], "connection closed before the answer"),
    ],
)
async def test_the_status_decides(serving, answer, statuses, problem) -> None:
    check = HealthCheck(kind=CheckKind.HTTP, statuses=tuple(statuses), timeout=5.0)
    async with serving(saying(answer)) as endpoint:
        assert await HttpProbe().probe(check, endpoint) == problem


@pytest.mark.parametrize(
    "garbage",
    [b"\x00\xff\x1b[31m\r\n\r\n", b"220 mail.example.com ESMTP\r\n\r\n", b"\x16\x03\x01\r\n\r\n"],
)
async def test_garbage_is_a_reason_without_control_characters(serving, garbage) -> None:
    async with serving(saying(garbage, wait=True)) as endpoint:
        problem = await HttpProbe().probe(CHECK, endpoint)
    assert problem.startswith("no HTTP answer")
    assert problem.isprintable()
    assert len(problem) <= 200


async def test_an_endless_head_is_given_up(serving) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"X: y\r\n" * 1000)
                await writer.drain()

    async with serving(handle) as endpoint:
        problem = await HttpProbe().probe(CHECK, endpoint)
    assert str(BOUND) in problem or "no HTTP answer" in problem


async def test_endless_hints_are_given_up(serving) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"HTTP/1.1 103 Hint\r\n\r\n" * 1000)
                await writer.drain()

    async with serving(handle) as endpoint:
        problem = await HttpProbe().probe(CHECK, endpoint)
    assert problem == f"no HTTP answer: no head within {BOUND} bytes"


async def test_an_endless_body_does_not_change_the_verdict(serving) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    async with serving(saying(head, b"data: 1\n\n", wait=True)) as endpoint:
        began = time.monotonic()
        assert await HttpProbe().probe(CHECK, endpoint) == ""
        assert time.monotonic() - began < CHECK.timeout / 2


async def test_a_body_that_follows_its_head_is_taken(serving) -> None:
    gone: list[bool] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        await asyncio.sleep(0.005)
        gone.append(reader.at_eof())
        writer.write(b"body")

    async with serving(handle) as endpoint:
        assert await HttpProbe().probe(CHECK, endpoint) == ""
        await until(lambda: gone)
    assert gone == [False]


async def test_a_hanging_endpoint_is_a_timeout_over_the_whole_probe(serving) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in OK:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    check = HealthCheck(kind=CheckKind.HTTP, timeout=0.2)
    async with serving(drip) as endpoint:
        assert await HttpProbe().probe(check, endpoint) == "timeout after 0.2 s"


async def test_nobody_listens(at, free_port) -> None:
    assert await HttpProbe().probe(CHECK, at(free_port)) == "connection refused"


async def test_a_reset_is_a_reason(serving) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)  # what stays unread turns the close into a reset

    async with serving(reset) as endpoint:
        problem = await HttpProbe().probe(CHECK, endpoint)
    assert problem in {"connection reset by peer", "connection closed before the answer"}


async def test_a_path_that_breaks_out_of_its_line_is_never_sent(serving) -> None:
    requests: list[bytes] = []
    check = HealthCheck(kind=CheckKind.HTTP, path="/a b\r\nX-Evil: 1")
    async with serving(saying(OK, requests=requests)) as endpoint:
        problem = await HttpProbe().probe(check, endpoint)
    assert problem.startswith("cannot ask for /a bX-Evil: 1")
    assert requests == []


async def test_nothing_is_left_open(serving, at, free_port, open_files) -> None:
    async with serving(saying(OK)) as endpoint:
        await HttpProbe().probe(CHECK, endpoint)
        await asyncio.sleep(0.05)
        before = open_files()
        for _ in range(20):
            await HttpProbe().probe(CHECK, endpoint)
            await HttpProbe().probe(CHECK, at(free_port))
        await until(lambda: open_files() <= before)


@settings(max_examples=40, deadline=None, suppress_health_check=[Slow.function_scoped_fixture])
@given(answer=st.binary(max_size=300), prefix=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n"]))
def test_any_bytes_give_an_answer(serving, answer: bytes, prefix: bytes) -> None:
    async def ask() -> str:
        async with serving(saying(prefix + answer)) as endpoint:
            return await HttpProbe().probe(CHECK, endpoint)

    problem = asyncio.run(ask())
    assert problem.isprintable()
    assert len(problem) <= 200
