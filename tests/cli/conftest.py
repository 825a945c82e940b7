"""The command line against a real API on a real socket, with a Control in memory behind it."""

from __future__ import annotations

import asyncio
import runpy
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.server import serve
from fairlead.cli.main import run

STUB = Path(__file__).parents[1] / "api" / "stub_daemon.py"
StubControl = runpy.run_path(str(STUB))["StubControl"]


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str


Fairlead = Callable[..., Result]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("FAIRLEAD_STATE", "FAIRLEAD_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / ".fairlead"


@pytest.fixture
def fairlead(state: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Fairlead:
    """Runs one command in this process."""

    def call(*arguments: object) -> Result:
        try:
            status = run([str(argument) for argument in arguments])
        except SystemExit as end:  # click ends a shell's completion so
            status = int(end.code or 0)
        out, err = capfdbinary.readouterr()
        return Result(status, out.decode(), err.decode())

    return call


class Daemon:
    """The stub's loop, in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()))

    def __enter__(self) -> Daemon:
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _live(self) -> None:
        self.control: Any = StubControl()
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with serve(self.control, self.path):
            self._up.set()
            await self._end.wait()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


@pytest.fixture
def daemon(state: Path) -> Iterator[Daemon]:
    with Daemon(state / "fairlead.sock") as running:
        yield running
