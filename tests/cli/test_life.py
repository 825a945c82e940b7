"""up and down, with the stub daemon as a process of its own."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fairlead.cli.client import Client
from fairlead.cli.place import Place
from fairlead.cli.up import tell_event
from fairlead.core.errors import DaemonError
from fairlead.core.model import Event

# A detached daemon is meant to outlive the command that started it.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

STUB = Path(__file__).parents[1] / "api" / "stub_daemon.py"


def behave(file: Path, words: str) -> None:
    """Settings that are in order, with what the stub is to do as comments in them."""
    comments = "".join(f"# {line}\n" for line in words.splitlines())
    file.write_text(f"{comments}services: {{}}\n")


@pytest.fixture
def file(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The settings file, which tells the stub how to behave; what runs at the end is ended."""
    monkeypatch.setattr("fairlead.cli.detach.DAEMON", (sys.executable, str(STUB)))
    file = state.parent / "fairlead.yaml"
    behave(file, "lag 0.2")
    yield file
    with suppress(DaemonError, ProcessLookupError):
        os.kill(Client(Place.of(file)).pid(), signal.SIGKILL)


def test_up_detached_waits_until_all_is_ready(fairlead: Any, file: Path) -> None:
    begin = time.monotonic()
    result = fairlead("up", "--detach")
    assert (result.status, result.err) == (0, "")
    assert time.monotonic() - begin >= 0.2
    assert "catalog  1 of 1 ready" in result.out
    assert os.getsid(Client(Place.of(file)).pid()) != os.getsid(0)


def test_a_second_up_is_refused(fairlead: Any, file: Path) -> None:
    assert fairlead("up", "--detach").status == 0
    pid = Client(Place.of(file)).pid()
    result = fairlead("up", "--detach")
    assert result.status == 1
    assert f"already running for {file.parent}/.fairlead (pid {pid})" in result.err


@pytest.mark.parametrize("status", [1, 2])
def test_a_daemon_that_does_not_start_gives_its_reason(
    fairlead: Any, file: Path, state: Path, status: int
) -> None:
    state.mkdir()
    (state / "daemon.log").write_text("words of an earlier one\n")
    behave(file, f"exit {status} nginx is not installed\nrun: apt-get")
    result = fairlead("up", "--detach")
    assert result.status == status
    assert result.err == "some warning\nfairlead: nginx is not installed\nfairlead: run: apt-get\n"


def test_a_daemon_that_dies_otherwise_is_told_with_its_status(fairlead: Any, file: Path) -> None:
    behave(file, "exit 70 out of luck")
    result = fairlead("up", "--detach")
    assert result.status == 1
    assert "the daemon ended with 70: out of luck" in result.err


def test_up_that_is_not_ready_in_time_says_what_is_missing(fairlead: Any, file: Path) -> None:
    behave(file, "lag 60")
    result = fairlead("up", "--detach", "--timeout", "0.2")
    assert result.status == 1
    assert "catalog: 0 of 1 ready, 1 starting; frontend: 0 of 1 ready" in result.err
    assert "catalog-20001" in result.out


@pytest.mark.parametrize("keep", [False, True])
def test_down_returns_when_the_daemon_is_gone(
    fairlead: Any, file: Path, state: Path, keep: bool
) -> None:
    assert fairlead("up", "--detach").status == 0
    result = fairlead("down", *(["--keep"] if keep else []))
    assert result.status == 0
    assert (state / "ended").read_text() == f"keep={keep}"
    assert fairlead("down", "--keep").status == 1
    result = fairlead("down")
    assert (result.status, result.out) == (0, "nothing is running\n")


def test_down_where_fairlead_never_ran_fails(fairlead: Any, state: Path) -> None:
    result = fairlead("down")
    assert (result.status, result.out) == (1, "")
    assert not state.exists()


@pytest.mark.parametrize("how", [["--detach"], []])
def test_up_with_a_bad_file_tells_every_mistake_and_leaves_no_trace(
    fairlead: Any, file: Path, state: Path, how: list[str]
) -> None:
    file.write_text("servces: {}\nlisten: 0\nports: 1\n")
    result = fairlead("up", *how)
    assert result.status == 2
    lines = result.err.splitlines()
    assert [line.split(" ")[1] for line in lines] == [f"fairlead.yaml:{n}:" for n in (1, 2, 3)]
    assert not state.exists()


def test_up_with_a_state_directory_that_is_none(
    fairlead: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRLEAD_STATE", "/dev/full")
    result = fairlead("up", "--detach")
    assert result.status == 1
    assert "cannot use /dev/full for state" in result.err
    assert "FAIRLEAD_STATE" in result.err


def test_up_stops_waiting_for_a_service_that_is_given_up(fairlead: Any, file: Path) -> None:
    behave(file, "given-up 20")
    begin = time.monotonic()
    result = fairlead("up", "--detach", "--timeout", "60")
    assert time.monotonic() - begin < 15
    assert result.status == 1
    assert "fairlead: given up: catalog: 0 of 1 ready" in result.err
    assert "fairlead down" in result.err


def test_down_that_takes_too_long_fails(fairlead: Any, file: Path, state: Path) -> None:
    assert fairlead("up", "--detach").status == 0
    pid = Client(Place.of(file)).pid()
    result = fairlead("down", "--timeout", "0")
    assert result.status == 1
    assert f"(pid {pid}) has not ended after 0 s" in result.err
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)


def test_down_stops_what_a_killed_daemon_left(fairlead: Any, file: Path, state: Path) -> None:
    (state / "endpoints").mkdir(parents=True)
    (state / "endpoints" / "catalog-1.json").write_text("{}")
    assert fairlead("down", "--keep").status == 1
    result = fairlead("down")
    assert result.status == 0
    assert "starting one to stop what the last one left" in result.err
    assert (state / "ended").read_text() == "keep=False"


def test_a_follower_of_a_killed_daemon_says_that_it_is_lost(fairlead: Any, file: Path) -> None:
    assert fairlead("up", "--detach").status == 0
    pid = Client(Place.of(file)).pid()
    killer = threading.Timer(0.5, os.kill, (pid, signal.SIGKILL))
    killer.start()
    result = fairlead("events", "--follow")
    killer.join()
    assert result.status == 1
    assert "the connection to the daemon of" in result.err


def test_up_prints_events_and_survives_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    event = Event(1, time.time(), "ready", "catalog", "passed \x1b[2J", "catalog-1")
    monkeypatch.setattr("sys.stdout", out := io.StringIO())
    tell_event(event)
    assert out.getvalue().endswith(f"{'catalog/catalog-1':<28}  passed \\x1b[2J\n")
    out.close()
    tell_event(event)
