"""What containers are, here: plain processes, containers of Docker, or nothing at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fairlead.core.ecs.model import HEALTHY, HealthCommand, Wire

KILLED, TERMINATED = 137, 143
"""Docker's exit codes of a container that SIGKILL or SIGTERM ended."""
Report = Callable[[str], None]
"""Is told HEALTHY or UNHEALTHY."""


@dataclass(frozen=True, slots=True)
class Published:
    """A port of the container, and the place on this machine that leads to it."""

    address: str
    host: int
    container: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Bound:
    """A directory in the container. `source` is a path of this machine or the name of a volume."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """What a container in the proper sense needs besides.

    `network` is bridge, host or awsvpc; `settings` the container definition as it was registered.
    """

    name: str = ""
    task: str = ""
    image: str = ""
    network: str = "bridge"
    entry: tuple[str, ...] = ()
    ports: tuple[Published, ...] = ()
    mounts: tuple[Bound, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    settings: Wire = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """What is to run. `output` is the file that it writes to, `space` the network namespace that it
    runs in, where that is not the server's own."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    output: Path
    box: Box = field(default_factory=Box)
    health: HealthCommand | None = None
    space: str = ""


class Running(Protocol):
    """One container that was started."""

    @property
    def ended(self) -> asyncio.Future[int]:
        """Its exit code, when it has ended."""

    async def begun(self) -> None:
        """Until it runs. PlatformError when it ended before it did."""

    def terminate(self, timeout: float) -> None:
        """Ask it to end; it will be killed after so many seconds."""

    def kill(self) -> None: ...

    async def why(self) -> str:
        """Of a container that has ended, when more than its exit code is known."""


class Runtime(Protocol):
    """Starts containers. `listens`: whether ports are really held by them. `boxed`: whether they
    have images, and networks of their own."""

    listens: bool
    boxed: bool

    def start(self, launch: Launch) -> Running:
        """PlatformError, in ECS's words, when it cannot be started."""

    async def check(self, launch: Launch, report: Report) -> None:
        """Have its health checked, and reported, until cancelled."""

    def forget(self, launch: Launch) -> None:
        """It has ended, and nobody asks for it any more."""

    async def close(self) -> None:
        """End everything that still runs, at once."""


class Interfaces(Protocol):
    """Addresses for tasks in network mode awsvpc."""

    async def attach(self, task: str) -> str:
        """An address of the task's own, until it is detached. PlatformError without any."""

    def detach(self, task: str) -> None: ...


class _Still:
    """A container in name only: it runs until it is told to end."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def begun(self) -> None:
        """At once."""

    def terminate(self, timeout: float) -> None:  # noqa: ARG002
        if not self.ended.done():
            self.ended.set_result(TERMINATED)

    def kill(self) -> None:
        if not self.ended.done():
            self.ended.set_result(KILLED)

    async def why(self) -> str:
        return ""


class Nothing:
    """Implements Runtime without any process: for thousands of tasks, and for trying the API."""

    listens = boxed = False

    def start(self, launch: Launch) -> Running:  # noqa: ARG002
        return _Still()

    async def check(self, launch: Launch, report: Report) -> None:
        if launch.health:
            await asyncio.sleep(launch.health.interval)
            report(HEALTHY)

    def forget(self, launch: Launch) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing to end."""
