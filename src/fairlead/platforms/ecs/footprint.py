"""What a task needs of a node, and what a node has, as the rules of placement want to know it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairlead.core.ecs.model import (
    Constraint,
    ContainerDefinition,
    Definition,
    PortMapping,
    Strategy,
)
from fairlead.core.ecs.model import Instance as Place
from fairlead.core.whatif.machines import interfaces
from fairlead.platforms.ecs.shapes import Part, number, parts, port, text

_AMOUNT = re.compile(r"(\d*\.?\d+)\s*(vcpu|gb)?", re.IGNORECASE)
_TRUNK = "ecs.awsvpc-trunk-id"
_UNBOUND = 1 << 20
"""Network interfaces of a node of which it is not known how many it takes."""


def read_footprint(raw: Part) -> Definition:
    """Of a task definition as the API describes it. A container's reservation counts, where it has
    one, and its hard limit else."""
    network = text(raw, "networkMode") or "bridge"
    containers = tuple(_container(each, network) for each in parts(raw, "containerDefinitions"))
    family, _, revision = text(raw, "taskDefinitionArn").rpartition("/")[2].partition(":")
    return Definition(
        text(raw, "taskDefinitionArn"),
        family,
        int(revision) if revision.isdecimal() else 0,
        network,
        containers,
        _amount(raw, "cpu") or sum(each.cpu for each in containers),
        _amount(raw, "memory") or sum(each.memory for each in containers),
        read_constraints(raw),
    )


def read_constraints(raw: Part) -> tuple[Constraint, ...]:
    found = parts(raw, "placementConstraints")
    return tuple(Constraint(text(each, "type"), text(each, "expression")) for each in found)


def read_strategies(raw: Part) -> tuple[Strategy, ...]:
    found = parts(raw, "placementStrategy")
    return tuple(Strategy(text(each, "type"), text(each, "field")) for each in found)


def read_place(raw: Part) -> Place:
    """Of a container instance as the API describes it, with all that it had when it was empty."""
    attributes = tuple((text(a, "name"), text(a, "value")) for a in parts(raw, "attributes"))
    named = dict(attributes)
    has = {text(r, "name"): number(r, "integerValue") for r in parts(raw, "registeredResources")}
    status = text(raw, "status") or "ACTIVE"
    return Place(
        text(raw, "containerInstanceArn"),
        text(raw, "ec2InstanceId"),
        "",
        named.get("ecs.availability-zone", ""),
        has.get("CPU") or 0,
        has.get("MEMORY") or 0,
        _interfaces(named),
        attributes,
        status if raw.get("agentConnected") is not False or status != "ACTIVE" else "INACTIVE",
    )


def _interfaces(attributes: dict[str, str]) -> int:
    """Of an instance type that is not known, and with trunking, no bound is known."""
    if _TRUNK in attributes:
        return _UNBOUND
    return interfaces(attributes.get("ecs.instance-type", "")) or _UNBOUND


def _container(raw: Part, network: str) -> ContainerDefinition:
    return ContainerDefinition(
        name=text(raw, "name"),
        cpu=number(raw, "cpu") or 0,
        memory=number(raw, "memoryReservation") or number(raw, "memory") or 0,
        ports=tuple(_ports(raw, network)),
    )


def _ports(raw: Part, network: str) -> Iterator[PortMapping]:
    for each in parts(raw, "portMappings"):
        inside, outside = port(each, "containerPort"), port(each, "hostPort")
        if inside:
            held = inside if network == "host" else outside
            yield PortMapping(inside, held, text(each, "protocol") or "tcp")


def _amount(raw: Part, key: str) -> int:
    """CPU units or MiB: `256`, `.25 vCPU` and `1 GB` are all written; 0 for what is none."""
    found = _AMOUNT.fullmatch(text(raw, key).strip())
    if not found:
        return 0
    return round(float(found[1]) * (1024 if found[2] else 1))
