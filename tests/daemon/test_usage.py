"""What the status document says that endpoints use, and that it does not wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping

import pytest

from fairlead.api.document import EndpointDoc
from fairlead.commands import Commands
from fairlead.core.errors import PlatformError
from fairlead.core.model import Cluster, Endpoint, Service
from fairlead.daemon.status import status
from fairlead.daemon.usage import LIMIT, add_usage
from fairlead.meters.usage import Usage
from fairlead.ports import Used
from tests.stub_edges import StubWorld

MIB = 1 << 20


class Platform:
    def __init__(self, world: StubWorld) -> None:
        self.world, self.cpu = world, 4.0
        self.fault: Exception | None = None
        self.hangs = False

    async def used(self, endpoints: Collection[Endpoint]) -> Mapping[str, Used]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault:
            raise self.fault
        now = self.world.clock.now()
        return {e.id: Used(now, self.cpu, 64 * MIB, cores=0.5) for e in endpoints}


class Seen:
    def __init__(self) -> None:
        self.world = StubWorld()
        self.platform = Platform(self.world)
        self.usage = Usage(self.platform, self.world.clock)

    async def begin(self) -> Seen:
        services = (Service("web", replicas=2, run=("app",)), Service("api", run=("app",)))
        Commands(self.world.loop).adopt(Cluster(services=services))
        await self.world.settle()
        return self

    async def endpoints(self, name: str = "") -> list[EndpointDoc]:
        document = await status(self.world.loop, "shop", name)
        await add_usage(document, self.world.loop, self.usage)
        return [e for service in document["services"] for e in service["endpoints"]]


async def test_cpu_is_of_the_last_seconds_or_at_first_of_its_life() -> None:
    seen = await Seen().begin()
    (first,) = await seen.endpoints("api")
    lived = seen.world.clock.wall() - first["since"]
    assert lived > 0
    assert first["cpu"] == pytest.approx(4.0 / lived / 0.5, abs=1e-4)
    assert first["memory"] == 64 * MIB
    seen.world.clock.time += 5.0
    seen.platform.cpu += 1.0
    (second,) = await seen.endpoints("api")
    assert second["cpu"] == pytest.approx(1.0 / 5.0 / 0.5)
    assert len(await seen.endpoints()) == 3


async def test_a_platform_that_cannot_say_leaves_it_out() -> None:
    seen = await Seen().begin()
    seen.platform.fault = PlatformError("the engine is away")
    assert all("cpu" not in e and "memory" not in e for e in await seen.endpoints())


async def test_status_does_not_wait_for_a_platform_that_hangs() -> None:
    seen = await Seen().begin()
    seen.platform.hangs = True
    began = time.monotonic()
    assert all("memory" not in e for e in await seen.endpoints())
    assert time.monotonic() - began < LIMIT + 5
    seen.platform.hangs = False
    assert all("memory" in e for e in await seen.endpoints())
