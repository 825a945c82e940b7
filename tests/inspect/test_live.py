"""A running cluster as a set-up: the real client over the local ECS."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fairlead.aws.client import Aws
from fairlead.aws.session import Account, Clients
from fairlead.clock import SystemClock
from fairlead.core.errors import PlatformError
from fairlead.core.setup import At, NodeGroup
from fairlead.inspect.live import read_cluster
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.rehearsal.ground import rehearsal

SLEEP = (sys.executable, "-c", "import time; time.sleep(300)")


@pytest.fixture
async def ecs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Rehearsal]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    async with rehearsal(nodes=2) as local:
        for name, value in local.environment().items():
            monkeypatch.setenv(name, value)
        yield local


@pytest.fixture
def aws(ecs: Rehearsal) -> Any:
    made = Aws(lambda: Clients(Account()), SystemClock())
    yield made
    made.close()


async def test_a_cluster(ecs: Rehearsal, aws: Aws) -> None:
    fixed = ecs.define("catalog", *SLEEP, host_port=8083)
    percents = {"minimumHealthyPercent": 0, "maximumPercent": 100}
    ecs.serve("catalog", fixed, 1, deploymentConfiguration=percents)
    for number in range(11):  # more than one call describes
        ecs.serve(f"s{number}", ecs.define(f"f{number}", *SLEEP), 0)
    setup = await read_cluster(aws, "shop")
    assert len(setup.services) == 12
    service = next(of for of in setup.services if of.name == "catalog")
    assert service.at == At("ecs:shop/service/catalog")
    assert (service.cluster, service.desired.value, service.launch_type.value) == ("shop", 1, "EC2")
    assert (service.minimum_percent.value, service.maximum_percent.value) == (0, 100)
    task = setup.task_of(service)
    assert task is not None
    assert (task.family, task.whole) == ("catalog", True)
    assert [port.host.value for port in task.containers[0].ports] == [8083]
    assert [of.at.file for of in setup.unknown] == ["ecs:shop"]


async def test_its_nodes(ecs: Rehearsal, aws: Aws) -> None:
    nodes = (await read_cluster(aws, "shop")).nodes
    assert {node.key for node in nodes} == {node.machine for node in ecs.cluster.instances.values()}
    assert all(isinstance(node, NodeGroup) and not node.whole for node in nodes)
    assert [node.instance_type.value for node in nodes] == ["t3.micro"] * 2
    assert [node.desired.value for node in nodes] == [1, 1]


async def test_a_cluster_that_is_not_there(ecs: Rehearsal, aws: Aws) -> None:
    with pytest.raises(PlatformError, match="luster"):
        await read_cluster(aws, "elsewhere")


async def test_an_answer_without_what_was_asked_for_is_no_empty_cluster() -> None:
    async def call(action: str, /, **parameters: Any) -> dict[str, Any]:
        return {"serviceArns": ["a"]} if action.startswith("ecs:List") else {}

    with pytest.raises(PlatformError, match="no services"):
        await read_cluster(call, "shop")
