"""The hooks' listener against who does not know the token, comes too often, or says too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from fairlead.api import server as under_test
from fairlead.api.server import serve_hooks
from fairlead.core.model import Hooks
from tests.ground import free_port, until

TASK, TOKEN = "4f0c1d7a9b1e4a70a1d2e3f405162738", "a-token-of-these-tests"
RIGHT = b"Bearer " + TOKEN.encode()


class Daemon:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def leave(self, task: str) -> dict[str, Any]:
        self.asked.append(task)
        return {"known": True, "in_flight": 0, "done": True}


class Listener:
    def __init__(self, daemon: Daemon, port: int) -> None:
        self.daemon, self.port = daemon, port

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(ConnectionResetError, BrokenPipeError):
                await writer.wait_closed()

    async def answer(self, given: bytes | None = RIGHT, more: bytes = b"") -> str:
        """The status of one request; empty when it was hung up on."""
        token = b"" if given is None else b"Authorization: " + given + b"\r\n"
        head = f"POST /v1/tasks/{TASK}/leave HTTP/1.1\r\nHost: x\r\n".encode()
        async with self.connected() as (reader, writer), asyncio.timeout(20):
            writer.write(head + token + more + b"Connection: close\r\n\r\n")
            with suppress(ConnectionResetError, BrokenPipeError):
                return (await reader.read())[9:12].decode()
            return ""


@pytest.fixture
async def listener(tmp_path: Path) -> AsyncIterator[Listener]:
    (tmp_path / "token").write_text(TOKEN)
    made = Listener(Daemon(), free_port())
    place = Hooks(f"127.0.0.1:{made.port}", str(tmp_path / "token"))
    async with serve_hooks(made.daemon, place):  # type: ignore[arg-type]
        yield made


@pytest.mark.parametrize(
    "given",
    [
        None,
        b"",
        RIGHT[:-1],
        RIGHT + b"x",
        b"Bearer " + TOKEN.encode() * 100,
        RIGHT[:-1] + "\u00e9".encode(),
        b"Bearer \xff\xfe",
        b"Bearer x\r\nAuthorization: " + RIGHT,
    ],
)
async def test_who_does_not_show_the_token_first_is_not_heard(
    listener: Listener, given: bytes | None
) -> None:
    assert await listener.answer(given) == "401"
    assert listener.daemon.asked == []
    assert await listener.answer() == "200"
    assert listener.daemon.asked == [TASK]


async def test_too_many_are_told_so_and_far_too_many_are_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(under_test, "MAX_CONNECTIONS", 3)
    made = Listener(Daemon(), free_port())
    async with (
        serve_hooks(made.daemon, Hooks(f"127.0.0.1:{made.port}")),  # type: ignore[arg-type]
        AsyncExitStack() as stack,
    ):
        assert await made.answer() == "200"
        idle = [await stack.enter_async_context(made.connected()) for _ in range(3)]
        assert await made.answer() == "503"
        idle += [await stack.enter_async_context(made.connected()) for _ in range(3)]
        assert await made.answer() == ""
        for _, writer in idle:
            writer.close()
        await until(lambda: _is_heard(made))


async def _is_heard(listener: Listener) -> bool:
    return await listener.answer() == "200"


async def test_a_head_that_is_too_large_is_refused(listener: Listener) -> None:
    assert await listener.answer(more=b"X: " + b"x" * 200_000 + b"\r\n") in ("400", "")
    assert listener.daemon.asked == []


async def test_a_body_that_nobody_wants_is_not_waited_for(listener: Listener) -> None:
    assert await listener.answer(more=b"Content-Length: 1000000000\r\n") == "200"
