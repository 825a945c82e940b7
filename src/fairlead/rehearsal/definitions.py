"""A task definition as it was registered, and what of it is acted upon. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fairlead.core.ecs.expressions import Test, Unreadable, compiled
from fairlead.core.ecs.model import (
    Constraint,
    ContainerDefinition,
    Definition,
    Dependency,
    HealthCommand,
    Mount,
    PortMapping,
    Strategy,
    Wire,
)
from fairlead.rehearsal.faults import client, invalid, unsupported

TASK_ENI = "ecs.capability.task-eni"
_API = "com.amazonaws.ecs.capability.docker-remote-api.1.18"
_HEALTH = "ecs.capability.container-health-check"
_ORDER = "ecs.capability.container-ordering"
CAPABILITIES = (_API, _HEALTH, _ORDER, TASK_ENI)
"""What nodes here can do; a definition that needs more finds no place."""
_DEFAULTS: dict[str, Any] = {
    "cpu": 0,
    "links": [],
    "portMappings": [],
    "essential": True,
    "entryPoint": [],
    "command": [],
    "environment": [],
    "mountPoints": [],
    "volumesFrom": [],
}


def read_definition(request: Wire, arn: str, revision: int) -> Definition:
    """Refusal when ECS would not register it, or when its kind is not known here."""
    network = request.get("networkMode", "bridge")
    wires = [_completed(each, network) for each in request["containerDefinitions"]]
    volumes = {each.get("name", ""): each for each in request.get("volumes", ())}
    containers = tuple(_container(each, volumes) for each in wires)
    definition = Definition(
        arn,
        request["family"],
        revision,
        network,
        containers,
        _number(request, "cpu") or sum(each.cpu for each in containers),
        _number(request, "memory") or sum(each.memory for each in containers),
        constraints(request.get("placementConstraints", ())),
        tuple(_needs(containers, network)),
        wire={**request, "networkMode": network, "containerDefinitions": wires},
    )
    _check(definition, request)
    return definition


def constraints(wires: Any) -> tuple[Constraint, ...]:
    """Refusal when an expression cannot be read."""
    found = tuple(Constraint(each.get("type", ""), each.get("expression", "")) for each in wires)
    for each in found:
        if not each.kind:
            raise invalid("The constraint type cannot be blank.")
        if each.kind == "memberOf":
            members_of(each.expression)
    return found


def members_of(expression: str) -> Test:
    """Refusal when it cannot be read."""
    try:
        return compiled(expression)
    except Unreadable as error:
        raise invalid(str(error)) from None


def strategies(wires: Any) -> tuple[Strategy, ...]:
    """Refusal when one has no type, or no field that its type can go by."""
    found = tuple(Strategy(each.get("type", ""), each.get("field", "")) for each in wires)
    for each in found:
        known = _FIELDS.match(f"{each.kind}:{each.field}")
        if not known:
            raise invalid(f"The placement strategy {each.kind!r} does not take {each.field!r}.")
    return found


_FIELDS = re.compile(r"random:|(?i:binpack:(cpu|memory)$|spread:(attribute:.+|instanceId|host)$)")


def _completed(wire: Wire, network: str) -> dict[str, Any]:
    ports = [_port(each, network) for each in wire.get("portMappings", [])]
    return {**_DEFAULTS, **wire, "portMappings": ports}


def _port(wire: Wire, network: str) -> dict[str, Any]:
    if "containerPortRange" in wire:
        raise unsupported("containerPortRange")
    inside = wire.get("containerPort", 0)
    if not 1 <= inside <= 65535:
        raise client("Invalid 'containerPort' setting for container.")
    outside = wire.get("hostPort", 0 if network == "bridge" else inside)
    if not 0 <= outside <= 65535:
        raise client("Invalid 'hostPort' setting for container.")
    if network in ("awsvpc", "host") and outside not in (0, inside):
        raise client(
            "When networkMode=awsvpc or host, the host ports and container ports in port mappings"
            " must match."
        )
    outside = outside if network == "bridge" else inside
    return {"protocol": "tcp", **wire, "hostPort": outside}


def _container(wire: Wire, volumes: Mapping[str, Wire]) -> ContainerDefinition:
    return ContainerDefinition(
        name=wire.get("name", ""),
        image=wire.get("image", ""),
        entry=tuple(wire["entryPoint"]),
        command=tuple(wire["command"]),
        environment=tuple((e.get("name", ""), e.get("value", "")) for e in wire["environment"]),
        directory=wire.get("workingDirectory", ""),
        cpu=wire["cpu"],
        memory=wire.get("memoryReservation") or wire.get("memory", 0),
        essential=wire["essential"],
        ports=tuple(
            PortMapping(each["containerPort"], each["hostPort"], each["protocol"])
            for each in wire["portMappings"]
        ),
        depends_on=tuple(
            Dependency(each["containerName"], each["condition"])
            for each in wire.get("dependsOn", ())
        ),
        start_timeout=wire.get("startTimeout"),
        stop_timeout=wire.get("stopTimeout", 30),
        health=_health(wire.get("healthCheck")),
        mounts=tuple(_mount(each, volumes) for each in wire["mountPoints"]),
        wire=wire,
    )


def _mount(wire: Wire, volumes: Mapping[str, Wire]) -> Mount:
    name = wire.get("sourceVolume", "")
    if name not in volumes:
        raise client(f"Unknown volume {name!r}.")
    source = volumes[name].get("host", {}).get("sourcePath", "")
    return Mount(name, source, wire.get("containerPath", ""), wire.get("readOnly", False))


def _health(wire: Wire | None) -> HealthCommand | None:
    if wire is None or wire["command"][:1] == ["NONE"]:
        return None
    kind, *rest = wire["command"] or [""]
    if kind not in ("CMD", "CMD-SHELL") or not rest:
        raise client("Health check command must start with CMD or CMD-SHELL.")
    command = ("/bin/sh", "-c", " ".join(rest)) if kind == "CMD-SHELL" else tuple(rest)
    found = HealthCommand(
        command,
        wire.get("interval", 30),
        wire.get("timeout", 5),
        wire.get("retries", 3),
        wire.get("startPeriod", 0),
    )
    _in_range("interval", found.interval, 5, 300)
    _in_range("timeout", found.timeout, 2, 60)
    _in_range("retries", found.retries, 1, 10)
    _in_range("startPeriod", found.start_period, 0, 300)
    return found


def _in_range(what: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise client(f"Health check {what} must be between {least} and {most}.")


def _needs(containers: tuple[ContainerDefinition, ...], network: str) -> Iterator[str]:
    yield _API
    if any(each.health for each in containers):
        yield _HEALTH
    if any(each.depends_on for each in containers):
        yield _ORDER
    if network == "awsvpc":
        yield TASK_ENI


def _number(wire: Wire, key: str) -> int:
    """A task's cpu or memory: a number in a text. Units like "1 GB" are not known here."""
    text = wire.get(key, "0")
    if not text.isdecimal():
        raise unsupported(f"{key} {text!r}: give it in units or MiB, as a number")
    return int(text)


def _check(definition: Definition, request: Wire) -> None:
    if not definition.containers:
        raise client("Container list cannot be empty.")
    names = [each.name for each in definition.containers]
    if "" in names or len(set(names)) != len(names):
        raise client("Container names have to be given, and to differ.")
    if not any(each.essential for each in definition.containers):
        raise client("At least one container must be marked essential.")
    if definition.network == "none":
        raise unsupported("networkMode none")
    if "FARGATE" in request.get("requiresCompatibilities", ()):
        raise unsupported("FARGATE")
    for container in definition.containers:
        if not container.memory and "memory" not in request:
            raise client(
                "Invalid setting for container. At least one of 'memory' or 'memoryReservation'"
                " must be specified."
            )
    _check_order(definition)


def _check_order(definition: Definition) -> None:
    waiting = {c.name: {d.container for d in c.depends_on} for c in definition.containers}
    healthy = {c.name for c in definition.containers if c.health}
    for container in definition.containers:
        for each in container.depends_on:
            if each.container not in waiting:
                raise client(f"dependsOn: container {each.container!r} is not in this task.")
            if each.condition == "HEALTHY" and each.container not in healthy:
                raise client(f"dependsOn: container {each.container!r} has no health check.")
    while free := [name for name, needs in waiting.items() if not needs & set(waiting)]:
        for name in free:
            del waiting[name]
    if waiting:
        raise client("dependsOn: the containers depend on one another in a circle.")
