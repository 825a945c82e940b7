from __future__ import annotations

import asyncio
import socket
import statistics
import time
from functools import partial

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fairlead.serving import serve_on
from fairlead.wire import Connection, Request
from tests.ground import until


async def answer(_: Asked) -> Response:
    return PlainTextResponse("here")


async def test_a_kept_connection_is_answered_without_waiting_for_a_delayed_ack() -> None:
    """Which a client's kernel sends 40 ms later, when the head of an answer came alone."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = await serve_on(Starlette(routes=[Route("/", answer)]), listener, 1)
    connection = await Connection.open(partial(asyncio.open_connection, "127.0.0.1", port))
    spans = []
    try:
        for _ in range(11):
            began = time.monotonic()
            response = await connection.exchange(Request("GET", "/", (("host", "x"),)), 1000)
            spans.append(time.monotonic() - began)
            assert response.body == b"here"
    finally:
        connection.close()
        await server.shutdown(sockets=[listener])
    assert statistics.median(spans) < 0.03


async def test_a_server_that_nobody_is_connected_to_ends_at_once() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = await serve_on(Starlette(routes=[Route("/", answer)]), listener, 1)
    with pytest.raises(StopIteration):
        server.shutdown(sockets=[listener]).send(None)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_server_that_ends_hangs_up_on_who_is_connected() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = await serve_on(Starlette(routes=[Route("/", answer)]), listener, 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await until(lambda: server.server_state.connections, "it is connected")
    await server.shutdown(sockets=[listener])
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
