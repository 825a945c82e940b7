"""SIGHUP: a command to a daemon, the end of one whose terminal is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.daemon import signals
from fairlead.daemon.control import Ending


class Applies:
    """What a control is to a signal."""

    def __init__(self) -> None:
        self.applied = asyncio.Event()

    async def apply(self) -> list[str]:
        self.applied.set()
        return []


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Holds a word while there is one; the signals are as before afterwards."""
    present = {"terminal"}
    monkeypatch.setattr(signals, "has_terminal", lambda: bool(present))
    numbers = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield present
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


async def hang_up(begin: Any = None) -> tuple[bool, bool]:
    """Whether it applied, and whether it is asked to end."""
    control, ending = Applies(), Ending()
    signals.on_signals(lambda: ending.ask(keep=False), control.apply)
    if begin:
        begin()
    os.kill(os.getpid(), signal.SIGHUP)
    waits = [asyncio.create_task(control.applied.wait()), asyncio.create_task(ending.asked.wait())]
    await asyncio.wait(waits, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    assert not ending.keep
    return control.applied.is_set(), ending.asked.is_set()


async def test_with_its_terminal_it_applies(terminal: set[str]) -> None:
    assert await hang_up() == (True, False)


async def test_without_a_terminal_from_the_start_it_applies(terminal: set[str]) -> None:
    terminal.clear()
    assert await hang_up() == (True, False)


async def test_when_its_terminal_is_gone_it_ends(terminal: set[str]) -> None:
    assert await hang_up(terminal.clear) == (False, True)


async def test_under_nohup_it_never_ends_so(terminal: set[str]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert await hang_up(terminal.clear) == (True, False)


def test_a_process_of_its_own_session_has_no_terminal() -> None:
    code = "from fairlead.daemon.signals import has_terminal; print(has_terminal())"
    done = subprocess.run(
        [sys.executable, "-c", code], start_new_session=True, capture_output=True, check=True
    )
    assert done.stdout == b"False\n"
