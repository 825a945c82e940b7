"""The ways to run several copies of each service, and what each takes beside the copies."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.core.errors import BadInput

NGINX_MIB = 16
"""On a node, with its workers; measured 11.5 MiB (README)."""
AGENT_MIB = 128
"""fairlead and its nginx on a node: what deploy/terraform asks for."""
HOOK_MIB = 8
"""The drain sidecar of each task: the reservation in deploy/service.json."""
ENVOY_MIB = 64
"""Service Connect's proxy in each task: what AWS's developer guide advises to add (recalled)."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """`balancers`: `none`, `one` for all services, or one for `each`. `one_copy`: it cannot have
    more. `spread`: copies go to different nodes, so two are wanted. `crosses`: requests go from
    one node's proxy to another node's copy. `scales`: ECS's target tracking fits it as it is,
    and makes two alarms a service."""

    name: str
    title: str
    balancers: str = "none"
    node_mib: int = 0
    task_mib: int = 0
    one_copy: bool = False
    one_task: bool = False
    spread: bool = False
    crosses: bool = False
    scales: bool = False
    serverless: bool = False


SINGLE = Strategy("single", "one copy of each service", node_mib=NGINX_MIB, one_copy=True)
DYNAMIC = Strategy(
    "dynamic",
    "dynamic ports, nginx kept up to date by fairlead",
    node_mib=AGENT_MIB,
    task_mib=HOOK_MIB,
    spread=True,
    crosses=True,
    scales=True,
)
ALB = Strategy(
    "alb",
    "an application load balancer for each service",
    balancers="each",
    spread=True,
    scales=True,
)
SHARED = Strategy(
    "alb-shared",
    "one application load balancer for all, by host",
    balancers="one",
    spread=True,
    scales=True,
)
FIXED = Strategy("fixed", "several fixed ports a service, nginx lists them", node_mib=NGINX_MIB)
POD = Strategy(
    "pod",
    "several copies and an nginx in one container",
    node_mib=NGINX_MIB,
    task_mib=NGINX_MIB,
    one_task=True,
)
SERVICE_CONNECT = Strategy(
    "service-connect",
    "ECS Service Connect behind an nginx on each node",
    node_mib=NGINX_MIB,
    task_mib=ENVOY_MIB,
    spread=True,
    crosses=True,
    scales=True,
)
FARGATE = Strategy(
    "fargate",
    "Fargate behind one application load balancer",
    balancers="one",
    scales=True,
    serverless=True,
)
STRATEGIES = (SINGLE, DYNAMIC, ALB, SHARED, FIXED, POD, SERVICE_CONNECT, FARGATE)
NAMES = tuple(strategy.name for strategy in STRATEGIES)


def strategy(name: str) -> Strategy:
    """BadInput for another name."""
    for each in STRATEGIES:
        if each.name == name:
            return each
    raise BadInput(f"no strategy {name!r} (there are: {', '.join(NAMES)})")
