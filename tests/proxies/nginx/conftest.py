"""A real nginx with fairlead's rendered configuration, and tiny upstream servers."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.ground import need_nginx
from tests.proxies.nginx.front import Nginx, Reply, Start, Upstream


@pytest.fixture
async def nginx() -> AsyncIterator[Nginx]:
    async with running_nginx() as server:
        yield server


@pytest.fixture
async def other() -> AsyncIterator[Nginx]:
    """The nginx of a second node."""
    async with running_nginx() as server:
        yield server


@asynccontextmanager
async def running_nginx() -> AsyncIterator[Nginx]:
    """One worker, nothing in the table. Errors that Lua raised fail the test."""
    need_nginx()
    with tempfile.TemporaryDirectory(prefix="fairlead-") as folder:  # a short path, for the socket
        server = Nginx(Path(folder))
        try:
            await server.start()
            yield server
        finally:
            await server.stop()
        assert "lua entry thread aborted" not in server.errors(), server.errors()
        assert "runtime error" not in server.errors(), server.errors()
        assert "failed to run" not in server.errors(), server.errors()


@pytest.fixture
async def upstream() -> AsyncIterator[Start]:
    """A function that starts upstreams: name, and what they reply."""
    started: list[Upstream] = []

    async def start(name: str = "a", reply: Reply | None = None) -> Upstream:
        server = Upstream(name, reply)
        await server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        await server.stop()
