"""A state directory with real processes in it, and nothing of them left afterwards."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

from fairlead import procfs
from fairlead.clock import SystemClock
from fairlead.core.model import Endpoint, Phase, Service
from fairlead.platforms.process import ProcessPlatform
from tests.ground import until

LISTEN = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
time.sleep(300)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def sleeper(name: str = "catalog", **more: object) -> Service:
    return Service(name, run=("sleep", "300"), **more)


def python(code: str, *arguments: str, name: str = "catalog", **more: object) -> Service:
    return Service(name, run=(sys.executable, "-c", code, *arguments), **more)


def shell(script: str, name: str = "catalog") -> Service:
    return Service(name, run=("sh", "-c", script))


def free_range(size: int) -> tuple[int, int]:
    """Ports in a row that nobody holds; below the kernel's own for outgoing connections."""
    for first in range(21000 + os.getpid() % 8000, 32000, size):
        if all(_is_free(port) for port in range(first, first + size)):
            return first, first + size - 1
    raise AssertionError("no free ports")


def is_alive(pid: int) -> bool:
    found = procfs.stat(pid)
    return found is not None and found.alive


class Ground:
    """Opens platforms on one state directory and writes down what they notify."""

    def __init__(self, state: Path) -> None:
        self.state, self.ports = state, free_range(40)
        self.notified: list[tuple[float, str]] = []
        self._open: list[ProcessPlatform] = []

    def platform(self, ports: tuple[int, int] | None = None) -> ProcessPlatform:
        platform = ProcessPlatform(self.state, ports or self.ports, self._note, SystemClock())
        self._open.append(platform)
        return platform

    async def clear(self) -> None:
        for platform in self._open:
            await platform.close()
        last = self.platform()
        await last.stop_all(0)
        await last.close()

    async def phase(self, platform: ProcessPlatform, endpoint: Endpoint, phase: Phase) -> Endpoint:
        await until(lambda: find(platform, endpoint).phase is phase, f"{endpoint} {phase}")
        return find(platform, endpoint)

    async def output(self, endpoint: Endpoint, holds: str = "\n") -> str:
        path = self.state / "logs" / endpoint.service / f"{endpoint.id}.log"
        await until(lambda: holds in path.read_text(), f"{holds!r} in {path}")
        return path.read_text()

    def _note(self, service: str) -> None:
        self.notified.append((time.monotonic(), service))


def find(platform: ProcessPlatform, endpoint: Endpoint) -> Endpoint:
    return next(e for e in platform.all() if e.id == endpoint.id)


async def killed(pid: int) -> None:
    """Kill -9, and see it gone."""
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not is_alive(pid), f"{pid} dead")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
