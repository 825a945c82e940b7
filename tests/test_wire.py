"""The HTTP client against small real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from fairlead.core.errors import WireError
from fairlead.wire import Connection, Request, Response, unix

GET = Request("GET", "/")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


def answering(*answers: bytes, seen: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line[16:])
                    for line in head.split(b"\r\n")
                    if line.startswith(b"content-length")
                ),
                0,
            )
            if seen is not None:
                seen.append(head + await reader.readexactly(length))
            writer.write(answer)
        await writer.drain()

    return serve


async def ask(port: int, request: Request = GET, max_body: int = 100) -> Response:
    connection = await opened(port)
    try:
        return await connection.exchange(request, max_body)
    finally:
        connection.close()


async def opened(port: int) -> Connection:
    return await Connection.open(partial(asyncio.open_connection, "127.0.0.1", port))


async def test_one_answer_with_status_headers_and_body() -> None:
    answer = b"HTTP/1.1 503 No\r\nX-Why: tired\r\nContent-Length: 4\r\n\r\nsoon"
    async with server(answering(answer)) as port:
        response = await ask(port)
    assert (response.status, response.body, response.truncated) == (503, b"soon", False)
    assert ("x-why", "tired") in response.headers


async def test_sends_the_body_with_its_length() -> None:
    seen: list[bytes] = []
    async with server(answering(b"HTTP/1.1 204 No Content\r\n\r\n", seen=seen)) as port:
        request = Request("PUT", "/a", (("host", "b"),), b"hello")
        assert (await ask(port, request)).body == b""
    assert seen[0].startswith(b"PUT /a HTTP/1.1\r\n")
    assert b"content-length: 5\r\n" in seen[0].lower()
    assert seen[0].endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nabcde",
        b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
    ],
)
async def test_every_framing_of_a_body(answer: bytes) -> None:
    async with server(answering(answer)) as port:
        response = await ask(port)
    assert (response.status, response.body) == (200, b"abcde")


async def test_a_body_beyond_the_bound_is_cut() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"a" * 5000
    async with server(answering(answer)) as port:
        response = await ask(port, max_body=10)
    assert response.truncated
    assert response.body == b"a" * 10


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"SSH-2.0\r\n"]
)
async def test_anything_but_a_whole_answer_is_an_error(answer: bytes) -> None:
    async with server(answering(answer)) as port:
        with pytest.raises(WireError):
            await ask(port)


async def test_nobody_there(tmp_path: object) -> None:
    with pytest.raises(WireError, match="cannot connect"):
        await Connection.open(unix(f"{tmp_path}/none.sock"))


async def test_a_connection_is_used_again_until_the_server_closes_it() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
    last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n3"
    async with server(answering(ok + b"1", ok + b"2", last)) as port:
        connection = await opened(port)
        bodies, reusable = [], []
        for _ in range(3):
            bodies.append((await connection.exchange(GET, 10)).body)
            reusable.append(connection.reusable)
        connection.close()
    assert bodies == [b"1", b"2", b"3"]
    assert reusable == [True, True, False]


async def test_an_answer_without_an_end_comes_in_pieces() -> None:
    more = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await more.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
        await writer.drain()

    async with server(serve) as port:
        connection = await Connection.open(partial(asyncio.open_connection, "127.0.0.1", port))
        assert (await connection.begin(GET)).status == 200
        body = connection.body()
        assert await anext(body) == b"one"
        more.set()
        assert [piece async for piece in body] == [b"two"]
        connection.close()


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
async def test_a_stream_that_breaks_is_an_error(answer: bytes) -> None:
    async with server(answering(answer)) as port:
        connection = await Connection.open(partial(asyncio.open_connection, "127.0.0.1", port))
        with pytest.raises(WireError):
            await _read_all(connection)
        connection.close()


async def _read_all(connection: Connection) -> None:
    await connection.begin(GET)
    async for _ in connection.body():
        pass
