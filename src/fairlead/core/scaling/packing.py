"""How many tasks of a service fit on nodes beside the others, by ECS's own rules. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from fairlead.core.ecs.model import ACTIVE, Constraint, Definition, Instance, Strategy
from fairlead.core.ecs.placement import (
    Obstacle,
    Room,
    Unplaced,
    Wanted,
    candidates,
    less,
    obstacle,
    room,
)

_WORDS = {
    "ATTRIBUTE": "an attribute that its task needs is missing",
    "RESOURCE:CPU": "cpu",
    "RESOURCE:MEMORY": "memory",
    "RESOURCE:ENI": "network interfaces",
    "RESOURCE:PORTS": "a host port",
}


@dataclass(frozen=True, slots=True)
class Demand:
    """What a service wants: `count` tasks of this definition, those that are there included."""

    name: str
    definition: Definition
    count: int = 0
    constraints: tuple[Constraint, ...] = ()
    strategies: tuple[Strategy, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A task on a node (ARN), from its placement until it has stopped. `service` is empty for one
    of none; `daemon`: one a node, which comes and goes with it; `leaving`: it is stopping, holds
    its place to the end, and counts no more."""

    node: str
    service: str
    definition: Definition
    daemon: bool = False
    leaving: bool = False


class Packing:
    """Nodes with what is on them, onto which more is put, one task after the other."""

    def __init__(self, nodes: Iterable[Instance], held: Iterable[Held]) -> None:
        by_node = defaultdict(list)
        self._peers: dict[str, Counter[str]] = defaultdict(Counter)
        for task in held:
            by_node[task.node].append(task.definition)
            if not task.leaving:
                self._peers[task.service][task.node] += 1
        active = [node for node in nodes if node.status == ACTIVE]
        self._rooms = {node.arn: room(node, by_node[node.arn]) for node in active}

    def put(self, demand: Demand, count: int) -> tuple[int, Unplaced | None]:
        """Place so many more as ECS would; how many found a place, and why the next did not."""
        for placed in range(count):
            found = candidates(list(self._rooms.values()), self._wanted(demand))
            if isinstance(found, Unplaced):
                return placed, found
            arn = found[0].arn
            self._rooms[arn] = less(self._rooms[arn], demand.definition)
            self._peers[demand.name][arn] += 1
        return max(0, count), None

    def more(self, demand: Demand, limit: int) -> tuple[int, str]:
        """How many more fit, up to `limit`, and what keeps the next from it; they are not placed.

        Each node is filled by itself: where tasks of one service go does not change how many fit.
        """
        total, nearest = 0, None
        for place in self._rooms.values():
            fits, why = _filled(place, self._wanted(demand), limit - total)
            total += fits
            if total >= limit:
                return limit, ""
            if why and (nearest is None or why.rank > nearest[0].rank):
                nearest = why, place.instance
        return total, _told(*nearest) if nearest else "there are no nodes that take tasks"

    def _wanted(self, demand: Demand) -> Wanted:
        group = f"service:{demand.name}"
        peers = self._peers[demand.name]
        return Wanted(demand.definition, group, demand.constraints, demand.strategies, peers)


def _filled(place: Room, wanted: Wanted, limit: int) -> tuple[int, Obstacle | None]:
    count, arn = 0, place.instance.arn
    peers = dict(wanted.peers)
    while count < limit:
        if why := obstacle(place, replace(wanted, peers=peers)):
            return count, why
        place = less(place, wanted.definition)
        peers[arn] = peers.get(arn, 0) + 1
        count += 1
    return count, None


def _told(why: Obstacle, node: Instance) -> str:
    """In a few words, of the node that is nearest to taking one more."""
    words = _WORDS.get(why.code, "its placement constraints")
    return f"{words} on {node.machine or node.id}"


def living(held: Collection[Held], service: str) -> int:
    """How many of the service there are, without those that stop."""
    return sum(task.service == service and not task.leaving for task in held)


def missing(demands: Sequence[Demand], held: Collection[Held]) -> dict[str, int]:
    """By service: how many are wanted and not placed yet."""
    return {d.name: max(0, d.count - living(held, d.name)) for d in demands}
