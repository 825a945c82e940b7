"""What a person at a terminal sees: colour, progress, a watched status. Through a real pty."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FAIRLEAD = [sys.executable, "-c", "from fairlead.cli.main import main; main()"]


class Terminal:
    """One command with a terminal for all three of its streams."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*FAIRLEAD, *arguments],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120", **variables},
        )
        os.close(slave)
        self.seen = b""

    def read_until(self, wanted: bytes) -> None:
        while wanted not in self.seen:
            self.seen += self._read() or pytest.fail(f"{wanted!r} never came: {self.seen!r}")

    def end(self) -> int:
        while chunk := self._read():
            self.seen += chunk
        os.close(self.master)
        return self.process.wait(10)

    def _read(self) -> bytes:
        try:
            return os.read(self.master, 65536)
        except OSError:  # so a pty says that its other side is closed
            return b""


def test_colour_on_a_terminal(daemon: Any, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "status", NO_COLOR="")
    assert terminal.end() == 0
    assert b"\x1b[32mready" in terminal.seen


def test_no_color_is_respected(daemon: Any, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "status", NO_COLOR="1")
    assert terminal.end() == 0
    assert b"ready" in terminal.seen
    assert b"[32m" not in terminal.seen


def test_waiting_shows_progress_that_is_wiped_away(daemon: Any, tmp_path: Path) -> None:
    daemon.control.lag = 0.5
    terminal = Terminal(tmp_path, "scale", "catalog", "2", "--wait")
    assert terminal.end() == 0
    assert b"\r\x1b[Kcatalog: 1 of 2 ready, 1 starting" in terminal.seen
    assert terminal.seen.endswith(b"\r\x1b[Kcatalog: 2 ready\r\n")


def test_a_watched_status_follows_and_leaves_the_terminal_as_it_was(
    daemon: Any, tmp_path: Path
) -> None:
    terminal = Terminal(tmp_path, "status", "--watch")
    terminal.read_until(b"catalog-20001")
    daemon.do(daemon.control.scale("catalog", 2))
    terminal.read_until(b"catalog-20003")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert b"\x1b[?1049h" in terminal.seen
    assert b"\x1b[?1049l" in terminal.seen
    assert b"Traceback" not in terminal.seen
