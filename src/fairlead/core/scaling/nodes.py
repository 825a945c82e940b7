"""How many nodes an auto scaling group is to have, and which one it can do without. Pure.

All that is wanted is put onto the nodes by ECS's own rules, and `headroom` copies more of the
largest service. Where that does not fit, nodes are added, or one that is being given up is taken
back. Where it fits without one of them for `settle` seconds, that one is given up: it drains, and
goes when nothing runs on it and no request goes through it. The condition for both ways is the
same, so that what is given up is never missed at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from fairlead.core.ecs.model import ACTIVE, DRAINING, Definition, Instance
from fairlead.core.scaling.nodes_model import (
    NodeScale,
    NodeSight,
    NodesMemory,
    NodesSight,
    Step,
)
from fairlead.core.scaling.packing import Demand, Held, Packing, missing

LATE = 600.0
"""Seconds after which a node that was asked for is missed."""


def follow(policy: NodeScale, memory: NodesMemory, sight: NodesSight) -> tuple[NodesMemory, Step]:
    """One step at most: the next is decided on what has become of it."""
    view = _View(policy, sight)
    since = sight.now if memory.waiting is None else memory.waiting
    memory = replace(memory, waiting=since if view.coming else None)
    if step := view.needed():
        return replace(memory, spare=None), step
    spare = view.spare()
    if spare is None:
        return replace(memory, spare=None), view.stay(memory)
    began = sight.now if memory.spare is None else memory.spare
    if sight.now - began < policy.settle:
        return replace(memory, spare=began), Step("stay", "")
    return replace(memory, spare=None), spare.step(policy.settle)


@dataclass(frozen=True, slots=True)
class _Spare:
    node: Instance
    moved: int
    left: int

    def step(self, settle: float) -> Step:
        fits = f"all that is wanted fits on the other {self.left}, with headroom"
        moved = f"{self.moved} copies move"
        return Step("give-up", f"for {settle:.0f} s {fits}; {moved}", self.node.arn)


class _View:
    """A node whose ECS agent is away for a while keeps what it runs, and takes nothing more."""

    def __init__(self, policy: NodeScale, sight: NodesSight) -> None:
        self._policy, self._sight = policy, sight
        staying = [n for n in sight.nodes if n.place.status != DRAINING and not n.given_up]
        self._kept = [n.place for n in staying]
        self._ready = [n for n in staying if n.member and n.place.status == ACTIVE]
        self._leaving = [n for n in sight.nodes if n.given_up and n.member]
        registered = sum(n.member for n in sight.nodes)
        self.coming = max(0, sight.group.desired - registered)
        self.low = max(policy.min, sight.group.min)
        self.high = min(policy.max, sight.group.max)
        self._staying = sight.group.desired - len(self._leaving)

    def needed(self) -> Step | None:
        """What cannot wait."""
        if step := self._terminated():
            return step
        if self._staying < self.low:
            return self._more(self.low - self._staying, f"at least {self.low} are to be there")
        lacks = self._lacks(self._kept, self.coming)
        if not lacks:
            return None
        for node in self._leaving:
            if len(self._lacks([*self._kept, _active(node.place)], self.coming)) < len(lacks):
                return Step("take-back", f"it is needed again: {_told(lacks)}", node.place.arn)
        extra = self._enough(len(lacks))
        return self._more(extra, _told(lacks)) if extra else None

    def stay(self, memory: NodesMemory) -> Step:
        lacks = self._lacks(self._kept, self.coming)
        if lacks and self._staying >= self.high:
            return Step("stay", f"{_told(lacks)}; {self.high} nodes are the most (max)")
        if lacks and not self._fits_a_node():
            return Step("stay", f"{_told(lacks)}; no node of this kind takes it")
        if memory.waiting is None or self._sight.now - memory.waiting < LATE:
            return Step("stay", "")
        late = f"{self.coming} of the nodes asked for have not come within {LATE:.0f} s"
        return Step("stay", f"{late}: see the group's activities, and the nodes' user data")

    def spare(self) -> _Spare | None:
        """The node that can be done without, the one with the fewest copies to move."""
        if self.coming or self._leaving or self._staying <= self.low:
            return None
        if self._sight.group.desired <= self._sight.group.min:
            return None
        moved = Counter(t.node for t in self._sight.held if not t.daemon and not t.leaving)
        for node in sorted(self._ready, key=lambda n: (moved[n.place.arn], n.place.arn)):
            if self._dispensable(node):
                return _Spare(node.place, moved[node.place.arn], len(self._ready) - 1)
        return None

    def _dispensable(self, node: NodeSight) -> bool:
        """Without a task of no service, which nobody would start elsewhere."""
        if any(t.node == node.place.arn and not t.service for t in self._sight.held):
            return False
        others = [n for n in self._sight.nodes if n.place.arn != node.place.arn]
        serving = sum(n.serving and n.place.status == ACTIVE and not n.given_up for n in others)
        if serving < max(self._sight.named, 1):
            return False
        return not self._lacks([p for p in self._kept if p.arn != node.place.arn], 0)

    def _terminated(self) -> Step | None:
        busy = {task.node for task in self._sight.held}
        for node in self._leaving:
            if node.place.arn not in busy and node.idle:
                return Step("terminate", "nothing runs on it", node.place.arn)
        return None

    def _more(self, extra: int, why: str) -> Step | None:
        group = self._sight.group
        extra = min(extra, self.high - self._staying, group.max - group.desired)
        return Step("grow", why, desired=group.desired + extra) if extra > 0 else None

    def _enough(self, now: int) -> int:
        """How many nodes more leave the least without a place; 0 where none helps."""
        best, least = 0, now
        for extra in range(1, self.high - self._staying + 1):
            lacks = len(self._lacks(self._kept, self.coming + extra))
            if lacks < least:
                best, least = extra, lacks
            if not lacks:
                break
        return best

    def _fits_a_node(self) -> bool:
        now = len(self._lacks(self._kept, self.coming))
        return len(self._lacks(self._kept, self.coming + 1)) < now

    def _lacks(self, places: Sequence[Instance], fresh: int) -> list[str]:
        """The services, once for each copy, that find no place on these nodes and so many new ones.

        ECS places in an order of its own: the worse of two, the large or the small ones first.
        """
        added = list(self._fresh(fresh))
        nodes = [*places, *(place for place, _ in added)]
        names = {place.arn for place in nodes}
        held = [t for t in self._sight.held if t.node in names]
        held += [task for _, daemons in added for task in daemons]
        found = (self._unplaced(nodes, held, large=large) for large in (True, False))
        return max(found, key=len)

    def _unplaced(
        self, nodes: Collection[Instance], held: Collection[Held], *, large: bool
    ) -> list[str]:
        packing, left = Packing(nodes, held), missing(self._sight.demands, held)
        lacks: list[str] = []
        for each in sorted(self._sight.demands, key=_size, reverse=large):
            placed, _ = packing.put(each, left[each.name])
            lacks += [each.name] * (left[each.name] - placed)
        if spare := self._headroom():
            placed, _ = packing.put(spare, self._policy.headroom)
            lacks += [spare.name] * (self._policy.headroom - placed)
        return lacks

    def _headroom(self) -> Demand | None:
        """A copy of the largest service, wherever on a node it might be: its memory and CPU."""
        wanted = [each for each in self._sight.demands if each.count]
        if not wanted or not self._policy.headroom:
            return None
        largest = max(wanted, key=_size)
        return Demand(f"headroom for {largest.name}", _bare(largest.definition))

    def _fresh(self, count: int) -> Iterator[tuple[Instance, list[Held]]]:
        """New nodes, as small as the smallest of the group, each with what runs one a node."""
        members = [n.place for n in self._sight.nodes if n.member]
        if not members:
            return
        model = min(members, key=lambda place: (place.memory, place.cpu, place.arn))
        daemons = {t.service: t.definition for t in self._sight.held if t.daemon}
        for number in range(count):
            arn = f"new/{number}"
            place = replace(model, arn=arn, machine="", status=ACTIVE)
            yield place, [Held(arn, s, d, daemon=True) for s, d in daemons.items()]


def _size(demand: Demand) -> tuple[int, int, str]:
    return demand.definition.memory, demand.definition.cpu, demand.name


def _bare(definition: Definition) -> Definition:
    return replace(definition, containers=(), constraints=(), needs=())


def _active(place: Instance) -> Instance:
    return replace(place, status=ACTIVE)


def _told(lacks: Collection[str]) -> str:
    counts = Counter(lacks)
    return f"no place for {', '.join(f'{n} of {name}' for name, n in counts.items())}"
