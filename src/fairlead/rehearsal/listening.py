"""Where the local ECS answers."""

from __future__ import annotations

import errno
import os
import socket

import uvicorn
from starlette.applications import Starlette

from fairlead.core.errors import BadInput, Busy
from fairlead.serving import serve_on

GRACE = 2
"""Seconds that requests in flight have to end."""


def bind(listen: str) -> socket.socket:
    """BadInput when it is no `address:port`, Busy when it cannot be had."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise BadInput(f"listen {listen!r}: give address:port")
    try:
        listener = socket.create_server((host, int(port)), backlog=128)
    except OSError as error:
        raise Busy(f"cannot listen on {listen}: {_why(error)}") from error
    listener.setblocking(False)
    return listener


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "something listens there already: give --listen another port, or end that one"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address"
    return os.strerror(error.errno) if error.errno else str(error)


async def serve(application: Starlette, listener: socket.socket) -> uvicorn.Server:
    """Serving from here on, until it is shut down."""
    return await serve_on(application, listener, GRACE)
