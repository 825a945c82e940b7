"""The same promise on the local ECS with two nodes: whoever scales, deploys, stops and drains."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bench.load import Load, Report
from tests.integration.asking import assert_nothing_lost
from tests.integration.cluster import RunningCluster
from tests.integration.ecs_shop import PATIENCE, EcsShop
from tests.rehearsal.ground import aws_of, rehearsal

pytestmark = pytest.mark.integration
Make = Callable[..., RunningCluster]


@pytest.fixture
async def shop(
    cluster: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[EcsShop]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    async with rehearsal(nodes=2) as ecs:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value)
        made = EcsShop(ecs, cluster)
        yield made
        print(made.said())
        await made.running.down()


async def begun(shop: EcsShop, count: int) -> tuple[Load, asyncio.Task[Report]]:
    """The service runs, and clients ask it until the load is stopped."""
    await shop.start(count)
    load = shop.running.load(clients=6)
    asked = asyncio.create_task(load.run())
    await shop.running.served(load)
    return load, asked


async def ended(shop: EcsShop, load: Load, asked: asyncio.Task[Report]) -> None:
    await shop.running.served(load)
    load.stop()
    assert_nothing_lost(await asked)


async def test_scaling_by_fairlead_and_by_ecs_loses_no_request(shop: EcsShop) -> None:
    load, asked = await begun(shop, 2)
    await shop.scaled(4)
    assert shop.desired() == 4
    await shop.running.served(load)
    addresses = {e["address"] for e in shop.running.endpoints()}
    assert addresses == {node.address for node in shop.nodes()}
    await shop.scaled(2)
    assert shop.desired() == 2
    for count in (3, 1):
        shop.update(desiredCount=count)
        await shop.ready(count)
    await ended(shop, load, asked)


async def test_a_rolling_deploy_of_ecs_loses_no_request(shop: EcsShop) -> None:
    load, asked = await begun(shop, 2)
    before = shop.tasks()
    shop.update(taskDefinition=shop.define("2"))
    await shop.gone(before)
    await shop.running.served(load)
    assert (await shop.running.get()).headers["x-version"] == "2"
    await ended(shop, load, asked)


async def test_a_restart_by_fairlead_loses_no_request_and_leaves_the_count(shop: EcsShop) -> None:
    load, asked = await begun(shop, 2)
    before = shop.tasks()
    await asyncio.to_thread(shop.running.client.restart, "app")
    await shop.gone(before)
    await shop.running.until(lambda: shop.desired() == 2, "the surge is taken back", PATIENCE)
    await shop.ready(2)
    await ended(shop, load, asked)


async def test_a_task_stopped_with_the_aws_cli_is_drained_by_its_sidecar(shop: EcsShop) -> None:
    aws = aws_of(shop.ecs)
    load, asked = await begun(shop, 3)
    stopped = shop.tasks()[:2]
    for task in stopped:
        await aws(f"aws ecs stop-task --cluster shop --task {task} --reason by-hand")
    await shop.gone(stopped)
    assert "drain" in shop.running.event_kinds()
    await ended(shop, load, asked)


async def test_a_draining_node_loses_no_request(shop: EcsShop) -> None:
    load, asked = await begun(shop, 4)
    drained, left = shop.nodes()
    shop.ecs.call(
        "UpdateContainerInstancesState",
        cluster="shop",
        containerInstances=[drained.arn],
        status="DRAINING",
    )
    await shop.running.until(
        lambda: {e["address"] for e in shop.running.endpoints()} == {left.address},
        "all are on the other node",
        PATIENCE,
    )
    await shop.ready(4)
    await ended(shop, load, asked)


async def test_fairlead_killed_in_a_scale_in_loses_no_request_and_ends_it(shop: EcsShop) -> None:
    load, asked = await begun(shop, 4)
    await asyncio.to_thread(shop.running.client.scale, "app", 2)
    shop.running.kill_daemon()
    await shop.running.served(load)
    await shop.running.start()
    await shop.ready(2)
    assert shop.desired() == 2
    await shop.running.until(lambda: not shop.protected(), "nothing is protected", PATIENCE)
    await ended(shop, load, asked)


async def scaled_to(shop: EcsShop, count: int, most: int) -> None:
    """A scaler has the count, which is the least that it may be."""
    shop.running.settings["services"]["app"]["scale"] = {"min": count, "max": most}
    shop.running.write()
    await shop.start(count)


async def test_a_deploy_with_an_old_count_does_not_undo_the_scaler(shop: EcsShop) -> None:
    """As Terraform without `ignore_changes = [desired_count]` does it."""
    await scaled_to(shop, 3, 3)
    load = shop.running.load(clients=4)
    asked = asyncio.create_task(load.run())
    await shop.running.served(load)
    before = shop.tasks()
    shop.update(taskDefinition=shop.define("2"), desiredCount=1)
    await shop.running.until(
        lambda: "count-foreign" in shop.running.event_kinds(), "it is told", PATIENCE
    )
    await shop.gone(before)
    await shop.ready(3)
    assert shop.desired() == 3
    await ended(shop, load, asked)
    assert (await shop.running.get()).headers["x-version"] == "2"


async def test_another_controller_knows_of_a_pause_from_the_cluster(shop: EcsShop) -> None:
    await scaled_to(shop, 2, 5)
    await shop.scaled(4)
    await shop.running.until(shop.noted, "the cluster remembers it", PATIENCE)
    shop.running.kill_daemon()
    shutil.rmtree(shop.running.state / "decisions")
    await shop.running.start()
    await shop.ready(4)
    await shop.running.until(lambda: shop.running.service()["scale"]["paused"], "paused", PATIENCE)
    assert shop.desired() == 4
    await asyncio.to_thread(shop.running.client.resume, "app")
    await shop.running.until(lambda: not shop.noted(), "the cluster has forgotten it", PATIENCE)
    assert shop.desired() == 4
