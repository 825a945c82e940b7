"""Starts nginx again when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fairlead.core.errors import FairleadError
from fairlead.ports import Journal
from fairlead.proxies.nginx.child import Child

STEADY = 10.0
"""An nginx that lived so long, in seconds, ends a row of failures."""
LONGEST_DELAY = 10.0


class Watch:
    """`revived` is awaited each time that nginx serves again after it died unasked."""

    def __init__(
        self, child: Child, journal: Journal, revived: Callable[[], Awaitable[None]]
    ) -> None:
        self._child, self._journal, self._revived = child, journal, revived
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """The child has started."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        failures = 0
        while True:
            began = _now()
            pid = await self._child.ended()
            failures = 0 if _now() - began >= STEADY else failures + 1
            self._journal.record("proxy-died", "", f"nginx ({pid}) died unasked")
            await self._revive(failures)

    async def _revive(self, failures: int) -> None:
        died = _now()
        begin = self._child.begin
        while True:
            await asyncio.sleep(_delay(failures))
            try:
                await begin()
                break
            except (FairleadError, OSError) as error:
                failures += 1
                again = f"the next try is in {_delay(failures):g} s"
                self._journal.record("proxy-died", "", f"nginx does not start: {error}; {again}")
                begin = self._child.begin_anew
        took = _now() - died
        back = f"nginx ({self._child.pid}) serves its last table again, {took:.2f} s after the end"
        self._journal.record("proxy-back", "", back)
        await self._revived()


def _delay(failures: int) -> float:
    """Seconds before the next start: none at first, then growing."""
    return min(0.1 * 2 ** (failures - 2), LONGEST_DELAY) if failures > 1 else 0.0


def _now() -> float:
    return asyncio.get_running_loop().time()
