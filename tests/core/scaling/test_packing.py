"""How many fit: held against placing them one after the other."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.ecs.model import (
    DRAINING,
    Constraint,
    ContainerDefinition,
    Definition,
    Instance,
    PortMapping,
)
from fairlead.core.scaling.packing import Demand, Held, Packing, living, missing


def node(number: int, memory: int = 900, cpu: int = 2048, interfaces: int = 2) -> Instance:
    name = f"arn/{number}"
    return Instance(name, f"i-{number}", "", "a", cpu, memory, interfaces)


def definition(
    name: str = "app", memory: int = 256, cpu: int = 0, network: str = "bridge", port: int = 0
) -> Definition:
    container = ContainerDefinition(name, ports=(PortMapping(8080, port),))
    return Definition(f"arn/{name}:1", name, 1, network, (container,), cpu, memory)


def more(demand: Demand, *nodes: Instance, held: tuple[Held, ...] = ()) -> tuple[int, str]:
    return Packing(nodes, held).more(demand, 50)


def test_memory_bounds_what_fits_on_each_node() -> None:
    assert more(Demand("app", definition()), node(1), node(2)) == (6, "memory on i-1")


def test_the_others_hold_what_they_have_even_while_they_stop() -> None:
    others = (Held("arn/1", "b", definition("b", 500)), Held("arn/1", "", definition("c", 100)))
    leaving = Held("arn/1", "app", definition(), leaving=True)
    assert more(Demand("app", definition()), node(1), held=others) == (1, "memory on i-1")
    assert more(Demand("app", definition()), node(1), held=(*others, leaving))[0] == 0


def test_a_fixed_port_is_there_once_a_node() -> None:
    demand = Demand("app", definition(port=8083))
    assert more(demand, node(1), node(2)) == (2, "a host port on i-1")
    taken = Held("arn/1", "b", definition("b", port=8083))
    assert more(demand, node(1), node(2), held=(taken,)) == (1, "a host port on i-1")


def test_network_interfaces_bound_awsvpc_tasks() -> None:
    demand = Demand("app", definition(network="awsvpc"))
    assert more(demand, node(1), node(2, interfaces=3)) == (3, "network interfaces on i-1")


def test_a_node_that_drains_takes_nothing_and_without_nodes_that_is_told() -> None:
    demand = Demand("app", definition())
    assert more(demand, replace(node(1), status=DRAINING), node(2))[0] == 3
    assert more(demand) == (0, "there are no nodes that take tasks")


def test_distinct_instances_count_those_that_are_there() -> None:
    demand = Demand("app", definition(), constraints=(Constraint("distinctInstance"),))
    there = Held("arn/1", "app", definition())
    told = "its placement constraints on i-1"
    assert more(demand, node(1), node(2), held=(there,)) == (1, told)


def test_what_is_missing_counts_no_copy_that_stops() -> None:
    held = [Held("n", "app", definition()), Held("n", "app", definition(), leaving=True)]
    assert living(held, "app") == 1
    assert missing([Demand("app", definition(), 3)], held) == {"app": 2}


_SIZES = st.integers(50, 600)
_NODES = st.lists(st.builds(node, st.integers(1, 99), _SIZES, st.just(1024)), max_size=4).map(
    lambda nodes: list({n.arn: n for n in nodes}.values())
)


@given(_NODES, _SIZES, st.lists(_SIZES, max_size=5), st.sampled_from([0, 8083]), st.booleans())
def test_as_many_fit_as_can_be_placed_one_after_the_other(
    nodes: list[Instance], memory: int, others: list[int], port: int, distinct: bool
) -> None:
    rules = (Constraint("distinctInstance"),) if distinct else ()
    demand = Demand("app", definition(memory=memory, port=port), constraints=rules)
    packing = Packing(nodes, ())
    for number, size in enumerate(others):
        packing.put(Demand(f"o{number}", definition(f"o{number}", size)), 1)
    counted, told = packing.more(demand, 50)
    placed, unplaced = packing.put(demand, 50)
    assert counted == placed
    assert bool(told) == (unplaced is not None)
