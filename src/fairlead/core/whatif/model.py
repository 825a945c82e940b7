"""What is looked at: nodes, services, and the ways that requests take from a name to a service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from fairlead.core.ecs.model import Constraint, Definition, Instance, PortMapping, Strategy

FARGATE = "Fargate"
"""Where tasks are that need no node."""


class Naming(StrEnum):
    """What a name's DNS answer has. FIRST: the node of the one task that a script found first.
    TASKS: every node with a task of the service. SERVING: every node whose proxy serves, kept so by
    fairlead. FIXED: the same nodes always. BALANCER: a load balancer. UNSAID: nothing was read."""

    FIRST = "first"
    TASKS = "tasks"
    SERVING = "serving"
    FIXED = "fixed"
    BALANCER = "balancer"
    UNSAID = "unsaid"


class Kind(StrEnum):
    """LOCAL: a port of the proxy's own node. NODE: a port of a node. KEPT: every task that is up,
    kept so while the proxy runs. ONCE: the tasks there were when the proxy started. UNKNOWN: not to
    be told from what was read."""

    LOCAL = "local"
    NODE = "node"
    KEPT = "kept"
    ONCE = "once"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Target:
    """`text` is how the proxy's configuration has it."""

    kind: Kind
    port: int = 0
    node: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """From a host (and path) to the service that it is for. `targets` are those of the proxy, which
    every node has, or those nodes that have a task of `proxy`."""

    host: str
    service: str
    naming: Naming
    targets: tuple[Target, ...] = ()
    nodes: tuple[str, ...] = ()
    proxy: str = ""

    @property
    def kept(self) -> bool:
        return any(target.kind is Kind.KEPT for target in self.targets)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A service: `before` copies run, `count` are asked for. Percentages are those of a deploy.
    `compose`: it is one of Docker Compose, which has no deploys in steps."""

    name: str
    definition: Definition
    before: int = 1
    count: int = 1
    daemon: bool = False
    fargate: bool = False
    constraints: tuple[Constraint, ...] = ()
    strategies: tuple[Strategy, ...] = ()
    minimum: int = 100
    maximum: int = 200
    compose: bool = False

    @property
    def changed(self) -> bool:
        return self.before != self.count


@dataclass(frozen=True, slots=True)
class Model:
    """`asked` are the services whose count was given, `assumed` what had to be taken for granted,
    each a sentence."""

    nodes: tuple[Instance, ...]
    services: tuple[Wanted, ...]
    ways: tuple[Way, ...] = ()
    asked: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    def service(self, name: str) -> Wanted:
        return next(each for each in self.services if each.name == name)

    def ways_to(self, service: str) -> tuple[Way, ...]:
        return tuple(way for way in self.ways if way.service == service)


def node(number: int, cpu: int, memory: int, interfaces: int, kind: str = "") -> Instance:
    """The node so counted, from 1, in one of three zones; `interfaces` are its ENIs."""
    zone = "abc"[(number - 1) % 3]
    facts = (("ecs.availability-zone", zone), ("ecs.instance-type", kind))
    name = f"node-{number}"
    return Instance(name, name, "", zone, cpu, memory, interfaces, facts)


def dynamic(model: Model) -> Model:
    """The same with ports that the engine picks, and fairlead: its proxies have every task that is
    up, and names every node that serves."""
    way = Target(Kind.KEPT, text="kept by fairlead")
    ways = tuple(replace(w, naming=Naming.SERVING, targets=(way,), nodes=()) for w in model.ways)
    return replace(model, services=_free_ports(model), ways=ways)


def balanced(model: Model) -> Model:
    """The same with ports that the engine picks, behind a load balancer."""
    ways = tuple(replace(w, naming=Naming.BALANCER, targets=(), nodes=()) for w in model.ways)
    return replace(model, services=_free_ports(model), ways=ways)


def _free_ports(model: Model) -> tuple[Wanted, ...]:
    """Of the services that a way leads to; a proxy keeps its own."""
    led = {way.service for way in model.ways}
    return tuple(_freed(each) if each.name in led else each for each in model.services)


def _freed(service: Wanted) -> Wanted:
    definition = service.definition
    if definition.network == "awsvpc":
        return service
    containers = tuple(
        replace(each, ports=tuple(_free(port) for port in each.ports))
        for each in definition.containers
    )
    return replace(service, definition=replace(definition, network="bridge", containers=containers))


def _free(port: PortMapping) -> PortMapping:
    return replace(port, host=0)
