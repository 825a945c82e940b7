"""Tasks on nodes: where ECS puts them one after the other, and what it says of those without place.

ECS picks any of several nodes that are equally good. Here it is the first of them, unless `each`
of the outcomes is asked for.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from fairlead.core.ecs.model import Definition, Instance
from fairlead.core.ecs.placement import (
    Obstacle,
    Room,
    Unplaced,
    candidates,
    fixed_ports,
    obstacle,
    room,
)
from fairlead.core.ecs.placement import Wanted as Request
from fairlead.core.ecs.rolling import Member, victims
from fairlead.core.whatif.model import FARGATE, Model, Wanted

MOST = 64
"""So many outcomes are looked at."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A task on a node. `number` counts those of its service from 1."""

    service: str
    number: int
    node: str
    up: bool = True
    current: bool = True

    @property
    def name(self) -> str:
        return f"{self.service}-{self.number}"


@dataclass(frozen=True, slots=True)
class Pending:
    """Tasks of a service that find no place, and why. `port` is the one that Docker cannot bind,
    where Docker itself is asked."""

    service: str
    count: int
    why: Unplaced
    port: int = 0

    @property
    def told(self) -> str:
        """In short, of the node that is nearest to taking them."""
        if self.port:
            return f"port {self.port} is already allocated"
        return self.why.obstacle.told if self.why.obstacle else "there are no nodes"

    @property
    def message(self) -> str:
        """As the service's event has it, or Docker."""
        if self.port:
            return f"Bind for 0.0.0.0:{self.port} failed: port is already allocated"
        return f"(service {self.service}) {self.why.message}"


def _pending(service: Wanted, count: int, why: Unplaced) -> Pending:
    ports = sorted(number for _, number in fixed_ports(service.definition))
    return Pending(service.name, count, why, ports[0] if service.compose and ports else 0)


@dataclass(frozen=True, slots=True)
class Scene:
    """`dead` nodes run nothing and answer nothing."""

    tasks: tuple[Placed, ...] = ()
    pending: tuple[Pending, ...] = ()
    dead: frozenset[str] = field(default_factory=frozenset)

    @property
    def missing(self) -> dict[str, int]:
        """By service: how many of its tasks find no place."""
        counts = Counter[str]()
        for each in self.pending:
            counts[each.service] += each.count
        return dict(counts)

    def of(self, service: str) -> tuple[Placed, ...]:
        return tuple(task for task in self.tasks if task.service == service)

    def up(self, service: str) -> tuple[Placed, ...]:
        """Those that can answer."""
        return tuple(t for t in self.of(service) if t.up and t.node not in self.dead)

    def holder(self, model: Model, node: str, port: int) -> Placed | None:
        """The task that answers on a node's port."""
        on_node = (task for task in self.tasks if task.node == node and task.up)
        wanted = ("tcp", port)
        return next(
            (t for t in on_node if wanted in fixed_ports(model.service(t.service).definition)),
            None,
        )


def scene_of(model: Model) -> Scene:
    """As it is now, and then with the counts that are asked for."""
    return next(_scenes(model, each=False))


def each_scene(model: Model) -> tuple[Scene, ...]:
    """All that ECS may make of it, up to MOST, without those that differ in nodes' names only."""
    found: dict[object, Scene] = {}
    for looked, scene in enumerate(_scenes(model, each=True)):
        found.setdefault(likeness(model, scene), scene)
        if looked >= MOST * 8 or len(found) >= MOST:
            break
    return tuple(found.values())


def likeness(model: Model, scene: Scene) -> object:
    """The same for two scenes when nodes that are alike have changed places. Nodes that a way names
    are like no other."""
    named = {node for way in model.ways for node in (*way.nodes, *(t.node for t in way.targets))}

    def column(node: Instance) -> object:
        held = Counter(task.service for task in scene.tasks if task.node == node.arn)
        return str(sorted(held.items())), node.arn if node.arn in named else ""

    return tuple(sorted(map(str, map(column, model.nodes))))


def _scenes(model: Model, *, each: bool) -> Iterator[Scene]:
    """First what runs now, then what is to be more, then what is to be less; at last ECS tries
    again what has found no place."""
    order = [(s, s.before) for s in model.services]
    order += [(s, s.count) for s in model.services if s.count > s.before]
    order += [(s, s.count) for s in model.services if s.count < s.before]
    order += [(s, s.count) for s in model.services]
    yield from _brought(model, Scene(), order, each)


def _brought(
    model: Model, scene: Scene, order: Sequence[tuple[Wanted, int]], each: bool
) -> Iterator[Scene]:
    if not order:
        yield scene
        return
    (service, count), *rest = order
    for found in scaled(model, scene, service, count, each=each):
        yield from _brought(model, found, rest, each)


def scaled(
    model: Model, scene: Scene, service: Wanted, count: int, *, each: bool = False
) -> Iterator[Scene]:
    """With so many copies of the service, those that were pending among them."""
    scene = replace(scene, pending=tuple(p for p in scene.pending if p.service != service.name))
    if service.daemon:
        yield on_each_node(model, scene, service)
        return
    have = scene.of(service.name)
    if len(have) > count:
        yield _fewer(model, scene, have, len(have) - count)
        return
    yield from _more(model, scene, service, count - len(have), each)


def _more(model: Model, scene: Scene, service: Wanted, missing: int, each: bool) -> Iterator[Scene]:
    if not missing:
        yield scene
        return
    found = places(model, scene, service)
    if isinstance(found, Unplaced):
        pending = _pending(service, missing, found)
        yield replace(scene, pending=(*scene.pending, pending))
        return
    for place in found if each else found[:1]:
        yield from _more(model, with_task(scene, service, place), service, missing - 1, each)


def places(model: Model, scene: Scene, service: Wanted) -> list[str] | Unplaced:
    """The nodes that are equally good for one more task."""
    if service.fargate:
        return [FARGATE]
    peers = Counter(task.node for task in scene.of(service.name))
    found = candidates(rooms(model, scene), _request(service, peers))
    return found if isinstance(found, Unplaced) else [each.arn for each in found]


def rooms(model: Model, scene: Scene) -> list[Room]:
    """What the tasks leave of the living nodes."""
    definitions = {each.name: each.definition for each in model.services}
    held: dict[str, list[Definition]] = {}
    for task in scene.tasks:
        held.setdefault(task.node, []).append(definitions[task.service])
    alive = (each for each in model.nodes if each.arn not in scene.dead)
    return [room(each, held.get(each.arn, ())) for each in alive]


def with_task(scene: Scene, service: Wanted, place: str, *, up: bool = True) -> Scene:
    taken = {task.number for task in scene.of(service.name)}
    number = next(n for n in range(1, len(taken) + 2) if n not in taken)
    return replace(scene, tasks=(*scene.tasks, Placed(service.name, number, place, up)))


def on_each_node(model: Model, scene: Scene, service: Wanted, *, up: bool = True) -> Scene:
    """A daemon service: a task on every node that may have one, and has room."""
    held = {task.node for task in scene.of(service.name)}
    for place in daemon_nodes(model, scene, service):
        found = None if place in held else _on(model, scene, service, place)
        if isinstance(found, Unplaced):
            scene = replace(scene, pending=(*scene.pending, _pending(service, 1, found)))
        elif place not in held:
            scene = with_task(scene, service, place, up=up)
    return scene


def daemon_nodes(model: Model, scene: Scene, service: Wanted) -> list[str]:
    """Where a daemon service's task belongs: room is no question of that."""
    alive = [each for each in model.nodes if each.arn not in scene.dead]
    return [n.arn for n in alive if _may(obstacle(room(n), _request(service)))]


def _may(found: Obstacle | None) -> bool:
    return found is None or found.code.startswith("RESOURCE")


def _on(model: Model, scene: Scene, service: Wanted, place: str) -> list[Instance] | Unplaced:
    one = [each for each in rooms(model, scene) if each.instance.arn == place]
    return candidates(one, _request(service))


def _request(service: Wanted, peers: Counter[str] | None = None) -> Request:
    group = f"service:{service.name}"
    strategies, known = service.strategies, peers or Counter[str]()
    return Request(service.definition, group, service.constraints, strategies, known)


def _fewer(model: Model, scene: Scene, have: Iterable[Placed], count: int) -> Scene:
    chosen = victims(members(model, have), count, random.Random(0))  # noqa: S311 - no secret
    return replace(scene, tasks=tuple(t for t in scene.tasks if t.name not in chosen))


def members(model: Model, tasks: Iterable[Placed]) -> list[Member]:
    zones = {each.arn: each.zone for each in model.nodes}
    return [Member(t.name, t.node, zones.get(t.node, ""), t.current, t.up) for t in tasks]
