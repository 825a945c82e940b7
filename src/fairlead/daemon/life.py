"""The daemon's life: start in order, live, end in order.

Starting adopts what an earlier daemon left running; ending either stops everything or, with
`keep`, leaves endpoints and proxy serving for the next daemon.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fairlead.api.server import serve
from fairlead.clock import SystemClock
from fairlead.core.errors import FairleadError
from fairlead.core.model import Event
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
        ending = Ending()
        control = DaemonControl(wired.loop, journal, lambda: load(file), ending)
        await wired.proxy.start()
        live_table = await wired.proxy.read()
        leftovers = {e.service for e in wired.processes.all()} | set(live_table)
        control.begin(cluster, leftovers)
        wired.loop.restore(live_table)
        async with serve(control, state / "fairlead.sock"), _loop(wired):
            _on_signals(control, ending)
            journal.record("up", "", f"serving {len(cluster.services)} services from {file.name}")
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


def _on_signals(control: DaemonControl, ending: Ending) -> None:
    """HUP applies the settings file again; TERM and INT end everything."""
    loop = asyncio.get_running_loop()
    applying: set[asyncio.Task[None]] = set()

    def apply() -> None:
        task = asyncio.create_task(_apply(control))
        applying.add(task)
        task.add_done_callback(applying.discard)

    loop.add_signal_handler(signal.SIGHUP, apply)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: ending.ask(keep=False))


async def _apply(control: DaemonControl) -> None:
    with suppress(FairleadError):  # it is in the journal
        await control.apply()


async def _let_go(wired: Wired) -> None:
    await wired.fixed.close()
    await wired.processes.close()
    await wired.proxy.close()


async def _stop(wired: Wired) -> None:
    """The proxy first: it finishes the requests in flight while the endpoints still answer."""
    await wired.proxy.stop()
    await wired.processes.stop_all(_longest_stop(wired))
    for name in wired.loop.filed:
        wired.loop.edges.decisions.drop(name)


def _longest_stop(wired: Wired) -> float:
    tracked = wired.loop.tracked.values()
    return max([t.service.stop_timeout for t in tracked], default=STOP_TIMEOUT)
