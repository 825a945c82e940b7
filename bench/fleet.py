"""What a controller with many agents costs, and how soon a change has reached all of them.

python -m bench.fleet [--agents 1000] [--changes 20]

The controller is a process of its own, as `fairlead controller` starts it; the agents share another
one (bench.fleet_agents), each with a connection, tables and checks of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.footprint import cpu, memory
from bench.row import Row, show
from tests.integration.fleet import Fleet

PATIENCE = 120.0
REST = 20.0
"""Seconds of rest whose CPU is told."""
SETTLE = 6.0
"""Seconds until every agent has told all its counters once."""
ENDPOINT = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(86400)", "{port}"]
"""Nobody asks it anything: the agents' checks are in name only."""
APP = {"run": ENDPOINT, "routes": ["app.localhost"], "replicas": 2, "health": {"path": "/"}}


class Stage:
    """A controller, and the process of its agents, which tells when the last of them had what."""

    def __init__(self, fleet: Fleet, nodes: Process, agents: int) -> None:
        self.fleet, self.agents, self._nodes = fleet, agents, nodes

    @property
    def pid(self) -> int:
        assert self.fleet.controller.process is not None
        return self.fleet.controller.process.pid

    async def reached(self, state: str) -> float:
        """When the next thing that all agents have in that state got there (monotonic seconds)."""
        assert self._nodes.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self._nodes.stdout.readline():
                found, at = line.decode().split()
                if found == state:
                    return float(at)
        raise AssertionError(f"the agents have ended\n{self.fleet.controller.log()}")

    async def scale(self, count: int) -> float:
        """When that was asked for."""
        began = time.monotonic()
        await asyncio.to_thread(self.fleet.controller.client.scale, "app", count)
        return began

    async def settled(self, count: int) -> None:
        await self.fleet.until(self.fleet.controller, ["ready"] * count, patience=PATIENCE)


@asynccontextmanager
async def _staged(agents: int) -> AsyncIterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-fleet-") as folder:
        fleet = Fleet(Path(folder), {"app": APP})
        place = [str(fleet.port), str(fleet.token), str(agents)]
        command = [sys.executable, "-m", "bench.fleet_agents", *place]
        nodes = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        try:
            await fleet.controller.start()
            yield Stage(fleet, nodes, agents)
        finally:
            nodes.terminate()
            await nodes.wait()
            await fleet.down()


async def _changes(stage: Stage, count: int) -> tuple[list[float], list[float]]:
    """Seconds from the command until all serve the new endpoint, and until all have it draining."""
    ups, drains = [], []
    for _ in range(count):
        asked = await stage.scale(3)
        ups.append(await stage.reached("up") - asked)
        await stage.settled(3)
        asked = await stage.scale(2)
        drains.append(await stage.reached("draining") - asked)
        await stage.settled(2)
    return ups, drains


async def _changed(stage: Stage, count: int) -> list[Row]:
    before = cpu(stage.pid)
    ups, drains = await _changes(stage, (count + 1) // 2)
    both, busy = [*ups, *drains], cpu(stage.pid) - before
    name = f"{stage.agents:,} agents"
    worst = f"{name}: scale to all agents have it, worst of {len(both)}"
    return [
        Row.at_most(worst, 1, max(both), "s"),
        Row.compare("the same, an endpoint comes, median", statistics.median(ups), "s"),
        Row.compare("the same, an endpoint goes, median", statistics.median(drains), "s"),
        Row.compare(f"{name}: CPU of the controller a change", busy / len(both), "s"),
    ]


async def _at_rest(stage: Stage) -> list[Row]:
    await asyncio.sleep(SETTLE)
    before = cpu(stage.pid)
    await asyncio.sleep(REST)
    share = (cpu(stage.pid) - before) / REST * 100
    name = f"{stage.agents:,} agents"
    return [
        Row.compare(f"{name}: CPU of the controller at rest, of a core", share, "%"),
        Row.compare(f"{name}: controller, resident", memory(stage.pid, "Rss"), "MiB"),
    ]


async def _met_again(stage: Stage) -> list[Row]:
    """The lease of the killed one has to run out first."""
    await stage.fleet.controller.kill()
    began = time.monotonic()
    stage.fleet.controller.spawn()
    back = await stage.reached("follows") - began
    await stage.settled(2)
    asked = await stage.scale(3)
    again = await stage.reached("up") - asked
    name = f"{stage.agents:,} agents, controller killed and started"
    return [
        Row.compare(f"{name}: all follow it after", back, "s"),
        Row.at_most("the same: the next change reaches all after", 1, again, "s"),
    ]


async def _measure(agents: int, changes: int) -> list[Row]:
    async with _staged(agents) as stage:
        for _ in range(2):
            await stage.reached("up")
        await stage.settled(2)
        return [
            *await _changed(stage, changes),
            *await _at_rest(stage),
            *await _met_again(stage),
        ]


def measure(agents: int = 1000, changes: int = 40) -> list[Row]:
    return asyncio.run(_measure(agents, changes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.fleet")
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=40)
    given = parser.parse_args()
    show(measure(given.agents, given.changes))
