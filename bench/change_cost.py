"""What one change costs in fairlead among 1,000 services of 20 endpoints each (a stub platform).

python -m bench.change_cost
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.row import Row, show
from fairlead.commands import Commands
from fairlead.core.model import Cluster, Front, Route, Service
from fairlead.proxies.nginx.proxy import NginxProxy
from tests.ground import free_port
from tests.stub_edges import StubWorld

SERVICES = 1_000
REPLICAS = 20
CHANGES = 200
GOAL_MS = 5.0


async def _world() -> StubWorld:
    world = StubWorld()
    services = tuple(
        Service(f"service{n}", (Route(f"s{n}.localhost"),), REPLICAS, run=("app",))
        for n in range(SERVICES)
    )
    Commands(world.loop).adopt(Cluster(services=services))
    await world.settle(2)
    world.pass_checks()
    await world.settle(4)
    return world


async def _crash(world: StubWorld, number: int) -> float:
    """CPU milliseconds until a crashed endpoint is out of the table and replaced."""
    name = f"service{number * 7 % SERVICES}"
    victim = min(world.running(name))
    world.clock.time += 60
    started = time.process_time()
    world.platform.end(victim, "exit 1")
    await world.loop.run_once()
    spent = time.process_time() - started
    fresh = world.running(name) - {e.id for e in world.proxy.tables[name].entries}
    world.pass_checks(*fresh)
    await world.loop.run_once()
    return spent * 1000


async def _scale(world: StubWorld, number: int) -> float:
    """CPU milliseconds until one more endpoint runs and serves."""
    name = f"service{number * 11 % SERVICES}"
    world.clock.time += 1
    started = time.process_time()
    count = world.loop.tracked[name].service.replicas
    Commands(world.loop).scale(name, count + 1)
    await world.loop.run_once()
    fresh = world.running(name) - {e.id for e in world.proxy.tables[name].entries}
    world.pass_checks(*fresh)
    await world.loop.run_once()
    return (time.process_time() - started) * 1000


async def _measure() -> list[Row]:
    world = await _world()
    before = len(world.proxy.pushes)
    crashes = [await _crash(world, n) for n in range(CHANGES)]
    pushed = world.proxy.pushes[before:]
    scales = [await _scale(world, n) for n in range(CHANGES)]
    stray = len(pushed) - 2 * CHANGES
    return [
        Row.at_most(
            "a crash among 20,000 endpoints, CPU (median)", GOAL_MS, _median(crashes), "ms"
        ),
        Row.at_most("a scale-out by one, CPU (median)", GOAL_MS, _median(scales), "ms"),
        Row.at_most("the slowest of 400 changes, CPU", GOAL_MS, max(*crashes, *scales), "ms"),
        Row.at_most("pushes of services that did not change", 0, float(stray), ""),
        *await _push(world),
    ]


async def _push(world: StubWorld) -> list[Row]:
    """CPU of one push through the real adapter to a real nginx that holds all the tables."""
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        front = Front(listen=(f"127.0.0.1:{free_port()}",), workers=1)
        proxy = NginxProxy(Path(folder), front, lambda _: None, world.journal)
        await proxy.start()
        try:
            for table in world.proxy.tables.values():
                await proxy.push(table)
            spent = [await _push_one(proxy, world, n) for n in range(CHANGES)]
        finally:
            await proxy.stop()
    return [
        Row.at_most("a push to nginx with 20,000 endpoints, CPU", GOAL_MS, _median(spent), "ms")
    ]


async def _push_one(proxy: NginxProxy, world: StubWorld, number: int) -> float:
    table = world.proxy.tables[f"service{number * 13 % SERVICES}"]
    started = time.process_time()
    await proxy.push(replace(table, entries=table.entries[1:]))
    return (time.process_time() - started) * 1000


def _median(values: list[float]) -> float:
    return statistics.median(values)


def measure() -> list[Row]:
    return asyncio.run(_measure())


if __name__ == "__main__":
    show(measure())
