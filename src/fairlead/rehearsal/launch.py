"""What a container's program is told: where to listen, and who it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairlead.core.errors import PlatformError
from fairlead.rehearsal.model import Binding, ContainerDefinition, Task
from fairlead.rehearsal.runtime import Launch


@dataclass(frozen=True, slots=True)
class Place:
    """`metadata` is the URL that the containers' ids follow; `outputs` the directory of files."""

    metadata: str
    outputs: Path


def launch(
    place: Place, task: Task, container: ContainerDefinition, where: tuple[str, tuple[int, ...]]
) -> tuple[Launch, tuple[Binding, ...]]:
    """`where` is the address, and the port on it for each of the container's ports.

    PlatformError when the definition names no program.
    """
    address, hosts = where
    override = _override(task, container.name)
    argv = tuple(override.get("command", container.argv))
    if not argv:
        raise PlatformError(
            f"container {container.name} has no `command`: that is what is run here, images are not"
        )
    found = next(each for each in task.containers if each.name == container.name)
    environment = {
        **dict(container.environment),
        **{each["name"]: each.get("value", "") for each in override.get("environment", ())},
        "HOST": address,
        "ECS_CONTAINER_METADATA_URI_V4": f"{place.metadata}/{found.id}",
        **_ports(container, hosts),
    }
    words = {"{host}": address, "{port}": str(hosts[0]) if hosts else ""}
    described = Launch(
        tuple(_filled(each, words) for each in argv),
        environment,
        container.directory,
        place.outputs / task.id / f"{container.name}.log",
    )
    mapped = zip(container.ports, hosts, strict=True)
    return described, tuple(Binding(m.container, host, m.protocol) for m, host in mapped)


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
