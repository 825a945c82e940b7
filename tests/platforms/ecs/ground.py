"""A platform over the fake ECS, and what it notified and told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from fairlead.aws.client import Aws
from fairlead.aws.pace import Pace
from fairlead.clock import SystemClock
from fairlead.core.model import Container, Ecs, Endpoint, Phase, Service, Sighting
from fairlead.platforms.ecs.platform import EcsPlatform
from tests.ground import until
from tests.platforms.ecs.fake import CLUSTER, FakeEcs


@dataclass
class Told:
    """Implements ports.Journal."""

    events: list[tuple[str, str, str]] = field(default_factory=list)

    def record(self, kind: str, service: str, message: str, endpoint: str = "") -> None:
        self.events.append((kind, service, message))

    def of(self, kind: str) -> list[str]:
        return [message for k, _, message in self.events if k == kind]


def service(name: str = "catalog", **container: object) -> Service:
    return Service(name, container=Container(task_service=name, **container))


class World:
    def __init__(self, ecs: FakeEcs | None = None) -> None:
        self.ecs = ecs or FakeEcs()
        self.told = Told()
        self.notified: list[tuple[float, str]] = []
        self._open: list[EcsPlatform] = []

    def platform(self, **settings: object) -> EcsPlatform:
        ecs = Ecs(**{"cluster": CLUSTER, "interval": 0.5, **settings})
        clock = SystemClock()
        aws = Aws(lambda: self.ecs, clock, Pace(1000, 1000))
        platform = EcsPlatform(ecs, self._note, clock, self.told, aws)
        self._open.append(platform)
        return platform

    async def opened(self, *names: str, **settings: object) -> EcsPlatform:
        """One that has read all about these services."""
        platform = self.platform(**settings)
        await platform.observe([service(name) for name in names])
        await platform.open()
        return platform

    async def close(self) -> None:
        for platform in self._open:
            await platform.close()

    def _note(self, name: str) -> None:
        self.notified.append((time.monotonic(), name))


async def sight(platform: EcsPlatform, name: str = "catalog") -> Sighting:
    return await platform.observe([service(name)])


async def endpoints(platform: EcsPlatform, name: str = "catalog") -> list[Endpoint]:
    sighting = await sight(platform, name)
    assert sighting.complete, sighting.problem
    return list(sighting.endpoints)


async def running(platform: EcsPlatform, count: int, name: str = "catalog") -> list[Endpoint]:
    async def found() -> list[Endpoint] | None:
        mine = [e for e in (await sight(platform, name)).endpoints if e.phase is Phase.RUNNING]
        return mine if len(mine) == count else None

    result = await until(found, f"{count} of {name} running", 10)
    return list(result)
