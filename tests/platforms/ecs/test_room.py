"""How many copies ECS could place, held against what the local ECS then places."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from fairlead.clock import SystemClock
from fairlead.core.model import Ecs
from fairlead.core.scaling.policy import Scale
from fairlead.platforms.ecs.footprint import read_footprint
from fairlead.platforms.ecs.platform import EcsPlatform
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import until
from tests.platforms.ecs.ground import Told, World, service
from tests.rehearsal.ground import rehearsal, tasks

CATALOG = service("catalog")
NETWORK = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}


class Cluster:
    """Nodes of 940 MiB; tasks run in name only."""

    def __init__(self, ecs: Rehearsal, platform: EcsPlatform) -> None:
        self.ecs, self.platform = ecs, platform

    async def counted(self, expected: int, name: str = "catalog") -> str:
        """Wait until that is the most; what bounds it."""

        async def found() -> str | None:
            most, why = await self.platform.most(service(name))
            return why if most == expected else None

        async def told() -> str:
            return str(await self.platform.most(service(name)))

        try:
            return str(await until(found, "", 10))
        except AssertionError:
            raise AssertionError(await told()) from None

    async def placed(self, wanted: int) -> int:
        """How many of so many the local ECS places."""
        await self.platform.resize(CATALOG, wanted)
        said = self.ecs.cluster.services["catalog"]
        await until(
            lambda: "unable to place" in str(self.ecs.cluster.services["catalog"]), str(said)
        )
        return len(tasks(self.ecs, serviceName="catalog"))


@asynccontextmanager
async def cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, **settings: Any
) -> AsyncIterator[Cluster]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    async with rehearsal(**{"nodes": 2, "processes": False, **settings}) as ecs:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value)
        platform = EcsPlatform(Ecs(cluster="shop", interval=0.3), _deaf, SystemClock(), Told())
        await platform.observe([CATALOG])
        yield Cluster(ecs, platform)
        await platform.close()


def _deaf(_: str) -> None:
    """Nobody has to be told."""


@pytest.mark.parametrize(
    ("more", "most", "bound"),
    [
        ({"memory": 200}, 8, "memory"),
        ({"memory": 300, "memoryReservation": 100}, 18, "memory"),
        ({"memory": 10, "cpu": 1000}, 4, "cpu"),
        ({"memory": 10, "host_port": 8083}, 2, "a host port"),
        ({"memory": 10, "host_port": 22}, 0, "a host port"),
        ({"memory": 10, "task": {"networkMode": "awsvpc"}}, 2, "network interfaces"),
        ({"memory": 10, "task": {"networkMode": "host"}}, 2, "a host port"),
    ],
)
async def test_as_many_as_ecs_places(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    more: dict[str, Any],
    most: int,
    bound: str,
) -> None:
    async with cluster(monkeypatch, tmp_path) as shop:
        definition = shop.ecs.define("catalog", "app", **more)
        awsvpc = more.get("task") == {"networkMode": "awsvpc"}
        shop.ecs.serve("catalog", definition, min(1, most), **(NETWORK if awsvpc else {}))
        await shop.platform.open()
        why = await shop.counted(most)
        assert why.startswith(f"{bound} on i-")
        assert await shop.placed(most + 1) == most
        assert (await shop.counted(most)) == why


async def test_what_others_run_and_are_about_to_run_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Of the 1,880 MiB two copies of another service hold 800, daemons 80, and a third copy that is
    wanted before ECS has placed it 400 more."""
    async with cluster(monkeypatch, tmp_path) as shop:
        ecs = shop.ecs
        ecs.serve("catalog", ecs.define("catalog", "app", memory=100), 1)
        ecs.serve("alerts", ecs.define("alerts", "app", memory=400), 2)
        agent = ecs.define("agent", "app", memory=40)
        ecs.serve("agent", agent, schedulingStrategy="DAEMON")
        await shop.platform.observe([service("alerts")])
        await shop.platform.open()
        await shop.counted(10)
        ecs.call("UpdateService", cluster="shop", service="alerts", desiredCount=3)
        shop.platform._poller.poke(["alerts"])
        await shop.counted(6)
        assert (await shop.platform.most(service("agent")))[0] is None


async def test_the_scale_bounds_how_far_it_is_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    async with cluster(monkeypatch, tmp_path) as shop:
        shop.ecs.serve("catalog", shop.ecs.define("catalog", "app", memory=100), 1)
        await shop.platform.open()
        await shop.counted(18)
        few = replace(CATALOG, scale=Scale(max=3))
        assert await shop.platform.most(few) == (3, "")


async def test_a_node_that_drains_counts_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    async with cluster(monkeypatch, tmp_path) as shop:
        shop.ecs.serve("catalog", shop.ecs.define("catalog", "app", memory=200), 1)
        await shop.platform.open()
        await shop.counted(8)
        arn = next(a for a in shop.ecs.cluster.instances if not _has_task(shop.ecs, a))
        shop.ecs.call(
            "UpdateContainerInstancesState",
            cluster="shop",
            containerInstances=[arn],
            status="DRAINING",
        )
        shop.platform._poller.poke(nodes=True)
        await shop.counted(4)


def _has_task(ecs: Rehearsal, arn: str) -> bool:
    return any(t["containerInstanceArn"] == arn for t in tasks(ecs))


async def test_nothing_is_said_of_what_is_not_read(world: World) -> None:
    platform = world.platform()
    most, why = await platform.most(CATALOG)
    assert most is None
    assert "has not been read yet" in why


def test_sizes_as_they_are_written() -> None:
    raw = {"taskDefinitionArn": "arn/x:7", "cpu": ".25 vCPU", "memory": "1 GB"}
    found = read_footprint(raw)
    assert (found.cpu, found.memory, found.revision) == (256, 1024, 7)
    assert read_footprint({"cpu": "lots", "memory": 3}).memory == 0
