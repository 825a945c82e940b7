"""Requests, from the DNS answer over a node's proxy to a task: which share ends where, and why not.

A proxy tries the next of its servers when one refuses (nginx: proxy_next_upstream), so a dead one
among several costs no request; a single one does. Clients take one of a name's addresses, evenly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from fairlead.core.whatif.model import FARGATE, Kind, Model, Naming, Target, Way
from fairlead.core.whatif.scene import Placed, Scene

BALANCER = "load balancer"
EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class End:
    """A share of an entry's requests: at a task, or failed because of `why`; `unknown`: because of
    `why` it cannot be told where they end."""

    share: float
    task: str = ""
    why: str = ""
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """Where requests come in: a node's name, or BALANCER. `share` of the way's requests, 0 where no
    DNS answer leads."""

    at: str
    share: float
    ends: tuple[End, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """What becomes of a way's requests."""

    way: Way
    entries: tuple[Entry, ...] = ()
    unnamed: str = ""

    @property
    def shares(self) -> dict[str, float]:
        """Of all its requests, by task that answers."""
        found: dict[str, float] = {}
        for entry in self.entries:
            for end in entry.ends:
                if end.task and not end.why:
                    found[end.task] = found.get(end.task, 0.0) + entry.share * end.share
        return {task: share for task, share in found.items() if share > EXACT}

    @property
    def unknown(self) -> float:
        """The share of which it cannot be told what becomes of it."""
        ends = ((entry.share, end) for entry in self.entries for end in entry.ends)
        return sum(share * end.share for share, end in ends if end.unknown)

    @property
    def failing(self) -> float:
        left = 1.0 - sum(self.shares.values()) - self.unknown
        return left if left > EXACT else 0.0

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why requests fail, or it is unknown what becomes of them; each once."""
        ends = (e for entry in self.entries if entry.share > EXACT for e in entry.ends if e.why)
        return tuple(dict.fromkeys([*(end.why for end in ends), *filter(None, [self.unnamed])]))


@dataclass(frozen=True, slots=True)
class Answers:
    """What DNS, and a load balancer's list of targets, lead to: by way's host. They may be older
    than the scene."""

    nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tasks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def answers(model: Model, scene: Scene) -> Answers:
    """As they are when everybody has noticed everything."""
    nodes = {way.host: _named(model, way, scene) for way in model.ways}
    tasks = {way.host: tuple(t.name for t in scene.up(way.service)) for way in model.ways}
    return Answers(nodes, tasks)


def _named(model: Model, way: Way, scene: Scene) -> tuple[str, ...]:
    if way.naming is Naming.FIXED:
        return way.nodes
    if way.naming in (Naming.FIRST, Naming.TASKS):
        places = (task.node for task in scene.up(way.service) if task.node != FARGATE)
        found = tuple(dict.fromkeys(places))
        return found[:1] if way.naming is Naming.FIRST else found
    if way.naming is Naming.BALANCER:
        return ()
    return tuple(
        n.arn for n in model.nodes if n.arn not in scene.dead and _proxied(way, scene, n.arn)
    )


def _proxied(way: Way, scene: Scene, node: str) -> bool:
    """Whether the node has a proxy."""
    return not way.proxy or any(task.node == node for task in scene.up(way.proxy))


def follow(model: Model, scene: Scene, known: Answers) -> tuple[Flow, ...]:
    return tuple(_flow(model, way, scene, known) for way in model.ways)


def _flow(model: Model, way: Way, scene: Scene, known: Answers) -> Flow:
    if way.naming is Naming.BALANCER:
        return Flow(way, (_balanced(scene, known.tasks[way.host]),))
    named = known.nodes[way.host]
    counts = Counter(named)
    everywhere = _everywhere(model, way, scene)
    entries = tuple(
        Entry(
            each.arn,
            counts[each.arn] / max(1, len(named)),
            _through(model, way, scene, each.arn, everywhere),
        )
        for each in model.nodes
    )
    lost = "" if named else f"no DNS answer names a node for {way.host}"
    return Flow(way, entries, lost)


def _everywhere(model: Model, way: Way, scene: Scene) -> tuple[End, ...]:
    """Of proxies that all send to the same; empty where each has its own."""
    same = way.targets and all(t.kind in (Kind.KEPT, Kind.ONCE) for t in way.targets)
    return _sent(model, way, scene, "") if same else ()


def _balanced(scene: Scene, targets: tuple[str, ...]) -> Entry:
    """A load balancer tries no other target when one does not answer."""
    if not targets:
        return Entry(BALANCER, 1.0, (End(1.0, why="the load balancer has no healthy target"),))
    up = {t.name for t in scene.tasks if t.up and t.node not in scene.dead}
    share = 1.0 / len(targets)
    gone = "the load balancer still sends to a task that is gone"
    ends = (End(share, t, "" if t in up else gone) for t in targets)
    return Entry(BALANCER, 1.0, tuple(ends))


def _through(
    model: Model, way: Way, scene: Scene, node: str, everywhere: tuple[End, ...]
) -> tuple[End, ...]:
    """What becomes of requests that come in at a node."""
    if node in scene.dead:
        return (End(1.0, why=f"{node} does not answer"),)
    if not _proxied(way, scene, node):
        return (End(1.0, why=f"{node} has no proxy: no task of {way.proxy} runs there"),)
    return everywhere or _sent(model, way, scene, node)


def _sent(model: Model, way: Way, scene: Scene, node: str) -> tuple[End, ...]:
    """Where the node's proxy sends them."""
    reached: list[Placed] = []
    refused: list[str] = []
    lost: list[str] = []
    for target in way.targets:
        found, why = _at(model, way, scene, node, target)
        reached += found
        if why:
            (lost if target.kind is Kind.UNKNOWN else refused).append(why)
    count = len(reached) + len(lost)
    if not count:
        return (End(1.0, why="; ".join(refused) or f"{node}'s proxy has no server for {way.host}"),)
    counted = Counter(reached)
    ends = [_end(way, task, n / count) for task, n in counted.items()]
    return (*ends, *(End(1 / count, why=why, unknown=True) for why in lost))


def _end(way: Way, task: Placed, share: float) -> End:
    wrong = f"{task.name} of another service answers in place of {way.service}"
    return End(share, task.name, "" if task.service == way.service else wrong)


def _at(
    model: Model, way: Way, scene: Scene, node: str, target: Target
) -> tuple[list[Placed], str]:
    """The tasks that a server of the proxy leads to, or why none."""
    if target.kind is Kind.UNKNOWN:
        return [], f"where {target.text} leads is unknown"
    if target.kind in (Kind.KEPT, Kind.ONCE):
        up = scene.up(way.service)
        first = model.service(way.service).before
        found = [t for t in up if target.kind is Kind.KEPT or t.number <= first]
        return found, "" if found else f"no task of {way.service} is up"
    place = node if target.kind is Kind.LOCAL else target.node
    if place in scene.dead:
        return [], f"{place} does not answer"
    holder = scene.holder(model, place, target.port)
    if holder is None:
        return [], f"nothing listens on port {target.port} of {place}"
    return [holder], ""
