from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairlead.core.ecs.model import (
    RESERVED_PORTS,
    Constraint,
    ContainerDefinition,
    Definition,
    Instance,
    PortMapping,
    Strategy,
)
from fairlead.core.ecs.placement import Room, Unplaced, Wanted, fixed_ports, less, place, room
from tests.ground import until
from tests.rehearsal.ground import messages, rehearsal, running, tasks


def node(number: int, **more: Any) -> Instance:
    zone = f"z{number % 2}"
    facts = {"cpu": 1000, "memory": 1000, **more}
    attributes = (("ecs.availability-zone", zone), ("number", str(number)))
    return Instance(f"arn/{number}", f"i-{number}", f"127.0.1.{number}", zone,
                    attributes=attributes, **facts)  # fmt: skip


def definition(cpu: int = 0, memory: int = 100, *ports: int, network: str = "bridge") -> Definition:
    mappings = tuple(PortMapping(8080 + n, port) for n, port in enumerate(ports))
    container = ContainerDefinition("app", ports=mappings)
    return Definition("d", "d", 1, network, (container,), cpu, memory)


DEFINITIONS = some.builds(
    definition, some.integers(0, 600), some.integers(1, 700),
    some.sampled_from((0, 0, 22, 80, 81)), network=some.sampled_from(("bridge", "awsvpc")),
)  # fmt: skip
STRATEGIES = some.lists(
    some.sampled_from((
        Strategy("spread", "instanceId"), Strategy("spread", "attribute:ecs.availability-zone"),
        Strategy("binpack", "memory"), Strategy("binpack", "cpu"), Strategy("random"),
    )),
    max_size=3,
)  # fmt: skip


@given(some.lists(DEFINITIONS, max_size=25), STRATEGIES, some.integers(0, 4), some.integers(0, 99))
def test_no_node_is_ever_overcommitted(
    wanted: list[Definition], strategies: list[Strategy], nodes: int, seed: int
) -> None:
    chance = random.Random(seed)
    rooms = {f"arn/{n}": room(node(n)) for n in range(nodes)}
    held: dict[str, list[Definition]] = {arn: [] for arn in rooms}
    for each in wanted:
        chosen = place(list(rooms.values()), Wanted(each, "g", (), strategies), chance)
        if isinstance(chosen, Unplaced):
            assert all(not fits(held[arn], each) for arn in held)
            assert "was unable to place a task" in chosen.message
        else:
            held[chosen.arn].append(each)
            rooms[chosen.arn] = less(rooms[chosen.arn], each)
    assert all(fits(of_one) for of_one in held.values())


def fits(held: list[Definition], *more: Definition) -> bool:
    """By adding up, apart from the code that is tested."""
    both = [*held, *more]
    ports = [("tcp", port) for port in RESERVED_PORTS]
    ports += [port for each in both for port in fixed_ports(each)]
    return (
        sum(d.cpu for d in both) <= 1000
        and sum(d.memory for d in both) <= 1000
        and len(ports) == len(set(ports))
        and sum(d.network == "awsvpc" for d in both) <= 1
    )


def chosen(rooms: list[Room], wanted: Wanted) -> set[str]:
    found = [place(rooms, wanted, random.Random(n)) for n in range(20)]
    return {each.arn if isinstance(each, Instance) else each.message for each in found}


def test_strategies_choose() -> None:
    rooms = [room(node(0)), room(node(1), [definition(0, 500)]), room(node(2))]
    packed = Wanted(definition(), "g", strategies=(Strategy("binpack", "memory"),))
    assert chosen(rooms, packed) == {"arn/1"}
    spread = Strategy("spread", "attribute:ecs.availability-zone")
    assert chosen(rooms, Wanted(definition(), "g", (), (spread,), {"arn/0": 1})) == {"arn/1"}
    evenly = Wanted(definition(), "service:s", peers={"arn/0": 1, "arn/1": 2})
    assert chosen(rooms, evenly) == {"arn/2"}
    assert chosen(rooms, Wanted(definition(), "g")) == {"arn/0", "arn/1", "arn/2"}


@pytest.mark.parametrize(
    ("expression", "fit"),
    [
        ("attribute:number == 1", {1}),
        ("attribute:number != 1", {0, 2}),
        ("attribute:number in [0, 2]", {0, 2}),
        ("attribute:number not_in ['0', '2']", {1}),
        ("attribute:gpu exists", set()),
        ("attribute:gpu !exists and ec2InstanceId == i-2", {2}),
        ("not (attribute:number == 0 or attribute:number == 1)", {2}),
        ("attribute:number =~ [12]", None),
        ("attribute:number =~ ^.$ && attribute:ecs.availability-zone == z0", {0, 2}),
        ("task:group == g", {0, 1, 2}),
    ],
)
def test_members_of_an_expression(expression: str, fit: set[int] | None) -> None:
    from fairlead.core.ecs.expressions import Unreadable, is_met

    if fit is None:
        with pytest.raises(Unreadable, match="cannot be read"):
            is_met(expression, node(0), "g")
    else:
        assert {n for n in range(3) if is_met(expression, node(n), "g")} == fit


@given(some.text("attribute:= !()[]in,andornot'\"x0\\", max_size=60))
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    from fairlead.core.ecs.expressions import Unreadable, is_met

    with suppress(Unreadable):
        assert is_met(text, node(0), "g") in (True, False)


def test_distinct_instance_takes_no_node_twice() -> None:
    wanted = Wanted(definition(), "g", (Constraint("distinctInstance"),), (), {"arn/0": 1})
    assert chosen([room(node(0)), room(node(1))], wanted) == {"arn/1"}
    assert "DistinctInstance" in chosen([room(node(0))], wanted).pop()


@pytest.mark.parametrize(
    ("definition_", "words"),
    [
        (definition(2000), "has insufficient CPU units available"),
        (definition(0, 2000), "has insufficient memory available"),
        (definition(0, 1, 22), "is already using a port required by your task"),
    ],
)
def test_it_says_what_ecs_says(definition_: Definition, words: str) -> None:
    (told,) = chosen([room(node(7))], Wanted(definition_, "g"))
    assert told == (
        "was unable to place a task because no container instance met all of its requirements."
        f" The closest matching (container-instance 7) {words}. For more information, see the"
        " Troubleshooting section of the Amazon ECS Developer Guide."
    )


def test_without_nodes_it_says_so() -> None:
    told = chosen([], Wanted(definition(), "g"))
    assert "No Container Instances were found in your cluster." in told.pop()


async def test_tasks_of_a_service_are_spread_over_nodes_and_zones() -> None:
    async with rehearsal(nodes=4, processes=False, zones=("a", "b")) as ecs:
        ecs.serve("web", ecs.define("web", "x"), 8)
        found = await running(ecs, 8)
        assert set(Counter(t["containerInstanceArn"] for t in found).values()) == {2}
        assert set(Counter(t["availabilityZone"] for t in found).values()) == {4}


async def test_memory_is_the_limit_and_remaining_resources_tell() -> None:
    async with rehearsal(nodes=1, memory=300, processes=False) as ecs:
        ecs.serve("web", ecs.define("web", "x", memory=128), 3)
        await running(ecs, 2)
        await until(lambda: "has insufficient memory available" in str(messages(ecs, "web")))
        arns = list(ecs.cluster.instances)
        asked = {"cluster": "shop", "containerInstances": arns}
        (seen,) = ecs.call("DescribeContainerInstances", **asked)["containerInstances"]
        left = {r["name"]: r for r in seen["remainingResources"]}
        assert left["MEMORY"]["integerValue"] == 300 - 2 * 128
        ecs.add_node()
        await running(ecs, 3)


async def test_run_task_gives_its_own_reasons() -> None:
    async with rehearsal(nodes=1, memory=100, processes=False) as ecs:
        ecs.define("big", "x", memory=128)
        answer = ecs.call("RunTask", cluster="shop", taskDefinition="big")
        assert [f["reason"] for f in answer["failures"]] == ["RESOURCE:MEMORY"]
        assert answer["tasks"] == tasks(ecs) == []
