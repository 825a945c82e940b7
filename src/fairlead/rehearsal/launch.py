"""What a container's program is told: where to listen, and who it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairlead.core.ecs.model import Binding, Container, ContainerDefinition, HealthCommand, Task
from fairlead.rehearsal.metadata import labels
from fairlead.rehearsal.runtime import Bound, Box, Launch, Published


@dataclass(frozen=True, slots=True)
class Place:
    """`metadata` is the URL that the containers' ids follow; `outputs` the directory of files.

    `boxed`: containers have networks of their own, and what they listen on is not where they are
    reached. `hurry` divides the intervals of health checks.
    """

    metadata: str
    outputs: Path
    boxed: bool = False
    hurry: float = 1.0


Where = tuple[str, str, tuple[int, ...]]
"""Network mode, address, and the port on it for each of the container's ports."""


def launch(
    place: Place, task: Task, container: ContainerDefinition, where: Where
) -> tuple[Launch, tuple[Binding, ...]]:
    override = _override(task, container.name)
    found = next(each for each in task.containers if each.name == container.name)
    host, ports = _listening(place, container, where)
    environment = {
        **dict(container.environment),
        **{each["name"]: each.get("value", "") for each in override.get("environment", ())},
        "HOST": host,
        "ECS_CONTAINER_METADATA_URI_V4": f"{place.metadata}/{found.id}",
        **_ports(container, ports),
    }
    words = {"{host}": host, "{port}": str(ports[0]) if ports else ""}
    described = Launch(
        tuple(_filled(each, words) for each in override.get("command", container.command)),
        environment,
        container.directory,
        place.outputs / task.id / f"{container.name}.log",
        _box(task, container, found, where, words),
        _hurried(container.health, place.hurry),
    )
    mapped = zip(container.ports, where[2], strict=True)
    return described, tuple(Binding(m.container, host, m.protocol) for m, host in mapped)


def _box(
    task: Task,
    container: ContainerDefinition,
    found: Container,
    where: Where,
    words: dict[str, str],
) -> Box:
    network, address, hosts = where
    mapped = zip(container.ports, hosts, strict=True)
    return Box(
        found.id,
        task.id,
        container.image,
        network,
        tuple(_filled(each, words) for each in container.entry),
        tuple(Published(address, h, m.container, m.protocol) for m, h in mapped),
        tuple(
            Bound(m.source or f"{task.id}-{m.volume}", m.target, m.read_only)
            for m in container.mounts
        ),
        {**container.wire.get("dockerLabels", {}), **labels(task, container.name)},
        container.wire,
    )


def _hurried(health: HealthCommand | None, hurry: float) -> HealthCommand | None:
    if health is None:
        return None
    interval, period = health.interval / hurry, health.start_period / hurry
    return replace(health, interval=interval, start_period=period)


def _listening(
    place: Place, container: ContainerDefinition, where: Where
) -> tuple[str, tuple[int, ...]]:
    """The address and the ports that the program itself has to listen on."""
    network, address, hosts = where
    if place.boxed and network != "host":
        return "0.0.0.0", tuple(each.container for each in container.ports)  # noqa: S104
    return address, hosts


def _override(task: Task, name: str) -> dict[str, Any]:
    found = (o for o in task.overrides.get("containerOverrides", ()) if o.get("name") == name)
    return dict(next(found, {}))


def _ports(container: ContainerDefinition, hosts: tuple[int, ...]) -> dict[str, str]:
    if not hosts:
        return {}
    each = {f"PORT_{m.container}": str(h) for m, h in zip(container.ports, hosts, strict=True)}
    return {"PORT": str(hosts[0]), **each}


def _filled(argument: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        argument = argument.replace(word, value)
    return argument
