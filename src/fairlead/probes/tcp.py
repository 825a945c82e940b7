"""A TCP check: it passes when the connection is accepted."""

from __future__ import annotations

import asyncio
import errno
import socket

from fairlead.core.model import Endpoint, HealthCheck
from fairlead.probes import reason


class TcpProbe:
    """Connects and closes; nothing is sent."""

    async def probe(self, check: HealthCheck, endpoint: Endpoint) -> str:
        try:
            async with asyncio.timeout(check.timeout):
                (await connect(endpoint)).close()
        except TimeoutError:
            return reason.of_timeout(check.timeout)
        except OSError as error:
            return reason.of_os_error(error)
        return ""


async def connect(endpoint: Endpoint) -> socket.socket:
    """A non-blocking socket, connected to the endpoint. OSError when it cannot be.

    A plain socket: a stream costs some turns of the event loop more, at each of fifty checks a
    second while an endpoint starts.
    """
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, (endpoint.address, endpoint.port))
        _refuse_itself(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_itself(connection: socket.socket) -> None:
    """A connection to a free loopback port of the ephemeral range can meet itself (TCP's
    simultaneous open, RFC 9293 section 3.5): nobody listens there."""
    if connection.getsockname() == connection.getpeername():
        raise ConnectionRefusedError(errno.ECONNREFUSED, "connected to itself")
