"""Serves the API on the daemon's unix socket, in the daemon's own loop.

uvicorn is driven by its startup and shutdown alone: its main loop wakes ten times a second and
takes the process's signals, and the daemon wants neither.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn

from fairlead.api.app import create_app
from fairlead.api.control import Control
from fairlead.api.unix import listen

MAX_CONNECTIONS = 64
IDLE_TIMEOUT = 30
"""Seconds that an idle client connection is kept."""
GRACE = 5
"""Seconds that requests in flight have to end when the daemon does."""


@asynccontextmanager
async def serve(control: Control, path: Path) -> AsyncIterator[None]:
    """Answer API requests at `path` for as long as the context lasts.

    Busy when a living daemon has the socket. Requests in flight at the end are answered, followed
    event streams are ended, and the socket is removed.
    """
    listener = listen(path)
    inode = _inode(path)
    closing = asyncio.Event()
    server = await _start(control, listener, closing)
    try:
        yield
    finally:
        closing.set()
        _remove(path, inode)
        await server.shutdown(sockets=[listener])


async def _start(
    control: Control, listener: socket.socket, closing: asyncio.Event
) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(control, closing),
        http="h11",
        ws="none",
        lifespan="off",
        loop="none",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=IDLE_TIMEOUT,
        timeout_graceful_shutdown=GRACE,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    return server


def _inode(path: Path) -> int:
    return path.lstat().st_ino


def _remove(path: Path, inode: int) -> None:
    """A socket that a later daemon has put there is not ours to remove."""
    with suppress(FileNotFoundError):
        if _inode(path) == inode:
            path.unlink()
