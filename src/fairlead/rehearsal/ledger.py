"""What the local ECS knows: clusters with their nodes, services and tasks, and task definitions.

Everything in it is frozen; a change puts a new value in the place of the old one, and is told to
whoever listens.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from fairlead.core.ecs.model import ACTIVE, STOPPED, Definition, Instance, Task, Wire
from fairlead.rehearsal.faults import client, no_cluster, no_service
from fairlead.rehearsal.service import Happening, Said, Service

ACCOUNT = "123456789012"
MOST_EVENTS = 100
KEPT = 3600.0
"""Seconds that stopped tasks are still listed, as in ECS."""

Change = Task | Instance | Service | Happening
Listener = Callable[["Cluster", Change], None]


@dataclass(slots=True)
class Cluster:
    """Nodes and tasks by ARN, services by name. `gone` are nodes that are there no more: stopped
    tasks still name them."""

    name: str
    arn: str
    status: str = ACTIVE
    instances: dict[str, Instance] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    gone: dict[str, Instance] = field(default_factory=dict)

    def node(self, arn: str) -> Instance:
        """Also one that is gone."""
        return self.instances.get(arn) or self.gone[arn]

    def living(self) -> Iterable[Task]:
        return (task for task in self.tasks.values() if task.last != STOPPED)

    def of_service(self, name: str) -> list[Task]:
        """Those that are not stopped."""
        return [task for task in self.living() if task.service == name]


class Ledger:
    """One account in one region."""

    def __init__(self, region: str = "us-east-1", now: Callable[[], float] = time.time) -> None:
        self.region, self.now = region, now
        self.clusters: dict[str, Cluster] = {}
        self.definitions: dict[str, list[Definition]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.providers: dict[str, Wire] = {}
        self.listeners: list[Listener] = []
        self.voices: list[Callable[[str], None]] = []

    def arn(self, resource: str) -> str:
        return f"arn:aws:ecs:{self.region}:{ACCOUNT}:{resource}"

    def new_arn(self, kind: str, cluster: Cluster) -> str:
        return self.arn(f"{kind}/{cluster.name}/{secrets.token_hex(16)}")

    def cluster(self, given: str | None) -> Cluster:
        """By name or ARN, the default one without either. Refusal when there is none."""
        name = (given or "default").rpartition("/")[2]
        found = self.clusters.get(name)
        if found is None or found.status != ACTIVE:
            raise no_cluster()
        return found

    def service(self, cluster: Cluster, given: str) -> Service:
        """By name or ARN. Refusal when there is none."""
        found = cluster.services.get(given.rpartition("/")[2])
        if found is None:
            raise no_service()
        return found

    def task(self, cluster: Cluster, given: str) -> Task | None:
        """By id or ARN."""
        return cluster.tasks.get(_full(self, "task", cluster, given))

    def instance(self, cluster: Cluster, given: str) -> Instance | None:
        """By id or ARN."""
        return cluster.instances.get(_full(self, "container-instance", cluster, given))

    def definition(self, given: str) -> Definition:
        """By ARN, `family:revision`, or family: its latest active one. Refusal without any."""
        family, _, revision = given.rpartition("/")[2].partition(":")
        kept = self.definitions.get(family, [])
        if revision:
            found = [each for each in kept if str(each.revision) == revision]
        else:
            found = [each for each in kept if each.status == ACTIVE]
        if not found:
            raise client("Unable to describe task definition.")
        return found[-1]

    def put(self, cluster: Cluster, value: Task | Instance | Service) -> None:
        """A new value, or one in the place of the old one; listeners are told."""
        if isinstance(value, Task):
            cluster.tasks[value.arn] = value
        elif isinstance(value, Instance):
            cluster.instances[value.arn] = value
        else:
            cluster.services[value.name] = value
        self.tell(cluster, value)

    def tell(self, cluster: Cluster, change: Change) -> None:
        for listener in self.listeners:
            listener(cluster, change)

    def change(self, cluster: Cluster, task: Task, **changes: Any) -> Task:
        """The task as it is now, with changes; its version counts up."""
        known = cluster.tasks[task.arn]
        changed = replace(known, **changes)
        if changed == known:
            return known
        changed = replace(changed, version=known.version + 1)
        self.put(cluster, changed)
        return changed

    def say(self, cluster: Cluster, service: str, message: str) -> None:
        """A service event, newest first."""
        known = cluster.services[service]
        said = Said(secrets.token_hex(16), self.now(), f"(service {service}) {message}")
        cluster.services[service] = replace(known, events=(said, *known.events)[:MOST_EVENTS])
        for voice in self.voices:
            voice(said.message)

    def forget_old(self) -> None:
        """Stopped tasks are gone after an hour."""
        limit = self.now() - KEPT
        for cluster in self.clusters.values():
            old = [t.arn for t in cluster.tasks.values() if t.stopped and t.stopped < limit]
            for arn in old:
                del cluster.tasks[arn]
                self.tags.pop(arn, None)


def _full(ledger: Ledger, kind: str, cluster: Cluster, given: str) -> str:
    return given if given.startswith("arn:") else ledger.arn(f"{kind}/{cluster.name}/{given}")
