"""What the API asks, answered by the running daemon. Implements api.control.Control."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from fairlead.commands import Commands
from fairlead.core.changes import describe
from fairlead.core.dns_names import places_of
from fairlead.core.errors import BadInput, FairleadError, ProxyError
from fairlead.core.model import Cluster, Event, Service
from fairlead.core.plan import SETTLE
from fairlead.daemon.scaling import in_full
from fairlead.daemon.status import status
from fairlead.daemon.usage import add_usage
from fairlead.journal import EventLog
from fairlead.scaling.scaler import Scaler
from fairlead.wiring import Wired

REDISCOVER = 2.0


@dataclass(slots=True)
class Ending:
    """Set when somebody asks the daemon to end; `keep`: leave endpoints and proxy serving."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    keep: bool = False

    def ask(self, *, keep: bool) -> None:
        self.keep = keep
        self.asked.set()


class DaemonControl:
    """`scaler` is there once the daemon is at work."""

    scaler: Scaler | None = None

    def __init__(
        self,
        wired: Wired,
        journal: EventLog,
        load: Callable[[], Cluster],
        ending: Ending,
    ) -> None:
        self._wired, self._journal, self._load, self._ending = wired, journal, load, ending
        self._commands = Commands(wired.loop)
        wired.bell.woken = self._commands.wake
        self._cluster = Cluster()
        self._applying = asyncio.Lock()
        self._found: tuple[Service, ...] = ()
        self._strange = asyncio.Event()

    def begin(self, cluster: Cluster, leftovers: set[str]) -> None:
        """Adopt the settings for the first time. Where services are discovered, those that are
        `leftovers` of an earlier daemon go once it is known that nobody wants them."""
        self._cluster = cluster
        if self._wired.running.discovery is None:
            self._commands.adopt(cluster, leftovers)
            return
        self._wired.loop.spared, self._wired.loop.unsure = frozenset(leftovers), True
        self._commands.adopt(cluster)

    async def status(self, service: str = "") -> dict[str, Any]:
        wired, metered = self._wired, self._wired.running.metered
        name = self._cluster.name
        document = await status(wired.loop, name, service, metered, wired.roster, self.scaler)
        if wired.usage:
            await add_usage(document, wired.loop, wired.usage)
        return dict(document)

    async def scale(self, service: str, replicas: int) -> None:
        self._refuse_beyond_ports(service, replicas)
        self._commands.scale(service, replicas)

    def _refuse_beyond_ports(self, service: str, replicas: int) -> None:
        """BadInput when not even an empty machine had a port for each endpoint."""
        if self._cluster.platform != "process":
            return
        first, last = self._cluster.ports
        wanted = {n: t.service for n, t in self._wired.loop.tracked.items() if not t.service.fixed}
        others = sum(s.replicas for name, s in wanted.items() if name != service)
        if service in wanted and replicas + others > last - first + 1:
            raise BadInput(
                f"cannot scale {service} to {replicas}: ports {first}-{last} are too few for that"
                " and the other services; widen ports in the settings file"
            )

    async def resume(self, service: str) -> None:
        self._commands.resume(service)
        if self.scaler:
            self.scaler.wake(service)

    async def scaling(self, service: str = "", *, trial: bool = False) -> list[dict[str, Any]]:
        tracked, now = self._wired.loop.tracked, self._wired.loop.edges.clock.wall()
        if self.scaler is None:
            return []
        names = [service] if service else list(tracked)
        minds = {name: self.scaler.mind(name, trial=trial) for name in names}
        if service and not trial and tracked[service].service.scale is None:
            raise BadInput(f"{service} has no scale section in the settings: nothing scales it")
        return [dict(in_full(tracked[n], mind, now)) for n, mind in minds.items() if mind]

    async def restart(self, service: str) -> None:
        self._commands.restart(service)

    async def drain(self, service: str, endpoint: str) -> None:
        self._commands.drain(service, endpoint)

    async def leave(self, task: str) -> dict[str, Any]:
        found = self._commands.leave(task)
        if found is None:
            return {"known": False, "in_flight": 0, "done": True}
        withdrawn = found.drain.withdrawn if found.drain else None
        now = self._wired.loop.edges.clock.now()
        settled = withdrawn is not None and now - withdrawn >= SETTLE
        done = settled and found.in_flight == 0
        return {"known": True, "in_flight": found.in_flight, "done": done}

    async def apply(self) -> list[str]:
        try:
            async with self._applying:
                return await self._apply(self._load())
        except FairleadError as error:
            first, *more = str(error).splitlines()
            others = f" (and {len(more)} more, see: fairlead check)" if more else ""
            told = f"{first}{others}; the settings in force stay"
            self._journal.record("apply-refused", "", told)
            raise

    async def _apply(self, cluster: Cluster) -> list[str]:
        """The proxy first: it is what can refuse (a listen address that is taken)."""
        self._refuse_another_platform(cluster)
        changes = describe(self._cluster, cluster)
        await self._wired.proxy.configure(cluster.front)
        self._wired.running.follow(cluster)
        self._cluster = cluster
        self._commands.adopt(self._whole())
        for change in changes:
            self._journal.record("apply", "", change)
        return changes

    def _refuse_another_platform(self, cluster: Cluster) -> None:
        """BadInput when what runs the endpoints, or is opened once, would change."""
        for name in ("platform", "docker", "ecs", "hooks", "proxy", "plain", "controller"):
            if getattr(cluster, name) != getattr(self._cluster, name):
                kept = "" if self._wired.roster is None else " --keep"
                again = f"fairlead down{kept}, and start it again"
                raise BadInput(f"{name} cannot be changed while fairlead runs: {again}")
        if places_of(cluster) != places_of(self._cluster):
            again = "fairlead down --keep, and start it again"
            raise BadInput(f"dns cannot be changed while fairlead runs: {again}")

    def _whole(self) -> Cluster:
        return with_found(self._cluster, self._found)

    async def discover(self) -> None:
        """Take over the services that the platform has discovered; a failed read changes none."""
        discovery = self._wired.running.discovery
        if discovery is None:
            return
        try:
            found = await discovery.services()
        except FairleadError:
            return
        async with self._applying:
            leftovers, self._wired.loop.spared = self._wired.loop.spared, frozenset()
            self._wired.loop.unsure = False
            if found != self._found or leftovers:
                self._tell_found(found)
                self._found = found
                self._commands.adopt(self._whole(), leftovers)
            if leftovers:
                await self._restore(leftovers)

    async def _restore(self, names: Collection[str]) -> None:
        """These served before they were known."""
        with suppress(ProxyError):
            live = await self._wired.proxy.read()
            self._wired.loop.restore({n: table for n, table in live.items() if n in names})

    def _tell_found(self, found: tuple[Service, ...]) -> None:
        known = {service.name for service in self._found}
        for service in found:
            if service.name not in known:
                routes = ", ".join(str(route) for route in service.routes) or "no route"
                self._journal.record("discovered", service.name, f"serving {routes}")

    async def keep_discovering(self) -> None:
        """Look when the platform speaks of a service that nobody knows, and now and then."""
        if self._wired.running.discovery is None:
            return
        self._wired.bell.strange = self._strange.set
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REDISCOVER):
                    await self._strange.wait()
            self._strange.clear()
            await self.discover()

    async def events(self, since: int, timeout: float) -> list[Event]:
        return await self._journal.wait(since, timeout)

    async def down(self, *, keep: bool) -> None:
        self._ending.ask(keep=keep)


def with_found(cluster: Cluster, found: Iterable[Service]) -> Cluster:
    """The settings with the services that were discovered; those of the file come first."""
    named = {service.name for service in cluster.services}
    more = (service for service in found if service.name not in named)
    return replace(cluster, services=(*cluster.services, *more))
