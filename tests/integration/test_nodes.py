"""The number of nodes follows what is wanted: nodes of an auto scaling group of the local ECS come,
are named, take copies, and go again, and no request fails."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fairlead.core.ecs.model import DRAINING
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.dns.knot import Knot, knot
from tests.ground import free_port, until
from tests.integration.clients import Clients
from tests.integration.ecs_shop import define
from tests.integration.fleet import Daemon, Fleet
from tests.integration.named import HEALTH, NAME, TTL, Named
from tests.rehearsal.ground import rehearsal

pytestmark = [pytest.mark.integration, pytest.mark.scaling]
PATIENCE = 120.0
NODES = {"asg": "web", "min": 1, "max": 3, "headroom": 0, "settle": "10s"}


class Following(Named):
    """Each node that the group starts begins an agent, as by its user data, and ends it when it
    ends. A node has room for three copies."""

    def __init__(self, folder: Path, ecs: Rehearsal, server: Knot, **nodes: Any) -> None:
        super().__init__(folder, ecs, server, free_port())
        self._policy = {**NODES, **nodes}
        self.scale: dict[str, Any] = {}
        self._running: dict[str, Daemon] = {}

    def _fleet(self) -> Fleet:
        app = {"service": "app", "container": "app", "routes": [NAME], "health": HEALTH}
        app |= {"scale": self.scale} if self.scale else {}
        place = {"server": f"{self.server.address}:{self.server.port}"}
        place["key_file"] = str(self.server.key_file)
        dns = {"provider": "rfc2136", "ttl": "1s", "rfc2136": place}
        ecs = {"cluster": "shop", "nodes": self._policy}
        return Fleet(self._folder, {"app": app}, platform="ecs", ecs=ecs, dns=dns)

    def _agent(self, node: Any) -> Daemon:
        made = self._running[node.arn] = super()._agent(node)
        return made

    async def start(self, definition: str, count: int) -> None:
        await super().start(definition, count)
        self._booting = asyncio.create_task(self._boot())

    async def _boot(self) -> None:
        while True:
            for node in self.nodes():
                if node.arn not in self._running:
                    self._agent(node).spawn()
            for arn in self._running.keys() - self.ecs.cluster.instances.keys():
                self._running.pop(arn).send(signal.SIGTERM)
            await asyncio.sleep(0.05)

    async def down(self) -> None:
        if hasattr(self, "_booting"):
            self._booting.cancel()
            with suppress(asyncio.CancelledError):
                await self._booting
        await super().down()

    def told(self, kind: str = "nodes") -> list[str]:
        return [e.message for e in self.fleet.controller.events() if e.kind == kind]

    async def tells(self, part: str, kind: str = "nodes") -> str:
        def found() -> str | None:
            return next((m for m in self.told(kind) if part in m), None)

        return str(await until(found, lambda: f"{part}\n{self.told(kind)}", PATIENCE))

    async def placed(self, count: int, nodes: int) -> None:
        def found() -> bool:
            where = [t.instance for t in self.ecs.cluster.of_service("app")]
            return len(where) == count and len(self.nodes()) == nodes

        await until(found, lambda: f"{count} on {nodes}\n{self.told()}", PATIENCE)


@pytest.fixture
async def ground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Rehearsal, Knot]]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "knot").mkdir()
    with knot(tmp_path / "knot") as server:
        async with rehearsal(nodes=1, asg="web", asg_max=5, memory=200) as ecs:
            for name, value in ecs.environment().items():
                monkeypatch.setenv(name, value)
            yield ecs, server
    shutil.rmtree(tmp_path, ignore_errors=True)


async def test_nodes_come_for_what_finds_no_place_and_go_when_it_is_wanted_no_more(
    ground: tuple[Rehearsal, Knot], tmp_path: Path
) -> None:
    ecs, server = ground
    shop = Following(tmp_path, ecs, server)
    try:
        await shop.start(define(ecs, {}, None), 2)
        clients = shop.clients()
        await clients.served()
        await asyncio.to_thread(shop.fleet.controller.client.scale, "app", 5)
        assert await shop.tells("no place for 2 of app") == (
            "2 nodes instead of 1: no place for 2 of app"
        )
        await shop.placed(5, 2)
        await shop.fleet.ready(5, patience=PATIENCE)
        await shop.answers({node.address for node in shop.nodes()})
        await clients.served()
        await asyncio.to_thread(shop.fleet.controller.client.scale, "app", 2)
        await shop.tells("is given up, and drains: for 10 s all that is wanted fits on the other 1")
        leaving = await until(
            lambda: next((n for n in shop.nodes() if n.status == DRAINING), None), "it drains"
        )
        stays = next(node for node in shop.nodes() if node.arn != leaving.arn)
        await shop.answers({stays.address})
        await shop.tells(f"{leaving.machine} is terminated, 1 are left")
        await shop.placed(2, 1)
        assert ecs.group.desired == 1
        await clients.served()
        assert await clients.over() == []
        assert not shop.told("problem")
    finally:
        await shop.down()


@pytest.mark.timeout(360)
async def test_load_that_wants_more_than_fits_brings_nodes_and_its_end_takes_them_away(
    ground: tuple[Rehearsal, Knot], tmp_path: Path
) -> None:
    """Eight clients, of whom each is always in flight, where one is wanted at an endpoint: six
    copies are asked for, of which three find a place at first."""
    ecs, server = ground
    shop = Following(tmp_path, ecs, server)
    shop.scale = {
        "min": 1, "max": 6, "targets": {"in-flight": 1}, "in": {"stabilisation": "10s"},
    }  # fmt: skip
    try:
        await shop.start(define(ecs, {}, None), 1)
        quiet = shop.clients(1)
        busy = Clients(shop.resolve, TTL, NAME, shop.port, 8, "/slow?0.2")
        told = await shop.tells("more are wanted than can be placed", "unplaceable")
        assert told.startswith("3 more are wanted than can be placed: memory on i-")
        assert await shop.tells("2 nodes instead of 1") == (
            "2 nodes instead of 1: no place for 3 of app"
        )
        await shop.placed(6, 2)
        await shop.fleet.ready(6, patience=PATIENCE)
        await busy.served(100)
        assert await busy.over() == []
        await shop.tells("is given up, and drains")
        await shop.tells("is terminated, 1 are left")
        await until(lambda: len(shop.nodes()) == 1, "one node is left", PATIENCE)
        await quiet.served()
        assert await quiet.over() == []
        assert not shop.told("problem")
    finally:
        await shop.down()


async def test_what_is_only_to_be_told_is_not_done(
    ground: tuple[Rehearsal, Knot], tmp_path: Path
) -> None:
    ecs, server = ground
    shop = Following(tmp_path, ecs, server, dry_run=True)
    try:
        await shop.start(define(ecs, {}, None), 2)
        await asyncio.to_thread(shop.fleet.controller.client.scale, "app", 5)
        await shop.tells("would be done: 2 nodes instead of 1: no place for 2 of app")
        assert ecs.group.desired == 1
    finally:
        await shop.down()


async def test_a_group_that_somebody_else_moves_is_left_alone(
    ground: tuple[Rehearsal, Knot], tmp_path: Path
) -> None:
    ecs, server = ground
    arn = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/web"
    ecs.ledger.providers["web"] = {
        "name": "web",
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": arn,
            "managedScaling": {"status": "ENABLED"},
        },
    }
    shop = Following(tmp_path, ecs, server)
    try:
        await shop.start(define(ecs, {}, None), 5 - 2)
        told = await shop.tells("capacity provider web has managed scaling", "problem")
        assert "set its managedScaling to DISABLED" in told
        assert not shop.told()
    finally:
        await shop.down()
