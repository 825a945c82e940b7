"""What the drain sidecar is worth: tasks stopped by hand on a local ECS, with it and without.

python -m bench.sidecar [--stops 20]

Polled at the default interval, without a queue. Half of the requests are POSTs, each takes 20 ms.
One application ends its requests when SIGTERM comes, the other ends in their midst.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.ecs_stage import only_here
from bench.load import Call, Report
from bench.row import Row, show
from tests.integration.cluster import RunningCluster
from tests.integration.ecs_shop import EcsShop
from tests.rehearsal.ground import rehearsal

CLIENTS, TASKS = 16, 4
BODY = b"x" * 300
CALLS = (
    Call("GET", "/slow?0.02", expect=b"GET /slow"),
    Call("POST", "/slow?0.02", BODY, expect=b"POST /slow?0.02 " + BODY),
)
APPS = {"an app that ends its requests": "", "an app that dies at once": "at-once"}


@asynccontextmanager
async def _shop(**more: Any) -> AsyncIterator[EcsShop]:
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        async with rehearsal(nodes=2) as ecs:
            with only_here(ecs.environment()):
                shop = EcsShop(ecs, partial(_cluster, Path(folder)), **more)
                await shop.start(TASKS)
                try:
                    yield shop
                finally:
                    await shop.running.down()


def _cluster(folder: Path, services: dict[str, Any], **settings: Any) -> RunningCluster:
    return RunningCluster(folder, {"services": services, **settings})


async def _stops(times: int, **more: Any) -> Report:
    """StopTask so many times, each once all are ready again, under load."""
    async with _shop(**more) as shop:
        load = shop.running.load(CLIENTS, calls=CALLS)
        asked = asyncio.create_task(load.run())
        for _ in range(times):
            await shop.running.served(load)
            task = shop.tasks()[0]
            shop.ecs.call("StopTask", cluster=shop.ecs.setting.cluster, task=task, reason="bench")
            await shop.gone([task])
        load.stop()
        return await asked


async def _row(app: str, times: int, *, sidecar: bool) -> Row:
    report = await _stops(times, sidecar=sidecar, env={"END": APPS[app]})
    how = "with the sidecar" if sidecar else "without it"
    name = f"{times} tasks stopped, {how}, {app}: failed of {report.requests:,}"
    if sidecar:
        return Row.at_most(name, 0, report.failed, "")
    return Row.compare(name, report.failed, "")


def measure(stops: int) -> list[Row]:
    async def all_() -> list[Row]:
        return [await _row(app, stops, sidecar=each) for app in APPS for each in (True, False)]

    return asyncio.run(all_())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--stops", type=int, default=20)
    show(measure(parser.parse_args().stops))
