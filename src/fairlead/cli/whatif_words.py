"""How what-if is said, in the text, the picture and the JSON alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fairlead.core.ecs.model import Instance
from fairlead.core.whatif.follow import Flow
from fairlead.core.whatif.model import FARGATE, Model, Naming, Way
from fairlead.core.whatif.scene import Pending, Placed, Scene

NAMED = {
    Naming.FIRST: "DNS names the node of one task",
    Naming.TASKS: "DNS names the nodes of its tasks",
    Naming.SERVING: "DNS names every node that serves",
    Naming.FIXED: "DNS always names the same nodes",
    Naming.BALANCER: "a load balancer",
    Naming.UNSAID: "what DNS names is not known",
}


def percent(share: float) -> str:
    if 0 < share < 0.005:
        return "<1 %"
    return f"{round(share * 100)} %"


def counted(model: Model, name: str) -> str:
    """`catalog 1 → 2`."""
    service = model.service(name)
    if service.daemon:
        return f"{name} (one a node)"
    return f"{name} {service.before} → {service.count}"


def port_of(model: Model, task: Placed) -> str:
    """`8083 → 8080`: the node's port, and the container's."""
    definition = model.service(task.service).definition
    ports = [port for each in definition.containers for port in each.ports]
    if not ports or definition.network == "awsvpc":
        return "own address" if definition.network == "awsvpc" else ""
    outside = ports[0].container if definition.network == "host" else ports[0].host
    return f"{outside or 'dynamic'} → {ports[0].container}"


def shares(scene: Scene, flow: Flow) -> str:
    """`catalog-1 100 %, catalog-2 0 %`, of the tasks of the service that it is for."""
    own = [task.name for task in scene.of(flow.way.service)]
    return ", ".join(f"{name} {percent(flow.shares.get(name, 0.0))}" for name in own)


def ways_in(model: Model, flows: Iterable[Flow]) -> list[Flow]:
    """Those to the services that are asked for."""
    return [flow for flow in flows if flow.way.service in model.asked]


def places(model: Model, scene: Scene) -> list[tuple[str, Instance | None]]:
    """The nodes, and Fargate where tasks are there."""
    nodes: list[tuple[str, Instance | None]] = [(each.arn, each) for each in model.nodes]
    there = any(task.node == FARGATE for task in scene.tasks)
    return [*nodes, (FARGATE, None)] if there else nodes


def share_of(flows: Sequence[Flow], task: Placed) -> float | None:
    """The largest of its shares; None when no way leads to its service, or it is unknown where."""
    own = [flow for flow in flows if flow.way.service == task.service]
    if any(flow.unknown for flow in own):
        return None
    return max((flow.shares.get(task.name, 0.0) for flow in own), default=None)


def waiting(scene: Scene, node: str) -> list[Pending]:
    """Tasks that find no place, at the node that is nearest to taking them."""
    return [p for p in scene.pending if p.why.closest and p.why.closest.arn == node]


def sent_to(way: Way) -> str:
    """Where a proxy sends it."""
    return ", ".join(target.text or f"port {target.port}" for target in way.targets)


def worst(flows: Iterable[Flow], service: str) -> Flow | None:
    """Of the ways to a service, the one that loses most."""
    own = [flow for flow in flows if flow.way.service == service]
    return max(own, key=lambda flow: flow.failing, default=None)
