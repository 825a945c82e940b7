"""What a real nginx counts of real requests, as load."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from fairlead.clock import SystemClock
from fairlead.core.errors import MeterError
from fairlead.core.model import Entry
from fairlead.core.scaling.policy import Metric, Source
from fairlead.core.scaling.verdict import Load
from fairlead.meters.proxy import OneProxy, ProxyMeter
from tests.ground import need_nginx, until
from tests.proxies.nginx.ground import Ground, endpoint, table

pytestmark = pytest.mark.integration
SLOW = 0.1


class Shop:
    """One service in a real nginx, and the meter that reads it."""

    def __init__(self, ground: Ground, quick: Entry, slow: Entry) -> None:
        self.ground, self.quick, self.slow = ground, quick, slow
        self.meter = ProxyMeter(OneProxy(ground.proxy, SystemClock()), SystemClock())

    async def get(self, requests: int) -> None:
        answers = await asyncio.gather(*(self.ground.get("shop") for _ in range(requests)))
        assert [status for status, _ in answers] == [200] * requests

    async def load(self) -> Load:
        """Of the time since the last one, once that is long enough."""
        await until(self._took)
        return self.meter.load("shop", SLOW / 2)

    async def _took(self) -> bool:
        known = self.meter._counted.get("shop")
        before = known._nodes[""].at if known and known._nodes else None
        await self.meter.take("shop")
        nodes = self.meter._counted["shop"]._nodes
        return nodes[""].at != before


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    need_nginx()
    ground = Ground(tmp_path)

    async def pause() -> None:
        await asyncio.sleep(SLOW)

    async with AsyncExitStack() as stack:
        quick = await stack.enter_async_context(endpoint("quick"))
        slow = await stack.enter_async_context(endpoint("slow", pause))
        await ground.proxy.start()
        stack.push_async_callback(ground.proxy.stop)
        yield Shop(ground, quick, slow)


async def test_each_request_arrives_once(shop: Shop) -> None:
    await shop.ground.proxy.push(table("shop", shop.quick))
    await shop.get(5)
    with pytest.raises(MeterError, match="read once"):
        await shop.load()
    for requests in (40, 0, 7):
        await shop.get(requests)
        load = await shop.load()
        assert load.arrivals == load.answers == pytest.approx(requests)
        assert (load.failed, load.in_flight) == (0, 0)


async def test_slow_answers_and_their_latency(shop: Shop) -> None:
    await shop.ground.proxy.push(table("shop", shop.slow))
    await shop.meter.take("shop")
    await shop.get(20)
    load = await shop.load()
    assert (load.answers, load.slow) == (pytest.approx(20), pytest.approx(20))
    latency = await shop.meter.read("shop", Metric(Source.LATENCY, percentile=0.5))
    assert SLOW <= latency.value < 2.0


async def test_requests_that_are_held_are_seen_and_answered(shop: Shop) -> None:
    await shop.ground.proxy.push(table("shop", hold=30.0))
    await shop.meter.take("shop")
    held = asyncio.create_task(shop.get(12))

    async def waiting() -> bool:
        return (await shop.ground.proxy.waits("shop")).waiting == 12

    await until(waiting, "twelve held requests")
    load = await shop.load()
    assert (load.arrivals, load.answers) == (pytest.approx(12), 0)
    assert (load.held, load.in_flight) == (12, 12)
    await shop.ground.proxy.push(table("shop", shop.quick, hold=30.0))
    await held
    load = await shop.load()
    assert (load.arrivals, load.answers) == (pytest.approx(0), pytest.approx(12))
    assert (load.held, load.in_flight) == (0, 0)


async def test_an_nginx_that_is_killed_and_comes_back_makes_no_burst(shop: Shop) -> None:
    await shop.ground.proxy.push(table("shop", shop.quick))
    await shop.get(50)
    await shop.meter.take("shop")
    pid = shop.ground.pid()
    os.kill(pid, signal.SIGKILL)
    await shop.ground.another_pid(pid)

    async def answered() -> bool:
        return (await shop.ground.get("shop"))[0] == 200

    await until(answered, "an answer of the new nginx")
    await shop.get(4)
    load = await shop.load()
    assert 4 <= load.arrivals <= 10
    assert load.answers <= 10
