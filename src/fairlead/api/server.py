"""Serves the API on the daemon's unix socket, in the daemon's own loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from fairlead.api.app import create_app
from fairlead.api.control import Control
from fairlead.api.hooks import create_hooks
from fairlead.api.unix import listen
from fairlead.core.errors import Busy
from fairlead.core.model import Hooks
from fairlead.serving import serve_on
from fairlead.tokens import read_token

MAX_CONNECTIONS = 64
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
    server = await _start(create_app(control, closing), listener)
    try:
        yield
    finally:
        closing.set()
        _remove(path, inode)
        await server.shutdown(sockets=[listener])


@asynccontextmanager
async def serve_hooks(control: Control, hooks: Hooks) -> AsyncIterator[None]:
    """Answer the sidecars of tasks, where the settings say so. Busy when the address is taken."""
    if not hooks.listen:
        yield
        return
    app = create_hooks(control, read_token(hooks.token_file, "hooks"))
    listener = _listen(hooks.listen)
    server = await _start(app, listener)
    try:
        yield
    finally:
        await server.shutdown(sockets=[listener])


def _listen(place: str) -> socket.socket:
    host, _, port = place.rpartition(":")
    try:
        listener = socket.create_server((host, int(port)), backlog=MAX_CONNECTIONS)
    except OSError as error:
        raise Busy(f"cannot listen on {place} for hooks: {error.strerror or error}") from error
    listener.setblocking(False)
    return listener


async def _start(app: Starlette, listener: socket.socket) -> uvicorn.Server:
    bound = {"limit_concurrency": MAX_CONNECTIONS, "date_header": False}
    return await serve_on(app, listener, GRACE, **bound)


def _inode(path: Path) -> int:
    return path.lstat().st_ino


def _remove(path: Path, inode: int) -> None:
    """A socket that a later daemon has put there is not ours to remove."""
    with suppress(FileNotFoundError):
        if _inode(path) == inode:
            path.unlink()
