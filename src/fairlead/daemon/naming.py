"""Which nodes DNS is to name: those whose agent says that its proxy serves.

| the node's agent                         | the node in DNS                                    |
| ---------------------------------------- | -------------------------------------------------- |
| is there, its proxy serves               | named                                              |
| is there, its proxy does not serve       | not named                                          |
| is leaving, or the platform drains it    | not named; it is let go when the TTL is over       |
| is away or silent, LOST seconds or less  | as before: agents and controllers are restarted    |
| is away or silent for longer             | not named                                          |
| was not seen yet, GRACE seconds or less  | nothing is changed before all are seen             |
| none of all agents is there              | nothing is changed: it is the controller that is   |
|                                          | cut off, and begins anew with the first that is    |
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Protocol

from fairlead.core.dns import DnsNode
from fairlead.core.dns_names import nodes_of, places_of
from fairlead.core.errors import FairleadError
from fairlead.core.model import Cluster, Node
from fairlead.daemon.naming_alone import LOOK_EVERY, Keeps, Wanted, kept
from fairlead.daemon.start import lasting, running
from fairlead.fleet.fleet import Fleet
from fairlead.fleet.roster import Agent, Roster
from fairlead.journal import EventLog
from fairlead.ports import Clock, Fence
from fairlead.wiring import Wired

LOST, GRACE = 6.0, 20.0
"""In seconds. The platform's nodes are looked at every LOOK_EVERY, agents are heeded at once."""


class Nodes(Protocol):
    async def nodes(self) -> tuple[Node, ...]: ...


class Naming:
    def __init__(
        self,
        keepers: Sequence[tuple[Keeps, Wanted]],
        platform: Nodes,
        roster: Roster,
        clock: Clock,
    ) -> None:
        self._keepers, self._platform, self._roster, self._clock = keepers, platform, roster, clock
        self._began = clock.now()
        self._seen: set[str] = set()
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """An agent has come, gone, or said something else."""
        self._changed.set()

    async def run(self) -> None:
        while True:
            with suppress(FairleadError):
                self.look(await self._platform.nodes())
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._changed.wait()
            self._changed.clear()

    def look(self, nodes: Sequence[Node]) -> None:
        """Tell each keeper of these nodes as they are now, once enough is known of them."""
        now = self._clock.now()
        if not any(agent.is_heard(now) for agent in self._roster):
            self._began, self._seen = now, set()
            return
        age = now - self._began
        self._seen.update(agent.node for agent in self._roster if agent.silence(now) <= age)
        for keeper, wanted in self._keepers:
            self._look(keeper, wanted, nodes)

    def _look(self, keeper: Keeps, wanted: Wanted, nodes: Sequence[Node]) -> None:
        known = [node for node in nodes_of(wanted.dns, nodes) if node.address]
        missing = {node.id for node in known if node.named} - self._seen
        early = missing and self._clock.now() - self._began < GRACE
        if known and not early:
            keeper.update(wanted.names(), [self._node(node) for node in known])

    async def unnamed(self, node: str) -> None:
        """Until nobody is sent to the node by name any more."""
        self._changed.set()
        while not self.is_unnamed(node):  # noqa: ASYNC110 - only time passes
            await asyncio.sleep(LOOK_EVERY / 4)

    def is_unnamed(self, node: str) -> bool:
        """Nobody is sent to the node by name any more, nor remembers that he was."""
        return self._wait_out(node) <= self._clock.now()

    def _wait_out(self, node: str) -> float:
        return max(keeper.wait_out(node) for keeper, _ in self._keepers)

    def _node(self, node: DnsNode) -> DnsNode:
        """As its agent knows it beyond the platform."""
        agent = self._roster.agents.get(node.id)
        if agent is None:
            return replace(node, serving=False)
        serving, leaving = node.serving and self._serves(agent), node.leaving or agent.leaving
        return replace(node, serving=serving, leaving=leaving)

    def _serves(self, agent: Agent) -> bool:
        return agent.serving and agent.silence(self._clock.now()) <= LOST


@asynccontextmanager
async def named(
    cluster: Cluster, wired: Wired, fleet: Fleet, journal: EventLog, fence: Fence
) -> AsyncIterator[Naming | None]:
    """DNS follows the fleet for as long as the context lasts, where the settings keep one."""
    if not places_of(cluster):
        yield None
        return
    async with kept(cluster, wired, journal, fence) as keepers:
        platform, clock = wired.running.platform, wired.loop.edges.clock
        naming = Naming(keepers, platform, fleet.roster, clock)
        fleet.changed, fleet.unnamed = naming.changed, naming.unnamed
        async with running(lasting(naming.run, journal, clock)):
            yield naming
