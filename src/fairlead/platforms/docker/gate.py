"""The engine's word beside fairlead's own checks.

Docker's userland proxy accepts connections at a published port as soon as the container starts,
whether or not anybody listens inside, and hangs up when nobody does. So a TCP check alone proves
nothing there: what passes has to stay connected for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fairlead.core.model import CheckKind, Endpoint, HealthCheck
from fairlead.ports import Prober

STAYS = 0.02
"""Seconds. The proxy learns within a millisecond that a port on this machine's bridge is closed."""
HUNG_UP = "accepts and hangs up: nothing listens inside the container"


class GatedProber:
    """Implements ports.Prober over another one; `gate` is DockerPlatform.gate."""

    def __init__(self, prober: Prober, gate: Callable[[str], str]) -> None:
        self._prober, self._gate = prober, gate

    async def probe(self, check: HealthCheck, endpoint: Endpoint) -> str:
        if held := self._gate(endpoint.id):
            return held
        problem = await self._prober.probe(check, endpoint)
        if problem or check.kind is not CheckKind.TCP:
            return problem
        return await hangs_up(endpoint)


async def hangs_up(endpoint: Endpoint) -> str:
    """Empty when a new connection stays open for a moment, or is greeted."""
    try:
        reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
    except OSError as error:
        return f"cannot connect: {error.strerror or error}"
    try:
        async with asyncio.timeout(STAYS):
            return "" if await reader.read(1) else HUNG_UP
    except TimeoutError:
        return ""
    except OSError:
        return HUNG_UP
    finally:
        writer.transport.abort()
