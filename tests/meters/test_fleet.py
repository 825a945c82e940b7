"""The load of a service whose requests come in through the proxies of several nodes."""

from __future__ import annotations

import pytest

from fairlead.core.errors import MeterError
from fairlead.core.model import Counters, Waits
from fairlead.fleet.messages import Report
from fairlead.fleet.roster import Agent
from fairlead.meters.proxy import ProxyMeter
from tests.fleet.ground import UP, Heard, hello, table


class Cluster:
    def __init__(self) -> None:
        self.heard = Heard()
        self.clock = self.heard.clock
        self.meter = ProxyMeter(self.heard.fleet, self.clock)
        self.agents: dict[str, Agent] = {}

    def came(self, node: str) -> None:
        self.agents[node] = self.heard.fleet.join(hello(node), lambda: None)

    def reports(self, node: str, requests: int, waits: Waits | None = None) -> None:
        row = Counters(requests=requests, statuses=(0, requests, 0, 0, 0))
        waiting = {"app": waits} if waits else {}
        report = Report(0, counters={"app": {"a": row}}, waits=waiting)
        self.heard.fleet.hear(self.agents[node], report)

    async def arrivals(self) -> float:
        """A second."""
        await self.meter.take("app")
        load = self.meter.load("app", 0.25)
        return load.arrivals / load.span

    async def blind(self) -> str:
        with pytest.raises(MeterError) as caught:
            await self.arrivals()
        return str(caught.value)


@pytest.fixture
async def cluster() -> Cluster:
    made = Cluster()
    await made.heard.fleet.push(table(a=UP))
    return made


async def test_nodes_report_at_times_of_their_own(cluster: Cluster) -> None:
    assert "counts no requests" in await cluster.blind()
    for node, counted in (("n1", 1_000_000), ("n2", 50)):
        cluster.came(node)
        assert f"not told yet by {node}" in await cluster.blind()
        cluster.reports(node, counted)
        assert "read once" in await cluster.blind()
    cluster.clock.time += 4.0
    cluster.reports("n1", 1_000_000 + 40)
    assert "n2's proxy has been read once" in await cluster.blind()
    cluster.clock.time += 2.0
    cluster.reports("n2", 50 + 30)
    assert await cluster.arrivals() == pytest.approx(40 / 4 + 30 / 6)
    cluster.clock.time += 2.0
    assert await cluster.arrivals() == pytest.approx(40 / 4 + 30 / 6)  # nothing new was said
    cluster.reports("n1", 1_000_000 + 40 + 8)
    assert await cluster.arrivals() == pytest.approx(8 / 4 + 30 / 6)


async def test_an_agent_that_is_back_goes_on_from_where_it_was(cluster: Cluster) -> None:
    cluster.came("n1")
    cluster.reports("n1", 100)
    await cluster.blind()
    cluster.clock.time += 5.0
    cluster.reports("n1", 150)
    assert await cluster.arrivals() == pytest.approx(10)
    cluster.came("n1")
    assert await cluster.arrivals() == pytest.approx(10)
    cluster.clock.time += 10.0
    cluster.reports("n1", 180)
    assert await cluster.arrivals() == pytest.approx(3)


async def test_a_node_without_a_word_hides_the_load_and_then_is_gone(cluster: Cluster) -> None:
    for node in ("n1", "n2"):
        cluster.came(node)
        cluster.reports(node, 0)
    await cluster.blind()
    cluster.heard.fleet.leave(cluster.agents["n2"])
    for tick in range(1, 5):
        cluster.clock.time += 5.0
        cluster.reports("n1", 50 * tick)
        await cluster.meter.take("app")
    assert "n2's proxy has told no counters for 20 s" in await cluster.blind()
    cluster.heard.fleet._forget(cluster.agents["n2"])
    assert await cluster.arrivals() == pytest.approx(10)


async def test_held_requests_of_all_nodes(cluster: Cluster) -> None:
    for node in ("n1", "n2"):
        cluster.came(node)
        cluster.reports(node, 0)
    await cluster.blind()
    cluster.clock.time += 5.0
    cluster.reports("n1", 0, Waits(waiting=3, held=3))
    cluster.reports("n2", 0, Waits(waiting=4, held=5, refused=1))
    await cluster.meter.take("app")
    load = cluster.meter.load("app", 0.25)
    assert (load.held, load.in_flight) == (7, 7)
    assert (load.arrivals, load.failed) == (pytest.approx(8), pytest.approx(1))
