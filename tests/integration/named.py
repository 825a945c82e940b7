"""A cluster of a local ECS whose nodes a real name server names: ground of tests on loopback
addresses, and on a network of namespaces."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from fairlead.core.ecs.model import Instance
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.dns.knot import Knot
from tests.ground import until
from tests.integration.clients import Clients
from tests.integration.ecs_shop import OnEcs
from tests.integration.fleet import Daemon, Fleet, Seat, Within
from tests.spaces import Space

NAME, TTL = "app.example.com", 1.0
PATIENCE = 60.0
HEALTH = {"path": "/health", "interval": "500ms"}


class Named(OnEcs):
    """Every node's nginx listens on `port`; `agents` are more keys of the agents' own section."""

    def __init__(
        self, folder: Path, ecs: Rehearsal, server: Knot, port: int, seats: Sequence[Seat] = ()
    ) -> None:
        self.ecs, self.server, self.port = ecs, server, port
        self.agents: dict[str, Any] = {"leave_timeout": "30s"}
        self.health: dict[str, Any] = HEALTH
        self._folder, self._seats = folder, seats

    async def start(self, definition: str, count: int) -> None:
        """The first controller and all agents: all ready, and named."""
        self.ecs.serve("app", definition, count)
        self.fleet = self._fleet()
        daemons: list[Daemon] = [self.fleet.controller, *map(self._agent, self.nodes())]
        for daemon in daemons:
            daemon.spawn()
        for daemon in daemons:
            await daemon.there()
        await self.fleet.ready(count, patience=PATIENCE)
        await self.answers({node.address for node in self.nodes()})

    async def down(self) -> None:
        if hasattr(self, "fleet"):
            await self.fleet.down()

    def _fleet(self) -> Fleet:
        app = {"service": "app", "container": "app", "routes": [NAME], "health": self.health}
        place = {
            "server": f"{self.server.address}:{self.server.port}",
            "key_file": self.server.key_file,
        }
        dns = {"provider": "rfc2136", "ttl": "1s", "rfc2136": place}
        settings = {"platform": "ecs", "ecs": {"cluster": "shop"}, "dns": dns}
        return Fleet(self._folder, {"app": app}, self._seats, **settings)

    def _agent(self, node: Instance) -> Daemon:
        within: Within = Space(node.space).entered if node.space else nullcontext
        listen = f"{node.address}:{self.port}"
        return self.fleet.agent(node.machine, listen=listen, within=within, **self.agents)

    async def resolve(self) -> set[str]:
        return await self.server.resolve(NAME, "A")

    def clients(self, count: int = 4) -> Clients:
        return Clients(self.resolve, TTL, NAME, self.port, count)

    async def answers(self, addresses: set[str], patience: float = PATIENCE) -> None:
        async def found() -> bool:
            return await self.resolve() == addresses

        await until(
            found, lambda: f"{NAME} is {addresses}\n{self.fleet.controller.log()}", patience
        )
