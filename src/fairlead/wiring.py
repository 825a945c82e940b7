"""Name -> adapter, imported when it is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fairlead.clock import SystemClock
from fairlead.core.health import Health
from fairlead.core.model import Cluster, Endpoint, Service
from fairlead.decisions import DecisionFiles
from fairlead.journal import EventLog
from fairlead.leases.fence import FencedNodeGroup, FencedOrchestrator, FencedPlatform
from fairlead.leases.file import FileLease
from fairlead.meters.proxy import OneProxy
from fairlead.meters.usage import Usage
from fairlead.platforms.fixed import FixedPlatform
from fairlead.platforms.machine_room import MachineRoom
from fairlead.ports import (
    Checks,
    Discovery,
    Fence,
    Gauged,
    Journal,
    LeaseStore,
    Metered,
    NodeGroup,
    Notify,
    Orchestrator,
    Platform,
    Prober,
    Proxy,
    Room,
    Runner,
    Tallies,
    Wake,
)
from fairlead.probes import Probes
from fairlead.probes.checker import Checker
from fairlead.probes.once import OneRound
from fairlead.proxies.nginx.proxy import NginxProxy
from fairlead.reconcile import Reconciler
from fairlead.service_pass import Edges

if TYPE_CHECKING:
    from fairlead.fleet.fleet import Fleet
    from fairlead.fleet.roster import Roster
    from fairlead.meters.board import MeterBoard


def lease_store(cluster: Cluster, state: Path) -> LeaseStore:
    """Where the cluster's controllers agree on who leads. BadInput when it is no such place."""
    if cluster.controller.lease.startswith("dynamodb:"):
        from fairlead.leases.dynamodb import open_lease

        return open_lease(cluster.controller.lease, cluster, SystemClock())
    return FileLease(Path(cluster.controller.lease or state / "lease.json"))


async def _opened() -> None:
    """Nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Running:
    """The platform of the settings file, by what the daemon may ask of it.

    `open` is awaited once, before anything else; `follow` takes changed settings; `gated` lets the
    platform have its say in every check; `marked` are drains that the cluster itself remembers;
    `anew` waits until all that is known of the platform was read after it was called.
    """

    platform: Platform
    open: Callable[[], Awaitable[None]]
    follow: Callable[[Cluster], None]
    runner: Runner | None = None
    orchestrator: Orchestrator | None = None
    discovery: Discovery | None = None
    metered: Metered | None = None
    gauged: Gauged | None = None
    room: Room | None = None
    group: NodeGroup | None = None
    gated: Callable[[Prober], Prober] = lambda prober: prober
    marked: Callable[[Collection[Service]], dict[str, str]] = lambda _: {}
    anew: Callable[[], Awaitable[None]] = _opened


class ClosingChecks(Checks, Protocol):
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Wired:
    """A loop with its edges, by their own types where the daemon needs more than the port.

    `usage` is None where the platform cannot measure endpoints; `cluster` are the settings that it
    was wired by.
    """

    loop: Reconciler
    running: Running
    fixed: FixedPlatform
    proxy: Proxy
    checker: ClosingChecks
    bell: Bell
    tallies: Tallies
    usage: Usage | None = None
    cluster: Cluster = field(default_factory=Cluster)
    roster: Roster | None = None


class Bell:
    """Edges are made before the loop that they notify: it is told to the bell afterwards.

    `strange` is called for services that the loop does not know: they may be new ones. `woken` is
    called with services that are asleep and that a request waits for.
    """

    loop: Reconciler
    strange: Callable[[], None] = staticmethod(lambda: None)
    woken: Wake = staticmethod(lambda _: None)

    def notify(self, service: str) -> None:
        if service and service not in self.loop.tracked:
            self.strange()
        self.loop.notify(service)

    def wake(self, service: str) -> None:
        self.woken(service)

    def report(self, endpoint_id: str, health: Health) -> None:
        self.loop.report(endpoint_id, health)


def wire(cluster: Cluster, state: Path, journal: EventLog) -> Wired:
    """The edges of one machine for these settings, and the loop over them."""
    clock, bell = SystemClock(), Bell()
    running = open_platform(cluster, state, bell.notify, journal)
    proxy = open_proxy(cluster, state, bell, journal)
    checker = Checker(running.gated(Probes()), clock, bell.report)
    wired = _looped(state, journal, bell, running, proxy, checker)
    return replace(wired, cluster=cluster)


def wire_fleet(
    cluster: Cluster, state: Path, journal: EventLog, fence: Fence
) -> tuple[Wired, Fleet]:
    """The edges of a controller, whose proxy and checks are those of its agents. `fence` is awaited
    before each write to the platform."""
    from fairlead.fleet.fleet import Fleet

    clock, bell = SystemClock(), Bell()
    running = fenced(open_platform(cluster, state, bell.notify, journal), fence)
    fleet = Fleet(bell.notify, bell.report, journal, clock)
    fleet.informed, fleet.woken = running.anew, bell.wake
    wired = _looped(state, journal, bell, running, fleet, fleet)
    return replace(wired, roster=fleet.roster, tallies=fleet, cluster=cluster), fleet


def fenced(running: Running, fence: Fence) -> Running:
    """The same, with `fence` awaited before each write."""
    kept = running.orchestrator
    return replace(
        running,
        platform=FencedPlatform(running.platform, fence),
        orchestrator=FencedOrchestrator(kept, fence) if kept else None,
        group=FencedNodeGroup(running.group, fence) if running.group else None,
    )


def wire_once(
    cluster: Cluster, state: Path, notes: Path, journal: EventLog
) -> tuple[Wired, OneRound]:
    """The edges of one machine, with checks that are made once. `notes` is the directory for what
    is only written down."""
    clock, bell = SystemClock(), Bell()
    running = open_platform(cluster, state, bell.notify, journal)
    proxy = open_proxy(cluster, state, bell, journal)
    checks = OneRound(running.gated(Probes()), clock, bell.report)
    return _looped(notes, journal, bell, running, proxy, checks), checks


def _looped(
    state: Path,
    journal: EventLog,
    bell: Bell,
    running: Running,
    proxy: Proxy,
    checker: ClosingChecks,
) -> Wired:
    clock = SystemClock()
    fixed = FixedPlatform(bell.notify, clock)
    decisions = DecisionFiles(state / "decisions", journal)
    platforms = (running.platform, fixed)
    edges = Edges(platforms, proxy, checker, decisions, journal, clock, running.orchestrator)
    bell.loop = Reconciler(edges)
    tallies = OneProxy(proxy, clock)
    usage = Usage(running.gauged, clock) if running.gauged else None
    return Wired(bell.loop, running, fixed, proxy, checker, bell, tallies, usage)


def open_meters(wired: Wired) -> MeterBoard:
    """What services are scaled by; nothing is read before it is looked at."""
    from fairlead.meters.opening import Services, open_board

    tracked = wired.loop.tracked

    def service(name: str) -> Service:
        """One that is gone meanwhile has nothing."""
        return tracked[name].service if name in tracked else Service(name)

    def ready(name: str) -> list[Endpoint]:
        seen = tracked[name].seen() if name in tracked else ()
        return [each.endpoint for each in seen if each.ready]

    services = Services(service, ready, wired.usage)
    return open_board(wired.cluster, wired.tallies, services, SystemClock())


def open_platform(cluster: Cluster, state: Path, notify: Notify, journal: Journal) -> Running:
    """The platform of the settings, not opened yet."""
    return _RUNNING[cluster.platform](cluster, state, notify, journal)


def open_proxy(cluster: Cluster, state: Path, bell: Bell, journal: Journal) -> Proxy:
    """The proxy of the settings, not started yet."""
    if cluster.proxy == "nginx":
        return NginxProxy(state, cluster.front, bell.notify, journal, bell.wake)
    from fairlead.proxies.plain.proxy import PlainProxy

    own = cluster.platform in {"process", "docker"}
    return PlainProxy(cluster.plain, cluster.front, journal, withdraw=own)


def _keep(_: Cluster) -> None:
    """Nothing of it changes while it runs."""


def _process(cluster: Cluster, state: Path, notify: Notify, _: Journal) -> Running:
    from fairlead.platforms.process.platform import ProcessPlatform

    platform = ProcessPlatform(state, cluster.ports, notify, SystemClock())
    return Running(
        platform,
        _opened,
        lambda new: platform.use(new.ports),
        platform,
        gauged=platform,
        room=MachineRoom(platform, platform.all, SystemClock(), spare=platform.spare_ports),
    )


def _docker(cluster: Cluster, _: Path, notify: Notify, journal: Journal) -> Running:
    from fairlead.platforms.docker.gate import GatedProber
    from fairlead.platforms.docker.platform import DockerPlatform

    settings = cluster.docker
    platform = DockerPlatform(cluster.name, settings.host, notify, SystemClock(), journal)
    return Running(
        platform,
        platform.open,
        _keep,
        runner=platform,
        discovery=platform if settings.discover else None,
        gauged=platform,
        room=MachineRoom(platform, platform.all, SystemClock(), 15.0),
        gated=lambda prober: GatedProber(prober, platform.gate),
    )


def _ecs(cluster: Cluster, _: Path, notify: Notify, journal: Journal) -> Running:
    from fairlead.platforms.ecs.platform import EcsPlatform

    settings = replace(cluster.ecs, cluster=cluster.ecs.cluster or cluster.name)
    platform = EcsPlatform(settings, notify, SystemClock(), journal)
    return Running(
        platform,
        platform.open,
        _keep,
        orchestrator=platform,
        discovery=platform if settings.discover else None,
        metered=platform,
        room=platform,
        group=platform.group,
        marked=platform.marked,
        anew=platform.anew,
    )


_RUNNING: dict[str, Callable[[Cluster, Path, Notify, Journal], Running]] = {
    "process": _process,
    "docker": _docker,
    "ecs": _ecs,
}
