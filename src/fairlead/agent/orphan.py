"""Without a controller for long, an agent reads the platform itself: slowly, and never writing.

What it finds there is what its node serves: new endpoints once they pass this node's checks, those
that are being stopped as draining. A read that is not whole takes nothing away (core/guard.py).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fairlead.agent.follower import Follower
from fairlead.core.errors import FairleadError
from fairlead.core.guard import Belief, believe
from fairlead.core.model import Endpoint, Entry, EntryState, Phase, Service, ServiceTable
from fairlead.faults import told
from fairlead.fleet.messages import Assignment, Watched
from fairlead.ports import Clock, Journal, Platform

_SERVED = (Phase.RUNNING, Phase.STOPPING)


@dataclass(frozen=True, slots=True)
class Sources:
    """A platform that was opened for reading; `services` are those to look for now, `close` lets go
    of it."""

    platforms: Sequence[Platform]
    services: Callable[[], Awaitable[Sequence[Service]]]
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """After so many seconds without a controller, and how often then."""

    after: float
    interval: float


class Orphan:
    """`alone` gives since when there is no controller (monotonic seconds), None while one is there.

    `opened` opens the platform, when it is needed for the first time.
    """

    def __init__(
        self,
        follower: Follower,
        alone: Callable[[], float | None],
        opened: Callable[[], Awaitable[Sources]],
        patience: Patience,
        clock: Clock,
        journal: Journal,
    ) -> None:
        self._follower, self._alone, self._opened = follower, alone, opened
        self._patience, self._clock, self._journal = patience, clock, journal
        self._beliefs: dict[str, Belief] = {}
        self._looked = False
        self._sources: Sources | None = None

    async def run(self) -> None:
        try:
            while True:
                await asyncio.sleep(self._pause())
                if self._is_due():
                    await self._look()
                elif self._alone() is None:
                    await self.close()
        finally:
            await self.close()

    async def close(self) -> None:
        """The controller is back: its word counts, and what was read is old."""
        sources, self._sources = self._sources, None
        looked, self._looked = self._looked, False
        self._beliefs.clear()
        if sources is not None:
            await sources.close()
        if looked:
            self._journal.record("orphan", "", "the controller is back: it reads for all again")

    def _pause(self) -> float:
        """Nodes lose their controller at the same time, and do not read at the same time."""
        interval = self._patience.interval * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        if self._looked:
            return interval
        return min(interval, self._patience.after * random.uniform(0.1, 0.5))  # noqa: S311 - as above

    def _is_due(self) -> bool:
        since = self._alone()
        return since is not None and self._clock.now() - since >= self._patience.after

    async def _look(self) -> None:
        try:
            if not self._looked:
                self._looked = True
                waited = self._patience.after
                why = f"no controller for {waited:g} s: this node reads the platform itself"
                self._journal.record("orphan", "", why)
            if self._sources is None:
                self._sources = await self._opened()
            services = await self._sources.services()
            read = [await self._read(self._sources, service) for service in services]
        except FairleadError as error:
            self._missed(str(error))
            return
        except Exception as error:  # noqa: BLE001 - a fault of ours: the next look may be spared it
            self._missed(told(error))
            return
        if self._alone() is not None:
            self._follower.alone([each for each in read if each is not None])

    def _missed(self, why: str) -> None:
        self._journal.record("problem", "", f"{why}; the node serves on as it was")

    async def _read(self, sources: Sources, service: Service) -> Assignment | None:
        belief = self._beliefs.get(service.name, Belief({}))
        whole = True
        for platform in sources.platforms:
            sighting = await platform.observe([service])
            if sighting.endpoints or not sighting.complete:
                belief = believe(belief, sighting)
                whole = whole and sighting.complete and not belief.doubted
        self._beliefs[service.name] = belief
        served = self._follower.assignments.get(service.name)
        if not whole or (not belief.endpoints and served and served.table.entries):
            return None
        return _assignment(service, list(belief.endpoints.values()), served)


def _assignment(
    service: Service, endpoints: Sequence[Endpoint], served: Assignment | None
) -> Assignment:
    known = {entry.id: entry for entry in served.table.entries} if served else {}
    served_now = (each for each in endpoints if each.port and each.phase in _SERVED)
    entries = (_entry(each, known.get(each.id)) for each in served_now)
    asleep = served.table.asleep if served else False
    table = ServiceTable(service.name, service.routes, tuple(entries), service.traffic, asleep)
    watched = (Watched(e, service.health) for e in endpoints if e.phase is Phase.RUNNING)
    return Assignment(service.name, served.generation if served else 0, table, tuple(watched))


def _entry(endpoint: Endpoint, known: Entry | None) -> Entry:
    if endpoint.phase is not Phase.RUNNING:
        state = EntryState.DRAINING
    else:
        state = known.state if known else EntryState.DOWN
    ready_at = known.ready_at if known else 0.0
    e = endpoint
    return Entry(e.id, e.address, e.port, state, e.weight, ready_at, e.node)
