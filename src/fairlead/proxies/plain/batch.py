"""Changes of many services at once, carried out together and not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fairlead.core.model import ServiceTable

GATHER = 0.02
"""Seconds that a round waits for further changes: those of one pass come together."""

Changes = Mapping[str, ServiceTable | None]
"""By service; None is for one that is to be forgotten."""


class Batch:
    """Rounds follow one another: the next one begins `debounce` seconds after the last has begun,
    and not before that has ended."""

    def __init__(self, debounce: float, carry_out: Callable[[Changes], Awaitable[None]]) -> None:
        self._debounce, self._carry_out = debounce, carry_out
        self._changes: dict[str, ServiceTable | None] = {}
        self._round: asyncio.Task[None] | None = None
        self._busy = asyncio.Lock()
        self._earliest = 0.0

    async def ask(self, service: str, table: ServiceTable | None) -> None:
        """Returns when a round has carried it out; raises what that raised."""
        self._changes[service] = table
        if self._round is None:
            self._round = asyncio.create_task(self._next())
            self._round.add_done_callback(_heard)
        await asyncio.shield(self._round)

    async def settled(self) -> None:
        """Wait until no round goes on; how it ends is for those to hear who asked."""
        if self._round is not None:
            await asyncio.wait([self._round])
        async with self._busy:
            pass

    async def _next(self) -> None:
        async with self._busy:
            now = asyncio.get_running_loop().time()
            await asyncio.sleep(max(GATHER, self._earliest - now))
            changes, self._changes, self._round = self._changes, {}, None
            self._earliest = asyncio.get_running_loop().time() + self._debounce
            await self._carry_out(changes)


def _heard(task: asyncio.Task[None]) -> None:
    """Whoever asked may be gone by now: then nobody else takes the error."""
    if not task.cancelled():
        task.exception()
