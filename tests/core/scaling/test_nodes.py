"""How many nodes, and which one goes: examples, and what must hold whatever is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core.ecs.model import ACTIVE, DRAINING, INACTIVE, Constraint, Instance
from fairlead.core.scaling.nodes import LATE, follow
from fairlead.core.scaling.nodes_model import (
    Group,
    NodeScale,
    NodeSight,
    NodesMemory,
    NodesSight,
    Step,
)
from fairlead.core.scaling.packing import Demand, Held, Packing, missing
from tests.core.scaling.test_packing import definition, node

POLICY = NodeScale("shop", min=1, max=4, headroom=0, settle=600)
APP = definition("app", 300)


def sight(
    demands: list[Demand], *nodes: NodeSight, held: tuple[Held, ...] = (), desired: int = 0
) -> NodesSight:
    return NodesSight(0.0, Group(desired or len(nodes)), nodes, held, tuple(demands))


def step(given: NodesSight, policy: NodeScale = POLICY) -> Step:
    return follow(policy, NodesMemory(), given)[1]


def settled(given: NodesSight, policy: NodeScale = POLICY) -> Step:
    """What is done when it has stayed like that."""
    memory, first = follow(policy, NodesMemory(), given)
    assert first.kind == "stay"
    return follow(policy, memory, replace(given, now=given.now + policy.settle))[1]


def on(number: int, name: str = "app", *, count: int = 1, **more: bool) -> tuple[Held, ...]:
    return (Held(f"arn/{number}", name, definition(name, 300), **more),) * count


def seen(number: int, **more: bool) -> NodeSight:
    return NodeSight(node(number), **more)


def test_what_finds_no_place_gets_a_node() -> None:
    found = step(sight([Demand("app", APP, 4)], seen(1), held=on(1, count=3)))
    assert (found.kind, found.desired, found.why) == ("grow", 2, "no place for 1 of app")


def test_as_many_at_once_as_are_needed_and_the_bounds_allow() -> None:
    assert step(sight([Demand("app", APP, 7)], seen(1))).desired == 3
    assert step(sight([Demand("app", APP, 70)], seen(1))).desired == 4
    full = sight([Demand("app", APP, 70)], *map(seen, (1, 2, 3, 4)))
    assert step(full).kind == "stay"
    assert "4 nodes are the most" in step(full).why


def test_nodes_that_are_coming_count_and_are_missed_when_they_do_not_come() -> None:
    given = sight([Demand("app", APP, 4)], seen(1), held=on(1, count=3), desired=2)
    memory, first = follow(POLICY, NodesMemory(), given)
    assert first.kind == "stay"
    _, later = follow(POLICY, memory, replace(given, now=LATE))
    assert "1 of the nodes asked for have not come within 600 s" in later.why


def test_what_no_node_can_take_is_told_and_asks_for_none() -> None:
    found = step(sight([Demand("app", definition("app", 2000), 1)], seen(1)))
    assert (found.kind, found.why) == (
        "stay",
        "no place for 1 of app; no node of this kind takes it",
    )


def test_what_runs_one_a_node_takes_its_share_of_a_new_one() -> None:
    """Two of 300 fit beside an agent of 200, three do not."""
    agent = Held("arn/1", "agent", definition("agent", 200), daemon=True)
    given = sight([Demand("app", APP, 5)], seen(1), held=(*on(1, count=2), agent))
    assert step(given).desired == 3


def test_headroom_is_a_copy_of_the_largest() -> None:
    demands = [Demand("app", APP, 1), Demand("big", definition("big", 500), 1)]
    held = (*on(1), Held("arn/1", "big", definition("big", 500)))
    assert step(sight(demands, seen(1), held=held)).kind == "stay"
    found = step(sight(demands, seen(1), held=held), replace(POLICY, headroom=1))
    assert (found.kind, found.why) == ("grow", "no place for 1 of headroom for big")


def test_a_node_that_is_not_needed_for_long_enough_is_given_up_the_emptiest_first() -> None:
    given = sight([Demand("app", APP, 3)], seen(1), seen(2), held=(*on(1, count=2), *on(2)))
    found = settled(given)
    assert (found.kind, found.node) == ("give-up", "arn/2")
    assert found.why == (
        "for 600 s all that is wanted fits on the other 1, with headroom; 1 copies move"
    )


def test_what_comes_in_between_begins_the_time_anew() -> None:
    given = sight([Demand("app", APP, 3)], seen(1), seen(2), held=on(1, count=3))
    memory, _ = follow(POLICY, NodesMemory(), given)
    more = replace(given, now=300.0, demands=(Demand("app", APP, 4),))
    memory, _ = follow(POLICY, memory, more)
    memory, found = follow(POLICY, memory, replace(given, now=600.0))
    assert found.kind == "stay"
    assert follow(POLICY, memory, replace(given, now=1200.0))[1].kind == "give-up"


def test_the_last_one_that_serves_stays_and_so_does_one_with_a_task_of_nobody() -> None:
    demands = [Demand("app", APP, 1)]
    alone = sight(demands, seen(1, serving=False), seen(2), held=on(1))
    assert settled(alone).node == "arn/1"
    assert settled(sight(demands, seen(1), seen(2), held=on(1))).node == "arn/2"
    two = sight(demands, seen(1), seen(2), held=on(1))
    assert settled(replace(two, named=2)).kind == "stay"
    batch = (*on(1), Held("arn/2", "", definition("batch", 10)))
    fits_on_two = Demand("app", definition("app", 900), 1)
    held = (Held("arn/1", "app", fits_on_two.definition), batch[1])
    assert settled(sight([fits_on_two], seen(1), seen(2), held=held)).kind == "stay"


def test_nodes_of_no_group_give_room_and_are_never_given_up() -> None:
    own = NodeSight(node(9), member=False)
    given = NodesSight(0.0, Group(1), (seen(1), own), on(9), (Demand("app", APP, 3),))
    assert settled(given, replace(POLICY, min=0)).node == "arn/1"
    assert settled(given).kind == "stay"


def test_one_after_the_other_and_it_goes_when_nothing_runs_or_passes() -> None:
    leaving = NodeSight(replace(node(2), status=DRAINING), given_up=True, idle=False)
    given = sight([Demand("app", APP, 1)], seen(1), leaving, seen(3), held=(*on(1), *on(2)))
    assert settled(given).kind == "stay"
    empty = replace(given, held=on(1))
    assert settled(empty).kind == "stay"
    idle = replace(leaving, idle=True)
    found = step(replace(empty, nodes=(seen(1), idle, seen(3))))
    assert (found.kind, found.node) == ("terminate", "arn/2")


def test_one_that_is_being_given_up_is_taken_back_rather_than_another_asked_for() -> None:
    leaving = NodeSight(replace(node(2), status=DRAINING), given_up=True)
    given = sight([Demand("app", APP, 5)], seen(1), leaving, held=(*on(1, count=3), *on(2)))
    found = step(given)
    assert (found.kind, found.node) == ("take-back", "arn/2")


def test_a_node_that_somebody_else_drains_is_neither_room_nor_terminated() -> None:
    theirs = NodeSight(replace(node(2), status=DRAINING))
    given = sight([Demand("app", APP, 1)], seen(1), theirs, held=on(1))
    assert step(given).kind == "stay"


def test_a_node_whose_ecs_agent_is_away_keeps_what_it_runs_and_takes_no_more() -> None:
    away = NodeSight(replace(node(2), status=INACTIVE))
    held = (*on(1, count=3), *on(2, count=2))
    assert step(sight([Demand("app", APP, 5)], seen(1), away, held=held)).kind == "stay"
    found = step(sight([Demand("app", APP, 6)], seen(1), away, held=held))
    assert (found.kind, found.desired) == ("grow", 3)


# What must hold whatever is wanted.

_SIZE = st.integers(40, 500)
_DEMANDS = st.lists(st.tuples(_SIZE, st.integers(0, 6), st.booleans()), min_size=1, max_size=4).map(
    lambda given: tuple(
        Demand(
            f"s{n}",
            definition(f"s{n}", size, port=8000 + n if fixed else 0),
            count,
            (Constraint("distinctInstance"),) if fixed else (),
        )
        for n, (size, count, fixed) in enumerate(given)
    )
)


@dataclass
class World:
    """An auto scaling group and ECS, in turns."""

    policy: NodeScale
    group: Group
    nodes: dict[str, NodeSight] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    memory: NodesMemory = field(default_factory=NodesMemory)
    now: float = 0.0
    made: int = 0

    def turn(self, demands: tuple[Demand, ...], passed: float = 300.0) -> Step:
        self._place(demands)
        nodes, held = tuple(self.nodes.values()), tuple(self.held)
        given = NodesSight(self.now, self.group, nodes, held, demands, named=1)
        self.memory, found = follow(self.policy, self.memory, given)
        self._check(found, given)
        self._carry_out(found)
        self.now += passed
        return found

    def _check(self, found: Step, given: NodesSight) -> None:
        low = max(self.policy.min, given.group.min)
        leaving = sum(n.given_up for n in given.nodes)
        if found.kind == "grow":
            assert given.group.desired < found.desired <= given.group.max
            assert found.desired - leaving <= self.policy.max
        if found.kind == "give-up":
            assert given.group.desired - leaving > low
            assert self.nodes[found.node].place.status == ACTIVE
            rest = [n.place for a, n in self.nodes.items() if a != found.node and not n.given_up]
            assert rest
            names = {place.arn for place in rest}
            kept = [t for t in given.held if t.node in names]
            assert _fits(rest, kept, given.demands)
        if found.kind == "terminate":
            assert self.nodes[found.node].given_up
            assert all(task.node != found.node for task in given.held)
            assert given.group.desired > low

    def _carry_out(self, found: Step) -> None:
        if found.kind == "grow":
            self.group = replace(self.group, desired=found.desired)
        elif found.kind in ("give-up", "take-back"):
            given_up = found.kind == "give-up"
            place = self.nodes[found.node].place
            changed = replace(place, status=DRAINING if given_up else ACTIVE)
            self.nodes[found.node] = NodeSight(changed, given_up=given_up)
        elif found.kind == "terminate":
            del self.nodes[found.node]
            self.group = replace(self.group, desired=self.group.desired - 1)
        while len(self.nodes) < self.group.desired:
            self.made += 1
            fresh = node(self.made)
            self.nodes[fresh.arn] = NodeSight(fresh)

    def _place(self, demands: tuple[Demand, ...]) -> None:
        """ECS: those of nodes that drain go, those that are too many too, new ones come."""
        active = {a: n.place for a, n in self.nodes.items() if n.place.status == ACTIVE}
        kept: list[Held] = []
        for each in demands:
            own = [t for t in self.held if t.service == each.name and t.node in active]
            kept += own[: each.count]
        packing = Packing(active.values(), kept)
        for each in sorted(demands, key=lambda d: d.name):
            before = packing._peers[each.name].copy()
            packing.put(each, missing([each], kept)[each.name])
            new = packing._peers[each.name] - before
            kept += [Held(arn, each.name, each.definition) for arn in new.elements()]
        self.held = kept


def _fits(nodes: list[Instance], held: list[Held], demands: tuple[Demand, ...]) -> bool:
    packing, left = Packing(nodes, held), missing(demands, held)
    return all(packing.put(d, left[d.name])[1] is None for d in demands)


_POLICIES = st.builds(
    lambda low, more, headroom: NodeScale("g", low, low + more, headroom, 600.0),
    st.integers(1, 3),
    st.integers(0, 4),
    st.integers(0, 2),
)


@settings(max_examples=150, deadline=None)
@given(_POLICIES, st.lists(_DEMANDS, min_size=1, max_size=3), st.integers(0, 2), st.integers(0, 3))
def test_it_keeps_to_the_bounds_gives_up_what_fits_elsewhere_and_comes_to_rest(
    policy: NodeScale, phases: list[tuple[Demand, ...]], low: int, more: int
) -> None:
    world = World(policy, Group(max(1, low), low, max(1, low) + more))
    world._carry_out(Step("stay", ""))
    for demands in phases:
        kinds = [world.turn(demands).kind for _ in range(60)]
        assert set(kinds[-10:]) == {"stay"}, kinds
        bound = max(policy.min, low) if policy.min <= world.group.max else world.group.max
        assert world.group.desired >= min(bound, world.group.max)
        ways = [kind for kind in kinds if kind in ("grow", "give-up")]
        assert ways == sorted(ways, reverse=True) or ways == sorted(ways), kinds


@given(_DEMANDS)
def test_what_fits_within_the_bounds_is_placed_in_the_end(demands: tuple[Demand, ...]) -> None:
    world = World(NodeScale("g", 1, 40, 0, 600.0), Group(1, 1, 40))
    world._carry_out(Step("stay", ""))
    for _ in range(60):
        world.turn(demands)
    assert all(not n for n in missing(demands, world.held).values())
