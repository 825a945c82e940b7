"""The autoscaler live: a real application that can do only so much, behind a real nginx."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bench.load import Call
from bench.paced import Paced
from tests.integration.cluster import RunningCluster, service

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
Make = Callable[..., RunningCluster]

BASE = 10.0
"""Requests a second; an endpoint answers 20 (two workers of 100 ms)."""
WORK = Call("GET", "/slow?0.1", expect=b"GET /slow")
LONG = 300.0
"""Seconds: an endpoint that is needed no more stays for three minutes."""


def scaled(**scale: Any) -> dict[str, Any]:
    fast = {"max": 8, "in": {"stabilisation": "20s"}}
    return service(env={"WORKERS": "2", "START_DELAY": "1"}, scale={**fast, **scale})


@asynccontextmanager
async def load(shop: RunningCluster) -> AsyncIterator[Paced]:
    paced = Paced("app.localhost", shop.port, WORK, BASE)
    running = asyncio.create_task(paced.run())
    try:
        yield paced
    finally:
        paced.stop()
        await running


def desired(shop: RunningCluster) -> int:
    return int(shop.service()["desired"])


def told(shop: RunningCluster, kind: str) -> list[str]:
    return [event["message"] for event in shop.client.events() if event["kind"] == kind]


@pytest.mark.timeout(900)
@pytest.mark.scaling
async def test_the_count_follows_a_fourfold_load_and_no_request_fails(cluster: Make) -> None:
    shop = cluster({"app": scaled()})
    await shop.start()
    await shop.ready(1)
    async with load(shop) as paced:
        await shop.until(
            lambda: shop.service()["scale"]["wanted"], "the scaler has an answer", LONG
        )
        before = desired(shop)
        paced.rate = 4 * BASE
        await shop.until(lambda: desired(shop) > max(2, before), "it scales out", LONG)
        await shop.until(lambda: _calm(paced), "the objective is met", LONG)
        out = desired(shop)
        paced.rate = BASE / 2
        await shop.until(lambda: desired(shop) < out, "it scales in", LONG)
        await shop.until(lambda: _settled(shop), "the rest has ended", LONG)
    assert paced.failed == {}
    assert paced.requests > 500
    assert all("requests" in message for message in told(shop, "autoscale"))
    assert shop.client.status()["proxy"]["reloads"] == 0


def _calm(paced: Paced) -> bool:
    """Five seconds without a violation; those of now are not over yet."""
    now = paced.now()
    return not paced.in_violation(now - 7, now - 1)


def _settled(shop: RunningCluster) -> bool:
    found = shop.service()
    return len(found["endpoints"]) == found["ready"] == found["desired"]


async def test_a_killed_daemon_holds_the_count_and_the_pause(cluster: Make) -> None:
    shop = cluster({"app": scaled(min=1, capacity=20)})
    await shop.start()
    await shop.ready(1)
    await shop.scaled(3)
    pids = shop.pids()
    assert shop.service()["scale"]["paused"] == "scaled to 3 by command"
    shop.kill_daemon()
    shop.settings["services"]["app"]["replicas"] = 2
    shop.write()
    await shop.start()
    await shop.ready(3)
    assert shop.pids() == pids
    assert shop.service()["scale"]["paused"] == "scaled to 3 by command"
    await asyncio.to_thread(shop.client.resume, "app")
    assert shop.service()["scale"]["paused"] == ""
    shop.kill_daemon()
    await shop.start()
    await shop.ready(3)
    held = await shop.until(lambda: _held(shop), "fewer would do, and it waits", LONG)
    assert "metrics of" in held
    assert (desired(shop), shop.pids()) == (3, pids)


def _held(shop: RunningCluster) -> str:
    found = shop.client.scaling("app")
    return ", ".join(found[0]["held"]) if found else ""


async def test_lost_metrics_hold_the_count_and_explain_says_so(cluster: Make) -> None:
    targets = {"queue": {"http": "http://127.0.0.1:1/none", "target": 10}}
    shop = cluster({"app": scaled(min=2, targets=targets)})
    shop.settings["services"]["app"]["replicas"] = 3
    shop.write()
    await shop.start()
    await shop.ready(3)
    found = await shop.until(lambda: _explained(shop), "the scaler has looked", LONG)
    assert found["replicas"] == 3
    assert "queue" in found["gaps"]
    assert found["count"] == 3
    assert desired(shop) == 3


def _explained(shop: RunningCluster) -> Any:
    found = shop.client.scaling("app")
    return found and found[0]["gaps"] and found[0]


async def test_a_roll_moves_no_count(cluster: Make) -> None:
    shop = cluster({"app": {**scaled(min=2), "replicas": 2}})
    await shop.start()
    await shop.ready(2)
    before, pids = told(shop, "autoscale"), shop.pids()
    async with load(shop) as paced:
        await asyncio.to_thread(shop.client.restart, "app")
        await shop.until(lambda: not pids & shop.pids(), "every endpoint was replaced", LONG)
        await shop.ready(2, patience=LONG)
    assert paced.failed == {}
    assert told(shop, "autoscale") == before


async def test_a_dry_run_tells_and_changes_nothing(cluster: Make) -> None:
    unscaled = scaled()
    del unscaled["scale"]
    shop = cluster({"app": unscaled})
    await shop.start()
    await shop.ready(1)
    async with load(shop) as paced:
        paced.rate = 3 * BASE

        def tried() -> Any:
            found = shop.client.scaling("app", trial=True)
            return found and (found[0]["count"] or 0) > 1

        await shop.until(tried, "the trial wants more", LONG)
        assert desired(shop) == 1
    assert told(shop, "autoscale") == []
