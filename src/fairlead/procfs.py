"""What /proc tells about processes: identity, sessions, command lines, outputs, environment.

A pid alone names nobody, because the kernel uses numbers again. A pid with its start time (in
clock ticks since boot, field 22 of proc_pid_stat(5)) and the boot id (random(4)) names one process
for good.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_DEAD = frozenset({b"Z", b"X", b"x"})
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


@dataclass(frozen=True, slots=True)
class Stat:
    """`ticks` is the start time in clock ticks since boot; a zombie is not alive."""

    alive: bool
    ticks: int


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def stat(pid: int) -> Stat | None:
    """None when there is no such process."""
    text = _read(pid, "stat")
    if not text:
        return None
    fields = text.rpartition(b")")[2].split()  # the name before it may hold anything, even ")"
    return Stat(fields[0] not in _DEAD, int(fields[19]))


def cpu_seconds(pid: int) -> float:
    """What it has used, and those of its children that it has waited for; 0 when it has ended."""
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """0 when it has ended. Pages that it shares with others are counted in full."""
    fields = _read(pid, "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def proportional_bytes(pid: int) -> int:
    """As `resident_bytes`, with a page that n processes share counted as an nth for each; costs
    more, some milliseconds for a GiB. 0 when that is not told."""
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def total_bytes() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def available_bytes() -> int:
    """What programs can still take of it without swapping, as the kernel estimates (MemAvailable of
    proc_meminfo(5)), or less where this process's own cgroup is bounded (cgroup v2)."""
    return min([_available(), *_left_of_group()])


def _available() -> int:
    for line in Path("/proc/meminfo").read_bytes().splitlines():
        if line.startswith(b"MemAvailable:"):
            return int(line.split()[1]) * 1024
    return total_bytes()


def _left_of_group() -> Iterator[int]:
    """Of the group as a container sees it: its own one is the root there."""
    group = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError):
        limit = int((group / "memory.max").read_text())
        yield max(0, limit - int((group / "memory.current").read_text()))


def is_alive(pid: int, ticks: int) -> bool:
    """Whether this very process, not another of the same number, still runs."""
    found = stat(pid)
    return found is not None and found.alive and found.ticks == ticks


def parent(pid: int) -> int:
    """0 when there is no such process, or none that is its parent here."""
    text = _read(pid, "stat")
    return int(text.rpartition(b")")[2].split()[1]) if text else 0


def children(pid: int) -> list[int]:
    """Those that live, of its main thread, which is the one that forks in nginx."""
    text = _read(pid, f"task/{pid}/children")
    return [child for child in map(int, text.split()) if _lives(child)]


def session_members(session: int) -> list[int]:
    """The living processes of a session; getsid(2) costs less than reading their stat files."""
    return [pid for pid, of in sessions() if of == session and _lives(pid)]


def sessions() -> Iterator[tuple[int, int]]:
    """(pid, session) of every process that can be seen."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - a Path each costs more than the rest
        if name.isdigit():
            with suppress(*_GONE):
                yield int(name), os.getsid(int(name))


def outputs(pid: int) -> Iterator[Path]:
    """The files that stdout and stderr of a process lead to."""
    for number in (1, 2):
        with suppress(*_GONE):
            yield Path(f"/proc/{pid}/fd/{number}").readlink()


def command_line(pid: int) -> str:
    """The arguments of a process with spaces between, or the title that it wrote over them.

    Empty when it has ended.
    """
    return os.fsdecode(_read(pid, "cmdline").rstrip(b"\0").replace(b"\0", b" "))


def environment(pid: int) -> dict[str, str]:
    """The environment that a process was started with; empty when it cannot be read.

    A program that sets its own title may have written over it.
    """
    text = os.fsdecode(_read(pid, "environ"))
    return dict(part.split("=", 1) for part in text.split("\0") if "=" in part)


def _read(pid: int, file: str) -> bytes:
    """Empty when the process has ended, or belongs to somebody else."""
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except _GONE:
        return b""


def _lives(pid: int) -> bool:
    found = stat(pid)
    return found is not None and found.alive
