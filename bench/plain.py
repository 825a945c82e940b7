"""What a plain nginx (files, `nginx -t`, reloads) costs where fairlead's own takes a push.

python -m bench.plain [--seconds 60]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.footprint import memory
from bench.live import CLIENTS, change_round
from bench.load import Call
from bench.row import Row, show
from fairlead import procfs
from fairlead.core.model import EntryState
from tests.ground import until
from tests.integration.cluster import RunningCluster, service
from tests.proxies.nginx.ground import Ground, endpoint, table
from tests.proxies.plain.ground import PlainGround, plain_ground

CHANGES = 30
TOGETHER = 100
LINGERING = 8
Rows = list[Row]


@dataclass(frozen=True, slots=True)
class LastCall(Call):
    """The only one of its connection."""

    def render(self, host: str) -> bytes:
        return Call.render(self, f"{host}\r\nConnection: close")


@asynccontextmanager
async def _ground(**plain: Any) -> AsyncIterator[PlainGround]:
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        async with plain_ground(Path(folder) / "nginx", **plain) as ground:
            yield ground


async def changes() -> Rows:
    """From a decision until nothing but what follows it takes requests, without the debounce."""
    async with _ground() as ground, endpoint("one") as one, endpoint("two") as two:
        await ground.proxy.start()
        spans = [await _change(ground.proxy, one, two, n) for n in range(CHANGES)]
        before = (await ground.proxy.info()).reloads
        tables = [table(f"s{n}", one) for n in range(TOGETHER)]
        await asyncio.gather(*(ground.proxy.push(each) for each in tables))
        together = (await ground.proxy.info()).reloads - before
    pushed = await _pushed()
    return [
        Row.at_most("plain nginx: a change is served, p99 of 30", 1.0, _p99(spans), "s"),
        Row.compare("the same, median", statistics.median(spans) * 1000, "ms"),
        Row.compare("the same by a push to nginx with Lua, median", pushed * 1000, "ms"),
        Row.at_most(f"plain nginx: reloads for {TOGETHER} changes at once", 1, together, ""),
    ]


async def _pushed() -> float:
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        ground = Ground(Path(folder) / "s")
        await ground.proxy.start()
        try:
            async with endpoint("one") as one, endpoint("two") as two:
                spans = [await _change(ground.proxy, one, two, n) for n in range(CHANGES)]
        finally:
            await ground.proxy.stop()
    return statistics.median(spans)


async def _change(proxy: Any, one: Any, two: Any, number: int) -> float:
    out = replace(one, state=EntryState.DRAINING)
    began = time.perf_counter()
    await proxy.push(table("catalog", *((out, two) if number % 2 else (one, two))))
    return time.perf_counter() - began


async def churn(seconds: float) -> Rows:
    """The churn of bench.live, with clients that keep their connection and with others."""
    async with _ground(debounce=1.0) as ground:
        shop = RunningCluster(ground.folder.parent, _settings(ground))
        await shop.start()
        try:
            return await _churned(shop, ground, seconds)
        finally:
            await shop.down()


def _settings(ground: PlainGround) -> dict[str, Any]:
    plain = ground.plain
    proxy = {
        "kind": "plain",
        "upstreams": plain.upstreams,
        "binary": list(plain.binary),
        "confirm": plain.confirm,
        "debounce": f"{plain.debounce:g}s",
    }
    listen = f"127.0.0.1:{ground.port}"
    return {"services": {"app": service()}, "listen": listen, "proxy": proxy}


async def _churned(shop: RunningCluster, ground: PlainGround, seconds: float) -> Rows:
    shop.port = ground.port
    await shop.until(lambda: _generation(shop) > 1, "the first endpoint is served")
    body = b"x" * 300
    keeping = shop.load(CLIENTS // 2)
    fresh = shop.load(
        CLIENTS // 2,
        calls=(LastCall("GET", "/a", expect=b"GET /a"), LastCall("POST", "/b", body)),
        pause=0.005,
    )
    before = shop.client.status()["proxy"]["reloads"]
    running = [asyncio.create_task(load.run()) for load in (keeping, fresh)]
    rounds, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        rounds += 1
        await change_round(shop, rounds)
    keeping.stop()
    fresh.stop()
    kept, once = [await task for task in running]
    reloads = shop.client.status()["proxy"]["reloads"] - before
    name = f"plain churn {kept.seconds:.0f} s"
    told = f"{kept.requests:,} requests, {reloads} reloads"
    return [
        Row.at_most(f"{name}: failed of {once.requests:,}, a connection each", 0, once.failed, ""),
        Row.compare(f"{name}: failed of kept connections ({told})", kept.failed, ""),
        Row.compare("the same: connections broken", kept.connections_broken, ""),
        Row.compare("the same: reloads in a round of 11 changes", reloads / rounds, ""),
        Row.compare("the same: p99", kept.p99 * 1000, "ms"),
    ]


def _generation(shop: RunningCluster) -> int:
    """Workers of the one before may answer until it is this one."""
    return int(shop.client.status()["proxy"]["generation"])


async def lingering() -> Rows:
    """Workers that old requests keep alive, one a reload: what each holds in memory."""
    release = asyncio.Event()
    async with _ground() as ground, endpoint("slow", release.wait) as slow:
        await ground.proxy.start()
        asked = []
        for number in range(LINGERING):
            await ground.proxy.push(table("catalog", replace(slow, weight=number + 1)))
            asked.append(asyncio.create_task(ground.get("catalog")))
            await _begun(ground, number + 1)
        await ground.proxy.push(table("catalog", replace(slow, weight=50)))
        master = ground.proxy.nginx.master
        assert master
        workers = set(procfs.children(master)) - ground.proxy.nginx.accepting()
        each = statistics.mean(memory(pid, "Pss") for pid in workers)
        release.set()
        await asyncio.gather(*asked)
        began = time.perf_counter()
        await ground.proxy.nginx.end_of_earlier()
        ended = time.perf_counter() - began
    return [
        Row.compare(f"plain nginx: an old worker of {len(workers)}, proportional", each, "MiB"),
        Row.compare("plain nginx: the last request's end to the last worker's", ended * 1000, "ms"),
    ]


async def _begun(ground: PlainGround, count: int) -> None:
    """So many requests are at the endpoint: nginx holds a connection for each."""
    port = int(ground.text().split("server 127.0.0.1:")[1].split(" ")[0])

    def so() -> bool:
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        there = [f.split() for f in lines]
        return sum(f[2].endswith(f":{port:04X}") and f[3] == "01" for f in there) >= count

    await until(so, f"{count} requests under way")


def _p99(spans: list[float]) -> float:
    return sorted(spans)[int(0.99 * (len(spans) - 1) + 0.5)]


def measure(seconds: float = 60.0) -> Rows:
    rows = asyncio.run(changes())
    rows += asyncio.run(churn(seconds))
    return rows + asyncio.run(lingering())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.plain")
    parser.add_argument("--seconds", type=float, default=60.0, help="of churn")
    show(measure(parser.parse_args().seconds))
