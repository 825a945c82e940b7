"""What every daemon does between its first read and its end, whatever proxies it keeps right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fairlead.api.server import serve, serve_hooks
from fairlead.core.model import Cluster, ServiceTable
from fairlead.daemon.control import DaemonControl
from fairlead.wiring import Wired


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
    async with (
        serve(control, state / "fairlead.sock"),
        serve_hooks(control, cluster.hooks),
        running(wired.loop.run()),
        running(control.keep_discovering()),
    ):
        try:
            yield
        finally:
            await wired.checker.close()


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
