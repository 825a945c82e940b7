"""Where the next task goes, by ECS's rules, and what ECS says when there is no place. Pure."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from fairlead.core.ecs.expressions import is_met
from fairlead.core.ecs.model import (
    ACTIVE,
    RESERVED_PORTS,
    Constraint,
    Definition,
    Instance,
    Strategy,
)

Port = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Room:
    """What is left on a node."""

    instance: Instance
    cpu: int
    memory: int
    ports: frozenset[Port]
    interfaces: int


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a node cannot take the task. The closest matching node has the highest `rank`.

    `code` is the reason of a RunTask failure, `told` how a service event goes on.
    """

    rank: int
    code: str
    told: str


@dataclass(frozen=True, slots=True)
class Unplaced:
    """`closest` is None when no node could be asked at all."""

    closest: Instance | None
    obstacle: Obstacle | None

    @property
    def message(self) -> str:
        """As the events of ECS services have it."""
        begin = (
            "was unable to place a task because no container instance met all of its requirements."
        )
        if self.closest is None or self.obstacle is None:
            why = " Reason: No Container Instances were found in your cluster."
        else:
            node = f"(container-instance {self.closest.id})"
            why = f" The closest matching {node} {self.obstacle.told}."
        return f"{begin}{why}{MORE}"


MORE = " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
_ATTRIBUTE = Obstacle(1, "ATTRIBUTE", "is missing an attribute required by your task")
_MEMBER = Obstacle(
    2,
    "MemberOf placement constraint unsatisfied.",
    'encountered error "MemberOf placement constraint unsatisfied."',
)
_DISTINCT = Obstacle(
    3,
    "DistinctInstance placement constraint unsatisfied.",
    'encountered error "DistinctInstance placement constraint unsatisfied."',
)
_CPU = Obstacle(4, "RESOURCE:CPU", "has insufficient CPU units available")
_MEMORY = Obstacle(5, "RESOURCE:MEMORY", "has insufficient memory available")
_ENI = Obstacle(6, "RESOURCE:ENI", 'encountered error "RESOURCE:ENI"')
_PORTS = Obstacle(7, "RESOURCE:PORTS", "is already using a port required by your task")


def fixed_ports(definition: Definition) -> frozenset[Port]:
    """Host ports that the task needs for itself: in host mode that is every port."""
    if definition.network not in ("bridge", "host"):
        return frozenset()
    mapped = (mapping for container in definition.containers for mapping in container.ports)
    host = definition.network == "host"
    wanted = ((m.protocol, m.container if host else m.host) for m in mapped)
    return frozenset((protocol, number) for protocol, number in wanted if number)


def room(instance: Instance, held: Iterable[Definition] = ()) -> Room:
    """What the node has left beside tasks of these definitions."""
    ports = frozenset(("tcp", port) for port in RESERVED_PORTS)
    empty = Room(instance, instance.cpu, instance.memory, ports, instance.interfaces - 1)
    return reduce(less, held, empty)


def less(place: Room, definition: Definition) -> Room:
    """The room when one more task of the definition is there."""
    return Room(
        place.instance,
        place.cpu - definition.cpu,
        place.memory - definition.memory,
        place.ports | fixed_ports(definition),
        place.interfaces - (definition.network == "awsvpc"),
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task to place. Without strategies a service's tasks spread over zones and nodes.

    `peers` counts the living tasks of its group by node (ARN).
    """

    definition: Definition
    group: str
    constraints: Sequence[Constraint] = ()
    strategies: Sequence[Strategy] = ()
    peers: Mapping[str, int] = field(default_factory=dict)


def obstacle(place: Room, wanted: Wanted) -> Obstacle | None:
    """The first thing that keeps the task from this node."""
    attributes = dict(place.instance.attributes)
    if any(need not in attributes for need in wanted.definition.needs):
        return _ATTRIBUTE
    for constraint in (*wanted.definition.constraints, *wanted.constraints):
        if constraint.kind == "distinctInstance":
            if wanted.peers.get(place.instance.arn):
                return _DISTINCT
        elif not is_met(constraint.expression, place.instance, wanted.group):
            return _MEMBER
    return _shortage(place, wanted.definition)


def _shortage(place: Room, definition: Definition) -> Obstacle | None:
    if definition.cpu > place.cpu:
        return _CPU
    if definition.memory > place.memory:
        return _MEMORY
    if definition.network == "awsvpc" and place.interfaces < 1:
        return _ENI
    return _PORTS if fixed_ports(definition) & place.ports else None


def place(rooms: Sequence[Room], wanted: Wanted, chance: random.Random) -> Instance | Unplaced:
    """The node for one more task."""
    found = candidates(rooms, wanted)
    return found if isinstance(found, Unplaced) else chance.choice(found)


def candidates(rooms: Sequence[Room], wanted: Wanted) -> list[Instance] | Unplaced:
    """The nodes that are equally good for one more task."""
    judged = [(obstacle(r, wanted), r) for r in rooms if r.instance.status == ACTIVE]
    if fit := [r for o, r in judged if o is None]:
        return _best(fit, rooms, wanted)
    refused = [(o, r) for o, r in judged if o]
    if not refused:
        return Unplaced(None, None)
    closest, where = max(refused, key=lambda pair: pair[0].rank)
    return Unplaced(where.instance, closest)


def _best(fit: Sequence[Room], rooms: Sequence[Room], wanted: Wanted) -> list[Instance]:
    strategies = wanted.strategies
    if not strategies and wanted.group.startswith("service:"):
        strategies = _EVENLY
    left = list(fit)
    for strategy in strategies:
        ranks = _ranks(left, rooms, strategy, wanted.peers)
        least = min(ranks)
        left = [each for each, rank in zip(left, ranks, strict=True) if rank == least]
    return [each.instance for each in left]


def _ranks(
    fit: Sequence[Room], rooms: Sequence[Room], strategy: Strategy, peers: Mapping[str, int]
) -> list[int]:
    if strategy.kind == "binpack":
        return [r.cpu if strategy.field.lower() == "cpu" else r.memory for r in fit]
    if strategy.kind == "random":
        return [0] * len(fit)
    counts: Counter[str] = Counter()
    for each in rooms:
        counts[spread_value(each.instance, strategy.field)] += peers.get(each.instance.arn, 0)
    return [counts[spread_value(each.instance, strategy.field)] for each in fit]


def spread_value(instance: Instance, name: str) -> str:
    """What nodes have in common that `spread` counts together."""
    if name.startswith("attribute:"):
        return dict(instance.attributes).get(name.removeprefix("attribute:"), "")
    return instance.arn


_EVENLY = (Strategy("spread", "attribute:ecs.availability-zone"), Strategy("spread", "instanceId"))
