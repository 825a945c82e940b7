"""What every platform that starts endpoints holds to; one body over all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairlead.core.errors import PlatformError
from fairlead.core.model import Endpoint, Phase, Service
from fairlead.ports import Discovery
from tests.contract.worlds import World
from tests.ground import until

DISCOVERING = ("docker", "ecs", "local ecs")


async def seen(world: World, service: Service | None = None) -> list[Endpoint]:
    sighting = await world.platform.observe([service or world.service])
    assert sighting.complete, sighting.problem
    return list(sighting.endpoints)


async def running(world: World, service: Service | None = None) -> list[Endpoint]:
    return [e for e in await seen(world, service) if e.phase is Phase.RUNNING]


async def find(world: World, endpoint: Endpoint, service: Service | None = None) -> Endpoint:
    return {e.id: e for e in await seen(world, service)}[endpoint.id]


async def exited(world: World, endpoint: Endpoint, service: Service | None = None) -> Endpoint:
    """The endpoint after it ended; the end itself must have been notified."""
    while (found := await find(world, endpoint, service)).phase is not Phase.EXITED:
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
    assert await find(world, ended) == ended
    await world.platform.forget(ended)
    left = [e.id for e in await seen(world)]
    assert ended.id not in left
    assert world.counts or left == []  # who keeps a count replaces it


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
    await world.again()
    assert await seen(world) == [endpoint]
    await world.stop(endpoint, 30)
    await exited(world, endpoint)


async def test_scaling_in_takes_the_chosen_ones_and_no_others(world: World) -> None:
    """Neither the oldest nor the youngest, which a platform might take by itself."""
    found = [await world.start(world.service) for _ in range(4)]
    stay = {found[0].id: found[0], found[3].id: found[3]}
    for victim in found[1:3]:
        await world.stop(victim)
        await world.platform.forget(await exited(world, victim))
    await settled(world)
    assert {e.id: e for e in await seen(world)} == stay
    new = await world.start(world.service)
    assert {e.id for e in await running(world)} == {*stay, new.id}


async def settled(world: World) -> None:
    """Nothing of what was asked for is still being done."""
    if world.counts:
        departures = world.counts._departures
        await until(lambda: not departures.busy(), "nobody on the way out")
        sighting = await world.platform.observe([world.service])
        assert sighting.desired == 2


async def test_a_roll_puts_the_new_beside_the_old_and_takes_these_one_by_one(world: World) -> None:
    old = [await world.start(world.service) for _ in range(2)]
    left = {e.id for e in old}
    for each in old:
        new = await world.start(world.newer)
        assert (await find(world, new, world.newer)).revision == world.newer.revision
        left.add(new.id)
        assert {e.id for e in await running(world, world.newer)} == left
        await world.stop(each)
        await world.platform.forget(await exited(world, each, world.newer))
        left.remove(each.id)
        assert {e.id for e in await running(world, world.newer)} == left
    assert {e.revision for e in await running(world, world.newer)} == {world.newer.revision}


@pytest.mark.parametrize("world", DISCOVERING, indirect=True)
async def test_what_others_run_is_discovered_by_its_labels(world: World) -> None:
    platform: Discovery = world.platform  # type: ignore[assignment]
    assert await platform.services() == ()
    mine = await world.start(world.service)
    assert world.foreign
    end = await world.foreign()
    (web,) = await until(platform.services, "the labelled service")
    assert (web.name, [route.host for route in web.routes]) == ("web", ["web.localhost"])
    (theirs,) = await until(lambda: running(world, web), "its endpoint")
    assert (theirs.service, theirs.port > 0) == ("web", True)
    assert theirs.id.startswith("web-")
    assert await seen(world) == [mine]
    world.notified().clear()
    await end()
    assert (await exited(world, theirs, web)).exit
    assert "web" in world.notified()


async def test_a_platform_that_is_away_takes_nothing_along(world: World) -> None:
    before = [await world.start(world.service) for _ in range(2)]
    await world.away()
    try:
        sighting = await world.platform.observe([world.service])
        assert list(sighting.endpoints) == before
        assert sighting.complete is world.sees
        assert bool(sighting.problem) is not world.sees
        with pytest.raises(PlatformError):
            await world.refuse()
        sighting = await world.platform.observe([world.service])
        assert list(sighting.endpoints) == before
    finally:
        await world.back()
    assert await seen(world) == before
    new = await world.start(world.service)
    assert {e.id for e in await running(world)} == {e.id for e in (*before, new)}


async def test_what_ends_while_it_is_away_is_seen_when_it_is_back(world: World) -> None:
    mine, other = [await world.start(world.service) for _ in range(2)]
    await world.away()
    try:
        world.kill(mine)
    finally:
        await world.back()
    assert (await exited(world, mine)).exit
    assert await find(world, other) == other
