"""Three nodes as on a VPC: network namespaces on one bridge, with addresses and loopbacks of their
own. Tasks of the local ECS run in their node's namespace, as do its agent and its nginx; ECS's API
and Knot answer at 10.0.1.1, each of two controllers has a host of its own, and the test is a host
more, so that its clients resolve and connect over that network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fairlead.rehearsal.rehearsal import Rehearsal
from tests.dns.knot import Knot, knot
from tests.integration.ecs_shop import define
from tests.integration.fleet import TOKEN, Seat
from tests.integration.named import Named
from tests.rehearsal.ground import rehearsal
from tests.spaces import Lan, Space, lan

NODES, CONTROLLERS, CLIENTS = (100, 101, 102), (10, 11), 50
PORT, HOOKS = 80, 7171
QUICK = {"path": "/health", "interval": "200ms", "timeout": "250ms", "fall": 2}
"""Noticed within 0.9 s."""
ORPHANS = {"orphan_after": "2s", "orphan_interval": "5s"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of ECS's API. `when` is monotonic."""

    when: float
    address: str
    name: str


class Vpc(Named):
    def __init__(self, folder: Path, network: Lan, ecs: Rehearsal, server: Knot) -> None:
        self.network = network
        self.hosts = [network.host(number) for number in CONTROLLERS]
        seats = [_seat(host, folder / "token") for host in self.hosts]
        super().__init__(folder, ecs, server, PORT, seats)
        self.agents, self.health = {**self.agents, **ORPHANS}, QUICK
        for number in NODES:
            host = network.host(number)
            ecs.add_node(address=host.address, space=host.name)

    def define(self, version: str = "1") -> str:
        """Register a revision of the task, with its drain sidecar."""
        drain = {
            "FAIRLEAD_HOOK_URL": f"http://{self.hosts[0].address}:{HOOKS}",
            "FAIRLEAD_HOOK_TOKEN": TOKEN,
            "FAIRLEAD_HOOK_TIMEOUT": "15",
        }
        return define(self.ecs, {"VERSION": version}, drain)

    @property
    def spaces(self) -> list[Space]:
        """Of the nodes."""
        return [Space(node.space, node.address) for node in self.nodes]


def _seat(host: Space, token: Path) -> Seat:
    hooks = {"listen": f"{host.address}:{HOOKS}", "token_file": str(token)}
    return Seat(f"{host.address}:7700", host.entered, {"hooks": hooks})


@asynccontextmanager
async def vpc(folder: Path) -> AsyncIterator[Vpc]:
    """Started, with three ready tasks; nothing of it is left afterwards."""
    async with AsyncExitStack() as stack:
        env = stack.enter_context(pytest.MonkeyPatch.context())
        env.delenv("AWS_PROFILE", raising=False)
        env.setenv("AWS_CONFIG_FILE", str(folder / "none"))
        network = stack.enter_context(lan("10.0.1"))
        stack.enter_context(network.host(CLIENTS).entered())
        (folder / "knot").mkdir()
        with network.bridge.entered():
            server = stack.enter_context(knot(folder / "knot", network.bridge.address))
            listen = f"{network.bridge.address}:0"
            ecs = await stack.enter_async_context(rehearsal(nodes=0, listen=listen))
        for name, value in ecs.environment().items():
            env.setenv(name, value)
        made = Vpc(folder, network, ecs, server)
        stack.push_async_callback(made.down)
        await made.start(made.define(), 3)
        yield made
