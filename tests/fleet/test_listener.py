"""The controller's listener against who may not come in, comes too often, or never says a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from websockets.exceptions import InvalidHandshake, InvalidStatus

from fairlead.fleet import server as under_test
from fairlead.fleet.messages import Report, encode
from fairlead.fleet.server import PATH, Gate, serve_agents
from tests.fleet.ground import Heard
from tests.fleet.test_server import TOKEN, Served, ended, greeted
from tests.ground import free_port, until

HEAD = (
    f"GET {PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
).encode()
SECOND = b"Bearer x\r\nAuthorization: Bearer " + TOKEN.encode()


@dataclass
class Caller:
    """A connection that says what it is told to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def hung_up(self) -> bytes:
        """All that it was answered until its end."""
        async with asyncio.timeout(20):
            with suppress(ConnectionResetError, BrokenPipeError):
                return await self.reader.read()
        return b""


@asynccontextmanager
async def calling(port: int, said: bytes = b"") -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionResetError, BrokenPipeError):
            await writer.wait_closed()


@asynccontextmanager
async def serving(token: str = TOKEN) -> AsyncIterator[Served]:
    made = Served(Heard(), free_port())
    gate = Gate(token, lambda: made.epoch)
    async with serve_agents(made.heard.fleet, f"127.0.0.1:{made.port}", gate):
        yield made


@pytest.mark.parametrize(
    "given",
    [
        None,
        b"",
        b"Bearer",
        b"Bearer ",
        TOKEN.encode(),
        b"Basic " + TOKEN.encode(),
        b"Bearer " + TOKEN[:-1].encode(),
        b"Bearer " + TOKEN.encode() + b"x",
        b"Bearer " + TOKEN.encode() * 200,
        b"Bearer " + TOKEN[:-1].encode() + "\u00e9".encode(),
        b"Bearer \xff\xfe",
        SECOND,
    ],
)
async def test_who_does_not_show_the_token_and_it_alone_stays_outside(given: bytes | None) -> None:
    header = b"" if given is None else b"Authorization: " + given + b"\r\n"
    async with serving() as served, calling(served.port, HEAD + header + b"\r\n") as caller:
        answer = await caller.hung_up()
        assert answer.startswith(b"HTTP/1.1 401 "), answer
        assert not served.heard.fleet.roster.agents
        async with served.open() as agent:
            await greeted(agent)


async def test_a_token_that_is_not_asked_for_does_no_harm() -> None:
    async with serving("") as served, served.open("whatever") as agent:
        await greeted(agent)
        assert served.heard.fleet.roster.agents


@pytest.mark.parametrize("said", [b"", b"GET /v1/agents HT", HEAD])
async def test_a_handshake_that_does_not_come_to_its_end_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(under_test, "GREETING", 0.1)
    async with serving() as served, calling(served.port, said) as caller:
        assert b"101 Switching" not in await caller.hung_up()


async def test_one_that_was_let_in_and_says_no_hello_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(under_test, "GREETING", 0.2)
    async with serving() as served, served.open() as silent:
        await ended(silent)
        assert not served.heard.fleet.roster.agents


async def test_who_says_nothing_does_not_keep_out_agents_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(under_test, "MOST_WAITING", 3)
    async with serving() as served, AsyncExitStack() as stack:
        agent = await stack.enter_async_context(served.open())
        await greeted(agent)
        idle = [await stack.enter_async_context(calling(served.port)) for _ in range(3)]
        async with calling(served.port) as too_many:
            assert await too_many.hung_up() == b"", "not even an answer"
        assert not any(each.reader.at_eof() for each in idle)
        await agent.send(encode(Report(0, problem="is heard")), text=True)
        await until(lambda: served.heard.fleet.roster.agents["n1"].problem)
        idle[0].writer.close()
        await until(lambda: _comes_in(served, "n2"))


async def _comes_in(served: Served, node: str) -> bool:
    try:
        async with served.open() as agent:
            await greeted(agent, node=node)
    except (OSError, InvalidHandshake):
        return False
    return True


async def test_no_more_agents_than_so_many_are_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "MOST_AGENTS", 2)
    async with serving() as served:
        async with served.open() as one, served.open() as two:
            await greeted(one, node="n1")
            await greeted(two, node="n2")
            with pytest.raises(InvalidStatus) as refused:
                async with served.open():
                    pass
            assert refused.value.response.status_code == 503
            assert {agent.lost for agent in served.heard.fleet.roster} == {None}
        await until(lambda: _comes_in(served, "n3"))


async def test_a_message_in_pieces_is_no_larger_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "MOST_REPORT", 1000)
    async with serving() as served, served.open() as agent:
        await greeted(agent)
        with suppress(Exception):
            await agent.send(["x" * 400 for _ in range(10)])
        assert (await ended(agent))[0] == 1009


@pytest.mark.parametrize("more", [b"X: " + b"x" * 20_000 + b"\r\n", b"X: x\r\n" * 500])
async def test_a_head_that_is_too_large_is_hung_up_on(more: bytes) -> None:
    async with serving() as served, calling(served.port, HEAD + more + b"\r\n") as caller:
        assert b"101 Switching" not in await caller.hung_up()
        assert not served.heard.fleet.roster.agents
