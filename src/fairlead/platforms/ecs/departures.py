"""Endpoints on their way out: one queue a service, so that no two retirements cross each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from fairlead.aws.pace import backoff
from fairlead.core.errors import PlatformError
from fairlead.platforms.ecs.retirement import Means, retire, stop

TRIES = 5


@dataclass(slots=True)
class _Queue:
    """`shrinking` ones take the count along. `failures` in a row; they outlast a queue."""

    shrinking: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    failures: int = 0
    worker: asyncio.Task[None] | None = None


class Departures:
    """`failed` is told the ECS service and why its tasks did not go: they stay then."""

    def __init__(self, means: Means, failed: Callable[[str, str], None]) -> None:
        self._means, self._failed = means, failed
        self._queues: dict[str, _Queue] = {}

    def add(self, service: str, arn: str, *, shrink: bool) -> None:
        """Returns at once; what is asked for while others go is done together, after them."""
        queue = self._queues.setdefault(service, _Queue())
        (queue.shrinking if shrink else queue.replaced).add(arn)
        self._means.memory.leave(arn, shrink=shrink)
        if queue.worker is None or queue.worker.done():
            queue.worker = asyncio.get_running_loop().create_task(self._work(service, queue))

    def busy(self) -> bool:
        return any(q.worker is not None and not q.worker.done() for q in self._queues.values())

    async def close(self) -> None:
        """Break off; protections are taken back, or expire."""
        workers = [q.worker for q in self._queues.values() if q.worker is not None]
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, service: str, queue: _Queue) -> None:
        """All that is in the queue, and that comes meanwhile."""
        while queue.shrinking or queue.replaced:
            shrinking, replaced = set(queue.shrinking), set(queue.replaced)
            try:
                for arn in sorted(replaced):
                    await stop(self._means, arn)
                if shrinking:
                    await retire(self._means, service, shrinking)
            except PlatformError as error:
                queue.failures += 1
                if queue.failures % TRIES:
                    await asyncio.sleep(backoff(queue.failures))
                    continue
                self._give_up(service, shrinking | replaced, str(error))
            except Exception as error:  # noqa: BLE001 - a fault of ours must not hold them for ever
                told = f"fairlead itself failed: {type(error).__name__}: {error}"
                self._give_up(service, shrinking | replaced, told)
            else:
                queue.failures = 0
            queue.shrinking -= shrinking
            queue.replaced -= replaced

    def _give_up(self, service: str, arns: set[str], why: str) -> None:
        for arn in arns:
            self._means.memory.stay(arn)
        self._failed(service, why)
