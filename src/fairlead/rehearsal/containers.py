"""Containers of the Docker engine, by its own command: whatever that command finds its engine by
(DOCKER_HOST, contexts) holds."""

from __future__ import annotations

import asyncio
import math
import shutil
from contextlib import suppress
from dataclasses import replace

from fairlead.core.ecs.model import HEALTHY, UNHEALTHY
from fairlead.core.errors import Missing, PlatformError
from fairlead.rehearsal.docker_options import LABEL, options, words
from fairlead.rehearsal.engine import Heard, Listener
from fairlead.rehearsal.pause import IMAGE
from fairlead.rehearsal.processes import Process, Processes
from fairlead.rehearsal.runtime import KILLED, Box, Launch, Report

_REFUSED = (125, 126, 127)
"""What `docker run` ends with when the container could not be started; 126 and 127 may also be the
container's own."""
_LATE = 1.0
"""Seconds after a container's end that the engine may tell why."""
_HEALTH = {"healthy": HEALTHY, "unhealthy": UNHEALTHY}
_REMOVE = (
    f"docker ps -aq --filter label={LABEL}={{mark}} | xargs -r docker rm -fv >/dev/null 2>&1;"
    " docker volume ls -q --filter name={mark} | xargs -r docker volume rm -f >/dev/null 2>&1;"
    f" docker rmi -f {IMAGE}:{{mark}} >/dev/null 2>&1"
)


class Container:
    """Implements Running. `docker run` stays in the foreground, and ends with the container's exit
    code."""

    def __init__(self, process: Process, launch: Launch, commands: Processes, heard: Heard) -> None:
        self._process, self._launch, self._commands = process, launch, commands
        self._heard, self._asked = heard, False

    @property
    def ended(self) -> asyncio.Future[int]:
        return self._process.ended

    async def begun(self) -> None:
        """PlatformError when Docker could not start it, with what Docker said."""
        started = asyncio.ensure_future(self._heard.begun.wait())
        self.ended.add_done_callback(lambda _: started.cancel())
        try:
            await asyncio.wait([started])
        finally:
            started.cancel()
        if self._heard.begun.is_set() or self.ended.result() not in _REFUSED:
            return
        if told := _complaint(self._launch):
            raise PlatformError(told)

    async def why(self) -> str:
        """The engine's word for it may come after the end."""
        if self._asked or self.ended.result() != KILLED:
            return ""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LATE):
                await self._heard.out_of_memory.wait()
                return "OutOfMemoryError: Container killed due to memory usage"
        return ""

    def terminate(self, timeout: float) -> None:
        """By the engine, which sends the signal that the image asks for."""
        self._ask("stop", "-t", str(math.ceil(timeout)))

    def kill(self) -> None:
        if not self.ended.done():
            self._ask("kill")

    def _ask(self, *words: str) -> None:
        """What the client says to it goes beside what the container says."""
        self._asked = True
        output = self._launch.output.with_suffix(".docker.log")
        argv = ("docker", *words, self._launch.box.name)
        self._commands.start(replace(_command(self._launch, argv), output=output))


class Containers:
    """Implements Runtime."""

    listens = boxed = True

    def __init__(self) -> None:
        """Missing when there is no docker command."""
        if not shutil.which("docker"):
            raise Missing("`--docker` needs the docker command: apt-get install docker.io")
        self._commands = Processes(_REMOVE)
        self.mark = self._commands.mark
        self._listener = Listener(self.mark)

    def start(self, launch: Launch) -> Container:
        name = launch.box.name
        heard = self._listener.of(name)
        argv = ("docker", "run", *options(launch, self.mark), launch.box.image, *words(launch))
        process = self._commands.start(_command(launch, argv))
        return Container(process, launch, self._commands, heard)

    async def check(self, launch: Launch, report: Report) -> None:
        """The engine checks; it tells what changes."""

        def heard(word: str) -> None:
            if word in _HEALTH:
                report(_HEALTH[word])

        self._listener.of(launch.box.name).on_health = heard

    def forget(self, launch: Launch) -> None:
        self._listener.forget(launch.box.name)

    async def close(self) -> None:
        """The containers go too: the watchdog sees to it."""
        await self._listener.close()
        await self._commands.close()


def _complaint(launch: Launch) -> str:
    """Why Docker did not start it, in ECS's words for that; nothing when it did."""
    said = launch.output.read_text(errors="replace").splitlines()
    found = [line.removeprefix("docker: ") for line in said if line.startswith("docker: ")]
    if not found:
        return ""
    pulled = not any(line.startswith("Unable to find image") for line in said)
    return f"{'CannotStartContainerError' if pulled else 'CannotPullContainerError'}: {found[-1]}"


def _command(launch: Launch, argv: tuple[str, ...]) -> Launch:
    """A command of the docker client; the settings of the container are in its words."""
    return replace(launch, argv=argv, environment={}, directory="", box=Box())
