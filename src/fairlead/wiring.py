"""Name -> adapter, imported when it is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fairlead.clock import SystemClock
from fairlead.core.health import Health
from fairlead.core.model import Cluster
from fairlead.decisions import DecisionFiles
from fairlead.journal import EventLog
from fairlead.platforms.fixed import FixedPlatform
from fairlead.platforms.process.platform import ProcessPlatform
from fairlead.probes import Probes
from fairlead.probes.checker import Checker
from fairlead.proxies.nginx.proxy import NginxProxy
from fairlead.reconcile import Reconciler
from fairlead.service_pass import Edges


@dataclass(frozen=True, slots=True)
class Wired:
    """A loop with its edges, by their own types where the daemon needs more than the port."""

    loop: Reconciler
    processes: ProcessPlatform
    fixed: FixedPlatform
    proxy: NginxProxy
    checker: Checker


class _Bell:
    """Edges are made before the loop that they notify: it is told to the bell afterwards."""

    loop: Reconciler

    def notify(self, service: str) -> None:
        self.loop.notify(service)

    def report(self, endpoint_id: str, health: Health) -> None:
        self.loop.report(endpoint_id, health)


def wire(cluster: Cluster, state: Path, journal: EventLog) -> Wired:
    """The edges for these settings, and the loop over them."""
    clock, bell = SystemClock(), _Bell()
    processes = ProcessPlatform(state, cluster.ports, bell.notify, clock)
    fixed = FixedPlatform(bell.notify, clock)
    proxy = NginxProxy(state, cluster.front, bell.notify, journal)
    checker = Checker(Probes(), clock, bell.report)
    decisions = DecisionFiles(state / "decisions", journal)
    platforms = (processes, fixed)
    bell.loop = Reconciler(Edges(platforms, proxy, checker, decisions, journal, clock))
    return Wired(bell.loop, processes, fixed, proxy, checker)
