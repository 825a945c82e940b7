"""Endpoints as containers of a Docker engine.

Those that fairlead starts carry its labels and outlive it; the next fairlead finds them by these.
Those that others have started and labelled are served too, and never stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress

from fairlead.core.errors import PlatformError
from fairlead.core.model import Endpoint, Node, Service, Sighting
from fairlead.platforms.docker.ending import Ending
from fairlead.platforms.docker.engine import Engine
from fairlead.platforms.docker.fleet import Fleet
from fairlead.platforms.docker.images import Images
from fairlead.platforms.docker.kept import NODE_ID, Kept
from fairlead.platforms.docker.launch import Launch, launch, new_name
from fairlead.platforms.docker.usage import measured
from fairlead.platforms.docker.watch import Watch
from fairlead.ports import Clock, Journal, Notify, Used

NODE = Node(NODE_ID, "127.0.0.1")
_KILL_GRACE = 15.0


class DockerPlatform:
    """Implements ports.Platform, ports.Runner, ports.Discovery and ports.Gauged."""

    def __init__(
        self,
        cluster: str,
        host: str,
        notify: Notify,
        clock: Clock,
        journal: Journal | None = None,
    ) -> None:
        """Needs a running loop; nothing is opened yet. BadInput: `host` names no usable engine.
        All times but those of measurements are the engine's."""
        self._cluster, self._notify_loop, self._journal = cluster, notify, journal
        self._clock, self._changed = clock, asyncio.Event()
        self._engine = Engine(host)
        self._images = Images(self._engine, notify)
        self._fleet = Fleet(cluster, self._notify, self._tell)
        self._watch = Watch(self._engine, self._fleet, self._turned)
        self._ending = Ending(self._engine)

    async def open(self) -> None:
        """Read the engine once, and follow it from then on. PlatformError when it is not there."""
        await self._watch.open()
        if self._watch.problem:
            raise PlatformError(self._watch.problem)

    async def nodes(self) -> tuple[Node, ...]:
        return (NODE,)

    async def observe(self, services: Collection[Service]) -> Sighting:
        """From memory; partial while the engine is away, and then as it was."""
        await self._watch.open()
        found = tuple(e for service in services for e in self._fleet.endpoints(service))
        return Sighting(found, not self._watch.problem, self._watch.problem)

    async def services(self) -> tuple[Service, ...]:
        """Those that labels make. PlatformError as long as the engine could never be read."""
        await self._watch.open()
        if not self._fleet.read:
            raise PlatformError(self._watch.problem)
        return self._fleet.services()

    def gate(self, endpoint_id: str) -> str:
        """What the engine holds against an endpoint (its HEALTHCHECK fails, it is paused), empty
        for nothing: until that is empty no check of it passes."""
        kept = self._fleet.find(endpoint_id)
        return kept.gate if kept else ""

    @property
    def problems(self) -> tuple[str, ...]:
        """Containers that are left out or only partly followed, each with the reason."""
        return self._fleet.problems

    def all(self) -> tuple[Endpoint, ...]:
        """Every endpoint that fairlead started, also of services that nobody knows any more."""
        return tuple(kept.endpoint for kept in self._fleet.managed())

    async def start(self, service: Service) -> Endpoint:
        """A new container, published at a port of the engine's choice or on its network."""
        await self.open()
        wanted = Launch(service, self._cluster, new_name(service))
        self._fleet.ignore.add(wanted.name)
        try:
            await launch(self._engine, self._images, wanted)
            self._fleet.ignore.discard(wanted.name)
            return await self._met(wanted)
        except BaseException:
            self._undo(wanted.name)
            raise

    async def used(self, endpoints: Collection[Endpoint]) -> Mapping[str, Used]:
        """Implements ports.Gauged, also for containers that others run."""
        kept = {e.id: k.container for e in endpoints if (k := self._fleet.find(e.id))}
        living = {key: container for key, container in kept.items() if container.running}
        return await measured(self._engine, living, self._clock)

    async def stop(self, endpoint: Endpoint, timeout: float) -> None:
        """Others' containers are not stopped, only left alone until `reset`."""
        kept = self._fleet.find(endpoint.id)
        if kept is None or kept.ended:
            return
        self._fleet.stopping(kept)
        if kept.role.managed:
            self._ending.stop(kept, timeout)

    async def forget(self, endpoint: Endpoint) -> None:
        """Our own container is removed, in the background. PlatformError when it still runs."""
        kept = self._fleet.find(endpoint.id)
        if kept is None or kept.hidden:
            return
        if not kept.ended:
            raise PlatformError(f"{endpoint.id} still runs: stop it before it can be forgotten")
        self._fleet.hide(kept)
        self._ending.stopped(kept.container.id)
        if kept.role.managed:
            self._ending.clear(kept.container.name)

    def reset(self, service: str) -> None:
        """Take others' containers that were stopped into use again."""
        self._fleet.take_back(service)

    async def stop_all(self, timeout: float) -> None:
        """End and remove every container that fairlead started."""
        await self.open()
        for endpoint in self.all():
            await self.stop(endpoint, timeout)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout + _KILL_GRACE):
                await self._all_ended()
        for endpoint in self.all():
            if self._ended(endpoint):
                await self.forget(endpoint)
        await self._ending.cleared()
        if left := ", ".join(endpoint.id for endpoint in self.all()):
            raise PlatformError(f"these containers do not end: {left}; see `docker ps`")

    async def close(self) -> None:
        await self._ending.close()
        await self._watch.close()
        await self._images.close()

    async def _met(self, wanted: Launch) -> Endpoint:
        await self._watch.look_at(wanted.name)
        kept = self._fleet.find(wanted.name)
        if kept is None:
            raise PlatformError(f"{wanted.name}: its container is gone right after its start")
        return kept.endpoint

    def _undo(self, name: str) -> None:
        """In the background, so that a cancelled start is undone too."""
        self._fleet.ignore.add(name)
        kept = self._fleet.find(name)
        if kept:
            self._fleet.drop(kept.container.id)
        clearing = self._ending.clear(name, force=True)
        clearing.add_done_callback(lambda _: self._fleet.ignore.discard(name))

    def _ended(self, endpoint: Endpoint) -> bool:
        kept: Kept | None = self._fleet.find(endpoint.id)
        return kept is None or bool(kept.ended)

    async def _all_ended(self) -> None:
        while not all(self._ended(endpoint) for endpoint in self.all()):
            self._changed.clear()
            await self._changed.wait()

    def _notify(self, service: str) -> None:
        self._changed.set()
        self._notify_loop(service)

    def _turned(self) -> None:
        """The engine went away or came back."""
        if not self._watch.problem:
            self._ending.again(tuple(k for k in self._fleet.managed() if k.asked_to_stop))
        self._notify("")

    def _tell(self, service: str, problem: str) -> None:
        if self._journal:
            self._journal.record("container", service, problem)
