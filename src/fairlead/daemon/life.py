"""The daemon's life: start in order, live, end in order.

Starting adopts what an earlier daemon left running; ending either stops everything or, with
`keep`, leaves endpoints and proxy serving for the next daemon.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from fairlead.clock import SystemClock
from fairlead.core.dns_names import places_of
from fairlead.core.model import Cluster, Event
from fairlead.daemon.control import DaemonControl, Ending
from fairlead.daemon.lock import hold
from fairlead.daemon.signals import on_signals
from fairlead.daemon.start import at_work, begin, let_go
from fairlead.journal import EventLog
from fairlead.settings import load
from fairlead.wiring import Wired, wire

STOP_TIMEOUT = 10.0


async def live(file: Path, state: Path, tell: Callable[[Event], None] | None) -> None:
    cluster = load(file)
    with hold(state):
        journal = EventLog(state / "events.jsonl", SystemClock())
        if tell:
            journal.listen(tell)
        wired = wire(cluster, state, journal)
        ending = Ending()
        control = DaemonControl(wired, journal, lambda: load(file), ending)
        async with _named(cluster, wired, journal):
            await begin(wired, cluster, control)
            async with at_work(wired, cluster, control, state):
                on_signals(lambda: ending.ask(keep=False), control.apply)
                journal.record("up", "", f"serving {_services(cluster)} from {file.name}")
                await ending.asked.wait()
        if not ending.keep:
            await _stop(wired)
        await let_go(wired)
        journal.record("down", "", "the endpoints go on serving" if ending.keep else "all stopped")
        journal.close()


def _named(cluster: Cluster, wired: Wired, journal: EventLog) -> AbstractAsyncContextManager[None]:
    """DNS is kept for one machine; more than one are a controller's to name."""
    if not places_of(cluster):
        return nullcontext()
    if cluster.platform == "ecs":
        journal.record("dns", "", "not kept here: fairlead controller names the nodes of ECS")
        return nullcontext()
    from fairlead.daemon.naming_alone import named_alone

    return named_alone(cluster, wired, journal)


def _services(cluster: Cluster) -> str:
    number = len(cluster.services)
    return "1 service" if number == 1 else f"{number} services"


async def _stop(wired: Wired) -> None:
    """The proxy first: it finishes the requests in flight while the endpoints still answer."""
    await wired.proxy.stop()
    if wired.running.runner:
        await wired.running.runner.stop_all(_longest_stop(wired))
    for name in wired.loop.filed:
        wired.loop.edges.decisions.drop(name)


def _longest_stop(wired: Wired) -> float:
    tracked = wired.loop.tracked.values()
    return max([t.service.stop_timeout for t in tracked], default=STOP_TIMEOUT)
