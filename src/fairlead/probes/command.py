"""A command check: it passes when the program exits with 0."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator

from fairlead.core.model import Endpoint, HealthCheck
from fairlead.probes import reason

TAIL = 4096
"""Bytes kept of a command's output: its end, where the reason stands."""


class CommandProbe:
    """Runs argv, never a shell, in a process group of its own that is killed on timeout."""

    async def probe(self, check: HealthCheck, endpoint: Endpoint) -> str:
        try:
            async with asyncio.timeout(check.timeout):
                return await _run(check, endpoint)
        except TimeoutError:
            return reason.of_timeout(check.timeout)
        except (OSError, ValueError) as error:
            why = reason.of_os_error(error) if isinstance(error, OSError) else str(error)
            return reason.clean(f"cannot run {' '.join(check.command[:1])}: {why}")


async def _run(check: HealthCheck, endpoint: Endpoint) -> str:
    with _Output() as output:
        process = await asyncio.create_subprocess_exec(
            *_argv(check, endpoint),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output.writer,
            stderr=output.writer,
            env={**os.environ, "PORT": str(endpoint.port)},
            start_new_session=True,
        )
        try:
            code = await process.wait()
        finally:
            await _end(process)
        return _verdict(code, output)


def _argv(check: HealthCheck, endpoint: Endpoint) -> Iterator[str]:
    if not check.command:
        raise ValueError("no command is given")
    for word in check.command:
        yield word.replace("{port}", str(endpoint.port)).replace("{address}", endpoint.address)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kills the group of one that still runs: its id is the leader's, not reaped, so still ours."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _verdict(code: int, output: _Output) -> str:
    if code == 0:
        return ""
    how = f"killed by {_signal_name(-code)}" if code < 0 else f"exit {code}"
    said = output.last_line()
    return f"{how}: {said}" if said else how


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class _Output:
    """A pipe read as it fills. Not the subprocess's own: a child that a command leaves behind may
    hold it open, and the verdict must not wait for that."""

    def __enter__(self) -> _Output:
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(self.writer, True)
        self._tail = b""
        asyncio.get_running_loop().add_reader(self._reader, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._reader)
        os.close(self._reader)
        os.close(self.writer)

    def last_line(self) -> str:
        self._read()
        lines = self._tail.decode(errors="replace").splitlines()
        return next((line for line in map(reason.clean, reversed(lines)) if line), "")

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._tail = (self._tail + os.read(self._reader, 1 << 16))[-TAIL:]
