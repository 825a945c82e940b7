"""A whole cluster in a directory: a controller, and agents each with an nginx of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.load import Load
from fairlead.cli.client import Client
from fairlead.cli.place import Place
from fairlead.core.model import Event
from fairlead.journal import read
from tests.ground import PATIENCE, free_port, until
from tests.integration.cluster import CALLS, answers, names
from tests.rehearsal.ground import children

MARK = "FAIRLEAD_TEST_FLEET"
Within = Callable[[], AbstractContextManager[None]]
TOKEN = "only-for-tests-of-this-cluster"


class Daemon:
    """One process of fairlead, with its settings and state in a folder of its own. It is started
    `within` a context."""

    def __init__(
        self, role: str, folder: Path, settings: dict[str, Any], within: Within = nullcontext
    ) -> None:
        folder.mkdir()
        self.role, self.folder, self.settings, self.within = role, folder, settings, within
        self.file, self.state = folder / "fairlead.yaml", folder / ".fairlead"
        own = self.state / "controller" if role == "controller" else self.state
        self.client = Client(Place(self.file, own))
        self.process: subprocess.Popen[bytes] | None = None
        self.write()

    def write(self) -> None:
        self.file.write_text(yaml.safe_dump(self.settings))

    async def start(self) -> None:
        self.spawn()
        await self.there()

    def spawn(self) -> None:
        with (self.folder / "log").open("ab") as log, self.within():
            command = [sys.executable, "-m", "fairlead", self.role, "-f", str(self.file)]
            env = {**os.environ, MARK: str(self.folder.parent)}
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=env)

    async def there(self) -> None:
        """It answers."""
        await until(lambda: asyncio.to_thread(self.answers), self.log)

    def answers(self) -> bool:
        return answers(self.process, self.client, self.log)

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, PATIENCE)

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self.ended()

    def endpoints(self, name: str = "app") -> list[Any]:
        return list(self.client.status(name)["services"][0]["endpoints"])

    def events(self, since: int = 0) -> list[Event]:
        """From its journal, which does not need it."""
        own = self.state / "controller" if self.role == "controller" else self.state
        return [event for event in read(own / "events.jsonl") if event.seq > since]

    def log(self) -> str:
        logs = [self.folder / "log", self.state / "nginx" / "error.log"]
        return "\n---\n".join(path.read_text()[-3000:] for path in logs if path.exists())


@dataclass(frozen=True, slots=True)
class Seat:
    """Of a controller. `settings` are those that it alone has."""

    listen: str
    within: Within = nullcontext
    settings: Mapping[str, Any] = field(default_factory=dict)


class Fleet:
    """`services` are those of the controllers' settings, which every agent has too. Controllers
    share a lease, and agents know them all; by default there is one."""

    def __init__(
        self, folder: Path, services: dict[str, Any], seats: Sequence[Seat] = (), **settings: Any
    ) -> None:
        self._folder, self._services, self._settings = folder, services, settings
        self.token, self.lease = folder / "token", folder / "lease.json"
        self.token.write_text(TOKEN)
        self.controllers = [self._controller(n, s) for n, s in enumerate(seats or (_here(),))]
        self.controller = self.controllers[0]
        """The one that is to lead."""
        self.agents: list[Daemon] = []

    @property
    def port(self) -> int:
        return _place(self.controller.settings["controller"]["listen"])[1]

    def _controller(self, number: int, seat: Seat) -> Daemon:
        place = {
            "listen": seat.listen,
            "token_file": str(self.token),
            "lease": str(self.lease),
        }
        settings = self._shared(controller=place, **seat.settings)
        return Daemon("controller", self._folder / f"c{number}", settings, seat.within)

    def _shared(self, **more: Any) -> dict[str, Any]:
        return {"cluster": "test", "services": self._services, **self._settings, **more}

    def agent(
        self, node: str, *, listen: str = "", within: Within = nullcontext, **more: Any
    ) -> Daemon:
        """One more node; not started yet. `more` are keys of its agent section."""
        listens = [each.settings["controller"]["listen"] for each in self.controllers]
        place = {
            "controllers": [f"ws://{listen}" for listen in listens],
            "token_file": str(self.token),
            "node": node,
            "leave_timeout": "5s",
            **more,
        }
        settings = self._shared(agent=place, listen=listen or f"127.0.0.1:{free_port()}")
        made = Daemon("agent", self._folder / f"a{len(self.agents)}", settings, within)
        self.agents.append(made)
        return made

    async def start(self, *nodes: str) -> None:
        daemons = [self.controller, *(self.agent(node) for node in nodes)]
        for daemon in daemons:
            daemon.spawn()
        for daemon in daemons:
            await daemon.there()

    async def ready(self, count: int, name: str = "app", patience: float = PATIENCE) -> None:
        """The controller and every living agent see exactly so many endpoints, all ready."""
        for daemon in self.there():
            await self.until(daemon, ["ready"] * count, name, patience)

    async def until(
        self, daemon: Daemon, states: list[str], name: str = "app", patience: float = PATIENCE
    ) -> None:
        def found() -> bool:
            return [e["state"] for e in daemon.endpoints(name)] == states

        await until(lambda: asyncio.to_thread(_unless_refused, found), daemon.log, patience)

    def there(self) -> list[Daemon]:
        """The controller, and every living agent."""
        living = (a for a in self.agents if a.process is not None and a.process.poll() is None)
        return [self.controller, *living]

    def loads(
        self, clients: int = 4, host: str = "app.localhost", *, pause: float = 0.0
    ) -> list[Load]:
        """One for each node."""
        places = [_place(agent.settings["listen"]) for agent in self.agents]
        return [Load(clients, host, port, CALLS, address, pause=pause) for address, port in places]

    async def scaled(self, count: int) -> None:
        await asyncio.to_thread(self.controller.client.scale, "app", count)
        await self.ready(count)

    async def down(self) -> None:
        """Whatever is left of it is ended, by what names its directory."""
        for daemon in (*self.agents, *self.controllers):
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.send(signal.SIGCONT)
                daemon.send(signal.SIGKILL)
                await daemon.ended()
        await self._clear()

    async def _clear(self) -> None:
        """Asked first: nginx takes its workers along, who name nothing that they can be found by.
        Endpoints outlive their controller, and carry the mark that it had."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._left():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            with suppress(AssertionError):
                await until(lambda: not self._left(), patience=5)
        assert not self._left()

    def _left(self) -> set[int]:
        here = str(self._folder)
        named = {int(p.name) for p in Path("/proc").glob("[0-9]*") if names(p, here.encode())}
        return named | set(children(f"{MARK}={here}"))


def _here() -> Seat:
    return Seat(f"127.0.0.1:{free_port()}")


def _place(listen: str) -> tuple[str, int]:
    address, _, port = listen.rpartition(":")
    return address, int(port)


def _unless_refused(found: Any) -> Any:
    try:
        return found()
    except Exception:  # noqa: BLE001 - the daemon is not there, or knows no such service yet
        return False
