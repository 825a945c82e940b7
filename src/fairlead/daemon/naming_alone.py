"""DNS kept while a daemon runs; for one machine by itself, that names this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from fairlead.core.dns import DnsNode
from fairlead.core.dns_names import names_of, nodes_of, places_of, this_machine
from fairlead.core.dns_settings import Dns
from fairlead.core.model import Cluster
from fairlead.daemon.start import lasting, running
from fairlead.dns.keeper import Keeper, unfenced
from fairlead.dns.opening import open_dns
from fairlead.journal import EventLog
from fairlead.ports import Fence
from fairlead.wiring import Wired

LOOK_EVERY = 1.0
"""Seconds between two looks at what is to be named."""


class Keeps(Protocol):
    """What is used of dns.keeper.Keeper."""

    def update(self, names: Collection[str], nodes: Collection[DnsNode]) -> None: ...

    def wait_out(self, node: str) -> float: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """`names` gives those to keep now, `dns` says which of a node's addresses is meant."""

    names: Callable[[], Sequence[str]]
    dns: Dns


@asynccontextmanager
async def kept(
    cluster: Cluster, wired: Wired, journal: EventLog, fence: Fence
) -> AsyncIterator[list[tuple[Keeps, Wanted]]]:
    """A keeper for each place, at work for as long as the context lasts; to be told of nodes."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(_kept(dns, cluster, wired, journal, fence))
            for dns in places_of(cluster)
        ]


@asynccontextmanager
async def _kept(
    dns: Dns, cluster: Cluster, wired: Wired, journal: EventLog, fence: Fence
) -> AsyncIterator[tuple[Keeps, Wanted]]:
    clock, tracked = wired.loop.edges.clock, wired.loop.tracked
    provider, keeping = open_dns(replace(cluster, dns=dns), clock)
    keeper = Keeper(provider, keeping, journal, clock, fence)

    def names() -> Sequence[str]:
        services = tuple(t.service for t in tracked.values() if not t.removed)
        return names_of(dns, replace(cluster, services=services))

    try:
        async with running(lasting(keeper.run, journal, clock)):
            yield keeper, Wanted(names, dns)
    finally:
        await keeper.close()


@asynccontextmanager
async def named_alone(cluster: Cluster, wired: Wired, journal: EventLog) -> AsyncIterator[None]:
    """Names the one machine that there is; what it names stays when the context ends, as the last
    address always does."""
    async with (
        kept(cluster, wired, journal, unfenced) as keepers,
        running(lasting(lambda: _name_this(keepers), journal, wired.loop.edges.clock)),
    ):
        yield


async def _name_this(keepers: Collection[tuple[Keeps, Wanted]]) -> None:
    while True:
        for keeper, wanted in keepers:
            if names := wanted.names():
                keeper.update(names, nodes_of(wanted.dns, [this_machine(wanted.dns)]))
        await asyncio.sleep(LOOK_EVERY)
