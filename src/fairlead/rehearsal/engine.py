"""What the Docker engine tells of the containers of one rehearsal, and what it is asked."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from fairlead.core.errors import PlatformError
from fairlead.rehearsal.docker_options import LABEL
from fairlead.rehearsal.processes import inherited

Hear = Callable[[str], None]
_AGAIN = 0.5
"""Seconds until an engine that went away is asked again."""


@dataclass(slots=True)
class Heard:
    """Of one container. `on_health` is called with the engine's word for its health."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    out_of_memory: asyncio.Event = field(default_factory=asyncio.Event)
    on_health: Hear | None = None


class Listener:
    """Follows the engine's events until it is closed."""

    def __init__(self, mark: str) -> None:
        self._mark, self._since = mark, time.time() - 1
        self._heard: dict[str, Heard] = {}
        self._following: asyncio.Task[None] | None = None

    def of(self, container: str) -> Heard:
        """What is heard of the container of that name from now on."""
        if self._following is None:
            self._following = asyncio.create_task(self._follow(), name="docker events")
        return self._heard.setdefault(container, Heard())

    def forget(self, container: str) -> None:
        self._heard.pop(container, None)

    async def close(self) -> None:
        if self._following:
            self._following.cancel()
            await asyncio.wait([self._following])

    async def _follow(self) -> None:
        while True:
            await self._read()
            await asyncio.sleep(_AGAIN)

    async def _read(self) -> None:
        """Until the engine goes away. What was told before is told again, which does no harm."""
        process = await asyncio.create_subprocess_exec(
            *_events(self._mark, self._since),
            env=inherited(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while process.stdout and (line := await process.stdout.readline()):
                self._hear(*line.decode().strip().partition(" ")[::2])
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _hear(self, container: str, action: str) -> None:
        heard = self._heard.get(container)
        if heard is None:
            return
        if action == "start":
            heard.begun.set()
        elif action == "oom":
            heard.out_of_memory.set()
        elif heard.on_health:
            heard.on_health(action.rpartition(" ")[2])


def _events(mark: str, since: float) -> tuple[str, ...]:
    kinds = ("--filter", "event=start", "--filter", "event=oom", "--filter", "event=health_status")
    form = ("--format", "{{.Actor.Attributes.name}} {{.Action}}")
    asked = ("--since", f"{since:.3f}", "--filter", f"label={LABEL}={mark}")
    return ("docker", "events", *asked, *kinds, *form)


def ask(*words: str, data: bytes = b"") -> str:
    """What the docker command prints. PlatformError with its last word when it fails."""
    done = subprocess.run(
        ["docker", *words], input=data, capture_output=True, env=inherited(), check=False
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it says nothing"]
        raise PlatformError(f"`docker {words[0]}` failed: {said[0]}")
    return done.stdout.decode().strip()


def gateway() -> str:
    """The address that containers reach this machine at. PlatformError without any."""
    form = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
    found = ask("network", "inspect", "bridge", "--format", form)
    if not found:
        raise PlatformError("Docker's network `bridge` has no gateway: start dockerd with a bridge")
    return found
