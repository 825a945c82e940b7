"""Containers of the Docker engine, by its own command: whatever that command finds its engine by
(DOCKER_HOST, contexts) holds."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace

from fairlead.core.errors import Missing, PlatformError
from fairlead.rehearsal.processes import Process, Processes
from fairlead.rehearsal.runtime import Box, Launch, Published

GATEWAY = "host.docker.internal"
"""What this machine is called in containers; the server has to listen there, to be reached."""
LABEL = "fairlead.rehearsal"
_REFUSED = (125, 126, 127)
"""What `docker run` ends with when the container could not be started."""
_NOT_THERE = (1,)
_PAUSE, _PATIENCE = 0.05, 30.0
_REMOVE = f"docker ps -aq --filter label={LABEL}={{mark}} | xargs -r docker rm -f >/dev/null 2>&1"


class Container:
    """Implements Running. `docker run` in the foreground hands SIGTERM on, and ends with the
    container's exit code; SIGKILL it cannot hand on."""

    def __init__(self, process: Process, launch: Launch, commands: Processes) -> None:
        self._process, self._launch, self._commands = process, launch, commands
        self._killed = False

    @property
    def ended(self) -> asyncio.Future[int]:
        return self._process.ended

    async def begun(self) -> None:
        """PlatformError when Docker could not start it, with the last that Docker said."""
        asked = self._docker("exec", self._launch.box.name, "true")
        while await self._commands.run(asked, _PATIENCE) in _NOT_THERE:
            if self.ended.done() and self.ended.result() in _REFUSED:
                raise PlatformError(_last_line(self._launch))
            if self.ended.done():
                return
            await asyncio.sleep(_PAUSE)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        if not self.ended.done() and not self._killed:
            self._killed = True
            self._commands.start(self._docker("kill", self._launch.box.name))

    def _docker(self, *words: str) -> Launch:
        """What the client says to it goes beside what the container says."""
        output = self._launch.output.with_suffix(".docker.log")
        return replace(_command(self._launch, ("docker", *words)), output=output)


class Containers:
    """Implements Runtime."""

    listens = boxed = True

    def __init__(self) -> None:
        """Missing when there is no docker command."""
        if not shutil.which("docker"):
            raise Missing("`--docker` needs the docker command: apt-get install docker.io")
        self._commands = Processes(_REMOVE)
        self.mark = self._commands.mark

    def start(self, launch: Launch) -> Container:
        argv = ("docker", "run", *_options(launch, self.mark), launch.box.image, *_words(launch))
        process = self._commands.start(_command(launch, argv))
        return Container(process, launch, self._commands)

    async def run(self, launch: Launch, timeout: float) -> int:
        argv = ("docker", "exec", launch.box.name, *launch.argv)
        return await self._commands.run(_command(launch, argv), timeout)

    async def close(self) -> None:
        """The containers go too: the watchdog sees to it."""
        await self._commands.close()


def _last_line(launch: Launch) -> str:
    lines = launch.output.read_text(errors="replace").splitlines()
    hints = ("See 'docker", "Run 'docker")
    told = [line for line in lines if line.strip() and not line.startswith(hints)]
    return told[-1] if told else "Docker could not start it"


def _command(launch: Launch, argv: tuple[str, ...]) -> Launch:
    """A command of the docker client; the settings of the container are in its words."""
    return replace(launch, argv=argv, environment={}, directory="", box=Box())


def _options(launch: Launch, mark: str) -> Iterator[str]:
    box = launch.box
    if box.network == "awsvpc":
        raise PlatformError("network mode awsvpc is simulated with processes only, not with Docker")
    yield from ("--rm", "--name", box.name, "--label", f"{LABEL}={mark}")
    yield from ("--add-host", f"{GATEWAY}:host-gateway", "--network", box.network)
    if launch.directory:
        yield from ("--workdir", launch.directory)
    for name, value in launch.environment.items():
        yield from ("--env", f"{name}={value}")
    if box.network == "bridge":
        for port in box.ports:
            yield from ("--publish", _published(port))
    if box.entry:
        yield from ("--entrypoint", box.entry[0])


def _published(port: Published) -> str:
    return f"{port.address}:{port.host}:{port.container}/{port.protocol}"


def _words(launch: Launch) -> tuple[str, ...]:
    return (*launch.box.entry[1:], *launch.argv)
