"""How fast tasks come and go on a local ECS, and what ten services of five tasks cost at rest.

python -m bench.ecs [--times 10] [--seconds 60]

What EventBridge and SQS take themselves is not in it: the queue is one of this process.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from bench.ecs_stage import CLUSTER, Stage, staged
from bench.footprint import memory
from bench.load import Call, Connection, Failed
from bench.row import Row, show
from fairlead.core.model import EntryState
from fairlead.proxies.nginx.control import Control
from fairlead.proxies.nginx.prefix import Prefix
from fairlead.rehearsal.operations.table import OPERATIONS
from tests.ground import until
from tests.rehearsal.ground import address, task

INTERVAL = 2.0
"""Seconds between two reads of the cluster, by default."""
PAUSE = 0.002
TASKS = 3
SETTLE = 10.0
"""Seconds until the events of the beginning are through."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds from StopTask to nginx without the task, and from its successor being RUNNING to the
    first request that it answered."""

    withdrawn: float
    routed: float


class Watch:
    """What nginx serves, seen from outside: its table, and who answers requests."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._control = Control(Prefix(stage.running.state.resolve() / "nginx").socket)
        self.running: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.served: Counter[str] = Counter()
        stage.ecs.subscribe(self._hear)

    def _hear(self, event: dict[str, Any]) -> None:
        if event["detail"].get("lastStatus") == "RUNNING":
            self.running.setdefault(event["resources"][0], time.monotonic())

    async def ask(self) -> None:
        """Requests, one after the other, until cancelled."""
        request, connection = Call("GET", "/").render("app.localhost"), None
        while True:
            with suppress(OSError, EOFError, Failed):
                port = self._stage.running.port
                connection = connection or await Connection.open("127.0.0.1", port)
                answer = await connection.send(request)
                self.answered.setdefault(answer.body.decode(), time.monotonic())
                connection = connection if not answer.last else None
            await asyncio.sleep(PAUSE)

    async def read(self) -> None:
        """Until fairlead has read the tasks once more."""
        before = self.served["DescribeTasks"]
        await until(lambda: self.served["DescribeTasks"] > before, "tasks are read")

    async def withdrawn(self, arn: str) -> float:
        endpoint = f"app-{arn.rpartition('/')[2][:12]}"
        while True:
            entries = (await self._control.table()).services["app"].entries
            if not any(e.id == endpoint and e.state is EntryState.UP for e in entries):
                return time.monotonic()
            await asyncio.sleep(PAUSE)

    async def routed(self, arn: str) -> float:
        host, port = address(task(self._stage.ecs, arn), self._stage.ecs)
        place = f"{host}:{port}"
        await until(lambda: place in self.answered, f"{place} answers")
        return self.answered[place]


async def come_and_go(times: int, *, events: bool) -> list[Row]:
    async with staged(["app"], TASKS, events=events) as stage:
        watch = Watch(stage)
        asking = asyncio.create_task(watch.ask())
        with _counted() as watch.served:
            turns = [await _turn(stage, watch, n / times * INTERVAL) for n in range(times)]
        asking.cancel()
    return _rows("events (local queue)" if events else "polled", 1.0 if events else INTERVAL, turns)


async def _turn(stage: Stage, watch: Watch, wait: float) -> Turn:
    """Stopped so long after it was read: at once is the worst that polling can meet."""
    await watch.read()
    await asyncio.sleep(wait)
    before = stage.tasks("app")
    stopped = time.monotonic()
    stage.ecs.call("StopTask", cluster=CLUSTER, task=before[0], reason="bench")
    withdrawn = await watch.withdrawn(before[0])
    (new,) = await until(lambda: set(stage.tasks("app")) - set(before), "its successor")
    await until(lambda: new in watch.running, "it runs")
    routed = await watch.routed(new)
    await stage.until_ready("app", TASKS)
    return Turn(withdrawn - stopped, routed - watch.running[new])


def _rows(how: str, goal: float, turns: list[Turn]) -> list[Row]:
    gone, come = [t.withdrawn for t in turns], [t.routed for t in turns]
    stopped = f"ECS, {how}: task stopped to withdrawn, worst of {len(turns)}"
    routed = f"ECS, {how}: task RUNNING to first request, worst of {len(turns)}"
    return [
        Row.at_most(stopped, goal, max(gone), "s"),
        Row.compare("the same, median", statistics.median(gone), "s"),
        Row.compare(routed, max(come), "s"),
        Row.compare("the same, median", statistics.median(come), "s"),
    ]


async def at_rest(seconds: float) -> list[Row]:
    async with staged([f"app{n}" for n in range(10)], 5, events=True) as stage:
        await asyncio.sleep(SETTLE)
        before = await _asked(stage)
        with _counted() as served:
            await asyncio.sleep(seconds)
        asked = await _asked(stage) - before
        daemon = stage.running.daemon
        assert daemon is not None
        resident = memory(daemon.pid, "Rss")
    name = f"10 services, 50 tasks, {seconds:.0f} s at rest: API calls"
    return [
        Row.at_most(name, 1.5, asked.total() / seconds, "/s"),
        Row.compare("the same of ECS alone, counted by its server", served.total() / seconds, "/s"),
        Row.at_most("the same: daemon, resident", 60, resident, "MiB"),
    ]


async def _asked(stage: Stage) -> Counter[str]:
    """By action, as fairlead itself has counted."""
    status = await asyncio.to_thread(stage.running.client.status)
    return Counter(status["api"]["actions"])


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    """What the local ECS is asked for meanwhile."""
    counts: Counter[str] = Counter()

    def counting(name: str) -> Any:
        def operation(*given: Any) -> Any:
            counts[name] += 1
            return carried_out[name](*given)

        return operation

    carried_out = dict(OPERATIONS)
    with patch.dict(OPERATIONS, {name: counting(name) for name in OPERATIONS}):
        yield counts


async def _measure(times: int, seconds: float) -> list[Row]:
    return [
        *await come_and_go(times, events=True),
        *await come_and_go(times, events=False),
        *await at_rest(seconds),
    ]


def measure(times: int = 10, seconds: float = 60.0) -> list[Row]:
    return asyncio.run(_measure(times, seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.ecs")
    parser.add_argument("--times", type=int, default=10, help="tasks stopped, each way")
    parser.add_argument("--seconds", type=float, default=60.0, help="of rest")
    given = parser.parse_args()
    show(measure(given.times, given.seconds))
