"""Containers on their way out: told to stop, and cleared away, also across an engine's absence.

The engine itself sends SIGTERM and, when the time is up, SIGKILL; it goes on with that when the
connection that asked for it is gone.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from fairlead.core.errors import PlatformError
from fairlead.platforms.docker.engine import Call, Engine
from fairlead.platforms.docker.kept import Kept
from fairlead.platforms.docker.launch import clear_away

_GRACE = 15.0


class Ending:
    """Asks in the background. What an absent engine did not hear is asked again by `again`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._deadlines: dict[str, float] = {}
        self._to_clear: dict[str, bool] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def stop(self, kept: Kept, timeout: float) -> None:
        """Asked again, the earlier time holds. `timeout` in seconds."""
        key, deadline = kept.container.id, self._loop.time() + timeout
        if deadline < self._deadlines.get(key, math.inf):
            self._deadlines[key] = deadline
            self._begin(f"stop {key} {deadline}", self._stop(key, timeout))

    def again(self, stopping: tuple[Kept, ...]) -> None:
        """After the engine was away: of those that were told to stop these still run."""
        for kept in stopping:
            key = kept.container.id
            if kept.ended:
                continue
            left = self._deadlines.get(key, 0.0) - self._loop.time()
            self._begin(f"stop {key} again", self._stop(key, max(0.0, left)))
        for name, force in tuple(self._to_clear.items()):
            self.clear(name, force=force)

    def clear(self, name: str, *, force: bool = False) -> asyncio.Task[None]:
        self._to_clear[name] = force
        return self._begin(f"clear {name}", self._clear(name, force=force))

    def stopped(self, container_id: str) -> None:
        """It has ended: another run of it is another matter."""
        self._deadlines.pop(container_id, None)

    async def cleared(self) -> None:
        """Wait until nothing is being cleared away, but not for an engine that hangs."""
        clearing = [task for key, task in self._tasks.items() if key.startswith("clear ")]
        if clearing:
            await asyncio.wait(clearing, timeout=_GRACE)

    async def close(self) -> None:
        """Clearing away is waited for, the end of what was told to stop is not."""
        await self.cleared()
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, key: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        earlier = self._tasks.get(key)
        if earlier:
            earlier.cancel()
        task = self._tasks[key] = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._done(key, done))
        return task

    def _done(self, key: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]

    async def _stop(self, container_id: str, timeout: float) -> None:
        """The engine takes whole seconds."""
        query = {"t": str(math.ceil(timeout))}
        call = Call("POST", f"/containers/{container_id}/stop", query, timeout=timeout + _GRACE)
        with suppress(PlatformError):  # gone already, or an engine that is away: see `again`
            await self._engine.send(call)

    async def _clear(self, name: str, *, force: bool) -> None:
        with suppress(PlatformError):
            await clear_away(self._engine, name, force=force)
            self._to_clear.pop(name, None)
