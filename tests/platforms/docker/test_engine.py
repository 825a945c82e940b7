"""The client against servers that answer as they should not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given

from fairlead.core.errors import BadInput, PlatformError
from fairlead.platforms.docker.address import choose, connector
from fairlead.platforms.docker.engine import Call, Engine, EngineAway, Refused, negotiate
from tests.docker_engine import PrivateEngine
from tests.platforms.docker.shapes import ABSURD

VERSION = b'{"ApiVersion": "1.41", "MinAPIVersion": "1.12"}'
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


def answer(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[str]:
    """The address of a server whose connections are all closed in the end."""
    served: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        try:
            await serve(reader, writer)
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*served)


@asynccontextmanager
async def engine(reply: bytes, *, version: bytes = VERSION) -> AsyncIterator[tuple[Engine, list]]:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(answer(version) if asked[-1].startswith(b"GET /version") else reply)
        writer.write_eof()
        await reader.read()

    async with listening(serve) as host:
        yield Engine(host), asked


async def test_paths_begin_with_the_version_that_both_speak() -> None:
    async with engine(answer(b"[]")) as (asked_of, asked):
        assert await asked_of.ask(Call("GET", "/containers/json", {"all": "1"})) == []
        assert asked[1] == b"GET /v1.41/containers/json?all=1 HTTP/1.1"


@pytest.mark.parametrize(
    ("newest", "oldest", "prefix"),
    [
        ("1.41", "1.12", "/v1.41"),
        ("1.50", "1.24", "/v1.41"),
        ("1.52", "1.44", "/v1.44"),
        ("1.30", None, "/v1.30"),
    ],
)
def test_versions_old_and_new(newest: str, oldest: str | None, prefix: str) -> None:
    assert negotiate({"ApiVersion": newest, "MinAPIVersion": oldest}) == prefix


@given(ABSURD)
def test_what_is_no_version_is_refused(value: Any) -> None:
    with pytest.raises(PlatformError, match=r"1\.25"):
        negotiate({"ApiVersion": value})


async def test_an_error_is_told_in_the_engines_words() -> None:
    reply = answer(b'{"message": "No such\\u0007 container: x"}', "404 Not Found")
    async with engine(reply) as (asked_of, _):
        with pytest.raises(Refused, match=r"No such\? container: x") as caught:
            await asked_of.ask(Call("GET", "/containers/x/json"))
        assert caught.value.status == 404


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (answer(b"{"), "cannot be read"),
        (answer(b"[" * 50_000), "cannot be read"),
        (answer(b"x" * 70_000), "larger than 60000 bytes"),
        (b"SSH-2.0-OpenSSH\r\n", "connection broke"),
        (b"", "connection broke"),
        (answer(b"<html>", "502 Bad Gateway"), "<html>"),
        (answer(b"", "500 Oh"), "HTTP status 500"),
    ],
)
async def test_answers_that_are_none(reply: bytes, told: str) -> None:
    async with engine(reply) as (asked_of, _):
        with pytest.raises(PlatformError, match=told):
            await asked_of.ask(Call("GET", "/x", limit=60_000))


async def test_silence_is_an_engine_that_is_away() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(serve) as host:
        silent = Engine(host)
        silent.timeout = 0.05
        with pytest.raises(EngineAway, match="no answer in time"):
            await silent.ask(Call("GET", "/x"))


async def test_a_real_engine_of_debian_answers(docker_engine: PrivateEngine) -> None:
    assert isinstance(await Engine(docker_engine.host).ask(Call("GET", "/containers/json")), list)


def test_which_engine_is_meant() -> None:
    assert choose("unix:///a", {"DOCKER_HOST": "unix:///b"}) == "unix:///a"
    assert choose("", {"DOCKER_HOST": "unix:///b"}) == "unix:///b"
    assert choose("", {}) == "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    "host", ["unix:///run/docker.sock", "tcp://127.0.0.1:2375", "tcp://localhost:1/"]
)
def test_hosts_of_this_machine(host: str) -> None:
    connector(host)


@pytest.mark.parametrize(
    "host",
    ["ssh://me@there", "tcp://10.0.0.5:2375", "tcp://127.0.0.1", "tcp://127.0.0.1:0",
     "tcp://127.0.0.1:65536", "/run/docker.sock", "unix://run", "npipe:////./pipe/x", "\n"],
)  # fmt: skip
def test_other_hosts_are_refused(host: str) -> None:
    with pytest.raises(BadInput, match="unix:///PATH or tcp://127"):
        connector(host)
