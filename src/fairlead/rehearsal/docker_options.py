"""A container definition as options of `docker run`. Pure."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from fairlead.core.ecs.model import HealthCommand, Wire
from fairlead.rehearsal.runtime import Bound, Launch, Published

LABEL = "fairlead.rehearsal"
_LEAST_SHARES = 2
"""What the ECS agent gives containers without cpu units."""


def options(launch: Launch, mark: str) -> Iterator[str]:
    """Everything between `docker run` and the image."""
    box = launch.box
    labels = {**box.labels, LABEL: mark}
    yield from ("--rm", "--name", box.name)
    for name, value in labels.items():
        yield from ("--label", f"{name}={value}")
    yield from _network(launch, mark)
    if launch.directory:
        yield from ("--workdir", launch.directory)
    for name, value in launch.environment.items():
        yield from ("--env", f"{name}={value}")
    for mount in box.mounts:
        yield from ("--volume", _volume(mount, mark))
    yield from _health(launch.health)
    for name, option in _OPTIONS.items():
        yield from option(box.settings.get(name))
    if box.entry:
        yield from ("--entrypoint", box.entry[0])


def words(launch: Launch) -> tuple[str, ...]:
    """Everything behind the image."""
    return (*launch.box.entry[1:], *launch.argv)


def unknown(container: Wire) -> Iterator[str]:
    """Members of a container definition that ask for what is not done with Docker."""
    yield from (name for name, value in container.items() if value and name not in _KNOWN)
    linux = container.get("linuxParameters", {})
    known = ("capabilities", "initProcessEnabled", "sharedMemorySize")
    yield from (f"linuxParameters.{name}" for name, v in linux.items() if v and name not in known)


def unknown_volume(volume: Wire) -> Iterator[str]:
    """Members of a task definition's volume that ask for what is not done with Docker."""
    yield from (f"volumes.{n}" for n, v in volume.items() if v and n not in ("name", "host"))


def interface(task: str, mark: str) -> str:
    """The name of the container that holds an awsvpc task's network interface."""
    return f"fairlead-{mark}-{task}"


def _network(launch: Launch, mark: str) -> Iterator[str]:
    box = launch.box
    if box.network == "awsvpc":
        yield from ("--network", f"container:{interface(box.task, mark)}")
        return
    yield from ("--network", box.network)
    if box.network == "bridge":
        for port in box.ports:
            yield from ("--publish", _published(port))


def _published(port: Published) -> str:
    return f"{port.address}:{port.host}:{port.container}/{port.protocol}"


def _volume(mount: Bound, mark: str) -> str:
    source = mount.source if mount.source.startswith("/") else f"{mark}-{mount.source}"
    return f"{source}:{mount.target}{':ro' if mount.read_only else ''}"


def _health(health: HealthCommand | None) -> Iterator[str]:
    """The docker command takes a line for the shell only, the API an argv too."""
    if health is None:
        return
    shell = health.command[:2] == ("/bin/sh", "-c")
    yield from ("--health-cmd", health.command[2] if shell else shlex.join(health.command))
    yield from ("--health-interval", _milliseconds(health.interval))
    yield from ("--health-timeout", _milliseconds(health.timeout))
    yield from ("--health-retries", str(health.retries))
    yield from ("--health-start-period", _milliseconds(health.start_period))


def _milliseconds(seconds: float) -> str:
    return f"{math.ceil(seconds * 1000)}ms"


Option = Callable[[Any], Iterator[str]]
"""The words of one member; its value may be None."""


def _valued(option: str, unit: str = "") -> Option:
    def words(value: Any) -> Iterator[str]:
        if value:
            yield from (option, f"{value}{unit}")

    return words


def _flag(option: str) -> Option:
    def words(value: Any) -> Iterator[str]:
        if value:
            yield option

    return words


def _shares(value: Any) -> Iterator[str]:
    yield from ("--cpu-shares", str(max(_LEAST_SHARES, value or 0)))


def _ulimits(value: Any) -> Iterator[str]:
    for each in value or ():
        yield from ("--ulimit", f"{each['name']}={each['softLimit']}:{each['hardLimit']}")


def _hosts(value: Any) -> Iterator[str]:
    for each in value or ():
        yield from ("--add-host", f"{each['hostname']}:{each['ipAddress']}")


def _linux(value: Any) -> Iterator[str]:
    given = value or {}
    for option, key in (("--cap-add", "add"), ("--cap-drop", "drop")):
        for each in given.get("capabilities", {}).get(key, ()):
            yield from (option, each)
    yield from _flag("--init")(given.get("initProcessEnabled"))
    yield from _valued("--shm-size", "m")(given.get("sharedMemorySize"))


_OPTIONS: Mapping[str, Option] = {
    "cpu": _shares,
    "memory": _valued("--memory", "m"),
    "memoryReservation": _valued("--memory-reservation", "m"),
    "user": _valued("--user"),
    "hostname": _valued("--hostname"),
    "readonlyRootFilesystem": _flag("--read-only"),
    "privileged": _flag("--privileged"),
    "ulimits": _ulimits,
    "extraHosts": _hosts,
    "linuxParameters": _linux,
}
_KNOWN: Collection[str] = {
    *_OPTIONS,
    "name",
    "image",
    "entryPoint",
    "command",
    "environment",
    "workingDirectory",
    "portMappings",
    "essential",
    "dependsOn",
    "startTimeout",
    "stopTimeout",
    "healthCheck",
    "dockerLabels",
    "mountPoints",
    "logConfiguration",
    "versionConsistency",
}
"""What is done, here or before; and two that only AWS can do: where logs go, and digests."""
