"""Deployments of services: completed, failed, rolled back, and what the service says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fairlead.core.ecs.model import ACTIVE, STOPPED, Task
from fairlead.core.ecs.placement import MORE, Unplaced
from fairlead.rehearsal.ledger import Cluster, Ledger
from fairlead.rehearsal.service import Deployment, Happening, Service

AGAIN = 60.0
"""Seconds until a service says again that it cannot place a task."""
SHORT_LIVED, LONGEST = 10.0, 60.0
"""Tasks that end sooner are started again with growing pauses, up to the longest (seconds)."""
IMPAIRED = 3
"""So many that do not stay, one after the other, and the service says so."""
SICK = "Task failed container health checks"
_FAILED = ("TaskFailedToStart", "EssentialContainerExited")


class Deployments:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._counted: set[str] = set()
        self._short: dict[tuple[str, str], int] = {}
        self._not_before: dict[tuple[str, str], float] = {}

    def settle(self, cluster: Cluster, name: str) -> None:
        """A deployment is completed when its tasks are all there is."""
        service = cluster.services[name]
        tasks = [task for task in cluster.of_service(name) if task.desired != STOPPED]
        own = [task for task in tasks if task.deployment == service.primary.id]
        there = len(tasks) == len(own) == service.desired and all(task.is_up for task in own)
        self._drop_old(cluster, service, tasks)
        if there and service.status == ACTIVE:
            self._complete(cluster, name)

    def _drop_old(self, cluster: Cluster, service: Service, tasks: list[Task]) -> None:
        used = {task.deployment for task in tasks}
        kept = tuple(d for d in service.deployments if d is service.primary or d.id in used)
        if kept != service.deployments and service.primary.rollout != "FAILED":
            self.put(cluster, service.name, deployments=kept)

    def _complete(self, cluster: Cluster, name: str) -> None:
        service = cluster.services[name]
        deployment = service.primary
        if deployment.rollout == "IN_PROGRESS":
            told = f"ECS deployment {deployment.id} completed."
            done = self._moved(deployment, rollout="COMPLETED", reason=told)
            self.put(cluster, name, deployments=(done, *service.deployments[1:]))
            self.say(cluster, service, f"(deployment {deployment.id}) deployment completed.")
            self._tell_of(cluster, service, "SERVICE_DEPLOYMENT_COMPLETED", done)
        elif service.events and "steady state" in service.events[0].message:
            return
        self.say(cluster, service, "has reached a steady state.")
        self._ledger.tell(cluster, Happening("SERVICE_STEADY_STATE", service.arn))

    def count(self, cluster: Cluster, task: Task) -> None:
        """A task is to stop, or has: one that did not stay holds up those that follow it."""
        if task.last == STOPPED:
            self._counted.discard(task.arn)
        elif task.arn not in self._counted:
            self._counted.add(task.arn)
            self._count(cluster, task)

    def _count(self, cluster: Cluster, task: Task) -> None:
        if task.reason == SICK:
            self._failed(cluster, task)
        if task.stop_code not in _FAILED:
            return
        key = (cluster.name, task.service)
        if (task.stopping or 0) - (task.started or task.stopping or 0) >= SHORT_LIVED:
            self._short.pop(key, None)
            return
        count = self._short[key] = self._short.get(key, 0) + 1
        if count == IMPAIRED:
            self._impaired(cluster, task.service)
        self._not_before[key] = self._ledger.now() + min(0.25 * 2**count, LONGEST)
        self._failed(cluster, task)

    def _impaired(self, cluster: Cluster, name: str) -> None:
        if service := cluster.services.get(name):
            self.say(cluster, service, f"is unable to consistently start tasks successfully.{MORE}")
            happening = Happening("SERVICE_TASK_START_IMPAIRED", service.arn, "WARN")
            self._ledger.tell(cluster, happening)

    def waits(self, cluster: Cluster, service: Service) -> bool:
        """No task is started now."""
        if service.breaker and service.primary.rollout == "FAILED":
            return True
        return self._not_before.get((cluster.name, service.name), 0.0) > self._ledger.now()

    def put(self, cluster: Cluster, name: str, **changes: Any) -> None:
        """Changes that the scheduler itself makes, of which it need not be told."""
        cluster.services[name] = replace(cluster.services[name], **changes)

    def say(self, cluster: Cluster, service: Service, message: str) -> None:
        self._ledger.say(cluster, service.name, message)

    def cannot_place(self, cluster: Cluster, service: Service, why: Unplaced) -> None:
        """Said once a minute at most, while it is the same."""
        known = cluster.services[service.name].events
        said = next((each for each in known if each.message.endswith(f") {why.message}")), None)
        if said is not None and said.at + AGAIN > self._ledger.now():
            return
        self.say(cluster, service, why.message)
        reason = why.obstacle.code if why.obstacle else "No Container Instances were found."
        name = "SERVICE_TASK_PLACEMENT_FAILURE"
        self._ledger.tell(cluster, Happening(name, service.arn, "ERROR", reason=reason))

    def _tell_of(
        self, cluster: Cluster, service: Service, name: str, deployment: Deployment
    ) -> None:
        level = "ERROR" if deployment.rollout == "FAILED" else "INFO"
        happening = Happening(name, service.arn, level, deployment.id, deployment.reason)
        self._ledger.tell(cluster, happening)

    def _failed(self, cluster: Cluster, task: Task) -> None:
        """The circuit breaker opens at half of the desired count, at least 3 and at most 200."""
        service = cluster.services.get(task.service)
        if service is None or task.deployment != service.primary.id:
            return
        failed = self._moved(service.primary, failed=service.primary.failed + 1)
        self.put(cluster, service.name, deployments=(failed, *service.deployments[1:]))
        limit = min(200, max(3, -(-service.desired // 2)))
        if service.breaker and failed.rollout == "IN_PROGRESS" and failed.failed >= limit:
            self._break(cluster, service.name)

    def _break(self, cluster: Cluster, name: str) -> None:
        service = cluster.services[name]
        told = "ECS deployment circuit breaker: tasks failed to start."
        failed = self._moved(service.primary, rollout="FAILED", reason=told)
        self.put(cluster, name, deployments=(failed, *service.deployments[1:]))
        told = f"(deployment {failed.id}) deployment failed: tasks failed to start."
        self.say(cluster, service, told)
        self._tell_of(cluster, service, "SERVICE_DEPLOYMENT_FAILED", failed)
        if service.rollback and len(service.deployments) > 1:
            self._roll_back(cluster, name)

    def _roll_back(self, cluster: Cluster, name: str) -> None:
        failed, last, *older = cluster.services[name].deployments
        told = f"ECS deployment circuit breaker: rolling back to deploymentId {last.id}."
        back = self._moved(last, status="PRIMARY", rollout="IN_PROGRESS", reason=told, failed=0)
        old = (replace(failed, status="ACTIVE"), *older)
        self.put(cluster, name, deployments=(back, *old))
        service = cluster.services[name]
        self.say(cluster, service, f"rolling back to deployment {back.id}.")
        self._tell_of(cluster, service, "SERVICE_DEPLOYMENT_IN_PROGRESS", back)
        self._short.pop((cluster.name, name), None)
        self._not_before.pop((cluster.name, name), None)

    def _moved(self, deployment: Deployment, **changes: Any) -> Deployment:
        return replace(deployment, updated=self._ledger.now(), **changes)
