"""A load that steps fourfold onto a service whose endpoints take 30 s to start: how many seconds
too many requests are slow, and whether one fails. A real nginx, real processes, the real daemon."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from bench.load import Call
from bench.paced import Paced
from bench.row import Row
from tests.integration.cluster import APP, RunningCluster

RATE, STEP = 20.0, 4
"""Requests a second before the step, and by what they grow."""
CAPACITY = 20.0
"""What an endpoint answers: two workers of 100 ms."""
START = 30.0
GOAL = 60
READY = 300.0


def _settings(start: float) -> dict[str, object]:
    app = {
        "run": [sys.executable, str(APP), "{port}"],
        "routes": ["app.localhost"],
        "env": {"WORKERS": "2", "START_DELAY": str(start)},
        "health": {"path": "/health", "interval": "500ms"},
        "scale": {"min": 1, "max": 20, "in": {"stabilisation": "60s"}},
        "replicas": 2,
    }
    return {"services": {"app": app}}


async def _measure(start: float, before: float, after: float) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="fairlead-step-") as folder:
        shop = RunningCluster(Path(folder), _settings(start))
        await shop.start()
        try:
            await shop.ready(2, patience=READY)
            return await _stepped(shop, before, after)
        finally:
            await shop.down()


async def _stepped(shop: RunningCluster, before: float, after: float) -> list[Row]:
    """So many seconds before the step, and after it; then the load falls back as far."""
    paced = Paced("app.localhost", shop.port, Call("GET", "/slow?0.1"), RATE)
    running = asyncio.create_task(paced.run())
    await asyncio.sleep(before)
    step, first = paced.now(), shop.service()["desired"]
    paced.rate = RATE * STEP
    await asyncio.sleep(after)
    end, most = paced.now(), shop.service()["desired"]
    paced.rate = RATE
    await shop.until(lambda: shop.service()["desired"] < most, "it scales in", READY)
    await asyncio.sleep(before)
    last = shop.service()["desired"]
    paced.stop()
    await running
    violated = len(paced.in_violation(step, end))
    name = f"step {RATE:g} to {RATE * STEP:g} requests/s, {START:g} s start-up"
    return [
        Row.at_most(f"{name}: in violation", GOAL, violated, "s"),
        Row.at_most(f"{name} and back: failed requests", 0, sum(paced.failed.values()), ""),
        Row.compare(f"{name}: endpoints before", first, ""),
        Row.compare(f"{name}: endpoints at most", most, ""),
        Row.compare(f"{name}: endpoints after it fell", last, ""),
        Row.compare(f"{name}: requests", paced.requests, ""),
    ]


def measure(before: float = 120.0, after: float = 180.0) -> list[Row]:
    return asyncio.run(_measure(START, before, after))
