"""A TCP check: it passes when the connection is accepted."""

from __future__ import annotations

import asyncio
import errno
from typing import TypeVar

from fairlead.core.model import Endpoint, HealthCheck
from fairlead.probes import reason

P = TypeVar("P", bound=asyncio.Protocol)


class TcpProbe:
    """Connects and closes; nothing is sent."""

    async def probe(self, check: HealthCheck, endpoint: Endpoint) -> str:
        try:
            async with asyncio.timeout(check.timeout):
                transport = await connect(endpoint, asyncio.Protocol())
        except TimeoutError:
            return reason.of_timeout(check.timeout)
        except OSError as error:
            return reason.of_os_error(error)
        transport.abort()
        return ""


async def connect(endpoint: Endpoint, protocol: asyncio.Protocol) -> asyncio.Transport:
    """A connection to the endpoint. OSError when there is none.

    A connection to a free loopback port in the ephemeral range can meet itself (TCP's simultaneous
    open, RFC 9293 section 3.5): nobody listens there, so it counts as refused.
    """
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: protocol, endpoint.address, endpoint.port)
    if transport.get_extra_info("sockname") == transport.get_extra_info("peername"):
        transport.abort()
        raise ConnectionRefusedError(errno.ECONNREFUSED, "connected to itself")
    return transport
