"""What is known of the cluster, joined from reads, events and our own decisions.

A read that lacks something takes nothing away: a task leaves only when ECS says that it has
stopped, or knows nothing of it any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from fairlead.core.model import Phase
from fairlead.platforms.ecs.counts import Count, Said
from fairlead.platforms.ecs.definitions import Definition
from fairlead.platforms.ecs.nodes import Addresses, Instance
from fairlead.platforms.ecs.tasks import STOPPED, Task, is_news, joined, looks_same

_FORGOTTEN_KEPT = 5_000
_SAID_KEPT = 300


class Memory:
    """`problem` is why the last read was no whole one, or empty."""

    def __init__(self) -> None:
        self.definitions: dict[str, Definition] = {}
        self.instances: dict[str, Instance] = {}
        self.addresses: dict[str, Addresses] = {}
        self.counts: dict[str, Count] = {}
        self.problem = "ECS has not been read yet"
        self._tasks: dict[str, Task] = {}
        self._of_service: dict[str, dict[str, Task]] = {}
        self._leaving: set[str] = set()
        self._shrinking: set[str] = set()
        self._writes = 0
        self._written: dict[str, int] = {}
        self._forgotten: dict[str, None] = {}
        self._heard: dict[str, dict[str, None]] = {}

    def tasks(self, service: str) -> Collection[Task]:
        """Of an ECS service, stopped ones included until they are forgotten."""
        return self._of_service.get(service, {}).values()

    def task(self, arn: str) -> Task | None:
        return self._tasks.get(arn)

    def is_settled(self, arn: str) -> bool:
        """It runs, and all that a place needs is known of it."""
        task = self._tasks.get(arn)
        if task is None or task.phase is not Phase.RUNNING:
            return False
        definition = self.definitions.get(task.definition)
        unbound = definition is not None and definition.network in ("host", "none")
        return bool(task.bindings or task.interfaces or unbound)

    def open_tasks(self) -> list[str]:
        return [arn for arn, task in self._tasks.items() if task.stage < STOPPED]

    def all_tasks(self) -> Collection[Task]:
        return self._tasks.values()

    def take(self, read: Iterable[Task]) -> set[str]:
        """Join what was read; the ECS services of which something visible has changed."""
        return {task.service for task in read if self._take(task)}

    def hear(self, event: Task) -> bool:
        """Join an event's task; False when it is old or tells nothing new."""
        known = self._tasks.get(event.arn)
        if event.arn in self._forgotten or (known and not is_news(known, event)):
            return False
        return self._take(event)

    def miss(self, arns: Iterable[str]) -> set[str]:
        """ECS knows nothing of these any more; their services."""
        gone = [self._tasks[arn] for arn in arns if arn in self._tasks]
        return self.take(
            replace(task, stage=STOPPED, reason=task.reason or "ECS knows of it no more")
            for task in gone
        )

    def forget(self, arn: str) -> None:
        task = self._tasks.pop(arn, None)
        if task is None:
            return
        self.stay(arn)
        self._drop(task)
        self._forgotten[arn] = None
        while len(self._forgotten) > _FORGOTTEN_KEPT:
            del self._forgotten[next(iter(self._forgotten))]

    def leave(self, arn: str, *, shrink: bool = False) -> None:
        """We have asked for its end: it is shown so, before ECS does. With `shrink` its service's
        count is about to fall by one."""
        self._leaving.add(arn)
        if shrink:
            self._shrinking.add(arn)

    def stay(self, arn: str) -> None:
        self._leaving.discard(arn)
        self._shrinking.discard(arn)

    def departing(self, service: str) -> int:
        """By how much the service's count is about to fall."""
        return len(self._shrinking & self._of_service.get(service, {}).keys())

    def is_leaving(self, arn: str) -> bool:
        return arn in self._leaving

    def mark(self, arn: str, reason: str) -> None:
        if arn in self._tasks:
            self._take(replace(self._tasks[arn], mark=reason))

    @property
    def writes(self) -> int:
        """How many counts were set by us; a read that began before one does not undo it."""
        return self._writes

    def count(self, read: Count, since: int | None = None) -> bool:
        """Take a service's count, read after so many writes (None: after all of them); whether that
        changed anything but what ECS says."""
        before = self.counts.get(read.name)
        stale = since is not None and self._written.get(read.name, 0) > since
        if before and (read.desired is None or stale):
            read = replace(read, desired=before.desired)
        self.counts[read.name] = read
        return before is None or replace(before, said=()) != replace(read, said=())

    def resized(self, service: str, desired: int, without: Collection[str] = ()) -> None:
        """We have set the count, and with it taken these tasks off."""
        self._writes += 1
        self._written[service] = self._writes
        self._shrinking.difference_update(without)
        if service in self.counts:
            self.counts[service] = replace(self.counts[service], desired=desired)

    def noted(self, service: str, paused: str) -> None:
        """We have set, or taken away, what says that its scaler is paused."""
        if service in self.counts:
            self.counts[service] = replace(self.counts[service], paused=paused)

    def unheard(self, count: Count) -> Iterator[Said]:
        """What ECS says of a service and was not told before, oldest first.

        Of a service that is met for the first time only the last, if its tasks are missing: the
        others are old.
        """
        first = count.name not in self._heard
        heard = self._heard.setdefault(count.name, {})
        new = sorted((s for s in count.said if s.id not in heard), key=lambda s: s.at)
        heard.update((said.id, None) for said in new)
        while len(heard) > _SAID_KEPT:
            del heard[next(iter(heard))]
        if first:
            new = new[-1:] if (count.desired or 0) > count.running else []
        yield from new

    def drop_ended(self, services: Collection[str]) -> None:
        """Forget the stopped tasks of services that nobody asks for."""
        ended = [t.arn for t in self._tasks.values() if t.stage >= STOPPED]
        for arn in ended:
            if self._tasks[arn].service not in services:
                self.forget(arn)

    def drop_unused(self) -> None:
        """Forget the task definitions that neither a task nor a service has any more."""
        used = {task.definition for task in self._tasks.values()}
        used |= {count.definition for count in self.counts.values()}
        for arn in self.definitions.keys() - used:
            del self.definitions[arn]

    def _take(self, read: Task) -> bool:
        known = self._tasks.get(read.arn)
        if known is None and (read.stage >= STOPPED or read.arn in self._forgotten):
            return False
        task = joined(known, read) if known else read
        if known and known.service != task.service:
            self._drop(known)
        self._tasks[task.arn] = task
        self._of_service.setdefault(task.service, {})[task.arn] = task
        return known is None or not looks_same(known, task)

    def _drop(self, task: Task) -> None:
        of_service = self._of_service.get(task.service, {})
        of_service.pop(task.arn, None)
        if not of_service:
            self._of_service.pop(task.service, None)
