"""Which nodes DNS is to name: those whose agent says that its proxy serves.

| the node's agent                         | the node in DNS                                    |
| ---------------------------------------- | -------------------------------------------------- |
| is there, its proxy serves               | named                                              |
| is there, its proxy does not serve       | not named                                          |
| is leaving, or the platform drains it    | not named; it is let go when the TTL is over       |
| went away LOST seconds ago or less       | as before: agents and controllers are restarted    |
| went away longer ago                     | not named                                          |
| was not seen yet, GRACE seconds or less  | nothing is changed before all are seen             |
| none of all agents is there              | nothing is changed: it is the controller that is   |
|                                          | cut off                                            |
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Protocol

from fairlead.core.dns import DnsNode
from fairlead.core.dns_names import nodes_of
from fairlead.core.errors import FairleadError
from fairlead.core.model import Cluster, Node
from fairlead.daemon.naming_alone import LOOK_EVERY, Keeps, Wanted, kept
from fairlead.daemon.start import running
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
        self, keeper: Keeps, platform: Nodes, roster: Roster, clock: Clock, wanted: Wanted
    ) -> None:
        self._keeper, self._platform, self._roster, self._clock = keeper, platform, roster, clock
        self._wanted, self._began = wanted, clock.now()
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
        """Tell the keeper of these nodes as they are now, once enough is known of them."""
        known = [node for node in nodes_of(self._wanted.dns, nodes) if node.address]
        self._seen.update(agent.node for agent in self._roster)
        missing = {node.id for node in known if node.named} - self._seen
        early = missing and self._clock.now() - self._began < GRACE
        there = any(agent.lost is None for agent in self._roster)
        if known and there and not early:
            self._keeper.update(self._wanted.names(), [self._node(node) for node in known])

    async def unnamed(self, node: str) -> None:
        """Until nobody is sent to the node by name any more."""
        self._changed.set()
        while self._keeper.wait_out(node) > self._clock.now():  # noqa: ASYNC110 - only time passes
            await asyncio.sleep(LOOK_EVERY / 4)

    def _node(self, node: DnsNode) -> DnsNode:
        """As its agent knows it beyond the platform."""
        agent = self._roster.agents.get(node.id)
        if agent is None:
            return replace(node, serving=False)
        serving, leaving = node.serving and self._serves(agent), node.leaving or agent.leaving
        return replace(node, serving=serving, leaving=leaving)

    def _serves(self, agent: Agent) -> bool:
        lost = agent.lost is not None and self._clock.now() - agent.lost > LOST
        return agent.serving and not lost


@asynccontextmanager
async def named(
    cluster: Cluster, wired: Wired, fleet: Fleet, journal: EventLog, fence: Fence
) -> AsyncIterator[None]:
    """DNS follows the fleet for as long as the context lasts, where the settings keep one."""
    if not cluster.dns.provider:
        yield
        return
    async with kept(cluster, wired, journal, fence) as (keeper, wanted):
        platform, clock = wired.running.platform, wired.loop.edges.clock
        naming = Naming(keeper, platform, fleet.roster, clock, wanted)
        fleet.changed, fleet.unnamed = naming.changed, naming.unnamed
        async with running(naming.run()):
            yield
