"""A whole fairlead in a directory of its own: settings, daemon, nginx, endpoints, and its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from bench.load import Call, Connection, Load
from fairlead.cli.client import Client
from fairlead.cli.place import Place
from tests.ground import PATIENCE, free_port, until

APP = Path(__file__).parent / "app.py"
_BODY = json.dumps({"item": "x" * 300}).encode()
CALLS = (
    Call("GET", "/a", expect=b"GET /a"),
    Call("POST", "/b", _BODY, expect=b"POST /b " + _BODY),
)


def service(**more: Any) -> dict[str, Any]:
    """A service of the test application, with checks that fit a test."""
    return {
        "run": [sys.executable, str(APP), "{port}"],
        "routes": ["app.localhost"],
        "replicas": 1,
        "health": {"path": "/health", "interval": "500ms"},
        **more,
    }


class RunningCluster:
    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.file, self.state = folder / "fairlead.yaml", folder / ".fairlead"
        self.port = free_port()
        self.settings = {"cluster": "test", "listen": f"127.0.0.1:{self.port}", **settings}
        self.write()
        self.daemon: subprocess.Popen[bytes] | None = None
        self.client = Client(Place(self.file, self.state))

    def write(self) -> None:
        self.file.write_text(yaml.safe_dump(self.settings))

    async def start(self) -> None:
        log = (self.state.parent / "daemon.log").open("ab")
        command = [sys.executable, "-m", "fairlead.daemon", str(self.file), str(self.state)]
        with log:
            self.daemon = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220
        daemon = self.daemon
        await self.until(lambda: answers(daemon, self.client, self.log), "the daemon answers")

    async def until(self, holds: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
        return await until(
            lambda: asyncio.to_thread(holds), lambda: f"{what}\n{self.log()}", patience
        )

    async def ready(self, count: int, name: str = "app", patience: float = PATIENCE) -> None:
        """Wait until exactly so many endpoints are there, all ready."""
        await self.until(
            lambda: [e["state"] for e in self.endpoints(name)] == ["ready"] * count,
            f"{name} has {count} ready endpoints",
            patience,
        )

    async def scaled(self, count: int, name: str = "app", patience: float = PATIENCE) -> None:
        await asyncio.to_thread(self.client.scale, name, count)
        await self.ready(count, name, patience)

    async def served(self, load: Load, more: int = 100) -> None:
        """Wait until so many requests more have been answered."""
        wanted = load.requests + more
        await self.until(lambda: load.requests > wanted, f"{more} requests more")

    def service(self, name: str = "app") -> Any:
        return self.client.status(name)["services"][0]

    def endpoints(self, name: str = "app") -> Any:
        return self.service(name)["endpoints"]

    def pids(self, name: str = "app") -> set[int]:
        return {e["pid"] for e in self.endpoints(name)}

    def event_kinds(self) -> list[str]:
        return [event["kind"] for event in self.client.events()]

    def load(self, clients: int = 8, host: str = "app.localhost", **more: Any) -> Load:
        """GET and POST with a body, each answer checked."""
        calls = more.pop("calls", None) or CALLS
        return Load(clients, host, self.port, calls, **more)

    async def get(self, path: str = "/", host: str = "app.localhost") -> Any:
        connection = await Connection.open("127.0.0.1", self.port)
        try:
            return await connection.send(Call("GET", path).render(host))
        finally:
            connection.close()

    def kill_daemon(self) -> None:
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()

    async def down(self) -> None:
        """End it as a user would; whatever survives that is killed and fails the test."""
        if self.daemon is None:
            return
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self.daemon.wait, 30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        left = self.left_over()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, f"processes survived: {left}\n{self.log()}"

    def left_over(self) -> list[int]:
        """Processes that name this cluster's directory in their command line."""
        mark = str(self.state).encode()
        return [int(p.name) for p in Path("/proc").glob("[0-9]*") if names(p, mark)]

    def log(self) -> str:
        logs = [self.state.parent / "daemon.log", self.state / "nginx" / "error.log"]
        events = self.state / "events.jsonl"
        texts = [path.read_text()[-3000:] for path in (*logs, events) if path.exists()]
        return "\n---\n".join(texts)


def answers(daemon: subprocess.Popen[bytes] | None, client: Client, log: Callable[[], str]) -> bool:
    assert daemon is not None
    assert daemon.poll() is None, log()
    try:
        client.status()
    except Exception:  # noqa: BLE001 - not yet there, in whatever way
        return False
    return True


def names(process: Path, mark: bytes) -> bool:
    if int(process.name) == os.getpid():
        return False
    try:
        return mark in (process / "cmdline").read_bytes()
    except OSError:
        return False
