"""Containers as processes of this machine: each leads a session and group of its own, and dies with
the server, also when that one is killed."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from fairlead.core.errors import PlatformError
from fairlead.rehearsal.checks import check
from fairlead.rehearsal.runtime import Box, Launch, Report

MARK = "FAIRLEAD_REHEARSAL"
TIMED_OUT = 124
_HIDDEN = ("AWS_", "ECS_")
"""A container does not see the AWS settings of whoever started the server."""
_GRACE = 5.0


class Process:
    """Implements Running."""

    def __init__(self, pid: int) -> None:
        """The pid of a child that leads a process group and was not waited for."""
        loop = asyncio.get_running_loop()
        self.pid = pid
        self.ended: asyncio.Future[int] = loop.create_future()
        self._watched = os.pidfd_open(pid)
        loop.add_reader(self._watched, self._reap)

    async def begun(self) -> None:
        """At once: what could not be started has raised already."""

    def terminate(self, timeout: float = _GRACE) -> None:  # noqa: ARG002 - whoever waits kills it
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    async def why(self) -> str:
        return ""

    def _signal(self, number: int) -> None:
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def _reap(self) -> None:
        """The rest of the group goes with its leader, as in a container."""
        self.kill()
        asyncio.get_running_loop().remove_reader(self._watched)
        os.close(self._watched)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.ended.set_result(code if code >= 0 else 128 - code)


class Processes:
    """Implements Runtime."""

    listens, boxed = True, False

    def __init__(self, afterwards: str = "") -> None:
        """`afterwards` is a shell command for the end, which also runs when the server is killed;
        {mark} in it is this one's mark."""
        self.mark = secrets.token_hex(8)
        self._afterwards = afterwards.replace("{mark}", self.mark)
        self._living: set[Process] = set()
        self._watchdog: subprocess.Popen[bytes] | None = None

    def start(self, launch: Launch) -> Process:
        watchdog = self._guarded()
        process = Process(self._spawn(launch))
        self._living.add(process)
        _tell(watchdog, f"+{process.pid}\n")
        process.ended.add_done_callback(lambda _: self._gone(process))
        return process

    async def check(self, launch: Launch, report: Report) -> None:
        if launch.health is None:
            return
        probe = replace(launch, argv=launch.health.command, box=Box())

        async def passes(timeout: float) -> bool:
            return await self.run(probe, timeout) == 0

        await check(launch.health, passes, report)

    def forget(self, launch: Launch) -> None:
        """Nothing is kept."""

    async def run(self, launch: Launch, timeout: float) -> int:
        """Run a command to its end; its exit code, 124 when the time (seconds) was up."""
        process = self.start(launch)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(process.ended)
        except TimeoutError:
            return TIMED_OUT
        finally:
            process.kill()

    async def close(self) -> None:
        for process in list(self._living):
            process.kill()
        if self._living:
            await asyncio.wait([process.ended for process in self._living], timeout=_GRACE)
        if self._watchdog:
            watchdog, self._watchdog = self._watchdog, None
            await asyncio.to_thread(watchdog.communicate)

    def _gone(self, process: Process) -> None:
        self._living.discard(process)
        if self._watchdog:
            _tell(self._watchdog, f"-{process.pid}\n")

    def _guarded(self) -> subprocess.Popen[bytes]:
        if self._watchdog is None:
            program = Path(__file__).with_name("watchdog.py")
            self._watchdog = subprocess.Popen(
                [sys.executable, "-I", "-S", str(program), f"{MARK}={self.mark}", self._afterwards],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._watchdog

    def _spawn(self, launch: Launch) -> int:
        argv = (*launch.box.entry, *launch.argv)
        within = ("ip", "netns", "exec", launch.space) if launch.space else ()
        if not argv:
            name = launch.output.stem
            raise PlatformError(
                f"CannotStartContainerError: container {name} has no `command`: that is what is run"
                " here, images are not"
            )
        launch.output.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with launch.output.open("ab") as output:
            try:
                process = subprocess.Popen(
                    (*within, *argv),
                    env={**inherited(), **launch.environment, MARK: self.mark},
                    cwd=launch.directory or None,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                told = f"CannotStartContainerError: {argv[0]}: cannot be started: {error}"
                raise PlatformError(told) from error
        process.returncode = 0  # Popen lets go of it: a pidfd watches it from here on
        return process.pid


def inherited() -> dict[str, str]:
    """The environment of this process, as far as a container or the docker command may see it."""
    return {k: v for k, v in os.environ.items() if not k.startswith(_HIDDEN)}


def _tell(watchdog: subprocess.Popen[bytes], line: str) -> None:
    if watchdog.stdin:
        with suppress(BrokenPipeError):
            os.write(watchdog.stdin.fileno(), line.encode())
