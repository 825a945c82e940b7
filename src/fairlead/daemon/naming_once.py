"""One pass over a cluster's DNS and the end, for `fairlead dns`."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fairlead.clock import SystemClock
from fairlead.core.dns import DnsNode, Problem
from fairlead.core.dns_names import names_of, nodes_of, places_of, this_machine
from fairlead.core.dns_plan import Plan, plan
from fairlead.core.dns_settings import Dns
from fairlead.core.errors import BadInput, Busy
from fairlead.core.model import Cluster, Node
from fairlead.daemon.control import with_found
from fairlead.dns.keeper import Keeping, unfenced
from fairlead.dns.opening import open_dns
from fairlead.journal import EventLog
from fairlead.leases.holder import Holder
from fairlead.ports import DnsProvider, Fence
from fairlead.wiring import lease_store, open_platform


@dataclass(frozen=True, slots=True)
class Outcome:
    """`failed` are names that could not be written, where that was asked for; `dry`: nothing was
    to be written."""

    plan: Plan
    nodes: tuple[DnsNode, ...]
    failed: tuple[Problem, ...] = ()
    dry: bool = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.plan.problems, *self.failed)


@dataclass(frozen=True, slots=True)
class Place:
    """Where names are kept, opened."""

    dns: Dns
    provider: DnsProvider
    keeping: Keeping


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
    async with AsyncExitStack() as stack:
        places = []
        for dns in places_of(cluster) or (cluster.dns,):
            provider, keeping = open_dns(replace(cluster, dns=dns), SystemClock())
            stack.push_async_callback(provider.close)
            places.append(Place(dns, provider, keeping))
        seen = await _seen(cluster, notes)
        if not any(names_of(place.dns, seen.cluster) for place in places):
            raise BadInput("no route has a host that DNS could name: set dns.names")
        made = [await _named(place, seen, fence if write else None) for place in places]
        return _together(made)


async def _named(place: Place, seen: _Seen, fence: Fence | None) -> Outcome:
    names = names_of(place.dns, seen.cluster)
    nodes = nodes_of(place.dns, seen.nodes or (this_machine(place.dns),))
    found = await place.provider.read(names) if names else ()
    dry = fence is None or place.keeping.dry
    outcome = Outcome(plan(names, nodes, found, place.keeping.rules), tuple(nodes), dry=dry)
    if fence is None or dry or not outcome.plan.changes:
        return outcome
    return replace(outcome, failed=await place.provider.apply(outcome.plan.changes, fence))


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    plans = [outcome.plan for outcome in outcomes]
    whole = Plan(
        tuple(change for each in plans for change in each.changes),
        tuple(problem for each in plans for problem in each.problems),
        frozenset(address for each in plans for address in each.held),
    )
    nodes = dict.fromkeys(node for outcome in outcomes for node in outcome.nodes)
    failed = tuple(problem for outcome in outcomes for problem in outcome.failed)
    return Outcome(whole, tuple(nodes), failed, all(outcome.dry for outcome in outcomes))


@dataclass(frozen=True, slots=True)
class _Seen:
    """The settings with the services that were discovered, and all nodes; none: there is only this
    machine."""

    cluster: Cluster
    nodes: tuple[Node, ...] = ()


async def _seen(cluster: Cluster, notes: Path) -> _Seen:
    """The nodes, and all services. Events are left to the daemon: one pass must not take them."""
    if cluster.platform == "process":
        return _Seen(cluster)
    cluster = replace(cluster, ecs=replace(cluster.ecs, queue=""))
    journal = EventLog(notes / "events.jsonl", SystemClock())
    running = open_platform(cluster, notes, lambda _: None, journal)
    try:
        await running.open()
        found = await running.discovery.services() if running.discovery else ()
        nodes = await running.platform.nodes() if cluster.platform == "ecs" else ()
        return _Seen(with_found(cluster, found), tuple(nodes))
    finally:
        await running.platform.close()
        journal.close()
