"""The board as the daemon has it: which meter a metric leads to, on which settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import util
from pathlib import Path

import pytest

from fairlead.commands import Commands
from fairlead.core.health import Health
from fairlead.core.model import Cluster, Service
from fairlead.core.scaling.policy import CloudWatchQuery, Metric, Scale, Source, Target
from fairlead.journal import EventLog
from fairlead.meters.board import Look, MeterBoard
from fairlead.wiring import Wired, open_meters, wire
from tests.ground import until
from tests.platforms.ground import free_range
from tests.stub_edges import StubClock

SLEEPS = Service("shop", run=("sleep", "300"))


class Daemon:
    """All but the loop's own turning: passes are made when a test makes them."""

    def __init__(self, state: Path, proxy: str = "nginx") -> None:
        cluster = Cluster(services=(SLEEPS,), proxy=proxy, ports=free_range(10))
        self.journal = EventLog(state / "events.jsonl", StubClock())
        self.wired: Wired = wire(cluster, state, self.journal)
        self.board: MeterBoard = open_meters(self.wired)
        Commands(self.wired.loop).adopt(cluster)

    async def look(self, **metrics: Metric) -> Look:
        targets = tuple(Target(name, metric, 1.0) for name, metric in metrics.items())
        return await self.board.look("shop", Scale(targets=targets))

    async def close(self) -> None:
        await self.board.close()
        await self.wired.running.platform.close()
        await self.wired.fixed.close()
        await self.wired.checker.close()
        self.journal.close()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    made = Daemon(tmp_path)
    yield made
    if runner := made.wired.running.runner:
        await runner.stop_all(10)
    await made.close()


async def test_cpu_and_memory_are_those_of_the_ready_endpoints(daemon: Daemon) -> None:
    both = {"cpu": Metric(Source.CPU), "memory": Metric(Source.MEMORY)}
    look = await daemon.look(**both)
    assert look.missing == {"cpu": "no endpoint is ready", "memory": "no endpoint is ready"}
    await daemon.wired.running.platform.start(SLEEPS)
    tracked = daemon.wired.loop.tracked["shop"]
    await daemon.wired.loop.observe("shop")
    (endpoint,) = tracked.endpoints
    daemon.wired.checker.unwatch(endpoint.id)
    tracked.health[endpoint.id] = Health(up=True, ever_up=True)
    daemon.board.forget("shop")

    async def measured() -> bool:
        daemon.board._slots.clear()  # a tick of 5 s is too long for a test
        return not (await daemon.look(**both)).missing

    await until(measured, "CPU and memory")
    look = await daemon.look(**both)
    assert 0 <= look.readings["cpu"].value < 0.5
    assert 0 < look.readings["memory"].value < 0.5
    daemon.wired.loop.tracked.pop("shop")
    daemon.board.forget("shop")
    assert (await daemon.look(**both)).missing["cpu"] == "no endpoint is ready"


async def test_a_proxy_that_does_not_run_says_so(daemon: Daemon) -> None:
    assert "nginx could not be asked" in (await daemon.look()).blind


async def test_a_plain_nginx_counts_nothing(tmp_path: Path) -> None:
    made = Daemon(tmp_path, proxy="plain")
    look = await made.look(rate=Metric(Source.REQUESTS))
    await made.close()
    assert look.blind == look.missing["rate"] == "the proxy counts no requests"


async def test_each_source_of_others_has_its_meter(daemon: Daemon) -> None:
    nowhere = "http://127.0.0.1:1"
    look = await daemon.look(
        page=Metric(Source.HTTP, url=nowhere),
        query=Metric(Source.PROMETHEUS, url=nowhere, query="up"),
    )
    assert look.missing["page"].startswith(f"{nowhere}: cannot connect")
    assert look.missing["query"].startswith(f"{nowhere}/api/v1/query: cannot connect")


async def test_without_botocore_it_says_how_to_have_it(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = util.find_spec
    hidden = lambda name: None if name == "botocore" else found(name)  # noqa: E731
    monkeypatch.setattr("fairlead.meters.opening.find_spec", hidden)
    query = CloudWatchQuery("jobs", namespace="Shop", metric="Jobs")
    look = await daemon.look(
        jobs=Metric(Source.SQS, url="https://sqs.eu-west-1.amazonaws.com/1/q"),
        watched=Metric(Source.CLOUDWATCH, queries=(query,)),
    )
    assert set(look.missing.values()) == {
        "metrics of AWS need botocore: pip install 'fairlead[ecs]'"
    }
