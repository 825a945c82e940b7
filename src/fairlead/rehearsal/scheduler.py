"""The service scheduler: brings every service one step nearer to what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from fairlead.core.ecs.model import ACTIVE, DRAINING, INACTIVE, STOPPED, UNHEALTHY, Instance, Task
from fairlead.core.ecs.placement import Unplaced, Wanted, obstacle, room
from fairlead.core.ecs.rolling import Member, Step, bounds, daemon_step, step
from fairlead.rehearsal.deployments import SICK, Deployments
from fairlead.rehearsal.ledger import Change, Cluster
from fairlead.rehearsal.plane import Order, Plane
from fairlead.rehearsal.service import Happening, Service

EVERY = 1.0
"""Seconds between passes when nothing wakes it."""


class Scheduler:
    """Woken by whatever changes; a pass is over all services."""

    def __init__(self, plane: Plane) -> None:
        self._plane, self._ledger = plane, plane.ledger
        self._news = asyncio.Event()
        self._deployments = Deployments(plane.ledger)
        plane.wake = self._news.set
        self._ledger.listeners.append(self._heard)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._news.clear()
            self.take_steps()
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._news.wait()

    def take_steps(self) -> None:
        self._ledger.forget_old()
        for cluster in self._ledger.clusters.values():
            tasks = _by_service(cluster)
            for service in list(cluster.services.values()):
                if service.status != INACTIVE:
                    self._step(cluster, service, tasks.get(service.name, []))

    def _heard(self, cluster: Cluster, change: Change) -> None:
        if isinstance(change, Task) and change.desired == STOPPED and change.service:
            self._deployments.count(cluster, change)
        if not isinstance(change, Happening):
            self._news.set()

    def _step(self, cluster: Cluster, service: Service, tasks: list[Task]) -> None:
        if service.status == DRAINING and not tasks:
            self._ledger.put(cluster, replace(service, status=INACTIVE))
            return
        tasks = [task for task in tasks if task.desired != STOPPED]
        self._stop_sick(cluster, service, tasks)
        tasks = [task for task in tasks if cluster.tasks[task.arn].desired != STOPPED]
        members = [self._member(cluster, service, task) for task in tasks]
        if service.daemon:
            self._step_daemon(cluster, service, members)
        else:
            self._step_replica(cluster, service, members)
        self._deployments.settle(cluster, service.name)

    def _stop_sick(self, cluster: Cluster, service: Service, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.health == UNHEALTHY:
                told = f"(task {task.id}) failed container health checks."
                self._deployments.say(cluster, service, told)
                self._plane.stop(task.arn, "ServiceSchedulerInitiated", SICK)

    def _member(self, cluster: Cluster, service: Service, task: Task) -> Member:
        node = cluster.instances[task.instance]
        current = task.deployment == service.primary.id and node.status == ACTIVE
        protected = task.protected_until > self._ledger.now()
        return Member(task.arn, node.arn, node.zone, current, task.is_up, protected, task.created)

    def _step_replica(self, cluster: Cluster, service: Service, members: list[Member]) -> None:
        limits = bounds(service.desired, service.minimum, service.maximum)
        following = step(limits, members, self._plane.chance)
        self._stop(cluster, service, following)
        self._start(cluster, service, following.start)

    def _stop(self, cluster: Cluster, service: Service, following: Step) -> None:
        if not following.stop:
            return
        reason = f"Scaling activity initiated by (deployment {service.primary.id})"
        for arn in following.stop:
            self._plane.stop(arn, "ServiceSchedulerInitiated", reason)
        self._deployments.say(
            cluster, service, f"has stopped {_tasks('running ', following.stop)}."
        )

    def _start(self, cluster: Cluster, service: Service, count: int) -> None:
        if not count or self._deployments.waits(cluster, service):
            return
        started, unplaced = self._plane.start(cluster, self._order(service), count)
        self._told_started(cluster, service, [task.arn for task in started])
        if unplaced:
            self._deployments.cannot_place(cluster, service, unplaced)

    def _told_started(self, cluster: Cluster, service: Service, arns: list[str]) -> None:
        if arns:
            self._deployments.say(cluster, service, f"has started {_tasks('', arns)}.")

    def _order(self, service: Service) -> Order:
        deployment = service.primary
        return Order(
            self._ledger.definition(deployment.definition),
            f"service:{service.name}",
            service.name,
            deployment.id,
            deployment.id,
            service.constraints,
            service.strategies,
        )

    def _step_daemon(self, cluster: Cluster, service: Service, members: list[Member]) -> None:
        order = self._order(service)
        wanted = Wanted(order.definition, order.group, order.constraints)
        nodes = {
            node.arn
            for node in cluster.instances.values()
            if service.status == ACTIVE and node.status == ACTIVE and _may(node, wanted)
        }
        kept = _with_others(cluster)
        self._stop(cluster, service, daemon_step(nodes, members, kept))
        if service.desired != len(nodes):
            self._deployments.put(cluster, service.name, desired=len(nodes))
        if not self._deployments.waits(cluster, service):
            held = {t.instance for t in cluster.of_service(service.name)}
            self._start_on(cluster, service, sorted(nodes - held), order)

    def _start_on(self, cluster: Cluster, service: Service, nodes: list[str], order: Order) -> None:
        arns = []
        for node in nodes:
            begun = self._plane.start_on(cluster, order, node)
            if isinstance(begun, Unplaced):
                self._deployments.cannot_place(cluster, service, begun)
            else:
                arns.append(begun.arn)
        self._told_started(cluster, service, arns)


def _by_service(cluster: Cluster) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = {}
    for task in cluster.living():
        if task.service:
            found.setdefault(task.service, []).append(task)
    return found


def _with_others(cluster: Cluster) -> set[str]:
    """Nodes being drained that still have tasks of other than daemon services."""
    daemons = {service.name for service in cluster.services.values() if service.daemon}
    return {
        task.instance
        for task in cluster.living()
        if task.service and task.service not in daemons
        and cluster.instances[task.instance].status == DRAINING
    }  # fmt: skip


def _may(node: Instance, wanted: Wanted) -> bool:
    """Whether a daemon's task belongs on the node: room is no question of that."""
    found = obstacle(room(node), wanted)
    return found is None or found.code.startswith("RESOURCE")


def _tasks(kind: str, arns: Iterable[str]) -> str:
    ids = [arn.rpartition("/")[2] for arn in arns]
    listed = " ".join(f"(task {each})" for each in ids)
    return f"{len(ids)} {kind}tasks: {listed}"
