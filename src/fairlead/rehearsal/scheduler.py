"""The service scheduler: brings every service one step nearer to what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from fairlead.rehearsal.ledger import Change, Cluster
from fairlead.rehearsal.model import (
    ACTIVE,
    DRAINING,
    INACTIVE,
    STOPPED,
    UNHEALTHY,
    Deployment,
    Service,
    Task,
)
from fairlead.rehearsal.placement import Unplaced, Wanted, obstacle, room
from fairlead.rehearsal.plane import Order, Plane
from fairlead.rehearsal.rolling import Member, Step, bounds, daemon_step, step

EVERY = 1.0
"""Seconds between passes when nothing wakes it."""
AGAIN = 60.0
"""Seconds until a service says again what it has said last."""
SHORT_LIVED, LONGEST = 10.0, 60.0
"""Tasks that end sooner are started again with growing pauses, up to the longest."""
SICK = "Task failed container health checks"


class Scheduler:
    """Woken by whatever changes; a pass is over all services."""

    def __init__(self, plane: Plane) -> None:
        self._plane, self._ledger = plane, plane.ledger
        self._news = asyncio.Event()
        self._short: dict[tuple[str, str], int] = {}
        self._not_before: dict[tuple[str, str], float] = {}
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
        if isinstance(change, Task) and change.last == STOPPED and change.service:
            self._count(cluster, change)
        self._news.set()

    def _step(self, cluster: Cluster, service: Service, tasks: list[Task]) -> None:
        if service.status == DRAINING and not tasks:
            self._ledger.put(cluster, replace(service, status=INACTIVE, events=service.events))
            return
        tasks = [task for task in tasks if task.desired != STOPPED]
        self._stop_sick(tasks)
        tasks = [task for task in tasks if cluster.tasks[task.arn].desired != STOPPED]
        members = [self._member(cluster, service, task) for task in tasks]
        if service.daemon:
            self._step_daemon(cluster, service, members)
        else:
            self._step_replica(cluster, service, members)
        self._settle(cluster, service.name)

    def _stop_sick(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.health == UNHEALTHY:
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
        self._say(cluster, service, f"has stopped {_tasks('running ', following.stop)}.")

    def _start(self, cluster: Cluster, service: Service, count: int) -> None:
        if not count or self._waits(cluster, service):
            return
        started, unplaced = self._plane.start(cluster, self._order(service), count)
        self._told_started(cluster, service, [task.arn for task in started])
        if unplaced:
            self._say(cluster, service, unplaced.message)

    def _told_started(self, cluster: Cluster, service: Service, arns: list[str]) -> None:
        if arns:
            self._say(cluster, service, f"has started {_tasks('', arns)}.")

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
            if service.status == ACTIVE
            and node.status == ACTIVE
            and _may(room_of=node, wanted=wanted)
        }
        kept = _with_others(cluster)
        self._stop(cluster, service, daemon_step(nodes, members, kept))
        if service.desired != len(nodes):
            self._put(cluster, service.name, desired=len(nodes))
        if not self._waits(cluster, service):
            held = {t.instance for t in cluster.of_service(service.name)}
            self._start_on(cluster, service, sorted(nodes - held), order)

    def _start_on(self, cluster: Cluster, service: Service, nodes: list[str], order: Order) -> None:
        arns = []
        for node in nodes:
            begun = self._plane.start_on(cluster, order, node)
            if isinstance(begun, Unplaced):
                self._say(cluster, service, begun.message)
            else:
                arns.append(begun.arn)
        self._told_started(cluster, service, arns)

    def _settle(self, cluster: Cluster, name: str) -> None:
        """A deployment is completed when its tasks are all there is."""
        service = cluster.services[name]
        tasks = [task for task in cluster.of_service(name) if task.desired != STOPPED]
        own = [task for task in tasks if task.deployment == service.primary.id]
        there = len(tasks) == len(own) == service.desired and all(task.is_up for task in own)
        self._drop_old(cluster, service, tasks)
        if there and service.status == ACTIVE:
            self._completed(cluster, service.name)

    def _drop_old(self, cluster: Cluster, service: Service, tasks: list[Task]) -> None:
        used = {task.deployment for task in tasks}
        kept = tuple(d for d in service.deployments if d is service.primary or d.id in used)
        if kept != service.deployments:
            self._put(cluster, service.name, deployments=kept)

    def _completed(self, cluster: Cluster, name: str) -> None:
        service = cluster.services[name]
        deployment = service.primary
        if deployment.rollout == "IN_PROGRESS":
            told = f"ECS deployment {deployment.id} completed."
            done = self._moved(deployment, rollout="COMPLETED", reason=told)
            self._put(cluster, name, deployments=(done, *service.deployments[1:]))
            self._say(cluster, service, f"(deployment {deployment.id}) deployment completed.")
        elif service.events and "steady state" in service.events[0].message:
            return
        self._say(cluster, service, "has reached a steady state.")

    def _moved(self, deployment: Deployment, **changes: str | int) -> Deployment:
        return replace(deployment, updated=self._ledger.now(), **changes)  # type: ignore[arg-type]

    def _count(self, cluster: Cluster, task: Task) -> None:
        """Tasks that do not stay hold up those that follow them, and may end a deployment."""
        key = (cluster.name, task.service)
        if task.stop_code not in ("TaskFailedToStart", "EssentialContainerExited"):
            if task.reason == SICK:
                self._failed(cluster, task)
            return
        lived = (task.stopped or 0) - (task.started or task.stopped or 0)
        if lived >= SHORT_LIVED:
            self._short.pop(key, None)
            return
        count = self._short[key] = self._short.get(key, 0) + 1
        pause = min(0.25 * 2**count, LONGEST)
        self._not_before[key] = self._ledger.now() + pause
        if task.started is None or lived < SHORT_LIVED:
            self._failed(cluster, task)

    def _failed(self, cluster: Cluster, task: Task) -> None:
        service = cluster.services.get(task.service)
        if service is None or task.deployment != service.primary.id:
            return
        deployment = self._moved(service.primary, failed=service.primary.failed + 1)
        self._put(cluster, service.name, deployments=(deployment, *service.deployments[1:]))
        limit = min(200, max(3, -(-service.desired // 2)))
        if service.breaker and deployment.rollout == "IN_PROGRESS" and deployment.failed >= limit:
            self._break(cluster, service.name)

    def _break(self, cluster: Cluster, name: str) -> None:
        service = cluster.services[name]
        failed = self._moved(
            service.primary,
            rollout="FAILED",
            reason="ECS deployment circuit breaker: tasks failed to start.",
        )
        self._put(cluster, name, deployments=(failed, *service.deployments[1:]))
        self._say(
            cluster, service, f"(deployment {failed.id}) deployment failed: tasks failed to start."
        )
        if service.rollback and len(service.deployments) > 1:
            back = self._moved(service.deployments[1], status="PRIMARY", rollout="IN_PROGRESS", failed=0,
                               reason="ECS deployment circuit breaker: rolling back.")  # fmt: skip
            old = (replace(failed, status="ACTIVE"), *service.deployments[2:])
            self._put(cluster, name, deployments=(back, *old))

    def _waits(self, cluster: Cluster, service: Service) -> bool:
        if service.breaker and service.primary.rollout == "FAILED":
            return True
        return self._not_before.get((cluster.name, service.name), 0.0) > self._ledger.now()

    def _put(self, cluster: Cluster, name: str, **changes: object) -> None:
        changed = replace(cluster.services[name], **changes)  # type: ignore[arg-type]
        cluster.services[name] = changed

    def _say(self, cluster: Cluster, service: Service, message: str) -> None:
        """The same words are not said again within a minute."""
        known = cluster.services[service.name].events
        whole = f"(service {service.name}) {message}"
        said = next((each for each in known if each.message == whole), None)
        if said is None or said is not known[0] or said.at + AGAIN < self._ledger.now():
            if said and "unable to place" in message and said.at + AGAIN > self._ledger.now():
                return
            self._ledger.say(cluster, service.name, message)


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


def _may(room_of: object, wanted: Wanted) -> bool:
    """Whether a daemon's task belongs on the node: room is no question of that."""
    found = obstacle(room(room_of), wanted)  # type: ignore[arg-type]
    return found is None or found.code.startswith("RESOURCE")


def _tasks(kind: str, arns: Iterable[str]) -> str:
    ids = [arn.rpartition("/")[2] for arn in arns]
    listed = " ".join(f"(task {each})" for each in ids)
    return f"{len(ids)} {kind}tasks: {listed}"
