"""One pass over a cluster's DNS and the end, for `fairlead dns`."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fairlead.clock import SystemClock
from fairlead.core.dns import DnsNode, Problem
from fairlead.core.dns_names import names_of, nodes_of, this_machine
from fairlead.core.dns_plan import Plan, plan
from fairlead.core.errors import BadInput, Busy
from fairlead.core.model import Cluster, Service
from fairlead.daemon.control import with_found
from fairlead.dns.keeper import Keeping, unfenced
from fairlead.dns.opening import open_dns
from fairlead.journal import EventLog
from fairlead.leases.holder import Holder
from fairlead.ports import DnsProvider, Fence
from fairlead.wiring import lease_store, open_platform


@dataclass(frozen=True, slots=True)
class Outcome:
    """`failed` are names that could not be written, where that was asked for."""

    plan: Plan
    nodes: tuple[DnsNode, ...]
    failed: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.plan.problems, *self.failed)


@asynccontextmanager
async def leading(cluster: Cluster, state: Path) -> AsyncIterator[Fence]:
    """Where the settings name a controller, its lease is held for as long as the context lasts, and
    asked for before each write; `state` is the controller's. Busy when one leads."""
    if not cluster.controller.listen:
        yield unfenced
        return
    name = f"dns-apply-{secrets.token_hex(4)}"
    holder = Holder(lease_store(cluster, state), SystemClock(), name)
    try:
        await holder.take_unless_kept()
    except Busy as error:
        raise Busy(f"controller {error}, and keeps its names; nothing was changed") from error
    async with holder.kept():
        yield holder.confirm


async def name_once(
    cluster: Cluster, notes: Path, *, write: bool, fence: Fence = unfenced
) -> Outcome:
    """Plan, and with `write` apply. `notes` is a directory for what is only written down, `fence`
    is awaited before each write.

    A node can serve here when the platform says that it is ready. BadInput where there is nothing
    to name; PlatformError, DnsError when a side cannot be read.
    """
    provider, keeping = open_dns(cluster, SystemClock())
    try:
        nodes, services = await _seen(cluster, notes)
        outcome = await _planned(provider, keeping, nodes, names_of(cluster.dns, services))
        if not write or not outcome.plan.changes:
            return outcome
        return replace(outcome, failed=await provider.apply(outcome.plan.changes, fence))
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
        return nodes_of(cluster.dns, [this_machine(cluster.dns)]), cluster.services
    cluster = replace(cluster, ecs=replace(cluster.ecs, queue=""))
    journal = EventLog(notes / "events.jsonl", SystemClock())
    running = open_platform(cluster, notes, lambda _: None, journal)
    try:
        await running.open()
        found = await running.discovery.services() if running.discovery else ()
        many = cluster.platform == "ecs"
        nodes = await running.platform.nodes() if many else (this_machine(cluster.dns),)
        return nodes_of(cluster.dns, nodes), with_found(cluster, found).services
    finally:
        await running.platform.close()
        journal.close()
