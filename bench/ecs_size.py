"""A cluster of 5,000 tasks on 200 instances: one full read, and reads at the default interval.

python -m bench.ecs_size [--seconds 60]

The local ECS, with the API's real limits, runs in a process of its own: the CPU that is told is
fairlead's alone, that of the platform with its client and threads. Tasks run in name only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bench.ecs_stage import CLUSTER, only_here
from bench.row import Row, show
from fairlead.aws.client import Aws
from fairlead.aws.pace import Pace
from fairlead.aws.session import Account, Clients
from fairlead.clock import SystemClock
from fairlead.core.model import Container, Ecs, Phase, Service
from fairlead.platforms.ecs.platform import EcsPlatform
from fairlead.rehearsal.rehearsal import Rehearsal
from fairlead.rehearsal.throttle import READS
from tests.ground import until
from tests.rehearsal.ground import rehearsal
from tests.stub_edges import StubJournal

SERVICES, TASKS, NODES = 50, 100, 200
SIZE = "5,000 tasks on 200 instances"
PAGES = SERVICES * TASKS // 100


class Timed(Pace):
    """Remembers when each call was made (monotonic seconds)."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def take(self, action: str, now: float) -> float:
        wait = super().take(action, now)
        self.times.append(now + wait)
        return wait

    def most(self, span: float) -> int:
        """The largest number of calls within so many seconds."""
        times = sorted(self.times)
        counts = (bisect_left(times, first + span) - n for n, first in enumerate(times))
        return max(counts, default=0)


class Read:
    """A platform over the large cluster, and what it costs."""

    def __init__(self) -> None:
        self.pace, clock = Timed(), SystemClock()
        self.services = [Service(name, container=Container(task_service=name)) for name in _names()]
        aws = Aws(lambda: Clients(Account()), clock, self.pace)
        settings = Ecs(cluster=CLUSTER)
        self.platform = EcsPlatform(settings, lambda _: None, clock, StubJournal(), aws)

    async def rows(self, seconds: float) -> list[Row]:
        try:
            return [*await self._whole(), *await self._on(seconds)]
        finally:
            await self.platform.close()

    async def _whole(self) -> list[Row]:
        await self.platform.observe(self.services)
        began = time.monotonic()
        await self.platform.open()
        spent = time.monotonic() - began
        await self._check()
        most = self.pace.most(1.0)
        return [
            Row.compare(f"{SIZE}: a full read", spent, "s"),
            Row.at_most("the same: most calls within a second", READS.burst, most, ""),
        ]

    async def _check(self) -> None:
        sighting = await self.platform.observe(self.services)
        running = [e for e in sighting.endpoints if e.phase is Phase.RUNNING and e.port]
        assert len(running) == SERVICES * TASKS, sighting.problem

    async def _on(self, seconds: float) -> list[Row]:
        began, cpu, before = time.monotonic(), time.process_time(), self.platform.calls()
        await asyncio.sleep(seconds)
        spent, cpu = time.monotonic() - began, time.process_time() - cpu
        calls = self.platform.calls()
        asked = Counter(calls.by_action) - Counter(before.by_action)
        await self._check()
        every = spent * PAGES / max(asked["ecs:ListTasks"], 1)
        return [
            Row.at_most(
                f"{SIZE}, {spent:.0f} s of reads: CPU of a core", 15, cpu / spent * 100, "%"
            ),
            Row.at_most("the same: API calls", READS.rate, asked.total() / spent, "/s"),
            Row.at_most("the same and the full read: calls throttled", 0, calls.throttled, ""),
            Row.compare("the same: all is read every", every, "s"),
        ]


def _names() -> list[str]:
    return [f"app{n}" for n in range(SERVICES)]


def _serve() -> None:
    """In a process of its own: tells its environment when all tasks run, ends with its stdin."""
    asyncio.run(_serving())


async def _serving() -> None:
    async with rehearsal(cluster=CLUSTER, nodes=NODES, processes=False) as ecs:
        for name in _names():
            ecs.serve(name, ecs.define(name, "app", memory=32), TASKS)
        await until(lambda: _running(ecs) == SERVICES * TASKS, "all tasks run", 120.0)
        print(json.dumps(ecs.environment()), flush=True)
        await asyncio.to_thread(sys.stdin.read)


def _running(ecs: Rehearsal) -> int:
    return sum(task.last == "RUNNING" for task in ecs.cluster.tasks.values())


@contextmanager
def _server() -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "bench.ecs_size", "--serve"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdin
        assert server.stdout
        line = server.stdout.readline()
        assert line, "the local ECS with 5,000 tasks did not come up"
        yield json.loads(line)
        server.stdin.close()


async def _measure(seconds: float) -> list[Row]:
    return await Read().rows(seconds)


def measure(seconds: float = 60.0) -> list[Row]:
    with _server() as environment, only_here(environment):
        return asyncio.run(_measure(seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.ecs_size")
    parser.add_argument("--seconds", type=float, default=60.0, help="of reads after the first")
    parser.add_argument("--serve", action="store_true", help="be the local ECS")
    given = parser.parse_args()
    _serve() if given.serve else show(measure(given.seconds))
