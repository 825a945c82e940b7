"""Services with their tasks, as the rules look at them, and the nodes that they run on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fairlead.core.doctor.finding import first
from fairlead.core.doctor.images import is_proxy, is_tool, keeps_data
from fairlead.core.setup import (
    At,
    Container,
    Fact,
    NodeGroup,
    Port,
    ServiceSetup,
    Setup,
    TaskDefinition,
    Unknown,
)

_EVERYWHERE = re.compile(r"attribute:ecs\.(availability-zone|os-|cpu-arch|instance-type)")
_NO_NODES = re.compile(r"(?i)(^|[^a-z])(bastion|jump|nat|vpn|jenkins|runner|db|database)([^a-z]|$)")


@dataclass(frozen=True, slots=True)
class Workload:
    """A task definition and the service that runs it, which may not be among what was read."""

    task: TaskDefinition
    service: ServiceSetup | None = None

    @property
    def name(self) -> str:
        return (self.service.name if self.service else "") or self.task.family or self.task.key

    @property
    def at(self) -> At:
        return first(self.service.at if self.service else self.task.at, self.task.at)

    @property
    def compose(self) -> bool:
        return bool(self.service and self.service.kind == "compose")

    @property
    def daemon(self) -> bool:
        return bool(self.service and self.service.daemon)

    @property
    def cluster(self) -> str:
        return self.service.cluster if self.service else ""

    @property
    def fargate(self) -> bool:
        launch = self.service.launch_type.value if self.service else None
        return launch == "FARGATE" or (launch != "EC2" and bool(self.task.fargate.value))

    @property
    def maybe_fargate(self) -> bool:
        """What it is launched on is not known, and nothing else says it."""
        lost = bool(self.service and self.service.launch_type.unknown) or self.task.fargate.unknown
        return bool(lost) and self.task.fargate.value is None and not self.fargate

    @property
    def mode(self) -> str:
        """bridge, host, awsvpc or none; empty where it is unknown."""
        if self.fargate:
            return "awsvpc"
        mode = self.task.network_mode
        if mode.unknown:
            return ""
        if self.compose and mode.value not in (None, "host", "bridge"):
            return "none"
        return "bridge" if mode.value in (None, "", "default", "nat") else mode.value

    @property
    def chosen(self) -> frozenset[str]:
        """Expressions that choose some of the nodes; all that is said of zones and types does not
        keep two services apart."""
        said = (*self.task.constraints, *(self.service.constraints if self.service else ()))
        return frozenset(text for text in said if not _EVERYWHERE.search(text))

    @property
    def exposed(self) -> tuple[Container, ...]:
        """Those with ports; all of a task that has none."""
        return tuple(c for c in self.task.containers if c.ports) or self.task.containers

    @property
    def app(self) -> bool:
        """It can be run in several copies: no database, and no tool."""
        boxes = self.exposed
        return bool(boxes) and not all(keeps_data(box) or is_tool(box) for box in boxes)

    @property
    def edge(self) -> bool:
        """The proxy that requests of all services come in by."""
        targets = self.service.targets if self.service else ()
        return not targets and any(is_proxy(box) for box in self.exposed)

    @property
    def balanced(self) -> bool:
        return bool(self.service and self.service.targets)

    def ports(self) -> Iterator[tuple[Container, Port]]:
        for box in self.task.containers:
            for port in box.ports:
                yield box, port

    def fixed(self) -> Iterator[tuple[Container, Port, Fact[int]]]:
        """Ports that it takes on its node, as far as they are known."""
        if self.mode not in ("bridge", "host"):
            return
        for box, port in self.ports():
            fact = port.container if self.mode == "host" and not port.host.value else port.host
            if fact.value:
                yield box, port, fact

    def desired(self) -> int | None:
        """At least one copy: a count of none is one that is switched off, or somebody else's."""
        count = self.service.desired if self.service else Fact()
        if count.unknown:
            return None
        return max(1, count.value or 1)


def workloads(setup: Setup) -> tuple[Workload, ...]:
    """Each service whose task is known, and each task that no service runs."""
    tasks = {task.key: task for task in setup.tasks}
    served = [Workload(tasks[s.task], s) for s in setup.services if s.task in tasks]
    used = {each.task.key for each in served}
    return (*served, *(Workload(task) for task in setup.tasks if task.key not in used))


def fronts(setup: Setup, each: Workload) -> bool:
    """It is the proxy that the requests of others come in by."""
    others = (other for other in workloads(setup) if other.task.key != each.task.key)
    return each.edge and (bool(setup.proxies) or any(other.app for other in others))


def services(setup: Setup) -> tuple[Workload, ...]:
    """Each service; one whose task is not known has one without containers."""
    tasks = {task.key: task for task in setup.tasks}
    lost = TaskDefinition("", "", whole=False)
    return tuple(Workload(tasks.get(each.task, lost), each) for each in setup.services)


@dataclass(frozen=True, slots=True)
class Nodes:
    """Those of a cluster. `most`: how many there can be, None where that is unknown (`why`)."""

    groups: tuple[NodeGroup, ...] = ()
    most: int | None = None
    why: str = ""

    def unknown(self, what: str, at: At) -> Unknown:
        return Unknown(what, self.why, at)


def nodes_of(setup: Setup, workload: Workload) -> Nodes:
    """Of its cluster by name, else the only ones that there are."""
    groups = tuple(g for g in setup.nodes if workload.cluster and g.cluster == workload.cluster)
    if not groups:
        clusters = {s.cluster for s in setup.services if s.kind == "ecs"}
        free = [g for g in setup.nodes if not g.cluster and not _NO_NODES.search(g.key)]
        groups = tuple(free) if len(clusters) <= 1 else ()
    groups = groups or _only_cluster(setup, workload)
    if not groups:
        return Nodes(why="which nodes it runs on is not in what was read")
    if workload.chosen:
        return Nodes(groups, None, "a placement constraint chooses some of the nodes")
    counts = [most(group) for group in groups]
    if None in counts:
        return Nodes(groups, None, "how many nodes there are is not known")
    return Nodes(groups, sum(count or 0 for count in counts))


def _only_cluster(setup: Setup, workload: Workload) -> tuple[NodeGroup, ...]:
    """A service whose cluster is given from outside runs on the one that there is."""
    named = {group.cluster for group in setup.nodes if group.cluster}
    others = {s.cluster for s in setup.services if s.kind == "ecs" and s.cluster} - named
    if workload.cluster or not workload.service or len(named) != 1 or others:
        return ()
    return tuple(group for group in setup.nodes if group.cluster)


def most(group: NodeGroup) -> int | None:
    """How many nodes of it there can be."""
    if group.maximum.unknown or group.desired.unknown:
        return None
    counts = [fact.value for fact in (group.maximum, group.desired) if fact.value is not None]
    return max(counts) if counts else None


def together(setup: Setup, workload: Workload) -> list[Workload]:
    """The services of its nodes, itself among them."""
    own = nodes_of(setup, workload).groups
    return [
        each
        for each in workloads(setup)
        if each.service and not each.fargate and not each.compose
        if nodes_of(setup, each).groups == own
    ]
