"""Small real servers, and an endpoint at a port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from fairlead.core.model import Endpoint

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serving = Callable[[Handle], AbstractAsyncContextManager[Endpoint]]
At = Callable[..., Endpoint]


def _at(port: int, endpoint_id: str = "shop-1", service: str = "shop") -> Endpoint:
    return Endpoint(endpoint_id, service, "node", "127.0.0.1", port)


@asynccontextmanager
async def _serving(handle: Handle) -> AsyncIterator[Endpoint]:
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await handle(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield _at(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


@pytest.fixture
def at() -> At:
    return _at


@pytest.fixture
def serving() -> Serving:
    return _serving


@pytest.fixture
def open_files() -> Callable[[], int]:
    return lambda: len(list(Path("/proc/self/fd").iterdir()))
