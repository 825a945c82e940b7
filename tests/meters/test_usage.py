from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import pytest

from fairlead.core.errors import MeterError, PlatformError
from fairlead.core.model import Endpoint
from fairlead.core.scaling.policy import Metric, Source
from fairlead.meters.usage import OLD, OVER, Usage, UsageMeter
from fairlead.ports import Used
from tests.stub_edges import StubClock

GIB = 1 << 30
ONE, TWO = (Endpoint(f"shop-{n}", "shop", "local", "127.0.0.1", n) for n in (1, 2))


@dataclass
class Machine:
    """Endpoints that use what a test says."""

    clock: StubClock = field(default_factory=StubClock)
    using: dict[str, Used] = field(default_factory=dict)
    problem: str = ""
    asked: int = 0

    def use(self, endpoint: Endpoint, cpu: float, memory: int = GIB, **limits: float) -> None:
        """So many more seconds of CPU."""
        before = self.using.get(endpoint.id, Used(0.0, 0.0, 0))
        self.using[endpoint.id] = replace(before, cpu=before.cpu + cpu, memory=memory, **limits)

    async def used(self, endpoints: Collection[Endpoint]) -> Mapping[str, Used]:
        self.asked += 1
        if self.problem:
            raise PlatformError(self.problem)
        now = self.clock.now()
        there = (e.id for e in endpoints if e.id in self.using)
        return {key: replace(self.using[key], at=now) for key in there}


class Shop:
    def __init__(self) -> None:
        self.machine = Machine()
        self.clock = self.machine.clock
        self.ready: list[Endpoint] = [ONE, TWO]
        self.usage = Usage(self.machine, self.clock)
        self.meter = UsageMeter(self.usage, lambda _: self.ready, self.clock)

    async def value(self, source: Source = Source.CPU) -> float:
        return (await self.meter.read("shop", Metric(source))).value

    async def why(self, source: Source = Source.CPU) -> str:
        with pytest.raises(MeterError) as caught:
            await self.value(source)
        return str(caught.value)


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_cpu_is_the_mean_of_the_endpoints_between_two_samples(shop: Shop) -> None:
    shop.machine.use(ONE, 1000.0)
    shop.machine.use(TWO, 3.0)
    assert "two samples" in await shop.why()
    shop.clock.time += 5.0
    shop.machine.use(ONE, 4.0)
    shop.machine.use(TWO, 1.0)
    reading = await shop.meter.read("shop", Metric(Source.CPU))
    assert reading.value == pytest.approx((0.8 + 0.2) / 2)
    assert reading.at == shop.clock.wall()


async def test_cpu_is_a_share_of_the_limit(shop: Shop) -> None:
    shop.ready = [ONE]
    shop.machine.use(ONE, 0.0, cores=0.5)
    await shop.why()
    shop.clock.time += 10.0
    shop.machine.use(ONE, 2.0)
    assert await shop.value() == pytest.approx(0.4)


async def test_without_a_limit_more_than_a_core_may_be_used(shop: Shop) -> None:
    shop.ready = [ONE]
    shop.machine.use(ONE, 0.0)
    await shop.why()
    shop.clock.time += 10.0
    shop.machine.use(ONE, 15.0)
    assert await shop.value() == pytest.approx(1.5)


async def test_memory_is_a_share_of_what_may_be_had(shop: Shop) -> None:
    shop.machine.use(ONE, 0.0, memory=GIB, memory_limit=4 * GIB)
    shop.machine.use(TWO, 0.0, memory=GIB, memory_limit=2 * GIB)
    assert await shop.value(Source.MEMORY) == pytest.approx((0.25 + 0.5) / 2)


async def test_memory_without_a_limit_is_no_share(shop: Shop) -> None:
    shop.machine.use(ONE, 0.0)
    assert "not known" in await shop.why(Source.MEMORY)


async def test_a_new_endpoint_does_not_hide_the_others(shop: Shop) -> None:
    shop.ready = [ONE]
    shop.machine.use(ONE, 0.0)
    await shop.why()
    shop.clock.time += 5.0
    shop.machine.use(ONE, 5.0)
    shop.machine.use(TWO, 99.0)
    shop.ready = [ONE, TWO]
    assert await shop.value() == pytest.approx(1.0)


async def test_seconds_that_fell_are_compared_with_nothing(shop: Shop) -> None:
    shop.ready = [ONE]
    shop.machine.use(ONE, 100.0)
    await shop.why()
    shop.clock.time += 5.0
    shop.machine.use(ONE, -50.0)
    assert "two samples" in await shop.why()
    shop.clock.time += 5.0
    shop.machine.use(ONE, 1.0)
    assert await shop.value() == pytest.approx(0.2)


async def test_samples_in_quick_order_are_measured_over_a_while(shop: Shop) -> None:
    """Somebody watches `fairlead status`: CPU is still that of some seconds."""
    shop.ready = [ONE]
    for _ in range(10):
        shop.machine.use(ONE, 1.0)
        await shop.usage.of([ONE])
        shop.clock.time += 1.0
    shop.machine.use(ONE, 0.0)
    assert await shop.value() == pytest.approx((OVER - 1) / OVER)


async def test_who_asks_at_once_shares_a_sample(shop: Shop) -> None:
    shop.machine.use(ONE, 1.0, memory_limit=2 * GIB)
    shop.machine.use(TWO, 1.0, memory_limit=2 * GIB)
    await shop.value(Source.MEMORY)
    await shop.why()
    assert shop.machine.asked == 1


async def test_what_is_not_asked_for_is_not_kept(shop: Shop) -> None:
    shop.machine.use(ONE, 1.0)
    shop.machine.use(TWO, 1.0)
    await shop.usage.of([ONE, TWO])
    shop.clock.time += OLD + 1
    await shop.usage.of([ONE])
    assert shop.usage._samples.keys() == {ONE.id}


async def test_why_there_is_no_value(shop: Shop) -> None:
    assert "none of the ready endpoints can be measured" in await shop.why()
    shop.ready = []
    assert await shop.why() == "no endpoint is ready"
    shop.ready = [ONE]
    shop.machine.problem = "the engine is away"
    assert await shop.why() == "the engine is away"


async def test_an_endpoint_that_cannot_be_measured_any_more_has_no_value_of_before(
    shop: Shop,
) -> None:
    shop.machine.use(ONE, 1.0)
    await shop.usage.of([ONE])
    shop.clock.time += 5.0
    shop.machine.using.clear()
    assert await shop.usage.of([ONE]) == {}
