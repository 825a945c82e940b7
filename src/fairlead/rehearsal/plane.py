"""The control plane: places tasks, has them run and stopped, and lets the scheduler know."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fairlead.core.ecs.model import (
    STOPPED,
    Constraint,
    Container,
    Definition,
    Interface,
    Strategy,
    Task,
    Wire,
)
from fairlead.core.ecs.placement import Unplaced, Wanted, less, place
from fairlead.rehearsal.ledger import Cluster
from fairlead.rehearsal.life import Life, Site
from fairlead.rehearsal.rooms import rooms


@dataclass(frozen=True, slots=True)
class Order:
    """Tasks to start. `service` and `deployment` are empty for tasks of none."""

    definition: Definition
    group: str
    service: str = ""
    deployment: str = ""
    started_by: str = ""
    constraints: Sequence[Constraint] = ()
    strategies: Sequence[Strategy] = ()
    overrides: Wire | None = None


class Plane:
    """`wake` calls the scheduler."""

    def __init__(self, site: Site, chance: random.Random) -> None:
        self.site, self.ledger = site, site.ledger
        self.chance, self.wake = chance, _nobody
        self._lives: dict[str, Life] = {}
        self._running: set[asyncio.Task[None]] = set()
        self.faults: list[BaseException] = []

    def start(
        self, cluster: Cluster, order: Order, count: int
    ) -> tuple[list[Task], Unplaced | None]:
        """Place and start so many tasks; those that were placed, and why no more were."""
        left = rooms(self.ledger, cluster)
        peers = Counter(
            t.instance for t in cluster.living() if t.group == order.group and t.desired != STOPPED
        )
        started: list[Task] = []
        for _ in range(count):
            wanted = Wanted(
                order.definition, order.group, order.constraints, order.strategies, peers
            )
            chosen = place(list(left.values()), wanted, self.chance)
            if isinstance(chosen, Unplaced):
                return started, chosen
            left[chosen.arn] = less(left[chosen.arn], order.definition)
            peers[chosen.arn] += 1
            started.append(self._begin(cluster, order, chosen.arn))
        return started, None

    def start_on(self, cluster: Cluster, order: Order, node: str) -> Task | Unplaced:
        """One task on this very node (ARN), as daemon services have it."""
        wanted = Wanted(order.definition, order.group, order.constraints)
        chosen = place([rooms(self.ledger, cluster)[node]], wanted, self.chance)
        return chosen if isinstance(chosen, Unplaced) else self._begin(cluster, order, node)

    def stop(self, arn: str, code: str, reason: str) -> None:
        if life := self._lives.get(arn):
            life.stop(code, reason)

    async def close(self) -> None:
        """End all tasks at once."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        await self.site.runtime.close()

    def _begin(self, cluster: Cluster, order: Order, node: str) -> Task:
        definition = order.definition
        task = Task(
            arn=self.ledger.new_arn("task", cluster),
            definition=definition.arn,
            instance=node,
            group=order.group,
            containers=tuple(
                Container(secrets.token_hex(16), each.name) for each in definition.containers
            ),
            cpu=definition.cpu,
            memory=definition.memory,
            service=order.service,
            deployment=order.deployment,
            started_by=order.started_by,
            overrides=order.overrides or {},
            created=self.ledger.now(),
        )
        if definition.network == "awsvpc":
            task = replace(task, interface=Interface(secrets.token_hex(16)), last="PROVISIONING")
        self.ledger.put(cluster, task)
        self._live(cluster, task, definition)
        return task

    def _live(self, cluster: Cluster, task: Task, definition: Definition) -> None:
        life = self._lives[task.arn] = Life(self.site, cluster, task, definition)
        running = asyncio.create_task(life.run(), name=f"task {task.id}")
        self._running.add(running)
        running.add_done_callback(lambda done: self._over(task.arn, done))

    def _over(self, arn: str, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        del self._lives[arn]
        if not running.cancelled() and (fault := running.exception()):
            self.faults.append(fault)
        self.wake()


def _nobody() -> None:
    """Until there is a scheduler."""


Wake = Callable[[], None]
