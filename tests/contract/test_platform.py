"""What every platform that starts endpoints holds to; one body over all of them."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fairlead.clock import SystemClock
from fairlead.core.errors import PlatformError
from fairlead.core.model import Container, Endpoint, Phase, Service
from fairlead.platforms.docker.platform import DockerPlatform
from fairlead.ports import Platform
from tests.docker_engine import PrivateEngine
from tests.ground import until
from tests.platforms.ecs.ground import World as EcsGround
from tests.platforms.ground import Ground, sleeper


@dataclass
class World:
    """A platform at work. `reopen` lets go of it and opens another on what it left.

    `one_more` and `one_less` start and stop where the platform keeps a count by itself.
    """

    platform: Platform
    notified: Callable[[], list[str]]
    service: Service
    broken: Service
    kill: Callable[[Endpoint], None]
    reopen: Callable[[], Awaitable[Platform]]
    one_more: Callable[[Service], Awaitable[Endpoint]] | None = None
    one_less: Callable[[Endpoint, float], Awaitable[None]] | None = None

    async def start(self, service: Service) -> Endpoint:
        return await (self.one_more or self.platform.start)(service)

    async def stop(self, endpoint: Endpoint, timeout: float) -> None:
        await (self.one_less or self.platform.stop)(endpoint, timeout)


async def process_world(tmp_path: Path) -> AsyncIterator[World]:
    ground = Ground(tmp_path / "state")

    async def reopen() -> Platform:
        await world.platform.close()
        return ground.platform()

    def kill(endpoint: Endpoint) -> None:
        assert endpoint.pid
        os.kill(endpoint.pid, signal.SIGKILL)

    world = World(
        ground.platform(),
        lambda: [service for _, service in ground.notified],
        sleeper("catalog"),
        Service("catalog", run=("no-such-program",)),
        kill,
        reopen,
    )
    yield world
    await ground.clear()


async def docker_world(engine: PrivateEngine) -> AsyncIterator[World]:
    notified: list[str] = []

    def open_one() -> DockerPlatform:
        return DockerPlatform("contract", engine.host, notified.append, SystemClock())

    async def reopen() -> Platform:
        await world.platform.close()
        return open_one()

    def kill(endpoint: Endpoint) -> None:
        assert endpoint.pid
        os.kill(endpoint.pid, signal.SIGKILL)

    world = World(
        open_one(),
        lambda: notified,
        Service("catalog", container=Container(engine.image)),
        Service("catalog", run=("no-such-program",), container=Container(engine.image)),
        kill,
        reopen,
    )
    yield world
    await world.platform.close()
    await engine.clear()


async def ecs_world() -> AsyncIterator[World]:
    """On ECS endpoints come and go with the count; an end unasked is seen before it is replaced."""
    ground = EcsGround()
    ground.ecs.add("catalog", 0)
    ground.ecs.stops = True
    opened = [await ground.opened("catalog", interval=0.1)]

    async def one_more(service: Service) -> Endpoint:
        name, platform = service.name, opened[-1]
        if name not in ground.ecs.services:
            ground.ecs.add(name, 0)
        own = replace(service, container=Container(task_service=name))
        before = {e.id for e in (await platform.observe([own])).endpoints}
        await platform.resize(own, ground.ecs.services[name].desired + 1)

        async def new() -> list[Endpoint]:
            found = (await platform.observe([own])).endpoints
            return [e for e in found if e.id not in before and e.phase is Phase.RUNNING]

        return (await until(new, "one more"))[0]

    async def one_less(endpoint: Endpoint, timeout: float) -> None:
        await opened[-1].retire(endpoint, timeout)

    def kill(endpoint: Endpoint) -> None:
        ground.ecs.schedule = False
        task = endpoint.id.removeprefix("catalog-")
        ground.ecs.end(next(t for arn, t in ground.ecs.tasks.items() if f"/{task}" in arn))

    async def reopen() -> Platform:
        await opened[-1].close()
        opened.append(await ground.opened("catalog", interval=0.1))
        return opened[-1]

    service = Service("catalog", container=Container(task_service="catalog"))
    notified = lambda: [name for _, name in ground.notified]  # noqa: E731
    yield World(opened[0], notified, service, service, kill, reopen, one_more, one_less)
    await ground.close()


WORLDS = {
    "process": lambda request: process_world(request.getfixturevalue("tmp_path")),
    "docker": lambda request: docker_world(request.getfixturevalue("docker_engine")),
    "ecs": lambda _: ecs_world(),
}


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async for each in WORLDS[request.param](request):
        yield each


async def seen(world: World) -> list[Endpoint]:
    sighting = await world.platform.observe([world.service])
    assert sighting.complete
    return list(sighting.endpoints)


async def exited(world: World, endpoint: Endpoint) -> Endpoint:
    """The endpoint after it ended; the end itself must have been notified."""
    while (found := {e.id: e for e in await seen(world)}[endpoint.id]).phase is not Phase.EXITED:
        count = len(world.notified())
        await until(lambda count=count: len(world.notified()) > count, "a notice")
    return found


async def test_it_begins_with_nothing(world: World) -> None:
    assert await seen(world) == []


async def test_what_is_started_is_seen_on_one_of_the_nodes(world: World) -> None:
    endpoint = await world.start(world.service)
    assert endpoint.service == world.service.name
    assert endpoint.id.startswith(f"{world.service.name}-")
    assert endpoint.phase is Phase.RUNNING
    assert endpoint.revision == world.service.revision
    assert endpoint.port > 0
    assert endpoint.started > 0
    assert [e.id for e in await seen(world)] == [endpoint.id]
    assert endpoint.node in {node.id for node in await world.platform.nodes()}


async def test_each_endpoint_has_a_place_of_its_own(world: World) -> None:
    found = [await world.start(world.service) for _ in range(3)]
    assert len({e.id for e in found}) == len({(e.address, e.port) for e in found}) == 3


async def test_only_the_services_asked_for_are_seen(world: World) -> None:
    await world.start(replace(world.service, name="alerts"))
    assert await seen(world) == []


async def test_a_start_that_cannot_be_is_an_error_and_leaves_nothing(world: World) -> None:
    with pytest.raises(PlatformError, match=world.broken.name):
        await world.platform.start(world.broken)
    assert await seen(world) == []


async def test_a_stop_returns_at_once_and_its_end_is_notified(world: World) -> None:
    endpoint = await world.start(world.service)
    await world.stop(endpoint, 30)
    assert [e.phase for e in await seen(world)] == [Phase.STOPPING]
    ended = await exited(world, endpoint)
    assert ended.exit
    assert world.notified()[-1] == world.service.name


async def test_an_end_unasked_is_notified_and_kept_until_forgotten(world: World) -> None:
    endpoint = await world.start(world.service)
    world.kill(endpoint)
    ended = await exited(world, endpoint)
    assert ended.exit
    assert (await seen(world)) == [ended]
    await world.platform.forget(ended)
    assert await seen(world) == []


async def test_to_stop_or_forget_what_is_gone_is_no_error(world: World) -> None:
    endpoint = await world.start(world.service)
    await world.stop(endpoint, 30)
    await world.stop(endpoint, 30)
    ended = await exited(world, endpoint)
    await world.stop(ended, 30)
    for _ in range(2):
        await world.platform.forget(ended)
    await world.stop(ended, 30)
    assert await seen(world) == []


async def test_endpoints_outlive_it_and_are_found_again(world: World) -> None:
    endpoint = await world.start(world.service)
    world.platform = await world.reopen()
    assert await seen(world) == [endpoint]
    await world.stop(endpoint, 30)
    await exited(world, endpoint)
