"""Which nodes the keeper is told of, from what agents and the platform say."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from fairlead.core.dns import DnsNode
from fairlead.core.dns_settings import Dns
from fairlead.core.model import Node
from fairlead.daemon.naming import GRACE, LOST, Naming
from fairlead.daemon.naming_alone import Wanted
from fairlead.fleet.messages import Hello, Report
from fairlead.fleet.roster import Roster
from tests.stub_edges import StubClock

NODES = tuple(Node(f"n{i}", f"10.0.1.{99 + i}", public=f"203.0.113.{i}") for i in (1, 2, 3))


@dataclass
class Told:
    """Implements naming.Keeps."""

    nodes: tuple[DnsNode, ...] | None = None
    names: tuple[str, ...] = ()
    until: dict[str, float] = field(default_factory=dict)

    def update(self, names: Collection[str], nodes: Collection[DnsNode]) -> None:
        self.names, self.nodes = tuple(names), tuple(nodes)

    def wait_out(self, node: str) -> float:
        return self.until.get(node, -math.inf)

    def named(self) -> set[str]:
        assert self.nodes is not None
        return {node.id for node in self.nodes if node.named}


class Platform:
    async def nodes(self) -> tuple[Node, ...]:
        return NODES


class World:
    def __init__(self, *, public: bool = False) -> None:
        self.keeper, self.roster, self.clock = Told(), Roster(), StubClock()
        dns = Dns(addresses="public" if public else "private")
        wanted = Wanted(lambda: ("shop.example.com",), dns)
        keepers = [(self.keeper, wanted)]
        self.naming = Naming(keepers, Platform(), self.roster, self.clock)

    def come(self, *nodes: str) -> None:
        for node in nodes:
            self.roster.welcome(Hello(1, "1", node), lambda: None)

    def look(self, nodes: tuple[Node, ...] = NODES) -> set[str]:
        self.naming.look(nodes)
        return self.keeper.named()


@pytest.fixture
def world() -> World:
    made = World()
    made.come("n1", "n2", "n3")
    return made


def test_every_node_whose_agent_serves_is_named(world: World) -> None:
    assert world.look() == {"n1", "n2", "n3"}
    assert world.keeper.names == ("shop.example.com",)
    assert [node.address for node in world.keeper.nodes or ()] == [n.address for n in NODES]


def test_one_whose_proxy_does_not_serve_is_not(world: World) -> None:
    world.roster.agents["n2"].take(Report(1, serving=False))
    assert world.look() == {"n1", "n3"}


def test_one_that_is_leaving_or_drained_is_not(world: World) -> None:
    world.roster.agents["n1"].take(Report(1, leaving=True))
    draining = Node("n2", "10.0.1.101", state="draining")
    assert world.look((NODES[0], draining, NODES[2])) == {"n3"}


def test_one_that_went_away_is_named_for_a_moment_only(world: World) -> None:
    world.roster.agents["n3"].lost = world.clock.now()
    assert world.look() == {"n1", "n2", "n3"}
    world.clock.time += LOST + 0.1
    assert world.look() == {"n1", "n2"}
    world.roster.forget("n3")
    assert world.look() == {"n1", "n2"}


def test_nothing_is_told_before_all_were_seen_or_the_time_for_it_is_over() -> None:
    world = World()
    world.come("n1")
    world.naming.look(NODES)
    assert world.keeper.nodes is None
    world.clock.time += GRACE
    assert world.look() == {"n1"}


def test_a_controller_that_is_cut_off_from_all_changes_nothing(world: World) -> None:
    world.look()
    before = world.keeper.nodes
    for agent in world.roster:
        agent.lost = world.clock.now()
    world.clock.time += 10 * LOST
    world.naming.look(NODES)
    world.naming.look(())
    assert world.keeper.nodes == before


def test_one_that_is_silent_is_out_before_its_connection_breaks_and_stays_out(world: World) -> None:
    world.look()
    dead = world.roster.agents["n2"]
    dead.heard = world.clock.now()
    world.clock.time += LOST - 0.1
    assert world.look() == {"n1", "n2", "n3"}
    world.clock.time += 0.2
    assert world.look() == {"n1", "n3"}
    dead.lost = dead.went(world.clock.now())
    assert world.look() == {"n1", "n3"}


def test_agents_come_back_one_by_one_to_a_controller_that_was_cut_off(world: World) -> None:
    world.look()
    before = world.keeper.nodes
    for agent in world.roster:
        agent.lost = world.clock.now()
    world.clock.time += 10 * LOST
    world.naming.look(NODES)
    world.come("n1")
    world.naming.look(NODES)
    assert world.keeper.nodes == before
    world.come("n2", "n3")
    assert world.look() == {"n1", "n2", "n3"}


def test_who_does_not_come_back_to_it_is_named_for_the_time_of_a_new_one(world: World) -> None:
    world.look()
    for agent in world.roster:
        agent.lost = world.clock.now()
    world.clock.time += 10 * LOST
    world.naming.look(NODES)
    world.come("n1", "n2")
    assert world.look() == {"n1", "n2", "n3"}
    world.clock.time += GRACE
    assert world.look() == {"n1", "n2"}


def test_public_addresses_are_those_of_nodes_that_have_one() -> None:
    world = World(public=True)
    world.come("n1", "n2")
    world.naming.look((NODES[0], Node("n2", "10.0.1.101")))
    assert [(n.id, n.address) for n in world.keeper.nodes or ()] == [("n1", "203.0.113.1")]


async def test_a_node_is_let_go_when_resolvers_have_forgotten_it(world: World) -> None:
    world.keeper.until["n1"] = math.inf
    going = asyncio.create_task(world.naming.unnamed("n1"))
    await asyncio.sleep(0)
    assert not going.done()
    world.keeper.until["n1"] = world.clock.now() - 1
    await asyncio.wait_for(going, 10)
