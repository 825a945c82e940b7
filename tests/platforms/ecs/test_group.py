"""The auto scaling group of the nodes, over the local ECS's real wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from fairlead.clock import SystemClock
from fairlead.core.ecs.model import ACTIVE, DRAINING
from fairlead.core.errors import PlatformError
from fairlead.core.model import Ecs
from fairlead.core.scaling.nodes_model import Group, NodeScale, NodesSight
from fairlead.platforms.ecs.group import AT_REST, CONFLICTS_EVERY, EcsGroup
from fairlead.platforms.ecs.platform import EcsPlatform
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import until
from tests.platforms.ecs.ground import Told, service
from tests.rehearsal.ground import rehearsal

ARN = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/web"


@dataclass
class Shop:
    """A cluster of two nodes of the group `web`, of 400 MiB each."""

    ecs: Rehearsal
    opened: list[EcsPlatform] = field(default_factory=list)

    async def open(self, asg: str = "web") -> EcsGroup:
        settings = Ecs(cluster="shop", interval=0.3, discover=False, nodes=NodeScale(asg))
        platform = EcsPlatform(settings, lambda _: None, SystemClock(), Told())
        self.opened.append(platform)
        await platform.observe([service("app")])
        await platform.open()
        assert platform.group is not None
        return platform.group

    async def seen(self, group: EcsGroup, holds: Any) -> NodesSight:
        async def found() -> NodesSight | None:
            group._due = 0.0
            sight = await group.look(1.0)
            return sight if holds(sight) else None

        return await until(found, "seen", 20)  # type: ignore[no-any-return]

    def call(self, service_action: str, **given: Any) -> None:
        self.ecs.call(service_action, cluster="shop", **given)

    def asked(self, name: str) -> int:
        return self.opened[-1].calls().by_action.get(name, 0)


@pytest.fixture
async def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> AsyncIterator[Shop]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    settings = {"nodes": 2, "asg": "web", "asg_max": 4, "memory": 400, "processes": False}
    async with rehearsal(**settings) as ecs:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value)
        ecs.serve("app", ecs.define("app", "app", memory=100), 3)
        agent = ecs.define("agent", "app", memory=40)
        ecs.serve("agent", agent, schedulingStrategy="DAEMON")
        made = Shop(ecs)
        yield made
        for platform in made.opened:
            await platform.close()


async def test_what_there_is_and_what_is_wanted_of_all_services(shop: Shop) -> None:
    """Also of those that fairlead does not serve: their copies move too."""
    group = await shop.open()
    sight = await shop.seen(group, lambda s: len(s.held) == 5)
    assert sight.group == Group(2, 1, 4)
    assert {n.place.arn for n in sight.nodes} == shop.ecs.cluster.instances.keys()
    assert all(n.member and not n.given_up for n in sight.nodes)
    assert [(d.name, d.count, d.definition.memory) for d in sight.demands] == [("app", 3, 100)]
    assert sorted((t.service, t.daemon) for t in sight.held) == [
        ("agent", True), ("agent", True), ("app", False), ("app", False), ("app", False),
    ]  # fmt: skip


async def test_a_node_given_up_is_known_as_such_to_another_controller(shop: Shop) -> None:
    group = await shop.open()
    one, other = shop.ecs.cluster.instances
    await group.give_up(one)
    assert shop.ecs.cluster.instances[one].status == DRAINING
    shop.call("UpdateContainerInstancesState", containerInstances=[other], status=DRAINING)
    second = await shop.open()
    sight = await shop.seen(second, lambda s: all(n.place.status == DRAINING for n in s.nodes))
    assert {n.place.arn: n.given_up for n in sight.nodes} == {one: True, other: False}
    await second.take_back(one)
    assert shop.ecs.cluster.instances[one].status == ACTIVE
    shop.call("UpdateContainerInstancesState", containerInstances=[one], status=DRAINING)
    third = await shop.open()
    sight = await shop.seen(third, lambda s: all(n.place.status == DRAINING for n in s.nodes))
    assert not any(n.given_up for n in sight.nodes)


async def test_nodes_come_and_go(shop: Shop) -> None:
    group = await shop.open()
    await group.grow(3)
    sight = await shop.seen(group, lambda s: len(s.nodes) == 3)
    assert sight.group.desired == 3
    leaving = sight.nodes[0].place
    await group.terminate(leaving.arn)
    sight = await shop.seen(group, lambda s: len(s.nodes) == 2)
    assert leaving.arn not in {n.place.arn for n in sight.nodes}
    assert sight.group.desired == 2
    with pytest.raises(PlatformError, match="above max value 4"):
        await group.grow(5)


async def test_who_else_moves_the_group_is_found_out(shop: Shop) -> None:
    group = await shop.open()
    assert await group.conflict(1.0) == ""
    shop.ecs.group.policies.append({"PolicyName": "cpu", "AutoScalingGroupName": "web"})
    assert "the scaling policy cpu" in await group.conflict(1.0 + CONFLICTS_EVERY)
    shop.ecs.group.policies[0]["Enabled"] = False
    assert await group.conflict(1.0 + 2 * CONFLICTS_EVERY) == ""
    managed = {"status": "ENABLED"}
    for name, arn, how in (
        ("other", ARN + "2", managed),
        ("by-hand", ARN, {}),
        ("web", ARN, managed),
    ):
        provider = {"autoScalingGroupArn": arn, "managedScaling": how}
        shop.ecs.ledger.providers[name] = {"name": name, "autoScalingGroupProvider": provider}
    assert "capacity provider web has managed scaling" in await group.conflict(
        1.0 + 3 * CONFLICTS_EVERY
    )


async def test_a_group_that_is_not_there_is_told(shop: Shop) -> None:
    group = await shop.open("none")
    with pytest.raises(PlatformError, match="no auto scaling group none here"):
        await group.look(1.0)


async def test_at_rest_the_group_is_read_once_a_minute(shop: Shop) -> None:
    group = await shop.open()
    name = "autoscaling:DescribeAutoScalingGroups"
    await shop.seen(group, lambda s: len(s.nodes) == 2)
    before = shop.asked(name)
    for now in range(2, int(AT_REST), 5):
        await group.look(float(now))
        await group.conflict(float(now))
    assert shop.asked(name) == before
    await group.look(1.0 + AT_REST)
    assert shop.asked(name) == before + 1
    assert shop.asked("autoscaling:DescribePolicies") == 1
