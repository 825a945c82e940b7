"""ECS twice: as the small strict fake, quick and exact, and as `fairlead rehearse`: the real client
over a real wire, a scheduler of its own, real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from fairlead.clock import SystemClock
from fairlead.core.model import Ecs, Endpoint
from fairlead.platforms.ecs.platform import EcsPlatform
from fairlead.ports import Platform
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.contract.relay import Relay
from tests.contract.worlds import LABELS, Act, World, counted, noticed
from tests.platforms.ecs.fake import FakeEcs
from tests.platforms.ecs.ground import Told
from tests.platforms.ecs.ground import World as EcsGround
from tests.rehearsal.ground import children, rehearsal


@asynccontextmanager
async def ecs_world() -> AsyncIterator[World]:
    ground = EcsGround()
    ecs = ground.ecs
    ecs.add("catalog", 0)
    ecs.stops = True

    async def opened() -> Platform:
        return await ground.opened("catalog", interval=0.1)

    def kill(endpoint: Endpoint) -> None:
        part = endpoint.id.rpartition("-")[2]
        ecs.end(next(t for arn, t in ecs.tasks.items() if f"/{part}" in arn))

    async def foreign() -> Act:
        ports = [{"containerPort": 8080, "hostPort": 0}]
        container = {"name": "app", "portMappings": ports, "dockerLabels": LABELS}
        theirs = ecs.add("web-service", 1, containerDefinitions=[container])

        async def end() -> None:
            theirs.desired = 0

        return end

    async def away() -> None:
        ecs.hook = _unreachable
        await noticed(world, away=True)

    async def back() -> None:
        ecs.hook = FakeEcs().hook
        await noticed(world, away=False)

    world = World(
        opened,
        counted("catalog"),
        counted("catalog"),
        lambda: [name for _, name in ground.notified],
        kill,
        away,
        back,
        newer=counted("catalog"),
        foreign=foreign,
        add=lambda name: ecs.add(name, 0) and None,
    )
    yield world
    await ground.close()


def _unreachable(operation: str, _: object) -> None:
    raise EndpointConnectionError(endpoint_url=f"https://ecs.example.com/{operation}")


@asynccontextmanager
async def local_ecs_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[World]:
    """Its API is reached through a relay, so that it can be out of reach while its tasks run on."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    async with rehearsal(nodes=2) as ecs, Relay(ecs.url) as relay:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value.replace(ecs.url, relay.url))
        world = _LocalEcs(ecs, relay).world()
        yield world
        for platform in world.opened:
            await platform.close()


class _LocalEcs:
    def __init__(self, ecs: Rehearsal, relay: Relay) -> None:
        self._ecs, self._relay = ecs, relay
        self._notified: list[str] = []
        self._service = counted("catalog")
        self._add("catalog")

    def world(self) -> World:
        self._world = World(
            self._opened,
            self._service,
            self._service,
            lambda: self._notified,
            self._kill,
            self._away,
            self._back,
            newer=self._service,
            foreign=self._foreign,
            add=self._add,
        )
        return self._world

    def _add(self, name: str, count: int = 0, **more: Any) -> None:
        definition = self._ecs.define(name, "sleep", "300", memory=64, **more)
        self._ecs.serve(name, definition, count)

    async def _opened(self) -> Platform:
        settings = Ecs(cluster="shop", interval=0.3)
        platform = EcsPlatform(settings, self._notified.append, SystemClock(), Told())
        await platform.observe([self._service])
        await platform.open()
        return platform

    def _kill(self, endpoint: Endpoint) -> None:
        """The program of its task's only container, by the container's id, which it is told."""
        part = endpoint.id.rpartition("-")[2]
        arns = self._ecs.call("ListTasks", cluster="shop", serviceName=endpoint.service)["taskArns"]
        mine = [arn for arn in arns if f"/{part}" in arn]
        found = self._ecs.call("DescribeTasks", cluster="shop", tasks=mine)["tasks"]
        for pid in children(found[0]["containers"][0]["runtimeId"]):
            os.kill(pid, signal.SIGKILL)

    async def _foreign(self) -> Act:
        self._add("web-service", 1, dockerLabels=LABELS)
        fewer = {"cluster": "shop", "service": "web-service", "desiredCount": 0}

        async def end() -> None:
            self._ecs.call("UpdateService", **fewer)

        return end

    async def _away(self) -> None:
        await self._relay.cut()
        await noticed(self._world, away=True)

    async def _back(self) -> None:
        await self._relay.open()
        await noticed(self._world, away=False)
