from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

import fairlead.meters
import fairlead.platforms.ecs
from fairlead.aws.api import EC2, ECS
from fairlead.core.errors import BadInput
from fairlead.platforms.ecs.policy import CAPABILITIES, MORE, PERMISSIONS, READ, policy
from tests.platforms.ecs.fake import model
from tests.platforms.ecs.ground import World, endpoints, running, service

ARN = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"
ACTION = re.compile(r"(autoscaling|cloudwatch|ecs|ec2|sqs):[A-Z][A-Za-z]+")


def allowed(*capabilities: str) -> set[str]:
    return {a for s in policy(capabilities)["Statement"] for a in s["Action"]}


def called(package: ModuleType = fairlead.platforms.ecs) -> set[str]:
    """Every action that the package's code names, but for its table."""
    folder = Path(package.__file__ or "").parent
    found = set()
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())) if file.name != "policy.py" else ():
            if isinstance(node, ast.Constant) and ACTION.fullmatch(str(node.value)):
                found.add(PERMISSIONS.get(node.value, node.value))
    return found


def test_all_that_is_called_is_allowed_and_nothing_more() -> None:
    assert allowed("scaling", "nodes", "events") == called()
    assert {f"ecs:{name}" for name in ECS} | {f"ec2:{name}" for name in EC2} < called()


def test_metrics_are_what_the_meters_call() -> None:
    assert called(fairlead.meters) == {action.name for action in MORE["metrics"]}


def test_every_action_exists() -> None:
    for action in called() - set(PERMISSIONS.values()):
        owner, _, name = action.partition(":")
        assert name in model(owner).operation_names


async def test_reading_needs_no_more_than_the_smallest(world: World) -> None:
    world.ecs.add("catalog", 2)
    await world.opened("catalog")
    made = {name for name, _ in world.ecs.calls}
    assert made == {action.partition(":")[2] for action in allowed()}


async def test_scaling_needs_no_more_than_scaling_allows(world: World) -> None:
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    await platform.resize(service(), 3)
    one, two, _ = await running(platform, 3)
    await platform.mark(one, "x")
    await platform.mark(one, "")
    await platform.stop(two, 1)
    await platform.retire((await running(platform, 3))[0], 1)
    await endpoints(platform)
    made = {name for name, _ in world.ecs.calls}
    assert made <= {action.partition(":")[2] for action in allowed("scaling")}
    assert made > {action.partition(":")[2] for action in allowed()}


def test_a_cluster_bounds_all_that_can_be_bound() -> None:
    statements = policy(CAPABILITIES, ARN)["Statement"]
    wide = [s for s in statements if s["Resource"] == "*" and "Condition" not in s]
    assert {a for s in wide for a in s["Action"]} == {
        "ecs:DescribeTaskDefinition",
        "ec2:DescribeInstances",
        *(a.name for a in MORE["nodes"] if not a.of),
        *(a.name for a in MORE["metrics"]),
        *(a.name for a in (*MORE["events"], *MORE["dns"], *MORE["lease"])),
    }
    bound = [s for s in statements if s not in wide]
    assert all("cluster/shop" in json.dumps(s) or "/shop/*" in s["Resource"] for s in bound)
    assert sum(len(s["Action"]) for s in statements) == len(READ) + sum(map(len, MORE.values()))


@pytest.mark.parametrize("bad", ["shop", ARN + "/x", ARN + '"', ARN.replace("ecs", "ec2")])
def test_another_arn_is_refused(bad: str) -> None:
    with pytest.raises(BadInput, match="no ARN"):
        policy((), bad)
