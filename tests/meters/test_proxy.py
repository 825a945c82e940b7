from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import MeterError, ProxyError
from fairlead.core.model import LATENCY_BOUNDS, Counters
from fairlead.core.scaling.policy import Metric, Source
from fairlead.meters.counted import LONGEST, STALE
from fairlead.meters.proxy import ProxyMeter, Uncounted
from fairlead.ports import Tally
from tests.stub_edges import StubClock

SHOP = "shop"


@dataclass
class Nodes:
    """Proxies of nodes, which count what a test says and tell it when it says so."""

    clock: StubClock = field(default_factory=StubClock)
    counting: dict[str, dict[str, Counters]] = field(default_factory=lambda: {"": {}})
    told: dict[str, Tally | None] = field(default_factory=dict)
    held: int = 0
    refused: int = 0
    problem: str = ""

    def serve(
        self, requests: int, *, node: str = "", endpoint: str = "shop-1", **more: int
    ) -> None:
        """So many answers of 200, each within 10 ms."""
        before = self.counting.setdefault(node, {}).get(endpoint, Counters(latency=(0,) * 16))
        latency = list(before.latency)
        latency[3] += requests
        self.counting[node][endpoint] = replace(
            before,
            requests=before.requests + requests + more.get("failures", 0),
            statuses=(0, before.statuses[1] + requests, 0, 0, before.statuses[4]),
            latency=tuple(latency),
            failures=before.failures + more.get("failures", 0),
            in_flight=more.get("in_flight", before.in_flight),
        )

    def tell(self, *nodes: str) -> None:
        for node in nodes or tuple(self.counting):
            rows = dict(self.counting[node])
            self.told[node] = Tally(self.clock.now(), rows, self.held, self.refused)

    async def tallies(self, service: str) -> Mapping[str, Tally | None]:
        assert service == SHOP
        if self.problem:
            raise ProxyError(self.problem)
        return dict(self.told)


class Watched:
    def __init__(self) -> None:
        self.nodes = Nodes()
        self.clock = self.nodes.clock
        self.meter = ProxyMeter(self.nodes, self.clock)

    async def tick(self, seconds: float = 5.0) -> None:
        self.clock.time += seconds
        self.nodes.tell()
        await self.meter.take(SHOP)

    async def value(self, source: Source, percentile: float = 0.95) -> float:
        return (await self.meter.read(SHOP, Metric(source, percentile))).value

    def blind(self) -> str:
        with pytest.raises(MeterError) as caught:
            self.meter.load(SHOP, 0.25)
        return str(caught.value)


@pytest.fixture
def shop() -> Watched:
    return Watched()


async def test_two_reads_make_a_load(shop: Watched) -> None:
    shop.nodes.serve(1000)
    await shop.tick()
    assert "read once" in shop.blind()
    shop.nodes.serve(50, in_flight=4, failures=2)
    await shop.tick()
    load = shop.meter.load(SHOP, 0.25)
    assert (load.at, load.span) == (shop.clock.wall(), 5.0)
    assert (load.arrivals, load.answers, load.slow) == (pytest.approx(56), pytest.approx(50), 0)
    assert (load.failed, load.in_flight) == (pytest.approx(2), 4)
    assert await shop.value(Source.REQUESTS) == pytest.approx(56 / 5)
    assert await shop.value(Source.IN_FLIGHT) == 4
    assert await shop.value(Source.ERRORS) == pytest.approx(2 / 52)
    assert await shop.value(Source.LATENCY, 0.5) == pytest.approx(0.0075)


async def test_a_failed_read_is_a_gap_and_nothing_is_lost(shop: Watched) -> None:
    await shop.tick()
    shop.nodes.serve(10)
    await shop.tick()
    shop.nodes.problem = "nginx did not answer"
    shop.nodes.serve(20)
    with pytest.raises(MeterError):
        await shop.tick()
    assert shop.blind() == "nginx did not answer"
    with pytest.raises(MeterError, match="nginx did not answer"):
        await shop.value(Source.REQUESTS)
    shop.nodes.problem = ""
    shop.nodes.serve(30)
    await shop.tick()
    load = shop.meter.load(SHOP, 0.25)
    assert (load.span, load.arrivals) == (10.0, pytest.approx(50))


async def test_a_read_that_comes_late_is_spread_over_its_time(shop: Watched) -> None:
    await shop.tick()
    shop.nodes.serve(200)
    await shop.tick(20.0)
    assert await shop.value(Source.REQUESTS) == pytest.approx(10.0)
    assert shop.meter.load(SHOP, 0.25).span == 20.0


async def test_after_a_long_gap_it_begins_anew(shop: Watched) -> None:
    await shop.tick()
    shop.nodes.serve(10_000)
    await shop.tick(LONGEST + 1)
    assert "read once" in shop.blind()


async def test_two_reads_at_once_leave_what_was_known(shop: Watched) -> None:
    await shop.tick()
    shop.nodes.serve(50)
    await shop.tick()
    await shop.tick(0.001)
    assert await shop.value(Source.REQUESTS) == pytest.approx(10.0)


async def test_the_wall_clock_may_jump(shop: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.tick()
    shop.nodes.serve(50)
    monkeypatch.setattr(shop.clock, "wall", lambda: 5.0)
    await shop.tick()
    load = shop.meter.load(SHOP, 0.25)
    assert (load.at, load.span, load.arrivals) == (5.0, 5.0, pytest.approx(50))


async def test_an_endpoint_that_enters_the_table_again_counts_from_zero(shop: Watched) -> None:
    shop.nodes.serve(1000)
    await shop.tick()
    shop.nodes.counting[""] = {}
    shop.nodes.serve(7)
    await shop.tick()
    assert shop.meter.load(SHOP, 0.25).arrivals == pytest.approx(7)


async def test_endpoints_come_and_go(shop: Watched) -> None:
    shop.nodes.serve(1000)
    await shop.tick()
    shop.nodes.serve(40, endpoint="shop-2")
    await shop.tick()
    assert shop.meter.load(SHOP, 0.25).arrivals == pytest.approx(40)
    del shop.nodes.counting[""]["shop-1"]
    shop.nodes.serve(15, endpoint="shop-2")
    await shop.tick()
    assert shop.meter.load(SHOP, 0.25).arrivals == pytest.approx(15)


async def test_an_endpoint_that_is_missing_once_is_no_new_one(shop: Watched) -> None:
    shop.nodes.serve(1000)
    await shop.tick()
    row = shop.nodes.counting[""].pop("shop-1")
    await shop.tick()
    shop.nodes.counting[""]["shop-1"] = replace(row, requests=row.requests + 10)
    await shop.tick()
    assert shop.meter.load(SHOP, 0.25).arrivals == pytest.approx(10 / 2)  # half of it in this span


async def test_held_requests_have_arrived_and_are_in_flight(shop: Watched) -> None:
    """A service that sleeps has no endpoint."""
    await shop.tick()
    shop.nodes.held = 50
    await shop.tick()
    load = shop.meter.load(SHOP, 0.25)
    assert (load.arrivals, load.in_flight, load.held) == (pytest.approx(50), 50, 50)
    shop.nodes.held = 0
    shop.nodes.serve(50)
    await shop.tick()
    load = shop.meter.load(SHOP, 0.25)
    assert (load.arrivals, load.answers, load.held) == (pytest.approx(0), pytest.approx(50), 0)


async def test_held_requests_that_are_given_up_have_failed(shop: Watched) -> None:
    await shop.tick()
    shop.nodes.held, shop.nodes.refused = 5, 3
    await shop.tick()
    load = shop.meter.load(SHOP, 0.25)
    assert (load.arrivals, load.failed) == (pytest.approx(8), pytest.approx(3))
    assert await shop.value(Source.ERRORS) == 1.0


async def test_a_service_without_requests_is_neither_slow_nor_wrong(shop: Watched) -> None:
    await shop.tick()
    await shop.tick()
    assert await shop.value(Source.LATENCY) == 0.0
    assert await shop.value(Source.ERRORS) == 0.0


async def test_requests_that_hang_have_no_latency(shop: Watched) -> None:
    shop.nodes.serve(0, in_flight=3)
    await shop.tick()
    await shop.tick()
    with pytest.raises(MeterError, match="3 requests wait"):
        await shop.value(Source.LATENCY)


async def test_each_node_is_measured_over_its_own_time(shop: Watched) -> None:
    """Agents report every 5 s, at times of their own: n2 told 2 s ago, and 8 s before that."""
    shop.nodes.counting = {"n1": {}, "n2": {}}
    await shop.tick()
    shop.nodes.serve(10, node="n1")
    shop.clock.time += 8.0
    shop.nodes.serve(80, node="n2")
    shop.nodes.tell("n2")
    shop.clock.time += 2.0
    shop.nodes.tell("n1")
    await shop.meter.take(SHOP)
    assert await shop.value(Source.REQUESTS) == pytest.approx(10 / 10 + 80 / 8)
    assert shop.meter.load(SHOP, 0.25).at == pytest.approx(shop.clock.wall() - 2.0)


async def test_a_node_that_has_not_told_yet_hides_a_part(shop: Watched) -> None:
    shop.nodes.counting = {"n1": {}}
    await shop.tick()
    shop.nodes.told["n2"] = None
    await shop.tick()
    assert "not told yet by n2" in shop.blind()


async def test_a_new_node_brings_what_it_had_counted_before(shop: Watched) -> None:
    shop.nodes.counting = {"n1": {}}
    await shop.tick()
    shop.nodes.serve(1_000_000, node="n2")
    await shop.tick()
    assert "node n2's proxy has been read once" in shop.blind()
    shop.nodes.serve(20, node="n2")
    await shop.tick()
    assert shop.meter.load(SHOP, 0.25).arrivals == pytest.approx(20)


async def test_a_node_that_reconnects_goes_on_from_what_it_had_told(shop: Watched) -> None:
    shop.nodes.counting = {"n1": {}}
    await shop.tick()
    shop.nodes.told["n1"] = None
    await shop.meter.take(SHOP)
    shop.nodes.serve(30, node="n1")
    await shop.tick()
    assert shop.meter.load(SHOP, 0.25).arrivals == pytest.approx(30)


async def test_a_silent_node_makes_the_load_unknown_until_it_is_given_up(shop: Watched) -> None:
    shop.nodes.counting = {"n1": {}, "n2": {}}
    await shop.tick()
    await shop.tick()
    for _ in range(4):
        shop.clock.time += 5.0
        shop.nodes.tell("n1")
        await shop.meter.take(SHOP)
    assert f"node n2's proxy has told no counters for {4 * 5}" in shop.blind()
    assert STALE < 20
    del shop.nodes.told["n2"]
    await shop.meter.take(SHOP)
    assert shop.meter.load(SHOP, 0.25).arrivals == 0


async def test_a_forgotten_service_begins_anew(shop: Watched) -> None:
    await shop.tick()
    await shop.tick()
    shop.meter.forget(SHOP)
    assert "has not been read" in shop.blind()


async def test_a_proxy_that_counts_nothing_says_so() -> None:
    meter = ProxyMeter(Uncounted(), StubClock())
    await meter.take(SHOP)
    with pytest.raises(MeterError, match="the proxy counts no requests"):
        meter.load(SHOP, 0.25)


counts = st.integers(0, 10_000)
rows = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.builds(
        Counters,
        in_flight=counts,
        requests=counts,
        failures=counts,
        statuses=st.tuples(counts, counts, counts, counts, counts),
        latency=st.lists(counts, min_size=16, max_size=16).map(tuple),
    ),
)
steps = st.lists(
    st.tuples(st.floats(0, 100), st.dictionaries(st.sampled_from(["", "n1", "n2"]), rows)),
    max_size=6,
)


@given(steps)
async def test_whatever_proxies_count_a_load_is_sane(
    steps: list[tuple[float, dict[str, dict[str, Counters]]]],
) -> None:
    nodes = Nodes(counting={})
    meter = ProxyMeter(nodes, nodes.clock)
    for seconds, counted in steps:
        nodes.clock.time += seconds
        nodes.told = {node: Tally(nodes.clock.now(), rows) for node, rows in counted.items()}
        await meter.take(SHOP)
        try:
            load = meter.load(SHOP, 0.25)
            latency = await meter.read(SHOP, Metric(Source.LATENCY))
        except MeterError:
            continue
        assert load.span > 0
        assert min(load.arrivals, load.answers, load.failed, load.in_flight, load.slow) >= 0
        assert load.slow <= load.answers * (1 + 1e-9)
        assert 0 <= latency.value <= LATENCY_BOUNDS[-1]
