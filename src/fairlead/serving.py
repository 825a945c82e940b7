"""An HTTP application served in the loop of whoever starts it.

uvicorn is driven by its startup and shutdown alone: its main loop wakes ten times a second and
takes the process's signals, and nobody here wants either.
"""

from __future__ import annotations

import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette

IDLE_TIMEOUT = 30
"""Seconds that an idle client connection is kept."""


class Server(uvicorn.Server):
    """Ends at once when nobody is connected; uvicorn alone gives nobody a tenth of a second."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
        else:
            for each in (*self.servers, *(sockets or ())):
                each.close()


async def serve_on(
    application: Starlette, listener: socket.socket, grace: int, **more: Any
) -> uvicorn.Server:
    """Serving from here on, until it is shut down; requests in flight then have `grace` seconds.

    `more` are further settings of uvicorn's.
    """
    if listener.family != socket.AF_UNIX:
        # asyncio does so itself, but not for sockets that do not name their protocol, as those of
        # socket.create_server: an answer's body would wait 40 ms for the client's delayed ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        application,
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
        timeout_keep_alive=IDLE_TIMEOUT,
        timeout_graceful_shutdown=grace,
        **more,
    )
    config.load()
    server = Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    return server
