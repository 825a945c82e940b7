"""The only loop: a pass over each service that needs one, when it needs one.

A pass runs when an edge notifies (an exit, a health transition, a command), when a deadline of the
service has come (a back-off, a drain, a start timeout), and on a slow timer as the safety net.
Bursts coalesce: however often a service is notified before its pass begins, it gets one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType

from fairlead.core.errors import FairleadError, ProxyError
from fairlead.core.health import Health
from fairlead.core.model import EntryState, RoutingTable
from fairlead.core.view import Drain
from fairlead.faults import told
from fairlead.service_pass import Edges, ServicePass
from fairlead.tracking import Tracked

RESYNC = 30.0
DRAIN_POLL = 0.02
RETRY = 0.5


class Reconciler:
    """Brings every tracked service to what is wanted. Commands change `tracked` and `notify`.

    `filed` holds the counts of the settings file, by service. `spared` are services that the proxy
    serves, and of which it is not known yet whether they are still wanted; with `unsure` that is
    not known of any.
    """

    def __init__(self, edges: Edges) -> None:
        self.edges = edges
        self.tracked: dict[str, Tracked] = {}
        self.filed: dict[str, int] = {}
        self.spared: frozenset[str] = frozenset()
        self.unsure = False
        self._pass = ServicePass(edges, self.notify)
        self._dirty: set[str] = set()
        self._deadlines: dict[str, float] = {}
        self._resync_at = 0.0
        self._wake = asyncio.Event()

    def notify(self, service: str) -> None:
        """Implements ports.Notify: the service, or all when empty, is looked at soon."""
        if service:
            self._dirty.add(service)
        else:
            self._resync_at = 0.0
        self._wake.set()

    def report(self, endpoint_id: str, health: Health) -> None:
        """Takes a change of health from the checks."""
        name = self._pass.service_of.get(endpoint_id, "")
        tracked = self.tracked.get(name)
        if tracked is None:
            return
        self._tell_health(tracked, endpoint_id, health)
        tracked.health[endpoint_id] = health
        self.notify(name)

    def restore(self, live: RoutingTable, marked: Mapping[str, str] = MappingProxyType({})) -> None:
        """Carry over, before their first pass, health and drains from what the proxy serves, and
        drains that the cluster itself remembers, by endpoint id with the reason."""
        for name in live.keys() & self.tracked.keys():
            tracked = self.tracked[name]
            tracked.pushed = live[name]
            for entry in live[name].entries:
                up = entry.state is EntryState.UP
                tracked.health[entry.id] = Health(up=up, ever_up=True, ready_at=entry.ready_at)
                if entry.state is EntryState.DRAINING:
                    before = "begun before fairlead was restarted"
                    self._drain_again(tracked, entry.id, marked.get(entry.id, before))
        for key, reason in marked.items():
            if known := self.tracked.get(key.rpartition("-")[0]):
                self._drain_again(known, key, reason)

    async def observe(self, name: str) -> None:
        """Half a pass, for who wants nothing more: see what is there of a tracked service."""
        await self._pass.observe(self.tracked[name])

    async def publish(self, name: str) -> None:
        """The other half: have the proxy serve it, and start, stop and resize nothing."""
        await self._pass.publish(self.tracked[name])

    def _drain_again(self, tracked: Tracked, endpoint_id: str, reason: str) -> None:
        drain = Drain(reason, self.edges.clock.now(), shrink=tracked.asked)
        tracked.drains.setdefault(endpoint_id, drain)

    async def run(self) -> None:
        while True:
            await self._wait()
            if self.edges.clock.now() >= self._resync_at:
                await self._resync()
            await self.run_once()

    async def run_once(self) -> None:
        """A pass over each service that is due; one that fails does not hold up the others."""
        due = [name for name, at in self._deadlines.items() if at <= self.edges.clock.now()]
        names, self._dirty = self._dirty.union(due) & self.tracked.keys(), set()
        await asyncio.gather(*(self._attempt(name, self.tracked[name]) for name in names))

    async def _wait(self) -> None:
        until = min([self._resync_at, *self._deadlines.values()])
        delay = max(0.0, until - self.edges.clock.now())
        if not self._dirty:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wake.wait()
        self._wake.clear()

    async def _resync(self) -> None:
        """The safety net: see what the proxy really serves, and look at every service."""
        self._resync_at = self.edges.clock.now() + RESYNC
        self._dirty.update(self.tracked)
        with suppress(ProxyError):
            live = await self.edges.proxy.read()
            for name, tracked in self.tracked.items():
                tracked.pushed = live.get(name)
            strange = live.keys() - self.tracked.keys() - self.spared
            for name in () if self.unsure else strange:
                await self.edges.proxy.drop(name)

    async def _attempt(self, name: str, tracked: Tracked) -> None:
        try:
            await self._pass(tracked)
            await self._settle(name, tracked)
        except FairleadError as error:
            self._retry(name, tracked, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours in one service spares the rest
            self._retry(name, tracked, told(error))

    def _retry(self, name: str, tracked: Tracked, problem: str) -> None:
        self._tell_problem(tracked, problem)
        self._deadlines[name] = self.edges.clock.now() + RETRY

    async def _settle(self, name: str, tracked: Tracked) -> None:
        """What follows from where the pass has come to: forget, remember, look again."""
        self._deadlines.pop(name, None)
        if tracked.removed and not tracked.endpoints:
            await self._drop(name, tracked)
            return
        self.keep(name)
        self._tell_problem(tracked, tracked.belief.problem)
        if due := list(_deadlines(tracked, self.edges.clock.now())):
            self._deadlines[name] = min(due)

    async def _drop(self, name: str, tracked: Tracked) -> None:
        """While the proxy forgets it, a new settings file may want it back."""
        await self.edges.proxy.drop(name)
        if tracked.removed:
            del self.tracked[name]
        else:
            tracked.pushed = None
            self.notify(name)

    def keep(self, name: str) -> None:
        """Write down what must outlive the daemon."""
        if name in self.filed:
            self.edges.decisions.put(name, self.tracked[name].decision(self.filed[name]))

    def _tell_problem(self, tracked: Tracked, problem: str) -> None:
        if problem and problem != tracked.problem:
            self.edges.journal.record("problem", tracked.service.name, problem)
        tracked.problem = problem

    def _tell_health(self, tracked: Tracked, endpoint_id: str, health: Health) -> None:
        before = tracked.health.get(endpoint_id, Health())
        name = tracked.service.name
        if health.up and not before.up:
            waited = self.edges.clock.now() - tracked.first_seen.get(endpoint_id, 0.0)
            again = "again" if before.ever_up else f"after {waited:.2f} s"
            if not before.ever_up and endpoint_id in tracked.first_seen:
                tracked.start_times.append(waited)
            self.edges.journal.record("ready", name, f"passed its check {again}", endpoint_id)
        elif before.up and not health.up:
            self.edges.journal.record("unhealthy", name, health.problem, endpoint_id)


def _deadlines(tracked: Tracked, now: float) -> Iterator[float]:
    """When the service must be looked at again though nobody notifies."""
    if tracked.draining:
        yield now + DRAIN_POLL
    if tracked.belief.doubted:
        yield now + RETRY
    backoff = tracked.intent.backoff
    if backoff.not_before > now and not backoff.given_up:
        yield backoff.not_before
    starting = (s for s in tracked.seen() if s.alive and not s.health.ever_up)
    limits = (s.since + tracked.service.health.start_timeout for s in starting)
    yield from (limit for limit in limits if limit > now)
