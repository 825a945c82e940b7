"""One nginx master process: born here, or adopted from a fairlead that is no more."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fairlead import procfs

_NULL = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_RDWR, 0) for number in (0, 1, 2)]


@dataclass(frozen=True, slots=True)
class Identity:
    """Of a process: see procfs."""

    pid: int
    ticks: int

    @property
    def is_alive(self) -> bool:
        """Whether this very process, not another of the same number, still runs."""
        return procfs.is_alive(self.pid, self.ticks)


class Master:
    """Watched through a pidfd, which works for processes that are not our children too."""

    def __init__(self, identity: Identity) -> None:
        """ProcessLookupError when it has ended."""
        self.identity = identity
        self._pidfd = os.pidfd_open(identity.pid)
        self.ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._pidfd, self._note_end)

    @classmethod
    def spawn(cls, argv: list[str], sockets: Iterable[int]) -> Master:
        """Start nginx in a session of its own, with listening sockets to inherit (`NGINX`).

        OSError when the program cannot be started.
        """
        environment = {"PATH": os.environ.get("PATH", ""), "TZ": os.environ.get("TZ", "")}
        if inherited := list(sockets):
            environment["NGINX"] = "".join(f"{number};" for number in inherited)
        pid = os.posix_spawn(
            argv[0],
            argv,
            {name: value for name, value in environment.items() if value},
            file_actions=[*_NULL, *((os.POSIX_SPAWN_DUP2, n, n) for n in inherited)],
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGCHLD, signal.SIGINT),
        )
        found = procfs.stat(pid)  # our child: found even when it has ended already
        return cls(Identity(pid, found.ticks if found else 0))

    @classmethod
    def adopt(cls, identity: Identity, prefix: Path) -> Master | None:
        """None when that process has ended or is not the nginx of this prefix."""
        if not identity.is_alive or f" -p {prefix} " not in procfs.command_line(identity.pid):
            return None
        master = cls(identity)
        if identity.is_alive:  # still: the pidfd is of this very process
            return master
        master.close()
        return None

    @property
    def pid(self) -> int:
        return self.identity.pid

    def signal(self, number: signal.Signals) -> None:
        """To this very process; nothing happens when it has ended."""
        if not self.ended.is_set():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self, timeout: float) -> bool:
        """Whether it has ended within `timeout` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.ended.wait()
        return self.ended.is_set()

    async def end(self, patience: float) -> None:
        """Requests in flight get `patience` seconds. Nothing of its session is left."""
        for number, timeout in (
            (signal.SIGQUIT, patience),
            (signal.SIGTERM, 2),
            (signal.SIGKILL, 2),
        ):
            self.signal(number)
            if await self.wait(timeout):
                break
        signal_orphans(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Watch it no longer; it goes on."""
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    def _note_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        with suppress(ChildProcessError):  # an adopted one is not ours to reap
            os.waitpid(self.pid, os.WNOHANG)
        self.ended.set()


def unrecorded(prefix: Path) -> Identity | None:
    """An nginx of this prefix that a fairlead started and was killed before it wrote that down."""
    for pid, session in procfs.sessions():
        if pid == session and f" -p {prefix} " in procfs.command_line(pid):
            found = procfs.stat(pid)
            if found and found.alive:
                return Identity(pid, found.ticks)
    return None


def orphans(master: int) -> list[int]:
    """Workers that go on without their master: they hold its listening sockets.

    They are in the session that it led; the kernel gives its number to nobody else before they
    have ended too.
    """
    members = procfs.session_members(master) if master else []
    return [pid for pid in members if pid != master and _is_nginx(pid)]


def signal_orphans(master: int, number: signal.Signals) -> int:
    """Tells how many there were."""
    found = orphans(master)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return len(found)


def signal_strays(prefix: Path, master: int, number: signal.Signals) -> int:
    """To all workers of this prefix but those of `master`; tells how many there were.

    They are orphans too, maybe of a master that no record names any more: a fairlead was killed
    before it had told them to go. They would serve on from the table of that time.
    """
    found = [pid for pid, session in procfs.sessions() if session != master and _is_nginx(pid)]
    strays = [pid for pid in found if _holds(pid, prefix / "counters.shm")]
    for pid in strays:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return len(strays)


def _holds(pid: int, file: Path) -> bool:
    with suppress(OSError):
        return any(each.readlink() == file for each in Path(f"/proc/{pid}/fd").iterdir())
    return False


def _is_nginx(pid: int) -> bool:
    return procfs.command_line(pid).startswith("nginx: ")
