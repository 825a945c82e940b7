"""Task definitions: which of a task's ports takes a service's requests, and what labels say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.core.ecs.model import Definition as Footprint
from fairlead.core.errors import PlatformError
from fairlead.core.model import Container
from fairlead.platforms.ecs.footprint import read_footprint
from fairlead.platforms.ecs.shapes import Part, part, parts, port, text
from fairlead.platforms.ecs.tasks import Task


@dataclass(frozen=True, slots=True)
class Mapped:
    """A container's TCP ports (inside, on the node; 0 for any) and its docker labels."""

    name: str
    ports: tuple[tuple[int, int], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def inside(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(inside for inside, _ in self.ports))


@dataclass(frozen=True, slots=True)
class Definition:
    """One revision; it never changes. `network` is bridge where the API says nothing. `footprint`
    is what a task of it takes of a node."""

    arn: str
    network: str = "bridge"
    containers: tuple[Mapped, ...] = ()
    footprint: Footprint | None = None

    @property
    def revision(self) -> str:
        return self.arn.rpartition("/")[2]


def read_definition(raw: Mapping[str, Any]) -> Definition | None:
    arn = text(raw, "taskDefinitionArn")
    if not arn:
        return None
    containers = tuple(_container(each) for each in parts(raw, "containerDefinitions"))
    network = text(raw, "networkMode") or "bridge"
    return Definition(arn, network, containers, read_footprint(raw))


def _container(raw: Part) -> Mapped:
    ports = (
        (inside, port(each, "hostPort"))
        for each in parts(raw, "portMappings")
        if (inside := port(each, "containerPort")) and text(each, "protocol") in ("", "tcp")
    )
    labels = part(raw, "dockerLabels").items()
    return Mapped(
        text(raw, "name"),
        tuple(ports),
        tuple((k, v) for k, v in labels if isinstance(k, str) and isinstance(v, str)),
    )


def entrance(definition: Definition, wanted: Container) -> tuple[str, int]:
    """The container and its port that take the requests.

    PlatformError when the settings do not say which of several, or name one that is not there.
    """
    box = _chosen(definition, wanted)
    if wanted.port and (wanted.port in box.inside or definition.network == "awsvpc"):
        return box.name, wanted.port
    listed = ", ".join(map(str, box.inside)) or "none"
    if wanted.port:
        raise PlatformError(
            f"{definition.revision}: container {box.name} maps no port {wanted.port}"
            f" (but {listed}): correct `port`, or add it to portMappings"
        )
    if len(box.inside) != 1:
        raise PlatformError(
            f"{definition.revision}: container {box.name} maps {len(box.inside)} ports ({listed}):"
            " say with `port` which one takes the requests"
        )
    return box.name, box.inside[0]


def _chosen(definition: Definition, wanted: Container) -> Mapped:
    if wanted.name:
        named = [box for box in definition.containers if box.name == wanted.name]
        what = f"has no container {wanted.name}: correct `container`"
    else:
        named = [box for box in definition.containers if box.ports]
        several = [box for box in named if wanted.port in box.inside]
        named = several if len(several) == 1 else named
        if not named and len(definition.containers) == 1 and wanted.port:
            named = list(definition.containers)
        names = ", ".join(box.name for box in named)
        what = (
            f"has several containers with ports ({names}): name one with `container`"
            if named
            else "maps no port in any container: add one to portMappings"
        )
    if len(named) != 1:
        raise PlatformError(f"{definition.revision} {what}")
    return named[0]


def place(
    task: Task, definition: Definition, door: tuple[str, int], node: str
) -> tuple[str, int] | None:
    """Address and port where a running task takes requests; None as long as it has none.

    `node` is the node's address. Never the container's port on it, but in host mode.
    """
    name, inside = door
    if definition.network == "awsvpc":
        addresses = [a for box, a in task.interfaces if box in (name, "")]
        return (addresses[0], inside) if addresses else None
    for binding in task.bindings:
        if (binding.container, binding.inside) == door:
            return node, binding.outside
    if definition.network != "host":
        return None
    box = next(box for box in definition.containers if box.name == name)
    return node, dict(box.ports).get(inside) or inside
