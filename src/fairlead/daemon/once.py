"""One pass and the end: what is there, checked once, given to the proxy. No daemon stays.

It is made of the daemon's own parts: the loop's observing and publishing, its beliefs, its routing.
Nothing is started, stopped or resized.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fairlead.clock import SystemClock
from fairlead.core.errors import FairleadError, ProxyError, UnknownName
from fairlead.core.guard import Belief
from fairlead.core.model import (
    Cluster,
    Endpoint,
    Entry,
    EntryState,
    Phase,
    RoutingTable,
    Service,
    ServiceTable,
)
from fairlead.core.view import Intent
from fairlead.daemon.control import with_found
from fairlead.daemon.start import let_go
from fairlead.journal import EventLog
from fairlead.probes.once import OneRound
from fairlead.tracking import Tracked
from fairlead.wiring import Wired, wire_once

READ_AGAIN = 0.1
NOT_READ = "its endpoints could not be read whole"


@dataclass(frozen=True, slots=True)
class Change:
    """What a pass did to one service; `added` and `removed` are as requests see it.

    `removed` holds the reason beside each endpoint. `problem` says why it is not as it should be:
    then the table is as it was, or serves endpoints that failed their checks.
    """

    service: str
    added: tuple[Entry, ...] = ()
    removed: tuple[tuple[Entry, str], ...] = ()
    serving: tuple[Entry, ...] = ()
    problem: str = ""

    @property
    def changed(self) -> bool:
        return bool(self.added or self.removed)


@dataclass(frozen=True, slots=True)
class Wish:
    """`name` is empty for all services; `timeout` is in seconds. `dry`: only say what would be."""

    name: str
    timeout: float
    dry: bool


async def once(cluster: Cluster, state: Path, notes: Path, wish: Wish) -> list[Change]:
    """`notes` is the directory for what is only written down: `state`, or another for a dry run.

    PlatformError, ProxyError, Missing and the like when nothing could be done at all.
    """
    journal = EventLog(notes / "events.jsonl", SystemClock())
    try:
        wired, checks = wire_once(cluster, state, notes, journal)
        async with _opened(wired):
            return await _Once(wired, checks, cluster, wish).run()
    finally:
        journal.close()


@asynccontextmanager
async def _opened(wired: Wired) -> AsyncIterator[None]:
    try:
        await wired.running.open()
        yield
    finally:
        await let_go(wired)


class _Once:
    def __init__(self, wired: Wired, checks: OneRound, cluster: Cluster, wish: Wish) -> None:
        self._wired, self._checks, self._cluster, self._wish = wired, checks, cluster, wish
        self._loop = wired.loop
        self._deadline = wired.loop.edges.clock.now() + wish.timeout

    async def run(self) -> list[Change]:
        services = await self._services()
        chosen = _chosen(services, self._wish.name)
        live = await self._live(services)
        self._resume(chosen, live)
        await asyncio.gather(*(self._read(service.name) for service in chosen))
        await self._checks.run(self._deadline)
        changes = [self._decided(service.name) for service in chosen]
        if self._wish.dry:
            return changes
        done = await asyncio.gather(*(self._published(change) for change in changes))
        return [*done, *await self._forgotten(services, live)]

    async def _services(self) -> tuple[Service, ...]:
        discovery = self._wired.running.discovery
        found = await discovery.services() if discovery else ()
        return with_found(self._cluster, found).services

    async def _live(self, services: Iterable[Service]) -> RoutingTable:
        proxy = self._wired.proxy
        if not self._wish.dry:
            await proxy.start([ServiceTable(s.name, s.routes, (), s.traffic) for s in services])
            return await proxy.read()
        try:
            return await proxy.read()
        except ProxyError:
            return {}  # it does not run yet

    def _resume(self, chosen: Iterable[Service], live: RoutingTable) -> None:
        """As if the loop had gone on since the table was pushed: what is served is what is known,
        so that endpoints which have vanished are doubted before they are believed gone."""
        chosen = tuple(chosen)
        for service in chosen:
            known = _endpoints(service, live.get(service.name))
            self._loop.tracked[service.name] = Tracked(Intent(service), belief=Belief(known))
        self._loop.restore(live, self._wired.running.marked(chosen))
        for service in chosen:
            tracked = self._loop.tracked[service.name]
            for endpoint in tracked.endpoints:
                self._checks.watch(endpoint, service.health, tracked.health[endpoint.id])

    async def _read(self, name: str) -> None:
        """Until it was read whole, and the read is believed; at the deadline it is not."""
        tracked, clock = self._loop.tracked[name], self._loop.edges.clock
        await self._loop.observe(name)
        while not tracked.read and clock.now() < self._deadline:
            await asyncio.sleep(self._fresh if tracked.belief.doubted else READ_AGAIN)
            await self._loop.observe(name)

    @property
    def _fresh(self) -> float:
        """Seconds after which a platform that is polled has been read once more."""
        polled = self._cluster.platform == "ecs"
        return self._cluster.ecs.interval + READ_AGAIN if polled else READ_AGAIN

    def _decided(self, name: str) -> Change:
        tracked = self._loop.tracked[name]
        if not tracked.read:
            why = tracked.belief.problem or NOT_READ
            return Change(name, problem=f"{why}; its endpoints stay as they were")
        sick = _fail_open(tracked)
        before, after = tracked.pushed, tracked.table()
        change = _difference(tracked, before.entries if before else (), after.entries)
        return replace(change, problem=sick)

    async def _published(self, change: Change) -> Change:
        if not self._loop.tracked[change.service].read:
            return change
        try:
            await self._loop.publish(change.service)
        except FairleadError as error:
            return Change(change.service, problem=f"{error}; its endpoints stay as they were")
        return change

    async def _forgotten(self, services: Iterable[Service], live: RoutingTable) -> list[Change]:
        """Services that nobody wants any more, when all were asked for."""
        gone = live.keys() - {service.name for service in services}
        if self._wish.name:
            return []
        for name in sorted(gone):
            await self._wired.proxy.drop(name)
        why = "the service is no longer wanted"
        return [
            Change(name, removed=tuple((e, why) for e in _serving(live[name].entries)))
            for name in sorted(gone)
        ]


def _chosen(services: tuple[Service, ...], name: str) -> tuple[Service, ...]:
    chosen = tuple(service for service in services if name in {"", service.name})
    if name and not chosen:
        known = ", ".join(service.name for service in services) or "none"
        raise UnknownName(f"no service {name!r} (there are: {known})")
    return chosen


def _endpoints(service: Service, table: ServiceTable | None) -> Mapping[str, Endpoint]:
    return {
        e.id: Endpoint(e.id, service.name, "", e.address, e.port, service.revision, weight=e.weight)
        for e in (table.entries if table else ())
    }


def _fail_open(tracked: Tracked) -> str:
    """When nobody passes, all that run are tried, also those that never passed: no later pass may
    come that would take them in. What is wrong, or nothing."""
    running = [s for s in tracked.seen() if s.alive and s.endpoint.phase is Phase.RUNNING]
    if not running or any(s.ready for s in running):
        return ""
    for seen in running:
        tracked.health[seen.endpoint.id] = replace(seen.health, ever_up=True)
    why = next((s.health.problem for s in running if s.health.problem), "not checked in time")
    return f"none of its {len(running)} endpoints passes its check ({why}): all of them stay in use"


def _difference(tracked: Tracked, before: Iterable[Entry], after: tuple[Entry, ...]) -> Change:
    then = {e.id: e for e in _serving(before)}
    now = {e.id: e for e in _serving(after)}
    added = tuple(e for key, e in now.items() if key not in then)
    removed = tuple((e, _why(tracked, key)) for key, e in then.items() if key not in now)
    return Change(tracked.service.name, added, removed, tuple(now.values()))


def _serving(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.state is EntryState.UP]


def _why(tracked: Tracked, endpoint_id: str) -> str:
    endpoint = tracked.belief.endpoints.get(endpoint_id)
    if endpoint is None or endpoint.phase is Phase.EXITED:
        return "gone"
    if endpoint.phase is Phase.STOPPING:
        return "being stopped"
    health = tracked.health.get(endpoint_id)
    return health.problem if health and not health.up else "draining"
