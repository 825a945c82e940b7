"""Endpoints as tasks of Amazon ECS.

ECS keeps the counts, starts tasks and replaces them; fairlead reads where they run, moves the
counts and chooses who goes. One loop reads all into a memory, from which passes are answered.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib.util import find_spec

from fairlead.aws.client import Aws, Source
from fairlead.core.errors import Missing, PlatformError
from fairlead.core.model import Ecs, Endpoint, Node, Service, Sighting
from fairlead.core.scaling.ceiling import ceiling
from fairlead.platforms.ecs.counts import PAUSE_TAG, Said
from fairlead.platforms.ecs.departures import Departures
from fairlead.platforms.ecs.discovery import discover
from fairlead.platforms.ecs.events import Ears, Events
from fairlead.platforms.ecs.group import EcsGroup
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.nodes import node
from fairlead.platforms.ecs.poller import Poller, Wishes
from fairlead.platforms.ecs.reader import Reader
from fairlead.platforms.ecs.retirement import Means
from fairlead.platforms.ecs.room import most
from fairlead.platforms.ecs.sighting import endpoint_id, sight
from fairlead.platforms.ecs.tasks import DRAIN_TAG, Task
from fairlead.ports import Calls, Capacity, Clock, Heard, Journal, Notify

_LOOK = 2.0
_NOT_IN_TAG = re.compile(r"[^A-Za-z0-9 .:/=+@_-]")
_LONGEST_TAG = 256


class EcsPlatform:
    """Implements ports.Platform, ports.Orchestrator, ports.Discovery, ports.Metered, ports.Room."""

    def __init__(
        self, ecs: Ecs, notify: Notify, clock: Clock, journal: Journal, aws: Aws | None = None
    ) -> None:
        """Needs a running loop. Nothing is read before `open`."""
        self._ecs, self._notify, self._journal = ecs, notify, journal
        self._aws = aws or _aws(ecs, clock)
        self._memory = Memory()
        self._services: dict[str, Service] = {}
        self._told: dict[str, str] = {}
        reader = Reader(self._aws, ecs.cluster)
        self._wishes = Wishes(
            discover=ecs.discover or bool(ecs.nodes.asg),
            changed=self._changed,
            said=self._say,
            failed=self._read_failed,
        )
        self._poller = Poller(reader, self._memory, self._wishes, clock)
        self.group = _group(ecs, self._aws, self._memory, self._poller)
        means = Means(self._aws, reader, self._memory, ecs.cluster, clock, self._look)
        self._departures = Departures(means, self._departure_failed)
        ears = Ears(self._heard_of, self._look_at, self._queue_failed)
        self._events = Events(self._aws, ecs.queue, ecs.cluster, self._memory, ears)

    async def open(self) -> None:
        """Read the cluster for the first time, then go on reading.

        PlatformError when a person has to change something first (credentials, region, policy).
        Where AWS only does not answer, it goes on, and says so. Missing without botocore.
        """
        if find_spec("botocore") is None:
            raise Missing("platform ecs needs botocore: pip install 'fairlead[ecs]'")
        from fairlead.aws.faults import Refused

        error = await self._poller.turn()
        if isinstance(error, Refused):
            raise error
        self._poller.start(self._ecs.interval)
        if self._ecs.queue:
            self._events.start()

    async def nodes(self) -> tuple[Node, ...]:
        """Those whose addresses are known."""
        memory = self._memory
        return tuple(
            node(instance, memory.addresses[instance.machine])
            for instance in memory.instances.values()
            if instance.machine in memory.addresses
        )

    def capacity(self) -> Mapping[str, Capacity]:
        """What ECS can still place, by node id."""
        return {i.node: i.capacity for i in self._memory.instances.values()}

    async def most(self, service: Service) -> tuple[int | None, str]:
        """From memory: what is known of nodes and tasks, by ECS's own rules of placement."""
        return most(self._memory, service.container.task_service, ceiling(service.scale))

    def calls(self) -> Calls:
        """How much was asked of AWS, and how fast."""
        return self._aws.calls()

    def heard(self) -> Heard:
        """What came out of the queue of events."""
        return self._events.heard

    async def anew(self) -> None:
        """Until all that is known was read after this was called."""
        await self._poller.anew()

    async def observe(self, services: Collection[Service]) -> Sighting:
        """From memory, which is at most one interval old."""
        wanted = [service for service in services if service.container.task_service]
        for service in wanted:
            self._ask(service)
        sightings = [sight(self._memory, s, self._ecs.addresses) for s in wanted]
        problems = dict.fromkeys(s.problem for s in sightings if s.problem)
        return Sighting(
            tuple(e for s in sightings for e in s.endpoints),
            all(s.complete for s in sightings),
            "; ".join(problems),
            sightings[0].desired if len(sightings) == 1 else None,
            sum(s.departing for s in sightings),
            sightings[0].noted if len(sightings) == 1 else None,
        )

    async def services(self) -> tuple[Service, ...]:
        """Those whose containers carry labels; the wrong ones are told of, once."""
        if not self._ecs.discover:
            return ()
        if self._memory.problem:
            raise PlatformError(self._memory.problem)
        found = discover(self._memory.counts.values(), self._memory.definitions)
        for name, problem in found.problems.items():
            self._tell_once(f"labels {name}", name, problem)
        return tuple(found.services.values())

    def marked(self, services: Collection[Service]) -> dict[str, str]:
        """Of their endpoints those with a drain mark, and its reason."""
        return {
            endpoint_id(service.name, task): task.mark
            for service in services
            for task in self._memory.tasks(service.container.task_service)
            if task.mark
        }

    async def start(self, service: Service) -> Endpoint:
        raise PlatformError(
            f"{service.name}: ECS starts its tasks by itself: raise the count instead"
        )

    async def stop(self, endpoint: Endpoint, timeout: float) -> None:  # noqa: ARG002
        """The task definition's stopTimeout rules: ECS takes none with the call."""
        self._depart(endpoint, shrink=False)

    async def retire(self, endpoint: Endpoint, timeout: float) -> None:  # noqa: ARG002
        self._depart(endpoint, shrink=True)

    async def resize(self, service: Service, count: int) -> None:
        name = service.container.task_service
        await self._aws(
            "ecs:UpdateService", cluster=self._ecs.cluster, service=name, desiredCount=count
        )
        self._memory.resized(name, count)
        self._poller.poke([name])

    async def mark(self, endpoint: Endpoint, reason: str) -> None:
        """As the task's tag `fairlead:drain`."""
        task = self._find(endpoint)
        if task is None:
            return
        text = _as_tag(reason)
        if text or task.mark:
            await self._tag(task.arn, DRAIN_TAG, text)
        self._memory.mark(task.arn, text)

    async def note(self, service: Service, paused: str) -> None:
        """As the service's tag `fairlead:scale-paused`."""
        name = service.container.task_service
        count = self._memory.counts.get(name)
        if count is not None and count.active:
            await self._tag(count.arn, PAUSE_TAG, _as_tag(paused))
            self._memory.noted(name, _as_tag(paused))

    async def _tag(self, arn: str, key: str, text: str) -> None:
        """Set it, or take it away where the text is empty."""
        if text:
            tags = [{"key": key, "value": text}]
            await self._aws("ecs:TagResource", resourceArn=arn, tags=tags)
        else:
            await self._aws("ecs:UntagResource", resourceArn=arn, tagKeys=[key])

    async def forget(self, endpoint: Endpoint) -> None:
        task = self._find(endpoint)
        if task is not None:
            self._memory.forget(task.arn)

    def reset(self, service: str) -> None:
        """Nothing is ever taken out of use here."""

    async def close(self) -> None:
        await self._departures.close()
        await self._events.close()
        await self._poller.close()
        self._aws.close()

    def _ask(self, service: Service) -> None:
        self._services[service.name] = service
        name = service.container.task_service
        if name not in self._wishes.asked:
            self._wishes.asked.add(name)
            if name not in self._memory.counts:
                self._poller.poke()

    def _find(self, endpoint: Endpoint) -> Task | None:
        service = self._services.get(endpoint.service)
        name = service.container.task_service if service else ""
        tasks = self._memory.tasks(name)
        return next((t for t in tasks if endpoint_id(endpoint.service, t) == endpoint.id), None)

    def _depart(self, endpoint: Endpoint, *, shrink: bool) -> None:
        task = self._find(endpoint)
        if task is not None and not self._memory.is_leaving(task.arn):
            self._departures.add(task.service, task.arn, shrink=shrink)

    def _departure_failed(self, ecs_service: str, why: str) -> None:
        for name in self._names(ecs_service):
            self._journal.record("problem", name, f"tasks could not be taken away: {why}")
        self._changed(ecs_service)

    async def _look(self) -> None:
        self._poller.poke()
        await self._poller.turned(_LOOK)

    def _look_at(self, ecs_service: str) -> None:
        if ecs_service:
            self._poller.poke([ecs_service])
        else:
            self._poller.poke(nodes=True)

    def _heard_of(self, task: Task) -> None:
        """A place that cannot be told from memory is read at once, a count in its turn."""
        known = self._memory
        told = task.instance in known.instances and task.definition in known.definitions
        self._poller.poke([task.service], wake=not told)
        self._changed(task.service)

    def _names(self, ecs_service: str) -> list[str]:
        return [s.name for s in self._services.values() if s.container.task_service == ecs_service]

    def _changed(self, ecs_service: str) -> None:
        """A service that nobody asked for yet goes by its own name: it may be a new one."""
        for name in self._names(ecs_service) or [ecs_service]:
            self._notify(name)

    def _say(self, ecs_service: str, said: Said) -> None:
        for name in self._names(ecs_service):
            self._journal.record("ecs", name, said.message)

    def _read_failed(self, problem: str) -> None:
        self._tell_once("read", "", problem and f"{problem}; routing stays as it was")

    def _queue_failed(self, problem: str) -> None:
        self._tell_once("queue", "", problem and f"no events: {problem}; the cluster is polled")

    def _tell_once(self, topic: str, service: str, problem: str) -> None:
        """A problem when it begins or is another one, and its end."""
        before = self._told.get(topic, "")
        self._told[topic] = problem
        if problem and problem != before:
            self._journal.record("problem", service, problem)
        elif before and not problem:
            self._journal.record("recovered", service, f"over: {before}")


def _as_tag(text: str) -> str:
    return _NOT_IN_TAG.sub(" ", text)[:_LONGEST_TAG].strip()


def _group(ecs: Ecs, aws: Aws, memory: Memory, poller: Poller) -> EcsGroup | None:
    return EcsGroup(aws, memory, poller, ecs.cluster, ecs.nodes.asg) if ecs.nodes.asg else None


def _aws(ecs: Ecs, clock: Clock) -> Aws:
    def opened() -> Source:
        from fairlead.aws.session import Account, Clients

        return Clients(Account(ecs.region, ecs.profile))

    return Aws(opened, clock)
