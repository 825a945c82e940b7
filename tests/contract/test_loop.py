"""What the loop makes of every platform: drains, rolls and scales, and restarts in their midst."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.pilot import NAME, Pilot
from tests.contract.worlds import World

REMEMBERING = ("ecs", "local ecs")


async def piloted(world: World, count: int) -> Pilot:
    """So many endpoints up, under the loop."""
    for _ in range(count):
        await world.start(world.service)
    pilot = Pilot(world, count)
    await pilot.settled(count)
    return pilot


async def kept(pilot: Pilot, count: int) -> None:
    """Where the platform keeps a count it is this one, and the loop wants no other."""
    assert pilot.loop.tracked[NAME].service.replicas == count
    if pilot.world.counts:
        sighting = await pilot.world.platform.observe([pilot.world.service])
        assert sighting.desired == count


def drain(pilot: Pilot) -> str:
    """Somebody has the second of three drained."""
    victim = sorted(pilot.up())[1]
    pilot.commands.drain(NAME, victim)
    return victim


def scale(pilot: Pilot) -> str:
    """Somebody scales to two; who goes is the loop's choice, and known when it is made."""
    pilot.commands.scale(NAME, 2)
    return ""


async def begun(pilot: Pilot, how: Callable[[Pilot], str]) -> str:
    """Who is draining now, with a request that does not end."""
    before = pilot.up()
    pilot.proxy.in_flight = dict.fromkeys(before, 1)
    how(pilot)
    await pilot.until(lambda: before - pilot.up(), "one withdrawn")
    (victim,) = before - pilot.up()
    pilot.out = {victim}
    return victim


@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("how", [drain, scale])
async def test_a_drain_waits_for_its_last_request_and_takes_only_its_own(
    world: World, how: Callable[[Pilot], str], restarted: bool
) -> None:
    """Also when fairlead is restarted in its middle."""
    pilot = await piloted(world, 3)
    before = pilot.up()
    victim = await begun(pilot, how)
    count = 3 if how is drain else 2
    await pilot.until(lambda: len(pilot.up()) == count, "those that are to stay")
    if restarted:
        await pilot.restart()
        await pilot.until(lambda: len(pilot.up()) == count, "those that are to stay")
    assert victim in pilot.living()
    pilot.proxy.in_flight = {}
    assert before - {victim} <= await pilot.settled(count)
    await kept(pilot, count)


@pytest.mark.parametrize("how", [drain, scale])
@pytest.mark.parametrize("world", REMEMBERING, indirect=True)
async def test_a_drain_is_remembered_in_the_cluster_itself(
    world: World, how: Callable[[Pilot], str]
) -> None:
    """The proxy and its table are lost with fairlead: another machine takes over."""
    pilot = await piloted(world, 3)
    before = pilot.up()
    victim = await begun(pilot, how)
    count = 3 if how is drain else 2
    await pilot.until(lambda: len(pilot.up()) == count, "those that are to stay")
    await pilot.restart(proxy_lost=True)
    assert before - {victim} <= await pilot.settled(count)
    await kept(pilot, count)


async def test_what_was_drained_and_gone_before_a_restart_is_over(world: World) -> None:
    pilot = await piloted(world, 3)
    victim = await begun(pilot, drain)
    await pilot.until(lambda: len(pilot.up()) == 3, "another in its place")
    pilot.proxy.in_flight = {}
    await pilot.until(lambda: victim not in pilot.living(), "it is gone")
    await pilot.restart()
    await pilot.settled(3)
    await kept(pilot, 3)


async def test_a_restart_of_all_keeps_as_many_up_as_before(world: World) -> None:
    pilot = await piloted(world, 2)
    before = pilot.up()
    pilot.fewest = 2
    pilot.commands.restart(NAME)
    await pilot.until(lambda: not before & pilot.living(), "all are replaced")
    await pilot.settled(2)
    assert pilot.fewest == 2
    await kept(pilot, 2)


async def test_a_restart_of_all_goes_on_after_one_of_fairlead(world: World) -> None:
    pilot = await piloted(world, 2)
    before = pilot.up()
    pilot.fewest = 2
    pilot.commands.restart(NAME)
    await pilot.until(lambda: len(before & pilot.living()) == 1, "one is replaced")
    await pilot.restart()
    await pilot.until(lambda: not before & pilot.living(), "all are replaced")
    await pilot.settled(2)
    assert pilot.fewest == 2
    await kept(pilot, 2)
