"""The real loop over a platform at work: its proxy and its checks are stubs, all else is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fairlead.clock import SystemClock
from fairlead.commands import Commands
from fairlead.core.health import Health
from fairlead.core.model import Cluster, Phase, Route, ServiceTable
from fairlead.reconcile import Reconciler
from fairlead.service_pass import Edges
from tests.contract.worlds import World
from tests.ground import until
from tests.stub_edges import StubChecks, StubDecisions, StubJournal, StubProxy

NAME = "catalog"


class Pilot:
    """Decisions and what the proxy serves outlive a restart, as files and nginx do.

    `fewest` is how many were up at the worst, since it was last set.
    """

    def __init__(self, world: World, count: int) -> None:
        self.world = world
        self._service = replace(world.service, routes=(Route("catalog.localhost"),), replicas=count)
        self.proxy, self.decisions, self.journal = StubProxy(), StubDecisions(), StubJournal()
        self.fewest = 0
        self.out: set[str] = set()
        self._begin({})

    def _begin(self, marked: dict[str, str]) -> None:
        platform, self._checks = self.world.platform, StubChecks()
        edges = Edges(
            (platform,), self.proxy, self._checks, self.decisions, self.journal, SystemClock(),
            self.world.counts,
        )  # fmt: skip
        self.loop = Reconciler(edges)
        self.commands = Commands(self.loop)
        self.commands.adopt(Cluster(services=(self._service,)))
        self.loop.restore(self.proxy.tables, marked)

    async def restart(self, *, proxy_lost: bool = False) -> None:
        """As after kill -9 of fairlead: only what was written down somewhere is known."""
        await self.world.again()
        if proxy_lost:
            self.proxy.tables = {NAME: ServiceTable(NAME, self._service.routes, ())}
        counts = self.world.counts
        self._begin(counts.marked([self._service]) if counts else {})

    def up(self) -> set[str]:
        return self.proxy.up(NAME) if NAME in self.proxy.tables else set()

    async def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Let the loop go on, every check passing, until it is so. Nobody of `out` may be up."""

        async def step() -> Any:
            self.loop.notify(NAME)
            await self.loop.run_once()
            for endpoint_id in self._checks.watched:
                self.loop.report(endpoint_id, Health(up=True, ever_up=True, ready_at=1.0))
            up = self.up()
            assert not up & self.out, "it is drained, and up again"
            self.fewest = min(self.fewest, len(up))
            return holds()

        return await until(step, lambda: f"{what}; {self.told()}")

    async def settled(self, up: set[str] | int) -> set[str]:
        """These (or so many) are up, and nothing else is there, or going on."""

        def so() -> bool:
            now, tracked = self.up(), self.loop.tracked[NAME]
            wanted = len(now) == up if isinstance(up, int) else now == up
            return wanted and self.living() == now and not tracked.drains and not tracked.leaves

        await self.until(so, f"{up} up and nothing else")
        return self.up()

    def living(self) -> set[str]:
        return {e.id for e in self.loop.tracked[NAME].endpoints if e.phase is not Phase.EXITED}

    def told(self) -> str:
        tracked = self.loop.tracked[NAME]
        return f"{tracked.seen()}\n{tracked.intent}\n{self.proxy.tables}\n{self.journal.records}"
