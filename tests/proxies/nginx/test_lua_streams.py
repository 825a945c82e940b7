"""WebSocket, server-sent events, streaming and large bodies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ground import free_port
from tests.proxies.nginx.front import Nginx, Request, Start, doc, entry, ok, read_answer, route

pytestmark = pytest.mark.integration


async def ask(nginx: Nginx, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
    writer.write(text.encode())
    return reader, writer


async def test_an_upgraded_connection_carries_bytes_both_ways(
    nginx: Nginx, upstream: Start
) -> None:
    async def echo(request: Request, writer: asyncio.StreamWriter) -> bytes:
        assert request.headers["upgrade"] == "websocket"
        assert request.headers["connection"] == "upgrade"
        writer.write(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
        writer.write(b"hello")
        await writer.drain()
        await left.wait()
        return b""

    left = asyncio.Event()
    server = await upstream("ws", echo)
    await nginx.put(doc("a", [entry("a-1", server.port, 0)]))
    reader, writer = await ask(
        nginx,
        "GET /chat HTTP/1.1\r\nHost: shop.localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\n\r\n",
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(5) == b"hello"
    assert (await nginx.counters("a"))["a-1"]["in_flight"] == 1
    left.set()
    assert await reader.read() == b""
    writer.close()
    await nginx.in_flight("a-1", 0)
    counted = (await nginx.counters("a"))["a-1"]
    assert (counted["statuses"], counted["failures"]) == ([1, 0, 0, 0, 0], 0)


@pytest.mark.parametrize("stream", [True, False])
async def test_events_arrive_as_they_are_sent(nginx: Nginx, upstream: Start, stream: bool) -> None:
    more = asyncio.Event()

    async def events(_request: Request, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        writer.write(b"Content-Length: 6\r\n\r\none")
        await writer.drain()
        await more.wait()
        return b"two"

    server = await upstream("sse", events)
    await nginx.put(doc("a", [entry("a-1", server.port, 0)], stream=stream))
    reader, writer = await ask(
        nginx, "GET / HTTP/1.1\r\nHost: shop.localhost\r\nAccept: text/event-stream\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    async with asyncio.timeout(10):
        assert await reader.readexactly(3) == b"one"
    more.set()
    assert await reader.readexactly(3) == b"two"
    writer.close()


async def test_a_streamed_upload_reaches_the_endpoint_before_its_end(
    nginx: Nginx, upstream: Start
) -> None:
    server = await upstream("up")
    await nginx.put(doc("a", [entry("a-1", server.port, 0)], stream=True))
    reader, writer = await ask(
        nginx, "POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 10\r\n\r\nhalf."
    )
    await nginx.in_flight("a-1", 1)
    writer.write(b"whole")
    assert (await read_answer(reader)).status == 200
    assert server.requests[0].body == b"half.whole"
    writer.close()


@pytest.mark.parametrize("stream", [True, False])
async def test_large_bodies_pass_both_ways(nginx: Nginx, upstream: Start, stream: bool) -> None:
    async def back(request: Request, _writer: asyncio.StreamWriter) -> bytes:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(request.body)}\r\n\r\n"
        return head.encode() + request.body

    server = await upstream("big", back)
    await nginx.put(doc("a", [entry("a-1", server.port, 0)], stream=stream))
    body = bytes(range(256)) * 40_000
    answer = await nginx.get(method="POST", body=body)
    assert answer.status == 200
    assert answer.body == body


async def test_a_body_over_the_bound_is_413(nginx: Nginx, upstream: Start) -> None:
    server = await upstream()
    await nginx.put(doc("a", [entry("a-1", server.port, 0)]))
    reader, writer = await ask(
        nginx,
        f"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: {(64 << 20) + 1}\r\n\r\n",
    )
    assert (await read_answer(reader)).status == 413
    writer.close()
    assert server.requests == []


async def test_one_client_connection_serves_many_requests(nginx: Nginx, upstream: Start) -> None:
    server = await upstream("again")
    await nginx.put(doc("a", [entry("a-1", server.port, 0)]))
    reader, writer = await ask(nginx, "")
    for _ in range(50):
        writer.write(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
        assert (await read_answer(reader)).text == "again"
    writer.close()
    assert (await nginx.counters("a"))["a-1"]["requests"] == 50


async def test_chunked_answers_pass(nginx: Nginx, upstream: Start) -> None:
    async def chunked(_request: Request, _writer: asyncio.StreamWriter) -> bytes:
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"

    server = await upstream("c", chunked)
    await nginx.put(doc("a", [entry("a-1", server.port, 0)]))
    assert (await nginx.get()).text == "abc"
    assert ok("x").startswith(b"HTTP/1.1 200")


async def test_large_headers_pass_both_ways(nginx: Nginx, upstream: Start) -> None:
    """Node takes 16 KiB, Tomcat gives 8 KiB: what a server can say must not end in a 502."""

    async def echo(request: Request, writer: asyncio.StreamWriter) -> bytes:
        large = request.headers["x-large"]
        head = f"HTTP/1.1 200 OK\r\nX-Large: {large}\r\nContent-Length: 0\r\n\r\n"
        writer.write(head.encode())
        return b""

    server = await upstream("large", echo)
    await nginx.put(doc("a", [entry("a-1", server.port, 0)]))
    for method in ("GET", "POST"):
        large = "x" * 15_000
        head = f"{method} / HTTP/1.1\r\nHost: shop.localhost\r\nX-Large: {large}\r\n"
        reader, writer = await ask(nginx, f"{head}Content-Length: 0\r\n\r\n")
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in answer.split(b"\r\n")[0]
        assert large.encode() in answer
        writer.close()


async def test_the_clients_connection_stays_whatever_way_a_request_goes(
    nginx: Nginx, upstream: Start
) -> None:
    server = await upstream("kept")
    dead = free_port()
    kinds: list[tuple[str, int, dict[str, Any]]] = [
        ("plain", server.port, {}),
        ("sticky", server.port, {"sticky": "way"}),
        ("stream", server.port, {"stream": True}),
        ("dead", dead, {}),
        ("empty", 0, {"hold": 0.05}),
    ]
    for name, port, more in kinds:
        entries = [entry(f"{name}-1", port, 40 + len(name))] if port else []
        await nginx.put(doc(name, entries, route(f"{name}.localhost"), **more))
    stripped = route("strip.localhost", "/x", strip=True)
    await nginx.put(doc("strip", [entry("strip-1", server.port, 7)], stripped))
    expected = {"plain": 200, "sticky": 200, "stream": 200, "strip": 200, "dead": 502, "empty": 503}
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
    for name, status in {**expected, "unknown": 404}.items():
        writer.write(f"GET /x HTTP/1.1\r\nHost: {name}.localhost\r\n\r\n".encode())
        answer = await read_answer(reader)
        assert (name, answer.status) == (name, status)
        assert (name, answer.headers["connection"]) == (name, "keep-alive")
    writer.close()
    counted = (await nginx.counters("dead"))["dead-1"]
    assert (counted["requests"], counted["failures"], counted["in_flight"]) == (1, 1, 0)
    log = nginx.errors()
    assert "no live upstreams" not in log
    assert f"no endpoint answered: 127.0.0.1:{dead}" in log
