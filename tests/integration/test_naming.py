"""Three nodes of a local ECS, named by a real name server: who honours the TTL loses no request."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.load import Call, Connection, Failed
from fairlead.rehearsal.model import Instance
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.dns.knot import Knot, knot
from tests.ground import free_port, until
from tests.integration.cluster import APP
from tests.integration.fleet import Daemon, Fleet
from tests.rehearsal.ground import rehearsal

pytestmark = pytest.mark.integration
NAME, TTL = "app.example.com", 1.0
PATIENCE = 60.0


class Named:
    """A cluster of three nodes whose nginx all listen on the same port, and their name."""

    def __init__(self, folder: Path, ecs: Rehearsal, server: Knot) -> None:
        self.ecs, self.server, self.port = ecs, server, free_port()
        app = {
            "service": "app",
            "routes": [NAME],
            "health": {"path": "/health", "interval": "500ms"},
        }
        dns = {
            "provider": "rfc2136",
            "ttl": "1s",
            "rfc2136": {"server": f"127.0.0.1:{server.port}", "key_file": server.key_file},
        }
        settings = {"platform": "ecs", "ecs": {"cluster": "shop"}, "dns": dns}
        self.fleet = Fleet(folder, {"app": app}, **settings)

    @property
    def nodes(self) -> list[Instance]:
        return list(self.ecs.cluster.instances.values())

    async def start(self) -> None:
        argv = ["python3", str(APP), "{port}"]
        self.ecs.serve("app", self.ecs.define("app", *argv, memory=64), 3)
        agents = [
            self.fleet.agent(n.machine, listen=f"{n.address}:{self.port}", leave_timeout="30s")
            for n in self.nodes
        ]
        daemons: list[Daemon] = [self.fleet.controller, *agents]
        for daemon in daemons:
            daemon.spawn()
        for daemon in daemons:
            await daemon.there()
        await self.fleet.ready(3, patience=PATIENCE)
        await self.answers({node.address for node in self.nodes})

    async def resolve(self) -> set[str]:
        return await self.server.resolve(NAME, "A")

    async def answers(self, addresses: set[str], patience: float = PATIENCE) -> None:
        async def found() -> bool:
            return await self.resolve() == addresses

        await until(found, f"{NAME} is {addresses}\n{self.fleet.controller.log()}", patience)


class Clients:
    """Each resolves the name, keeps the answer for the TTL, and asks one of the addresses."""

    def __init__(self, named: Named, count: int = 4) -> None:
        self._named, self._over = named, False
        self.failed: list[str] = []
        self.answered: Counter[str] = Counter()
        self._tasks = [asyncio.create_task(self._ask()) for _ in range(count)]

    async def _ask(self) -> None:
        addresses, until_then = [""], 0.0
        while not self._over:
            if time.monotonic() >= until_then:
                addresses, until_then = sorted(await self._named.resolve()), time.monotonic() + TTL
            await self._once(random.choice(addresses))

    async def _once(self, address: str) -> None:
        try:
            async with asyncio.timeout(10):
                connection = await Connection.open(address, self._named.port)
                try:
                    answer = await connection.send(Call("GET", "/a").render(NAME))
                finally:
                    connection.close()
            assert answer.status == 200, answer.status
            self.answered[answer.headers["x-instance"]] += 1
        except (OSError, EOFError, TimeoutError, Failed, AssertionError) as error:
            self.failed.append(f"{address}: {error!r}")

    async def served(self, more: int = 200) -> None:
        wanted = self.answered.total() + more
        await until(lambda: self.answered.total() >= wanted, "served")

    async def over(self) -> list[str]:
        self._over = True
        await asyncio.gather(*self._tasks)
        return self.failed


@pytest.fixture
async def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Named]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "knot").mkdir()
    with knot(tmp_path / "knot") as server:
        async with rehearsal(nodes=3) as ecs:
            for name, value in ecs.environment().items():
                monkeypatch.setenv(name, value)
            made = Named(tmp_path, ecs, server)
            try:
                await made.start()
                yield made
            finally:
                await made.fleet.down()
    shutil.rmtree(tmp_path, ignore_errors=True)


async def test_every_node_answers_for_every_endpoint_and_evenly(named: Named) -> None:
    clients = Clients(named)
    await until(lambda: clients.answered.total() >= 3000, "3,000 requests", PATIENCE)
    assert await clients.over() == []
    assert len(clients.answered) == 3
    share = clients.answered.total() / 3
    assert all(0.85 * share < n < 1.15 * share for n in clients.answered.values())


async def test_a_node_that_ends_is_out_of_dns_and_its_ttl_over_before_it_stops(
    named: Named,
) -> None:
    clients = Clients(named)
    await clients.served()
    leaving, agent = named.nodes[0], named.fleet.agents[0]
    agent.send(signal.SIGTERM)
    await named.answers({node.address for node in named.nodes[1:]})
    gone = time.monotonic()
    assert await agent.ended() == 0
    assert time.monotonic() - gone > TTL / 2
    await clients.served()
    assert await clients.over() == []
    assert leaving.address not in await named.resolve()


async def test_a_node_that_ecs_drains_leaves_dns(named: Named) -> None:
    named.ecs.call(
        "UpdateContainerInstancesState",
        cluster="shop",
        containerInstances=[named.nodes[2].arn],
        status="DRAINING",
    )
    named.ecs.call("UpdateService", cluster="shop", service="app", desiredCount=3)
    await named.answers({node.address for node in named.nodes[:2]}, 90.0)


async def test_a_node_that_dies_is_withdrawn_within_ten_seconds(named: Named) -> None:
    agent = named.fleet.agents[1]
    nginx = agent.client.status()["proxy"]["pid"]
    assert nginx
    workers = Path(f"/proc/{nginx}/task/{nginx}/children").read_text().split()  # noqa: ASYNC240
    await agent.kill()
    for pid in (nginx, *map(int, workers)):
        os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    await named.answers({n.address for n in named.nodes if n is not named.nodes[1]})
    assert time.monotonic() - began < 10
