"""What is held to one contract: a platform, each kind of it at work in a world of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from fairlead.clock import SystemClock
from fairlead.core.model import Container, Endpoint, Phase, Service
from fairlead.platforms.docker.platform import DockerPlatform
from fairlead.platforms.ecs.platform import EcsPlatform
from fairlead.ports import Platform
from tests.docker_engine import PrivateEngine
from tests.ground import until
from tests.platforms.ground import Ground, sleeper

LABELS = {"fairlead.service": "web", "fairlead.host": "web.localhost"}
OnEndpoint = Callable[[Endpoint], None]
Act = Callable[[], Awaitable[None]]


@dataclass
class World:
    """A platform at work; `again` opens another on what the last one left.

    `service` can be started, also as `newer`; `broken` cannot. `kill` ends an endpoint unasked.
    `away` and `back` are what the platform is read from, or writes to: they return when that is so;
    `sees` says that endpoints are known without it. `foreign` has somebody else run one that is
    labelled with LABELS, and returns how to end it. `add` makes a service where the platform keeps
    the counts, None where it does not.
    """

    open: Callable[[], Awaitable[Platform]]
    service: Service
    broken: Service
    notified: Callable[[], list[str]]
    kill: OnEndpoint
    away: Act
    back: Act
    newer: Service
    sees: bool = False
    foreign: Callable[[], Awaitable[Act]] | None = None
    add: Callable[[str], None] | None = None
    opened: list[Platform] = field(default_factory=list)

    @property
    def platform(self) -> Platform:
        return self.opened[-1]

    @property
    def counts(self) -> EcsPlatform | None:
        """The same where it keeps the counts."""
        return self.platform if isinstance(self.platform, EcsPlatform) else None

    async def again(self) -> None:
        if self.opened:
            await self.platform.close()
        self.opened.append(await self.open())

    async def start(self, service: Service) -> Endpoint:
        if self.counts:
            return await self._one_more(self.counts, service)
        return await self.platform.start(service)

    async def stop(self, endpoint: Endpoint, timeout: float = 30) -> None:
        await (self.counts.retire if self.counts else self.platform.stop)(endpoint, timeout)

    async def refuse(self) -> None:
        """Ask for one more where that cannot be: PlatformError."""
        if self.counts:
            await self.counts.resize(self.service, 9)
        else:
            await self.platform.start(self.service)

    async def _one_more(self, platform: EcsPlatform, service: Service) -> Endpoint:
        own = counted(service.name)
        if self.add and service.name != self.service.name:
            self.add(service.name)

        async def known() -> bool:
            return (await platform.observe([own])).desired is not None

        await until(known, "its count")
        before = await platform.observe([own])
        await platform.resize(own, (before.desired or 0) + 1)
        ids = {e.id for e in before.endpoints}

        async def new() -> list[Endpoint]:
            found = (await platform.observe([own])).endpoints
            return [e for e in found if e.id not in ids and e.phase is Phase.RUNNING]

        return (await until(new, "one more"))[0]


def counted(name: str) -> Service:
    return Service(name, container=Container(task_service=name))


def _kill_by_pid(endpoint: Endpoint) -> None:
    assert endpoint.pid
    os.kill(endpoint.pid, signal.SIGKILL)


@asynccontextmanager
async def process_world(tmp_path: Path) -> AsyncIterator[World]:
    """Nothing is ever found here that fairlead did not start. What may be away is the state
    directory; the processes themselves are known from the kernel."""
    ground = Ground(tmp_path / "state")
    elsewhere = tmp_path / "elsewhere"

    async def opened() -> Platform:
        return ground.platform()

    async def away() -> None:
        ground.state.rename(elsewhere)

    async def back() -> None:
        elsewhere.rename(ground.state)

    yield World(
        opened,
        sleeper("catalog"),
        Service("catalog", run=("no-such-program",)),
        lambda: [service for _, service in ground.notified],
        _kill_by_pid,
        away,
        back,
        newer=sleeper("catalog", env=(("VERSION", "2"),)),
        sees=True,
    )
    await ground.clear()


@asynccontextmanager
async def docker_world(engine: PrivateEngine) -> AsyncIterator[World]:
    notified: list[str] = []

    async def opened() -> Platform:
        return DockerPlatform("contract", engine.host, notified.append, SystemClock())

    async def foreign() -> Act:
        labels = [part for k, v in LABELS.items() for part in ("--label", f"{k}={v}")]
        theirs = await engine.run(*labels, "-p", "127.0.0.1::8080", engine.image)

        async def end() -> None:
            await engine.docker("stop", theirs)

        return end

    async def away() -> None:
        engine.kill()
        await noticed(world, away=True)

    async def back() -> None:
        engine.start()
        await noticed(world, away=False)

    service = Service("catalog", container=Container(engine.image))
    world = World(
        opened,
        service,
        replace(service, run=("no-such-program",)),
        lambda: notified,
        _kill_by_pid,
        away,
        back,
        newer=replace(service, env=(("VERSION", "2"),)),
        foreign=foreign,
    )
    yield world
    await world.platform.close()
    await engine.clear()


async def noticed(world: World, *, away: bool) -> None:
    async def so() -> bool:
        return (await world.platform.observe([world.service])).complete is not away

    await until(so, "its absence noticed" if away else "it is read again")
