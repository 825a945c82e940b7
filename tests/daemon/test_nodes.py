"""The follower of the nodes: what it takes into account, what it does, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from fairlead.core.ecs.model import ACTIVE, DRAINING
from fairlead.core.errors import LeaseError, PlatformError
from fairlead.core.model import Counters
from fairlead.core.scaling.nodes_model import Group, NodeScale, NodeSight, NodesSight
from fairlead.core.scaling.packing import Demand, Held
from fairlead.daemon.nodes import GRACE, Around, NodeFollower
from fairlead.fleet.messages import Hello
from fairlead.fleet.roster import Roster
from fairlead.leases.fence import FencedNodeGroup
from fairlead.scaling.news import AGAIN
from tests.core.scaling.test_packing import definition, node
from tests.platforms.ecs.ground import Told

APP = definition("app", 300)


@dataclass
class StubGroup:
    """Implements ports.NodeGroup."""

    sight: NodesSight
    taken: list[tuple[str, object]] = field(default_factory=list)
    other: str = ""
    broken: str = ""

    async def look(self, now: float) -> NodesSight:
        if self.broken:
            raise PlatformError(self.broken)
        return replace(self.sight, now=now)

    async def conflict(self, now: float) -> str:
        return self.other

    async def grow(self, desired: int) -> None:
        self.taken.append(("grow", desired))

    async def give_up(self, node: str) -> None:
        self.taken.append(("give-up", node))

    async def take_back(self, node: str) -> None:
        self.taken.append(("take-back", node))

    async def terminate(self, node: str) -> None:
        self.taken.append(("terminate", node))


@dataclass
class World:
    group: StubGroup
    policy: NodeScale = field(default_factory=lambda: NodeScale("web", headroom=0, settle=60.0))
    wants: dict[str, int] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    now_: float = 0.0

    def __post_init__(self) -> None:
        self.told, self.roster = Told(), Roster()
        around = Around(
            self.roster, lambda: self.wants, lambda n: n not in self.named, self.told, self
        )
        self.follower = NodeFollower(self.policy, self.group, around)
        self.now_ = GRACE

    def now(self) -> float:
        return self.now_

    def wall(self) -> float:
        return self.now_

    def agents(self, *numbers: int) -> None:
        """Agents of these nodes are there from now on."""
        for number in numbers:
            self.roster.welcome(Hello(1, "1", f"i-{number}"), lambda: None)
            self.roster.agents[f"i-{number}"].heard = self.now_

    async def turn(self, passed: float = 5.0) -> None:
        await self.follower.turn()
        self.now_ += passed
        for agent in self.roster:
            if agent.lost is None:
                agent.heard = self.now_


def world(*nodes: NodeSight, count: int = 1, held: tuple[Held, ...] = (), **more: object) -> World:
    sight = NodesSight(0.0, Group(len(nodes)), nodes, held, (Demand("app", APP, count),))
    made = World(StubGroup(sight), **more)
    made.agents(*(int(n.place.machine[2:]) for n in nodes))
    return made


def on(number: int, count: int = 1) -> tuple[Held, ...]:
    return (Held(f"arn/{number}", "app", APP),) * count


def leaving(number: int) -> NodeSight:
    return NodeSight(replace(node(number), status=DRAINING), given_up=True)


async def test_what_the_load_asks_for_counts_though_ecs_was_not_asked_for_it() -> None:
    shop = world(NodeSight(node(1)), count=3, held=on(1, 3))
    await shop.turn()
    assert shop.group.taken == []
    shop.wants["app"] = 6
    await shop.turn()
    assert shop.group.taken == [("grow", 2)]
    assert shop.told.of("nodes") == ["2 nodes instead of 1: no place for 3 of app"]


async def test_nothing_is_done_before_the_agents_could_come_nor_while_none_is_heard() -> None:
    shop = world(NodeSight(node(1)), count=4)
    shop.now_ = 0.0
    await shop.turn(GRACE)
    assert shop.group.taken == []
    shop.roster.agents["i-1"].lost = shop.now_
    await shop.turn()
    assert shop.group.taken == []
    shop.agents(1)
    await shop.turn()
    assert shop.group.taken == [("grow", 2)]


async def test_a_node_whose_proxy_does_not_serve_takes_no_others_place() -> None:
    """The emptier one would go, if the other served."""
    shop = world(NodeSight(node(1)), NodeSight(node(2)), held=on(1))
    shop.roster.agents["i-1"].serving = False
    await shop.turn(60)
    await shop.turn()
    assert shop.group.taken == [("give-up", "arn/1")]
    (told,) = [m for m in shop.told.of("nodes") if "drains" in m]
    assert told == (
        "i-1 is given up, and drains: for 60 s all that is wanted fits on the other 1, with"
        " headroom; 1 copies move"
    )


async def test_one_goes_when_dns_has_forgotten_it_and_nothing_passes_through_it() -> None:
    shop = world(NodeSight(node(1)), leaving(2), held=on(1))
    agent = shop.roster.agents["i-2"]
    shop.named.add("i-2")
    agent.counters = {"app": {"e": Counters(in_flight=1)}}
    await shop.turn()
    shop.named.clear()
    await shop.turn()
    assert shop.group.taken == []
    agent.counters = {"app": {"e": Counters(in_flight=0)}}
    await shop.turn()
    assert shop.group.taken == [("terminate", "arn/2")]
    assert shop.told.of("nodes") == ["i-2 is terminated, 1 are left: nothing runs on it"]


async def test_one_whose_agent_has_gone_has_nothing_that_passes() -> None:
    shop = world(NodeSight(node(1)), leaving(2), held=on(1))
    shop.named.add("i-2")
    shop.roster.agents["i-2"].lost = shop.now_
    await shop.turn()
    assert shop.group.taken == [("terminate", "arn/2")]


async def test_a_dry_run_tells_once_and_does_nothing() -> None:
    shop = world(NodeSight(node(1)), count=4, policy=NodeScale("web", headroom=0, dry_run=True))
    for _ in range(3):
        await shop.turn()
    assert shop.group.taken == []
    told = "would be done: 2 nodes instead of 1: no place for 1 of app"
    assert shop.told.of("nodes") == [told]
    await shop.turn(AGAIN)
    await shop.turn()
    assert shop.told.of("nodes") == [told, told]


async def test_who_else_moves_the_group_is_told_once_and_left_to_it() -> None:
    shop = world(NodeSight(node(1)), count=4)
    shop.group.other = "capacity provider web has managed scaling"
    await shop.turn()
    await shop.turn()
    assert shop.group.taken == []
    assert shop.told.of("problem") == [
        "the nodes stay as they are: capacity provider web has managed scaling"
    ]
    shop.group.other = ""
    await shop.turn()
    assert shop.group.taken == [("grow", 2)]
    assert shop.told.of("recovered") == ["over: capacity provider web has managed scaling"]


async def test_a_failed_read_does_nothing_and_is_told() -> None:
    shop = world(NodeSight(node(1)), NodeSight(node(2)), held=on(1))
    await shop.turn(50)
    shop.group.broken = "AWS does not answer"
    await shop.turn(50)
    assert shop.group.taken == []
    assert "AWS does not answer" in shop.told.of("problem")[0]


async def test_what_cannot_be_had_is_told() -> None:
    shop = world(NodeSight(node(1)), count=40, policy=NodeScale("web", max=1, headroom=0))
    await shop.turn()
    assert shop.told.of("nodes") == ["no place for 37 of app; 1 nodes are the most (max)"]


async def test_no_write_without_the_lease() -> None:
    async def lost() -> None:
        raise LeaseError("another controller leads")

    shop = world(NodeSight(node(1)), count=4)
    fenced = FencedNodeGroup(shop.group, lost)
    shop.follower._group = fenced
    await shop.turn()
    assert "another controller leads" in shop.told.of("problem")[0]
    for write in (fenced.give_up, fenced.take_back, fenced.terminate):
        with pytest.raises(LeaseError):
            await write("arn/1")
    assert shop.group.taken == []


async def test_one_is_taken_back_when_it_is_needed_again() -> None:
    shop = world(NodeSight(node(1)), leaving(2), count=5, held=(*on(1, 3), *on(2)))
    await shop.turn()
    assert shop.group.taken == [("take-back", "arn/2")]
    assert shop.told.of("nodes")[0].startswith("i-2 is taken back: it is needed again")
    assert node(2).status == ACTIVE
