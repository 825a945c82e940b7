"""Nodes are read seldom, and at once when one of them drains or does so no more."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fairlead.aws.client import Aws
from fairlead.aws.pace import Pace
from fairlead.clock import SystemClock
from fairlead.platforms.ecs import node_reads as under_test
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.node_reads import DRAINING_EVERY, NODES_EVERY, NodeReads
from fairlead.platforms.ecs.reader import Reader
from fairlead.platforms.ecs.sighting import sight
from tests.ground import until
from tests.platforms.ecs.fake import CLUSTER, FakeEcs
from tests.platforms.ecs.ground import World, running, service


class Reads:
    def __init__(self) -> None:
        self.ecs, self.memory = FakeEcs(), Memory()
        self.aws = Aws(lambda: self.ecs, SystemClock(), Pace(1000, 1000))
        self._turn = NodeReads(Reader(self.aws, CLUSTER), self.memory)

    async def turn(self, now: float) -> tuple[bool, list[str]]:
        """Whether it changed anything, and what was asked for."""
        before = len(self.ecs.calls)
        changed = await self._turn.turn(now)
        return changed, [name for name, _ in self.ecs.calls[before:]]

    def soon(self) -> None:
        self._turn.soon()

    def states(self) -> list[str]:
        return [i.state for i in self.memory.instances.values()]


LIST, DESCRIBE = "ListContainerInstances", "DescribeContainerInstances"
ALL = [LIST, DESCRIBE, "DescribeInstances"]


@pytest.fixture
async def reads() -> AsyncIterator[Reads]:
    made = Reads()
    assert await made.turn(0.0) == (True, ALL)
    yield made
    made.aws.close()


async def test_at_rest_only_those_that_drain_are_listed(reads: Reads) -> None:
    assert await reads.turn(DRAINING_EVERY - 0.1) == (False, [])
    assert await reads.turn(DRAINING_EVERY) == (False, [LIST])
    assert reads.ecs.calls[-1][1] == {"cluster": CLUSTER, "status": "DRAINING"}
    assert await reads.turn(DRAINING_EVERY + 0.1) == (False, [])
    assert await reads.turn(NODES_EVERY) == (False, ALL)
    assert await reads.turn(NODES_EVERY + DRAINING_EVERY - 0.1) == (False, [])


async def test_one_that_drains_is_known_with_the_next_list_and_read_once(reads: Reads) -> None:
    first = min(reads.ecs.instances)
    reads.ecs.draining = {first}
    assert await reads.turn(DRAINING_EVERY) == (True, [LIST, *ALL])
    assert reads.states() == ["draining", "ready"]
    assert await reads.turn(2 * DRAINING_EVERY) == (False, [LIST])
    reads.ecs.draining = set(reads.ecs.instances) - {first}
    assert await reads.turn(3 * DRAINING_EVERY) == (True, [LIST, *ALL])
    assert reads.states() == ["ready", "draining"]
    reads.ecs.draining = set()
    assert await reads.turn(4 * DRAINING_EVERY) == (True, [LIST, *ALL])
    assert reads.states() == ["ready", "ready"]


async def test_what_is_asked_for_is_read_at_once(reads: Reads) -> None:
    reads.soon()
    assert await reads.turn(0.1) == (False, ALL)
    assert await reads.turn(0.2) == (False, [])


async def test_the_platform_tells_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "DRAINING_EVERY", 0.1)
    world.ecs.add("catalog")
    platform = await world.opened("catalog")
    before = len(world.notified)
    world.ecs.draining = {min(world.ecs.instances)}

    async def known() -> bool:
        return "draining" in [n.state for n in await platform.nodes()]

    await until(known, "one drains")
    assert "" in [name for _, name in world.notified[before:]]


async def test_a_task_on_a_node_that_has_just_come_is_told_of_with_its_place(world: World) -> None:
    catalog = world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    problems: list[str] = []
    platform._notify = lambda _: problems.append(sight(platform._memory, service()).problem)
    world.ecs.instances[f"{min(world.ecs.instances)}9"] = 0
    catalog.desired = 6
    await running(platform, 6)
    assert set(problems) == {""}
