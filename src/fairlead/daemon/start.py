"""What every daemon does between its first read and its end, whatever proxies it keeps right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fairlead.api.server import serve, serve_hooks
from fairlead.core.model import Cluster, ServiceTable
from fairlead.daemon.control import DaemonControl
from fairlead.daemon.scaling import scaler_of
from fairlead.faults import told
from fairlead.ports import Clock, Journal
from fairlead.wiring import Wired

Work = Callable[[], Coroutine[object, object, None]]
SHORTEST, LONGEST = 0.25, 30.0
"""Seconds before work that a fault has ended is begun again."""


async def begin(wired: Wired, cluster: Cluster, control: DaemonControl) -> None:
    """Go on from what is served and what runs."""
    await wired.running.open()
    await wired.proxy.start(
        [ServiceTable(s.name, s.routes, (), s.traffic) for s in cluster.services]
    )
    live_table = await wired.proxy.read()
    control.begin(cluster, _leftovers(wired) | set(live_table))
    await control.discover()
    tracked = wired.loop.tracked.values()
    wired.loop.restore(live_table, wired.running.marked([t.service for t in tracked]))


@asynccontextmanager
async def at_work(
    wired: Wired, cluster: Cluster, control: DaemonControl, state: Path
) -> AsyncIterator[None]:
    """The loop runs and the API is served for as long as the context lasts."""
    edges = wired.loop.edges
    async with (
        scaler_of(wired, state) as scaler,
        serve(control, state / "fairlead.sock"),
        serve_hooks(control, cluster.hooks),
        running(lasting(wired.loop.run, edges.journal, edges.clock)),
        running(lasting(control.keep_discovering, edges.journal, edges.clock)),
        running(lasting(scaler.run, edges.journal, edges.clock)),
    ):
        control.scaler = scaler
        try:
            yield
        finally:
            await wired.checker.close()


async def lasting(work: Work, journal: Journal, clock: Clock) -> None:
    """Until it ends by itself: when a fault ends it, that is told, and it is begun again after a
    pause that grows for as long as it does not last."""
    pause = SHORTEST
    while True:
        began = clock.now()
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - nobody would do its work any more
            pause = SHORTEST if clock.now() - began > LONGEST else min(LONGEST, pause * 2)
            journal.record("problem", "", f"{told(error)}; it is begun again in {pause:g} s")
        await asyncio.sleep(pause)


@asynccontextmanager
async def running(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """In the background, and cancelled with the context."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def let_go(wired: Wired) -> None:
    await wired.fixed.close()
    await wired.running.platform.close()
    await wired.proxy.close()


def _leftovers(wired: Wired) -> set[str]:
    runner = wired.running.runner
    return {endpoint.service for endpoint in runner.all()} if runner else set()
