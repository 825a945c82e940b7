from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead import procfs


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    program = tmp_path / "a ) R (b"  # its name is in the stat file, and cannot fool us
    program.symlink_to("/bin/sleep")
    with (
        (tmp_path / "out").open("wb") as out,
        subprocess.Popen(
            [program, "300"], stdout=out, env={"A": "b=c", "E": ""}, start_new_session=True
        ) as process,
    ):
        yield process
        process.kill()


def test_a_process_is_known_by_pid_and_start(child: subprocess.Popen[bytes]) -> None:
    found = procfs.stat(child.pid)
    assert found
    assert found.alive
    assert procfs.is_alive(child.pid, found.ticks)
    assert not procfs.is_alive(child.pid, found.ticks + 1)


def test_a_zombie_is_not_alive(child: subprocess.Popen[bytes]) -> None:
    found = procfs.stat(child.pid)
    assert found
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not procfs.is_alive(child.pid, found.ticks)
    assert child.pid in dict(procfs.sessions())
    assert procfs.session_members(child.pid) == []
    child.wait()
    assert procfs.stat(child.pid) is None


def test_sessions_have_their_members(child: subprocess.Popen[bytes]) -> None:
    assert procfs.session_members(child.pid) == [child.pid]
    assert os.getpid() in procfs.session_members(os.getsid(0))


def test_outputs_and_environment(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert tmp_path / "out" in procfs.outputs(child.pid)
    assert procfs.environment(child.pid) == {"A": "b=c", "E": ""}
    assert procfs.command_line(child.pid).endswith("/a ) R (b 300")


def test_what_is_gone_has_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert procfs.stat(process.pid) is None
    assert list(procfs.outputs(process.pid)) == []
    assert procfs.environment(process.pid) == {}
    assert procfs.command_line(process.pid) == ""


def test_the_boot_id_stays() -> None:
    assert len(procfs.boot_id()) == 36
    assert procfs.boot_id() == procfs.boot_id()
