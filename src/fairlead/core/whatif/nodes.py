"""The nodes of a set-up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fairlead.core.ecs.model import Instance
from fairlead.core.errors import BadInput
from fairlead.core.setup import Fact, NodeGroup, ServiceSetup, Setup
from fairlead.core.whatif.given import Given
from fairlead.core.whatif.machines import BOUNDLESS, Size, size_of
from fairlead.core.whatif.model import node


def nodes_of(
    setup: Setup, services: Sequence[ServiceSetup], given: Given
) -> tuple[tuple[Instance, ...], tuple[str, ...]]:
    """The nodes, and the key of each one's group. BadInput when nothing says how many, or which."""
    if not any(_needs_node(setup, each) for each in services):
        return (), ()
    if all(each.kind == "compose" for each in services):
        return _addressed((node(1, BOUNDLESS, BOUNDLESS, BOUNDLESS),), given), ("",)
    groups = _groups(setup, services)
    counted = _counted(groups, given)
    kinds = [(group, _size(group, given)) for group, count in counted for _ in range(count)]
    made = (
        node(number, size.cpu, size.memory, given.interfaces or size.interfaces, size.kind)
        for number, (_, size) in enumerate(kinds, 1)
    )
    return _addressed(made, given), tuple(group.key if group else "" for group, _ in kinds)


def _needs_node(setup: Setup, service: ServiceSetup) -> bool:
    task = setup.task_of(service)
    return service.launch_type.value != "FARGATE" and not (task and task.fargate.value)


def _groups(setup: Setup, services: Sequence[ServiceSetup]) -> list[NodeGroup]:
    """Those of the services' clusters; where none is known to be, all."""
    clusters = {each.cluster for each in services if each.cluster}
    own = [group for group in setup.nodes if group.cluster and group.cluster in clusters]
    return own or list(setup.nodes)


def _counted(groups: list[NodeGroup], given: Given) -> list[tuple[NodeGroup | None, int]]:
    if given.nodes is not None:
        return [(groups[0] if groups else None, given.nodes)]
    if not groups:
        raise BadInput("how many nodes are there? nothing that was read says it: give --nodes N")
    return [(group, _number(group)) for group in groups]


def _number(group: NodeGroup) -> int:
    if group.desired.value is not None:
        return group.desired.value
    why = group.desired.unknown or "nothing is said"
    raise BadInput(f"{group.at}: how many nodes has {group.key}? {why}: give --nodes N")


def _size(group: NodeGroup | None, given: Given) -> Size:
    """BadInput when nothing says what the nodes have."""
    if given.node_memory:
        cpu, found = given.node_cpu or BOUNDLESS, given.kind or _kind(group).value or ""
        return Size(cpu, given.node_memory, 2, found)
    fact = Fact(given.kind) if given.kind else _kind(group)
    if fact.value:
        return size_of(fact.value, given.machines)
    where = f"{group.at}: " if group else ""
    why = fact.unknown or "nothing that was read says it"
    raise BadInput(f"{where}of which type are the nodes? {why}: give --instance-type t3.micro")


def _kind(group: NodeGroup | None) -> Fact[str]:
    return group.instance_type if group else Fact()


def _addressed(nodes: Iterable[Instance], given: Given) -> tuple[Instance, ...]:
    found = tuple(nodes)
    addresses = [*given.addresses, *[""] * len(found)]
    return tuple(replace(n, address=a) for n, a in zip(found, addresses, strict=False))
