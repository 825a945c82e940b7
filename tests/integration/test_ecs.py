"""The same promise on the local ECS with two nodes: whoever scales, deploys, stops and drains."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from fairlead import hook
from fairlead.rehearsal.model import Instance
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import free_port
from tests.integration.cluster import APP, RunningCluster
from tests.integration.test_no_request_lost import assert_nothing_lost
from tests.rehearsal.ground import rehearsal

pytestmark = pytest.mark.integration
Make = Callable[..., RunningCluster]


class Shop:
    """A fairlead over a local ECS, whose service `app` has the drain sidecar."""

    def __init__(self, ecs: Rehearsal, make: Make) -> None:
        self.ecs, self.hooks = ecs, f"127.0.0.1:{free_port()}"
        self.running = make(
            {"app": self._service()},
            platform="ecs",
            ecs={"cluster": "shop", "interval": "500ms"},
            hooks={"listen": self.hooks},
        )

    def _service(self) -> dict[str, Any]:
        health = {"path": "/health", "interval": "500ms"}
        return {"service": "app", "container": "app", "routes": ["app.localhost"], "health": health}

    def define(self, version: str = "1") -> str:
        app = {
            "name": "app",
            "image": "app",
            "command": [sys.executable, str(APP), "{port}"],
            "memory": 64,
            "essential": True,
            "environment": [{"name": "VERSION", "value": version}],
            "portMappings": [{"containerPort": 8080, "hostPort": 0}],
        }
        drain = {
            "name": "drain",
            "image": "fairlead",
            "command": [sys.executable, "-I", "-S", str(hook.__file__)],
            "memory": 16,
            "essential": True,
            "environment": [{"name": "FAIRLEAD_HOOK_URL", "value": f"http://{self.hooks}"}],
            "dependsOn": [{"containerName": "app", "condition": "START"}],
        }
        answer = self.ecs.call(
            "RegisterTaskDefinition", family="app", containerDefinitions=[app, drain]
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    async def start(self, count: int) -> None:
        self.ecs.serve("app", self.define(), count)
        await self.running.start()
        await self.ready(count)

    async def ready(self, count: int) -> None:
        await self.running.ready(count, patience=60.0)

    def update(self, **what: Any) -> None:
        self.ecs.call("UpdateService", cluster="shop", service="app", **what)

    def desired(self) -> int:
        found = self.ecs.call("DescribeServices", cluster="shop", services=["app"])["services"]
        return int(found[0]["desiredCount"])

    def nodes(self) -> list[Instance]:
        return list(self.ecs.cluster.instances.values())

    def said(self) -> str:
        """What the local ECS says of the service, oldest first: shown when a test fails."""
        events = self.ecs.cluster.services["app"].events
        return "\n".join(f"{event.at:.2f} {event.message}" for event in reversed(events))

    def tasks(self) -> list[str]:
        return list(self.ecs.call("ListTasks", cluster="shop", serviceName="app")["taskArns"])


@pytest.fixture
async def shop(
    cluster: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    async with rehearsal(nodes=2) as ecs:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value)
        made = Shop(ecs, cluster)
        yield made
        print(made.said())
        await made.running.down()


async def test_scaling_by_fairlead_and_by_ecs_loses_no_request(shop: Shop) -> None:
    await shop.start(2)
    running = shop.running
    load = running.load(clients=6)
    asked = asyncio.create_task(load.run())
    await running.scaled(4)
    assert shop.desired() == 4
    await running.served(load)
    assert {e["address"] for e in running.endpoints()} == {n.address for n in shop.nodes()}
    await running.scaled(2)
    assert shop.desired() == 2
    shop.update(desiredCount=3)
    await shop.ready(3)
    shop.update(desiredCount=1)
    await shop.ready(1)
    await running.served(load)
    load.stop()
    assert_nothing_lost(await asked)


async def test_a_rolling_deploy_of_ecs_loses_no_request(shop: Shop) -> None:
    await shop.start(2)
    running = shop.running
    load = running.load(clients=6)
    asked = asyncio.create_task(load.run())
    before = {e["id"] for e in running.endpoints()}
    shop.update(taskDefinition=shop.define("2"))
    await running.until(
        lambda: not before & {e["id"] for e in running.endpoints()}, "all are replaced", 60.0
    )
    await shop.ready(2)
    await running.served(load)
    assert (await running.get()).headers["x-version"] == "2"
    load.stop()
    assert_nothing_lost(await asked)


async def test_a_stopped_task_is_drained_by_its_sidecar(shop: Shop) -> None:
    await shop.start(3)
    running = shop.running
    load = running.load(clients=6)
    asked = asyncio.create_task(load.run())
    await running.served(load)
    for task in shop.tasks()[:2]:
        shop.ecs.call("StopTask", cluster="shop", task=task, reason="by hand")
    gone = {task.rpartition("/")[2][:12] for task in shop.tasks()}
    await running.until(
        lambda: {e["id"].rpartition("-")[2] for e in running.endpoints()} >= gone, "seen", 60.0
    )
    await shop.ready(3)
    await running.served(load)
    assert "drain" in running.event_kinds()
    load.stop()
    assert_nothing_lost(await asked)


async def test_a_draining_node_loses_no_request(shop: Shop) -> None:
    await shop.start(4)
    running = shop.running
    load = running.load(clients=6)
    asked = asyncio.create_task(load.run())
    await running.served(load)
    drained, left = shop.nodes()
    shop.ecs.call(
        "UpdateContainerInstancesState",
        cluster="shop",
        containerInstances=[drained.arn],
        status="DRAINING",
    )
    await running.until(
        lambda: (
            {(e["address"], e["state"]) for e in running.endpoints()} == {(left.address, "ready")}
        ),
        "all are on the other node",
        60.0,
    )
    await shop.ready(4)
    await running.served(load)
    load.stop()
    assert_nothing_lost(await asked)
