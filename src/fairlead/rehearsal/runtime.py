"""What containers are, here: plain processes, or nothing at all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

KILLED, TERMINATED = 137, 143
"""Docker's exit codes of a container that SIGKILL or SIGTERM ended."""


@dataclass(frozen=True, slots=True)
class Published:
    """A port of the container, and the place on this machine that leads to it."""

    address: str
    host: int
    container: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Box:
    """What a container in the proper sense needs besides. `network` is bridge, host or awsvpc."""

    name: str = ""
    image: str = ""
    network: str = "bridge"
    entry: tuple[str, ...] = ()
    ports: tuple[Published, ...] = ()


@dataclass(frozen=True, slots=True)
class Launch:
    """What is to run. `output` is the file that it writes to."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    output: Path
    box: Box = field(default_factory=Box)


class Running(Protocol):
    """One container that was started."""

    @property
    def ended(self) -> asyncio.Future[int]:
        """Its exit code, when it has ended."""

    async def begun(self) -> None:
        """Until it runs. PlatformError when it ended before it did."""

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Runtime(Protocol):
    """Starts containers. `listens`: whether ports are really held by them. `boxed`: whether they
    have images, and networks of their own."""

    listens: bool
    boxed: bool

    def start(self, launch: Launch) -> Running:
        """PlatformError when it cannot be started."""

    async def run(self, launch: Launch, timeout: float) -> int:
        """Run a command to its end; its exit code, 124 when the time (seconds) was up."""

    async def close(self) -> None:
        """End everything that still runs, at once."""


class _Still:
    """A container in name only: it runs until it is told to end."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def begun(self) -> None:
        """At once."""

    def terminate(self) -> None:
        if not self.ended.done():
            self.ended.set_result(TERMINATED)

    def kill(self) -> None:
        if not self.ended.done():
            self.ended.set_result(KILLED)


class Nothing:
    """Implements Runtime without any process: for thousands of tasks, and for trying the API."""

    listens = boxed = False

    def start(self, launch: Launch) -> Running:  # noqa: ARG002
        return _Still()

    async def run(self, launch: Launch, timeout: float) -> int:  # noqa: ARG002
        return 0

    async def close(self) -> None:
        """Nothing to end."""
