"""One pass over a cluster's DNS and the end, for `fairlead dns`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from fairlead.clock import SystemClock
from fairlead.core.dns import DnsNode, Problem
from fairlead.core.dns_names import names_of, nodes_of
from fairlead.core.dns_plan import Plan, plan
from fairlead.core.errors import BadInput
from fairlead.core.model import Cluster, Node, Service
from fairlead.daemon.control import with_found
from fairlead.dns.keeper import Keeping, unfenced
from fairlead.dns.opening import open_dns
from fairlead.journal import EventLog
from fairlead.ports import DnsProvider
from fairlead.wiring import open_platform


@dataclass(frozen=True, slots=True)
class Outcome:
    """`failed` are names that could not be written, where that was asked for."""

    plan: Plan
    nodes: tuple[DnsNode, ...]
    failed: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.plan.problems, *self.failed)


async def name_once(cluster: Cluster, notes: Path, *, write: bool) -> Outcome:
    """Plan, and with `write` apply. `notes` is a directory for what is only written down.

    A node can serve here when the platform says that it is ready. BadInput where there is nothing
    to name; PlatformError, DnsError when a side cannot be read.
    """
    provider, keeping = open_dns(cluster, SystemClock())
    try:
        nodes, services = await _seen(cluster, notes)
        outcome = await _planned(provider, keeping, nodes, names_of(cluster.dns, services))
        if not write or not outcome.plan.changes:
            return outcome
        return replace(outcome, failed=await provider.apply(outcome.plan.changes, unfenced))
    finally:
        await provider.close()


async def _planned(
    provider: DnsProvider, keeping: Keeping, nodes: list[DnsNode], names: tuple[str, ...]
) -> Outcome:
    if not names:
        raise BadInput("no route has a host that DNS could name: set dns.names")
    made = plan(names, nodes, await provider.read(names), keeping.rules)
    return Outcome(made, tuple(nodes))


async def _seen(cluster: Cluster, notes: Path) -> tuple[list[DnsNode], Iterable[Service]]:
    """The nodes, and all services. Events are left to the daemon: one pass must not take them."""
    if cluster.platform == "process":
        return nodes_of(cluster.dns, [_own(cluster)]), cluster.services
    cluster = replace(cluster, ecs=replace(cluster.ecs, queue=""))
    journal = EventLog(notes / "events.jsonl", SystemClock())
    running = open_platform(cluster, notes, lambda _: None, journal)
    try:
        await running.open()
        found = await running.discovery.services() if running.discovery else ()
        nodes = await running.platform.nodes() if cluster.platform == "ecs" else (_own(cluster),)
        return nodes_of(cluster.dns, nodes), with_found(cluster, found).services
    finally:
        await running.platform.close()
        journal.close()


def _own(cluster: Cluster) -> Node:
    """This machine, which the platform cannot tell the address of."""
    return Node("local", cluster.dns.address, public=cluster.dns.address)
