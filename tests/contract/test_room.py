"""What every platform holds to that says how many copies it has room for."""

from __future__ import annotations

from dataclasses import replace

from fairlead.clock import SystemClock
from fairlead.core.model import FixedEndpoint, Service
from fairlead.core.scaling.policy import Scale
from fairlead.platforms.machine_room import MachineRoom
from fairlead.ports import Room
from tests.contract.worlds import World

FEW = Scale(max=3)


def room(world: World) -> Room:
    platform = world.platform
    if world.counts:
        return world.counts
    spare = getattr(platform, "spare_ports", None)
    more = {"spare": spare} if spare else {}
    return MachineRoom(platform, platform.all, SystemClock(), 0.0, **more)  # type: ignore[attr-defined,arg-type]


def scaled(service: Service, scale: Scale) -> Service:
    return replace(service, scale=scale)


async def test_what_is_there_has_its_place(world: World) -> None:
    for _ in range(2):
        await world.start(world.service)
    most, why = await room(world).most(scaled(world.service, Scale(max=1000)))
    assert most is None or most >= 2
    assert why or most == 1000


async def test_it_is_counted_no_further_than_the_scale_can_ask(world: World) -> None:
    await world.start(world.service)
    most, why = await room(world).most(scaled(world.service, FEW))
    assert most is None or most <= 3
    assert bool(why) == (most != 3)


async def test_it_raises_nothing_while_the_platform_is_away(world: World) -> None:
    await world.start(world.service)
    await world.away()
    most, why = await room(world).most(scaled(world.service, Scale(max=1000)))
    assert why or most == 1000
    await world.back()


async def test_of_what_somebody_else_runs_it_says_nothing(world: World) -> None:
    theirs = Service("theirs", endpoints=(FixedEndpoint("127.0.0.1", 80),))
    most, why = await room(world).most(theirs)
    assert most is None
    assert why
