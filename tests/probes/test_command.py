"""Command checks with real programs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from fairlead.core.model import CheckKind, HealthCheck
from fairlead.probes.command import CommandProbe
from tests.ground import until


def shell(script: str, timeout: float = 10.0) -> HealthCheck:
    return HealthCheck(kind=CheckKind.COMMAND, command=("/bin/sh", "-c", script), timeout=timeout)


async def test_passes_on_exit_0_with_port_and_address(at) -> None:
    script = 'test "$1 $2 $PORT" = "127.0.0.1 20001 20001"'
    argv = ("/bin/sh", "-c", script, "check", "{address}", "{port}")
    check = HealthCheck(kind=CheckKind.COMMAND, command=argv, timeout=10.0)
    assert await CommandProbe().probe(check, at(20001)) == ""


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("exit 3", "exit 3"),
        ("echo first; echo 'no database' >&2; echo; exit 1", "exit 1: no database"),
        (r"printf 'a\033[31mred\007\n'; exit 1", "exit 1: a[31mred"),
        ("head -c 100000 /dev/zero | tr '\\0' x; echo; exit 1", "exit 1: " + "x" * 200),
        ("kill -TERM $$", "killed by SIGTERM"),
        (r"printf '\377\376'; exit 1", "exit 1: ��"),
    ],
)
async def test_the_last_line_says_why(at, script: str, problem: str) -> None:
    assert await CommandProbe().probe(shell(script), at(1)) == problem


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("/no/such/program",), "no such file or directory"),
        (("/etc",), "permission denied"),
        (("a\0b",), "embedded null byte"),
        ((), "no command is given"),
    ],
)
async def test_a_command_that_cannot_run(at, command: tuple[str, ...], why: str) -> None:
    check = HealthCheck(kind=CheckKind.COMMAND, command=command)
    problem = await CommandProbe().probe(check, at(1))
    assert problem.startswith("cannot run ")
    assert problem.endswith(why)


async def test_a_timeout_kills_the_whole_group(at, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    check = shell(f"sleep 300 & echo $! > {pid_file}.part; mv {pid_file}.part {pid_file}; wait", 1)
    assert await CommandProbe().probe(check, at(1)) == "timeout after 1.0 s"
    await until(lambda: not alive(int(pid_file.read_text())))


async def test_cancelling_kills_the_command(at, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    check = shell(f"echo $$ > {pid_file}.part; mv {pid_file}.part {pid_file}; sleep 300", 60)
    task = asyncio.create_task(CommandProbe().probe(check, at(1)))
    await until(pid_file.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(int(pid_file.read_text()))


async def test_a_child_that_is_left_behind_does_not_delay_the_verdict(at, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    began = time.monotonic()
    try:
        problem = await CommandProbe().probe(shell(f"sleep 300 & echo $! > {pid_file}"), at(1))
        assert problem == ""
        assert time.monotonic() - began < 5
    finally:
        os.kill(int(pid_file.read_text()), 9)


async def test_endless_output_is_read_and_bounded(at) -> None:
    assert await CommandProbe().probe(shell("yes", 0.3), at(1)) == "timeout after 0.3 s"


async def test_the_command_has_no_input(at) -> None:
    argv = (sys.executable, "-c", "import sys; sys.exit(len(sys.stdin.read()))")
    check = HealthCheck(kind=CheckKind.COMMAND, command=argv, timeout=20.0)
    assert await CommandProbe().probe(check, at(1)) == ""


async def test_nothing_is_left_open(at, open_files) -> None:
    await CommandProbe().probe(shell("exit 1"), at(1))
    before = open_files()
    for script in ("exit 0", "exit 1", "kill -9 $$"):
        await CommandProbe().probe(shell(script), at(1))
    assert open_files() <= before


def alive(pid: int) -> bool:
    """A zombie that its new parent has not yet reaped is dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
