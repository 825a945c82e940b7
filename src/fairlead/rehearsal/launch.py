"""What a container's program is told: where to listen, and who it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairlead.rehearsal.model import Binding, ContainerDefinition, Task
from fairlead.rehearsal.runtime import Box, Launch, Published


@dataclass(frozen=True, slots=True)
class Place:
    """`metadata` is the URL that the containers' ids follow; `outputs` the directory of files.

    `boxed`: containers have networks of their own, and what they listen on is not where they are
    reached.
    """

    metadata: str
    outputs: Path
    boxed: bool = False


Where = tuple[str, str, tuple[int, ...]]
"""Network mode, address, and the port on it for each of the container's ports."""


def launch(
    place: Place, task: Task, container: ContainerDefinition, where: Where
) -> tuple[Launch, tuple[Binding, ...]]:
    network, address, hosts = where
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
    mapped = list(zip(container.ports, hosts, strict=True))
    published = tuple(Published(address, h, m.container, m.protocol) for m, h in mapped)
    entry = tuple(_filled(each, words) for each in container.entry)
    described = Launch(
        tuple(_filled(each, words) for each in override.get("command", container.command)),
        environment,
        container.directory,
        place.outputs / task.id / f"{container.name}.log",
        Box(found.id, container.image, network, entry, published),
    )
    return described, tuple(Binding(m.container, host, m.protocol) for m, host in mapped)


def _listening(
    place: Place, container: ContainerDefinition, where: Where
) -> tuple[str, tuple[int, ...]]:
    """The address and the ports that the program itself has to listen on."""
    network, address, hosts = where
    if place.boxed and network == "bridge":
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
