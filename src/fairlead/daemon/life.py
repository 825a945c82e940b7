"""The daemon's life: start in order, live, end in order.

Starting adopts what an earlier daemon left running; ending either stops everything or, with
`keep`, leaves endpoints and proxy serving for the next daemon.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fairlead.api.server import serve, serve_hooks
from fairlead.clock import SystemClock
from fairlead.core.errors import FairleadError
from fairlead.core.model import Cluster, Event, ServiceTable
from fairlead.daemon.control import DaemonControl, Ending
from fairlead.daemon.lock import hold
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
        await wired.running.open()
        ending = Ending()
        control = DaemonControl(wired, journal, lambda: load(file), ending)
        await wired.proxy.start(
            [ServiceTable(s.name, s.routes, (), s.traffic) for s in cluster.services]
        )
        live_table = await wired.proxy.read()
        control.begin(cluster, _leftovers(wired) | set(live_table))
        await control.discover()
        tracked = wired.loop.tracked.values()
        wired.loop.restore(live_table, wired.running.marked([t.service for t in tracked]))
        async with (
            serve(control, state / "fairlead.sock"),
            serve_hooks(control, cluster.hooks),
            _loop(wired),
            _discovering(control),
        ):
            _on_signals(control, ending)
            journal.record("up", "", f"serving {_services(cluster)} from {file.name}")
            await ending.asked.wait()
        if not ending.keep:
            await _stop(wired)
        await _let_go(wired)
        journal.record("down", "", "the endpoints go on serving" if ending.keep else "all stopped")
        journal.close()


@asynccontextmanager
async def _loop(wired: Wired) -> AsyncIterator[None]:
    task = asyncio.create_task(wired.loop.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await wired.checker.close()


def _leftovers(wired: Wired) -> set[str]:
    runner = wired.running.runner
    return {endpoint.service for endpoint in runner.all()} if runner else set()


@asynccontextmanager
async def _discovering(control: DaemonControl) -> AsyncIterator[None]:
    task = asyncio.create_task(control.keep_discovering())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _services(cluster: Cluster) -> str:
    number = len(cluster.services)
    return "1 service" if number == 1 else f"{number} services"


def _on_signals(control: DaemonControl, ending: Ending) -> None:
    """HUP applies the settings file again; TERM, INT and the loss of the terminal end everything.

    The kernel sends HUP when a terminal closes, too. Under nohup that is no reason to end.
    """
    loop = asyncio.get_running_loop()
    bound = has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    applying: set[asyncio.Task[None]] = set()

    def hang_up() -> None:
        if bound and not has_terminal():
            ending.ask(keep=False)
        else:
            task = asyncio.create_task(_apply(control))
            applying.add(task)
            task.add_done_callback(applying.discard)

    loop.add_signal_handler(signal.SIGHUP, hang_up)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: ending.ask(keep=False))


def has_terminal() -> bool:
    """Whether this process has a controlling terminal (tty(4)) that has not hung up."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


async def _apply(control: DaemonControl) -> None:
    with suppress(FairleadError):  # it is in the journal
        await control.apply()


async def _let_go(wired: Wired) -> None:
    await wired.fixed.close()
    await wired.running.platform.close()
    await wired.proxy.close()


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
