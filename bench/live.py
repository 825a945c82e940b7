"""Requests lost, and how fast endpoints come and go, on real nginx and real processes.

python -m bench.live [--seconds 60]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.load import Call
from bench.row import Row, show
from tests.integration.cluster import RunningCluster, service

CLIENTS = 32
Rows = list[Row]


@asynccontextmanager
async def _cluster(**more: Any) -> AsyncIterator[RunningCluster]:
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        one = RunningCluster(Path(folder), {"services": {"app": service(**more)}})
        await one.start()
        try:
            yield one
        finally:
            await one.down()


async def churn(seconds: float) -> Rows:
    """Keep-alive clients while a service scales 1 to 4 to 1, rolls, and drains single endpoints."""
    async with _cluster() as shop:
        await shop.ready(1)
        load = shop.load(CLIENTS)
        running = asyncio.create_task(load.run())
        rounds, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            rounds += 1
            await change_round(shop, rounds)
        load.stop()
        report = await running
        reloads = shop.client.status()["proxy"]["reloads"]
    return [
        Row.at_most(f"churn {report.seconds:.0f} s: failed requests", 0, report.failed, ""),
        Row.at_most("churn: client connections broken", 0, report.connections_broken, ""),
        Row.at_most("churn: nginx reloads", 0, reloads, ""),
        Row.compare(f"churn: requests ({CLIENTS} clients, {rounds} rounds)", report.requests, ""),
        Row.compare("churn: p99 while it goes on", report.p99 * 1000, "ms"),
    ]


async def change_round(shop: RunningCluster, number: int) -> None:
    """Scaled out, one drained, scaled in, rolled, scaled in again."""
    await shop.scaled(4)
    victim = shop.endpoints()[0]["id"]
    await asyncio.to_thread(shop.client.drain, "app", victim)
    await shop.until(lambda: victim not in {e["id"] for e in shop.endpoints()}, "drained")
    await shop.ready(4)
    await shop.scaled(2)
    shop.settings["services"]["app"]["env"] = {"VERSION": str(number)}
    shop.write()
    before = shop.pids()
    await asyncio.to_thread(shop.client.apply)
    await shop.until(lambda: not before & shop.pids(), "rolled")
    await shop.scaled(1)


async def crashes(kills: int = 10) -> Rows:
    """`kill -9` of endpoints under load."""
    async with _cluster(replicas=3) as shop:
        await shop.ready(3)
        gets = shop.load(CLIENTS // 2, calls=(Call("GET", "/a"),))
        posts = shop.load(CLIENTS // 2, calls=(Call("POST", "/b", b"body"),))
        running = [asyncio.create_task(load.run()) for load in (gets, posts)]
        for _ in range(kills):
            await _kill_one(shop)
        gets.stop()
        posts.stop()
        got, posted = [await task for task in running]
    unexplained = sum(n for reason, n in posted.reasons.items() if reason != "POST: status 502")
    return [
        Row.at_most(f"{kills} endpoints killed: failed GETs of {got.requests}", 0, got.failed, ""),
        Row.at_most("the same: POSTs failed otherwise than by a 502", 0, unexplained, ""),
        Row.compare(f"the same: POSTs lost in the killed of {posted.requests}", posted.failed, ""),
    ]


async def _kill_one(shop: RunningCluster) -> None:
    victim = shop.endpoints()[0]
    os.kill(victim["pid"], signal.SIGKILL)
    await shop.until(lambda: victim["pid"] not in shop.pids(), "the dead one is out")
    await shop.ready(3)


async def control_plane() -> Rows:
    """`kill -9` of fairlead under load, and its next start."""
    async with _cluster(replicas=2) as shop:
        await shop.ready(2)
        before, load = shop.pids(), shop.load(CLIENTS)
        running = asyncio.create_task(load.run())
        for _ in range(3):
            shop.kill_daemon()
            seen = load.requests
            await shop.until(lambda n=seen: load.requests > n + 1000, "requests go on")  # type: ignore[misc]
            await shop.start()
            await shop.ready(2)
        load.stop()
        report = await running
        restarted = len(before - shop.pids())
    return [
        Row.at_most(f"fairlead killed 3 times: failed of {report.requests}", 0, report.failed, ""),
        Row.at_most("the same: endpoints restarted", 0, restarted, ""),
    ]


async def data_plane(times: int = 5) -> Rows:
    """`kill -9` of nginx: until a request is answered again."""
    spans = []
    async with _cluster(replicas=2) as shop:
        await shop.ready(2)
        for _ in range(times):
            pid = shop.client.status()["proxy"]["pid"]
            assert pid
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            await _until_new_master(shop, pid)
            spans.append(time.monotonic() - killed)
    return [Row.at_most("nginx killed: back after (slowest)", 1.0, max(spans), "s")]


async def _until_new_master(shop: RunningCluster, old: int) -> None:
    """Answers may come from workers that outlived their master: the new one counts."""
    while True:
        try:
            new = (await asyncio.to_thread(shop.client.status))["proxy"]["pid"]
            if new not in (None, old) and (await shop.get("/a")).status == 200:
                return
        except Exception:  # noqa: BLE001 - not back yet, in whatever way
            pass
        await asyncio.sleep(0.005)


async def latencies(times: int = 30) -> Rows:
    """From listening to the first request, and from the last request to SIGTERM, under load."""
    with tempfile.NamedTemporaryFile(prefix="fairlead-bench-") as told:
        lives = _lives(await _come_and_go(told.name, times))
    first = [t["first"] - t["listening"] for t in lives if "first" in t][1:]
    last = [t["term"] - t["last"] for t in lives if t.get("last")]
    return [
        Row.at_most(f"listening to first request, p99 of {len(first)}", 50, _p99(first), "ms"),
        Row.compare("the same, median", statistics.median(first) * 1000, "ms"),
        Row.at_most(f"last request to SIGTERM, p99 of {len(last)}", 100, _p99(last), "ms"),
        Row.compare("the same, median", statistics.median(last) * 1000, "ms"),
    ]


async def _come_and_go(told: str, times: int) -> str:
    """What the endpoints told while they were scaled; their end with the cluster is no drain."""
    async with _cluster(env={"TELL": told}) as shop:
        await shop.ready(1)
        load = shop.load(8, pause=0.002)
        running = asyncio.create_task(load.run())
        for _ in range(times // 3):
            await shop.scaled(4)
            await shop.scaled(1)
        load.stop()
        await running
        return await asyncio.to_thread(Path(told).read_text)


def _lives(lines: str) -> list[dict[str, float]]:
    """What each process told, by what it was; the clock is the same for all."""
    lives: dict[str, dict[str, float]] = {}
    for line in lines.splitlines():
        pid, what, when = line.split()
        lives.setdefault(pid, {})[what] = float(when)
    return list(lives.values())


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.99 * (len(seconds) - 1) + 0.5)] * 1000


Part = Callable[[], Coroutine[Any, Any, Rows]]


def measure(seconds: float = 60.0) -> Rows:
    parts: list[Part] = [lambda: churn(seconds), crashes, control_plane, data_plane, latencies]
    return [row for part in parts for row in asyncio.run(part())]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.live")
    parser.add_argument("--seconds", type=float, default=60.0, help="of churn")
    show(measure(parser.parse_args().seconds))
