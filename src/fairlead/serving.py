"""An HTTP application served in the loop of whoever starts it.

uvicorn is driven by its startup and shutdown alone: its main loop wakes ten times a second and
takes the process's signals, and nobody here wants either.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

IDLE_TIMEOUT = 30
"""Seconds that an idle client connection is kept."""
HEAD_TIMEOUT = 10.0
"""Seconds that the head of a request may take, from the connection's or the head's first byte."""


class Bounded(H11Protocol):
    """Hangs up on who does not say in time what it wants, and, without an answer, on who comes when
    there are twice as many as are served: uvicorn alone keeps both for ever."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.limit_concurrency and len(self.connections) > 2 * self.limit_concurrency:
            transport.abort()
        self._time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._time()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop()

    def _time(self) -> None:
        if self._in_request():
            self._stop()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_TIMEOUT, self._hang_up)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _hang_up(self) -> None:
        self._late = None
        if not self._in_request():
            self.transport.abort()

    def _in_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete


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
        http=Bounded,
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
